"""A shortcut that was put in is found; where there is none, chance is told."""

from dataclasses import replace

import numpy as np
import pytest

from auricle.data.clips import Clip
from auricle.data.measures import Measures
from auricle.evidence.predictors import PREDICTORS, find_shortcuts

CATEGORIES = ("bell", "horn", "siren")
NEUTRAL = Measures(
    length_s=5.0,
    sample_rate_hz=16000,
    channels=1,
    level_db=-20.0,
    peak_db=-3.0,
    clipped=0.0,
    silence=0.0,
    bandwidth_hz=8000.0,
)
CLIPS = [
    Clip(f"{category}/{fold}-{take}.wav", category, fold, f"{fold}-{take}")
    for category in CATEGORIES
    for fold in (2, 3, 4)
    for take in range(12)
]


def measured(shift_db):
    """Levels that differ by so much from class to class, the rest by chance alone."""
    generator = np.random.default_rng(0)
    return [
        replace(
            NEUTRAL,
            level_db=-20 + shift_db * CATEGORIES.index(clip.category) + generator.normal(),
            length_s=5 + generator.normal(),
            silence=generator.uniform(),
            bandwidth_hz=8000 + generator.normal(),
        )
        for clip in CLIPS
    ]


def test_a_level_that_goes_with_the_class_is_found():
    found = find_shortcuts(CLIPS, measured(shift_db=6), CATEGORIES)

    by_name = {each.measures: each.accuracy for each in found.found}
    assert found.chance == pytest.approx(1 / 3)
    assert by_name["level_db",].value > 0.95
    assert by_name["level_db",].low > found.chance
    assert by_name[PREDICTORS].value > 0.9
    assert by_name["length_s",].low < found.chance


def test_without_a_shortcut_all_stay_at_chance():
    found = find_shortcuts(CLIPS, measured(shift_db=0), CATEGORIES)

    assert len(found.found) == len(PREDICTORS) + 1
    for each in found.found:
        assert each.accuracy.low <= found.chance <= each.accuracy.high, each.measures


def test_a_value_of_one_fold_helps_in_no_other():
    """Levels that tell the class within a fold and differ between folds are no shortcut."""
    rows = [
        replace(NEUTRAL, level_db=-10.0 * ((CATEGORIES.index(c.category) + c.fold) % 3))
        for c in CLIPS
    ]

    found = find_shortcuts(CLIPS, rows, CATEGORIES)

    assert found.found[0].accuracy.value < found.chance


def test_chance_is_the_largest_class():
    kept = [i for i, clip in enumerate(CLIPS) if clip.category == "bell" or i % 2]
    rows = measured(shift_db=0)

    found = find_shortcuts([CLIPS[i] for i in kept], [rows[i] for i in kept], CATEGORIES)

    assert found.chance == pytest.approx(36 / 72)
