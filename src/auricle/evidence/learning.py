"""Data, not model: what more recordings were worth, and so what further ones may be."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from auricle.data.clips import ClipTable
from auricle.evidence.case import Case
from auricle.evidence.controls import (
    Alone,
    Control,
    Versus,
    alone,
    ask,
    fold_of,
    jobs_of,
    taught,
    train,
    versus,
)
from auricle.study.job import Job
from auricle.study.recipe import Recipe

SHARES = (0.25, 0.5)
"""Each step doubles the recordings: smaller steps would be harder still to tell from chance."""

Tables = Mapping[int, ClipTable]
"""By the fold that is validated, the clips that may be decoded."""


@dataclass(frozen=True)
class Point:
    """Learnt from a share of the recordings: how many, and how the clips were recognised.

    `recordings` and `clips` are means over the folds.
    """

    share: float
    recordings: float
    clips: float
    alone: Alone


@dataclass(frozen=True, kw_only=True)
class LearningFound:
    """The curve, the full set last, and its last step: full less the share before.

    The full set's point is the study's own, or trained `anew`.
    """

    configuration: str
    points: tuple[Point, ...]
    step: Versus
    anew: bool = False


def measure(case: Case) -> LearningFound:
    """Train on shares of the recordings, with as many steps as on all of them, to half an epoch."""
    subject, planned = case.best, jobs(case)
    train(case, planned)
    parts = controls_of(case)
    found = [
        ask(case, taught(subject, control, planned[control.name])) for control in parts.values()
    ]
    anew = 1.0 in parts
    if not anew:
        found.append(ask(case, subject))
        parts[1.0] = whole(case)
    return LearningFound(
        configuration=subject.name,
        points=tuple(
            point(share, control, alone(subject, answered))
            for (share, control), answered in zip(parts.items(), found, strict=True)
        ),
        step=versus(subject, found[-1], found[-2]),
        anew=anew,
    )


def jobs(case: Case) -> dict[str, list[Job]]:
    """The fits that learn from a part of the recordings."""
    return jobs_of(case, case.best, "learning", [*controls_of(case).values()])


def whole(case: Case) -> Control:
    """The study's own `kfold`, as if it were a control."""
    validated = [fold_of(split) for split in case.kfold]
    return Control(case.best.recipe, dict.fromkeys(validated, case.prepared.development))


def controls_of(case: Case) -> dict[float, Control]:
    """By the share of the recordings that is learnt from.

    All of them are among the shares where the study's own networks have no weights, as in a
    published copy.
    """
    full, found = whole(case), {}
    own = case.has_weights(case.best.recipe)
    for share in SHARES if own else (*SHARES, 1.0):
        tables = {fold: thinned(table, fold, share) for fold, table in full.tables.items()}
        recipe = as_many_steps(full.recipe, f"share-{round(100 * share)}", full.tables, tables)
        found[share] = Control(recipe, tables)
    return found


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


def point(share: float, control: Control, scored: Alone) -> Point:
    """One point of the curve."""
    learnt = [
        [(clip.category, clip.recording) for clip in table.clips if clip.fold != fold]
        for fold, table in control.tables.items()
    ]
    return Point(
        share=share,
        recordings=float(np.mean([len({*own}) for own in learnt])),
        clips=float(np.mean([len(own) for own in learnt])),
        alone=scored,
    )
