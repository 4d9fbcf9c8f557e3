"""None of these: is a sound of no category told from those that were learnt?

Sounds that belong to nothing are put to every network, and each rule of `familiar` says which of
them pass for known. Rules are judged side by side, at the temperature of the clips they are for.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from rich.progress import track

from auricle.evaluation.calibration import KEPT, cross_fitted, fit_temperature
from auricle.evidence import familiar
from auricle.evidence.case import SEED, Case, Subject
from auricle.evidence.familiar import Answers, RuleName, answers, answers_of
from auricle.evidence.foreign import KINDS, foreign_waves

CLIPS = 40
"""Of each kind of foreign sound."""

Foreign = dict[str, dict[int, Answers]]
"""By kind and by the fold whose network was asked."""


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of foreign sound.

    `auroc` is how well a score parts known clips from it, one being wholly (a rule of two scores
    has none); `accepted` the share that passed for known; `taken_for` the category that most of
    those were given.
    """

    kind: str
    clips: int
    auroc: float | None
    accepted: float
    taken_for: str | None


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """One rule of one configuration; `score` names it.

    Each fold is judged with the temperature and the thresholds of the other folds; `kept` is what
    that keeps of its known clips. Thresholds of all development clips, which a shipped model gets:
    refused is what scores below `below` or is stranger than `above`.
    """

    score: RuleName
    below: float | None = None
    above: float | None = None
    kept: float
    auroc: float | None
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
            for subject, foreign in zip(case.subjects, foreign_answers(case), strict=True)
        ),
    )


@torch.no_grad()
def foreign_answers(case: Case) -> list[Foreign]:
    """What every network of each subject makes of foreign sounds; a kind is made once a rate."""
    found: list[Foreign] = [{} for _ in case.subjects]
    for kind in track(KINDS, "foreign sounds", console=case.console, transient=True):
        made: dict[int, torch.Tensor] = {}
        for told, subject in zip(found, case.subjects, strict=True):
            rate = subject.sample_rate_hz
            if rate not in made:
                made[rate] = torch.from_numpy(
                    foreign_waves(
                        kind, CLIPS, seconds=case.plan.clip_s, sample_rate_hz=rate, seed=SEED
                    )
                ).to(subject.device)
            told[kind] = {
                fold: answers(network, made[rate]) for fold, network in subject.networks.items()
            }
    return found


def unknown(subject: Subject, foreign: Foreign) -> Unknown:
    """Every rule of one configuration."""
    known = answers_of(subject)
    temperature = fit_temperature(known.logits, subject.targets)
    return Unknown(
        configuration=subject.name,
        temperature=temperature,
        refusals=tuple(refusal(rule, temperature, known, subject, foreign) for rule in known.rules),
    )


def refusal(
    rule: RuleName, shipped: float, known: Answers, subject: Subject, foreign: Foreign
) -> Refusal:
    """What a rule keeps and accepts, fold by fold; `shipped` is the temperature of all clips.

    Scores of different networks do not pool: areas are means over the folds.
    """
    folds = subject.folds
    temperatures = cross_fitted(known.logits, subject.targets, folds)
    own, limits = {}, {}
    for fold, at in temperatures.items():
        scores = familiar.scores(known, at)
        own[fold] = {score: found[folds == fold] for score, found in scores.items()}
        others = {score: found[folds != fold] for score, found in scores.items()}
        limits[fold] = familiar.limits(others, rule)

    def met(kind: str, found: dict[int, Answers]) -> Kind:
        strange = {fold: familiar.scores(found[fold], at) for fold, at in temperatures.items()}
        passed = {fold: familiar.passes(strange[fold], limits[fold]) for fold in strange}
        given = np.concatenate([found[fold].logits[passed[fold]].argmax(1) for fold in found])
        return Kind(
            kind=kind,
            clips=len(next(iter(passed.values()))),
            auroc=mean(familiar.parted(own[fold], strange[fold], rule) for fold in strange),
            accepted=float(np.mean([passed[fold].mean() for fold in strange])),
            taken_for=subject.categories[np.bincount(given).argmax()] if len(given) else None,
        )

    whole = {f: familiar.together([of[f] for of in foreign.values()]) for f in temperatures}
    all_of_them = met("all", whole)
    ends = familiar.limits(familiar.scores(known, shipped), rule)
    near = ends.get("nearness")
    return Refusal(
        score=rule,
        below=ends.get("probability", ends.get("logit")),
        above=None if near is None else -near,
        kept=float(np.concatenate([familiar.passes(own[f], limits[f]) for f in own]).mean()),
        auroc=all_of_them.auroc,
        accepted=all_of_them.accepted,
        kinds=tuple(met(kind, found) for kind, found in foreign.items()),
    )


def mean(areas: Iterator[float | None]) -> float | None:
    """Of the folds' areas, where a rule has one."""
    found = [area for area in areas if area is not None]
    return float(np.mean(found)) if found else None
