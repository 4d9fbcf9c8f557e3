"""What a known sound is told by: how sure its network is of it, and how near to a class it lies.

A rule asks one of these scores or two, and refuses what falls below a threshold. Thresholds are
such that a rule keeps most known clips; where it asks two scores, either may refuse half as many.
Sources: Hendrycks and Gimpel (2017), probability; Lee et al. (2018), distance from the nearest
class.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from sklearn.metrics import roc_auc_score
from torch import Tensor

from auricle.evaluation.calibration import KEPT, scaled, threshold
from auricle.evidence.case import Subject
from auricle.network.classifier import SoundClassifier
from auricle.training.sounds import Array

ScoreName = Literal["probability", "nearness"]
RuleName = Literal["probability", "strangeness", "both"]
Scores = Mapping[ScoreName, Array]
"""(clips,) each; the higher, the better known."""
Limits = Mapping[ScoreName, float]

RULES: dict[RuleName, tuple[ScoreName, ...]] = {
    "probability": ("probability",),
    "strangeness": ("nearness",),
    "both": ("probability", "nearness"),
}
"""The scores that each asks; `both` is what a shipped model goes by."""


@dataclass(frozen=True)
class Answers:
    """What networks make of clips.

    `logits` (clips, classes); `strangeness` (clips,) of networks that hear texture.
    """

    logits: Array
    strangeness: Array | None

    def of(self, rows: Array) -> "Answers":
        """Those of some clips."""
        strange = None if self.strangeness is None else self.strangeness[rows]
        return Answers(self.logits[rows], strange)

    @property
    def rules(self) -> list[RuleName]:
        """Those that can be asked."""
        return [*RULES] if self.strangeness is not None else ["probability"]


@torch.no_grad()
def answers(network: SoundClassifier, waves: Tensor) -> Answers:
    """What one network makes of waves (clips, samples)."""
    events, _ = network.classify(network.frontend.power(waves))
    statistics = network.describe(waves)
    logits = network.joined(events, statistics).double().cpu().numpy()
    if network.texture is None or statistics is None:
        return Answers(logits, None)
    return Answers(logits, network.texture.strangeness(statistics).double().cpu().numpy())


def together(parts: list[Answers]) -> Answers:
    """Clips of several after each other."""
    strange = [part.strangeness for part in parts if part.strangeness is not None]
    return Answers(
        np.concatenate([part.logits for part in parts]),
        np.concatenate(strange) if len(strange) == len(parts) else None,
    )


def answers_of(subject: Subject) -> Answers:
    """What each clip's network makes of it, clips in the order of the store."""
    told = [(rows, answers(network, waves)) for rows, network, waves in subject.batches()]
    order = np.argsort(np.concatenate([rows for rows, _ in told]))
    return together([each for _, each in told]).of(order)


def scores(found: Answers, temperature: float) -> Scores:
    """Every score of clips."""
    told: dict[ScoreName, Array] = {"probability": scaled(found.logits, temperature).max(1)}
    if found.strangeness is not None:
        told["nearness"] = -found.strangeness
    return told


def limits(known: Scores, rule: RuleName) -> Limits:
    """Thresholds by which a rule keeps `KEPT` of known clips, or all but that share of them."""
    asked = RULES[rule]
    return {score: threshold(known[score], 1 - (1 - KEPT) / len(asked)) for score in asked}


def passes(of: Scores, by: Limits) -> Array:
    """(clips,) which of them no threshold refuses."""
    passed: Array = np.all([of[score] >= limit for score, limit in by.items()], axis=0)
    return passed


def parted(known: Scores, strange: Scores, others: Scores, rule: RuleName) -> float:
    """Chance that a known clip scores higher than a strange one: the area under the ROC curve.

    A rule of two scores goes by the worse of its places among `others`, the known clips that its
    thresholds come from: moving the least place that passes is moving both thresholds together.
    """

    def one(of: Scores) -> Array:
        if len(RULES[rule]) == 1:
            return of[RULES[rule][0]]
        places = [place_among(of[score], others[score]) for score in RULES[rule]]
        worst: Array = np.min(places, axis=0)
        return worst

    ours, theirs = one(known), one(strange)
    truth = np.arange(len(ours) + len(theirs)) < len(ours)
    return float(roc_auc_score(truth, np.concatenate([ours, theirs])))


def place_among(scores: Array, others: Array) -> Array:
    """(clips,) share of other clips that score no higher."""
    place: Array = np.searchsorted(np.sort(others), scores, side="right") / len(others)
    return place
