"""Sounds of a class that was never taught: are they told to be none of those that were?

Each category in turn is left out of training, and its clips are then put to networks that know the
others alone: to all of them, for none ever heard the category. Each rule of `familiar` says which
pass for known, at the temperature and with the thresholds of the other folds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from auricle.data.clips import Clip
from auricle.evaluation.calibration import cross_fitted
from auricle.evaluation.intervals import Interval, accuracy_interval
from auricle.evidence import familiar
from auricle.evidence.case import Case, Subject
from auricle.evidence.controls import (
    Control,
    fold_of,
    jobs_of,
    taught,
    train,
)
from auricle.evidence.familiar import Answers, RuleName, answers, answers_of
from auricle.study.job import Job
from auricle.study.scores import recordings_of, targets_of
from auricle.training.sounds import Array, scoring_batches


@dataclass(frozen=True, kw_only=True)
class Told:
    """How well one rule tells strangers.

    `auroc` of known against unknown clips, the mean of the folds; `accepted` the share of strangers
    that passed for known, with its interval by recording; `kept` that of known clips.
    """

    rule: RuleName
    auroc: float
    accepted: Interval
    kept: float


@dataclass(frozen=True, kw_only=True)
class Stranger:
    """A category that was left out.

    `as_category` is what most of its clips are called that pass by the last rule, if any do.
    """

    category: str
    clips: int
    told: tuple[Told, ...]
    as_category: str | None


@dataclass(frozen=True, kw_only=True)
class StrangersFound:
    """One row a category left out, and all their clips together; AUROC and `kept` are means."""

    configuration: str
    networks: int
    rows: tuple[Stranger, ...]
    together: tuple[Told, ...]


@dataclass(frozen=True)
class Verdict:
    """What one rule said: of each stranger, the share of networks that it passed; of known clips.

    `named` (passed,) is what those were called that passed, network by network.
    """

    rule: RuleName
    passed: Array
    named: Array
    kept: float
    auroc: float


def measure(case: Case) -> StrangersFound:
    """Train without each category in turn, and put its clips to those networks."""
    subject, planned = case.best, jobs(case)
    train(case, planned)
    clips: list[Clip] = []
    verdicts: list[list[Verdict]] = []
    rows = []
    for category in subject.categories:
        control = without(case, category)
        strangers, said = judged(subject, control, planned[control.name])
        clips += strangers
        verdicts.append(said)
        rows.append(
            Stranger(
                category=category,
                clips=len(strangers),
                told=tuple(told([each], strangers, subject.categories) for each in said),
                as_category=commonest(said[-1].named, control.categories),
            )
        )
    return StrangersFound(
        configuration=subject.name,
        networks=len(case.kfold),
        rows=tuple(rows),
        together=tuple(told(of, clips, subject.categories) for of in zip(*verdicts, strict=True)),
    )


def jobs(case: Case) -> dict[str, list[Job]]:
    """The fits without each category."""
    controls = [without(case, category) for category in case.best.categories]
    return jobs_of(case, case.best, "strangers", controls)


def without(case: Case, category: str) -> Control:
    """The best recipe, taught all categories but one."""
    table, number = case.prepared.development, case.prepared.table.categories.index(category)
    table = replace(table, clips=tuple(c for c in table.clips if c.category != category))
    recipe = replace(case.best.recipe, name=f"without-{number}")
    return Control(recipe, {fold_of(split): table for split in case.kfold})


def told(verdicts: Sequence[Verdict], clips: Sequence[Clip], categories: tuple[str, ...]) -> Told:
    """One rule, on the clips of one category or of several after each other."""
    passed = np.concatenate([each.passed for each in verdicts])
    return Told(
        rule=verdicts[0].rule,
        auroc=float(np.mean([each.auroc for each in verdicts])),
        accepted=accuracy_interval(passed, targets_of(clips, categories), recordings_of(clips)),
        kept=float(np.mean([each.kept for each in verdicts])),
    )


def commonest(named: Array, categories: tuple[str, ...]) -> str | None:
    """The category that stands most often in (any,) indices."""
    return categories[int(np.bincount(named).argmax())] if len(named) else None


def judged(
    subject: Subject, control: Control, jobs: Sequence[Job]
) -> tuple[list[Clip], list[Verdict]]:
    """The clips that these networks were never taught, and what each rule says of them."""
    learnt = taught(subject, control, jobs)
    known = np.array([clip.category in control.categories for clip in subject.store.clips])
    strangers = np.flatnonzero(~known)
    found = answers_of(learnt).of(known)
    met = {
        fold: familiar.together(
            [
                answers(network, learnt.waves(strangers[part]))
                for part in scoring_batches(len(strangers))
            ]
        )
        for fold, network in learnt.networks.items()
    }
    clips = [clip for clip, ours in zip(subject.store.clips, known, strict=True) if ours]
    targets, folds = targets_of(clips, control.categories), learnt.folds[known]
    return (
        [subject.store.clips[row] for row in strangers],
        [verdict(rule, found, targets, folds, met) for rule in found.rules],
    )


def verdict(
    rule: RuleName, found: Answers, targets: Array, folds: Array, met: Mapping[int, Answers]
) -> Verdict:
    """What one rule says of known clips, each heard by the network new to it, and of strangers.

    Thresholds and temperature of a fold are of the other folds' known clips; `met` are strangers
    as the network of each fold hears them.
    """
    kept, passed, named, areas = np.zeros(len(folds), bool), [], [], []
    for fold, temperature in cross_fitted(found.logits, targets, folds).items():
        scores, here = familiar.scores(found, temperature), folds == fold
        ours = {score: values[here] for score, values in scores.items()}
        others = {score: values[~here] for score, values in scores.items()}
        strange = familiar.scores(met[fold], temperature)
        by = familiar.limits(others, rule)
        kept[here] = familiar.passes(ours, by)
        passed.append(familiar.passes(strange, by))
        named.append(met[fold].logits[passed[-1]].argmax(1))
        areas.append(familiar.parted(ours, strange, others, rule))
    return Verdict(
        rule=rule,
        passed=np.mean(passed, axis=0),
        named=np.concatenate(named),
        kept=float(kept.mean()),
        auroc=float(np.mean(areas)),
    )
