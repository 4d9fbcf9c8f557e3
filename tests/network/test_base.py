import pytest
import torch
from torch import nn
from torch.nn.modules.conv import _ConvNd

from auricle.network.base import Base, BaseConfig, FrequencyStack, ResidualBlock

SMALL = BaseConfig(
    frames_per_step=2,
    frequency_channels=(3, 4),
    frequency_kernels=(5, 3),
    width=8,
    kernel=3,
    stages=(1, 1),
)


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(0)


def test_every_layer_is_a_convolution_over_one_axis():
    layers = [
        layer for layer in Base(BaseConfig(), bands=64).modules() if isinstance(layer, _ConvNd)
    ]
    assert {type(layer) for layer in layers} == {nn.Conv1d}
    assert len(layers) >= 3


@pytest.mark.parametrize("frames", [20, 21, 22, 23, 2])
@pytest.mark.parametrize("bands", [16, 17, 19])
def test_shapes_for_any_number_of_frames_and_bands(frames, bands):
    base = Base(SMALL, bands).eval()
    steps = frames // 2
    features = base.along_frequency(torch.zeros(3, bands, frames))
    assert features.shape == (3, base.along_frequency.features, steps)
    assert base(torch.zeros(3, bands, frames)).shape == (3, 8, -(-steps // 2))


@pytest.mark.parametrize("frames_per_step", [1, 2, 3])
def test_weights_along_frequency_are_shared_by_all_moments(frames_per_step, generator):
    config = BaseConfig(frames_per_step=frames_per_step)
    stack = FrequencyStack(config, bands=20).eval()
    spectrum = torch.randn(2, 20, 12 * frames_per_step, generator=generator)
    features = stack(spectrum)
    later = stack(spectrum.roll(frames_per_step, dims=2))
    torch.testing.assert_close(later, features.roll(1, dims=2))


def test_a_moment_is_heard_in_its_own_step(generator):
    stack = FrequencyStack(SMALL, bands=20).eval()
    spectrum = torch.randn(1, 20, 12, generator=generator)
    changed = spectrum.clone()
    changed[:, :, 7] += 1
    moved = (stack(changed) != stack(spectrum)).any(1)[0]
    assert moved.tolist() == [False, False, False, True, False, False]


def test_a_pattern_means_the_same_at_any_pitch(generator):
    # Two layers of stride 2: raised by four bands, away from the edges, it lands one place up.
    stack = FrequencyStack(SMALL, bands=64).eval()
    spectrum = torch.zeros(1, 64, 2)
    spectrum[:, 20:30] = torch.randn(1, 10, 2, generator=generator)
    features = stack(spectrum).reshape(4, 16)
    raised = stack(spectrum.roll(4, dims=1)).reshape(4, 16)
    assert features[:, 4:8].std() > 0
    torch.testing.assert_close(raised[:, 3:11], features[:, 2:10])


def test_a_base_shifts_its_features_with_the_sound(generator):
    base = Base(SMALL, bands=16).eval()
    spectrum = torch.zeros(1, 16, 80)
    spectrum[:, :, 30:40] = torch.randn(1, 16, 10, generator=generator)
    features = base(spectrum)
    later = base(spectrum.roll(8, dims=2))  # frames: two a step, two steps a feature
    torch.testing.assert_close(later[..., 4:-4], features.roll(2, dims=2)[..., 4:-4])


def test_a_residual_block_that_adds_nothing_lets_its_input_through(generator):
    block = ResidualBlock(8, 3).eval()
    nn.init.zeros_(block.second[1].weight)
    features = torch.rand(2, 8, 10, generator=generator)
    torch.testing.assert_close(block(features), features)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"frequency_channels": (4,)}, "must be of one length"),
        ({"kernel": 4}, "kernels must be odd"),
        ({"frequency_kernels": (7, 4)}, "kernels must be odd"),
        ({"width": 0}, "must be positive"),
        ({"stages": (1, 0)}, "must be positive"),
        ({"frames_per_step": 0}, "must be positive"),
    ],
)
def test_refuses_sizes_that_do_not_fit(wrong, said):
    with pytest.raises(ValueError, match=said):
        BaseConfig(**wrong)
