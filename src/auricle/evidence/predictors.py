"""How far the class of a clip follows from how it was recorded, without any look at the sound."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.ensemble import RandomForestClassifier

from auricle.data.clips import Clip
from auricle.data.measures import Measures
from auricle.evaluation.intervals import Interval, accuracy_interval
from auricle.study.scores import recordings_of, targets_of
from auricle.training.sounds import Array

PREDICTORS = ("level_db", "length_s", "silence", "bandwidth_hz")
"""Measures that are asked to name the class."""

TREES = 60


@dataclass(frozen=True)
class Shortcut:
    """How often some measures alone name the class of a clip in a fold that was kept apart."""

    measures: tuple[str, ...]
    accuracy: Interval


@dataclass(frozen=True)
class Shortcuts:
    """Each measure alone, then all together; `chance` is the share of the most frequent class."""

    chance: float
    found: tuple[Shortcut, ...]


def find_shortcuts(
    clips: Sequence[Clip], measured: Sequence[Measures], categories: tuple[str, ...]
) -> Shortcuts:
    """Ask a random forest for the class, each fold by one that learnt from the others.

    The intervals are by recording.
    """
    targets = targets_of(clips, categories)
    folds = np.array([clip.fold for clip in clips])
    table = np.array([[getattr(one, name) for name in PREDICTORS] for one in measured])
    recordings = recordings_of(clips)
    asked = [*((name,) for name in PREDICTORS), PREDICTORS]
    return Shortcuts(
        chance=float(np.bincount(targets).max() / len(targets)),
        found=tuple(
            Shortcut(
                names,
                accuracy_interval(
                    _answers(table[:, [PREDICTORS.index(name) for name in names]], targets, folds)
                    == targets,
                    targets,
                    recordings,
                ),
            )
            for names in asked
        ),
    )


def _answers(table: Array, targets: Array, folds: Array) -> Array:
    """(clips,) class of each clip, by a forest that was not shown its fold; table (clips, any)."""
    answers = np.zeros_like(targets)
    for fold in np.unique(folds):
        here = folds == fold
        forest = RandomForestClassifier(TREES, min_samples_leaf=3, random_state=0)
        answers[here] = forest.fit(table[~here], targets[~here]).predict(table[here])
    return answers
