"""Predictions to scores, on predictions made up for it."""

import numpy as np
import pytest

from auricle.data.clips import Clip
from auricle.evaluation.intervals import accuracy_interval
from auricle.study.fits import Predictions, load_predictions, save_predictions
from auricle.study.protocol import splits
from auricle.study.recipe import Committee
from auricle.study.scores import (
    ONE,
    Member,
    Scored,
    averaged,
    compare_all,
    esc5_entry,
    gather,
    mean_entries,
    pooled,
    score_entry,
    together,
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


def test_the_interval_of_a_mean_is_that_of_the_correctness_averaged_clip_by_clip():
    scored = gathered(("kfold",), seeds=3, test=False)
    entries = [score_entry(entry, CATEGORIES) for entry in scored]

    rows = mean_entries(scored, entries, CATEGORIES)

    (found,) = (row for row in rows if (row["seed"], row["member"]) == ("mean", "pooled"))
    clips = [clip for fold in (2, 3, 4, 5) for clip in clips_of(fold)]
    targets = np.array([CATEGORIES.index(clip.category) for clip in clips])
    hits = [
        np.concatenate([predictions(fold, seed).probabilities.argmax(1) for fold in (2, 3, 4, 5)])
        == targets
        for seed in range(3)
    ]
    names = np.array([f"{clip.category}/{clip.recording}" for clip in clips])
    expected = accuracy_interval(np.mean(hits, axis=0), targets, names)
    accuracy = found["accuracy"]
    assert (accuracy["low"], accuracy["high"]) == (expected.low, expected.high)
    assert accuracy["value"] == pytest.approx(expected.value)


def test_the_mean_of_twelve_networks_on_the_test_fold_ranges_over_seeds():
    scored = gathered(("kfold",), seeds=3)
    entries = [score_entry(entry, CATEGORIES) for entry in scored]

    rows = mean_entries(scored, entries, CATEGORIES)

    of_seeds = [row["accuracy"]["value"] for row in rows if row["member"] == "mean"][:3]
    (over,) = (row for row in rows if (row["seed"], row["member"]) == ("mean", "mean"))
    assert over["accuracy"]["value"] == pytest.approx(np.mean(of_seeds))
    assert over["accuracy"]["range"] == [min(of_seeds), max(of_seeds)]


def test_the_three_figures_of_esc5_are_of_the_clips_that_they_name():
    scored = gathered(("esc5",), seeds=2)

    found = esc5_entry(scored, CATEGORIES, test_fold=1)

    def accuracy(folds):
        hits = [
            np.array(CATEGORIES)[predictions(fold, seed).probabilities.argmax(1)]
            == [clip.category for clip in clips_of(fold)]
            for fold in folds
            for seed in range(2)
        ]
        return pytest.approx(np.mean(hits))

    assert found["all"]["value"] == accuracy((1, 2, 3, 4, 5))
    assert found["development"]["value"] == accuracy((2, 3, 4, 5))
    assert found["test"]["value"] == accuracy((1,))


def committee_of(*names, strategies=("kfold", "holdout", "refit", "esc5")):
    folds = (1, 2, 3, 4, 5)
    own = [m for name in names for m in members(strategies, folds, seeds=2, configuration=name)]
    scored = [entry for name in names for entry in gather(name, own, strategies, folds)]
    return list(together(Committee(name="both", of=names), scored)), scored


def test_a_committee_is_the_mean_of_all_seeds_of_its_members():
    found, scored = committee_of("cnn", "other")

    (pool,) = (entry for entry in found if entry.on == "out-of-fold" and entry.strategy == "kfold")
    parts = [
        s.predictions.probabilities
        for s in scored
        if (s.strategy, s.member) == ("kfold", "pooled") and s.seed != "ensemble"
    ]
    assert len(parts) == 4
    assert pool.predictions.probabilities == pytest.approx(np.mean(parts, axis=0))
    assert pool.declared == "4 networks, probabilities averaged"


def test_a_committee_counts_the_networks_that_heard_a_clip():
    declared = {key: e.declared for e in committee_of("cnn", "other")[0] for key in keys([e])}

    assert declared["kfold", "ensemble", "ensemble", "test"].startswith("16 networks")
    assert declared["refit", "ensemble", "all", "test"].startswith("4 networks")
    assert declared["holdout", "ensemble", "fold-2", "test"].startswith("4 networks")


def test_within_esc5_seeds_alone_are_averaged():
    assert "esc5" not in {entry.strategy for entry in committee_of("cnn", "other")[0]}
    assert not committee_of("cnn", "other", strategies=("esc5",))[0]
