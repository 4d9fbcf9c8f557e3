"""Events and texture: what does each part of a network hear alone, and what do both together?

A network averages two answers: that of base and head, which follow what happens in a sound and
when, and that of its texture, from statistics of the whole wave. Both are in the weights of every
fit, and are asked one by one here: every configuration and every seed of `kfold`, each about the
clips that it never heard. The texture of one seed answers alike in all configurations whose
front-ends have one range and one floor: the noise it learns under is all that is drawn.

Of fits whose weights are gone, as in a published copy, the predictions are left, which are of both
parts. Their texture is solved anew, as they solved it; events are what remains without it.
"""

from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import torch
from scipy.special import log_softmax

from auricle.evaluation.comparison import Comparison, compare, holm
from auricle.evaluation.intervals import Interval, accuracy_interval
from auricle.evidence.case import Case, Subject
from auricle.study.fits import load_predictions
from auricle.study.job import examples_in, fit_folder
from auricle.study.recipe import Recipe
from auricle.training.fit import generator_for, new_network
from auricle.training.sounds import Array, Sounds, scoring_batches

EVENTS, TEXTURE, BOTH = range(3)
OF_FRONTEND = ("sample_rate_hz", "low_hz", "high_hz", "floor_db")
"""What a texture takes over from the front-end beside it."""


@dataclass(frozen=True, kw_only=True)
class OfClass:
    """How the clips of one class were answered; the loss is in nats."""

    accuracy: float
    log_loss: float


@dataclass(frozen=True, kw_only=True)
class Answered:
    """How clips were answered by one part alone, or by both: means over the seeds.

    `by_class` is in the order of the classes.
    """

    accuracy: Interval
    log_loss: float
    by_class: tuple[OfClass, ...]


@dataclass(frozen=True, kw_only=True)
class Averaged:
    """Events of two seeds, averaged as events and texture are: what any second answer is worth.

    `gain` is both parts of one seed less that; `p_holm` allows for every configuration.
    """

    accuracy: Interval
    gain: Comparison
    p_holm: float


@dataclass(frozen=True, kw_only=True)
class Parted:
    """One configuration, whose texture counts `share`; `gain` is both less events alone.

    `mended` clips are wrong by events alone and right by both, `spoilt` ones the reverse, as means
    over the seeds; `p_holm` allows for having asked about every configuration. `averaged` is the
    control where there are several seeds: older files lack it.
    """

    configuration: str
    seeds: int
    share: float
    events: Answered
    texture: Answered
    both: Answered
    gain: Comparison
    p_holm: float
    mended: float
    spoilt: float
    averaged: Averaged | None = None
    remaining: int = 0


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two configurations by events alone: what base and head are worth without the texture.

    `p_holm` allows for having asked about every pair.
    """

    first: str
    second: str
    comparison: Comparison
    p_holm: float


@dataclass(frozen=True, kw_only=True)
class TextureFound:
    """What was found; `clips` are those of each class that has some.

    Files of before pairs were asked about have none.
    """

    categories: tuple[str, ...]
    clips: tuple[int, ...]
    configurations: tuple[Parted, ...]
    pairs: tuple[Pair, ...] = ()


def measure(case: Case) -> TextureFound:
    """Ask the parts of every network that has both."""
    textured = [each for each in case.plan.configurations if each.network.texture.share]
    answers = every_seed(case, textured)
    asked = [parted_of(case.subjects[0], recipe, answers[recipe.name]) for recipe in textured]
    parted = [
        replace(of, remaining=of.seeds - len([*with_weights(case, recipe)]))
        for recipe, (of, _) in zip(textured, asked, strict=True)
    ]
    adjusted = holm([of.gain.p_permutation for of in parted])
    heard = Counter(clip.category for clip in case.prepared.development.clips)
    categories = tuple(each for each in case.prepared.table.categories if heard[each])
    return TextureFound(
        categories=categories,
        clips=tuple(heard[each] for each in categories),
        configurations=tuple(
            replace(of, p_holm=p, averaged=control)
            for of, p, control in zip(parted, adjusted, controls(parted), strict=True)
        ),
        pairs=pairs_of(case.subjects[0], {of.configuration: right for of, right in asked}),
    )


def controls(parted: Sequence[Parted]) -> list[Averaged | None]:
    """The control of each configuration, its p adjusted for those of the others."""
    found = [of.averaged for of in parted]
    adjusted = iter(holm([each.gain.p_permutation for each in found if each]))
    return [each and replace(each, p_holm=next(adjusted)) for each in found]


def pairs_of(subject: Subject, right: Mapping[str, Array]) -> tuple[Pair, ...]:
    """Every pair of configurations by what is right (seeds, clips) in each."""
    pairs = list(combinations(right, 2))
    found = [
        compare(right[one], right[other], subject.recordings, subject.targets)
        for one, other in pairs
    ]
    adjusted = holm([each.p_permutation for each in found])
    return tuple(
        Pair(first=one, second=other, comparison=each, p_holm=p)
        for (one, other), each, p in zip(pairs, found, adjusted, strict=True)
    )


def parted_of(first: Subject, recipe: Recipe, answers: Array) -> tuple[Parted, Array]:
    """One configuration by its parts, and what is right (seeds, clips) by events alone.

    `answers` (seeds, parts, clips, classes) are to the clips of `first`, any subject; `p_holm` is
    not yet adjusted.
    """
    right = answers.argmax(3) == first.targets  # (seeds, parts, clips)
    losses = -answers[..., np.arange(len(first.targets)), first.targets]
    events, texture, both = (
        answered(first, right[:, part], losses[:, part]) for part in (EVENTS, TEXTURE, BOTH)
    )
    gain = compare(right[:, BOTH], right[:, EVENTS], first.recordings, first.targets)
    parted = Parted(
        configuration=recipe.name,
        seeds=len(answers),
        share=recipe.network.texture.share,
        events=events,
        texture=texture,
        both=both,
        gain=gain,
        p_holm=gain.p_permutation,
        mended=float((right[:, BOTH] & ~right[:, EVENTS]).sum(1).mean()),
        spoilt=float((right[:, EVENTS] & ~right[:, BOTH]).sum(1).mean()),
        averaged=averaged_of(first, answers[:, EVENTS], right[:, BOTH]),
    )
    return parted, right[:, EVENTS]


def averaged_of(subject: Subject, events: Array, both: Array) -> Averaged | None:
    """Each seed's events averaged with the next one's: (seeds, clips, classes), right by both."""
    if len(events) < 2:
        return None
    right = (events + np.roll(events, 1, axis=0)).argmax(2) == subject.targets  # (seeds, clips)
    gain = compare(both, right, subject.recordings, subject.targets)
    return Averaged(
        accuracy=accuracy_interval(right.mean(0), subject.targets, subject.recordings),
        gain=gain,
        p_holm=gain.p_permutation,
    )


def every_seed(case: Case, recipes: Sequence[Recipe]) -> dict[str, Array]:
    """(seeds, parts, clips, classes) log-probabilities of each configuration, by name."""
    textures: dict[Hashable, Array] = {}
    found = {}
    for recipe in recipes:
        asked = {seed: answers_of(case, subject) for seed, subject in with_weights(case, recipe)}
        for seed in range(case.plan.seeds):
            if seed not in asked:
                heard = (learnt_by(recipe), seed)
                if heard not in textures:
                    textures[heard] = solved(case, recipe, seed)
                asked[seed] = remaining(case, recipe, seed, textures[heard])
        found[recipe.name] = np.stack([asked[seed] for seed in sorted(asked)])
    return found


def learnt_by(recipe: Recipe) -> Hashable:
    """All that a texture's answers depend on beside seed and clips."""
    frontend = tuple(getattr(recipe.network.frontend, key) for key in OF_FRONTEND)
    return recipe.network.texture, frontend, recipe.augment.texture_noise_low_db


def with_weights(case: Case, recipe: Recipe) -> Iterator[tuple[int, Subject]]:
    """A configuration's `kfold` networks by seed, as far as all of a seed have weights."""
    for seed in range(case.plan.seeds):
        if case.has_weights(recipe, seed):
            yield seed, case.opened(recipe, seed)


@torch.no_grad()
def solved(case: Case, recipe: Recipe, seed: int) -> Array:
    """(clips, classes) log-probabilities of the textures of one seed, each solved as in its fit."""
    subject = case.opened(recipe, seed)
    found = np.zeros((len(subject.targets), len(subject.categories)))
    for split in case.kfold:
        network = new_network(recipe.network, len(subject.categories), seed).to(subject.device)
        training = examples_in(subject.store, split.training, subject.categories)
        sounds = Sounds(network, training, subject.device, None)
        assert network.texture is not None
        sounds.solve(network.texture, recipe.augment, generator_for(seed))
        rows = np.flatnonzero(subject.folds == split.validation)
        for part in scoring_batches(len(rows)):
            statistics = network.describe(subject.waves(rows[part]))
            assert statistics is not None
            answered = network.texture(statistics).double().log_softmax(1)
            found[rows[part]] = answered.cpu().numpy()
    return found


def remaining(case: Case, recipe: Recipe, seed: int, texture: Array) -> Array:
    """As `answers_of`, from predictions kept of both parts, and what the texture answered."""
    rows = {clip.file: row for row, clip in enumerate(case.subjects[0].store.clips)}
    both = np.empty_like(texture)
    for fit in case.kfold:
        folder = fit_folder(case.run, recipe.name, fit, seed)
        kept = load_predictions(folder / "predictions.npz")
        least = np.finfo(np.float32).tiny
        both[[rows[clip.file] for clip in kept.clips]] = np.log(kept.probabilities.clip(least))
    share = recipe.network.texture.share
    events = log_softmax((both - share * texture) / (1 - share), axis=1)
    return np.stack([events, texture, both])


@torch.no_grad()
def answers_of(case: Case, subject: Subject) -> Array:
    """(parts, clips, classes) log-probabilities of events, texture and both, one seed's."""
    found = np.zeros((3, len(subject.targets), len(subject.categories)))
    for rows, network, waves in case.followed(subject):
        statistics = network.describe(waves)
        assert network.texture is not None
        assert statistics is not None
        events, _ = network.classify(network.frontend.power(waves))
        parts = [events, network.texture(statistics), network.joined(events, statistics)]
        found[:, rows] = torch.stack(parts).double().log_softmax(2).cpu().numpy()
    return found


def answered(subject: Subject, right: Array, losses: Array) -> Answered:
    """Scores of one part: right, losses (seeds, clips)."""
    hits, loss, targets = right.mean(0), losses.mean(0), subject.targets
    by_class = [targets == category for category in np.unique(targets)]
    return Answered(
        accuracy=accuracy_interval(hits, targets, subject.recordings),
        log_loss=float(loss.mean()),
        by_class=tuple(
            OfClass(accuracy=float(hits[rows].mean()), log_loss=float(loss[rows].mean()))
            for rows in by_class
        ),
    )
