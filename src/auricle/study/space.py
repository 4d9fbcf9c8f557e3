"""What a tuning searches: for some values of a recipe, the range or the list they are drawn from.

    name = "cnn"
    recipe = "cnn"
    epochs = 40

    [values]
    "training.learning_rate" = { low = 1e-3, high = 1e-2, log = true }
    "network.base.widths" = { choices = [[64, 64, 64], [64, 128, 128]] }

Keys are those of `--set`. Whatever a space does not name keeps the recipe's value.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Any, TypeAlias

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from auricle.errors import RecipeError
from auricle.study.recipe import Recipe, Table, from_table, merged, read_named, table_at, to_table


@dataclass(frozen=True, kw_only=True)
class Range:
    """Numbers from `low` to `high`; whole ones if both are. `log` spreads them by their ratio."""

    low: int | float
    high: int | float
    log: bool = False
    step: int | float | None = None

    def __post_init__(self) -> None:
        """Refuse an empty range, and one that optuna cannot draw from."""
        if not self.low < self.high:
            raise ValueError(f"low ({self.low:g}) must be below high ({self.high:g})")
        if self.log and (self.low <= 0 or self.step is not None):
            raise ValueError("log needs a low above 0, and takes no step")

    def distribution(self) -> BaseDistribution:
        """As optuna has it."""
        if isinstance(self.low, int) and isinstance(self.high, int):
            step = 1 if self.step is None else int(self.step)
            return IntDistribution(self.low, self.high, log=self.log, step=step)
        return FloatDistribution(self.low, self.high, log=self.log, step=self.step)

    def ends(self) -> tuple[Any, ...]:
        """What must fit the recipe for all between to fit."""
        return self.low, self.high

    def holds(self, value: Any) -> bool:
        """Whether a value could be drawn."""
        steps = 0.0 if self.step is None else (value - self.low) / self.step
        return self.low <= value <= self.high and math.isclose(steps, round(steps), abs_tol=1e-9)

    def drawn(self, value: Any) -> Any:
        """A value as optuna has it."""
        return value

    def value(self, drawn: Any) -> Any:
        """What was drawn, as the recipe has it."""
        return drawn


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One of a list: words, numbers or lists of numbers."""

    choices: tuple[Any, ...]

    def __post_init__(self) -> None:
        """Refuse a choice that is none."""
        if len(self.choices) < 2:
            raise ValueError("choices must be two or more")

    def distribution(self) -> BaseDistribution:
        """As optuna has it: by their text, as it keeps no lists."""
        return CategoricalDistribution([json.dumps(choice) for choice in self.choices])

    def ends(self) -> tuple[Any, ...]:
        """What must fit the recipe for all to fit."""
        return self.choices

    def holds(self, value: Any) -> bool:
        """Whether a value could be drawn."""
        return self.drawn(value) in map(json.dumps, self.choices)

    def drawn(self, value: Any) -> Any:
        """A value as optuna has it."""
        return json.dumps(value)

    def value(self, drawn: Any) -> Any:
        """What was drawn, as the recipe has it."""
        return json.loads(drawn)


Searched: TypeAlias = Range | Choice

KNOWN = ("name", "recipe", "epochs", "clip_s", "values")
"""What a space's file may say."""


@dataclass(frozen=True, kw_only=True)
class Space:
    """A recipe's table, and what is searched around it. `epochs` are those of a trial's fits."""

    name: str
    recipe: Table
    epochs: int
    clip_s: float
    values: Mapping[str, Searched]

    def recipe_of(self, parameters: Mapping[str, Any], name: str, epochs: int | None) -> Recipe:
        """The recipe of a trial; `epochs` None leaves them as the recipe has them."""
        table: Table = merged(self.recipe, {"name": name})
        if epochs is not None:
            table = merged(table, {"training": {"epochs": epochs}})
        for key, drawn in parameters.items():
            table = merged(table, table_at(key, self.values[key].value(drawn)))
        return from_table(Recipe, table, self.name)

    def start(self) -> dict[str, Any]:
        """The values that the recipe has already, as they would be drawn.

        Raises: RecipeError if one of them is not among what is searched.
        """
        full = to_table(from_table(Recipe, merged(self.recipe, {"name": self.name}), self.name))
        drawn = {}
        for key, searched in self.values.items():
            value = reduce(lambda table, part: table[part], key.split("."), full)
            if not searched.holds(value):
                raise RecipeError(
                    f"{self.name}: {key}: the recipe has {value}, which is not among what is "
                    "searched; put it in, so that the search begins with what is there"
                )
            drawn[key] = searched.drawn(value)
        return drawn

    def distributions(self) -> dict[str, BaseDistribution]:
        """All that is drawn, by key."""
        return {key: searched.distribution() for key, searched in self.values.items()}


def read_space(
    name: str, *, recipe: str | None = None, base: str | None = None, epochs: int | None = None
) -> Space:
    """A shipped space by name, or one by the path of a TOML file.

    `recipe` takes the place of the space's own; `base` gives front-end and base of another recipe,
    such as the best of a search that both architectures share.

    Raises: RecipeError for keys or values that no recipe has, before anything is trained.
    """
    table = read_named(name, "spaces")
    unknown = sorted({*table} - {*KNOWN})
    if unknown:
        raise RecipeError(f"{name}: unknown key {unknown[0]}; known here: {', '.join(KNOWN)}")
    start = read_named(recipe or str(table.get("recipe", "cnn")), "recipes")
    if base:
        network = read_named(base, "recipes").get("network", {})
        shared = {part: network[part] for part in ("frontend", "base") if part in network}
        start = merged(start, {"network": shared})
    searched = table.get("values")
    if not isinstance(searched, Mapping) or not searched:
        raise RecipeError(f"{name}: values: name at least one value to search")
    found = Space(
        name=str(table.get("name", Path(name).stem)),
        recipe=start,
        epochs=epochs or int(table.get("epochs", 40)),
        clip_s=float(table.get("clip_s", 5.0)),
        values={key: searched_in(entry, f"{name}: {key}") for key, entry in searched.items()},
    )
    for key, of_key in found.values.items():
        for end in of_key.ends():
            one_value = merged(merged(start, {"name": found.name}), table_at(key, end))
            from_table(Recipe, one_value, f"{name}: {key}")
    found.start()
    return found


def searched_in(entry: Any, source: str) -> Searched:
    """A range or a list of choices, from its table.

    Raises: RecipeError if it is neither.
    """
    if not isinstance(entry, Mapping):
        raise RecipeError(f"{source}: write {{ low = ..., high = ... }} or {{ choices = [...] }}")
    if "choices" in entry:
        return from_table(Choice, entry, source)
    return from_table(Range, entry, source)


def space_table(space: Space) -> Table:
    """A space as TOML holds it."""
    values = {
        key: {
            name: value
            for name, value in vars(searched).items()
            if value is not None and value is not False
        }
        for key, searched in space.values.items()
    }
    table = {key: getattr(space, key) for key in KNOWN} | {"values": values}
    made: Table = json.loads(json.dumps(table))  # tuples become lists
    return made
