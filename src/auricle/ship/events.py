"""A long recording as events: windows that overlap, answers that are merged where they agree.

pieces of a wave -> windows (samples) every hop -> probabilities (windows, classes)
  -> of each stretch of one hop the mean of the windows over it -> runs of one answer
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from auricle.data.audio import Wave
from auricle.training.sounds import Array

OVERLAP = 2
"""Windows that hear each moment of a long recording."""


@dataclass(frozen=True)
class Event:
    """A stretch of one recording with one answer; `probabilities` (classes,) are means over it."""

    start_s: float
    end_s: float
    answer: int | None
    confidence: float
    probabilities: Array


def windows(pieces: Iterable[Wave], samples: int, hop: int) -> Iterator[Wave]:
    """Cut a wave that comes in pieces of any length into windows (samples,), one each hop.

    Little more than a window is held at a time. The last one is filled up with zeros; there is one
    at least, and every sample is in one.
    """
    held = np.zeros(0, np.float32)
    given = False
    for piece in pieces:
        held = np.concatenate([held, piece])
        while len(held) >= samples + 1:  # more is to come, so this one is not the last
            yield held[:samples]
            held, given = held[hop:], True
    if not given or len(held) > samples - hop:
        yield np.pad(held[:samples], (0, max(0, samples - len(held))))


def stretches(probabilities: Array, overlap: int = OVERLAP) -> Array:
    """Mean over the windows that hear each stretch of a hop.

    Shapes: (windows, classes) -> (windows + overlap - 1, classes). Those at the ends are heard by
    fewer windows.
    """
    count = len(probabilities) + overlap - 1
    total = np.zeros((count, probabilities.shape[1]))
    heard = np.zeros((count, 1))
    for after in range(overlap):
        total[after : after + len(probabilities)] += probabilities
        heard[after : after + len(probabilities)] += 1
    return total / heard


def merged(found: Array, hop_s: float, length_s: float, unknown_below: float) -> list[Event]:
    """Runs of stretches (stretches, classes) with the same answer, as events up to `length_s`.

    An answer is the likeliest class, or none where its probability is below the threshold.
    """
    found = found[: max(1, int(np.ceil(length_s / hop_s - 1e-9)))]
    answers = np.where(found.max(1) >= unknown_below, found.argmax(1), -1)
    begins = np.flatnonzero(np.diff(answers, prepend=answers[0] - 1))
    ends = [*begins[1:], len(answers)]
    return [
        Event(
            start_s=float(begin * hop_s),
            end_s=float(min(end * hop_s, length_s)),
            answer=int(answers[begin]) if answers[begin] >= 0 else None,
            confidence=float(found[begin:end].mean(0).max()),
            probabilities=found[begin:end].mean(0),
        )
        for begin, end in zip(begins, ends, strict=True)
    ]
