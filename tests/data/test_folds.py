from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from auricle.data.clips import Clip
from auricle.data.duplicates import Pair
from auricle.data.folds import assign_folds, check_folds, group_duplicates
from auricle.errors import DataError


def uneven_clips(seed: int) -> list[Clip]:
    """Four classes of 60 clips, their recordings of one to eight clips each."""
    rng = np.random.default_rng(seed)
    clips = []
    for category in "abcd":
        recording = 0
        while (left := 60 - sum(c.category == category for c in clips)) > 0:
            for take in range(min(left, rng.integers(1, 9))):
                name = f"{category}/{recording}"
                clips.append(Clip(f"{name}-{take}.wav", category, 0, name))
            recording += 1
    return clips


@pytest.mark.parametrize("seed", range(5))
def test_no_recording_crosses_a_fold_and_classes_are_spread_evenly(seed):
    clips = assign_folds(uneven_clips(seed), 5, seed)

    assert len(clips) == 240
    assert len({(c.recording, c.fold) for c in clips}) == len({c.recording for c in clips})
    held = Counter((c.category, c.fold) for c in clips)
    assert all(abs(held[category, fold] - 12) <= 3 for category in "abcd" for fold in range(1, 6))
    check_folds(clips, Path("set"))


def test_single_files_are_dealt_to_within_one():
    clips = [Clip(f"{c}/{i}.wav", c, 0, f"{c}/{i}") for c in "ab" for i in range(23)]

    sizes = Counter((c.category, c.fold) for c in assign_folds(clips, 5, 0))

    assert set(sizes.values()) == {4, 5}


def test_a_recording_with_two_classes_stays_together():
    clips = [
        Clip(f"{r}-{c}-{i}.wav", c, 0, f"{r}") for r in range(12) for c in "ab" for i in range(2)
    ]

    folds = {(c.recording, c.fold) for c in assign_folds(clips, 3, 0)}

    assert len(folds) == 12


def test_the_seed_decides_and_the_order_of_clips_does_not():
    clips = uneven_clips(0)

    assert assign_folds(clips, 5, 1) == assign_folds(clips[::-1], 5, 1)
    assert assign_folds(clips, 5, 1) != assign_folds(clips, 5, 2)


def test_fewer_recordings_than_folds_are_refused():
    clips = [Clip(f"a{i}.wav", "a", 0, "one long recording") for i in range(20)]

    with pytest.raises(DataError, match="category a: 1 recordings for 5 folds"):
        assign_folds(clips, 5, 0)


def test_clips_that_pairs_connect_are_one_recording_named_by_its_first():
    clips = [Clip(name, "x", 0, "") for name in "abcde"]
    pairs = [Pair(1, 3, equal=True), Pair(3, 4, equal=False)]

    named = group_duplicates(clips, pairs)

    assert [clip.recording for clip in named] == ["a", "b", "c", "b", "b"]


def test_without_pairs_each_clip_is_a_recording():
    clips = [Clip(name, "x", 0, "") for name in "ab"]

    assert [clip.recording for clip in group_duplicates(clips, ())] == ["a", "b"]
