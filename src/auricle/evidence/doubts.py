"""Data, not model: labels that the networks doubt, and what the errors of each class tell.

All networks of `kfold` are asked together, every configuration and seed, each about the clips that
it never heard, at the temperature of the other folds. What several networks get wrong in the
same way is likelier to be in the data than in one of them. They are less apart than their number:
all learnt from the same clips, and networks of one seed share their texture.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from auricle.data.clips import Clip
from auricle.evaluation.calibration import as_logits, cross_fitted, scaled
from auricle.evidence.case import Case
from auricle.study.fits import Predictions, load_predictions
from auricle.study.recipe import Plan
from auricle.study.scores import pooled, recordings_of, targets_of
from auricle.training.sounds import Array

MOST = 2 / 3
"""Share of the networks that must agree on another class before a label is doubted."""


@dataclass(frozen=True, kw_only=True)
class Doubted:
    """A clip whose label is doubted: so many `networks` agree on `answer`.

    `confidence` is the mean probability of the answer, `usual` that of clips labelled so.
    """

    file: str
    label: str
    answer: str
    networks: int
    confidence: float
    usual: float


@dataclass(frozen=True, kw_only=True)
class ClassErrors:
    """What goes wrong with the clips of one label.

    `wrong` clips, from `wrong_recordings`, are those that all networks together get wrong, and
    `taken_for` says for what, the commonest first. `error` is the share of mistakes of single
    networks, and `usually_for` what those take the class for most, if they ever err.
    """

    category: str
    clips: int
    recordings: int
    wrong: int
    wrong_recordings: int
    taken_for: tuple[tuple[str, int], ...]
    error: float
    usually_for: str | None


@dataclass(frozen=True, kw_only=True)
class DoubtsFound:
    """What was found; doubted clips, the surest first, and every class."""

    networks: int
    clips: int
    doubted: tuple[Doubted, ...]
    classes: tuple[ClassErrors, ...]


def measure(case: Case) -> DoubtsFound:
    """Put the out-of-fold predictions of all networks together, and read the labels by them."""
    found = predictions_in(case.run, case.plan)
    categories = case.prepared.table.categories
    clips = found[0].clips
    return doubts(clips, categories, np.stack([ordered(each, clips, categories) for each in found]))


def predictions_in(run: Path, plan: Plan) -> list[Predictions]:
    """The answers about all development clips, a configuration and seed each.

    Fits that the plan does not name, left from an earlier one, have no say.
    """
    return [
        pooled(
            [
                load_predictions(file)
                for file in sorted(run.glob(f"{recipe.name}/kfold/*/seed-{seed}/predictions.npz"))
            ]
        )
        for recipe in plan.configurations
        for seed in range(plan.seeds)
    ]


def ordered(found: Predictions, clips: Sequence[Clip], categories: Sequence[str]) -> Array:
    """(clips, classes) calibrated probabilities of one network, in the order of some clips."""
    targets = targets_of(found.clips, categories)
    folds = np.array([clip.fold for clip in found.clips])
    logits = as_logits(found.probabilities)
    temperatures = cross_fitted(logits, targets, folds)
    probabilities = scaled(logits, np.array([temperatures[fold] for fold in folds]))
    rows = {clip.file: row for row, clip in enumerate(found.clips)}
    return probabilities[[rows[clip.file] for clip in clips]]


def doubts(clips: Sequence[Clip], categories: Sequence[str], probabilities: Array) -> DoubtsFound:
    """Read labels and errors by what (networks, clips, classes) calibrated probabilities say."""
    targets = targets_of(clips, categories)
    return DoubtsFound(
        networks=len(probabilities),
        clips=len(clips),
        doubted=tuple(doubted(clips, categories, targets, probabilities)),
        classes=tuple(
            errors_of(category, clips, categories, targets, probabilities)
            for category in range(len(categories))
            if (targets == category).any()
        ),
    )


def doubted(
    clips: Sequence[Clip], categories: Sequence[str], targets: Array, probabilities: Array
) -> list[Doubted]:
    """Clips that most networks give one other class, as surely as they give it its own clips.

    Each class has a threshold of its own, the mean probability that clips labelled so get for it:
    a class that networks are seldom sure of needs less to be believed.

    Source: Northcutt, Jiang and Chuang (2021), section 3.1.
    """
    together = probabilities.mean(0)
    answers = probabilities.argmax(2)  # (networks, clips)
    usual = {category: together[targets == category, category].mean() for category in {*targets}}
    found = []
    for row, clip in enumerate(clips):
        (answer, networks), *_ = Counter(answers[:, row].tolist()).most_common(1)
        sure = together[row, answer]
        known = answer != targets[row] and answer in usual
        if known and networks >= MOST * len(answers) and sure >= usual[answer]:
            found.append(
                Doubted(
                    file=clip.file,
                    label=clip.category,
                    answer=categories[answer],
                    networks=networks,
                    confidence=float(sure),
                    usual=float(usual[answer]),
                )
            )
    return sorted(found, key=lambda each: -each.confidence)


def errors_of(
    category: int,
    clips: Sequence[Clip],
    categories: Sequence[str],
    targets: Array,
    probabilities: Array,
) -> ClassErrors:
    """What goes wrong with the clips of one class."""
    own = np.flatnonzero(targets == category)
    recordings = recordings_of([clip for clip in clips if clip.category == categories[category]])
    together = probabilities[:, own].mean(0).argmax(1)
    wrong = together != category
    single = probabilities[:, own].argmax(2)
    return ClassErrors(
        category=categories[category],
        clips=len(own),
        recordings=len({*recordings}),
        wrong=int(wrong.sum()),
        wrong_recordings=len({*recordings[wrong]}),
        taken_for=tuple(counted(together[wrong], categories)),
        error=float((single != category).mean()),
        usually_for=next(
            (name for name, _ in counted(single[single != category], categories)), None
        ),
    )


def counted(answers: Array, categories: Sequence[str]) -> list[tuple[str, int]]:
    """How often each class was answered, the commonest first."""
    return [
        (categories[answer], times) for answer, times in Counter(answers.tolist()).most_common()
    ]
