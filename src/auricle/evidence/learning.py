"""Data, not model: what more recordings were worth, and so what further ones may be."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from auricle.data.clips import ClipTable
from auricle.evidence.case import Case
from auricle.evidence.controls import (
    Control,
    Scored,
    fold_of,
    in_study,
    kfold_of,
    out_of_fold,
    scored,
    train,
    versus,
)
from auricle.study.recipe import Recipe

SHARES = (0.25, 0.5, 0.75)

Tables = Mapping[int, ClipTable]
"""By the fold that is validated, the clips that may be decoded."""


@dataclass(frozen=True)
class Point:
    """Learnt from a share of the recordings: how many, and how their clips were scored.

    `recordings` and `clips` are means over the folds.
    """

    share: float
    recordings: float
    clips: float
    scored: Scored


@dataclass(frozen=True, kw_only=True)
class LearningFound:
    """The curve, the full set last, and the gain of its last step: full less the share before."""

    configuration: str
    points: tuple[Point, ...]
    gain: float
    gain_low: float
    gain_high: float
    gain_p: float


def measure(case: Case) -> LearningFound:
    """Train on shares of the recordings, with as many steps as on all of them, to half an epoch."""
    subject, development = case.best, case.prepared.development
    validated = [fold_of(split) for split in kfold_of(case)]
    whole = Control(subject.recipe, dict.fromkeys(validated, development))
    controls = []
    for share in SHARES:
        tables = {fold: thinned(development, fold, share) for fold in validated}
        name = f"share-{round(100 * share)}"
        controls.append(Control(as_many_steps(subject.recipe, name, whole.tables, tables), tables))
    trained = train(case, subject, "learning", controls)
    full = in_study(case, subject.recipe)
    assert full is not None
    found = [out_of_fold(trained[control.name]) for control in controls]
    points = [
        point(share, control, scored(subject, predictions, control.recipe))
        for share, control, predictions in zip(
            (*SHARES, 1.0), (*controls, whole), (*found, full), strict=True
        )
    ]
    gain = versus(subject, full, found[-1])
    return LearningFound(
        configuration=subject.name,
        points=tuple(points),
        gain=gain.difference,
        gain_low=gain.low,
        gain_high=gain.high,
        gain_p=gain.p_permutation,
    )


def as_many_steps(recipe: Recipe, name: str, whole: Tables, part: Tables) -> Recipe:
    """The recipe with so many epochs that fewer clips make as many steps, as a mean of the folds.

    Views would not do: a whole number of them misses by an eighth where two become 2.67.
    """
    steps = recipe.training.epochs * steps_an_epoch(recipe, whole)
    epochs = round(steps / steps_an_epoch(recipe, part))
    return replace(recipe, name=name, training=replace(recipe.training, epochs=epochs))


def steps_an_epoch(recipe: Recipe, tables: Tables) -> int:
    """Of all folds together, each validated in turn."""
    config = recipe.training
    learnt = [sum(c.fold != fold for c in table.clips) for fold, table in tables.items()]
    return sum(math.ceil(clips * config.views / config.batch) for clips in learnt)


def thinned(table: ClipTable, validated: int, share: float) -> ClipTable:
    """The validated fold whole, of the others a share of each category's recordings.

    Shares are nested: a smaller one is a part of a larger one. A category keeps a recording.
    """
    generator = np.random.default_rng(validated)
    kept: set[tuple[str, str]] = set()
    for category in sorted({clip.category for clip in table.clips}):
        own = sorted(
            {
                (clip.category, clip.recording)
                for clip in table.clips
                if clip.category == category and clip.fold != validated
            }
        )
        order = generator.permutation(len(own))
        kept |= {own[at] for at in order[: max(1, round(share * len(own)))]}
    clips = [
        clip
        for clip in table.clips
        if clip.fold == validated or (clip.category, clip.recording) in kept
    ]
    return replace(table, clips=tuple(clips))


def point(share: float, control: Control, fared: Scored) -> Point:
    """One point of the curve."""
    learnt = [
        [(clip.category, clip.recording) for clip in table.clips if clip.fold != fold]
        for fold, table in control.tables.items()
    ]
    return Point(
        share=share,
        recordings=float(np.mean([len({*own}) for own in learnt])),
        clips=float(np.mean([len(own) for own in learnt])),
        scored=fared,
    )
