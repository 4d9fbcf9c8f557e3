"""What a study runs: recipes of configurations, and the plan that brings them together.

A recipe is everything that makes one configuration what it is; a plan says on which data, under
which strategies and with how many seeds it runs. Both are TOML files that state what differs from
the defaults, which stand beside the code they configure.
"""

import dataclasses
import difflib
import hashlib
import json
import math
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_type_hints

import tomli_w
from pydantic import TypeAdapter, ValidationError

from auricle.data.readers import Columns
from auricle.errors import RecipeError
from auricle.network.classifier import NetworkConfig
from auricle.training.augment import AugmentConfig
from auricle.training.fit import TrainingConfig

TAKEN = frozenset({"report", "evidence", "tuning"})
"""Folders of a study that are no configuration's."""

Strategy = Literal["kfold", "holdout", "refit", "esc5"]
Table = dict[str, Any]
Config = TypeVar("Config")


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """One configuration: its network, how it is trained, and on which views of the clips."""

    name: str
    network: NetworkConfig = field(default_factory=NetworkConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    augment: AugmentConfig = field(default_factory=AugmentConfig)

    def __post_init__(self) -> None:
        """Refuse a name that cannot be a folder of its own in a study's."""
        if not re.fullmatch(r"[A-Za-z0-9]([\w.-]*[\w-])?", self.name):
            raise ValueError(f"name {self.name!r}: letters, digits, dots and dashes make a name")
        if self.name.casefold() in TAKEN:
            raise ValueError(f"name {self.name!r}: a study has a folder of that name already")


def shortest_s(network: NetworkConfig) -> float:
    """Seconds that a clip must have: a step of the base, and a window of the front-end."""
    frontend = network.frontend
    return max(network.step_s, frontend.window / frontend.sample_rate_hz)


@dataclass(frozen=True, kw_only=True)
class Committee:
    """Networks that answer together: every seed of some configurations, probabilities averaged."""

    name: str
    of: tuple[str, ...]

    def __post_init__(self) -> None:
        """Refuse a committee of one: what its seeds are worth together is scored anyway."""
        if len({*self.of}) < max(2, len(self.of)):
            raise ValueError(f"committee {self.name}: name two configurations or more, each once")


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A whole study.

    `columns`, `root` and `subset` are those of a CSV of labels. `esc5`, the dearest strategy, is
    for the configurations that `esc5_of` names, or for all.
    """

    name: str
    data: str = "esc10"
    columns: Columns | None = None
    root: str | None = None
    subset: str | None = None
    clip_s: float = 5.0
    strategies: tuple[Strategy, ...] = ("kfold", "holdout", "refit")
    seeds: int = 1
    test: bool = False
    configurations: tuple[Recipe, ...] = ()
    committees: tuple[Committee, ...] = ()
    esc5_of: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a plan with nothing to do, or with two configurations of one name."""
        names = [recipe.name for recipe in self.configurations]
        if strangers := sorted({*self.esc5_of} - {*names}):
            raise ValueError(
                f"esc5_of names {', '.join(strangers)}; this plan has {', '.join(names)}"
            )
        for committee in self.committees:
            if strangers := sorted({*committee.of} - {*names}):
                raise ValueError(
                    f"committee {committee.name} is of {', '.join(strangers)}; "
                    f"this plan has {', '.join(names)}"
                )
        names += [committee.name for committee in self.committees]
        if not self.configurations or not self.strategies:
            raise ValueError("name at least one configuration and one strategy")
        if self.seeds < 1 or not 0 < self.clip_s < math.inf:
            raise ValueError(f"seeds ({self.seeds}) and clip_s ({self.clip_s:g}) must be positive")
        for recipe in self.configurations:
            if self.clip_s < (shortest := shortest_s(recipe.network)):
                raise ValueError(
                    f"clip_s {self.clip_s:g}: {recipe.name} needs at least {shortest:g} s"
                )
        if len({name.casefold() for name in names}) < len(names):  # folders, on some systems one
            raise ValueError(f"two configurations have one name: {', '.join(sorted(names))}")
        if {"refit", "esc5"} & set(self.strategies) and not self.test:
            raise ValueError(
                "refit and esc5 are scored on the test fold: ask for it with --test, or leave "
                "them out"
            )

    def strategies_of(self, configuration: str) -> tuple[Strategy, ...]:
        """What one configuration is trained and scored under."""
        without_esc5 = self.esc5_of and configuration not in self.esc5_of
        return tuple(s for s in self.strategies if not (s == "esc5" and without_esc5))

    def extends(self, other: "Plan") -> bool:
        """Whether this plan asks for all that another does, and perhaps for more.

        More seeds, strategies, configurations, committees or the test fold; the fits that the
        other has are fits of this one too.
        """
        names = [recipe.name for recipe in other.configurations]
        return (
            {*other.configurations} <= {*self.configurations}
            and all({*other.strategies_of(name)} <= {*self.strategies_of(name)} for name in names)
            and other.seeds <= self.seeds
            and other.test <= self.test
            and {*other.committees} <= {*self.committees}
            and self.what_for() == other.what_for()
        )

    def what_for(self) -> tuple[Any, ...]:
        """Its name and its clips: what may not change while a study grows."""
        return (self.name, self.data, self.columns, self.root, self.subset, self.clip_s)


def to_table(config: Any) -> Table:
    """A configuration as TOML holds it; what is not set is left out."""
    table = dataclasses.asdict(config)
    made: Table = json.loads(json.dumps(table), object_hook=_without_none)  # tuples become lists
    return made


def _without_none(table: Table) -> Table:
    return {key: value for key, value in table.items() if value is not None}


def to_toml(config: Any) -> str:
    """Every value of a configuration, as TOML."""
    return tomli_w.dumps(to_table(config))


def recipe_hash(recipes: tuple[Recipe, ...]) -> str:
    """A short name for what was run, the same wherever it is run."""
    content = json.dumps([to_table(recipe) for recipe in recipes], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:12]


def from_table(kind: type[Config], table: Mapping[str, Any], source: str) -> Config:
    """Build a configuration from a TOML table.

    Raises: RecipeError naming `source`, the key, what it holds and what it should hold.
    """
    _check_keys(kind, table, source, ())
    try:  # as JSON, in which a list may be a tuple though nothing else is bent to fit
        return TypeAdapter(kind).validate_json(json.dumps(table, default=str), strict=True)
    except ValidationError as problem:
        first = problem.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        message = first["msg"].removeprefix("Value error, ")
        found = "" if first["type"] == "value_error" else f", found {first['input']!r}"
        raise RecipeError(f"{source}: {where + ': ' if where else ''}{message}{found}") from problem


def _check_keys(kind: Any, table: Any, source: str, path: tuple[str, ...]) -> None:
    """Refuse a key that no configuration has, naming the one that was meant."""
    if isinstance(table, list):
        for item in table:
            _check_keys(kind, item, source, path)
    parts = [part for part in (kind, *get_args(kind)) if dataclasses.is_dataclass(part)]
    if not (parts and isinstance(table, Mapping)):
        return
    hints = get_type_hints(parts[0])
    for key, value in table.items():
        if key not in hints:
            raise RecipeError(_unknown(source, (*path, key), tuple(hints)))
        _check_keys(hints[key], value, source, (*path, key))


def _unknown(source: str, path: tuple[str, ...], known: tuple[str, ...]) -> str:
    near = difflib.get_close_matches(path[-1], known, n=1, cutoff=0.5)
    mend = f"did you mean {near[0]}?" if near else f"known here: {', '.join(known)}"
    return f"{source}: unknown key {'.'.join(path)}; {mend}"


def read_plan(name: str) -> Table:
    """The table of a plan: the name of a shipped one, or the path of a TOML file.

    The file of a recipe, such as a search's `best.toml`, is a plan of one configuration, out of
    fold.
    """
    table = read_named(name, "plans")
    if not set(table) & {"network", "training", "augment"}:
        return table
    called = table.get("name", Path(name).stem)
    return {"name": called, "strategies": ["kfold"], "configurations": [table]}


def read_recipe(name: str, changes: Mapping[str, Any] = {}) -> Recipe:
    """A recipe by the name of a shipped one or by path, with some values changed."""
    table = read_named(name, "recipes")
    return from_table(Recipe, merged(table, changes), name)


def merged(table: Mapping[str, Any], changes: Mapping[str, Any]) -> Table:
    """A table with the values of another laid over it, tables within tables too."""
    result = dict(table)
    for key, value in changes.items():
        nested = isinstance(value, Mapping) and isinstance(result.get(key), Mapping)
        result[key] = merged(result[key], value) if nested else value
    return result


def parse_change(text: str) -> Table:
    """`training.views=8` as a table; the value is read as TOML, a bare word as text.

    Raises: RecipeError without an equals sign.
    """
    dotted, equals, value = text.partition("=")
    if not equals:
        raise RecipeError(f"--set {text}: write KEY=VALUE, such as training.views=8")
    try:
        parsed = tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        parsed = value
    return table_at(dotted.strip(), parsed)


def table_at(dotted: str, value: Any) -> Table:
    """A value at a place within tables: `training.views` and 8 as `{training: {views: 8}}`."""
    table: Any = value
    for key in reversed(dotted.split(".")):
        table = {key: table}
    return dict(table)


def plan_from(table: Mapping[str, Any], changes: Mapping[str, Any], source: str) -> Plan:
    """A plan from its table; `every` and then `changes` are laid over each of its recipes.

    Raises: RecipeError as `from_table`.
    """
    table = dict(table)
    every, asked = table.pop("every", {}), table.get("configurations", [])
    if not isinstance(every, Mapping) or not isinstance(asked, list):
        raise RecipeError(f"{source}: every is a table, configurations a list of names or tables")
    every = merged(every, changes)
    recipes = [
        read_recipe(item, every)
        if isinstance(item, str)
        else from_table(Recipe, merged(item, every), source)
        for item in asked
    ]
    tables = [to_table(recipe) for recipe in recipes]
    return from_table(Plan, {**table, "configurations": tables}, source)


def read_named(name: str, kind: Literal["recipes", "plans", "spaces"]) -> Table:
    """The table of a TOML file, by its path or by the name of a shipped one."""
    if name.endswith(".toml"):
        path: Path | Traversable = Path(name)
        if not path.is_file():
            raise RecipeError(f"{name}: no such file")
    else:
        shipped = resources.files("auricle") / "recipes"
        folder = shipped if kind == "recipes" else shipped / kind
        path = folder / f"{name}.toml"
        if not path.is_file():
            names = sorted(f.name[:-5] for f in folder.iterdir() if f.name.endswith(".toml"))
            near = difflib.get_close_matches(name, names, n=1)
            mend = f"did you mean {near[0]}?" if near else f"shipped ones: {', '.join(names)}."
            raise RecipeError(f"{name}: no such {kind[:-1]}; {mend} Or give a path to a .toml file")
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise RecipeError(f"{name}: not TOML ({problem})") from problem
