"""What a leak is worth: the same recipe where siblings of a recording may stand on both sides.

A demonstration, inside the development folds, of what PROTOCOL forbids everywhere else: clips are
dealt to folds one by one, whatever recording they were cut from.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from auricle.data.clips import Clip
from auricle.evaluation.intervals import Interval
from auricle.evidence.case import Case
from auricle.evidence.controls import (
    Control,
    ask,
    jobs_of,
    relabelled,
    shuffled,
    taught,
    train,
)
from auricle.evidence.effects import effect, heard, hits
from auricle.study.job import Job
from auricle.training.sounds import Array


@dataclass(frozen=True, kw_only=True)
class LeakFound:
    """Accuracy under grouped and under random folds, on the same clips.

    `siblings` are the clips that under random folds have another clip of their recording among
    those learnt from; `grouped_siblings` and `random_siblings` are accuracies on them alone.
    """

    configuration: str
    clips: int
    siblings: int
    grouped: Interval
    random: Interval
    difference: float
    low: float
    high: float
    p: float
    grouped_siblings: float | None
    random_siblings: float | None


def measure(case: Case) -> LeakFound:
    """Train under random folds, and set that beside the study's own."""
    subject, planned = case.best, jobs(case)
    train(case, planned)
    (own,) = planned.values()
    found = ask(case, taught(subject, mixed(case), own)).whole
    grouped = ask(case, subject).whole
    against = effect(subject, found, grouped)
    table = case.prepared.development
    leaked = has_sibling(subject.store.clips, dealt(table.clips, table.folds))

    def on_siblings(logits: Array) -> float | None:
        return float(hits(subject, logits)[leaked].mean()) if leaked.any() else None

    return LeakFound(
        configuration=subject.name,
        clips=len(leaked),
        siblings=int(leaked.sum()),
        grouped=heard(subject, grouped).accuracy,
        random=against.heard.accuracy,
        difference=against.difference.value,
        low=against.difference.low,
        high=against.difference.high,
        p=against.p,
        grouped_siblings=on_siblings(grouped),
        random_siblings=on_siblings(found),
    )


def jobs(case: Case) -> dict[str, list[Job]]:
    """The fits under random folds."""
    return jobs_of(case, case.best, "leak", [mixed(case)])


def mixed(case: Case) -> Control:
    """The best recipe, its clips dealt to folds by chance."""
    table = case.prepared.development
    moved = relabelled(table, dealt(table.clips, table.folds))
    return Control(case.best.recipe, dict.fromkeys(table.folds, moved))


def dealt(clips: Sequence[Clip], folds: Sequence[int]) -> dict[Clip, int]:
    """Deal the clips of each category to folds in turn, in an order drawn by chance."""
    generator = np.random.default_rng(0)
    found: dict[Clip, int] = {}
    for category in sorted({clip.category for clip in clips}):
        own = [clip for clip in clips if clip.category == category]
        for at, clip in enumerate(shuffled(own, generator)):
            found[clip] = folds[at % len(folds)]
    return found


def has_sibling(clips: Sequence[Clip], folds: dict[Clip, int]) -> Array:
    """(clips,) whether a clip of the same recording lies in another of these folds."""
    places: dict[tuple[str, str], set[int]] = {}
    for clip in clips:
        places.setdefault((clip.category, clip.recording), set()).add(folds[clip])
    return np.array([len(places[clip.category, clip.recording]) > 1 for clip in clips])
