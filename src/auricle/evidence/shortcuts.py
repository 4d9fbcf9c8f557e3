"""Does it hear the sound, or what the sound was recorded with?

A classifier may cheat by anything that goes with the categories in one data set and not in the
world: how loud clips were recorded, how far the equipment reached, how much of a clip is padding.
Here each of these is made the same for all clips, and the same networks are asked again.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.progress import track
from torch import Generator, Tensor

from auricle.evidence.alterations import (
    fill_silence,
    levelled,
    low_pass,
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

COMMON_LEVEL_DB = -20.0
WIDEST_HZ = 8_000.0


@dataclass(frozen=True)
class Shortcut:
    """A cue that was taken away, and what that did; p-values are adjusted over all cues."""

    cue: str
    effect: Effect


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

    def padding(wave: Tensor, generator: Generator) -> Tensor:
        return fill_silence(wave, sample_rate_hz, generator)

    def length(wave: Tensor, _: Generator) -> Tensor:
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
        "length": length,
        "all": everything,
    }


def measure(case: Case) -> ShortcutsFound:
    """Take each cue away and ask again."""
    groups = by_rate(case.subjects)
    return ShortcutsFound(
        clips=len(case.subjects[0].targets),
        padded=count_padded(case.subjects[0]),
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
        effects = [effect(subject, after[cue][name], before[name]) for cue in steps]
        found.append(
            Tempted(
                configuration=name,
                bandwidth_hz=bandwidth_hz(sample_rate_hz),
                untouched=heard(subject, before[name]),
                shortcuts=tuple(map(Shortcut, steps, adjusted(effects))),
            )
        )
    return found


def count_padded(subject: Subject) -> int:
    """How many clips begin or end in digital silence, of a hundredth of them or more."""
    padded = 0
    for _, _, waves in subject.batches():
        first, last = sounding(waves.cpu())
        padded += int((last - first < 0.99 * waves.shape[1]).sum())
    return padded
