"""A long recording as events: windows that overlap, answers that are merged where they agree.

pieces of a wave -> windows (samples) every hop
  -> probabilities (windows, classes), strangeness (windows,)
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
    """A stretch of one recording with one answer, or none.

    `probabilities` (classes,) and `strangeness` are means over it.
    """

    start_s: float
    end_s: float
    answer: int | None
    confidence: float
    probabilities: Array
    strangeness: float


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


def stretches(found: Array, overlap: int = OVERLAP) -> Array:
    """Mean over the windows that hear each stretch of a hop.

    Shapes: (windows, any) or (windows,) -> the same of windows + overlap - 1. Those at the ends are
    heard by fewer windows.
    """
    count = len(found) + overlap - 1
    total = np.zeros((count, *found.shape[1:]))
    heard = np.zeros(count)
    for after in range(overlap):
        total[after : after + len(found)] += found
        heard[after : after + len(found)] += 1
    mean: Array = (total.T / heard).T
    return mean


def merged(
    probabilities: Array, strangeness: Array, known: Array, hop_s: float, length_s: float
) -> list[Event]:
    """Runs of stretches with the same answer, as events up to `length_s`.

    An answer is the likeliest class, or none where the stretch is not `known`.
    Shapes: (stretches, classes), (stretches,), (stretches,).
    """
    count = max(1, int(np.ceil(length_s / hop_s - 1e-9)))
    answers = np.where(known, probabilities.argmax(1), -1)[:count]
    begins = np.flatnonzero(np.diff(answers, prepend=answers[0] - 1))
    ends = [*begins[1:], len(answers)]
    return [
        Event(
            start_s=float(begin * hop_s),
            end_s=float(min(end * hop_s, length_s)),
            answer=int(answers[begin]) if answers[begin] >= 0 else None,
            confidence=float(probabilities[begin:end].mean(0).max()),
            probabilities=probabilities[begin:end].mean(0),
            strangeness=float(strangeness[begin:end].mean()),
        )
        for begin, end in zip(begins, ends, strict=True)
    ]
