"""Where a network looks: pointers to the moments of a clip that its answer comes from.

A pointer gives each frame of a network's spectrum a weight (batch, frames): the larger, the more
the answer is said to rest on it. Whether it does is tested in `looking`, not assumed.

Pointers lead through base and head. The texture hears all of a clip at once, and no moment of it
can be pointed at: what is marked is what base and head hear for an answer, whoever gives it.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from auricle.network.attention import last_block
from auricle.network.base import BaseConfig
from auricle.network.classifier import SoundClassifier

GRADIENT, LAST_BLOCK, ROLLOUT = POINTERS = "gradient", "last block", "rollout"
"""All pointers, as a view has them; without attention to follow there is the first alone."""

POINTS = 24
"""At which the way from the floor to a spectrum is sampled."""


@dataclass(frozen=True)
class View:
    """Clips as a network sees and answers them, and where its pointers say that it looks.

    `spectrum`, `evidence` (batch, bands, frames); `probabilities` (batch, classes); `answers`,
    `unexplained` (batch,), the latter of the logit that base and head give the answer; `marks`
    (batch, pointers, frames).
    """

    spectrum: Tensor
    probabilities: Tensor
    answers: Tensor
    evidence: Tensor
    unexplained: Tensor
    marks: Tensor


def view(network: SoundClassifier, waves: Tensor, statistics: Tensor | None) -> View:
    """Let a network answer (batch, samples), and follow its pointers.

    With the `statistics` of the waves' texture the answers are the whole network's; without them,
    those of base and head alone. A gradient marks a frame by what speaks for the answer in it, all
    bands together.
    """
    with torch.no_grad():
        spectrum, floor = spectrum_of(network, waves)
        logits, weights = answer(network, spectrum)
        logits = network.joined(logits, statistics)
    answers = logits.argmax(1)
    evidence = attribute(network, spectrum, floor, answers)
    marks = [evidence.clamp(min=0).sum(1)]
    if weights is not None and network.config.encoder.chooses:
        frames, config = spectrum.shape[-1], network.config.base
        marks += [over_frames(looked(weights), config, frames) for looked in (last_block, rollout)]
    return View(
        spectrum,
        logits.softmax(1),
        answers,
        evidence,
        unexplained(network, spectrum, floor, answers, evidence),
        torch.stack(marks, 1),
    )


def spectrum_of(network: SoundClassifier, waves: Tensor) -> tuple[Tensor, Tensor]:
    """What the network sees of waves, and what it would see of silence.

    Shapes: (batch, samples) -> two of (batch, bands, frames).
    """
    power = network.frontend.power(waves)
    return network.frontend(power), network.frontend(torch.zeros_like(power))


def answer(network: SoundClassifier, spectrum: Tensor) -> tuple[Tensor, Tensor | None]:
    """What base and head say of a spectrum: (batch, bands, frames) -> as `classify` of powers."""
    logits, weights = network.head(network.base(spectrum))
    return logits.float(), weights


def attribute(
    network: SoundClassifier,
    spectrum: Tensor,
    floor: Tensor,
    answers: Tensor,
    points: int = POINTS,
) -> Tensor:
    """What each band at each moment adds to the logit of an answer: integrated gradients.

    The gradient is averaged over the straight way from the floor to the spectrum, in decibels as
    the network has them. All values sum to the difference between the logits of base and head at
    its two ends.

    Shapes: spectrum, floor (batch, bands, frames), answers (batch,) -> (batch, bands, frames).
    Source: Sundararajan et al. (2017), equation 1.
    """
    way = spectrum - floor
    total = torch.zeros_like(way)
    for point in range(points):
        between = (floor + (point + 0.5) / points * way).requires_grad_()
        logits, _ = answer(network, between)
        (gradient,) = torch.autograd.grad(_of_answers(logits, answers).sum(), between)
        total += gradient
    return way * total / points


def unexplained(
    network: SoundClassifier, spectrum: Tensor, floor: Tensor, answers: Tensor, found: Tensor
) -> Tensor:
    """(batch,) share of the logits' difference that an attribution does not sum to."""
    with torch.no_grad():
        ends = [_of_answers(answer(network, end)[0], answers) for end in (spectrum, floor)]
    difference = ends[0] - ends[1]
    return (found.sum((1, 2)) - difference).abs() / difference.abs().clamp(min=1e-6)


def _of_answers(logits: Tensor, answers: Tensor) -> Tensor:
    return logits.gather(1, answers[:, None])[:, 0]


def rollout(weights: Tensor) -> Tensor:
    """(batch, steps) what the class token looks at through all blocks.

    A block hands on half of what came in and half of what its heads look at; what the last one
    shows of the first tokens is the product of all.

    Shapes: as `last_block`.
    Source: Abnar and Zuidema (2020), section 3.
    """
    itself = torch.eye(weights.shape[-1]).to(weights)
    seen = itself.expand(len(weights), -1, -1)
    for block in weights.mean(2).unbind(1):  # (batch, tokens, tokens)
        seen = (block + itself) / 2 @ seen
    return seen[:, 0, 1:]


def over_frames(looked: Tensor, config: BaseConfig, frames: int) -> Tensor:
    """Spread each step's weight over its frames: (batch, steps) -> (batch, frames).

    The last frames, too few for the base to take, have none.
    """
    heard = frames // config.frames_per_step * config.frames_per_step
    spread = looked.repeat_interleave(config.hop_frames, dim=1)[:, :heard]
    return F.pad(spread, (0, frames - heard))
