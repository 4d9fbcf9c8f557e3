"""What is measured is what was put in."""

import numpy as np
import pytest
import soundfile as sf
from scipy.signal import butter, sosfilt

from auricle.data.measures import SILENT_DB, bandwidth_hz, decibels, measure_file, silence_share
from auricle.errors import AudioError

RATE_HZ = 16000
TIME_S = np.arange(2 * RATE_HZ) / RATE_HZ
SINE = np.sin(2 * np.pi * 440 * TIME_S)
NOISE = np.random.default_rng(0).standard_normal(len(TIME_S))


def measured(tmp_path, wave, rate_hz=RATE_HZ):
    sf.write(tmp_path / "clip.wav", wave, rate_hz, subtype="FLOAT")
    return measure_file(tmp_path / "clip.wav")


def test_a_sine_of_half_scale_is_9_db_below_full_scale(tmp_path):
    found = measured(tmp_path, 0.5 * SINE)

    assert found.level_db == pytest.approx(-9.03, abs=0.01)
    assert found.peak_db == pytest.approx(-6.02, abs=0.01)
    assert (found.length_s, found.sample_rate_hz, found.channels) == (2.0, RATE_HZ, 1)
    assert found.clipped == found.silence == 0


def test_level_follows_gain_and_nothing_else_does(tmp_path):
    loud, quiet = measured(tmp_path, 0.1 * NOISE), measured(tmp_path, 0.01 * NOISE)

    assert loud.level_db - quiet.level_db == pytest.approx(20, abs=1e-4)
    assert loud.bandwidth_hz == quiet.bandwidth_hz
    assert loud.silence == quiet.silence


def test_what_is_cut_at_full_scale_is_clipped(tmp_path):
    found = measured(tmp_path, np.clip(2 * SINE, -1, 1))

    assert found.clipped == pytest.approx(2 / 3, abs=0.01)  # |sin| > 1/2
    assert found.peak_db == pytest.approx(0, abs=0.001)


def test_one_clipped_channel_is_enough_and_the_mix_is_measured(tmp_path):
    found = measured(tmp_path, np.stack([np.ones(RATE_HZ), -np.ones(RATE_HZ)], axis=1))

    assert (found.channels, found.clipped) == (2, 1)
    assert found.level_db == SILENT_DB


@pytest.mark.parametrize("floor", [0, 1e-4])
def test_half_silence_is_a_half(floor):
    wave = np.where(TIME_S < 1, 0.3 * NOISE, floor * NOISE).astype(np.float32)

    assert silence_share(wave, RATE_HZ) == 0.5


def test_what_is_40_db_weaker_is_no_silence():
    wave = np.where(TIME_S < 1, NOISE, 0.01 * NOISE).astype(np.float32)

    assert silence_share(wave, RATE_HZ) == 0


def test_silence_is_all_silent_and_no_error(tmp_path):
    found = measured(tmp_path, np.zeros(RATE_HZ))

    assert (found.level_db, found.peak_db, found.silence) == (SILENT_DB, SILENT_DB, 1)
    assert found.bandwidth_hz == 0


def test_the_bandwidth_is_where_a_filter_cuts():
    low = sosfilt(butter(12, 4000, fs=RATE_HZ, output="sos"), NOISE).astype(np.float32)

    assert 3800 < bandwidth_hz(low, RATE_HZ) < 4200
    assert bandwidth_hz(NOISE.astype(np.float32), RATE_HZ) > 7800
    assert bandwidth_hz(SINE.astype(np.float32), RATE_HZ) == pytest.approx(440, abs=20)


def test_a_millisecond_can_be_measured(tmp_path):
    found = measured(tmp_path, np.full(RATE_HZ // 1000, 0.5))

    assert found.length_s == 0.001
    assert np.isfinite(found.bandwidth_hz)


def test_decibels_have_a_floor():
    assert decibels(0.01) == pytest.approx(-20)
    assert decibels(0) == SILENT_DB


def test_a_file_that_is_no_sound_is_refused(tmp_path):
    (tmp_path / "a.wav").write_bytes(b"no sound")

    with pytest.raises(AudioError, match=r"a\.wav: no audio"):
        measure_file(tmp_path / "a.wav")
