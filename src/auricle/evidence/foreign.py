"""Sounds that belong to no category of any data set: silence, noises, tones, clicks, vowels.

Made from nothing but a seed, so that they can be put to every classifier. Each kind is a function
from the samples' times and a generator to one wave, at any level: `foreign_waves` gives it one.
"""

# mypy: disable-error-code="no-any-return"
# (NumPy types the result of a ufunc as Any, and every line here is one.)

from collections.abc import Callable

import numpy as np
from numpy.random import Generator
from scipy import signal

from auricle.data.audio import Wave
from auricle.data.synth import (
    Array,
    between,
    factor_of,
    level,
    noise,
    place,
    scatter,
    strike,
    tone,
    wander,
)

FAINT_DB = -60.0
LOUDEST_DB, SOFTEST_DB = -3.0, -30.0  # of the peaks

VOWELS_HZ = (
    (270, 2290, 3010),
    (390, 1990, 2550),
    (530, 1840, 2480),
    (660, 1720, 2410),
    (730, 1090, 2440),
    (570, 840, 2410),
    (300, 870, 2240),
    (490, 1350, 1690),
)
"""Formants of men's vowels. Source: Peterson and Barney (1952), table II."""

FORMANT_WIDTHS_HZ = (60.0, 90.0, 150.0)


def digital_silence(time_s: Array, rng: Generator) -> Array:
    """Zeros."""
    del rng
    return np.zeros_like(time_s)


def faint_noise(time_s: Array, rng: Generator) -> Array:
    """What a good recorder hears in a quiet room."""
    return factor_of(FAINT_DB) * rng.standard_normal(len(time_s))


def white_noise(time_s: Array, rng: Generator) -> Array:
    """As strong in every hertz."""
    return noise(rng, time_s, 0)


def pink_noise(time_s: Array, rng: Generator) -> Array:
    """As strong in every octave."""
    return noise(rng, time_s, -3)


def brown_noise(time_s: Array, rng: Generator) -> Array:
    """3 dB weaker in every octave."""
    return noise(rng, time_s, -6)


def pure_tone(time_s: Array, rng: Generator) -> Array:
    """One sine."""
    return np.sin(2 * np.pi * pitch_hz(time_s, rng, 100, 8000) * time_s)


def chord(time_s: Array, rng: Generator) -> Array:
    """Three or four notes with harmonics, a third or a fourth apart, held."""
    root_hz = pitch_hz(time_s, rng, 100, 400)
    steps = np.concatenate([[0], np.cumsum(rng.choice([3, 4, 5], rng.integers(2, 4)))])
    notes_hz = root_hz * 2 ** (steps / 12)
    falling_db = rng.uniform(4, 12)
    return np.sum([tone(hz + 0 * time_s, time_s, falling_db) for hz in notes_hz], axis=0)


def lone_clicks(time_s: Array, rng: Generator) -> Array:
    """A few single samples at no regular time, as a bad contact makes them."""
    onsets_s = scatter(rng, time_s, between(rng, 0.5, 4))
    return place(time_s, onsets_s, rng.choice([-1.0, 1.0], len(onsets_s)), np.ones(1))


def sweep(time_s: Array, rng: Generator) -> Array:
    """A sine that glides through several octaves, up or down."""
    ends_hz = [pitch_hz(time_s, rng, 60, 200), pitch_hz(time_s, rng, 2000, 10000)]
    start_hz, end_hz = rng.permutation(ends_hz)
    return signal.chirp(time_s, start_hz, time_s[-1], end_hz, method="logarithmic")


def speech_like(time_s: Array, rng: Generator) -> Array:
    """A voice that says vowels one after the other, some after a hiss, with pauses between words.

    Glottal pulses of a falling and wandering pitch go through three resonances a syllable.
    Source: Klatt (1980), the cascade synthesiser, with resonances that stay for a syllable.
    """
    rate_hz = 1 / time_s[1]
    falling = 1.15 - 0.3 * time_s / time_s[-1]
    pitch = between(rng, 90, 230) * falling * (1 + 0.08 * wander(rng, time_s, 0.2))
    source = tone(pitch, time_s, falling_db=12) + 0.02 * rng.standard_normal(len(time_s))
    spoken = np.zeros_like(time_s)
    at_s = rng.uniform(0, 0.2)
    while at_s < time_s[-1]:
        part = slice(round(at_s * rate_hz), round((at_s + rng.uniform(0.12, 0.3)) * rate_hz))
        spoken[part] += syllable(source[part], rate_hz, rng)
        at_s += rng.uniform(0.12, 0.2) + (rng.uniform(0.2, 0.5) if rng.uniform() < 0.2 else 0)
    return spoken


def syllable(source: Array, rate_hz: float, rng: Generator) -> Array:
    """One vowel, its loudness rising and falling, perhaps with a hiss at its beginning."""
    voiced = level(source)
    for centre_hz, width_hz in zip(rng.choice(VOWELS_HZ), FORMANT_WIDTHS_HZ, strict=True):
        if centre_hz < 0.45 * rate_hz:
            voiced = signal.lfilter(*resonance(centre_hz, width_hz, rate_hz), voiced)
    spoken = level(voiced) * np.hanning(len(source)) ** 0.5
    if rng.uniform() < 0.4:
        hiss = np.diff(rng.standard_normal(len(source) + 1))
        age = np.arange(len(source)) / rate_hz
        spoken += 0.3 * hiss * strike(age, 0.01, 0.02)
    return spoken


def resonance(centre_hz: float, width_hz: float, rate_hz: float) -> tuple[Array, Array]:
    """Coefficients of a resonance with gain one at 0 Hz. Source: Klatt (1980), equation 2."""
    radius = np.exp(-np.pi * width_hz / rate_hz)
    poles = np.array([1, -2 * radius * np.cos(2 * np.pi * centre_hz / rate_hz), radius**2])
    return np.array([poles.sum()]), poles


def pitch_hz(time_s: Array, rng: Generator, low_hz: float, high_hz: float) -> float:
    """A pitch that the sample rate can hold."""
    return between(rng, low_hz, min(high_hz, 0.45 / time_s[1]))


KINDS: dict[str, Callable[[Array, Generator], Array]] = {
    "digital silence": digital_silence,
    "faint noise": faint_noise,
    "white noise": white_noise,
    "pink noise": pink_noise,
    "brown noise": brown_noise,
    "pure tone": pure_tone,
    "chord": chord,
    "clicks": lone_clicks,
    "sweep": sweep,
    "speech-like": speech_like,
}
"""Silences, which keep their level, first."""

SILENCES = ("digital silence", "faint noise")


def foreign_waves(kind: str, clips: int, *, seconds: float, sample_rate_hz: int, seed: int) -> Wave:
    """Make clips of one kind: (clips, samples) float32; equal arguments give equal sounds."""
    time_s = np.arange(round(seconds * sample_rate_hz)) / sample_rate_hz
    place_of = list(KINDS).index(kind)
    waves = np.zeros((clips, len(time_s)), np.float32)
    for row in range(clips):
        rng = np.random.default_rng([seed, place_of, row])
        wave = KINDS[kind](time_s, rng)
        if kind not in SILENCES:
            wave = wave * factor_of(rng.uniform(SOFTEST_DB, LOUDEST_DB)) / np.abs(wave).max()
        waves[row] = wave
    return waves
