"""What a clip is like as a signal, whatever it is a sound of: length, level, silence, bandwidth.

Levels are in dB of full scale (dBFS): a sample of 1 is 0 dB, and so is the root mean square of a
square wave of that height; a full sine is -3 dB. Digital silence is `SILENT_DB`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.signal import welch

from auricle.data.audio import Wave, open_sound, read_blocks

SILENT_DB = -120.0
"""Level of a wave of zeros, and the lowest that is told."""

FRAME_S = 0.02
"""Length of the frames that are silent or not."""

_QUIET = 1e-6  # power of a silent frame against the loudest one: 60 dB less
_CLIPPED = 0.999  # of full scale: what a converter gives that had no more to give
_WINDOW = 2048  # samples of a spectrum
_HELD = 0.99  # of the power, below the bandwidth


@dataclass(frozen=True, kw_only=True)
class Measures:
    """One clip as it stands in its file; shares are of its samples or of its frames.

    `silence` is the share of frames 60 dB below the loudest one. 99% of the power lie below
    `bandwidth_hz`. Both are of the mix of all channels; peak and clipping of any channel.
    """

    length_s: float
    sample_rate_hz: int
    channels: int
    level_db: float
    peak_db: float
    clipped: float
    silence: float
    bandwidth_hz: float


def measure_file(file: Path) -> Measures:
    """Decode a file, at its own rate, and measure it.

    Raises: AudioError where `load_wave` does.
    """
    with open_sound(file) as sound:
        return measure_sound(read_blocks(sound), sound.samplerate)


def measure_sound(blocks: Iterator[Wave], sample_rate_hz: int) -> Measures:
    """Measure a sound that comes in pieces, (frames, channels) each."""
    mixes: list[Wave] = []
    peak, clipped, samples, channels = 0.0, 0, 0, 0
    for block in blocks:
        size = np.abs(block)
        peak = max(peak, float(size.max()))
        clipped += int((size >= _CLIPPED).any(axis=1).sum())
        samples, channels = samples + len(block), block.shape[1]
        mixes.append(block.mean(axis=1))
    wave = np.concatenate(mixes)  # (samples,)
    return Measures(
        length_s=samples / sample_rate_hz,
        sample_rate_hz=sample_rate_hz,
        channels=channels,
        level_db=decibels(float(np.mean(np.square(wave, dtype=np.float64)))),
        peak_db=decibels(peak**2),
        clipped=clipped / samples,
        silence=silence_share(wave, sample_rate_hz),
        bandwidth_hz=bandwidth_hz(wave, sample_rate_hz),
    )


def decibels(power: float) -> float:
    """A power against that of full scale: 0.01 -> -20 dB."""
    return max(SILENT_DB, 10 * float(np.log10(max(power, 1e-30))))


def silence_share(wave: Wave, sample_rate_hz: int) -> float:
    """Share of frames that are 60 dB below the loudest, or nothing at all; (samples,)."""
    powers = _frame_powers(wave, max(1, round(FRAME_S * sample_rate_hz)))
    return float(np.mean(powers <= _QUIET * powers.max()))


def _frame_powers(wave: Wave, frame: int) -> NDArray[np.float64]:
    """Mean power of each frame, (samples,) -> (frames,); a rest counts as a frame of its own."""
    starts = np.arange(0, len(wave), frame)
    sums = np.add.reduceat(np.square(wave, dtype=np.float64), starts)
    powers: NDArray[np.float64] = sums / np.diff(np.append(starts, len(wave)))
    return powers


def bandwidth_hz(wave: Wave, sample_rate_hz: int) -> float:
    """Frequency below which 99% of the power lie, 0 for silence; (samples,)."""
    at_hz, power = welch(wave, sample_rate_hz, nperseg=min(_WINDOW, len(wave)))  # (bins,)
    below = np.cumsum(power)
    return float(at_hz[np.searchsorted(below, _HELD * below[-1])]) if below[-1] else 0.0
