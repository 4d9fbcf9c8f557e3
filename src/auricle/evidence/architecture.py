"""Why is the best transformer as good as it is? Beside controls that each change something."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from auricle.evidence.case import Case, Subject
from auricle.evidence.controls import (
    Alone,
    Answers,
    Versus,
    alone,
    ask,
    jobs_of,
    name_in_study,
    same_clips,
    taught,
    train,
    trainable,
    versus,
)
from auricle.evidence.effects import adjusted
from auricle.network.attention import EncoderConfig
from auricle.network.base import BaseConfig
from auricle.study.job import Job
from auricle.study.recipe import Recipe

BLOCKS = (1, 2, 3, 4)
HEADS = (1, 2, 4, 8)
WIDER_BY = 8
AS_LARGE = "no-encoder-wide"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One control less the reference; `p_holm` is over all rows, of each kind of answer apart.

    `in_study` is what the study calls it where it has it: then nothing was trained.
    """

    name: str
    changes: str
    in_study: str | None
    parameters: int
    versus: Versus


@dataclass(frozen=True, kw_only=True)
class ArchitectureFound:
    """The study's best transformer and its controls; without one, nothing to ask.

    `seeds` are the accuracies, seed by seed, that the study has of the reference: it was picked by
    them, and controls have the first seed alone.
    """

    reference: str
    blocks: int
    heads: int
    parameters: int
    seeds: tuple[float, ...]
    alone: Alone | None
    rows: tuple[Row, ...]

    @property
    def as_large(self) -> Row | None:
        """The control without an encoder that spends its parameters on width instead."""
        return next((row for row in self.rows if row.name == AS_LARGE), None)


def measure(case: Case) -> ArchitectureFound:
    """Train the controls and set each beside the reference."""
    subject = case.transformer
    if subject is None:
        return ArchitectureFound(
            reference="", blocks=0, heads=0, parameters=0, seeds=(), alone=None, rows=()
        )
    planned = jobs(case)
    train(case, planned)
    reference = ask(case, subject)
    changes = dict(controls_of(subject.recipe, len(subject.categories)))
    found = [
        versus(subject, answers_of(case, subject, recipe, planned), reference)
        for recipe in changes.values()
    ]
    encoder = subject.recipe.network.encoder
    classes = len(subject.categories)
    return ArchitectureFound(
        reference=subject.name,
        blocks=encoder.blocks,
        heads=encoder.heads,
        parameters=trainable(subject.recipe, classes),
        seeds=seeds_of(case.run, subject.name),
        alone=alone(subject, reference),
        rows=tuple(
            Row(
                name=recipe.name,
                changes=change,
                in_study=name_in_study(case, recipe),
                parameters=trainable(recipe, classes),
                versus=against,
            )
            for (change, recipe), against in zip(changes.items(), family(found), strict=True)
        ),
    )


def jobs(case: Case) -> dict[str, list[Job]]:
    """The fits of all controls that the study does not have itself."""
    subject = case.transformer
    if subject is None:
        return {}
    recipes = dict(controls_of(subject.recipe, len(subject.categories))).values()
    missing = [recipe for recipe in recipes if name_in_study(case, recipe) is None]
    return jobs_of(case, subject, "architecture", [same_clips(case, each) for each in missing])


def answers_of(
    case: Case, subject: Subject, recipe: Recipe, planned: Mapping[str, Sequence[Job]]
) -> Answers:
    """What a control's networks answer: those trained for it, or the study's own."""
    if own := name_in_study(case, recipe):
        return ask(case, case.opened(replace(recipe, name=own)))
    control = same_clips(case, recipe)
    return ask(case, taught(subject, control, planned[recipe.name]))


def family(rows: Sequence[Versus]) -> list[Versus]:
    """The same with p-values that allow for having asked about all of them."""
    whole = adjusted([row.whole for row in rows])
    told = [row.events for row in rows if row.events is not None]
    events = adjusted(told) if told else [None] * len(rows)
    return [Versus(whole=w, events=e) for w, e in zip(whole, events, strict=True)]


def seeds_of(run: Path, name: str) -> tuple[float, ...]:
    """Out-of-fold accuracy of a configuration with each seed that the study has."""
    scores = json.loads((run / "scores.json").read_text(encoding="utf-8"))
    (own,) = (each for each in scores["configurations"] if each["name"] == name)
    return tuple(
        row["accuracy"]["value"]
        for row in own["scores"]
        if (row["strategy"], row["member"], row["on"]) == ("kfold", "pooled", "out-of-fold")
        and row["seed"].isdigit()
    )


def controls_of(reference: Recipe, classes: int) -> Iterator[tuple[str, Recipe]]:
    """Controls of a transformer, each with what it changes, in words."""
    network, encoder = reference.network, reference.network.encoder
    size = trainable(reference, classes)

    def other(name: str, **changed: Any) -> Recipe:
        return replace(reference, name=name, network=replace(network, **changed))

    plain = other("no-encoder", encoder=EncoderConfig())
    yield "no encoder: mean and maximum over time, fully connected", plain
    wide = other(AS_LARGE, encoder=EncoderConfig(), base=wider(plain, size, classes))
    yield "no encoder, its parameters spent on width instead", wide
    averaging = replace(encoder, attends=False, heads=1)
    averaging = replace(averaging, expansion=wider_perceptron(reference, averaging, size, classes))
    yield (
        "attention looks everywhere alike, its parameters spent on the perceptrons",
        other("averaging", encoder=averaging),
    )
    yield (
        "no class token: the mean of the steps instead",
        other("no-class-token", encoder=replace(encoder, class_token=False)),
    )
    for blocks in BLOCKS:
        if blocks != encoder.blocks:
            several = f"{blocks} block{'s' * (blocks > 1)}"
            yield several, other(f"blocks-{blocks}", encoder=replace(encoder, blocks=blocks))
    for heads in HEADS:
        if heads != encoder.heads and network.base.width % heads == 0:
            several = f"{heads} head{'s' * (heads > 1)}"
            yield several, other(f"heads-{heads}", encoder=replace(encoder, heads=heads))


def wider(plain: Recipe, size: int, classes: int) -> BaseConfig:
    """The base without an encoder that comes nearest to a number of parameters.

    All stages but the first are widened: that is where the encoder's own width is.
    """
    base = plain.network.base
    candidates = [
        replace(base, widths=(*base.widths[:1], *(width + more for width in base.widths[1:])))
        for more in range(0, 3 * base.width, WIDER_BY)
    ]
    return min(candidates, key=lambda each: abs(_size(plain, classes, base=each) - size))


def wider_perceptron(reference: Recipe, averaging: EncoderConfig, size: int, classes: int) -> int:
    """How much wider the perceptrons get so that no parameter is lost with query and key."""
    return min(
        range(averaging.expansion, 3 * averaging.expansion + 1),
        key=lambda more: abs(
            _size(reference, classes, encoder=replace(averaging, expansion=more)) - size
        ),
    )


def _size(recipe: Recipe, classes: int, **changed: Any) -> int:
    return trainable(replace(recipe, network=replace(recipe.network, **changed)), classes)
