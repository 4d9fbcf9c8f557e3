"""Scores of a classifier from its probabilities.

Conventions: `targets` (clips,) are category indices from 0; `probabilities` (clips, classes) have
a row a clip that sums to 1; the prediction is the arg-max, the first of equals. One-vs-rest
figures of a class that no clip or every clip has are not defined: nan, and left out of means.

`groups` (clips,) names the network that scored each clip, such as the fold it was validated on.
Predictions of several networks pool, their scores do not: one may be surer than the other
throughout. Everything made of ranks (AUC, ROC) is therefore taken in each group and averaged.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn import metrics as sklearn_metrics

Array = npt.NDArray[Any]
Curve = tuple[Array, Array]

CURVE_POINTS = 100


@dataclass(frozen=True)
class ClassScores:
    """How one class fared against all others; `support` is its number of clips."""

    precision: float
    recall: float
    f1: float
    auc: float
    support: int


@dataclass(frozen=True, eq=False)
class Scores:
    """All figures of one set of predictions; `confusion` (classes, classes) has rows = truth.

    `f1_macro` is the mean over the classes that a clip has or was given, `auc_macro` the mean over
    the classes whose AUC is defined.
    """

    clips: int
    accuracy: float
    f1_macro: float
    f1_weighted: float
    auc_macro: float
    log_loss: float
    per_class: tuple[ClassScores, ...]
    confusion: Array


def validate(targets: Array, probabilities: Array, groups: Array | None = None) -> None:
    """Refuse arrays that no score can be computed from.

    Raises: ValueError, saying what was found where.
    """
    if targets.ndim != 1 or probabilities.ndim != 2 or len(targets) != len(probabilities):
        raise ValueError(
            "targets must be (clips,) and probabilities (clips, classes), "
            f"found {targets.shape} and {probabilities.shape}"
        )
    clips, classes = probabilities.shape
    if clips == 0 or classes < 2:
        raise ValueError(f"nothing to score: {clips} clips, {classes} classes")
    if groups is not None and groups.shape != targets.shape:
        raise ValueError(f"groups must be one a clip {targets.shape}, found {groups.shape}")
    if not np.issubdtype(targets.dtype, np.integer):
        raise ValueError(f"targets must be category indices, found {targets.dtype}")
    if targets.min() < 0 or targets.max() >= classes:
        raise ValueError(
            f"targets must lie in 0..{classes - 1}, found {targets.min()}..{targets.max()}"
        )
    finite = np.isfinite(probabilities).all(axis=1)
    if not finite.all():
        raise ValueError(f"probabilities of clip {np.argmin(finite)} are not finite")
    if probabilities.min() < 0:
        clip = np.argmin(probabilities.min(axis=1))
        raise ValueError(f"probabilities of clip {clip} are negative: are these logits?")
    sums = probabilities.sum(axis=1, dtype=np.float64)
    worst = np.argmax(np.abs(sums - 1))
    if abs(sums[worst] - 1) > 1e-3:
        raise ValueError(f"probabilities of clip {worst} sum to {sums[worst]:.4f}, not 1")


def score(targets: Array, probabilities: Array, *, groups: Array | None = None) -> Scores:
    """Everything that is said of one set of predictions.

    targets (clips,), probabilities (clips, classes), groups (clips,): see the module.

    Raises: ValueError where `validate` does.
    """
    validate(targets, probabilities, groups)
    probabilities = probabilities.astype(np.float64)
    labels = np.arange(probabilities.shape[1])
    predictions = probabilities.argmax(axis=1)
    # `labels` are all the data set's classes; without it, scikit-learn's averages take those met.
    precision, recall, f1, support = sklearn_metrics.precision_recall_fscore_support(
        targets, predictions, labels=labels, zero_division=0
    )
    f1_macro, f1_weighted = (
        float(sklearn_metrics.f1_score(targets, predictions, average=average, zero_division=0))
        for average in ("macro", "weighted")
    )
    auc = class_aucs(targets, probabilities, groups=groups)
    return Scores(
        clips=len(targets),
        accuracy=float(sklearn_metrics.accuracy_score(targets, predictions)),
        f1_macro=f1_macro,
        f1_weighted=f1_weighted,
        auc_macro=float(mean_of_defined(auc)),
        log_loss=float(
            sklearn_metrics.log_loss(
                targets, probabilities / probabilities.sum(axis=1, keepdims=True), labels=labels
            )
        ),
        per_class=tuple(
            ClassScores(float(p), float(r), float(f), float(a), int(s))
            for p, r, f, a, s in zip(precision, recall, f1, auc, support, strict=True)
        ),
        confusion=sklearn_metrics.confusion_matrix(targets, predictions, labels=labels),
    )


def class_aucs(targets: Array, probabilities: Array, *, groups: Array | None = None) -> Array:
    """Area under each class's one-vs-rest ROC curve, (classes,); mean over the groups."""
    return np.array(
        [
            mean_of_defined(
                [
                    sklearn_metrics.roc_auc_score(
                        targets[clips] == category, probabilities[clips, category]
                    )
                    for clips in groups_with(category, targets, groups)
                ]
            )
            for category in range(probabilities.shape[1])
        ]
    )


def groups_with(category: int, targets: Array, groups: Array | None) -> Iterator[Array]:
    """Clips (indices) of each group that holds the category and another one beside it."""
    names = np.zeros(len(targets), dtype=int) if groups is None else groups
    for name in np.unique(names):
        clips = np.flatnonzero(names == name)
        if 0 < np.count_nonzero(targets[clips] == category) < len(clips):
            yield clips


def mean_of_defined(values: npt.ArrayLike) -> Array:
    """Mean over the first axis of what is not nan; nan where nothing is left."""
    values = np.asarray(values, dtype=np.float64)
    defined = ~np.isnan(values)
    total: Array = np.where(defined, values, 0).sum(axis=0)
    number = defined.sum(axis=0)
    mean: Array = np.full(total.shape, np.nan)
    np.divide(total, number, out=mean, where=number > 0)
    return mean


def roc_curve_of(targets: Array, probabilities: Array, category: int) -> Curve:
    """Corners of a class's ROC curve against the rest: false and true positive rates, (points,).

    Raises: ValueError if the class has no clip or all of them.
    """
    positive = targets == category
    if not 0 < np.count_nonzero(positive) < len(positive):
        found = f"{np.count_nonzero(positive)} of {len(positive)} clips"
        raise ValueError(f"category {category} has {found}: no curve to draw")
    fpr, tpr, _ = sklearn_metrics.roc_curve(
        positive, probabilities[:, category], drop_intermediate=True
    )
    return fpr, tpr


def roc_curves(
    targets: Array, probabilities: Array, *, groups: Array | None = None
) -> dict[int, Curve]:
    """ROC curves to draw, by category: (fpr, tpr), each (points,) from (0, 0) to (1, 1).

    With groups, the vertical average of the groups' curves; the area under it is the mean of
    theirs. Classes without a curve are left out. At most `CURVE_POINTS` of a curve's corners are
    given, which is all of them but for very long curves.

    Raises: ValueError where `validate` does.
    Source: Fawcett 2006, "An introduction to ROC analysis", section 8.1.
    """
    validate(targets, probabilities, groups)
    curves = {}
    for category in range(probabilities.shape[1]):
        parts = [
            roc_curve_of(targets[clips], probabilities[clips], category)
            for clips in groups_with(category, targets, groups)
        ]
        if parts:
            curves[category] = _thinned(average_curve(parts))
    return curves


def average_curve(curves: Sequence[Curve]) -> Curve:
    """Mean true positive rate of several ROC curves at each false positive rate of any of them.

    A curve that jumps at a rate has two values there, so each rate stands twice: with the mean of
    the lower and of the upper values. Nothing is lost, and no grid has to be chosen.
    """
    rates = np.unique(np.concatenate([fpr for fpr, _ in curves]))
    # Of equal x, np.interp answers with the last: the upper end; run backwards, the lower end.
    upper = np.mean([np.interp(rates, fpr, tpr) for fpr, tpr in curves], axis=0)
    lower = np.mean([np.interp(-rates, -fpr[::-1], tpr[::-1]) for fpr, tpr in curves], axis=0)
    fpr = np.repeat(rates, 2)  # (2 * rates,)
    tpr = np.stack([lower, upper], axis=1).ravel()
    return _corners(fpr, tpr)


def _corners(fpr: Array, tpr: Array) -> Curve:
    """The same curve without repeated points and without points amid a straight line."""
    across, up = np.diff(fpr), np.diff(tpr)
    moved = np.concatenate([[True], (across > 0) | (up > 0)])
    fpr, tpr = fpr[moved], tpr[moved]
    across, up = np.diff(fpr), np.diff(tpr)
    turn = np.abs(across[:-1] * up[1:] - across[1:] * up[:-1]) > 1e-12
    kept = np.concatenate([[True], turn, [True]])
    return fpr[kept], tpr[kept]


def _thinned(curve: Curve) -> Curve:
    fpr, tpr = curve
    if len(fpr) <= CURVE_POINTS:
        return curve
    kept = np.linspace(0, len(fpr) - 1, CURVE_POINTS).round().astype(int)
    return fpr[kept], tpr[kept]
