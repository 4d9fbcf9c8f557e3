"""What a leak is worth: the same recipe where siblings of a recording may stand on both sides.

A demonstration, inside the development folds, of what PROTOCOL forbids everywhere else: clips are
dealt to folds one by one, whatever recording they were cut from.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from auricle.data.clips import Clip
from auricle.evaluation.intervals import Interval, accuracy_interval
from auricle.evidence.case import Case, Subject
from auricle.evidence.controls import (
    Control,
    in_order,
    in_study,
    out_of_fold,
    relabelled,
    shuffled,
    train,
    versus,
)
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
    subject, table = case.best, case.prepared.development
    folds = dealt(table.clips, table.folds)
    mixed = relabelled(table, folds)
    control = Control(subject.recipe, dict.fromkeys(table.folds, mixed))
    found = out_of_fold(train(case, subject, "leak", [control])[subject.name])
    grouped = in_study(case, subject.recipe)
    assert grouped is not None
    against = versus(subject, found, grouped)
    right = {
        kind: in_order(subject, each).argmax(1) == subject.targets
        for kind, each in (("random", found), ("grouped", grouped))
    }
    leaked = has_sibling(subject.store.clips, folds)
    return LeakFound(
        configuration=subject.name,
        clips=len(leaked),
        siblings=int(leaked.sum()),
        grouped=interval_of(subject, right["grouped"]),
        random=interval_of(subject, right["random"]),
        difference=against.difference,
        low=against.low,
        high=against.high,
        p=against.p_permutation,
        grouped_siblings=float(right["grouped"][leaked].mean()) if leaked.any() else None,
        random_siblings=float(right["random"][leaked].mean()) if leaked.any() else None,
    )


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


def interval_of(subject: Subject, right: Array) -> Interval:
    """Accuracy with its interval by recording."""
    return accuracy_interval(right.astype(float), subject.targets, subject.recordings)
