"""Folds that no recording crosses: assigned where the data names none, checked where it does."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np

from auricle.data.clips import Clip
from auricle.data.duplicates import Pair, groups_of
from auricle.errors import DataError

UNKNOWN = "unknown"
"""What a model answers to sounds of no category."""


def assign_folds(clips: Sequence[Clip], folds: int, seed: int) -> tuple[Clip, ...]:
    """Spread recordings over folds 1 .. `folds` so that each fold has its share of each category.

    Whole recordings are dealt, the largest first, each to the fold that has fewest clips of its
    categories; equal ones in an order drawn from the seed.

    Raises:
        DataError: a category has fewer recordings than there are folds.
    """
    recordings: dict[str, list[Clip]] = defaultdict(list)
    for clip in sorted(clips, key=lambda c: c.file):
        recordings[clip.recording].append(clip)
    per_category = Counter(
        category for group in recordings.values() for category in {c.category for c in group}
    )
    for category, number in sorted(per_category.items()):
        if number < folds:
            raise DataError(
                f"category {category}: {number} recordings for {folds} folds; "
                "add recordings or leave the category out"
            )
    order = np.random.default_rng(seed).permutation(len(recordings))
    dealt = sorted(
        (list(recordings.values())[i] for i in order), key=lambda group: -len(group)
    )  # sorting is stable: equal sizes keep their drawn order
    held: Counter[tuple[int, str]] = Counter()
    sizes: Counter[int] = Counter()
    assigned = []
    for group in dealt:
        categories = {clip.category for clip in group}
        fold = min(
            range(1, folds + 1),
            key=lambda k: (sum(held[k, category] for category in categories), sizes[k]),
        )
        held.update((fold, clip.category) for clip in group)
        sizes[fold] += len(group)
        assigned += [replace(clip, fold=fold) for clip in group]
    return tuple(sorted(assigned, key=lambda c: c.file))


def check_folds(clips: Sequence[Clip], source: Path) -> None:
    """Refuse folds on which no honest score can be had.

    Raises:
        DataError: a recording stands in two folds, a category is called unknown, or as
            `check_categories`.
    """
    check_categories(clips, source)
    if any(clip.category == UNKNOWN for clip in clips):
        raise DataError(
            f"{source}: a category is called {UNKNOWN}, which is what a model answers to other "
            "sounds than it was taught; give that category another name"
        )
    fold_of: dict[str, Clip] = {}
    for clip in clips:
        other = fold_of.setdefault(clip.recording, clip)
        if other.fold != clip.fold:
            raise DataError(
                f"{source}: recording {clip.recording} stands in folds {other.fold} "
                f"({other.file}) and {clip.fold} ({clip.file}); put it into one"
            )


def check_categories(clips: Sequence[Clip], source: Path) -> None:
    """Refuse folds that do not all hold all categories.

    Raises:
        DataError: a number is left out, a fold lacks a category, or there is one category alone.
    """
    categories = sorted({clip.category for clip in clips})
    found = {clip.fold for clip in clips}
    if len(categories) == 1 and len(found) > 1:
        raise DataError(f"{source}: only one category, {categories[0]}; a classifier needs two")
    if max(found) > len(found):
        missing = next(number for number in count(1) if number not in found)
        raise DataError(
            f"{source}: fold {missing} is missing, found {', '.join(map(str, sorted(found)))}; "
            "bring its clips back or number the folds from 1 without a gap"
        )
    held = {(clip.fold, clip.category) for clip in clips}
    for category in categories:
        for fold in sorted(found):
            if (fold, category) not in held:
                recordings = len({c.recording for c in clips if c.category == category})
                raise DataError(
                    f"{source}: fold {fold} has no clip of {category} ({recordings} recordings of "
                    f"it for {len(found)} folds); add some or leave the category out"
                )


def group_duplicates(clips: Sequence[Clip], pairs: Iterable[Pair]) -> tuple[Clip, ...]:
    """Name recordings where none are known: clips that pairs connect are one, else each its own.

    A recording is named by its first clip.
    """
    groups = groups_of(len(clips), pairs)
    _, first = np.unique(groups, return_index=True)
    names = [clips[number].file for number in first]
    return tuple(
        replace(clip, recording=names[group]) for clip, group in zip(clips, groups, strict=True)
    )
