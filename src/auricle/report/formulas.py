"""Equations, as formulas.toml holds them."""

import tomllib
from functools import cache
from importlib.resources import files

from auricle.report.document import Formula


@cache
def formula(name: str) -> Formula:
    """An equation by its name in formulas.toml."""
    text = (files("auricle.report") / "formulas.toml").read_text(encoding="utf-8")
    return Formula(**tomllib.loads(text)[name])
