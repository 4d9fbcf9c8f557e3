import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import metrics as oracle

from auricle.evaluation.metrics import (
    CURVE_POINTS,
    average_curve,
    class_aucs,
    roc_curve_of,
    roc_curves,
    score,
    validate,
)


def predictions(seed, clips=200, classes=5, sureness=1.5):
    generator = np.random.default_rng(seed)
    targets = generator.integers(classes, size=clips)
    logits = generator.normal(size=(clips, classes)) + sureness * np.eye(classes)[targets]
    # Rounded, so that equal probabilities occur.
    odds = np.exp(np.round(logits, 1))
    return targets, odds / odds.sum(axis=1, keepdims=True)


# Six clips of three classes, worked out by hand:
# predictions 0 1 | 1 1 | 2 0, so 4 of 6 right; F1 1/2, 4/5, 2/3.
HAND_TARGETS = np.array([0, 0, 1, 1, 2, 2])
HAND_PROBABILITIES = np.array(
    [
        [0.7, 0.2, 0.1],
        [0.3, 0.4, 0.3],
        [0.1, 0.6, 0.3],
        [0.2, 0.5, 0.3],
        [0.0, 0.2, 0.8],
        [0.5, 0.3, 0.2],
    ]
)


def test_hand_worked_scores():
    scores = score(HAND_TARGETS, HAND_PROBABILITIES)
    f1 = [1 / 2, 4 / 5, 2 / 3]
    # Class 0: 7 of 8 pairs in order; class 1: all; class 2: 0.2 beats 0.1 and loses to three 0.3.
    auc = [7 / 8, 1, 5 / 8]
    assert scores.clips == 6
    assert_allclose(scores.accuracy, 4 / 6, rtol=0, atol=1e-12)
    assert_allclose(scores.f1_macro, sum(f1) / 3, rtol=0, atol=1e-12)
    assert_allclose(scores.f1_weighted, sum(f1) / 3, rtol=0, atol=1e-12)
    assert_allclose(scores.auc_macro, sum(auc) / 3, rtol=0, atol=1e-12)
    right = np.log([0.7, 0.3, 0.6, 0.5, 0.8, 0.2])
    assert_allclose(scores.log_loss, -right.mean(), rtol=0, atol=1e-12)
    assert_allclose([c.precision for c in scores.per_class], [1 / 2, 2 / 3, 1], rtol=0, atol=1e-12)
    assert_allclose([c.recall for c in scores.per_class], [1 / 2, 1, 1 / 2], rtol=0, atol=1e-12)
    assert_allclose([c.f1 for c in scores.per_class], f1, rtol=0, atol=1e-12)
    assert_allclose([c.auc for c in scores.per_class], auc, rtol=0, atol=1e-12)
    assert [c.support for c in scores.per_class] == [2, 2, 2]
    assert_array_equal(scores.confusion, [[1, 1, 0], [0, 2, 0], [1, 0, 1]])  # rows = truth


@pytest.mark.parametrize("seed", range(3))
def test_scores_equal_scikit_learn(seed):
    targets, probabilities = predictions(seed)
    given = probabilities.argmax(axis=1)
    scores = score(targets, probabilities)
    exactly = {"rtol": 0, "atol": 1e-12}
    assert_allclose(scores.accuracy, oracle.accuracy_score(targets, given), **exactly)
    for name in ("macro", "weighted"):
        expected = oracle.f1_score(targets, given, average=name)
        assert_allclose(getattr(scores, f"f1_{name}"), expected, **exactly)
    expected = oracle.roc_auc_score(targets, probabilities, multi_class="ovr", average="macro")
    assert_allclose(scores.auc_macro, expected, **exactly)
    assert_allclose(scores.log_loss, oracle.log_loss(targets, probabilities), **exactly)
    assert_array_equal(scores.confusion, oracle.confusion_matrix(targets, given))


def test_class_absent_from_the_clips_has_no_auc_and_spoils_no_mean():
    targets, probabilities = predictions(0, classes=3)
    wider = np.concatenate([probabilities, np.zeros((len(targets), 1))], axis=1)
    scores, narrower = score(targets, wider), score(targets, probabilities)
    assert np.isnan(scores.per_class[3].auc)
    assert scores.per_class[3].support == 0
    assert scores.confusion.shape == (4, 4)
    assert scores.auc_macro == narrower.auc_macro
    assert scores.f1_macro == narrower.f1_macro
    assert 3 not in roc_curves(targets, wider)


def test_only_class_of_the_clips_has_no_auc():
    scores = score(np.ones(4, dtype=int), np.tile([0.2, 0.8], (4, 1)))
    assert scores.accuracy == 1
    assert np.isnan(scores.auc_macro)
    assert roc_curves(np.ones(4, dtype=int), np.tile([0.2, 0.8], (4, 1))) == {}


def test_perfect_and_worst_predictions():
    targets = np.repeat(np.arange(3), 4)
    perfect = score(targets, np.eye(3)[targets])
    assert (perfect.accuracy, perfect.f1_macro, perfect.auc_macro) == (1, 1, 1)
    worst = score(targets, np.eye(3)[(targets + 1) % 3])
    assert (worst.accuracy, worst.f1_macro) == (0, 0)
    assert np.isfinite(worst.log_loss)


def test_groups_change_auc_alone_and_average_it():
    targets, probabilities = predictions(1)
    groups = np.arange(len(targets)) % 4
    pooled, grouped = score(targets, probabilities), score(targets, probabilities, groups=groups)
    apart = [class_aucs(targets[groups == g], probabilities[groups == g]) for g in range(4)]
    assert_allclose([c.auc for c in grouped.per_class], np.mean(apart, axis=0), rtol=0, atol=1e-12)
    assert_allclose(grouped.auc_macro, np.mean(apart), rtol=0, atol=1e-12)
    assert grouped.auc_macro != pooled.auc_macro
    assert grouped.f1_macro == pooled.f1_macro
    assert grouped.log_loss == pooled.log_loss


def test_auc_of_groups_ignores_that_one_network_is_surer_than_another():
    # Each network ranks its own clips perfectly; their scales do not meet.
    targets = np.array([0, 1, 0, 1])
    first = np.array([0.4, 0.1, 0.9, 0.6])
    probabilities = np.stack([first, 1 - first], axis=1)
    assert score(targets, probabilities).auc_macro == 0.75
    assert score(targets, probabilities, groups=np.array([2, 2, 3, 3])).auc_macro == 1


def test_group_without_a_class_is_left_out_of_its_mean():
    targets = np.array([0, 1, 0, 1, 1, 1])
    first = np.array([0.4, 0.1, 0.9, 0.6, 0.3, 0.2])
    probabilities = np.stack([first, 1 - first], axis=1)
    assert score(targets, probabilities, groups=np.array([2, 2, 3, 3, 4, 4])).auc_macro == 1


@pytest.mark.parametrize("seed", range(3))
def test_area_under_drawn_curve_is_the_auc(seed):
    targets, probabilities = predictions(seed)
    groups = np.arange(len(targets)) % 3  # unequal groups: their rates stand on different grids
    for names in (None, groups):
        auc = class_aucs(targets, probabilities, groups=names)
        for category, (fpr, tpr) in roc_curves(targets, probabilities, groups=names).items():
            assert_allclose(oracle.auc(fpr, tpr), auc[category], rtol=0, atol=1e-12)
            assert (fpr[0], tpr[0], fpr[-1], tpr[-1]) == (0, 0, 1, 1)
            assert (np.diff(fpr) >= 0).all()
            assert (np.diff(tpr) >= 0).all()
            assert len(fpr) <= CURVE_POINTS


def test_average_of_one_curve_is_that_curve():
    targets, probabilities = predictions(2)
    curve = roc_curve_of(targets, probabilities, 1)
    for mean in (average_curve([curve]), average_curve([curve, curve])):
        grid = np.linspace(0.001, 0.999, 777)
        assert_allclose(np.interp(grid, *mean), np.interp(grid, *curve), atol=1e-12)
        assert len(mean[0]) == len(curve[0])


def test_average_of_a_perfect_and_an_inverted_curve():
    perfect = np.array([0.0, 0.0, 1.0]), np.array([0.0, 1.0, 1.0])
    inverted = np.array([0.0, 1.0, 1.0]), np.array([0.0, 0.0, 1.0])
    fpr, tpr = average_curve([perfect, inverted])
    assert_array_equal(fpr, [0, 0, 1, 1])
    assert_array_equal(tpr, [0, 0.5, 0.5, 1])


def test_long_curve_is_thinned_to_points_of_its_own():
    targets, probabilities = predictions(0, clips=5000, classes=2, sureness=0.2)
    generator = np.random.default_rng(1)
    first = np.clip(probabilities[:, 0] + generator.normal(0, 0.01, 5000), 0, 1)
    probabilities = np.stack([first, 1 - first], axis=1)
    whole = np.stack(roc_curve_of(targets, probabilities, 0), axis=1)
    drawn = np.stack(roc_curves(targets, probabilities)[0], axis=1)
    assert len(whole) > CURVE_POINTS == len(drawn)
    assert {tuple(point) for point in drawn} <= {tuple(point) for point in whole}
    assert_allclose(
        oracle.auc(drawn[:, 0], drawn[:, 1]), class_aucs(targets, probabilities)[0], atol=0.01
    )


def test_curve_of_a_class_without_clips_is_refused():
    with pytest.raises(ValueError, match="category 1 has 0 of 2 clips"):
        roc_curve_of(np.zeros(2, dtype=int), GOOD, 1)


GOOD = np.array([[0.5, 0.5], [0.1, 0.9]])
TARGETS = np.array([0, 1])


@pytest.mark.parametrize(
    ("targets", "probabilities", "groups", "message"),
    [
        (TARGETS[:1], GOOD, None, r"found \(1,\) and \(2, 2\)"),
        (TARGETS, GOOD[0], None, r"found \(2,\) and \(2,\)"),
        (TARGETS[:0], GOOD[:0], None, "0 clips"),
        (TARGETS, GOOD[:, :1], None, "1 classes"),
        (TARGETS, GOOD, np.array([1]), r"groups must be one a clip \(2,\), found \(1,\)"),
        (TARGETS.astype(float), GOOD, None, "found float64"),
        (np.array([0, 2]), GOOD, None, r"0\.\.1, found 0\.\.2"),
        (np.array([-1, 1]), GOOD, None, r"found -1\.\.1"),
        (TARGETS, np.array([[0.5, 0.5], [np.nan, 1]]), None, "clip 1 are not finite"),
        (TARGETS, np.array([[0.5, 0.5], [-1.0, 2.0]]), None, "clip 1 are negative"),
        (TARGETS, np.array([[0.5, 0.5], [0.5, 0.6]]), None, r"clip 1 sum to 1\.1000"),
    ],
)
def test_arrays_without_a_score_are_refused(targets, probabilities, groups, message):
    with pytest.raises(ValueError, match=message):
        validate(targets, probabilities, groups)


def test_rounded_probabilities_of_a_table_are_accepted():
    scores = score(TARGETS, np.array([[0.3334, 0.6671], [0.1, 0.9]], dtype=np.float32))
    assert scores.accuracy == 0.5
