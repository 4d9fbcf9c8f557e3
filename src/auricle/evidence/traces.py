"""What networks show of every clip, and of an event planted from it, gone through once."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from auricle.evidence.case import Case, Subject
from auricle.evidence.pointers import view
from auricle.evidence.probes import DRAWS, fall, moved, peaks, plant
from auricle.network.classifier import SoundClassifier
from auricle.training.sounds import Array

KEPT_FRAMES = 128


@dataclass(frozen=True)
class Traces:
    """What one configuration's networks show of clips.

    How far the answer's probability falls without the frames of each kind: `marked`, `elsewhere`
    (clips, pointers, fractions), `drawn`, `loudest` (clips, fractions). Of the planted event
    whether it was `named` (clips,), and how long after its start each pointer has its `peak_s`
    (clips, pointers), and the level its `loudest_s` (clips,). Whether a pointer peaks `in_quiet`
    (clips, pointers), the quieter half of a clip. `gradient` (clips, bands, KEPT_FRAMES) uint8,
    `marks` (clips, pointers, KEPT_FRAMES).
    """

    probabilities: Array
    unexplained: Array
    marked: Array
    elsewhere: Array
    drawn: Array
    loudest: Array
    named: Array
    peak_s: Array
    loudest_s: Array
    in_quiet: Array
    gradient: Array
    marks: Array


def trace(case: Case, subject: Subject, event_s: float) -> Traces:
    """Put every clip, and the event planted from it, to the network that never heard it."""
    generator = Generator().manual_seed(0)
    parts = [
        (rows, traced(network, waves, subject.targets[rows], event_s, generator))
        for rows, network, waves in case.followed(subject)
    ]
    places = np.argsort(np.concatenate([rows for rows, _ in parts]))
    columns = zip(*(vars(part).values() for _, part in parts), strict=True)
    return Traces(*(np.concatenate(column)[places] for column in columns))


def traced(
    network: SoundClassifier, waves: Tensor, targets: Array, event_s: float, generator: Generator
) -> Traces:
    """The traces of one batch (batch, samples)."""
    rate_hz = network.config.frontend.sample_rate_hz
    seen = view(network, waves, network.describe(waves))
    events, starts_s = plant(waves, rate_hz, event_s, generator)
    planted = view(network, events, None)
    hop_s = network.config.frontend.hop / rate_hz
    pointers = seen.marks.unbind(1)
    after_s = starts_s[:, None].to(waves.device)
    loudness, marks = as_kept(seen.spectrum.mean(1, keepdim=True))[:, 0], as_kept(seen.marks)
    at_peak = loudness.gather(1, marks.argmax(2))
    drawn = [torch.rand(pointers[0].shape, generator=generator) for _ in range(DRAWS)]
    found = (
        seen.probabilities,
        seen.unexplained,
        torch.stack([fall(network, seen, [marks]) for marks in pointers], 1),
        torch.stack([fall(network, seen, moved(marks, generator)) for marks in pointers], 1),
        fall(network, seen, drawn),
        fall(network, seen, [seen.spectrum.mean(1)]),
        planted.answers == torch.from_numpy(targets).to(waves.device),
        hop_s * peaks(planted.marks) - after_s,
        hop_s * peaks(planted.spectrum.mean(1)) - after_s[:, 0],
        at_peak < loudness.median(1, keepdim=True).values,
        as_bytes(as_kept(seen.evidence.clamp(min=0))),
        marks,
    )
    return Traces(*(each.cpu().numpy() for each in found))


def as_kept(values: Tensor) -> Tensor:
    """Frames shared out evenly over KEPT_FRAMES: (batch, rows, frames) -> (.., KEPT_FRAMES)."""
    return F.adaptive_avg_pool1d(values, KEPT_FRAMES)


def as_bytes(values: Tensor) -> Tensor:
    """Each clip's values from zero to its largest as 0 to 255: (batch, bands, frames)."""
    largest = values.amax((1, 2), keepdim=True).clamp(min=torch.finfo(values.dtype).tiny)
    return (255 * values / largest).round().to(torch.uint8)
