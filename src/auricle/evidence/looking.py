"""Where does the network look, and does its answer rest on what it looks at?

Two kinds of pointers (`pointers`) are put to two tests. *Planted*: the loudest moment of a clip,
alone in quiet noise at a place that was drawn, is where a pointer must peak. *Muted*: the frames
that it marks most are exchanged for the clip's quietest ones, and the answer must lose more than
without other frames. Answers to clips are the whole network's; both tests are of base and head,
through which the pointers lead.
"""

from dataclasses import dataclass

import numpy as np

from auricle.evaluation.intervals import (
    Interval,
    Recordings,
    accuracy_interval,
    bootstrap_intervals,
    mean_over_clips,
)
from auricle.evidence.case import Case, Subject
from auricle.evidence.gallery import Picture, keep, mistakes_of, pictures, worth_keeping
from auricle.evidence.pointers import GRADIENT, POINTERS
from auricle.evidence.probes import FRACTIONS
from auricle.evidence.traces import Traces, trace
from auricle.training.sounds import Array

EVENT_S, EVENT_SHARE = 0.5, 0.25
"""A planted event is half a second long, in short clips a quarter of them."""


@dataclass(frozen=True, kw_only=True)
class Planted:
    """Events at known places: `found` is the share of pointers that peak within theirs.

    `chance` is that share for a peak anywhere, `off_s` the median distance from the event's middle.
    """

    chance: float
    found: Interval
    off_s: float


@dataclass(frozen=True, kw_only=True)
class Muted:
    """How much less likely base and head find the answer without a fraction of the frames.

    The fall of its probability, a mean over clips, without those that a pointer marks, the same
    pattern at a random place, frames drawn one by one, and the loudest.
    """

    fraction: float
    marked: float
    elsewhere: float
    drawn: float
    loudest: float


@dataclass(frozen=True, kw_only=True)
class Pointer:
    """One pointer under both tests; by how much its fall exceeds the others is over all fractions.

    Intervals are of a mean over clips, as recordings are drawn. `in_quiet` is the share of clips in
    whose quieter half of frames the pointer peaks; older files lack it.
    """

    name: str
    planted: Planted
    muted: tuple[Muted, ...]
    over_elsewhere: Interval
    over_drawn: Interval
    over_loudest: Interval
    in_quiet: Interval | None = None

    @property
    def holds(self) -> bool:
        """Whether the answer rests on what is marked more than on what is not."""
        return self.over_elsewhere.low > 0 and self.over_drawn.low > 0


@dataclass(frozen=True, kw_only=True)
class Looked:
    """One configuration. `attention` names the pointer of that kind which is shown, if it has any.

    `named` is the share of planted events whose class base and head answer; `unexplained` the
    median share of the logits' difference that the gradient does not sum to; `level_found` the
    share of planted events in which the loudest frame lies, which is no pointer; older files lack
    it.
    """

    configuration: str
    event_s: float
    named: float
    unexplained: float
    pointers: tuple[Pointer, ...]
    attention: str | None
    level_found: Interval | None = None

    @property
    def failed(self) -> tuple[str, ...]:
        """Which of `gradient` and `attention` failed the test of what answers rest on."""
        kinds = {GRADIENT: "gradient", self.attention: "attention"}
        return tuple(kinds[of.name] for of in self.pointers if of.name in kinds and not of.holds)


@dataclass(frozen=True, kw_only=True)
class LookingFound:
    """What was found, and pictures of what one configuration looks at."""

    configurations: tuple[Looked, ...]
    shown: str
    pictures: tuple[Picture, ...]
    seconds: float
    low_hz: float
    high_hz: float


def measure(case: Case) -> LookingFound:
    """Follow every network's pointers over all clips, test them, and keep what they show."""
    event_s = min(EVENT_S, EVENT_SHARE * case.plan.clip_s)
    traces = [trace(case, subject, event_s) for subject in case.subjects]
    looked = tuple(
        judged(subject, found, event_s, case.plan.clip_s)
        for subject, found in zip(case.subjects, traces, strict=True)
    )
    first = case.subjects[0]
    probabilities = np.stack([found.probabilities for found in traces])
    rows = worth_keeping(mistakes_of(case, first), probabilities, first.targets)
    keep(case, rows, traces, [each.attention for each in looked])
    at = next((at for at, each in enumerate(looked) if each.attention), 0)
    return LookingFound(
        configurations=looked,
        shown=looked[at].configuration,
        pictures=pictures(case.subjects[at], traces[at], looked[at].attention),
        seconds=case.plan.clip_s,
        low_hz=first.recipe.network.frontend.low_hz,
        high_hz=first.recipe.network.frontend.high_hz,
    )


def judged(subject: Subject, found: Traces, event_s: float, clip_s: float) -> Looked:
    """The tests of one configuration's pointers; of two kinds of attention the better is shown."""
    names = POINTERS[: found.marks.shape[1]]
    pointers = tuple(
        pointer(name, at, subject, found, event_s, clip_s) for at, name in enumerate(names)
    )
    attentions = range(1, len(names))
    best = max(attentions, key=lambda at: float(found.marked[:, at].mean()), default=None)
    return Looked(
        configuration=subject.name,
        event_s=event_s,
        named=float(found.named.mean()),
        unexplained=float(np.median(found.unexplained)),
        pointers=pointers,
        attention=None if best is None else names[best],
        level_found=share_of(within(found.loudest_s, event_s), subject),
    )


def within(peak_s: Array, event_s: float) -> Array:
    """Whether a peak lies in the event that starts at zero; any shape."""
    inside: Array = (peak_s >= 0) & (peak_s <= event_s)
    return inside


def share_of(clips: Array, subject: Subject) -> Interval:
    """The share of clips (clips,) of which something is so."""
    return accuracy_interval(clips, subject.targets, subject.recordings)


def pointer(
    name: str, at: int, subject: Subject, found: Traces, event_s: float, clip_s: float
) -> Pointer:
    """The tests of one pointer, the one at a place in the traces."""
    peak_s, marked, elsewhere = found.peak_s[:, at], found.marked[:, at], found.elsewhere[:, at]

    def excess(over: Array) -> Interval:
        return mean_interval((marked - over).mean(1), subject)

    return Pointer(
        name=name,
        planted=Planted(
            chance=event_s / clip_s,
            found=share_of(within(peak_s, event_s), subject),
            off_s=float(np.median(np.abs(peak_s - event_s / 2))),
        ),
        muted=tuple(
            Muted(fraction=fraction, marked=m, elsewhere=e, drawn=d, loudest=loud)
            for fraction, m, e, d, loud in zip(
                FRACTIONS,
                *(
                    each.mean(0).astype(float).tolist()
                    for each in (marked, elsewhere, found.drawn, found.loudest)
                ),
                strict=True,
            )
        ),
        over_elsewhere=excess(elsewhere),
        over_drawn=excess(found.drawn),
        over_loudest=excess(found.loudest),
        in_quiet=share_of(found.in_quiet[:, at], subject),
    )


def mean_interval(values: Array, subject: Subject) -> Interval:
    """Mean of one value a clip, and its 95% interval as recordings are drawn."""
    sample = Recordings.of(subject.recordings, subject.targets)
    (interval,) = bootstrap_intervals(mean_over_clips(values, sample), sample)
    return interval
