"""Whether a classifier's probabilities mean what they say: of clips it is 80% sure of, 80% right.

Conventions: `logits` (clips, classes), `targets` (clips,) category indices, `probabilities`
(clips, classes) rows that sum to one. Losses are in nats.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

from auricle.evaluation.metrics import Array

BINS = 10
SHARPEST, SOFTEST = 0.05, 20.0

KEPT = 0.95
"""Share of known clips, heard for the first time, that a threshold does not call unknown."""


@dataclass(frozen=True)
class Reliability:
    """Clips by how sure the classifier was of its answer, from `low` to `high`."""

    low: float
    high: float
    clips: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class Calibration:
    """How far probabilities can be trusted; all four are better when lower.

    `nll` is the mean negative log-likelihood of the truth; `brier` the mean squared distance of
    the probabilities from the truth; `ece` the gap between confidence and accuracy, averaged over
    bins of equal width. With few clips `ece` is mostly the bins' noise.
    """

    nll: float
    brier: float
    ece: float
    bins: tuple[Reliability, ...]


def fit_temperature(logits: Array, targets: Array) -> float:
    """The number by which to divide logits so that the truth becomes likeliest.

    Above one the classifier was too sure of itself, below one not sure enough. Its answers stay.
    Source: Guo et al. (2017), section 4.2.
    """

    def loss(log_temperature: float) -> float:
        scaled = log_softmax(logits / np.exp(log_temperature), axis=1)
        return float(-scaled[np.arange(len(targets)), targets].mean())

    found = minimize_scalar(
        loss, bounds=(np.log(SHARPEST), np.log(SOFTEST)), method="bounded", options={"xatol": 1e-6}
    )
    return float(np.exp(found.x))


def cross_fitted(logits: Array, targets: Array, folds: Array) -> dict[int, float]:
    """A temperature for each fold, fitted on the clips of the others."""
    return {
        int(fold): fit_temperature(logits[folds != fold], targets[folds != fold])
        for fold in np.unique(folds)
    }


def scaled(logits: Array, temperature: float | Array) -> Array:
    """(clips, classes) probabilities at a temperature, one for all clips or one a clip."""
    divisor = np.broadcast_to(np.asarray(temperature, dtype=float), len(logits))
    probabilities: Array = softmax(logits / divisor[:, None], axis=1)
    return probabilities


def as_logits(probabilities: Array) -> Array:
    """Logits whose softmax these are; one that was rounded to zero is the least that float32 has.

    Shapes: (clips, classes) -> the same.
    """
    least = np.finfo(np.float32).tiny
    logits: Array = np.log(np.maximum(probabilities.astype(float), least))
    return logits


def threshold(scores: Array, kept: float = KEPT) -> float:
    """The score (clips,) from which on clips pass for known, so that a share of these does."""
    return float(np.quantile(scores, 1 - kept))


def calibration(probabilities: Array, targets: Array) -> Calibration:
    """Losses of probabilities, and the reliability diagram's bins.

    Source: Brier (1950) for several classes; Naeini et al. (2015) for the expected calibration
    error.
    """
    clips = np.arange(len(targets))
    likelihood = probabilities[clips, targets]
    truth = np.eye(probabilities.shape[1])[targets]
    bins = reliability(probabilities, targets)
    gaps = [each.clips * abs(each.accuracy - each.confidence) for each in bins]
    return Calibration(
        nll=float(-np.log(np.maximum(likelihood, np.finfo(float).tiny)).mean()),
        brier=float(np.square(probabilities - truth).sum(1).mean()),
        ece=float(sum(gaps) / len(targets)),
        bins=bins,
    )


def reliability(probabilities: Array, targets: Array, bins: int = BINS) -> tuple[Reliability, ...]:
    """Confidence beside accuracy, in bins of equal width; bins without a clip are left out."""
    confidence, right = probabilities.max(1), probabilities.argmax(1) == targets
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    return tuple(
        Reliability(
            low=int(at) / bins,
            high=(int(at) + 1) / bins,
            clips=int((place == at).sum()),
            confidence=float(confidence[place == at].mean()),
            accuracy=float(right[place == at].mean()),
        )
        for at in np.unique(place)
    )
