"""Why is the best transformer as good as it is? Beside controls that each change one thing."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from auricle.evaluation.comparison import holm
from auricle.evidence.case import Case
from auricle.evidence.controls import Scored, predictions_of, scored, trainable, versus
from auricle.network.attention import EncoderConfig
from auricle.network.base import BaseConfig
from auricle.study.recipe import Recipe

BLOCKS = (1, 2, 3, 4)
HEADS = (1, 2, 4, 8)
WIDER_BY = 8


@dataclass(frozen=True, kw_only=True)
class Row:
    """One control: its accuracy less the reference's, and `p` after Holm over all rows."""

    name: str
    changes: str
    scored: Scored
    difference: float
    low: float
    high: float
    p: float


@dataclass(frozen=True, kw_only=True)
class ArchitectureFound:
    """The study's best transformer and its controls; without one, nothing to ask."""

    reference: str
    blocks: int
    heads: int
    scored: Scored | None
    rows: tuple[Row, ...]


def measure(case: Case) -> ArchitectureFound:
    """Train the controls and set each beside the reference."""
    subject = case.transformer
    if subject is None:
        return ArchitectureFound(reference="", blocks=0, heads=0, scored=None, rows=())
    changes = dict(controls_of(subject.recipe, len(subject.categories)))
    recipes = [subject.recipe, *changes.values()]
    reference, *found = predictions_of(case, subject, "architecture", recipes)
    versuses = [versus(subject, each, reference) for each in found]
    adjusted = holm([each.p_permutation for each in versuses])
    encoder = subject.recipe.network.encoder
    return ArchitectureFound(
        reference=subject.name,
        blocks=encoder.blocks,
        heads=encoder.heads,
        scored=scored(subject, reference, subject.recipe),
        rows=tuple(
            Row(
                name=recipe.name,
                changes=change,
                scored=scored(subject, predictions, recipe),
                difference=against.difference,
                low=against.low,
                high=against.high,
                p=p,
            )
            for (change, recipe), predictions, against, p in zip(
                changes.items(), found, versuses, adjusted, strict=True
            )
        ),
    )


def controls_of(reference: Recipe, classes: int) -> Iterator[tuple[str, Recipe]]:
    """Controls of a transformer, each with what it changes, in words."""
    network, encoder = reference.network, reference.network.encoder
    size = trainable(reference, classes)

    def other(name: str, **changed: Any) -> Recipe:
        return replace(reference, name=name, network=replace(network, **changed))

    plain = other("no-encoder", encoder=EncoderConfig())
    yield "no encoder: mean and maximum over time, fully connected", plain
    wide = other("no-encoder-wide", encoder=EncoderConfig(), base=wider(plain, size, classes))
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
