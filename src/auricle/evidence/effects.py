"""What is answered to the same clips in two ways: altered or not, by a control or as it is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from scipy.special import log_softmax
from torch import Generator, Tensor

from auricle.data.audio import hearings
from auricle.evaluation.comparison import ALPHA, compare, holm
from auricle.evaluation.intervals import (
    Interval,
    Recordings,
    accuracy_interval,
    bootstrap_intervals,
    mean_over_clips,
)
from auricle.evidence.case import SEED, Subject
from auricle.training.sounds import Array

Alter = Callable[[Tensor, Generator], Tensor]
"""Waves (batch, samples) on the processor to altered ones, no longer than they were."""

Answers = dict[str, Array]
"""By configuration, (clips, classes) logits."""


@dataclass(frozen=True, kw_only=True)
class Heard:
    """How well clips were recognised; the loss is in nats, at temperature one."""

    clips: int
    accuracy: Interval
    log_loss: float


@dataclass(frozen=True, kw_only=True)
class Effect:
    """How well altered clips were recognised, or by a control, and how much better than before.

    `difference` is between accuracies, altered less untouched, with its 95% interval; `p` is that
    of the sign-flip test by recording, `p_holm` the same adjusted for the family it was asked in.
    `log_loss_difference` is paired in the same way; files of before it was asked have none.
    """

    heard: Heard
    difference: Interval
    p: float
    p_holm: float
    log_loss_difference: Interval | None = None

    @property
    def told_apart(self) -> bool:
        """Whether the alteration did something that chance does not explain."""
        return self.p_holm <= ALPHA

    @property
    def worse(self) -> bool:
        """Whether what it did was harm."""
        return self.told_apart and self.difference.value < 0


def untouched(wave: Tensor, generator: Generator) -> Tensor:
    """Leave clips as they are."""
    del generator
    return wave


@torch.no_grad()
def answers(subjects: Sequence[Subject], alter: Alter) -> Answers:
    """What altered clips are answered, each by the network new to it.

    The subjects take the same waves, so a clip is altered once for all of them. Every alteration
    starts from the same draws: two degrees of it differ in degree alone. A clip that was cut short
    is heard as a shipped model hears it: the mean of its hearings' logits is, but for a constant,
    that of their log-probabilities.
    """
    if not subjects:
        return {}
    first = subjects[0]
    generator = torch.Generator().manual_seed(SEED)
    found = {s.name: np.zeros((len(s.targets), len(s.categories))) for s in subjects}
    for rows, _, waves in first.batches():
        altered = all_hearings(alter(waves.cpu(), generator), waves.shape[1]).to(first.device)
        fold = first.folds[rows[0]]  # a batch is of one fold
        for subject in subjects:
            logits = torch.stack([subject.networks[fold](wave)[0] for wave in altered]).mean(0)
            found[subject.name][rows] = logits.cpu().numpy()
    return found


def all_hearings(wave: Tensor, samples: int) -> Tensor:
    """What is heard of waves of one length: (batch, any) -> (hearings, batch, samples)."""
    heard_of = [hearings(clip, samples) for clip in wave.numpy()]
    return torch.from_numpy(np.stack(heard_of, axis=1))


def by_rate(subjects: Sequence[Subject]) -> dict[int, list[Subject]]:
    """Subjects that take the same waves, by their sample rate in Hz."""
    rates = dict.fromkeys(subject.sample_rate_hz for subject in subjects)
    return {rate: [s for s in subjects if s.sample_rate_hz == rate] for rate in rates}


def heard(subject: Subject, logits: Array) -> Heard:
    """How well a subject's clips were recognised by these logits."""
    return Heard(
        clips=len(logits),
        accuracy=accuracy_interval(hits(subject, logits), subject.targets, subject.recordings),
        log_loss=float(losses(subject, logits).mean()),
    )


def losses(subject: Subject, logits: Array) -> Array:
    """(clips,) how surprising the truth was, in nats."""
    found: Array = -log_softmax(logits, axis=1)[np.arange(len(logits)), subject.targets]
    return found


def hits(subject: Subject, logits: Array) -> Array:
    """(clips,) whether each clip was recognised."""
    right: Array = logits.argmax(1) == subject.targets
    return right


def effect(subject: Subject, logits: Array, before: Array) -> Effect:
    """What an alteration did, from the logits after and before it; not yet adjusted."""
    found = compare(
        hits(subject, logits), hits(subject, before), subject.recordings, subject.targets
    )
    sample = Recordings.of(subject.recordings, subject.targets)
    surprise = losses(subject, logits) - losses(subject, before)
    (log_loss,) = bootstrap_intervals(mean_over_clips(surprise, sample), sample)
    return Effect(
        heard=heard(subject, logits),
        difference=Interval(found.difference, found.low, found.high),
        p=found.p_permutation,
        p_holm=found.p_permutation,
        log_loss_difference=log_loss,
    )


def adjusted(family: Sequence[Effect]) -> list[Effect]:
    """The same effects with p-values that allow for having asked about all of them."""
    p_values = holm([each.p for each in family])
    return [replace(each, p_holm=p) for each, p in zip(family, p_values, strict=True)]
