import numpy as np
import pytest

from auricle.evidence import foreign

RATE_HZ = 16_000


@pytest.mark.parametrize("rate_hz", [4_000, RATE_HZ])
@pytest.mark.parametrize("kind", foreign.KINDS)
def test_every_kind_is_made_from_its_seed_alone(kind: str, rate_hz: int) -> None:
    waves = [
        foreign.foreign_waves(kind, 2, seconds=0.4, sample_rate_hz=rate_hz, seed=seed)
        for seed in (0, 0, 1)
    ]
    assert waves[0].shape == (2, round(0.4 * rate_hz))
    assert np.isfinite(waves[0]).all()
    assert np.abs(waves[0]).max() <= 1
    assert np.array_equal(waves[0], waves[1])
    if kind != "digital silence":
        assert not np.array_equal(waves[0], waves[2])
        assert not np.array_equal(waves[0][0], waves[0][1])


def test_silences_keep_their_level() -> None:
    waves = {
        kind: foreign.foreign_waves(kind, 3, seconds=0.5, sample_rate_hz=RATE_HZ, seed=0)
        for kind in foreign.SILENCES
    }
    assert not waves["digital silence"].any()
    assert 10 * np.log10(np.mean(waves["faint noise"] ** 2)) == pytest.approx(-60, abs=0.2)


def test_a_resonance_lifts_its_own_pitch() -> None:
    from scipy.signal import freqz

    at_hz, response = freqz(*foreign.resonance(700, 60, RATE_HZ), 4096, fs=RATE_HZ)
    assert abs(response[0]) == pytest.approx(1)
    assert at_hz[np.abs(response).argmax()] == pytest.approx(700, abs=10)


def test_speech_is_voiced_low_and_has_pauses() -> None:
    wave = foreign.foreign_waves("speech-like", 8, seconds=3, sample_rate_hz=RATE_HZ, seed=0)
    spectrum = np.abs(np.fft.rfft(wave)) ** 2
    hz = np.fft.rfftfreq(wave.shape[1], 1 / RATE_HZ)
    assert spectrum[:, (hz > 80) & (hz < 3500)].sum() > 0.85 * spectrum.sum()
    frames = (wave[:, : wave.shape[1] // 800 * 800] ** 2).reshape(8, -1, 800).mean(2)
    assert (frames < 1e-3 * frames.max(1, keepdims=True)).mean() > 0.05
