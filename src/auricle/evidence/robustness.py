"""How far may a sound be altered before it is no longer recognised?"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track
from torch import Generator, Tensor

from auricle.evaluation.calibration import cross_fitted, scaled
from auricle.evidence.alterations import (
    MP3,
    OPUS,
    add_noise,
    gain,
    low_pass,
    reencode,
    reverberate,
    shorten,
)
from auricle.evidence.case import Case, Subject
from auricle.evidence.effects import (
    Alter,
    Answers,
    Effect,
    Heard,
    adjusted,
    answers,
    by_rate,
    effect,
    heard,
    untouched,
)

SHORTER = "shorter"
"""The family of clips that were cut short."""


@dataclass(frozen=True)
class Family:
    """One kind of alteration in several degrees, the mildest first, each under its label.

    `measure` says what the labels count; `alter` takes waves, a degree and a generator.
    """

    name: str
    measure: str
    degrees: Mapping[str, Any]
    alter: Callable[[Tensor, Any, Generator], Tensor]

    @property
    def hardest(self) -> str:
        """Its last degree."""
        return list(self.degrees)[-1]

    def at(self, degree: str) -> Alter:
        """Alter to one degree."""
        return lambda wave, generator: self.alter(wave, self.degrees[degree], generator)


@dataclass(frozen=True)
class Point:
    """One alteration: its degree in words, and what it did.

    `confidence` is the mean of the largest probability, at the temperatures of untouched clips;
    files of before it was asked have none.
    """

    degree: str
    effect: Effect
    confidence: float | None = None

    @property
    def promised(self) -> float:
        """By how much the confidence is above the accuracy."""
        return (
            0.0 if self.confidence is None else self.confidence - self.effect.heard.accuracy.value
        )


@dataclass(frozen=True, kw_only=True)
class Curve:
    """A family of alterations, the mildest first; p-values are adjusted over it.

    `sealed` is the hardest degree on the test fold, where that was opened.
    """

    family: str
    measure: str
    points: tuple[Point, ...]
    sealed: Heard | None

    @property
    def breaks_at(self) -> Point | None:
        """The mildest alteration that makes answers worse, told apart from chance."""
        worse = (point for point in self.points if point.effect.worse)
        return next(worse, None)


@dataclass(frozen=True, kw_only=True)
class Robust:
    """One configuration: untouched clips, and what alterations do to them."""

    configuration: str
    untouched: Heard
    sealed_untouched: Heard | None
    curves: tuple[Curve, ...]


@dataclass(frozen=True)
class RobustnessFound:
    """What was found, a configuration each."""

    configurations: tuple[Robust, ...]


def families(sample_rate_hz: int, clip_s: float) -> tuple[Family, ...]:
    """What is asked of clips of this rate and length: degrees that would change nothing are not."""
    corners_khz = [khz for khz in (8, 4, 2, 1) if 1000 * khz < sample_rate_hz / 2]
    kept_s = [seconds for seconds in (3, 2, 1, 0.5) if seconds < clip_s]
    found = (
        Family(
            "noise",
            "signal above noise, dB",
            numbers(30, 20, 15, 10, 5, 0),
            add_noise,
        ),
        Family(
            "quieter",
            "gain before 16 bits, dB",
            numbers(-10, -20, -30, -40),
            lambda wave, gain_db, _: gain(wave, gain_db),
        ),
        Family(
            "louder and clipped",
            "gain before 16 bits, dB",
            numbers(10, 20),
            lambda wave, gain_db, _: gain(wave, gain_db),
        ),
        Family(
            "low-pass",
            "corner, kHz",
            numbers(*corners_khz),
            lambda wave, corner_khz, _: low_pass(wave, 1000 * corner_khz, sample_rate_hz),
        ),
        Family(
            "reverberation",
            "time to fall by 60 dB, s",
            numbers(0.3, 0.6, 1.2),
            lambda wave, decay_s, drawn: reverberate(wave, decay_s, sample_rate_hz, drawn),
        ),
        Family(
            "mp3",
            "bit rate, kbit/s",
            {f"{codec.kbit_per_s}": codec for codec in MP3},
            lambda wave, codec, _: reencode(wave, codec, sample_rate_hz),
        ),
        Family(
            "Opus",
            "bit rate, kbit/s",
            {f"{codec.kbit_per_s}": codec for codec in OPUS},
            lambda wave, codec, _: reencode(wave, codec, sample_rate_hz),
        ),
        Family(
            SHORTER,
            "loudest part kept, s",
            numbers(*kept_s),
            lambda wave, seconds, _: shorten(wave, seconds, sample_rate_hz),
        ),
    )
    return tuple(family for family in found if family.degrees)


def numbers(*values: float) -> dict[str, float]:
    """Degrees under their own names."""
    return {f"{value:g}".replace("-", "−"): value for value in values}


def measure(case: Case) -> RobustnessFound:
    """Alter the clips, ask again, and say from where on the answers are worse than by chance."""
    sealed = by_rate(case.sealed)
    return RobustnessFound(
        tuple(
            found
            for rate, subjects in by_rate(case.subjects).items()
            for found in robust(
                subjects, sealed.get(rate, []), families(rate, case.plan.clip_s), case.console
            )
        )
    )


def robust(
    subjects: Sequence[Subject],
    sealed: Sequence[Subject],
    asked: Sequence[Family],
    console: Console,
) -> list[Robust]:
    """Curves of subjects that take the same waves; `sealed` are the same configurations."""
    before, sealed_before = answers(subjects, untouched), answers(sealed, untouched)
    after: dict[str, dict[str, Answers]] = {family.name: {} for family in asked}
    sealed_after: dict[str, Answers] = {}
    steps = [(family, degree) for family in asked for degree in family.degrees]
    for family, degree in track(steps, "altered clips", console=console, transient=True):
        after[family.name][degree] = answers(subjects, family.at(degree))
        if degree == family.hardest:
            sealed_after[family.name] = answers(sealed, family.at(degree))
    on_test = {subject.name: subject for subject in sealed}
    return [
        Robust(
            configuration=subject.name,
            untouched=heard(subject, before[subject.name]),
            sealed_untouched=heard_by(on_test.get(subject.name), sealed_before),
            curves=tuple(
                Curve(
                    family=family.name,
                    measure=family.measure,
                    points=points(subject, after[family.name], before),
                    sealed=heard_by(on_test.get(subject.name), sealed_after[family.name]),
                )
                for family in asked
            ),
        )
        for subject in subjects
    ]


def points(subject: Subject, after: Mapping[str, Answers], before: Answers) -> tuple[Point, ...]:
    """The degrees of one family, p-values adjusted over them."""
    name = subject.name
    effects = adjusted([effect(subject, found[name], before[name]) for found in after.values()])
    by_fold = cross_fitted(before[name], subject.targets, subject.folds)
    temperatures = np.array([by_fold[fold] for fold in subject.folds])
    return tuple(
        Point(degree, each, float(scaled(after[degree][name], temperatures).max(1).mean()))
        for degree, each in zip(after, effects, strict=True)
    )


def heard_by(subject: Subject | None, found: Answers) -> Heard | None:
    """How well a subject recognised its clips, if there is one."""
    return heard(subject, found[subject.name]) if subject else None
