"""A finished study, read back from its folder: every number a report may state.

Nothing is computed here and no network is run. A folder that lacks a file, or holds one that does
not parse, is refused by the name of the file.
"""

import csv
import json
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from pydantic import TypeAdapter, ValidationError

from auricle.errors import StudyError
from auricle.evaluation.parity import Certificate
from auricle.evidence.command import answers_in, read_answer
from auricle.report.scores import Configuration, Scores
from auricle.report.tuning_files import Tuning, read_tuning

Read = TypeVar("Read")


@dataclass(frozen=True)
class Fit:
    """One training: what `fit.json` says and, by column, what `history.csv` holds."""

    configuration: str
    strategy: str
    member: str
    seed: int
    train_seconds: float
    history: dict[str, np.ndarray]

    @property
    def apart(self) -> bool:
        """Whether base and head, which the epochs train, were also scored without the texture."""
        alone = self.history.get("train_events_loss")
        return alone is not None and not np.isnan(alone).all()

    def trained(self, part: str, measure: str) -> np.ndarray:
        """(epochs,) `loss` or `accuracy` of what the epochs train, on `train` or `val` clips."""
        return self.history[f"{part}_events_{measure}" if self.apart else f"{part}_{measure}"]


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
class Looking:
    """Clips, and what their networks looked at, as `evidence/looking.npz` holds them.

    `spectra` (clips, bands, frames) uint8, 255 at the top of 80 dB; `envelopes` (clips, points, 2),
    lowest and highest sample; by configuration, `gradients` shaped as the spectra, uint8, and
    `attention` (clips, frames) where there is an encoder.
    """

    files: tuple[str, ...]
    spectra: np.ndarray
    envelopes: np.ndarray
    gradients: dict[str, np.ndarray]
    attention: dict[str, np.ndarray]
    seconds: float
    low_hz: float
    high_hz: float


@dataclass(frozen=True)
class Replaced:
    """Answers of a fit that was trained anew, by the same recipe and seed: how many were right."""

    noted: str
    configuration: str
    strategy: str
    member: str
    seed: str
    on: str
    clips: int
    right_before: int
    right_now: int
    trained_before: str
    trained_now: str


@dataclass(frozen=True)
class Study:
    """All of a study's files that the report reads."""

    plan: dict[str, Any]
    environment: dict[str, Any]
    clips: tuple[dict[str, str], ...]
    skipped: tuple[dict[str, str], ...]
    ignored: tuple[dict[str, str], ...]
    unusual: tuple[dict[str, str], ...]
    readings: tuple[dict[str, str], ...]
    predictions: tuple[dict[str, str], ...]
    tracking: dict[str, Any]
    pictures: Pictures
    scores: Scores
    fits: tuple[Fit, ...]
    tried: tuple[dict[str, str], ...] = ()
    replaced: tuple[Replaced, ...] = ()
    tunings: tuple[Tuning, ...] = ()
    evidence: dict[str, Any] = field(default_factory=dict)
    looking: Looking | None = None
    parity: Certificate | None = None

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
    tried, looking = run / "tried.csv", run / "evidence" / "looking.npz"
    certified, replaced = run / "parity.json", run / "replaced.csv"
    return Study(
        plan=_read(run / "study.toml", _plan),
        environment=_read(run / "environment.json", _environment),
        clips=_read(run / "clips.csv", _rows),
        skipped=_read(run / "skipped.csv", _rows),
        ignored=_read(run / "ignored.csv", _rows),
        unusual=_read(run / "unusual.csv", _rows),
        readings=_read(readings, _rows) if readings.exists() else (),
        predictions=_read(run / "predictions.csv", _predictions),
        tracking=_read(tracking, _object) if tracking.exists() else {},
        pictures=_read(run / "pictures.npz", _pictures),
        scores=scores,
        fits=tuple(fit for each in scores.configurations for fit in _fits(run, each.name)),
        tried=_read(tried, _rows) if tried.exists() else (),
        replaced=_read(replaced, _replaced) if replaced.exists() else (),
        tunings=tuple(read_tuning(file.parent) for file in sorted(run.glob("tuning/*/space.toml"))),
        evidence={
            name: _read(file, partial(read_answer, part=name), _asking_again(run, name))
            for name, file in answers_in(run).items()
        },
        looking=_read(looking, _looking, _asking_again(run, "looking"))
        if looking.exists()
        else None,
        parity=_read(certified, _certificate) if certified.exists() else None,
    )


def _asking_again(run: Path, part: str) -> str:
    return f"ask it again with auricle evidence {run} --part {part} --again"


RUN_AGAIN = "put the file back, or run the study again with --resume"


def _read(path: Path, parse: Callable[[Path], Read], mend: str = RUN_AGAIN) -> Read:
    if not path.is_file():
        raise StudyError(
            f"{path.parent}: not a finished study, {path.name} is missing; "
            "finish it with auricle study --resume, or name another folder"
        )
    try:
        return parse(path)
    except (ValueError, LookupError, TypeError, OSError) as problem:
        raise StudyError(f"{path}: cannot be read ({_first_line(problem)}); {mend}") from problem


def _first_line(problem: Exception) -> str:
    if isinstance(problem, ValidationError):
        first = problem.errors()[0]
        return f"{'.'.join(str(place) for place in first['loc'])}: {first['msg']}"
    return (str(problem).splitlines() or [type(problem).__name__])[0]


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _object(path: Path) -> dict[str, Any]:
    return TypeAdapter(dict[str, Any]).validate_python(json.loads(_text(path)))


def _plan(path: Path) -> dict[str, Any]:
    plan = tomllib.loads(_text(path))
    if not {"name", "configurations"} <= set(plan):
        raise ValueError("no name or no configuration in it")
    return plan


def _environment(path: Path) -> dict[str, Any]:
    facts = _object(path)
    datetime.fromisoformat(str(facts.get("started")))  # the date that the report carries
    return facts


def _scores(path: Path) -> Scores:
    scores = TypeAdapter(Scores).validate_python(json.loads(_text(path)))
    if scores.format != 1:
        raise ValueError(f"format {scores.format}; this auricle reads format 1")
    if not scores.configurations:
        raise ValueError("no configuration in it")
    return scores


def _certificate(path: Path) -> Certificate:
    return TypeAdapter(Certificate).validate_json(path.read_bytes())


def _rows(path: Path) -> tuple[dict[str, str], ...]:
    with path.open(encoding="utf-8", newline="") as file:
        return tuple(csv.DictReader(file))


def _replaced(path: Path) -> tuple[Replaced, ...]:
    return TypeAdapter(tuple[Replaced, ...]).validate_python(_rows(path))


def _predictions(path: Path) -> tuple[dict[str, str], ...]:
    rows = _rows(path)
    columns = {"configuration", "strategy", "seed", "member", "on"}
    columns |= {"file", "fold", "category", "prediction"}
    for row in rows[:1]:
        if lacking := sorted(columns - row.keys()):
            raise ValueError(f"no column {lacking[0]}")
    return rows


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


def _looking(path: Path) -> Looking:
    with np.load(path, allow_pickle=False) as held:

        def named(kind: str) -> dict[str, np.ndarray]:
            return {
                name.removeprefix(kind): held[name] for name in held.files if name.startswith(kind)
            }

        gradients, attention = named("gradient_"), named("attention_")
        if any(each.shape != held["spectra"].shape for each in gradients.values()):
            raise ValueError("gradients have other bands than the spectra that they lie on")
        return Looking(
            files=tuple(str(name) for name in held["files"]),
            spectra=held["spectra"],
            envelopes=held["envelopes"],
            gradients=gradients,
            attention=attention,
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
