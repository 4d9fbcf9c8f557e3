"""A sound is known again under all that is done to files, and no other sound is taken for it."""

import io

import numpy as np
import pytest
import soundfile as sf

from auricle.data.fingerprint import (
    HOP,
    RATE_HZ,
    find_candidates,
    fingerprint,
    shared_sound,
    whitened,
)
from auricle.data.synth import VOICES, make_clip

SECONDS = 4.0
TIME_S = np.arange(round(SECONDS * RATE_HZ)) / RATE_HZ


def make_wave(category, recording=0, take=0):
    return make_clip(category, recording, take, TIME_S, seed=0).astype(np.float32)


def compare(*waves):
    """Every pair of these waves that shares a sound: (first, second, seconds, lag in seconds)."""
    even = [whitened(wave.astype(np.float32)) for wave in waves]
    for found in find_candidates([fingerprint(wave) for wave in even]):
        shared_s, lag_s = shared_sound(even[found.first], even[found.second], found.lag_frames)
        if shared_s:
            yield found.first, found.second, shared_s, lag_s


def encoded(wave, container, subtype):
    file = io.BytesIO()
    sf.write(file, wave, RATE_HZ, format=container, subtype=subtype)
    file.seek(0)
    return sf.read(file, dtype="float32")[0]


def quieter(wave):
    return wave * 10 ** (-12 / 20)


def shifted(wave):
    return np.concatenate([np.zeros(round(0.7 * RATE_HZ)), wave])[: len(wave)]


def ogg(wave):
    return encoded(wave, "OGG", "VORBIS")


def mp3(wave):
    return encoded(wave, "MP3", "MPEG_LAYER_III")


def cut(wave):
    """The loudest 60% of it."""
    length = round(0.6 * len(wave))
    energy = np.concatenate([[0], np.cumsum(wave.astype(float) ** 2)])
    start = int(np.argmax(energy[length:] - energy[:-length]))
    return wave[start : start + length]


def noisy(wave):
    seed = int(1e9 * np.mean(wave**2))  # other noise behind another wave
    noise = np.random.default_rng(seed).standard_normal(len(wave))
    return wave + 10 ** (-30 / 20) * np.sqrt(np.mean(wave**2)) * noise


def all_of_it(wave):
    return mp3(noisy(shifted(quieter(wave))))


CHANGES = (quieter, shifted, ogg, mp3, cut, noisy, np.negative, all_of_it)


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_a_changed_copy_of_any_sound_is_found(change):
    waves = [make_wave(category) for category in range(len(VOICES))]

    found = list(compare(*waves, *(change(wave) for wave in waves)))

    assert {pair[:2] for pair in found} == {(k, k + len(VOICES)) for k in range(len(VOICES))}


def test_the_lag_and_the_shared_time_are_told():
    wave = make_wave(1)

    ((_, _, shared_s, lag_s),) = compare(wave, shifted(wave))

    assert lag_s == pytest.approx(0.7, abs=2 / RATE_HZ)
    assert shared_s == pytest.approx(SECONDS - 0.7, abs=0.25)


def test_the_lag_is_exact_between_frames():
    wave = make_wave(6)
    lag = 20 * HOP + 100

    ((_, _, _, lag_s),) = compare(wave[lag:], wave)

    assert lag_s * RATE_HZ == pytest.approx(lag, abs=1)


def test_other_recordings_of_the_same_voices_are_other_sounds():
    waves = [make_wave(c, recording=r) for c in range(len(VOICES)) for r in range(3)]

    assert not list(compare(*waves))


def test_noises_are_other_sounds_however_alike_they_sound():
    generator = np.random.default_rng(0)
    waves = [generator.standard_normal(len(TIME_S)) for _ in range(10)]
    waves += [np.cumsum(generator.standard_normal(len(TIME_S))) for _ in range(10)]

    assert not list(compare(*waves))


def test_a_hum_behind_all_clips_makes_no_duplicates():
    generator = np.random.default_rng(0)
    hum = sum(np.sin(2 * np.pi * hz * TIME_S) for hz in (50, 100, 150, 1000))

    waves = [hum + 0.03 * generator.standard_normal(len(TIME_S)) for _ in range(10)]

    assert not list(compare(*waves))


def test_tones_of_other_pitch_are_other_sounds():
    pitches_hz = 440 * 2 ** (np.arange(24) / 24)

    assert not list(compare(*(np.sin(2 * np.pi * hz * TIME_S) for hz in pitches_hz)))


@pytest.mark.parametrize("samples", [1, 100, 1024, 16000])
def test_short_and_silent_waves_have_no_marks(samples):
    assert not len(fingerprint(whitened(np.zeros(samples, np.float32))).numbers)


def test_no_clips_have_no_pairs():
    assert not list(find_candidates([]))
