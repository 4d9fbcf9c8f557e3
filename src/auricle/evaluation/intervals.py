"""How far a score would move on other recordings of the same kinds: 95% intervals.

Clips of one recording are siblings: they are right or wrong together. What is resampled is
therefore the recording, and within its category, so that the classes stay as frequent as they are.
A resample is a row of counts: how often each recording was drawn. Each score is a function of
sums over recordings, so 10,000 resamples are one matrix product.

The interval does not hold the variance of training; seeds show that. A category with a single
recording adds nothing to its width: there is nothing to draw from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from auricle.evaluation.metrics import Array, groups_with, mean_of_defined, validate

CONFIDENCE = 0.95
RESAMPLES = 10_000
_BLOCK = 500  # resamples drawn at a time: bounds memory, and stays in the processor's cache

Statistic = Callable[[Array], Array]


@dataclass(frozen=True)
class Interval:
    """A score and the ends of its 95% interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class ScoreIntervals:
    """The intervals of a set of predictions, over the same resamples."""

    accuracy: Interval
    f1_macro: Interval
    f1_weighted: Interval
    auc_macro: Interval


@dataclass(frozen=True, eq=False)
class Recordings:
    """The recordings behind a set of clips: `of_clip` (clips,) and `category` (recordings,)."""

    of_clip: Array
    category: Array

    @classmethod
    def of(cls, recordings: Array, targets: Array) -> Recordings:
        """Number the recordings named for each clip.

        Raises: ValueError if a name is missing or a recording stands in two categories.
        """
        if recordings.shape != targets.shape or targets.ndim != 1 or len(targets) == 0:
            raise ValueError(
                "recordings and targets must be one a clip, "
                f"found {recordings.shape} and {targets.shape}"
            )
        names, first, of_clip = np.unique(recordings, return_index=True, return_inverse=True)
        category = targets[first]
        strays = np.flatnonzero(category[of_clip] != targets)
        if len(strays):
            raise ValueError(f"recording {names[of_clip[strays[0]]]} stands in two categories")
        return cls(of_clip, category)

    @property
    def number(self) -> int:
        """How many recordings there are."""
        return len(self.category)

    def sums(self, values: Array) -> Array:
        """Add the values of each recording's clips: (clips, ...) to (recordings, ...)."""
        total = np.zeros((self.number, *values.shape[1:]))
        np.add.at(total, self.of_clip, values)
        return total

    def resampled(self, resamples: int, seed: int | np.random.Generator) -> Iterator[Array]:
        """Counts (block, recordings) of recordings drawn with replacement within each category."""
        generator = np.random.default_rng(seed)
        order = np.argsort(self.category, kind="stable")
        low = np.searchsorted(self.category[order], self.category, side="left")
        high = np.searchsorted(self.category[order], self.category, side="right")
        for start in range(0, resamples, _BLOCK):
            rows = min(_BLOCK, resamples - start)
            drawn = order[generator.integers(low, high, size=(rows, self.number))]
            cells = drawn + self.number * np.arange(rows)[:, None]
            counts = np.bincount(cells.ravel(), minlength=rows * self.number)
            yield counts.reshape(rows, self.number).astype(np.float64)


def bootstrap_intervals(
    statistic: Statistic,
    recordings: Recordings,
    *,
    resamples: int = RESAMPLES,
    seed: int | np.random.Generator = 0,
) -> list[Interval]:
    """Percentile intervals of any scores that follow from how often each recording was drawn.

    statistic: counts (resamples, recordings) to scores (resamples, scores).
    """
    values = statistic(np.ones((1, recordings.number)))[0]
    draws = np.concatenate([statistic(c) for c in recordings.resampled(resamples, seed)])
    return [_percentiles(value, drawn) for value, drawn in zip(values, draws.T, strict=True)]


def _percentiles(value: float, drawn: Array) -> Interval:
    drawn = drawn[~np.isnan(drawn)]
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail]) if len(drawn) else (np.nan, np.nan)
    return Interval(float(value), float(low), float(high))


def unseen_share(recordings: int) -> float:
    """Largest share of recordings of a kind of which none was seen: Clopper-Pearson, 95%.

    Two-sided. Source: Clopper and Pearson 1934; the closed form for no event.
    """
    return float(1 - ((1 - CONFIDENCE) / 2) ** (1 / recordings))


def accuracy_interval(
    correct: Array,
    targets: Array,
    recordings: Array,
    *,
    resamples: int = RESAMPLES,
    seed: int | np.random.Generator = 0,
) -> Interval:
    """Interval of an accuracy; correct (clips,) is a truth value or the share of seeds right.

    Without an error (or without a hit) all resamples are alike, and Clopper-Pearson on recordings
    stands in.

    Raises: ValueError if correctness is not one share a clip, or a recording stands in two
    categories.
    """
    if correct.shape != targets.shape or not ((correct >= 0) & (correct <= 1)).all():
        raise ValueError(f"correctness must be {targets.shape} within 0..1, found {correct.shape}")
    sample = Recordings.of(recordings, targets)
    (interval,) = bootstrap_intervals(
        mean_over_clips(correct, sample), sample, resamples=resamples, seed=seed
    )
    return _opened(interval, sample)


def score_intervals(
    targets: Array,
    probabilities: Array,
    recordings: Array,
    *,
    groups: Array | None = None,
    resamples: int = RESAMPLES,
    seed: int | np.random.Generator = 0,
) -> ScoreIntervals:
    """Intervals of accuracy, macro and weighted F1 and macro AUC, as `metrics.score` defines them.

    Shapes as there, and recordings (clips,). A score of 1 (or 0) has Clopper-Pearson's bound for
    the share of recordings that may yet be wrong (or right).

    Raises: ValueError where `metrics.validate` does, or if a recording stands in two categories.
    """
    validate(targets, probabilities, groups)
    sample = Recordings.of(recordings, targets)
    predictions = probabilities.argmax(axis=1)
    parts = (
        mean_over_clips(predictions == targets, sample),
        _f1(targets, predictions, probabilities.shape[1], sample),
        _auc_macro(targets, probabilities, groups, sample),
    )
    intervals = bootstrap_intervals(
        lambda counts: np.concatenate([part(counts) for part in parts], axis=1),
        sample,
        resamples=resamples,
        seed=seed,
    )
    return ScoreIntervals(*(_opened(interval, sample) for interval in intervals))


def _opened(interval: Interval, sample: Recordings) -> Interval:
    if interval.value == 1:
        return Interval(1.0, 1 - unseen_share(sample.number), 1.0)
    if interval.value == 0:
        return Interval(0.0, 0.0, unseen_share(sample.number))
    return interval


def mean_over_clips(values: Array, sample: Recordings) -> Statistic:
    """Mean over the clips drawn, as a statistic of counts; values (clips,)."""
    sums = sample.sums(np.stack([values, np.ones(len(values))], axis=1))  # (recordings, 2)

    def statistic(counts: Array) -> Array:
        total: Array = counts @ sums  # (resamples, 2)
        return total[:, :1] / total[:, 1:]

    return statistic


def _f1(targets: Array, predictions: Array, classes: int, sample: Recordings) -> Statistic:
    """Macro and weighted F1, (resamples, 2): from the confusion matrix's diagonal and margins."""
    truth, given = np.eye(classes)[targets], np.eye(classes)[predictions]  # (clips, classes)
    sums = sample.sums(np.concatenate([truth * given, truth, given], axis=1))

    def statistic(counts: Array) -> Array:
        hits, support, predicted = np.split(counts @ sums, 3, axis=1)  # (resamples, classes)
        met = support + predicted > 0
        f1 = 2 * hits / np.where(met, support + predicted, 1)
        macro = f1.sum(axis=1) / met.sum(axis=1)
        weighted = (f1 * support).sum(axis=1) / support.sum(axis=1)
        return np.stack([macro, weighted], axis=1)

    return statistic


def _auc_macro(
    targets: Array, probabilities: Array, groups: Array | None, sample: Recordings
) -> Statistic:
    """Macro AUC, the mean over classes of the mean over groups: (resamples, 1)."""
    parts = [
        [
            _auc(targets[clips] == category, probabilities[clips, category], sample.of_clip[clips])
            for clips in groups_with(category, targets, groups)
        ]
        for category in range(probabilities.shape[1])
    ]

    def statistic(counts: Array) -> Array:
        of_class = [
            mean_of_defined([auc(counts) for auc in of_group]) for of_group in parts if of_group
        ]
        if not of_class:
            return np.full((len(counts), 1), np.nan)
        return mean_of_defined(of_class)[:, None]

    return statistic


def _auc(positive: Array, scores: Array, recording: Array) -> Statistic:
    """AUC, (resamples,): the share of pairs (positive, other) in the right order, equals half.

    Each positive clip needs the weight of the others below it: a running sum over them, sorted.
    """
    others = np.flatnonzero(~positive)
    others = others[np.argsort(scores[others], kind="stable")]
    below = np.searchsorted(scores[others], scores[positive], side="left")
    up_to = np.searchsorted(scores[others], scores[positive], side="right")

    def statistic(counts: Array) -> Array:
        weight = counts[:, recording[positive]]  # (resamples, positives)
        running = np.zeros((len(counts), len(others) + 1))
        np.cumsum(counts[:, recording[others]], axis=1, out=running[:, 1:])
        ordered = (weight * (running[:, below] + running[:, up_to])).sum(axis=1) / 2
        pairs = weight.sum(axis=1) * running[:, -1]
        auc: Array = np.full(len(counts), np.nan)
        np.divide(ordered, pairs, out=auc, where=pairs > 0)
        return auc

    return statistic
