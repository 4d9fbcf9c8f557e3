"""Does it hear the sound, or what the sound was recorded with?

A classifier may cheat by anything that goes with the categories in one data set and not in the
world: how loud clips were recorded, how far the equipment reached, how much of a clip is padding.
Here each of these is made the same for all clips, and the same networks are asked again.

What no network can hear, or too few recordings have for any test to tell, is asked and not counted
among the questions that p-values allow for. Which these are is settled before a network is asked.
Source: Tarone (1990), "A modified Bonferroni method for discrete data".
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from rich.console import Console
from rich.progress import track
from torch import Generator, Tensor

from auricle.evaluation.comparison import ALPHA
from auricle.evidence.alterations import (
    levelled,
    low_pass,
    power,
    repeat_sound,
    sounding,
    without_offset,
)
from auricle.evidence.case import Case, Subject
from auricle.evidence.effects import (
    Alter,
    Effect,
    Heard,
    adjusted,
    answers,
    by_rate,
    effect,
    heard,
    untouched,
)
from auricle.training.sounds import Array

COMMON_LEVEL_DB = -20.0
WIDEST_HZ = 8_000.0
WHOLE = 0.99
"""So much of a clip may sound for the rest to be no padding."""


@dataclass(frozen=True)
class Shortcut:
    """A cue that was taken away, and what that did.

    `recordings` have the cue, as far as a network can hear it. P-values are adjusted over the cues
    that enough have; those of others are left as they are.
    """

    cue: str
    recordings: int
    effect: Effect

    @property
    def testable(self) -> bool:
        """Whether enough recordings have the cue for a sign-flip test to tell anything at all."""
        return 2.0 ** (1 - self.recordings) <= ALPHA


@dataclass(frozen=True, kw_only=True)
class Tempted:
    """One configuration: untouched clips, and clips without each cue."""

    configuration: str
    bandwidth_hz: float
    untouched: Heard
    shortcuts: tuple[Shortcut, ...]


@dataclass(frozen=True, kw_only=True)
class ShortcutsFound:
    """What was found, a configuration each; `padded` clips begin or end in digital silence."""

    clips: int
    padded: int
    configurations: tuple[Tempted, ...]


def bandwidth_hz(sample_rate_hz: int) -> float:
    """What all clips are low-passed to: far less than a clip could have, more than a telephone."""
    return min(WIDEST_HZ, sample_rate_hz / 4)


def cues(sample_rate_hz: int) -> dict[str, Alter]:
    """By the name of a cue, how it is taken away. The last takes all."""

    def level(wave: Tensor, _: Generator) -> Tensor:
        return levelled(wave, 10 ** (COMMON_LEVEL_DB / 10))

    def reach(wave: Tensor, _: Generator) -> Tensor:
        return low_pass(wave, bandwidth_hz(sample_rate_hz), sample_rate_hz)

    def offset(wave: Tensor, _: Generator) -> Tensor:
        return without_offset(wave)

    def padding(wave: Tensor, _: Generator) -> Tensor:
        return repeat_sound(wave)

    def everything(wave: Tensor, generator: Generator) -> Tensor:
        for alter in (padding, offset, reach, level):
            wave = alter(wave, generator)
        return wave

    return {
        "level": level,
        "bandwidth": reach,
        "offset": offset,
        "padding": padding,
        "all": everything,
    }


def measure(case: Case) -> ShortcutsFound:
    """Take each cue away and ask again."""
    groups = by_rate(case.subjects)
    return ShortcutsFound(
        clips=len(case.subjects[0].targets),
        padded=int(padded(case.subjects[0]).sum()),
        configurations=tuple(
            found
            for rate, subjects in groups.items()
            for found in tempted(subjects, rate, case.console)
        ),
    )


def tempted(subjects: Sequence[Subject], sample_rate_hz: int, console: Console) -> list[Tempted]:
    """What subjects that take the same waves lose with each cue."""
    before = answers(subjects, untouched)
    steps = cues(sample_rate_hz)
    after = {
        cue: answers(subjects, steps[cue])
        for cue in track(steps, "altered clips", console=console, transient=True)
    }
    found = []
    for name, subject in ((subject.name, subject) for subject in subjects):
        carried = recordings_with(subject)
        shortcuts = [
            Shortcut(cue, carried[cue], effect(subject, after[cue][name], before[name]))
            for cue in steps
        ]
        found.append(
            Tempted(
                configuration=name,
                bandwidth_hz=bandwidth_hz(sample_rate_hz),
                untouched=heard(subject, before[name]),
                shortcuts=tuple(family(shortcuts)),
            )
        )
    return found


def family(shortcuts: Sequence[Shortcut]) -> Iterator[Shortcut]:
    """The same, those that can be told adjusted for each other."""
    told = iter(adjusted([each.effect for each in shortcuts if each.testable]))
    for each in shortcuts:
        yield replace(each, effect=next(told)) if each.testable else each


def recordings_with(subject: Subject) -> dict[str, int]:
    """How many recordings have each cue, by the clips alone and by what a front-end lets through.

    Every front-end divides a clip by its own power: how loud it was recorded reaches no network. An
    offset below the floor that is put under each clip reaches none either.
    """
    floor = 10 ** (subject.recipe.network.frontend.floor_db / 10)
    shifted = np.zeros(len(subject.targets), bool)
    for rows, _, waves in subject.batches():
        shifted[rows] = (waves.mean(1).square() > floor * power(waves)[:, 0]).cpu().numpy()
    everyone = len(np.unique(subject.recordings))
    return {
        "level": 0,
        "bandwidth": everyone,
        "offset": len(np.unique(subject.recordings[shifted])),
        "padding": len(np.unique(subject.recordings[padded(subject)])),
        "all": everyone,
    }


def padded(subject: Subject) -> Array:
    """(clips,) which begin or end in digital silence, of a hundredth of them or more."""
    found = np.zeros(len(subject.targets), bool)
    for rows, _, waves in subject.batches():
        first, last = sounding(waves.cpu())
        found[rows] = (last - first < WHOLE * waves.shape[1]).numpy()
    return found
