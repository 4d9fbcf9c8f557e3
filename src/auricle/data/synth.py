"""The embedded data set: ten classes of sound with the character of ESC-10's, made from nothing.

A recording is a source in a room: pitch, rate, timbre, colour, reverberation, background and level
are drawn once for it. Its takes differ in what happens when. Each voice below is given two
generators for that: `source` starts alike for all takes of a recording, `take` does not. Ranges
are wide and classes overlap in spectrum, so that a long-term spectrum alone does not name a class.
"""

# mypy: disable-error-code="no-any-return"
# (NumPy types the result of a ufunc as Any, and every line here is one.)

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from secrets import token_hex

import numpy as np
import soundfile as sf
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.signal import oaconvolve

from auricle.data.clips import Clip, ClipTable, write_clips
from auricle.data.readers import read_clips
from auricle.errors import DataError

Array = NDArray[np.float64]
Curve = Sequence[float] | Array

FOLDS = 5
TAKES = 2  # clips of a recording
VERSION = 1  # of the sounds: raise it and a set made before is not taken for this one
_OCTAVES_HZ = [62.5, 125.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0]
_STAMP = "synth.json"


def harmonic_bursts(time_s: Array, source: Generator, take: Generator) -> Array:
    """Short falling harmonic bursts in a loose rhythm, as a dog barks."""
    pitch_hz, decay_s = between(source, 250, 800), between(source, 0.05, 0.2)
    fall, breath = source.uniform(0.1, 0.6), source.uniform(0.1, 0.7)
    age_s = since(time_s, rhythm(take, time_s, between(source, 0.3, 1.6), jitter=0.3))
    voice = tone(pitch_hz * (1 + fall * np.exp(-age_s / decay_s)), time_s, falling_db=5)
    return strike(age_s, 0.01, decay_s) * (voice + breath * noise(take, time_s, -3))


def steady_noise(time_s: Array, source: Generator, take: Generator) -> Array:
    """Broadband noise that hardly changes, with fine drops in it, as rain falls."""
    rain = noise(take, time_s, source.uniform(-5, 1)) * (1 + 0.15 * wander(take, time_s, 0.5))
    drop = ringing(time_s, between(source, 1500, 6000), between(source, 0.001, 0.004))
    onsets_s = scatter(take, time_s, between(source, 20, 150))
    drops = place(time_s, onsets_s, take.lognormal(0, 0.5, len(onsets_s)), drop)
    return rain + source.uniform(0, 3) * drops


def slow_swells(time_s: Array, source: Generator, take: Generator) -> Array:
    """Noise that rises, brightens and falls over seconds, as waves reach a beach."""
    rate_hz = between(source, 0.12, 0.4) * (1 + 0.3 * wander(take, time_s, 2.0))
    phase = take.uniform() + np.cumsum(rate_hz) * time_s[1]
    swell = (0.5 + 0.5 * np.sin(2 * np.pi * phase)) ** source.uniform(1, 3)
    low, high = noise(take, time_s, source.uniform(-8, -4)), noise(take, time_s, -2)
    return (0.1 + swell) * low + source.uniform(0.3, 1) * swell**2 * high


def wailing(time_s: Array, source: Generator, take: Generator) -> Array:
    """Long voiced arcs with vibrato and a formant, as a baby cries."""
    pitch_hz, length_s = between(source, 300, 650), between(source, 0.4, 1.2)
    age_s = since(time_s, rhythm(take, time_s, length_s * source.uniform(1.2, 1.8), jitter=0.15))
    part = np.clip(age_s / length_s, 0, 1)
    vibrato = source.uniform(0.01, 0.05) * np.sin(2 * np.pi * source.uniform(4, 8) * age_s)
    arc = 1 + source.uniform(0.1, 0.4) * np.sin(np.pi * part) + vibrato
    arc += 0.03 * wander(take, time_s, 0.3)
    voice = tone(pitch_hz * arc, time_s, falling_db=4) + 0.1 * noise(take, time_s, -2)
    formant_hz = between(source, 1000, 3500)
    voice = shape(voice, time_s, [formant_hz / 3, formant_hz, formant_hz * 3], [-6, 6, -12])
    return np.sin(np.pi * part) ** 0.5 * voice


def clicks(time_s: Array, source: Generator, take: Generator) -> Array:
    """Evenly spaced clicks, every other one a little different, as a clock ticks."""
    every_s = between(source, 0.2, 1.0)
    onsets_s = rhythm(take, time_s, every_s, jitter=0.005)
    ring_hz, decay_s = between(source, 1000, 6000), between(source, 0.002, 0.012)
    second = source.uniform(0.3, 1)
    ticks = place(time_s, onsets_s[::2], take.normal(1, 0.05), ringing(time_s, ring_hz, decay_s))
    ring_hz *= source.uniform(0.7, 1.2)
    return ticks + place(time_s, onsets_s[1::2], second, ringing(time_s, ring_hz, decay_s))


def burst_noise(time_s: Array, source: Generator, take: Generator) -> Array:
    """One or two breaths that end in a burst of noise with a voiced tail, as one sneezes."""
    decay_s, breath_s = between(source, 0.06, 0.3), between(source, 0.2, 0.6)
    onsets_s = rhythm(take, time_s, between(source, 1.5, 4), jitter=0.3)[:2]
    age_s = since(time_s, onsets_s)
    ahead_s = since(-time_s[::-1], -onsets_s[::-1])[::-1]  # until the next burst
    breath = source.uniform(0.05, 0.4) * np.exp(-ahead_s / breath_s) * noise(take, time_s, -1)
    pitch_hz = between(source, 150, 450) * (1 + 0.5 * np.exp(-age_s / decay_s))
    voiced = source.uniform(0.1, 0.8) * tone(pitch_hz, time_s, falling_db=6)
    burst = strike(age_s, 0.006, decay_s) * noise(take, time_s, source.uniform(-5, 0))
    return breath + burst + strike(age_s, 0.08, decay_s) * voiced


def pulse_train(time_s: Array, source: Generator, take: Generator) -> Array:
    """Dull thuds ten to thirty times a second over a rumble, as a helicopter flies."""
    every_s = 1 / between(source, 9, 28)
    onsets_s = rhythm(take, time_s, every_s, jitter=0.03)
    ring = ringing(time_s, between(source, 60, 400), between(source, 0.005, 0.02))
    thuds = place(time_s, onsets_s, take.lognormal(0, 0.15, len(onsets_s)), ring)
    beat = strike(since(time_s, onsets_s), 0.003, every_s / 3)
    rotor = level(thuds) + source.uniform(0.3, 1.5) * level(beat * noise(take, time_s, -4))
    whine = tone(between(source, 600, 2500) * (1 + 0 * time_s), time_s, falling_db=12)
    rumble = level(noise(take, time_s, -8)) + source.uniform(0, 0.3) * whine
    return (rotor + source.uniform(0.2, 1) * rumble) * (1 + 0.3 * wander(take, time_s, 1.0))


def buzz_sweeps(time_s: Array, source: Generator, take: Generator) -> Array:
    """A buzz rich in harmonics that revs up and down, as a chainsaw cuts."""
    revs = 1 / (1 + np.exp(-4 * wander(take, time_s, between(source, 0.4, 1.5))))
    pitch_hz = between(source, 50, 140) * (1 + source.uniform(0.3, 1.2) * revs)
    pitch_hz *= 1 + 0.01 * wander(take, time_s, 0.02)
    buzz = tone(pitch_hz, time_s, falling_db=source.uniform(0, 5))
    hiss = source.uniform(0.2, 1) * noise(take, time_s, source.uniform(-4, 1))
    return (0.3 + revs) * (level(buzz) + level(hiss) * source.uniform(0.2, 1))


def crowing(time_s: Array, source: Generator, take: Generator) -> Array:
    """A call of syllables that climbs, holds and falls, as a rooster crows."""
    length_s = between(source, 1.0, 2.2)
    age_s = since(time_s, rhythm(take, time_s, length_s * source.uniform(1.3, 2.5), jitter=0.2))
    part = np.clip(age_s / length_s, 0, 1)
    turns = [0, 0.1, 0.2, 0.3, 0.45, 0.8, 1]
    melody = np.array([0.7, 1.0, 0.8, 1.1, 1.4, 1.3, 0.7]) * source.normal(1, 0.06, 7)
    loudness = np.interp(
        part, [0, 0.03, 0.16, 0.19, 0.33, 0.36, 0.8, 1], [0, 1, 1, 0, 1, 0.2, 1, 0]
    )
    pitch_hz = between(source, 350, 800) * np.interp(part, turns, melody)
    rough = 1 + source.uniform(0, 0.5) * wander(take, time_s, 0.01)
    return loudness * rough * tone(pitch_hz, time_s, falling_db=source.uniform(2, 6))


def crackle(time_s: Array, source: Generator, take: Generator) -> Array:
    """Snaps of very different strength at no regular time over a soft roar, as a fire burns."""
    snaps = np.zeros_like(time_s)
    for _ in range(3):
        onsets_s = scatter(take, time_s, between(source, 2, 20))
        ring = ringing(time_s, between(source, 700, 6000), between(source, 0.001, 0.005))
        snaps += place(time_s, onsets_s, take.lognormal(0, 1, len(onsets_s)), ring)
    roar = level(noise(take, time_s, source.uniform(-8, -3))) * (
        1 + 0.3 * wander(take, time_s, 0.2)
    )
    return level(snaps) + source.uniform(0.05, 0.6) * roar


VOICES: tuple[Callable[[Array, Generator, Generator], Array], ...] = (
    harmonic_bursts,
    steady_noise,
    slow_swells,
    wailing,
    clicks,
    burst_noise,
    pulse_train,
    buzz_sweeps,
    crowing,
    crackle,
)
"""One voice a class, in the order of the ESC-10 class that it resembles."""


def between(rng: Generator, low: float, high: float) -> float:
    """Draw a number whose logarithm is uniform: pitches and times are heard by their ratios."""
    return float(low * (high / low) ** rng.uniform())


def wander(rng: Generator, time_s: Array, every_s: float) -> Array:
    """A random curve about 0 of size 1, with a new value every so often."""
    knots_s = np.arange(-every_s, time_s[-1] + 2 * every_s, every_s)
    return np.interp(time_s, knots_s, np.clip(rng.standard_normal(len(knots_s)), -2, 2))


def noise(rng: Generator, time_s: Array, slope_db: float) -> Array:
    """Noise whose spectrum changes by so many dB an octave."""
    white = rng.standard_normal((len(time_s) // 2 + 1, 2)).view(np.complex128)[:, 0]
    gain = gains(time_s, [62.5, 16000], [0, 8 * slope_db])
    return level(np.fft.irfft(gain * white, len(time_s)))


def tone(pitch_hz: Array, time_s: Array, falling_db: float) -> Array:
    """Harmonics of a gliding pitch, each octave of them so many dB weaker, none above Nyquist."""
    count = int(min(40, 0.45 / (time_s[1] * pitch_hz.max())))
    partials = np.arange(1, count + 1) ** (-falling_db / 6.02)
    period = np.fft.irfft(np.concatenate([[0], partials]) * -1j, 4096) * 2048  # sum of sines
    phase = np.cumsum(pitch_hz) * time_s[1]
    return level(period[(phase * 4096).astype(np.int64) & 4095])


def rhythm(rng: Generator, time_s: Array, every_s: float, jitter: float) -> Array:
    """Onsets at even distances, each moved by a part of one; at least one of them in the clip."""
    first_s = rng.uniform(0, min(every_s, 0.6 * time_s[-1]))
    onsets_s = np.arange(first_s, time_s[-1], every_s)
    moved_s = onsets_s + jitter * every_s * rng.uniform(-0.5, 0.5, len(onsets_s))
    return np.clip(moved_s, 0, time_s[-1])


def scatter(rng: Generator, time_s: Array, rate_hz: float) -> Array:
    """Onsets at no regular time, so many a second in the mean."""
    return np.sort(rng.uniform(0, time_s[-1], 1 + rng.poisson(rate_hz * time_s[-1])))


def since(time_s: Array, onsets_s: Array) -> Array:
    """Seconds since the latest onset; an hour and more before the first."""
    latest = np.searchsorted(onsets_s, time_s, side="right")
    return time_s - np.concatenate([[-3600.0], onsets_s])[latest]


def strike(age_s: Array, attack_s: float, decay_s: float) -> Array:
    """How loud something is that was struck so long ago."""
    return (1 - np.exp(-age_s / attack_s)) * np.exp(-age_s / decay_s)


def ringing(time_s: Array, ring_hz: float, decay_s: float) -> Array:
    """The sound of one knock: a sine that dies away."""
    age_s = time_s[: max(2, int(7 * decay_s / time_s[1]))]
    return np.sin(2 * np.pi * ring_hz * age_s) * np.exp(-age_s / decay_s)


def place(time_s: Array, onsets_s: Array, loud: float | Array, sound: Array) -> Array:
    """Let a sound begin at each onset."""
    impulses = np.zeros_like(time_s)
    np.add.at(impulses, (onsets_s / time_s[1]).astype(np.int64), loud)
    return oaconvolve(impulses, sound)[: len(time_s)]


def shape(wave: Array, time_s: Array, at_hz: Curve, gains_db: Curve) -> Array:
    """Filter with gains given at some frequencies, straight lines over the octaves between."""
    return np.fft.irfft(np.fft.rfft(wave) * gains(time_s, at_hz, gains_db), len(wave))


def gains(time_s: Array, at_hz: Curve, gains_db: Curve) -> Array:
    """The factor of each frequency of a real Fourier transform."""
    octaves = np.log2(np.maximum(np.fft.rfftfreq(len(time_s), time_s[1]), 20.0))
    return 10 ** (np.interp(octaves, np.log2(at_hz), gains_db) / 20)


def factor_of(gain_db: float) -> float:
    """The factor that so many decibels are."""
    return float(10 ** (gain_db / 20))


def level(wave: Array) -> Array:
    """Bring a sound to a root mean square of 1."""
    return wave / max(1e-9, np.sqrt(np.mean(wave**2)))


def make_clip(category: int, recording: int, take: int, time_s: Array, seed: int) -> Array:
    """Sound one clip: a voice, sometimes another behind it, in a room with a background.

    `time_s` are the samples' times. Shapes: (samples,) -> (samples,) within [-1, 1].
    """
    room = np.random.default_rng([seed, category, recording])
    source, other_source = room.spawn(2)
    again = np.random.default_rng([seed, category, recording, take + 1])
    wave = level(VOICES[category](time_s, source, again))
    if room.uniform() < 0.2:
        other = VOICES[room.integers(len(VOICES))](time_s, other_source, again)
        wave = wave + factor_of(room.uniform(-20, -10)) * level(other)

    echo_s = between(room, 0.02, 0.3)
    tail_s = time_s[: int(4 * echo_s / time_s[1])]
    echo = level(room.standard_normal(len(tail_s)) * np.exp(-tail_s / echo_s))
    echo *= room.uniform(0, 0.6) / np.sqrt(len(tail_s))
    echo[0] = 1.0
    wave = oaconvolve(wave, echo)[: len(time_s)]
    wave = level(shape(wave, time_s, _OCTAVES_HZ, room.normal(0, 4, 8)))

    wave = wave + factor_of(room.uniform(-40, -8)) * noise(again, time_s, room.uniform(-8, 1))
    peak = factor_of(room.uniform(-30, -3) + again.uniform(-2, 2))
    return wave * (peak / np.abs(wave).max())


def make_synth(
    folder: Path,
    *,
    clips: int = 400,
    seconds: float = 5.0,
    sample_rate_hz: int = 16000,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> ClipTable:
    """Make the set in a folder, FLAC files and their `clips.csv`, or read it if it is made already.

    Clips are spread evenly over ten classes and five folds; a larger set begins with a smaller
    one's clips. Equal arguments give equal sounds.

    Raises:
        DataError: fewer clips than classes times folds, a folder that holds something else, or no
            room for the files.
    """
    if clips < len(VOICES) * FOLDS:
        raise DataError(
            f"synth: {clips} clips are too few; {len(VOICES) * FOLDS} give each class one a fold"
        )
    stamp = json.dumps([VERSION, clips, seconds, sample_rate_hz, seed])
    if not _holds(folder, stamp):
        unfinished = folder.with_name(f"{folder.name}.{token_hex(4)}.unfinished")
        time_s = np.arange(round(seconds * sample_rate_hz)) / sample_rate_hz
        try:
            _write(unfinished, clips, time_s, sample_rate_hz, seed, progress)
            (unfinished / _STAMP).write_text(stamp, encoding="utf-8")
            _move(unfinished, folder, stamp)
        except (OSError, sf.LibsndfileError) as error:
            raise DataError(f"{folder}: cannot be written ({error}); choose another") from error
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
    return read_clips(folder, name="synth")


def _holds(folder: Path, stamp: str) -> bool:
    """Whether the folder holds the very set; False if it is free to be filled."""
    if not folder.is_dir() or not any(folder.iterdir()):
        return False
    if (folder / _STAMP).is_file() and (folder / _STAMP).read_text(encoding="utf-8") == stamp:
        return True
    raise DataError(f"{folder}: holds something else; delete it or choose another folder")


def _move(unfinished: Path, folder: Path, stamp: str) -> None:
    try:
        if folder.is_dir():
            folder.rmdir()
        unfinished.rename(folder)
    except OSError:
        if not _holds(folder, stamp):  # another process was first, and made the same
            raise


def _write(
    folder: Path,
    clips: int,
    time_s: Array,
    sample_rate_hz: int,
    seed: int,
    progress: Callable[[int, int], None] | None,
) -> None:
    rows = []
    for number in range(clips):
        turn, category = divmod(number, len(VOICES))
        turn, fold = divmod(turn, FOLDS)
        recording, take = divmod(turn, TAKES)
        recording = recording * FOLDS + fold  # a recording belongs to one fold
        name = VOICES[category].__name__
        file = f"{name}/{fold + 1}-{recording:04d}-{'AB'[take]}.flac"
        (folder / name).mkdir(parents=True, exist_ok=True)
        wave = make_clip(category, recording, take, time_s, seed)
        sf.write(folder / file, wave, sample_rate_hz, subtype="PCM_16")
        rows.append(Clip(file, name, fold + 1, f"{name}/{recording:04d}"))
        if progress:
            progress(number + 1, clips)
    write_clips(ClipTable("synth", folder, tuple(rows)), folder / "clips.csv")
