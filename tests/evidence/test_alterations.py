import numpy as np
import pytest
import torch
from torch import Tensor

from auricle.evidence import alterations as alter

RATE_HZ = 16_000
CODECS = alter.MP3 + alter.OPUS


def drawn(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def tone(hz: float, seconds: float = 1.0, rate_hz: int = RATE_HZ) -> Tensor:
    time_s = torch.arange(round(seconds * rate_hz), dtype=torch.float64) / rate_hz
    return (0.25 * torch.sin(2 * torch.pi * hz * time_s)).float()


def clips() -> Tensor:
    """Two clips of different level: a tone, and a tone that is heard in its middle alone."""
    short = tone(700)
    short[:4000] = short[-4000:] = 0
    return torch.stack([tone(440), 0.01 * short])


def level_db(wave: Tensor) -> Tensor:
    return 10 * torch.log10(wave.square().mean(1))


@pytest.mark.parametrize("snr_db", [30.0, 5.0, 0.0])
def test_noise_is_as_far_below_each_clip_as_asked(snr_db: float) -> None:
    wave = clips()
    grain = alter.add_noise(wave, snr_db, drawn()) - wave
    assert level_db(wave) - level_db(grain) == pytest.approx([snr_db] * 2, abs=0.1)


def test_noise_is_as_strong_in_every_hertz() -> None:
    wave = 0.1 * torch.ones(8, 1 << 16)
    grain = alter.add_noise(wave, 0, drawn()) - wave
    power = torch.fft.rfft(grain).abs().square().mean(0)[: 1 << 15].reshape(4, -1).mean(1)
    assert power / power.mean() == pytest.approx([1, 1, 1, 1], rel=0.05)


def test_noise_comes_from_the_generator_alone() -> None:
    wave = clips()
    once, again, other = (alter.add_noise(wave, 10, drawn(seed)) for seed in (1, 1, 2))
    assert torch.equal(once, again)
    assert not torch.equal(once, other)


def test_a_silent_clip_stays_silent_under_noise_and_level() -> None:
    nothing = torch.zeros(1, 1000)
    assert not alter.add_noise(nothing, 10, drawn()).any()
    assert not alter.levelled(nothing, 0.01).any()
    assert not alter.reverberate(nothing, 0.1, RATE_HZ, drawn()).any()


def test_gain_moves_the_level_and_cuts_at_full_scale() -> None:
    wave = clips()
    assert level_db(alter.gain(wave, -20)) - level_db(wave) == pytest.approx([-20, -20], abs=0.01)
    loud = alter.gain(wave, 20)
    assert loud[0].abs().max() == 1
    steps = 32_768 * alter.gain(wave, -40)
    assert torch.equal(steps, steps.round())  # nothing of the sound is left between them
    assert level_db(loud)[1] - level_db(wave)[1] == pytest.approx(20, abs=0.01)


def test_a_tone_above_the_corner_dies_and_one_below_passes() -> None:
    wave = torch.stack([tone(500), tone(2000)])
    inside = slice(
        2000, -2000
    )  # a tone that begins at once is a click, and a click has all pitches
    filtered = alter.low_pass(wave, 1000, RATE_HZ)[:, inside]
    passed = level_db(filtered) - level_db(wave[:, inside])
    assert passed[0].item() == pytest.approx(0, abs=0.1)
    assert passed[1].item() < -40


def test_low_pass_delays_nothing_and_takes_very_short_clips() -> None:
    wave = tone(300)[None]
    assert alter.low_pass(wave, 4000, RATE_HZ)[0] == pytest.approx(wave[0], abs=0.01)
    assert alter.low_pass(wave[:, :10], 4000, RATE_HZ).shape == (1, 10)


@pytest.mark.parametrize("decay_s", [0.3, 0.6])
def test_a_room_dies_away_in_the_time_asked_for_and_keeps_the_level(decay_s: float) -> None:
    click = torch.zeros(64, RATE_HZ)
    click[:, 100] = 0.5
    echoed = alter.reverberate(click, decay_s, RATE_HZ, drawn())
    assert level_db(echoed) == pytest.approx(level_db(click).tolist(), abs=0.01)
    tail = echoed[:, 101 : 100 + round(decay_s * RATE_HZ)].square().mean(0)
    part = len(tail) // 10
    fall_db = 10 * torch.log10(tail[:part].mean() / tail[part * 5 : part * 6].mean())
    assert fall_db.item() == pytest.approx(30, abs=1)  # half of the time, half of the decibels
    source = echoed[:, 100].square().mean()
    assert source.item() == pytest.approx(tail.sum().item(), rel=0.05)


@pytest.mark.parametrize("codec", CODECS, ids=lambda c: f"{c.subtype}-{c.kbit_per_s}")
@pytest.mark.parametrize("rate_hz", [8_000, 32_000])
def test_a_lossy_file_gives_back_what_went_in_at_once(codec: alter.Codec, rate_hz: int) -> None:
    time_s = torch.arange(rate_hz) / rate_hz
    burst = tone(440, 1.0, rate_hz) + 0.5 * tone(1370, 1.0, rate_hz)
    burst = burst * (1 - (2 * time_s - 1).abs())
    wave = torch.stack([burst, torch.zeros(rate_hz), burst.flip(0) * 0.1])
    again = alter.reencode(wave, codec, rate_hz)
    assert again.shape == wave.shape
    assert again.dtype == torch.float32
    for row in (0, 2):
        assert np.corrcoef(again[row], wave[row])[0, 1] > 0.9
    assert not torch.equal(again[0], wave[0])
    assert again[1].abs().max() < 1e-3


@pytest.mark.parametrize("codec", CODECS, ids=lambda c: f"{c.subtype}-{c.kbit_per_s}")
def test_a_lossy_file_has_the_size_that_its_name_tells(codec: alter.Codec) -> None:
    noisy = 0.1 * np.random.default_rng(0).standard_normal(3 * alter.CODEC_HZ).astype(np.float32)
    bits = 8 * len(alter.encode(noisy, codec))
    assert bits / 3 / 1000 == pytest.approx(codec.kbit_per_s, rel=0.2)


def test_the_delay_of_a_decoder_is_cut_off() -> None:
    wave = np.random.default_rng(0).standard_normal(5000).astype(np.float32)
    late = np.concatenate([np.zeros(1105, np.float32), 0.5 * wave])
    assert alter.aligned(late, wave) == pytest.approx(0.5 * wave)
    assert alter.aligned(late[:4000], wave).shape == wave.shape


def test_the_loudest_part_is_kept() -> None:
    wave = torch.full((2, 1000), 0.01)
    wave[0, 600:650] = 0.5
    wave[1, :50] = 0.5
    kept = alter.shorten(wave, 0.1, 1000)
    assert (kept == 0.5).sum(1).tolist() == [50, 50]
    assert kept.shape == (2, 100)
    assert torch.equal(alter.shorten(wave, 5, 1000), wave)


def test_every_clip_can_have_one_level_and_no_offset() -> None:
    wave = clips() + 0.1
    assert level_db(alter.levelled(wave, 0.01)) == pytest.approx([-20, -20], abs=0.01)
    assert alter.without_offset(wave).mean(1) == pytest.approx([0, 0], abs=1e-6)


def padded() -> Tensor:
    """Sound from 200 to 700, a whole clip of it, and none at all."""
    wave = 0.1 * torch.randn(3, 1000, generator=drawn())
    wave[0, :200] = wave[0, 700:] = 0
    wave[2] = 0
    return wave


def test_digital_silence_at_the_ends_is_found() -> None:
    first, last = alter.sounding(padded())
    assert first.tolist() == [200, 0, 0]
    assert last.tolist() == [700, 1000, 1000]


def test_a_sound_is_repeated_over_the_silence_around_it() -> None:
    wave = padded()
    filled = alter.repeat_sound(wave)
    assert torch.equal(filled[:, 200:700], wave[:, 200:700])
    assert torch.equal(filled[0, 700:], wave[0, 200:500])
    assert torch.equal(filled[0, :200], wave[0, 500:700])
    assert torch.equal(filled[1:], wave[1:])
