from itertools import product

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats

from auricle.evaluation.comparison import (
    Comparison,
    compare,
    holm,
    mcnemar_p,
    sign_flip_p,
    verdict,
)
from auricle.evaluation.intervals import unseen_share

CLIPS = 120
RECORDINGS = np.arange(CLIPS) // 2  # two siblings each
TARGETS = RECORDINGS // 12


def hits(seed, accuracy, seeds=1):
    return np.random.default_rng(seed).random((seeds, CLIPS)) < accuracy


def test_identical_configurations_differ_by_nothing():
    correct = hits(0, 0.8, seeds=3)
    comparison = compare(correct, correct, RECORDINGS, TARGETS)
    # No recording tells them apart: up to this share of others might.
    bound = unseen_share(60)
    assert comparison == Comparison(0.0, -bound, bound, 1.0, 0, 0, 1.0)
    told = verdict("cnn", "transformer-h1", comparison, comparison.p_permutation)
    assert told == (
        "cnn and transformer-h1 cannot be told apart "
        "(difference +0.0 points, 95% interval -6.0 to +6.0, p = 1.00)"
    )


def test_exchanging_the_two_turns_the_signs_alone():
    a, b = hits(0, 0.9), hits(1, 0.7)
    there, back = (
        compare(a, b, RECORDINGS, TARGETS, seed=3),
        compare(b, a, RECORDINGS, TARGETS, seed=3),
    )
    assert there.difference == -back.difference
    assert_allclose([there.low, there.high], [-back.high, -back.low], atol=1e-12)
    assert there.p_permutation == back.p_permutation
    assert there.p_mcnemar == back.p_mcnemar
    assert (there.discordant_a, there.discordant_b) == (back.discordant_b, back.discordant_a)


def test_difference_is_of_seed_means_and_discordance_of_the_first_seed():
    a, b = hits(0, 0.85, seeds=3), hits(1, 0.8, seeds=2)
    comparison = compare(a, b, RECORDINGS, TARGETS)
    assert_allclose(comparison.difference, a.mean() - b.mean(), rtol=0, atol=1e-12)
    assert comparison.low < comparison.difference < comparison.high
    assert comparison.discordant_a == np.count_nonzero(a[0] & ~b[0])
    assert comparison.discordant_b == np.count_nonzero(b[0] & ~a[0])
    first = compare(a[0], b[0], RECORDINGS, TARGETS)
    assert first.p_mcnemar == comparison.p_mcnemar
    # Seeds said thrice over are the same seeds.
    again = compare(np.tile(a, (3, 1)), b, RECORDINGS, TARGETS)
    assert_allclose(again.p_permutation, comparison.p_permutation, rtol=1e-12)
    assert_allclose(
        [again.difference, again.low, again.high],
        [comparison.difference, comparison.low, comparison.high],
        rtol=1e-12,
    )


def test_siblings_do_not_make_a_difference_surer():
    alone_a, alone_b = hits(0, 0.9)[0], hits(1, 0.75)[0]
    recordings, targets = np.arange(CLIPS), np.arange(CLIPS) // 24
    alone = compare(alone_a, alone_b, recordings, targets)
    siblings = compare(*(np.tile(values, 4) for values in (alone_a, alone_b, recordings, targets)))
    assert siblings.p_permutation == alone.p_permutation
    assert_allclose([siblings.low, siblings.high], [alone.low, alone.high], atol=1e-12)
    assert siblings.p_mcnemar < alone.p_mcnemar  # McNemar counts clips, and is misled


@pytest.mark.parametrize("gains", [[3, -1, 2, 0, 5], [1, 1, 1, 1, -1], [-4, -4, 4], [6], [2, -2]])
def test_permutation_p_equals_all_sign_flips(gains):
    sums = [np.dot(signs, gains) for signs in product([-1, 1], repeat=len(gains))]
    expected = np.mean(np.abs(sums) >= abs(sum(gains)))
    assert_allclose(sign_flip_p(np.array(gains)), expected, rtol=0, atol=1e-12)


def test_permutation_p_agrees_with_random_flips():
    generator = np.random.default_rng(0)
    gains = generator.integers(-3, 5, size=60)
    flips = generator.choice([-1, 1], size=(20_000, 60)) @ gains
    assert_allclose(sign_flip_p(gains), np.mean(np.abs(flips) >= abs(gains.sum())), atol=0.01)


def test_permutation_p_of_one_clip_each_is_mcnemar():
    # Unit gains: a flipped sign is a coin, so both tests are the same binomial.
    for only_a, only_b in [(8, 0), (7, 3), (5, 5), (12, 30)]:
        gains = np.array([1] * only_a + [-1] * only_b + [0] * 10)
        assert_allclose(sign_flip_p(gains), mcnemar_p(only_a, only_b), rtol=1e-12)


def test_permutation_p_is_level_when_neither_is_better():
    generator = np.random.default_rng(0)
    p_values = []
    for _ in range(500):
        # Siblings of a recording share their luck; both configurations have the same accuracy.
        siblings = generator.integers(1, 20, size=60)
        a, b = (generator.random((2, 60)) < 0.75).astype(int)
        p_values.append(sign_flip_p(siblings * (a - b)))
    for level in (0.05, 0.25, 0.5, 0.75):
        assert np.mean(np.array(p_values) <= level) == pytest.approx(level, abs=0.06)
    assert np.mean(np.array(p_values) <= 0.05) <= 0.075


def test_interval_covers_the_true_difference():
    generator = np.random.default_rng(1)
    covered = 0
    for _ in range(300):
        a = np.repeat(generator.random(60) < 0.85, 2)
        b = np.repeat(generator.random(60) < 0.70, 2)
        comparison = compare(a, b, RECORDINGS, TARGETS, resamples=400)
        covered += comparison.low <= 0.15 <= comparison.high
    assert 0.89 <= covered / 300 <= 0.985


def test_clear_winner_is_named():
    a, b = np.ones(CLIPS, dtype=bool), hits(0, 0.7)[0]
    comparison = compare(b, a, RECORDINGS, TARGETS)
    told = verdict("cnn", "transformer-h2", comparison, comparison.p_permutation)
    assert told.startswith(
        "transformer-h2 is better than cnn (cnn less transformer-h2: difference -"
    )
    assert told.endswith("p < 0.0001)")


def test_mcnemar_equals_binomial_tables():
    assert mcnemar_p(0, 0) == 1
    assert_allclose(mcnemar_p(8, 0), 2 / 2**8, rtol=0, atol=1e-12)
    assert_allclose(mcnemar_p(3, 7), 352 / 1024, rtol=0, atol=1e-12)
    assert mcnemar_p(4, 15) == stats.binomtest(4, 19, 0.5).pvalue
    # One fold of 80 clips decides nothing short of 8 : 0, once six pairs are asked.
    assert (
        holm([mcnemar_p(8, 0), 1, 1, 1, 1, 1])[0] < 0.05 < holm([mcnemar_p(7, 0), 1, 1, 1, 1, 1])[0]
    )


def test_holm_worked_example():
    # Sorted 0.005 0.01 0.03 0.04, times 4 3 2 1: 0.02 0.03 0.06 0.04, and never falling.
    assert_allclose(holm([0.01, 0.04, 0.03, 0.005]), [0.03, 0.06, 0.06, 0.02], atol=1e-12)
    assert_allclose(holm([0.2, 0.9, 0.8]), [0.6, 1, 1], atol=1e-12)
    assert holm([0.04]) == [0.04]
    assert holm([]) == []


@pytest.mark.parametrize(
    ("p_adjusted", "alpha", "expected"),
    [
        (
            0.41,
            0.05,
            "a and b cannot be told apart (difference +0.9 points, 95% interval -0.6 to "
            "+2.4, p = 0.41)",
        ),
        (
            0.0496,
            0.05,
            "a is better than b (a less b: difference +0.9 points, 95% interval -0.6 to "
            "+2.4, p = 0.0496)",
        ),
        (
            0.0496,
            0.01,
            "a and b cannot be told apart (difference +0.9 points, 95% interval -0.6 to "
            "+2.4, p = 0.0496)",
        ),
    ],
)
def test_verdict_follows_the_adjusted_p(p_adjusted, alpha, expected):
    comparison = Comparison(0.009, -0.006, 0.024, 0.01, 5, 3, 0.7)
    assert verdict("a", "b", comparison, p_adjusted, alpha=alpha) == expected


def test_fractional_correctness_is_refused():
    correct = hits(0, 0.8, seeds=3)
    with pytest.raises(ValueError, match=r"boolean, \(seeds, 120\), found float64 \(120,\)"):
        compare(correct.mean(axis=0), correct, RECORDINGS, TARGETS)
    with pytest.raises(ValueError, match=r"found bool \(3, 100\)"):
        compare(correct, correct[:, :100], RECORDINGS, TARGETS)
