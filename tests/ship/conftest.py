from collections.abc import Callable
from functools import cache as once
from pathlib import Path

import pytest

from auricle.ship.export import export


@pytest.fixture(autouse=True)
def in_small(settled: None) -> None:
    """Studies here run on one thread, with a cache of their own."""


@pytest.fixture(scope="session")
def with_onnx(
    tiny_study: Path, tiny_set: Path, cache: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Path]:
    """Bundles of the small study's configurations, with ONNX. Read them, leave them alone."""

    @once
    def exported(name: str) -> Path:
        fit = tiny_study / name / "refit" / "all" / "seed-0"
        out = tmp_path_factory.mktemp("onnx") / name
        with pytest.MonkeyPatch.context() as monkeypatch:
            monkeypatch.setenv("AURICLE_CACHE", str(cache))
            return export(fit, out, "bells", onnx=True, data=str(tiny_set))

    return exported
