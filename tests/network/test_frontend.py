import math
from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from auricle.network.frontend import (
    FilterBank,
    FrontendConfig,
    MelSpectrum,
    RawStack,
    band_edges_hz,
    band_weights,
    fourier_kernels,
    hz_to_mel,
    make_frontend,
    mel_to_hz,
)

SMALL = FrontendConfig(sample_rate_hz=8_000, window=128, hop=80, bands=20, high_hz=4_000)
CONFIGS = [FrontendConfig(), SMALL]


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(0)


@pytest.fixture
def wave(generator):
    return 0.1 * torch.randn(3, 2_000, generator=generator)


def tone(hz, config, seconds=0.5):
    time_s = torch.arange(round(seconds * config.sample_rate_hz)) / config.sample_rate_hz
    return 0.5 * torch.sin(2 * math.pi * hz * time_s)[None]


def test_kernels_are_torchs_fourier_transform(wave):
    window, hop = SMALL.window, SMALL.hop
    parts = F.conv1d(
        F.pad(wave, (window // 2, window // 2))[:, None], fourier_kernels(window), stride=hop
    )
    cosine, sine = parts.square().chunk(2, dim=1)
    hann = torch.hann_window(window)
    wanted = torch.stft(
        wave,
        window,
        hop,
        window=hann / hann.norm(),
        center=True,
        pad_mode="constant",
        return_complex=True,
    )
    torch.testing.assert_close(cosine + sine, wanted.abs().square(), rtol=1e-4, atol=1e-6)


def test_fast_transform_is_the_convolution(wave, generator):
    fast, slow = FilterBank(SMALL), FilterBank(replace(SMALL, kind="learned"))
    slow.load_state_dict(fast.state_dict())
    wave, same = wave.clone().requires_grad_(), wave.clone().requires_grad_()
    power, wanted = fast.power(wave), slow.power(same)
    torch.testing.assert_close(power, wanted, rtol=1e-4, atol=1e-7)
    push = torch.randn(power.shape, generator=generator)
    power.backward(push)
    wanted.backward(push)
    torch.testing.assert_close(wave.grad, same.grad, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("config", CONFIGS, ids=["default", "small"])
def test_bands_cover_the_range_and_none_is_empty(config):
    weights = band_weights(config)
    bin_hz = config.sample_rate_hz / config.window
    bins_hz = torch.arange(config.window // 2 + 1) * bin_hz
    assert weights.shape == (config.bands, len(bins_hz))
    assert weights.min() >= 0
    torch.testing.assert_close(weights.sum(1), torch.ones(config.bands))
    covered = weights.sum(0) > 0
    assert covered[(bins_hz > config.low_hz) & (bins_hz < config.high_hz)].all()
    assert not covered[bins_hz < config.low_hz - bin_hz].any()
    centres_hz = weights @ bins_hz
    assert (centres_hz.diff() > 0).all()


def test_mel_scale():
    assert hz_to_mel(torch.tensor(1_000.0)).item() == pytest.approx(1_000, abs=0.1)
    hz = torch.tensor([0.0, 40.0, 440.0, 16_000.0], dtype=torch.float64)
    torch.testing.assert_close(mel_to_hz(hz_to_mel(hz)), hz)
    edges_hz = band_edges_hz(SMALL)
    assert edges_hz[[0, -1]].tolist() == pytest.approx([SMALL.low_hz, SMALL.high_hz])
    steps = hz_to_mel(edges_hz).diff()
    torch.testing.assert_close(steps, steps[:1].expand(SMALL.bands + 1), rtol=1e-5, atol=0)


@pytest.mark.parametrize("config", CONFIGS, ids=["default", "small"])
@pytest.mark.parametrize("hz", [300, 440, 1_000, 1_700, 3_500])
def test_a_tone_lights_its_band(hz, config):
    power = FilterBank(config).power(tone(hz, config))[0]
    middle = power[:, 5:-5]  # the ends hold the tone's beginning and end
    centres_hz = band_edges_hz(config)[1:-1]
    nearest = (hz_to_mel(centres_hz) - hz_to_mel(torch.tensor(hz))).abs().argmin()
    assert (middle.argmax(0) == nearest).all()
    far = (centres_hz - hz).abs() > 8 * config.sample_rate_hz / config.window
    assert middle[far].max() < 1e-3 * middle.max()


@pytest.mark.parametrize("kind", ["fixed", "learned", "raw"])
@pytest.mark.parametrize("samples", [2_000, 1_999, 2_001, 80, 4_040])
def test_every_kind_gives_a_frame_a_hop_and_one(kind, samples):
    frontend = make_frontend(replace(SMALL, kind=kind)).eval()
    power = frontend.power(torch.zeros(2, samples))
    assert power.shape == (2, SMALL.bands, samples // SMALL.hop + 1)
    assert frontend(power).shape == power.shape


@pytest.mark.parametrize("kind", ["fixed", "learned"])
def test_twice_the_wave_is_four_times_the_power(kind, wave):
    bank = FilterBank(replace(SMALL, kind=kind))
    torch.testing.assert_close(bank.power(2 * wave), 4 * bank.power(wave))


def test_powers_of_unrelated_sounds_add():
    bank = FilterBank(SMALL)
    low, high = tone(500, SMALL), tone(3_000, SMALL)
    together, apart = bank.power(low + high), bank.power(low) + bank.power(high)
    inner = slice(2, -2)
    torch.testing.assert_close(together[..., inner], apart[..., inner], rtol=1e-2, atol=1e-3)


def test_power_is_the_waves_energy(generator):
    # White noise: in every band the mean power is the noise's variance, the window being of
    # unit energy and the band's weights summing to one.
    noise = 0.1 * torch.randn(20, 8_000, generator=generator)
    power = FilterBank(SMALL).power(noise)[..., 1:-1].mean((0, 2))
    inner = power[1:-1]  # the outermost bins hold half: they have a cosine and no sine
    torch.testing.assert_close(inner, torch.full_like(inner, 0.01), rtol=0.1, atol=0)


@pytest.mark.parametrize("kind", ["fixed", "learned", "raw"])
@pytest.mark.parametrize("gain", [0.01, 10.0])
def test_the_level_of_a_clip_is_not_heard(kind, gain, wave):
    frontend = make_frontend(replace(SMALL, kind=kind)).eval()
    with torch.no_grad():
        spectrum = frontend(frontend.power(wave))
        louder = frontend(frontend.power(gain * wave))
    assert spectrum.std() > 0.1 or kind == "raw"
    torch.testing.assert_close(louder, spectrum, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("kind", ["fixed", "learned", "raw"])
def test_silence_is_finite(kind):
    frontend = make_frontend(replace(SMALL, kind=kind)).train()
    wave = torch.zeros(2, 2_000, requires_grad=True)
    spectrum = frontend(frontend.power(wave))
    assert spectrum.isfinite().all()
    spectrum.sum().backward()
    assert wave.grad.isfinite().all()


def test_below_the_floor_nothing_is_heard():
    config = replace(SMALL, floor_db=-30.0)
    bank = MelSpectrum(config).eval()
    power = torch.full((1, config.bands, 10), 1e-9)
    power[:, 3] = 1.0
    spectrum = bank(power)[0, :, 0]
    assert spectrum[4].item() == pytest.approx(-3.0, abs=1e-3)  # log10 of the floor
    assert spectrum[3] - spectrum[4] > 4


@pytest.mark.parametrize(("kind", "learns"), [("fixed", False), ("learned", True)])
def test_a_training_step_moves_the_learned_bank_alone(kind, learns, wave):
    bank = MelSpectrum(replace(SMALL, kind=kind))
    assert bank.kernels.requires_grad is learns
    assert bank.weights.requires_grad is learns
    assert [name for name, _ in bank.named_parameters()] == ["kernels", "weights"]
    before = {name: value.clone() for name, value in bank.state_dict().items()}
    after = nn.Linear(SMALL.bands, 1)  # whatever comes after the bank learns
    trained = [w for w in (*bank.parameters(), *after.parameters()) if w.requires_grad]
    optimiser = torch.optim.SGD(trained, lr=0.1)
    after(bank(bank.power(wave)).mT).square().mean().backward()
    optimiser.step()
    moved = {name for name, value in bank.state_dict().items() if (value != before[name]).any()}
    statistics = {f"normalise.{name}" for name in ("running_mean", "running_var")}
    learnt = {"kernels", "weights"} if learns else set()
    assert moved == learnt | statistics | {"normalise.num_batches_tracked"}


@pytest.mark.parametrize("kind", ["fixed", "learned"])
def test_every_band_is_brought_to_one_scale(kind, wave):
    bank = MelSpectrum(replace(SMALL, kind=kind))
    power = bank.power(wave) * torch.logspace(-3, 3, SMALL.bands)[:, None]
    spectrum = bank(power)
    torch.testing.assert_close(spectrum.mean((0, 2)), torch.zeros(SMALL.bands), rtol=0, atol=1e-4)
    spread = spectrum.std((0, 2), correction=0)
    torch.testing.assert_close(spread, torch.ones(SMALL.bands), rtol=1e-2, atol=0)


def test_raw_is_made_of_strided_convolutions(wave):
    stack = RawStack(replace(SMALL, kind="raw"))
    strides = [layer.stride[0] for layer in stack.modules() if isinstance(layer, nn.Conv1d)]
    assert math.prod(strides) == SMALL.hop
    stack(stack.power(wave)).square().mean(2).std().backward()
    assert all(weight.grad is not None for weight in stack.parameters())


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"low_hz": 500.0, "high_hz": 400.0}, "low_hz 500 and high_hz 400 must rise"),
        ({"high_hz": 16_001.0}, r"below half of sample_rate_hz \(16000\)"),
        ({"low_hz": -1.0}, "low_hz -1"),
        ({"window": 1_023}, "window must be even"),
        ({"hop": 0}, "hop and bands must be positive"),
        ({"kind": "raw", "hop": 100}, "hop 100 of a raw front-end must be a multiple of 40"),
    ],
)
def test_refuses_a_bank_that_cannot_be_built(wrong, said):
    with pytest.raises(ValueError, match=said):
        FrontendConfig(**wrong)


def test_a_learned_bank_that_is_frozen_still_is_what_it_learnt():
    bank = FilterBank(FrontendConfig(kind="learned", window=128, hop=64, bands=8))
    wave = torch.randn(2, 1_000, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        bank.kernels += 0.1 * torch.randn(
            bank.kernels.shape, generator=torch.Generator().manual_seed(1)
        )
    learnt = bank.power(wave)
    bank.requires_grad_(requires_grad=False)
    torch.testing.assert_close(bank.power(wave), learnt)
