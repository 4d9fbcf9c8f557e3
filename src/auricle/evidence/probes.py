"""What a pointer is put to: frames are muted that it marks, and events planted that it must find.

order (batch, frames): the frames with the largest values are the first to be muted
"""

from collections.abc import Sequence

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from auricle.evidence.pointers import View, answer
from auricle.network.classifier import SoundClassifier

FRACTIONS = (0.1, 0.2, 0.3, 0.5)
"""Of a clip's frames that are muted."""
DRAWS = 3
"""Of random frames, and of random places."""
QUIETEST = 0.1
"""Share of a clip's frames that muted ones are exchanged for."""
NOISE_DB, FADE_S = -40.0, 0.01
"""The noise beneath a planted event, and how fast the event sets in."""


@torch.no_grad()
def fall(network: SoundClassifier, seen: View, orders: Sequence[Tensor]) -> Tensor:
    """How far the answer's probability falls without the frames that are first in an order.

    It is the probability that base and head give the answer: the texture is left out.
    Shapes: several of (batch, frames), whose mean is given -> (batch, fractions).
    """
    quiet = quietest(seen.spectrum)

    def sure(spectrum: Tensor) -> Tensor:
        logits, _ = answer(network, spectrum)
        return logits.softmax(1).gather(1, seen.answers[:, None])[:, 0]

    left = [
        torch.stack(
            [
                sure(torch.where(largest(order, fraction)[:, None], quiet, seen.spectrum))
                for fraction in FRACTIONS
            ],
            dim=1,
        )
        for order in orders
    ]
    return sure(seen.spectrum)[:, None] - torch.stack(left).mean(0)


def quietest(spectrum: Tensor) -> Tensor:
    """Each clip's quietest frames, repeated over all of it: (batch, bands, frames) -> the same."""
    frames = spectrum.shape[-1]
    count = max(1, round(QUIETEST * frames))
    chosen = spectrum.mean(1).argsort(1)[:, :count].sort(1).values  # in the order of time
    spread = chosen[:, torch.arange(frames, device=spectrum.device) % count]
    return spectrum.gather(2, spread[:, None].expand_as(spectrum))


def largest(order: Tensor, fraction: float) -> Tensor:
    """Which frames are the fraction with the largest values: (batch, frames) -> the same."""
    count = round(fraction * order.shape[1])
    return torch.zeros_like(order, dtype=torch.bool).scatter(1, order.topk(count, 1).indices, True)


def moved(marks: Tensor, generator: Generator) -> list[Tensor]:
    """The same pattern (batch, frames) at random places in time, going on at its beginning."""
    batch, frames = marks.shape
    steps = torch.arange(frames)
    offsets = [torch.randint(frames, (batch, 1), generator=generator) for _ in range(DRAWS)]
    return [marks.gather(1, ((steps - offset) % frames).to(marks.device)) for offset in offsets]


def plant(
    waves: Tensor, rate_hz: int, event_s: float, generator: Generator
) -> tuple[Tensor, Tensor]:
    """The loudest stretch of each clip, alone in quiet noise, at a place that is drawn.

    Shapes: (batch, samples) -> the same, and the second at which each event starts (batch,).
    """
    batch, samples = waves.shape
    length = round(event_s * rate_hz)
    places = torch.arange(length, device=waves.device)
    energy = F.pad(waves.double().square().cumsum(1), (1, 0))
    loudest = (energy[:, length:] - energy[:, :-length]).argmax(1)
    event = waves.gather(1, loudest[:, None] + places)
    fade = (torch.minimum(places + 1, length - places) / (FADE_S * rate_hz)).clamp(max=1)
    noise = torch.randn(batch, samples, generator=generator).to(waves)
    level = event.square().mean(1, keepdim=True).sqrt() * 10 ** (NOISE_DB / 20)
    starts = torch.randint(samples - length + 1, (batch,), generator=generator)
    planted = (noise * level).scatter_add(
        1, starts[:, None].to(waves.device) + places, event * fade
    )
    return planted, starts / rate_hz


def peaks(marks: Tensor) -> Tensor:
    """The frame that is marked most, the middle one of equals: (..., frames) -> (...)."""
    highest = (marks == marks.amax(-1, keepdim=True)).to(marks.dtype)
    places = torch.arange(marks.shape[-1], device=marks.device)
    return (highest * places).sum(-1) / highest.sum(-1)
