"""Sounds of a class that was never taught: are they told to be none of those that were?

Each category in turn is left out of training, and its clips are then put to networks that know the
others alone. What a network is sure of is its largest probability, at the temperature of the other
folds; a clip below the threshold is called unknown.
"""

from dataclasses import dataclass, replace

import numpy as np
from sklearn.metrics import roc_auc_score

from auricle.evaluation.calibration import cross_fitted, scaled, threshold
from auricle.evidence.calibration import logits_of
from auricle.evidence.case import Case, Subject
from auricle.evidence.controls import Control, fold_of, kfold_of, train
from auricle.study.fits import load_fit
from auricle.study.job import Job
from auricle.training.sounds import Array


@dataclass(frozen=True, kw_only=True)
class Stranger:
    """A category that was left out.

    `auroc` of known against unknown clips, the mean of the folds; `accepted` the share of its clips
    that were taken for something known, `as_category` most often for this; `kept` the share of
    known clips that the other folds' threshold kept.
    """

    category: str
    clips: int
    auroc: float
    accepted: float
    kept: float
    as_category: str


@dataclass(frozen=True, kw_only=True)
class StrangersFound:
    """One row a category left out, and the means over them."""

    configuration: str
    rows: tuple[Stranger, ...]
    auroc: float
    accepted: float
    kept: float


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
        auroc=float(np.mean([row.auroc for row in rows])),
        accepted=float(np.mean([row.accepted for row in rows])),
        kept=float(np.mean([row.kept for row in rows])),
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
    logits, folds = logits_of(taught), subject.folds
    known = np.array([clip.category != category for clip in subject.store.clips])
    targets = np.array(
        [
            control.categories.index(clip.category) if clip.category in control.categories else -1
            for clip in subject.store.clips
        ]
    )
    sure, limits = judged(logits, targets, folds, known)
    accepted = sure >= limits
    answers = logits[~known].argmax(1)
    return Stranger(
        category=category,
        clips=int((~known).sum()),
        auroc=float(np.mean([auroc(sure[folds == f], known[folds == f]) for f in networks])),
        accepted=float(accepted[~known].mean()),
        kept=float(accepted[known].mean()),
        as_category=control.categories[int(np.bincount(answers).argmax())],
    )


def judged(logits: Array, targets: Array, folds: Array, known: Array) -> tuple[Array, Array]:
    """How sure the networks are of each clip, and below what it is unknown: (clips,) each.

    Temperature and threshold of a fold come from the known clips of the others alone: so many of
    these as `KEPT` says pass, at that temperature. Shapes: logits (clips, classes), else (clips,).
    """
    sure, limits = np.zeros(len(logits)), np.zeros(len(logits))
    temperatures = cross_fitted(logits[known], targets[known], folds[known])
    for fold, temperature in temperatures.items():
        largest, here = scaled(logits, temperature).max(1), folds == fold
        sure[here] = largest[here]
        limits[here] = threshold(largest[known & ~here])
    return sure, limits


def auroc(sure: Array, known: Array) -> float:
    """Chance that a known clip is surer than an unknown one."""
    return float(roc_auc_score(known, sure))
