"""An acoustic fingerprint: which clips hold the same sound, whatever was done to the file.

    wave -> whitened -> spectrum -> peaks -> pairs of peaks -> marks, a number and a moment each

A peak of the spectrum outlives a change of level, a codec and light noise. Two peaks near each
other, taken as one number (both frequencies and the time between), do not depend on where the clip
begins. Clips that share a sound share many of these numbers, all moved by one and the same time.
What is found so is a candidate; it counts once the waves themselves, laid over each other, agree.

First of all a wave is whitened, each frequency divided by its mean over the clip: a hum that stands
behind all clips of a device, or the colour of a noise, is no sound that two clips share.

Cost: marks take far less time than decoding. The search sorts the marks of all clips and meets
pairs of equal ones, whose number grows with the square of the clips.

Source: Wang 2003, "An industrial-strength audio search algorithm".
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter
from scipy.signal import correlate

from auricle.data.audio import Wave

Numbers = NDArray[np.int64]

RATE_HZ = 16_000
"""Of the waves that are compared."""

WINDOW, HOP = 1024, 512  # samples: 64 ms every 32 ms
MIN_VOTES = 5
"""Marks that two clips share at one shift, from which on their waves are laid over each other."""

_NEAR_BINS, _NEAR_FRAMES = 10, 5  # a peak is the highest so far around it
_WEAK = 0.003  # of the strongest, in amplitude: weaker frequencies are not made as strong
_FLOOR = 1e-3  # of the loudest, in amplitude: what is weaker is no peak
_PAIRS = 3  # that a peak makes with those after it,
_AHEAD_FRAMES, _AHEAD_BINS = 31, 63  # at most so far away
_PIECE = RATE_HZ // 4  # samples over which waves must agree
_ALIKE = 0.6  # correlation of two pieces that hold the same sound; strangers stay below 0.3
_BLOCK = 64  # clips looked up at a time: bounds memory


@dataclass(frozen=True, eq=False)
class Fingerprint:
    """Marks of one clip: their `numbers` and the `frames` that they stand at, (marks,) each."""

    numbers: Numbers
    frames: Numbers


@dataclass(frozen=True)
class Candidate:
    """Two clips, first < second, that may share a sound: `lag_frames` later in the second."""

    first: int
    second: int
    lag_frames: int
    votes: int


def whitened(wave: Wave) -> Wave:
    """Divide each frequency by its mean amplitude over the clip: (samples,) -> (samples,).

    Frequencies that are far weaker than the strongest stay weak: they hold what a codec or a
    little noise has put there. Silence stays silence.
    """
    mean = _spectrum(wave).mean(axis=0)  # (bins,)
    gains = 1 / np.maximum(mean + _WEAK * mean.max(), 1e-12)
    spectrum = np.fft.rfft(wave)
    at = np.linspace(0, len(gains) - 1, len(spectrum))
    even = np.fft.irfft(spectrum * np.interp(at, np.arange(len(gains)), gains), len(wave))
    return even.astype(np.float32)


def fingerprint(wave: Wave) -> Fingerprint:
    """Take the marks of a whitened wave at `RATE_HZ`: (samples,) to (marks,). Silence has none."""
    return _pair(*_peaks(_spectrum(wave)))


def _spectrum(wave: Wave) -> NDArray[np.float32]:
    """Amplitudes, (samples,) -> (frames, bins)."""
    wave = np.pad(wave, (0, max(0, WINDOW - len(wave))))
    frames = sliding_window_view(wave, WINDOW)[::HOP]  # (frames, window)
    shape = np.hanning(WINDOW).astype(np.float32)
    return np.abs(np.fft.rfft(frames * shape)).astype(np.float32)


def _peaks(spectrum: NDArray[np.float32]) -> tuple[Numbers, Numbers]:
    """Frames and bins of local maxima, (peaks,) each, in the order of time."""
    around = (2 * _NEAR_FRAMES + 1, 2 * _NEAR_BINS + 1)
    highest = maximum_filter(spectrum, around, mode="constant")
    frames, bins = np.nonzero((spectrum == highest) & (spectrum > _FLOOR * spectrum.max()))
    return frames, bins


def _pair(frames: Numbers, bins: Numbers) -> Fingerprint:
    """Join each peak with the next few in reach: one number for two bins and the time between."""
    made = np.zeros(len(frames), np.int64)  # pairs that each peak has so far
    numbers, at = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for step in range(1, len(frames)):
        later, higher = frames[step:] - frames[:-step], bins[step:] - bins[:-step]
        if later.min() > _AHEAD_FRAMES:
            break
        reached = (later > 0) & (later <= _AHEAD_FRAMES) & (np.abs(higher) <= _AHEAD_BINS)
        first = np.flatnonzero(reached & (made[:-step] < _PAIRS))
        made[first] += 1
        numbers.append((bins[first] << 12) | ((higher[first] + 64) << 5) | later[first])
        at.append(frames[first])
    return Fingerprint(np.concatenate(numbers), np.concatenate(at))


def find_candidates(prints: Sequence[Fingerprint]) -> Iterator[Candidate]:
    """Of all clips, those pairs that have marks in common at one shift."""
    if not prints:
        return
    sizes = [len(each.numbers) for each in prints]
    clips = np.repeat(np.arange(len(prints)), sizes)
    numbers = np.concatenate([each.numbers for each in prints])
    frames = np.concatenate([each.frames for each in prints])
    order = np.argsort(numbers, kind="stable")
    sorted_numbers = numbers[order]
    ends = np.cumsum([0, *sizes])
    for start in range(0, len(prints), _BLOCK):
        asked = np.arange(ends[start], ends[min(start + _BLOCK, len(prints))])
        low = np.searchsorted(sorted_numbers, numbers[asked], "left")
        met = np.searchsorted(sorted_numbers, numbers[asked], "right") - low
        ranks = np.arange(met.sum()) - np.repeat(np.cumsum(met) - met, met)
        other = order[np.repeat(low, met) + ranks]  # (meetings,) marks equal to those asked
        asked = np.repeat(asked, met)
        ahead = clips[other] > clips[asked]
        asked, other = asked[ahead], other[ahead]
        yield from _elect(clips[asked], clips[other], frames[other] - frames[asked])


def _elect(first: Numbers, second: Numbers, lags: Numbers) -> Iterator[Candidate]:
    """Count votes, (meetings,) each, for pair and lag; give the best lag of pairs with enough.

    A shift that is no whole number of frames splits its votes between two neighbouring lags.
    """
    if not len(lags):
        return
    low, span = lags.min(), np.ptp(lags) + 2  # one lag more, so that pairs are no neighbours
    clips = second.max() + 1
    keys, votes = np.unique((first * clips + second) * span + lags - low, return_counts=True)
    beside = np.append(np.where(np.diff(keys) == 1, votes[1:], 0), 0)
    both = votes + beside
    enough = both >= MIN_VOTES
    keys, votes, beside, both = keys[enough], votes[enough], beside[enough], both[enough]
    lags = keys % span + low + (beside > votes)
    pairs = keys // span
    best = np.lexsort((-both, pairs))
    best = best[np.unique(pairs[best], return_index=True)[1]]
    for pair, lag, count in zip(pairs[best], lags[best], both[best], strict=True):
        one, other = divmod(int(pair), int(clips))
        yield Candidate(one, other, int(lag), int(count))


def shared_sound(wave: Wave, other: Wave, lag_frames: int) -> tuple[float, float]:
    """Lay two whitened waves over each other: seconds that they share, and the exact lag in s.

    Shapes: (samples,), (others,). A quarter of a second is shared if they correlate there,
    whatever their levels. The lag is how much later the sound comes in the other wave.
    """
    lag = lag_frames * HOP
    lag += _refined(*_overlap(wave, other, lag))
    here, there = _overlap(wave, other, lag)
    piece = min(_PIECE, max(1, len(here)))
    pieces = len(here) // piece
    here, there = (part[: pieces * piece].reshape(pieces, piece) for part in (here, there))
    energy = np.sqrt((here**2).sum(axis=1) * (there**2).sum(axis=1))  # (pieces,)
    alike = np.abs((here * there).sum(axis=1)) > _ALIKE * energy
    return float(alike.sum() * piece / RATE_HZ), lag / RATE_HZ


def _overlap(wave: Wave, other: Wave, lag: int) -> tuple[Wave, Wave]:
    """The parts of two waves that lie over each other if the other one comes so much later."""
    start, end = max(0, -lag), min(len(wave), len(other) - lag)
    return wave[start : max(start, end)], other[start + lag : max(start, end) + lag]


def _refined(here: Wave, there: Wave) -> int:
    """By how many samples two overlapping waves are still apart: two frames at most."""
    if not len(here):
        return 0
    product = np.abs(correlate(there, here, method="fft"))
    middle = len(here) - 1
    start = max(0, middle - 2 * HOP)
    return start + int(np.argmax(product[start : middle + 2 * HOP + 1])) - middle
