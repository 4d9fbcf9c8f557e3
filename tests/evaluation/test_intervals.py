import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats
from sklearn import metrics as oracle

from auricle.evaluation.intervals import (
    Interval,
    Recordings,
    accuracy_interval,
    score_intervals,
    unseen_share,
)
from auricle.evaluation.metrics import class_aucs, score


def study(seed, classes=4, recordings=12, sureness=1.2):
    """Clips of recordings with 1 to 3 siblings: targets, probabilities, recordings, folds."""
    generator = np.random.default_rng(seed)
    sizes = generator.integers(1, 4, size=classes * recordings)
    recording = np.repeat(np.arange(len(sizes)), sizes)
    targets = recording // recordings
    folds = recording % 3
    logits = generator.normal(size=(len(targets), classes)) + sureness * np.eye(classes)[targets]
    odds = np.exp(np.round(logits, 1))
    names = np.array([f"{t}/{r}" for t, r in zip(targets, recording, strict=True)])
    return targets, odds / odds.sum(axis=1, keepdims=True), names, folds


def width(interval):
    return interval.high - interval.low


def test_draws_keep_the_number_of_recordings_in_each_category():
    targets, _, recordings, _ = study(0)
    sample = Recordings.of(recordings, targets)
    counts = np.concatenate(list(sample.resampled(1200, seed=0)))
    assert counts.shape == (1200, 48)
    for category in range(4):
        assert (counts[:, sample.category == category].sum(axis=1) == 12).all()
    # Drawn with replacement: a recording is missing from (1 - 1/12)^12 of the resamples.
    assert_allclose((counts == 0).mean(), (1 - 1 / 12) ** 12, atol=0.01)
    assert_allclose(counts.mean(axis=0), 1, atol=0.15)


@pytest.mark.parametrize("grouped", [False, True])
def test_intervals_equal_a_naive_loop_over_the_same_resamples(grouped):
    targets, probabilities, recordings, folds = study(1)
    groups = folds if grouped else None
    given = probabilities.argmax(axis=1)
    sample = Recordings.of(recordings, targets)
    naive = []
    for counts in np.concatenate(list(sample.resampled(80, seed=7))):
        drawn = np.repeat(np.arange(len(targets)), counts[sample.of_clip].astype(int))
        truth, guess = targets[drawn], given[drawn]
        naive.append(
            [
                oracle.accuracy_score(truth, guess),
                oracle.f1_score(truth, guess, average="macro", zero_division=0),
                oracle.f1_score(truth, guess, average="weighted", zero_division=0),
                np.nanmean(
                    class_aucs(
                        truth, probabilities[drawn], groups=folds[drawn] if grouped else None
                    )
                ),
            ]
        )
    lows, highs = np.quantile(naive, [0.025, 0.975], axis=0)
    scores = score(targets, probabilities, groups=groups)
    found = score_intervals(targets, probabilities, recordings, groups=groups, resamples=80, seed=7)
    for name, low, high in zip(
        ("accuracy", "f1_macro", "f1_weighted", "auc_macro"), lows, highs, strict=True
    ):
        interval = getattr(found, name)
        expected = [getattr(scores, name), low, high]
        assert_allclose([interval.value, interval.low, interval.high], expected, rtol=0, atol=1e-12)
    assert accuracy_interval(given == targets, targets, recordings, resamples=80, seed=7) == (
        found.accuracy
    )


def test_same_seed_same_interval_and_default_is_fixed():
    targets, probabilities, recordings, folds = study(2)
    first = score_intervals(targets, probabilities, recordings, groups=folds)
    assert score_intervals(targets, probabilities, recordings, groups=folds) == first
    generator = np.random.default_rng(0)
    assert (
        score_intervals(targets, probabilities, recordings, groups=folds, seed=generator) == first
    )
    assert score_intervals(targets, probabilities, recordings, groups=folds, seed=1) != first


def test_order_and_names_of_clips_do_not_matter():
    targets, probabilities, recordings, _ = study(3)
    shuffled = np.random.default_rng(0).permutation(len(targets))
    correct = probabilities.argmax(axis=1) == targets
    here = accuracy_interval(correct, targets, recordings)
    there = accuracy_interval(correct[shuffled], targets[shuffled], recordings[shuffled])
    numbered = np.unique(recordings, return_inverse=True)[1]
    assert here == there == accuracy_interval(correct, targets, numbered)


def test_siblings_do_not_narrow_the_interval_as_other_recordings_would():
    generator = np.random.default_rng(0)
    targets = np.repeat(np.arange(5), 20)
    correct = generator.random(100) < 0.8
    recordings = np.arange(100)
    alone = accuracy_interval(correct, targets, recordings)
    siblings = accuracy_interval(np.tile(correct, 4), np.tile(targets, 4), np.tile(recordings, 4))
    others = accuracy_interval(np.tile(correct, 4), np.tile(targets, 4), np.arange(400))
    assert siblings == alone
    assert_allclose(width(others), width(alone) / 2, rtol=0.1)


def test_interval_covers_the_true_accuracy():
    # Recordings of 1 to 4 clips, each recording wholly right or wrong with probability 0.8.
    generator = np.random.default_rng(0)
    covered, by_clip = 0, 0
    for _ in range(300):
        sizes = generator.integers(1, 5, size=120)
        correct = np.repeat(generator.random(120) < 0.8, sizes)
        recordings = np.repeat(np.arange(120), sizes)
        targets = recordings // 24
        interval = accuracy_interval(correct, targets, recordings, resamples=400)
        covered += interval.low <= 0.8 <= interval.high
        naive = accuracy_interval(correct, targets, np.arange(len(correct)), resamples=400)
        by_clip += naive.low <= 0.8 <= naive.high
    assert 0.90 <= covered / 300 <= 0.985
    assert by_clip / 300 < 0.85  # what resampling clips would have promised


def test_seed_averaged_correctness_is_accepted():
    targets, _, recordings, _ = study(4)
    generator = np.random.default_rng(0)
    by_seed = generator.random((3, len(targets))) < 0.7
    interval = accuracy_interval(by_seed.mean(axis=0), targets, recordings)
    assert_allclose(interval.value, by_seed.mean(), rtol=0, atol=1e-12)
    assert interval.low < interval.value < interval.high
    assert width(interval) < width(accuracy_interval(by_seed[0], targets, recordings))


def test_without_errors_clopper_pearson_on_recordings_bounds_the_scores():
    targets, _, recordings, folds = study(5)
    number = len(np.unique(recordings))
    low = stats.binomtest(number, number).proportion_ci(0.95, method="exact").low
    expected = Interval(1.0, pytest.approx(low, abs=1e-12), 1.0)
    right = accuracy_interval(np.ones(len(targets), dtype=bool), targets, recordings)
    assert right == expected
    found = score_intervals(targets, np.eye(4)[targets], recordings, groups=folds)
    assert (found.accuracy, found.f1_macro, found.f1_weighted, found.auc_macro) == (expected,) * 4
    wrong = accuracy_interval(np.zeros(len(targets)), targets, recordings)
    assert wrong == Interval(0.0, 0.0, pytest.approx(1 - low, abs=1e-12))


def test_unseen_share_golden_value():
    # 1 - 0.025^(1/20): the table's 16.84% for 0 of 20.
    assert_allclose(unseen_share(20), 0.16843347098308536, rtol=0, atol=1e-12)


def test_one_class_alone_has_an_accuracy_but_no_auc():
    probabilities = np.array([[0.2, 0.8], [0.7, 0.3], [0.1, 0.9]])
    found = score_intervals(np.ones(3, dtype=int), probabilities, np.array(["a", "b", "c"]))
    assert found.accuracy.value == pytest.approx(2 / 3)
    assert_array_equal(
        [found.auc_macro.value, found.auc_macro.low, found.auc_macro.high], [np.nan] * 3
    )


def test_class_absent_from_the_clips_changes_no_interval():
    targets, probabilities, recordings, folds = study(6)
    wider = np.concatenate([probabilities, np.zeros((len(targets), 1))], axis=1)
    assert score_intervals(targets, wider, recordings, groups=folds, resamples=100) == (
        score_intervals(targets, probabilities, recordings, groups=folds, resamples=100)
    )


def test_recording_in_two_categories_is_refused():
    with pytest.raises(ValueError, match="recording b stands in two categories"):
        Recordings.of(np.array(["a", "b", "b"]), np.array([0, 0, 1]))


def test_recordings_must_be_named_for_each_clip():
    with pytest.raises(ValueError, match=r"found \(2,\) and \(3,\)"):
        Recordings.of(np.array(["a", "b"]), np.array([0, 0, 1]))


@pytest.mark.parametrize(
    "correct", [np.ones((2, 3)), np.array([0, 1, 2]), np.array([0, 1, np.nan])]
)
def test_correctness_must_be_one_share_a_clip(correct):
    with pytest.raises(ValueError, match=r"correctness must be \(3,\) within 0\.\.1"):
        accuracy_interval(correct, np.zeros(3, dtype=int), np.arange(3))
