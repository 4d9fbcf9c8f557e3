"""None of these: is a sound of no category told from those that were learnt?

A clip's score says how much it sounds like something known. Clips below a threshold are refused,
and the threshold is one that keeps most known clips. Two scores are set side by side: the largest
probability at a fitted temperature, and the largest logit, which no other category can lower where
head alone answers; joined with a texture's it is a mean log-probability, low where they disagree.
Sources: Hendrycks and Gimpel (2017), probability; Hendrycks et al. (2022), logit.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from rich.progress import track

from auricle.evaluation.calibration import KEPT, cross_fitted, fit_temperature, scaled, threshold
from auricle.evidence.calibration import logits_of
from auricle.evidence.case import SEED, Case, Subject
from auricle.evidence.foreign import KINDS, foreign_waves
from auricle.evidence.strangers import auroc
from auricle.training.sounds import Array

CLIPS = 40
"""Of each kind of foreign sound."""

ScoreName = Literal["probability", "logit"]
Foreign = dict[str, dict[int, Array]]
"""By kind and by the fold whose network was asked, (clips, classes) logits."""


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of foreign sound.

    `auroc` is how well scores part known clips from it, one being wholly; `accepted` the share
    that passed for known; `taken_for` the category that most of those were given.
    """

    kind: str
    clips: int
    auroc: float
    accepted: float
    taken_for: str | None


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """One score of one configuration.

    Each fold is judged with the temperature and the threshold of the other folds; `kept` is what
    that keeps of its known clips. `threshold` is that of all development clips, which a shipped
    model gets.
    """

    score: ScoreName
    threshold: float
    kept: float
    auroc: float
    accepted: float
    kinds: tuple[Kind, ...]


@dataclass(frozen=True, kw_only=True)
class Unknown:
    """One configuration; `temperature` is that of all development clips, as in a shipped model."""

    configuration: str
    temperature: float
    refusals: tuple[Refusal, ...]


@dataclass(frozen=True, kw_only=True)
class UnknownFound:
    """What was found, a configuration each, with thresholds that keep a share of known clips."""

    kept: float
    configurations: tuple[Unknown, ...]


def measure(case: Case) -> UnknownFound:
    """Put sounds of no category to each network, and count what passes for known."""
    return UnknownFound(
        kept=KEPT,
        configurations=tuple(
            unknown(subject, foreign)
            for subject, foreign in zip(case.subjects, foreign_logits(case), strict=True)
        ),
    )


@torch.no_grad()
def foreign_logits(case: Case) -> list[Foreign]:
    """What every network of each subject answers to foreign sounds; a kind is made once a rate."""
    found: list[Foreign] = [{} for _ in case.subjects]
    for kind in track(KINDS, "foreign sounds", console=case.console, transient=True):
        made: dict[int, torch.Tensor] = {}
        for logits, subject in zip(found, case.subjects, strict=True):
            rate = subject.sample_rate_hz
            if rate not in made:
                made[rate] = torch.from_numpy(
                    foreign_waves(
                        kind, CLIPS, seconds=case.plan.clip_s, sample_rate_hz=rate, seed=SEED
                    )
                ).to(subject.device)
            logits[kind] = {
                fold: network(made[rate])[0].double().cpu().numpy()
                for fold, network in subject.networks.items()
            }
    return found


def largest_probability(logits: Array, temperature: float) -> Array:
    """(clips,) how sure a network is of its answer."""
    largest: Array = scaled(logits, temperature).max(1)
    return largest


def largest_logit(logits: Array, temperature: float) -> Array:
    """(clips,) how much of its answer a network hears, not brought to a sum of one."""
    largest: Array = logits.max(1) / temperature
    return largest


SCORES: dict[ScoreName, Callable[[Array, float], Array]] = {
    "probability": largest_probability,
    "logit": largest_logit,
}


def unknown(subject: Subject, foreign: Foreign) -> Unknown:
    """Both scores of one configuration."""
    logits = logits_of(subject)
    temperature = fit_temperature(logits, subject.targets)
    return Unknown(
        configuration=subject.name,
        temperature=temperature,
        refusals=tuple(
            refusal(name, threshold(score(logits, temperature)), logits, subject, foreign)
            for name, score in SCORES.items()
        ),
    )


def refusal(
    name: ScoreName, shipped: float, logits: Array, subject: Subject, foreign: Foreign
) -> Refusal:
    """What one score keeps and accepts, fold by fold; logits (clips, classes) are of known clips.

    Scores of different networks do not pool: areas are means over the folds.
    """
    score, folds = SCORES[name], subject.folds
    temperatures = cross_fitted(logits, subject.targets, folds)
    known = {fold: score(logits[folds == fold], at) for fold, at in temperatures.items()}
    limits = {
        fold: threshold(score(logits[folds != fold], at)) for fold, at in temperatures.items()
    }

    def met(kind: str, found: dict[int, Array]) -> Kind:
        strange = {fold: score(found[fold], at) for fold, at in temperatures.items()}
        passed = {fold: strange[fold] >= limits[fold] for fold in strange}
        given = np.concatenate([found[fold][passed[fold]].argmax(1) for fold in found])
        return Kind(
            kind=kind,
            clips=len(next(iter(found.values()))),
            auroc=float(np.mean([parted(known[fold], strange[fold]) for fold in strange])),
            accepted=float(np.mean([passed[fold].mean() for fold in strange])),
            taken_for=subject.categories[np.bincount(given).argmax()] if len(given) else None,
        )

    together = met("all", {f: np.concatenate([of[f] for of in foreign.values()]) for f in known})
    return Refusal(
        score=name,
        threshold=shipped,
        kept=float(np.concatenate([known[fold] >= limits[fold] for fold in known]).mean()),
        auroc=together.auroc,
        accepted=together.accepted,
        kinds=tuple(met(kind, found) for kind, found in foreign.items()),
    )


def parted(known: Array, strange: Array) -> float:
    """The area under the curve of known against foreign clips; one is no mistake, a half chance."""
    truth = np.arange(len(known) + len(strange)) < len(known)
    return auroc(np.concatenate([known, strange]), truth)
