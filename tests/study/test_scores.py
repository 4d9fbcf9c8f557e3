"""Predictions to scores, on predictions made up for it."""

import numpy as np
import pytest

from auricle.data.clips import Clip
from auricle.study.fits import Predictions, load_predictions, save_predictions
from auricle.study.protocol import splits
from auricle.study.scores import (
    ONE,
    Member,
    Scored,
    averaged,
    compare_all,
    gather,
    pooled,
    score_entry,
)
from auricle.study.summary import predictions_csv

CATEGORIES = ("bell", "horn")


def clips_of(fold):
    return tuple(
        Clip(f"{category}/{fold}-{take}.wav", category, fold, f"{category}/{fold}-{take}")
        for category in CATEGORIES
        for take in range(3)
    )


def predictions(fold, seed=0):
    generator = np.random.default_rng([fold, seed])
    return Predictions(clips_of(fold), generator.dirichlet([1, 1], size=6))


def members(strategies, folds, *, seeds=1, configuration="cnn", test=True):
    return [
        Member(
            configuration,
            split.strategy,
            split.member,
            seed,
            1.0,
            predictions(split.validation, seed) if split.validation else None,
            predictions(split.scored, seed) if test else None,
        )
        for seed in range(seeds)
        for split in splits(strategies, folds)
    ]


def keys(scored):
    return [(entry.strategy, entry.seed, entry.member, entry.on) for entry in scored]


def gathered(strategies, folds=(1, 2, 3, 4, 5), **more):
    return list(gather("cnn", members(strategies, folds, **more), strategies, folds))


def test_without_test_only_validation_is_scored():
    assert {key[3] for key in keys(gathered(("kfold", "holdout"), test=False))} == {"out-of-fold"}


def test_holdout_alone_is_scored_alone():
    assert keys(gathered(("holdout",))) == [
        ("holdout", "0", "fold-2", "out-of-fold"),
        ("holdout", "0", "fold-2", "test"),
    ]


def test_only_fits_of_the_configuration_are_scored():
    folds = (1, 2, 3)
    both = members(("kfold",), folds) + members(("kfold",), folds, configuration="other")

    assert {entry.configuration for entry in gather("other", both, ("kfold",), folds)} == {"other"}


def test_an_ensemble_says_how_many_networks_it_holds():
    declared = {
        key: entry.declared
        for entry in gathered(("kfold", "refit", "esc5"), seeds=3)
        for key in keys([entry])
    }

    assert declared["kfold", "0", "ensemble", "test"].startswith("4 networks")
    assert declared["kfold", "ensemble", "ensemble", "test"].startswith("12 networks")
    assert declared["refit", "ensemble", "all", "test"].startswith("3 networks")
    assert declared["esc5", "ensemble", "pooled", "test"].startswith("3 networks")
    assert declared["kfold", "1", "fold-4", "out-of-fold"] == "one network, last epoch"


def test_no_ensemble_holds_a_network_that_learnt_from_what_it_scores():
    for entry in gathered(("kfold", "refit", "esc5"), seeds=2):
        if entry.member == "ensemble":
            assert {clip.fold for clip in entry.predictions.clips} == {1}


def test_averaging_takes_the_mean_of_the_same_clips_alone():
    one, other = predictions(1, 0), predictions(1, 1)

    both = averaged([one, other])

    np.testing.assert_allclose(both.probabilities, (one.probabilities + other.probabilities) / 2)
    with pytest.raises(AssertionError):
        averaged([one, predictions(2)])


def test_pooling_puts_clips_side_by_side():
    both = pooled([predictions(2), predictions(3)])

    assert both.clips == clips_of(2) + clips_of(3)
    np.testing.assert_array_equal(both.probabilities[6:], predictions(3).probabilities)


def test_predictions_come_back_from_their_file(tmp_path):
    save_predictions(tmp_path / "kept.npz", predictions(2))

    kept = load_predictions(tmp_path / "kept.npz")

    assert kept.clips == clips_of(2)
    np.testing.assert_allclose(kept.probabilities, predictions(2).probabilities, atol=1e-7)


def test_every_pair_is_compared_with_holm_over_the_pairs():
    folds, scored = (1, 2, 3, 4), []
    for number, name in enumerate(("a", "b", "c", "d")):
        own = [
            Member(name, s.strategy, s.member, 0, 1.0, predictions(s.validation, number), None)
            for s in splits(("kfold",), folds)
        ]
        scored += gather(name, own, ("kfold",), folds)

    found = compare_all(scored, CATEGORIES)

    assert [entry["first"] + entry["second"] for entry in found] == [
        "ab",
        "ac",
        "ad",
        "bc",
        "bd",
        "cd",
    ]
    assert all(entry["p_permutation"] <= entry["p_holm"] <= 1 for entry in found)
    smallest = min(found, key=lambda entry: entry["p_permutation"])
    assert smallest["p_holm"] == pytest.approx(min(1, 6 * smallest["p_permutation"]))


def test_a_row_of_predictions_can_hold_a_comma():
    clip = Clip('bell, "big".wav', "bell", 1, "r")
    (entry,) = gather(
        "cnn",
        [Member("cnn", "refit", "all", 0, 1.0, None, Predictions((clip,), np.array([[0.9, 0.1]])))],
        ("refit",),
        (1, 2, 3),
    )

    text = predictions_csv([entry], CATEGORIES)

    assert '"bell, ""big"".wav",1,bell,bell,0.9,0.1' in text


def test_a_recording_of_two_categories_is_resampled_within_each():
    """UrbanSound8K has such recordings, and so has a folder with one file in two classes."""
    clips = tuple(Clip(f"{c}{i}", c, 2, f"r{i // 2}") for c in "ab" for i in range(6))
    found = np.tile([[0.9, 0.1], [0.4, 0.6]], (6, 1))
    scored = Scored("cnn", "kfold", "0", "pooled", "out-of-fold", ONE, Predictions(clips, found), 1)

    entry = score_entry(scored, ("a", "b"))

    assert entry["accuracy"]["low"] <= entry["accuracy"]["value"] <= entry["accuracy"]["high"]
