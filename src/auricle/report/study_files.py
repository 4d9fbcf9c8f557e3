"""A finished study, read back from its folder: every number a report may state.

Nothing is computed here and no network is run. A folder that lacks a file, or holds one that does
not parse, is refused by the name of the file.
"""

import csv
import json
import math
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, TypeVar

import numpy as np
from pydantic import BeforeValidator, TypeAdapter, ValidationError

from auricle.errors import StudyError

Read = TypeVar("Read")


def _defined(value: Any) -> Any:
    """JSON's NaN stands for a score that is not defined, such as the AUC of a class never met."""
    return None if isinstance(value, float) and math.isnan(value) else value


def _bounded(value: Any) -> Any:
    return {"value": value} if isinstance(value, int | float) else value


Figure = Annotated[float | None, BeforeValidator(_defined)]


@dataclass(frozen=True)
class Bounded:
    """A score with the ends of its 95% interval, and of its range over seeds, where it has them."""

    value: float
    low: Figure = None
    high: Figure = None
    range: tuple[float, float] | None = None


Score = Annotated[Bounded, BeforeValidator(_bounded)]


@dataclass(frozen=True)
class ClassScores:
    """How one category fared against all others."""

    category: str
    precision: Figure
    recall: Figure
    f1: Figure
    auc: Figure
    support: int


@dataclass(frozen=True)
class RocCurve:
    """Corners of one category's curve."""

    category: str
    fpr: tuple[float, ...]
    tpr: tuple[float, ...]


@dataclass(frozen=True)
class ScoreRow:
    """One set of predictions, scored. Means of scores have neither classes nor a confusion."""

    strategy: str
    seed: str
    member: str
    on: str
    declared: str
    clips: int
    accuracy: Score
    f1_macro: Score
    f1_weighted: Score
    auc_macro: Figure = None
    log_loss: Figure = None
    per_class: tuple[ClassScores, ...] = ()
    confusion: tuple[tuple[int, ...], ...] = ()
    roc: tuple[RocCurve, ...] = ()


@dataclass(frozen=True)
class Parameters:
    """Numbers that training moves, and numbers that it leaves alone."""

    trainable: int
    fixed: int


@dataclass(frozen=True)
class Layer:
    """One step of the network; `shape` is what comes out of it, without the batch."""

    part: str
    layer: str
    kind: str
    detail: str
    shape: tuple[int, ...]
    trainable: int
    fixed: int


@dataclass(frozen=True)
class Configuration:
    """A network, its size and its scores."""

    name: str
    architecture: str
    heads: int
    blocks: int
    parameters: dict[str, Parameters]
    layers: tuple[Layer, ...]
    scores: tuple[ScoreRow, ...]

    def rows(self, strategy: str, on: str | None = None) -> list[ScoreRow]:
        """The scores of a strategy, in the order of the file."""
        return [row for row in self.scores if row.strategy == strategy and on in (None, row.on)]

    def row(self, strategy: str, member: str, on: str, seed: str = "0") -> ScoreRow | None:
        """The one score that all four name, if the study has it."""
        found = (row for row in self.rows(strategy, on) if (row.member, row.seed) == (member, seed))
        return next(found, None)


@dataclass(frozen=True)
class Dataset:
    """What was classified, and how its folds were used."""

    name: str
    categories: tuple[str, ...]
    clips: int
    recordings: int
    folds: tuple[int, ...]
    test_fold: int
    development_folds: tuple[int, ...]
    skipped: int
    ignored: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class McNemar:
    """Clips that only one of two configurations got right."""

    first_only: int
    second_only: int
    p: float


@dataclass(frozen=True)
class Pair:
    """Two configurations on the same out-of-fold clips: accuracy of the first less the second's."""

    first: str
    second: str
    difference: float
    low: float
    high: float
    p_permutation: float
    p_holm: float
    mcnemar: McNemar
    verdict: str


@dataclass(frozen=True)
class Best:
    """Names the study gives its winners; a study of one architecture has no best of the other."""

    out_of_fold: str | None = None
    best_transformer: str | None = None


@dataclass(frozen=True)
class Scores:
    """`scores.json`."""

    format: int
    dataset: Dataset
    test_readings: int
    configurations: tuple[Configuration, ...]
    esc5: dict[str, dict[str, Bounded]] = field(default_factory=dict)
    comparisons: tuple[Pair, ...] = ()
    best: Best = field(default_factory=Best)


@dataclass(frozen=True)
class Fit:
    """One training: what `fit.json` says and, by column, what `history.csv` holds."""

    configuration: str
    strategy: str
    member: str
    seed: int
    train_seconds: float
    history: dict[str, np.ndarray]


@dataclass(frozen=True)
class Pictures:
    """One development clip a category: `waves` (categories, points, 2), lowest and highest sample;
    `spectra` (categories, bands, frames) in dB, their bands evenly spaced in mel.
    """

    categories: tuple[str, ...]
    files: tuple[str, ...]
    waves: np.ndarray
    spectra: np.ndarray
    seconds: float
    low_hz: float
    high_hz: float


@dataclass(frozen=True)
class Study:
    """All of a study's files that the report reads."""

    plan: dict[str, Any]
    environment: dict[str, Any]
    clips: tuple[dict[str, str], ...]
    skipped: tuple[dict[str, str], ...]
    ignored: tuple[dict[str, str], ...]
    readings: tuple[dict[str, str], ...]
    tracking: dict[str, Any]
    pictures: Pictures
    scores: Scores
    fits: tuple[Fit, ...]

    @property
    def configurations(self) -> tuple[Configuration, ...]:
        """Shorthand for `scores.configurations`."""
        return self.scores.configurations

    def fits_of(self, configuration: str, strategy: str) -> list[Fit]:
        """Fits of one configuration and strategy, by member and seed."""
        return [f for f in self.fits if (f.configuration, f.strategy) == (configuration, strategy)]

    def seconds(self, configuration: str, strategy: str) -> float | None:
        """What the fits of a strategy took together, if it has fits of its own."""
        found = self.fits_of(configuration, strategy)
        return sum(fit.train_seconds for fit in found) if found else None

    @property
    def strategies_fitted(self) -> list[str]:
        """Strategies with fits of their own, in the order of the plan."""
        fitted = {fit.strategy for fit in self.fits}
        planned = [str(name) for name in self.plan.get("strategies", [])]
        return [name for name in dict.fromkeys([*planned, *sorted(fitted)]) if name in fitted]

    @property
    def seeds(self) -> int:
        """How many seeds every fit was repeated with."""
        return len({fit.seed for fit in self.fits})

    def recipe(self, configuration: str) -> dict[str, Any]:
        """The resolved recipe of a configuration."""
        return next(
            (c for c in self.plan.get("configurations", []) if c["name"] == configuration), {}
        )


def read_study(run: Path) -> Study:
    """Read a study's folder.

    Raises: StudyError that names the file which is missing or damaged, and the mend.
    """
    if not run.is_dir():
        raise StudyError(
            f"{run}: no such folder; name the one that auricle study wrote, which holds scores.json"
        )
    scores = _read(run / "scores.json", _scores)
    readings, tracking = run / "test_reads.csv", run / "wandb.json"
    return Study(
        plan=_read(run / "study.toml", lambda path: tomllib.loads(_text(path))),
        environment=_read(run / "environment.json", _object),
        clips=_read(run / "clips.csv", _rows),
        skipped=_read(run / "skipped.csv", _rows),
        ignored=_read(run / "ignored.csv", _rows),
        readings=_read(readings, _rows) if readings.exists() else (),
        tracking=_read(tracking, _object) if tracking.exists() else {},
        pictures=_read(run / "pictures.npz", _pictures),
        scores=scores,
        fits=tuple(fit for each in scores.configurations for fit in _fits(run, each.name)),
    )


def _read(path: Path, parse: Callable[[Path], Read]) -> Read:
    if not path.is_file():
        raise StudyError(
            f"{path.parent}: not a finished study, {path.name} is missing; "
            "finish it with auricle study --resume, or name another folder"
        )
    try:
        return parse(path)
    except (ValueError, LookupError, TypeError, OSError) as problem:
        raise StudyError(
            f"{path}: cannot be read ({_first_line(problem)}); put the file back, or run the study "
            "again with --resume"
        ) from problem


def _first_line(problem: Exception) -> str:
    if isinstance(problem, ValidationError):
        first = problem.errors()[0]
        return f"{'.'.join(str(place) for place in first['loc'])}: {first['msg']}"
    return (str(problem).splitlines() or [type(problem).__name__])[0]


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _object(path: Path) -> dict[str, Any]:
    return TypeAdapter(dict[str, Any]).validate_python(json.loads(_text(path)))


def _scores(path: Path) -> Scores:
    scores = TypeAdapter(Scores).validate_python(json.loads(_text(path)))
    if scores.format != 1:
        raise ValueError(f"format {scores.format}; this auricle reads format 1")
    if not scores.configurations:
        raise ValueError("no configuration in it")
    return scores


def _rows(path: Path) -> tuple[dict[str, str], ...]:
    with path.open(encoding="utf-8", newline="") as file:
        return tuple(csv.DictReader(file))


def _pictures(path: Path) -> Pictures:
    with np.load(path, allow_pickle=False) as held:
        return Pictures(
            categories=tuple(str(name) for name in held["categories"]),
            files=tuple(str(name) for name in held["files"]),
            waves=held["waves"],
            spectra=held["spectra"],
            seconds=float(held["seconds"]),
            low_hz=float(held["low_hz"]),
            high_hz=float(held["high_hz"]),
        )


def _fits(run: Path, configuration: str) -> list[Fit]:
    found = sorted((run / configuration).glob("*/*/seed-*/fit.json"))
    if not found:
        raise StudyError(
            f"{run}: not a finished study, {configuration} has no fit.json; "
            "finish it with auricle study --resume, or name another folder"
        )
    return [_fit(path) for path in found]


def _fit(path: Path) -> Fit:
    said = _read(path, lambda file: TypeAdapter(_FitFile).validate_python(_object(file)))
    history = _read(path.with_name("history.csv"), _history)
    return Fit(
        said.configuration, said.strategy, said.member, said.seed, said.train_seconds, history
    )


@dataclass(frozen=True)
class _FitFile:
    configuration: str
    strategy: str
    member: str
    seed: int
    train_seconds: float


def _history(path: Path) -> dict[str, np.ndarray]:
    rows = _rows(path)
    if not rows:
        raise ValueError("no epoch in it")
    return {
        column: np.array([float(row[column]) if row[column] else np.nan for row in rows])
        for column in rows[0]
    }
