"""Folds that no recording crosses: assigned where the data names none, checked where it does."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from auricle.data.audio import content_hash
from auricle.errors import DataError

if TYPE_CHECKING:
    from auricle.data.clips import Clip


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
    for category, count in sorted(per_category.items()):
        if count < folds:
            raise DataError(
                f"category {category}: {count} recordings for {folds} folds; "
                "add recordings, ask for fewer folds or leave the category out"
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
        DataError: a number is left out, a fold lacks a category, a recording stands in two folds,
            or there is one category alone.
    """
    categories = sorted({clip.category for clip in clips})
    found = {clip.fold for clip in clips}
    if len(categories) == 1 and len(found) > 1:
        raise DataError(f"{source}: only one category, {categories[0]}; a classifier needs two")
    missing = sorted(set(range(1, max(found) + 1)) - found)
    if missing:
        raise DataError(
            f"{source}: fold {missing[0]} is missing, found {', '.join(map(str, sorted(found)))}; "
            "bring its clips back or number the folds from 1 without a gap"
        )
    fold_of: dict[str, Clip] = {}
    for clip in clips:
        other = fold_of.setdefault(clip.recording, clip)
        if other.fold != clip.fold:
            raise DataError(
                f"{source}: recording {clip.recording} stands in folds {other.fold} "
                f"({other.file}) and {clip.fold} ({clip.file}); put it into one"
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


def group_duplicates(clips: Sequence[Clip], root: Path) -> tuple[tuple[Clip, ...], int]:
    """Name recordings where none are known: files with the same bytes are one, else each its own.

    Returns the clips with their recordings, and how many files repeat an earlier one.
    """
    first: dict[str, str] = {}
    named = []
    for clip in sorted(clips, key=lambda c: c.file):
        content = content_hash(root / clip.file) or clip.file
        named.append(replace(clip, recording=first.setdefault(content, clip.file)))
    return tuple(named), len(named) - len(first)
