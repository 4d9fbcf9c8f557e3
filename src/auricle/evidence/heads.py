"""What each head of the encoder looks at, and what is lost without it."""

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy.special import log_softmax
from torch import Tensor

from auricle.evaluation.comparison import Comparison, compare, holm
from auricle.evidence.case import Case, Subject
from auricle.network.attention import EncoderBlock, MultiHeadAttention
from auricle.network.classifier import EncoderHead
from auricle.training.sounds import Array

EVEN = 1e-6
"""Attention that varies less than this share of itself over the steps looks at all alike."""


@dataclass(frozen=True, kw_only=True)
class Silenced:
    """What the whole network loses without some heads: accuracy with them less that without."""

    lost: Comparison
    p_holm: float
    log_loss_lost: float


@dataclass(frozen=True, kw_only=True)
class Head:
    """One head, counted from one; all figures are means over the clips.

    The class token's attention to the steps has an entropy, `spread` as a share of the largest
    possible one, and the rest of it, `on_itself`, stays where it is. `distance_s` is how far from
    itself a step looks.
    """

    block: int
    head: int
    entropy_bits: float
    spread: float
    on_itself: float
    distance_s: float
    silenced: Silenced


@dataclass(frozen=True, kw_only=True)
class Block:
    """All heads of a block silenced together, where there are several."""

    block: int
    silenced: Silenced


@dataclass(frozen=True, kw_only=True)
class Encoder:
    """The heads of one configuration, block after block; `accuracy` is of the whole network.

    `alike` (heads, heads) is how the class token's attention of two heads goes together over the
    steps of a clip, as a mean of correlations; None where one of them looks everywhere alike.
    `even_distance_s` is the distance of a head that looks at all steps alike.
    """

    configuration: str
    accuracy: float
    log_loss: float
    step_s: float
    even_distance_s: float
    heads: tuple[Head, ...]
    blocks: tuple[Block, ...]
    alike: tuple[tuple[float | None, ...], ...]


@dataclass(frozen=True)
class HeadsFound:
    """What was found, a configuration with an encoder each."""

    encoders: tuple[Encoder, ...]


def measure(case: Case) -> HeadsFound:
    """Look at the heads of every network that has some, and silence each in turn."""
    with_heads = [each for each in case.subjects if each.recipe.network.encoder.chooses]
    return HeadsFound(tuple(encoder_of(case, subject) for subject in with_heads))


@torch.no_grad()
def encoder_of(case: Case, subject: Subject) -> Encoder:
    """All that is asked of one configuration's heads."""
    config = subject.recipe.network.encoder
    singles = [(block, (head,)) for block in range(config.blocks) for head in range(config.heads)]
    several = config.blocks > 1 and config.heads > 1
    wholes = [(block, tuple(range(config.heads))) for block in range(config.blocks) if several]
    whole = np.zeros((len(subject.targets), len(subject.categories)))
    without = np.zeros((len(singles) + len(wholes), *whole.shape))
    habits = np.zeros((len(whole), 3, len(singles)))
    alike = np.zeros((len(whole), len(singles), len(singles)))
    steps = 0
    for rows, network, waves in case.followed(subject):
        assert isinstance(network.head, EncoderHead)
        features = network.base(network.frontend(network.frontend.power(waves)))
        statistics = network.describe(waves)  # the texture answers the same without any head
        logits, weights = network.head(features)
        steps = weights.shape[-1] - 1
        whole[rows] = network.joined(logits, statistics).cpu().numpy()
        habits[rows] = torch.stack(habits_in(weights), dim=1).flatten(2).cpu().numpy()
        alike[rows] = alike_in(weights).cpu().numpy()
        for at, (block, heads) in enumerate(singles + wholes):
            logits, _ = silence(network.head, block, heads)(features)
            without[at, rows] = network.joined(logits, statistics).cpu().numpy()
    entropy_bits, on_itself, distance = habits.mean(0)
    step_s = subject.recipe.network.step_s
    lost = losses(subject, whole, without[: len(singles)])
    return Encoder(
        configuration=subject.name,
        accuracy=float((whole.argmax(1) == subject.targets).mean()),
        log_loss=log_loss(whole, subject.targets),
        step_s=step_s,
        even_distance_s=step_s * (steps**2 - 1) / (3 * steps),
        heads=tuple(
            Head(
                block=block + 1,
                head=heads[0] + 1,
                entropy_bits=float(entropy_bits[at]),
                spread=float(entropy_bits[at] / max(math.log2(steps), 1)),
                on_itself=float(on_itself[at]),
                distance_s=float(step_s * distance[at]),
                silenced=lost[at],
            )
            for at, (block, heads) in enumerate(singles)
        ),
        blocks=tuple(
            Block(block=block + 1, silenced=each)
            for block, each in enumerate(losses(subject, whole, without[len(singles) :]))
        ),
        alike=mean_where_defined(alike),
    )


def habits_in(weights: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Of each head: entropy in bits, what stays on the class token, distance in steps.

    Shapes: (batch, blocks, heads, 1 + steps, 1 + steps) -> three of (batch, blocks, heads).
    """
    looked = over_steps(weights)
    entropy_bits = torch.special.entr(looked).sum(-1) / math.log(2)
    among = weights[..., 1:, 1:]  # steps at steps
    place = torch.arange(among.shape[-1], device=among.device)
    apart = (place[:, None] - place).abs().to(among)
    distance = (shares(among) * apart).sum(-1)  # (batch, blocks, heads, steps)
    return entropy_bits, weights[..., 0, 0], distance.mean(-1)


def over_steps(weights: Tensor) -> Tensor:
    """What the class token spends on the steps, as shares of it: (batch, blocks, heads, steps)."""
    return shares(weights[..., 0, 1:])


def shares(weights: Tensor) -> Tensor:
    """Each row as shares of its sum; a row of nothing stays one."""
    total = weights.sum(-1, keepdim=True)
    return weights / total.clamp(min=torch.finfo(weights.dtype).tiny)


def alike_in(weights: Tensor) -> Tensor:
    """Correlation over the steps of what two heads' class tokens look at; nan where it is none.

    Shapes: (batch, blocks, heads, 1 + steps, 1 + steps) -> (batch, all heads, all heads).
    """
    looked = over_steps(weights).flatten(1, 2).double()
    varied = looked - looked.mean(-1, keepdim=True)
    length = varied.norm(dim=-1, keepdim=True)
    uneven = length > EVEN * looked.norm(dim=-1, keepdim=True)
    varied = torch.where(uneven, varied / length, torch.nan)
    return varied @ varied.mT


def mean_where_defined(alike: Array) -> tuple[tuple[float | None, ...], ...]:
    """(clips, heads, heads) to the mean of each pair over its clips; None if none defines it."""
    defined = (~np.isnan(alike)).sum(0)
    means = np.nansum(alike, axis=0) / np.maximum(defined, 1)
    return tuple(
        tuple(float(mean) if clips else None for mean, clips in zip(*row, strict=True))
        for row in zip(means.tolist(), defined.tolist(), strict=True)
    )


def silence(head: EncoderHead, block: int, heads: Sequence[int]) -> EncoderHead:
    """A copy of the encoder in which some heads of a block say nothing.

    What joins them to the rest of the width is zero; what they look at is as before.
    """
    quiet = copy.deepcopy(head)
    chosen = quiet.encoder.blocks[block]
    assert isinstance(chosen, EncoderBlock)
    attention = chosen.attention
    assert isinstance(attention, MultiHeadAttention)
    joining = attention.out.weight  # (width, heads side by side)
    with torch.no_grad():
        joining.view(len(joining), attention.heads, -1)[:, list(heads)] = 0
    return quiet


def losses(subject: Subject, whole: Array, without: Array) -> list[Silenced]:
    """What each of a family of silences costs.

    Shapes: logits with all heads (clips, classes), without some (silences, clips, classes).
    """
    targets = subject.targets
    right = whole.argmax(1) == targets
    compared = [
        compare(right, each.argmax(1) == targets, subject.recordings, targets) for each in without
    ]
    adjusted = holm([each.p_permutation for each in compared])
    return [
        Silenced(
            lost=lost,
            p_holm=p_holm,
            log_loss_lost=log_loss(logits, targets) - log_loss(whole, targets),
        )
        for lost, p_holm, logits in zip(compared, adjusted, without, strict=True)
    ]


def log_loss(logits: Array, targets: Array) -> float:
    """Mean surprise at the truth, in nats."""
    return float(-log_softmax(logits, axis=1)[np.arange(len(targets)), targets].mean())
