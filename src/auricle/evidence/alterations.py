"""What happens to a sound between its source and a classifier: noise, distance, rooms, codecs.

Each function takes waves (batch, samples), full scale being 1, and gives back new ones of the same
shape, on the processor; those of `shorten` are shorter. Levels are relative to a clip's own power,
the mean square over all of its samples, silent ones included. What is drawn at random comes from
the generator that is handed in.
"""

import io
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import soundfile as sf
import soxr
import torch
from scipy import signal
from torch import Generator, Tensor

from auricle.data.audio import Wave, decoding_threads, fit_length
from auricle.data.store import FULL_SCALE

LOW_PASS_ORDER = 8  # run there and back: 6 dB down at the corner, 96 dB an octave above
CODEC_HZ = 48_000  # Opus knows few rates; at one rate a codec's level is one number of bits
LONGEST_DELAY = 4_096  # samples of 48 kHz by which a decoder may be late
DIGITAL_SILENCE = 2 / FULL_SCALE
"""No sample of a silent stretch is further from zero: two steps of 16 bits, -84 dB."""


def power(wave: Tensor) -> Tensor:
    """Mean square of each clip: (batch, samples) -> (batch, 1)."""
    return wave.square().mean(1, keepdim=True)


def add_noise(wave: Tensor, snr_db: float, generator: Generator) -> Tensor:
    """Put steady white noise under each clip, so many dB below the clip's power."""
    noise = torch.randn(wave.shape, generator=generator)
    return wave + noise * (power(wave) / power(noise)).sqrt() * 10 ** (-snr_db / 20)


def gain(wave: Tensor, gain_db: float) -> Tensor:
    """Make each clip louder or quieter as files hold it: in 16 bits, what goes beyond cut off."""
    steps = (wave * 10 ** (gain_db / 20) * FULL_SCALE).round()
    return steps.clamp(-FULL_SCALE, FULL_SCALE - 1) / FULL_SCALE


def low_pass(wave: Tensor, corner_hz: float, sample_rate_hz: int) -> Tensor:
    """Take away what is above a corner, as a cheap microphone or a telephone does; no delay."""
    sections = signal.butter(LOW_PASS_ORDER, corner_hz, fs=sample_rate_hz, output="sos")
    # scipy's own padding, or less where a clip is shorter than that.
    padding = min(3 * (2 * len(sections) + 1), wave.shape[1] - 1)
    filtered = signal.sosfiltfilt(sections, wave.numpy(), axis=1, padlen=padding)
    return torch.from_numpy(filtered.astype(np.float32))


def reverberate(wave: Tensor, decay_s: float, sample_rate_hz: int, generator: Generator) -> Tensor:
    """Put each clip into a room of its own that dies away by 60 dB in `decay_s`; level kept.

    As much power comes from the walls as from the source, which so stands at the distance where a
    room begins to blur. The walls are noise that decays exponentially.
    Source: Moorer (1979), "About this reverberation business".
    """
    length = max(2, round(decay_s * sample_rate_hz))
    decay = 10 ** (-3 * torch.arange(length) / length)
    walls = torch.randn((len(wave), length), generator=generator) * decay
    walls[:, 0] = 0
    response = walls / walls.square().sum(1, keepdim=True).sqrt()  # (batch, length)
    response[:, 0] = 1  # the source itself
    samples = wave.shape[1]
    size = samples + length - 1
    spectrum = torch.fft.rfft(wave, size) * torch.fft.rfft(response, size)
    echoed = torch.fft.irfft(spectrum, size)[:, :samples]
    return levelled(echoed, power(wave))


def levelled(wave: Tensor, wanted: Tensor | float) -> Tensor:
    """Bring each clip to a power, one for all or one a clip (batch, 1); silence stays silence."""
    found = power(wave)
    return wave * (wanted / found.clamp(min=torch.finfo().tiny)).sqrt()


@dataclass(frozen=True)
class Codec:
    """A lossy format as soundfile writes it: `level` is its compression, 1 the highest.

    `kbit_per_s` is what that comes to for one channel at `CODEC_HZ`.
    """

    container: str
    subtype: str
    level: float
    kbit_per_s: int


MP3 = (Codec("MP3", "MPEG_LAYER_III", 0.8, 96), Codec("MP3", "MPEG_LAYER_III", 0.95, 48))
OPUS = (Codec("OGG", "OPUS", 0.78, 64), Codec("OGG", "OPUS", 0.93, 24))
"""Middle and low quality: what a music site offers, and what a messenger makes of a voice."""


def encode(wave: Wave, codec: Codec) -> bytes:
    """A file of one clip (samples,) at `CODEC_HZ`."""
    file = io.BytesIO()
    sf.write(
        file,
        wave,
        CODEC_HZ,
        format=codec.container,
        subtype=codec.subtype,
        compression_level=codec.level,
        bitrate_mode="CONSTANT" if codec.container == "MP3" else None,
    )
    return file.getvalue()


def reencode(wave: Tensor, codec: Codec, sample_rate_hz: int) -> Tensor:
    """Write each clip as a lossy file and read it again; delay and length are made good."""

    def through(clip: Wave) -> Wave:
        dense = soxr.resample(clip, sample_rate_hz, CODEC_HZ)
        decoded, _ = sf.read(io.BytesIO(encode(dense, codec)), dtype="float32")
        back: Wave = soxr.resample(aligned(decoded, dense), CODEC_HZ, sample_rate_hz)
        return with_length(back, len(clip))

    with ThreadPoolExecutor(decoding_threads()) as pool:
        return torch.from_numpy(np.stack(list(pool.map(through, wave.numpy()))))


def aligned(late: Wave, wave: Wave) -> Wave:
    """Cut off what a decoder put before a wave: (any,) -> (samples,) as the wave has.

    MP3 frames of low rates are too short for the tag that tells the decoder of its delay.
    """
    span = min(len(wave), len(late))
    match = signal.correlate(late[:span], wave[:span], mode="full", method="fft")[span - 1 :]
    delay = int(match[:LONGEST_DELAY].argmax()) if wave.any() else 0
    return with_length(late[delay:], len(wave))


def with_length(wave: Wave, samples: int) -> Wave:
    """Cut a wave, or put zeros behind it."""
    return np.pad(wave[:samples], (0, max(0, samples - len(wave))))


def shorten(wave: Tensor, seconds: float, sample_rate_hz: int) -> Tensor:
    """Keep no more than each clip's loudest stretch: (batch, samples) -> (batch, kept)."""
    kept = min(round(seconds * sample_rate_hz), wave.shape[1])
    return torch.from_numpy(np.stack([fit_length(clip, kept) for clip in wave.numpy()]))


def without_offset(wave: Tensor) -> Tensor:
    """Take the mean from each clip: the constant that a poor converter adds."""
    return wave - wave.mean(1, keepdim=True)


def sounding(wave: Tensor) -> tuple[Tensor, Tensor]:
    """First sample of each clip that is no digital silence, and the one after the last: (batch,).

    A clip without any sound is all sound: there is nothing to put in the place of its silence.
    """
    loud = wave.abs() > DIGITAL_SILENCE
    loud |= ~loud.any(1, keepdim=True)
    first = loud.int().argmax(1)  # of equal values, the first
    last = wave.shape[1] - loud.flip(1).int().argmax(1)
    return first, last


def repeat_sound(wave: Tensor) -> Tensor:
    """Repeat each clip's sound where digital silence is before and after it."""
    first, last = (ends[:, None] for ends in sounding(wave))
    place = torch.arange(wave.shape[1])
    return wave.gather(1, first + (place - first).remainder(last - first))
