"""Sounds of a class that was never taught: are they told to be none of those that were?

Each category in turn is left out of training, and its clips are then put to networks that know the
others alone. Each rule of `familiar` says which of them pass for known, at the temperature and with
the thresholds of the other folds.
"""

from dataclasses import dataclass, replace

import numpy as np

from auricle.evaluation.calibration import cross_fitted
from auricle.evidence import familiar
from auricle.evidence.case import Case, Subject
from auricle.evidence.controls import Control, fold_of, kfold_of, train
from auricle.evidence.familiar import Answers, RuleName, answers_of
from auricle.study.fits import load_fit
from auricle.study.job import Job
from auricle.training.sounds import Array


@dataclass(frozen=True, kw_only=True)
class Told:
    """How well one rule tells strangers.

    `auroc` of known against unknown clips, the mean of the folds (a rule of two scores has none);
    `accepted` the share of strangers that passed for known; `kept` that of known clips.
    """

    rule: RuleName
    auroc: float | None
    accepted: float
    kept: float


@dataclass(frozen=True, kw_only=True)
class Stranger:
    """A category that was left out; its clips are most often taken for `as_category`."""

    category: str
    clips: int
    told: tuple[Told, ...]
    as_category: str


@dataclass(frozen=True, kw_only=True)
class StrangersFound:
    """One row a category left out, and the means over them."""

    configuration: str
    rows: tuple[Stranger, ...]
    mean: tuple[Told, ...]


def measure(case: Case) -> StrangersFound:
    """Train without each category in turn, and put its clips to those networks."""
    subject = case.best
    controls = [without(case, category) for category in subject.categories]
    jobs = train(case, subject, "strangers", controls)
    rows = [
        stranger(subject, control, jobs[control.name], category)
        for control, category in zip(controls, subject.categories, strict=True)
    ]
    return StrangersFound(
        configuration=subject.name,
        rows=tuple(rows),
        mean=tuple(mean_of(of) for of in zip(*(row.told for row in rows), strict=True)),
    )


def mean_of(told: tuple[Told, ...]) -> Told:
    """One rule over several categories."""
    areas = [each.auroc for each in told if each.auroc is not None]
    return Told(
        rule=told[0].rule,
        auroc=float(np.mean(areas)) if areas else None,
        accepted=float(np.mean([each.accepted for each in told])),
        kept=float(np.mean([each.kept for each in told])),
    )


def without(case: Case, category: str) -> Control:
    """The best recipe, taught all categories but one."""
    table, number = case.prepared.development, case.prepared.table.categories.index(category)
    table = replace(table, clips=tuple(c for c in table.clips if c.category != category))
    recipe = replace(case.best.recipe, name=f"without-{number}")
    return Control(recipe, {fold_of(split): table for split in kfold_of(case)})


def stranger(subject: Subject, control: Control, jobs: list[Job], category: str) -> Stranger:
    """How the clips of a category fare that these networks were never taught."""
    networks = {fold_of(job.split): load_fit(job.folder).network for job in jobs}
    taught = replace(
        subject,
        categories=control.categories,
        networks={fold: network.to(subject.device) for fold, network in networks.items()},
    )
    found, folds = answers_of(taught), subject.folds
    known = np.array([clip.category != category for clip in subject.store.clips])
    targets = np.array(
        [
            control.categories.index(clip.category) if clip.category in control.categories else -1
            for clip in subject.store.clips
        ]
    )
    temperatures = cross_fitted(found.logits[known], targets[known], folds[known])
    return Stranger(
        category=category,
        clips=int((~known).sum()),
        told=tuple(told(rule, found, temperatures, folds, known) for rule in found.rules),
        as_category=control.categories[int(np.bincount(found.logits[~known].argmax(1)).argmax())],
    )


def told(
    rule: RuleName,
    found: Answers,
    temperatures: dict[int, float],
    folds: Array,
    known: Array,
) -> Told:
    """How one rule tells known clips from strangers; thresholds are of the other folds' known."""
    accepted, areas = np.zeros(len(known), bool), []
    for fold, temperature in temperatures.items():
        scores, here = familiar.scores(found, temperature), folds == fold
        ours, strangers, others = (
            {score: values[rows] for score, values in scores.items()}
            for rows in (here & known, here & ~known, ~here & known)
        )
        by = familiar.limits(others, rule)
        accepted[here & known] = familiar.passes(ours, by)
        accepted[here & ~known] = familiar.passes(strangers, by)
        areas.append(familiar.parted(ours, strangers, rule))
    whole = [area for area in areas if area is not None]
    return Told(
        rule=rule,
        auroc=float(np.mean(whole)) if whole else None,
        accepted=float(accepted[~known].mean()),
        kept=float(accepted[known].mean()),
    )
