"""Which of two configurations is better on the same clips, and whether that can be told at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import lcm

import numpy as np
from scipy import stats

from auricle.evaluation.intervals import (
    RESAMPLES,
    Recordings,
    bootstrap_intervals,
    mean_over_clips,
    unseen_share,
)
from auricle.evaluation.metrics import Array

ALPHA = 0.05
"""An adjusted p of at most this is a difference that chance does not explain."""


@dataclass(frozen=True)
class Comparison:
    """Configuration a against b: accuracy of a less that of b, and what speaks for chance.

    `p_permutation` and the 95% interval hold all seeds; `discordant_a` (clips that only a got
    right), `discordant_b` and `p_mcnemar` the first seed alone.
    """

    difference: float
    low: float
    high: float
    p_permutation: float
    discordant_a: int
    discordant_b: int
    p_mcnemar: float


def compare(
    correct_a: Array,
    correct_b: Array,
    recordings: Array,
    targets: Array,
    *,
    resamples: int = RESAMPLES,
    seed: int | np.random.Generator = 0,
) -> Comparison:
    """Set two configurations side by side on the clips that both have scored.

    correct_a, correct_b: (clips,) or (seeds, clips) truth values, the seeds of each its own;
    recordings, targets: (clips,). The difference is that of the seeds' mean correctness, its
    interval is from recordings drawn within category. Where no recording tells the two apart,
    Clopper-Pearson bounds the share of those that might.

    Raises: ValueError if shapes differ, correctness is not boolean, or a recording stands in two
    categories.
    """
    sample = Recordings.of(recordings, targets)
    a, b = _by_seed(correct_a, targets), _by_seed(correct_b, targets)
    # Whole numbers: each seed's hits, weighted so that both configurations count the same.
    seeds = lcm(len(a), len(b))
    gain = a.sum(axis=0) * (seeds // len(a)) - b.sum(axis=0) * (seeds // len(b))  # (clips,)
    (interval,) = bootstrap_intervals(
        mean_over_clips(gain, sample), sample, resamples=resamples, seed=seed
    )
    low, high = interval.low / seeds, interval.high / seeds
    if not gain.any():
        high = unseen_share(sample.number)
        low = -high
    only_a, only_b = int((a[0] & ~b[0]).sum()), int((b[0] & ~a[0]).sum())
    return Comparison(
        difference=interval.value / seeds,
        low=low,
        high=high,
        p_permutation=sign_flip_p(sample.sums(gain).astype(np.int64)),
        discordant_a=only_a,
        discordant_b=only_b,
        p_mcnemar=mcnemar_p(only_a, only_b),
    )


def _by_seed(correct: Array, targets: Array) -> Array:
    by_seed = np.atleast_2d(correct)
    if by_seed.dtype != np.bool_ or by_seed.ndim != 2 or by_seed.shape[1:] != targets.shape:
        raise ValueError(
            f"correctness must be boolean, (seeds, {len(targets)}), "
            f"found {by_seed.dtype} {correct.shape}"
        )
    return by_seed


def sign_flip_p(gains: Array) -> float:
    """Exact two-sided p of the sign-flip permutation test; gains (recordings,) whole numbers.

    If neither configuration is better, each recording's gain might as well have the other sign.
    Of all 2^n choices of signs, p is the share whose sum is as far from 0 as the one seen. They
    are not enumerated: one recording after the other is added to the distribution of the sum of
    those that are positive, which determines the total.
    """
    sizes = np.abs(gains[gains != 0])
    total = int(sizes.sum())
    share = np.zeros(total + 1)  # share[s]: of the choices of signs whose positive gains sum to s
    share[0] = 1
    for size in sizes:
        share[size:] = (share[size:] + share[:-size]) / 2
        share[:size] /= 2
    sums = 2 * np.arange(total + 1) - total
    return min(1.0, float(share[np.abs(sums) >= abs(gains.sum())].sum()))


def mcnemar_p(only_a: int, only_b: int) -> float:
    """Exact two-sided McNemar p of clips that only one of two got right.

    It takes clips for independent, which siblings in a recording are not: too small, if anything.

    Source: McNemar 1947; binomial form.
    """
    discordant = only_a + only_b
    return float(stats.binomtest(only_a, discordant).pvalue) if discordant else 1.0


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjust the p-values of one family of tests, in their order, for having asked several times.

    Source: Holm 1979, "A simple sequentially rejective multiple test procedure".
    """
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(stepped, 1)
    return [float(value) for value in adjusted]


def verdict(
    name_a: str, name_b: str, comparison: Comparison, p_adjusted: float, alpha: float = ALPHA
) -> str:
    """Say in words what the numbers force, and no more."""
    numbers = (
        f"difference {_points(comparison.difference)} points, 95% interval "
        f"{_points(comparison.low)} to {_points(comparison.high)}, {_p(p_adjusted)}"
    )
    if p_adjusted > alpha:
        return f"{name_a} and {name_b} cannot be told apart ({numbers})"
    better, worse = (name_a, name_b) if comparison.difference > 0 else (name_b, name_a)
    return f"{better} is better than {worse} ({name_a} less {name_b}: {numbers})"


def _points(share: float) -> str:
    return f"{100 * share:+z.1f}"


def _p(p: float) -> str:
    if p < 0.0001:
        return "p < 0.0001"
    return f"p = {p:.2f}" if p >= 0.1 else f"p = {p:.4f}"
