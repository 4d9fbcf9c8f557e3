"""None of these: is a sound of no category told from those that were learnt?

Sounds that belong to nothing are put to every network, and each rule of `familiar` says which of
them pass for known. Rules are judged side by side, at the temperature of the clips they are for.
"""

from dataclasses import dataclass

import numpy as np
import torch
from rich.progress import track

from auricle.evaluation.calibration import KEPT, cross_fitted, fit_temperature
from auricle.evaluation.intervals import Interval, accuracy_interval
from auricle.evidence import familiar
from auricle.evidence.case import SEED, Case, Subject
from auricle.evidence.familiar import Answers, RuleName, answers, answers_of
from auricle.evidence.foreign import KINDS, foreign_waves
from auricle.training.sounds import Array

CLIPS = 40
"""Of each kind of foreign sound."""

Foreign = dict[str, dict[int, Answers]]
"""By kind and by the fold whose network was asked."""


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of foreign sound.

    `auroc` is how well a rule parts known clips from it, one being wholly; `accepted` the share
    that passed for known, with the ends of its 95% interval over other sounds of the kind;
    `taken_for` the category that most of those were given.
    """

    kind: str
    clips: int
    auroc: float
    accepted: float
    accepted_low: float
    accepted_high: float
    taken_for: str | None


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """One rule of one configuration; `score` names it.

    Each fold is judged with the temperature and the thresholds of the other folds; `kept` is what
    that keeps of its known clips, with its interval by recording. Thresholds of all development
    clips, which a shipped model gets: refused is what scores below `below` or is stranger than
    `above`. `accepted`, of all kinds, has the ends of its interval over other sounds of these. Of
    the `misheard` known clips it refuses `misheard_refused`: answers that had better not be given.
    """

    score: RuleName
    below: float | None = None
    above: float | None = None
    kept: Interval
    misheard: int
    misheard_refused: int
    auroc: float
    accepted: float
    accepted_low: float
    accepted_high: float
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
    own, others, limits = {}, {}, {}
    for fold, at in temperatures.items():
        scores = familiar.scores(known, at)
        own[fold] = {score: found[folds == fold] for score, found in scores.items()}
        others[fold] = {score: found[folds != fold] for score, found in scores.items()}
        limits[fold] = familiar.limits(others[fold], rule)

    def met(kind: str, found: dict[int, Answers], kinds: Array) -> Kind:
        strange = {fold: familiar.scores(found[fold], at) for fold, at in temperatures.items()}
        passed = {fold: familiar.passes(strange[fold], limits[fold]) for fold in strange}
        given = np.concatenate([found[fold].logits[passed[fold]].argmax(1) for fold in found])
        share = np.mean([passed[fold] for fold in strange], axis=0)  # (clips,) of the networks
        bounds = accuracy_interval(share, kinds, np.arange(len(share)))  # each is its own recording
        areas = [familiar.parted(own[f], strange[f], others[f], rule) for f in strange]
        return Kind(
            kind=kind,
            clips=len(share),
            auroc=float(np.mean(areas)),
            accepted=bounds.value,
            accepted_low=bounds.low,
            accepted_high=bounds.high,
            taken_for=subject.categories[np.bincount(given).argmax()] if len(given) else None,
        )

    sizes = [len(next(iter(of.values())).logits) for of in foreign.values()]
    whole = {f: familiar.together([of[f] for of in foreign.values()]) for f in temperatures}
    all_of_them = met("all", whole, np.repeat(np.arange(len(sizes)), sizes))
    ends = familiar.limits(familiar.scores(known, shipped), rule)
    near = ends.get("nearness")
    kept = np.zeros(len(folds))
    for fold, scores in own.items():
        kept[folds == fold] = familiar.passes(scores, limits[fold])
    misheard = known.logits.argmax(1) != subject.targets
    return Refusal(
        score=rule,
        below=ends.get("probability"),
        above=None if near is None else -near,
        kept=accuracy_interval(kept, subject.targets, subject.recordings),
        misheard=int(misheard.sum()),
        misheard_refused=int((misheard & (kept == 0)).sum()),
        auroc=all_of_them.auroc,
        accepted=all_of_them.accepted,
        accepted_low=all_of_them.accepted_low,
        accepted_high=all_of_them.accepted_high,
        kinds=tuple(
            met(kind, found, np.zeros(size, int))
            for (kind, found), size in zip(foreign.items(), sizes, strict=True)
        ),
    )
