"""What a report reads of a finished search: its files, and nothing that was trained."""

import csv
import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from auricle.errors import StudyError
from auricle.report.searches import Trial


@dataclass(frozen=True)
class Tuning:
    """All of a search's files that a report reads."""

    space: dict[str, Any]
    told: dict[str, Any]
    environment: dict[str, Any]
    best: dict[str, Any]
    trials: tuple[Trial, ...]

    @property
    def name(self) -> str:
        """What was searched."""
        return str(self.space["name"])

    @property
    def whole(self) -> list[Trial]:
        """Trials that ran over all folds."""
        return [trial for trial in self.trials if trial.whole]

    @property
    def values(self) -> dict[str, Any]:
        """What is searched, by key, as `space.toml` has it."""
        found: dict[str, Any] = self.space["values"]
        return found

    @property
    def chosen(self) -> Trial | None:
        """The trial that `best.toml` is of; none if that is the recipe as it was."""
        number = str(self.told["chosen"]).removeprefix("trial-")
        return self.trial(int(number)) if number.isdigit() else None

    @property
    def kept(self) -> bool:
        """Whether the recipe as it was came out: then nothing was found."""
        return bool(self.told["chosen"] == "as-it-is")

    def stands_under(self, recipe: Mapping[str, Any]) -> bool:
        """Whether a recipe has the front-end and the base that were searched on, or found."""
        parts = [f"network.{part}" for part in ("frontend", "base")]
        return all(at(self.best, p) in (None, at(recipe, p)) for p in parts)

    def has_values(self, recipe: Mapping[str, Any]) -> bool:
        """Whether a recipe has the values that were found, on the base that they were found on."""
        found = {key: at(self.best, key) for key in self.values}
        same = (at(recipe, key) == value for key, value in found.items())
        return self.stands_under(recipe) and all(same)

    def trial(self, number: int) -> Trial:
        """A trial by its number."""
        return next(trial for trial in self.trials if trial.number == number)


def read_tuning(folder: Path) -> Tuning:
    """Read the folder of a search.

    Raises: StudyError that names what is missing or damaged.
    """
    names = ("space.toml", "tuning.json", "environment.json", "best.toml", "trials.csv")
    files = [folder / name for name in names]
    for file in files:
        if not file.is_file():
            raise StudyError(
                f"{folder}: not a finished search, {file.name} is missing; finish it with auricle "
                "tune --resume"
            )
    space, told, environment, best, rows = files
    try:
        return Tuning(
            tomllib.loads(space.read_text(encoding="utf-8")),
            json.loads(told.read_text(encoding="utf-8")),
            json.loads(environment.read_text(encoding="utf-8")),
            tomllib.loads(best.read_text(encoding="utf-8")),
            tuple(_trials(rows)),
        )
    except (ValueError, LookupError) as problem:
        raise StudyError(f"{folder}: cannot be read ({problem}); search again") from problem


def _trials(path: Path) -> Iterator[Trial]:
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            yield Trial(
                int(row["trial"]),
                row["state"] == "complete",
                float(row["score"]) if row["score"] else None,
                float(row["accuracy"]) if row["accuracy"] else None,
                float(row["seconds"] or 0),
                {key: row[key] for key in row if "." in key},
                failed=bool(row["problem"]),
                parameters=int(row["parameters_trainable"] or 0),
                fits=row.get("fits", ""),
            )


def at(table: Mapping[str, Any], key: str) -> Any:
    """A value by its dotted key; None where the table leaves it out."""
    value: Any = table
    for part in key.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value
