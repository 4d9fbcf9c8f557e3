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
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
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

Number: TypeAlias = int | float


@dataclass(frozen=True, kw_only=True)
class Range:
    """Numbers from `low` to `high`, in steps or not; `log` spreads them by their ratio."""

    low: Number
    high: Number
    log: bool = False
    step: Number | None = None

    def __post_init__(self) -> None:
        """Refuse an empty range, and one that optuna cannot draw from."""
        if not self.low < self.high:
            raise ValueError(f"low ({self.low:g}) must be below high ({self.high:g})")
        if self.step is not None and self.step <= 0:
            raise ValueError(f"step ({self.step:g}) must be positive")
        if self.log and (self.low <= 0 or self.step is not None):
            raise ValueError("log needs a low above 0, and takes no step")

    def like(self, value: Any) -> "Range":
        """The same range of whole numbers where the recipe has one, of any numbers elsewhere.

        Raises: ValueError if the recipe has no number there, or the range is not whole.
        """
        numbers = [self.low, self.high, *([] if self.step is None else [self.step])]
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(f"the recipe has {value!r} there, which is no number: give choices")
        if isinstance(value, float):
            step = None if self.step is None else float(self.step)
            return replace(self, low=float(self.low), high=float(self.high), step=step)
        if not all(isinstance(number, int) for number in numbers):
            raise ValueError("the recipe has a whole number there: low, high and step must be too")
        return self

    def distribution(self) -> BaseDistribution:
        """As optuna has it."""
        if isinstance(self.low, int) and isinstance(self.high, int):
            return IntDistribution(self.low, self.high, log=self.log, step=int(self.step or 1))
        return FloatDistribution(self.low, self.high, log=self.log, step=self.step)

    def ends(self) -> tuple[Any, ...]:
        """What must fit the recipe for all between to fit."""
        return self.low, self.high

    def drawn(self, value: Any) -> Any:
        """A value as optuna has it; None if it could not be drawn."""
        steps = 0.0 if self.step is None else (value - self.low) / self.step
        within = self.low <= value <= self.high and abs(steps - round(steps)) < 1e-9
        return value if within else None

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

    def like(self, value: Any) -> "Choice":
        """The same choice, for any value."""
        del value
        return self

    def distribution(self) -> BaseDistribution:
        """As optuna has it: by their text, as it keeps no lists."""
        return CategoricalDistribution([json.dumps(choice) for choice in self.choices])

    def ends(self) -> tuple[Any, ...]:
        """What must fit the recipe for all to fit."""
        return self.choices

    def drawn(self, value: Any) -> Any:
        """A value as optuna has it; None if it could not be drawn."""
        return next((json.dumps(choice) for choice in self.choices if choice == value), None)

    def value(self, drawn: Any) -> Any:
        """What was drawn, as the recipe has it."""
        return json.loads(drawn)


Searched: TypeAlias = Range | Choice


@dataclass(frozen=True, kw_only=True)
class SpaceFile:
    """What a space's file may say. `epochs` are those of a trial's fits."""

    name: str = ""
    recipe: str = "cnn"
    epochs: int = 40
    clip_s: float = 5.0
    values: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a search of nothing."""
        if self.epochs < 1 or self.clip_s <= 0:
            raise ValueError("epochs and clip_s must be positive")
        if not self.values:
            raise ValueError("values: name at least one value to search")
        if "training.epochs" in self.values:
            raise ValueError("training.epochs cannot be searched: they are the space's epochs")


@dataclass(frozen=True, kw_only=True)
class Space:
    """A recipe, and what is searched around it. `epochs` are those of a trial's fits."""

    name: str
    recipe: Recipe
    epochs: int
    clip_s: float
    values: Mapping[str, Searched]

    def recipe_of(self, parameters: Mapping[str, Any], name: str, epochs: int | None) -> Recipe:
        """The recipe of a trial; `epochs` None leaves them as the recipe has them."""
        table = merged(to_table(self.recipe), {"name": name})
        if epochs is not None:
            table = merged(table, {"training": {"epochs": epochs}})
        for key, drawn in parameters.items():
            table = merged(table, table_at(key, self.values[key].value(drawn)))
        return from_table(Recipe, table, self.name)

    def start(self) -> dict[str, Any]:
        """The values that the recipe has already, as they would be drawn.

        Raises: RecipeError if one of them is not among what is searched.
        """
        drawn = {}
        for key, searched in self.values.items():
            value = value_at(self.recipe, key)
            drawn[key] = searched.drawn(value)
            if drawn[key] is None:
                raise RecipeError(
                    f"{self.name}: {key}: the recipe has {value}, which is not among what is "
                    "searched; put it in, so that the search begins with what is there"
                )
        return drawn

    def distributions(self) -> dict[str, BaseDistribution]:
        """All that is drawn, by key."""
        return {key: searched.distribution() for key, searched in self.values.items()}

    def table(self) -> Table:
        """As TOML holds it, with the whole recipe."""
        values = {
            key: {k: v for k, v in vars(searched).items() if v is not None and v is not False}
            for key, searched in self.values.items()
        }
        head = {"name": self.name, "epochs": self.epochs, "clip_s": self.clip_s}
        made: Table = json.loads(json.dumps(head | {"values": values}))  # tuples become lists
        return made | {"recipe": to_table(self.recipe)}


def value_at(recipe: Recipe, key: str) -> Any:
    """A recipe's value by its key, such as `training.views`; lists as lists."""
    return reduce(lambda table, part: table[part], key.split("."), to_table(recipe))


def read_space(
    name: str,
    *,
    recipe: str | None = None,
    base: str | None = None,
    epochs: int | None = None,
    begun: Mapping[str, Any] | None = None,
) -> Space:
    """A shipped space by name, or one by the path of a TOML file.

    `recipe` takes the place of the space's own; `base` gives front-end and base of another recipe,
    such as the best of a search that both architectures share. `begun` is the table of a search
    that is gone on with: its recipe and its epochs hold where none are asked for.

    Raises: RecipeError for keys or values that no recipe has, before anything is trained.
    """
    table = read_named(name, "spaces")
    if begun and epochs is None:
        epochs = begun["epochs"]
    head = from_table(SpaceFile, table if epochs is None else table | {"epochs": epochs}, name)
    start = read_named(recipe or head.recipe, "recipes")
    if begun and not recipe and not base:
        start = begun["recipe"]
    if base:
        network = read_named(base, "recipes").get("network", {})
        shared = {part: network[part] for part in ("frontend", "base") if part in network}
        start = merged(start, {"network": shared})
    first = from_table(Recipe, start, recipe or head.recipe)
    values = {}
    for key, entry in head.values.items():
        searched = searched_in(entry, f"{name}: {key}")
        for end in searched.ends():  # what no recipe has is told by its key
            from_table(Recipe, merged(to_table(first), table_at(key, end)), name)
        try:
            values[key] = searched.like(value_at(first, key))
        except ValueError as problem:
            raise RecipeError(f"{name}: {key}: {problem}") from problem
    found = Space(
        name=head.name or Path(name).stem,
        recipe=first,
        epochs=head.epochs,
        clip_s=head.clip_s,
        values=values,
    )
    found.start()
    return found


def kept_space(folder: Path) -> Table | None:
    """The table of the search in a folder; None where there is none."""
    kept = folder / "space.toml"
    return tomllib.loads(kept.read_text(encoding="utf-8")) if kept.is_file() else None


def searched_in(entry: Any, source: str) -> Searched:
    """A range or a list of choices, from its table.

    Raises: RecipeError if it is neither.
    """
    if not isinstance(entry, Mapping):
        raise RecipeError(f"{source}: write {{ low = ..., high = ... }} or {{ choices = [...] }}")
    if "choices" in entry:
        return from_table(Choice, entry, source)
    return from_table(Range, entry, source)
