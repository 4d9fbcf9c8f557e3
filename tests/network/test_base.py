import itertools
from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.modules.conv import _ConvNd

from auricle.network.base import (
    AlongLast,
    AlongRows,
    Base,
    BaseConfig,
    FrequencyStack,
    ResidualBlock,
)

SMALL = BaseConfig(
    frames_per_step=2,
    frequency_channels=(3, 4),
    frequency_kernels=(5, 3),
    time_kernels=(1, 3),
    widths=(8, 8),
    kernel=3,
    stages=(1, 1),
)


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(0)


# One axis


def test_every_layer_is_a_convolution_over_one_axis():
    layers = [
        layer for layer in Base(BaseConfig(), bands=64).modules() if isinstance(layer, _ConvNd)
    ]
    assert len(layers) >= 3
    assert all(isinstance(layer, nn.Conv1d) for layer in layers)
    assert {type(layer) for layer in layers} == {AlongLast, AlongRows}
    assert {layer.weight.dim() for layer in layers} == {3}  # out, in, kernel
    assert all(len(layer.kernel_size) == 1 for layer in layers)


def test_nothing_that_runs_spans_two_axes(monkeypatch):
    """Whatever the layers are called: what they hand on to be computed has a side of one."""
    spans = []

    def overheard(run, weight_or_size):
        def spy(sheet, *arguments, **named):
            spans.append(weight_or_size(*arguments))
            return run(sheet, *arguments, **named)

        return spy

    monkeypatch.setattr(F, "conv2d", overheard(F.conv2d, lambda w, *_: tuple(w.shape[2:])))
    monkeypatch.setattr(F, "max_pool2d", overheard(F.max_pool2d, lambda size, *_: size))
    config = BaseConfig()
    Base(config, bands=64)(torch.randn(2, 64, 24))
    lasting = [kernel for kernel in config.time_kernels if kernel > 1]
    widenings = sum(wider != width for width, wider in itertools.pairwise(config.widths))
    convolutions = len(config.frequency_kernels) + len(lasting) + 1 + 2 * sum(config.stages)
    convolutions += widenings
    assert len(spans) == convolutions + len(config.stages) - 1
    assert all(min(span) == 1 for span in spans)
    assert sum(height > 1 for height, _ in spans) == len(lasting) > 0


@pytest.mark.parametrize(
    ("rows", "stride", "reached"),
    [(6, 2, [4, 5, 6]), (1, 1, [8, 9, 10, 11, 12])],  # of stride 2: centres at 8, 10, 12
    ids=["along frequency", "along time"],
)
@pytest.mark.parametrize("axis", [AlongLast, AlongRows])
def test_a_kernel_stays_in_its_row_and_hears_its_neighbours(axis, rows, stride, reached, generator):
    layer = axis(3, 4, 5, stride, padding=2, bias=False)
    sheet = torch.randn(2, 3, rows, 20, generator=generator)
    changed = sheet.clone()
    changed[:, :, rows // 2, 10] += 1
    if axis is AlongRows:
        sheet, changed = sheet.mT, changed.mT
    moved = (layer(changed) != layer(sheet)).any(1)  # (batch, rows, length)
    for clip in moved.mT if axis is AlongRows else moved:
        assert clip.nonzero().tolist() == [[rows // 2, place] for place in reached]


@pytest.mark.parametrize("memory", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("rows", [6, 1], ids=["along frequency", "along time"])
@pytest.mark.parametrize(("kernel", "stride"), [(7, 2), (5, 1), (3, 1), (1, 1)])
def test_a_layer_is_conv1d_row_by_row(kernel, stride, rows, memory, generator):
    layer = AlongLast(3, 4, kernel, stride, kernel // 2, bias=False).double()
    sheet = torch.randn(2, 3, rows, 19, generator=generator).double()
    sheet = sheet.contiguous(memory_format=memory).requires_grad_()
    wanted = [nn.Conv1d.forward(layer, sheet[:, :, row]) for row in range(rows)]
    assert_equal_with_gradients(layer, sheet, layer(sheet), torch.stack(wanted, dim=2))


@pytest.mark.parametrize("memory", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize(("kernel", "stride"), [(5, 1), (3, 1), (3, 2)])
def test_a_layer_along_rows_is_conv1d_place_by_place(kernel, stride, memory, generator):
    layer = AlongRows(3, 4, kernel, stride, kernel // 2, bias=False).double()
    sheet = torch.randn(2, 3, 19, 6, generator=generator).double()
    sheet = sheet.contiguous(memory_format=memory).requires_grad_()
    wanted = [nn.Conv1d.forward(layer, sheet[..., place]) for place in range(6)]
    assert_equal_with_gradients(layer, sheet, layer(sheet), torch.stack(wanted, dim=3))


@pytest.mark.parametrize("learning", [True, False])
@pytest.mark.parametrize("frames", [23, 40])
@pytest.mark.parametrize("config", [SMALL, BaseConfig()], ids=["small", "default"])
def test_the_base_is_one_of_one_dimensional_layers(config, frames, learning, generator):
    torch.manual_seed(0)
    base = Base(config, bands=19).double().train(learning)
    with torch.no_grad():  # as of a base that has learnt
        for weight in base.parameters():
            weight.add_(torch.randn(weight.shape, generator=generator), alpha=0.1)
        for name, value in base.named_buffers():
            if name.endswith("running_mean"):
                value.add_(torch.randn(value.shape, generator=generator), alpha=0.1)
            elif name.endswith("running_var"):
                value.add_(torch.rand(value.shape, generator=generator))
    spectrum = torch.randn(3, 19, frames, generator=generator).double().requires_grad_()
    wanted = by_moments(base, spectrum)  # first: what runs in training moves the statistics
    assert_equal_with_gradients(base, spectrum, base(spectrum), wanted)


def by_moments(base, spectrum):
    """The base without a second axis: moments, or bands, are a batch of 1-D signals."""

    def normalised(norm, signal):
        mean, variance = norm.running_mean.clone(), norm.running_var.clone()
        return F.batch_norm(signal, mean, variance, norm.weight, norm.bias, norm.training)

    def along_time(convolution, norm, signal):
        return normalised(norm, nn.Conv1d.forward(convolution, signal))

    batch, bands, frames = spectrum.shape
    a_step = base.along_frequency.frames_per_step
    steps = frames // a_step
    signal = spectrum[:, :, : a_step * steps].mT.reshape(batch * steps, a_step, bands)
    for convolution, norm, _ in base.along_frequency.layers:
        along_rows = isinstance(convolution, AlongRows)
        if along_rows:  # (batch * steps, channels, bands) -> (batch * bands, channels, steps)
            signal = signal.unflatten(0, (batch, steps)).permute(0, 3, 2, 1).flatten(0, 1)
        signal = torch.relu(normalised(norm, nn.Conv1d.forward(convolution, signal)))
        if along_rows:
            signal = signal.unflatten(0, (batch, -1)).permute(0, 3, 2, 1).flatten(0, 1)
    signal = signal.mT.reshape(batch, steps, -1).mT  # band by band, its channels side by side
    signal = torch.relu(along_time(*base.into_width, signal))
    for layer in base.along_time:
        if isinstance(layer, ResidualBlock):
            inner = torch.relu(along_time(*layer.first, signal))
            around = (
                along_time(*layer.shortcut, signal) if len(inner[0]) > len(signal[0]) else signal
            )
            signal = torch.relu(around + along_time(*layer.second, inner))
        else:
            signal = F.max_pool1d(signal, 2, ceil_mode=True)
    return signal


def assert_equal_with_gradients(module, given, ours, theirs):
    torch.testing.assert_close(ours, theirs)
    push = torch.randn(theirs.shape, generator=torch.Generator().manual_seed(1)).double()
    learned = [given, *module.parameters()]
    found = torch.autograd.grad(ours, learned, push)
    for gradient, wanted in zip(found, torch.autograd.grad(theirs, learned, push), strict=True):
        assert wanted.abs().max() > 0
        torch.testing.assert_close(gradient, wanted)


# Shapes and symmetries


@pytest.mark.parametrize("frames", [20, 21, 22, 23, 2])
@pytest.mark.parametrize("bands", [16, 17, 19])
def test_shapes_for_any_number_of_frames_and_bands(frames, bands):
    base = Base(SMALL, bands).eval()
    steps = frames // 2
    features = base.along_frequency(torch.zeros(3, bands, frames))
    assert features.shape == (3, base.along_frequency.features, 1, steps)
    assert base(torch.zeros(3, bands, frames)).shape == (3, 8, -(-steps // 2))


@pytest.mark.parametrize("bands", [16, 17, 19])
@pytest.mark.parametrize("layers", [0, 1, 2, 3])
def test_every_layer_along_frequency_halves_the_bands(layers, bands):
    sizes = {
        "frequency_channels": (4,) * layers,
        "frequency_kernels": (5,) * layers,
        "time_kernels": (3,) * layers,
    }
    stack = FrequencyStack(replace(SMALL, **sizes), bands).eval()
    channels = 4 if layers else SMALL.frames_per_step
    assert stack.features == channels * -(-bands // 2**layers)
    assert stack(torch.zeros(3, bands, 20)).shape == (3, stack.features, 1, 10)


@pytest.mark.parametrize("frames_per_step", [1, 2, 3])
def test_weights_along_frequency_are_shared_by_all_moments(frames_per_step, generator):
    config = BaseConfig(frames_per_step=frames_per_step, time_kernels=(1, 1, 1))
    stack = FrequencyStack(config, bands=20).eval()
    spectrum = torch.randn(2, 20, 12 * frames_per_step, generator=generator)
    features = stack(spectrum)
    later = stack(spectrum.roll(frames_per_step, dims=2))
    torch.testing.assert_close(later, features.roll(1, dims=3))


@pytest.mark.parametrize(
    ("time_kernels", "reached"), [((1, 1), [3]), ((1, 3), [2, 3, 4]), ((3, 3), [1, 2, 3, 4, 5])]
)
def test_a_moment_is_heard_in_its_own_step_and_as_far_as_kernels_reach(
    time_kernels, reached, generator
):
    stack = FrequencyStack(replace(SMALL, time_kernels=time_kernels), bands=20).eval()
    spectrum = torch.randn(1, 20, 12, generator=generator)
    changed = spectrum.clone()
    changed[:, :, 7] += 1
    moved = (stack(changed) != stack(spectrum)).any(1)[0, 0]
    assert moved.nonzero()[:, 0].tolist() == reached


def test_a_pattern_means_the_same_at_any_pitch(generator):
    # Two layers of stride 2: raised by four bands, away from the edges, it lands one place up.
    stack = FrequencyStack(SMALL, bands=64).eval()
    spectrum = torch.zeros(1, 64, 2)
    spectrum[:, 20:30] = torch.randn(1, 10, 2, generator=generator)
    features = stack(spectrum).reshape(16, 4)  # a band after the other, its channels side by side
    raised = stack(spectrum.roll(4, dims=1)).reshape(16, 4)
    assert features[4:8].std() > 0
    torch.testing.assert_close(raised[3:11], features[2:10])


def test_channels_lie_side_by_side_in_memory(generator):
    # Nothing is copied between the stacks: features of a step are neighbours as they leave.
    stack = FrequencyStack(SMALL, bands=20).eval()
    heard = []
    stack.layers.register_forward_pre_hook(lambda _, given: heard.append(given[0]))
    features = stack(torch.randn(2, 20, 12, generator=generator))
    assert heard[0].stride(1) == features.stride(1) == 1
    assert heard[0].is_contiguous(memory_format=torch.channels_last)
    assert features.is_contiguous(memory_format=torch.channels_last)


def test_a_base_shifts_its_features_with_the_sound(generator):
    base = Base(SMALL, bands=16).eval()
    spectrum = torch.zeros(1, 16, 80)
    spectrum[:, :, 30:40] = torch.randn(1, 16, 10, generator=generator)
    features = base(spectrum)
    later = base(spectrum.roll(8, dims=2))  # frames: two a step, two steps a feature
    torch.testing.assert_close(later[..., 4:-4], features.roll(2, dims=2)[..., 4:-4])


def test_a_residual_block_that_adds_nothing_lets_its_input_through(generator):
    block = ResidualBlock(8, 8, 3).eval()
    nn.init.zeros_(block.second[1].weight)
    features = torch.rand(2, 8, 1, 10, generator=generator)
    torch.testing.assert_close(block(features), features)


def test_a_residual_block_that_widens_lets_a_mixture_of_its_input_through(generator):
    block = ResidualBlock(8, 12, 3).eval()
    nn.init.zeros_(block.second[1].weight)
    features = torch.rand(2, 8, 1, 10, generator=generator)
    mixture = block.shortcut[0].weight[..., 0]  # (12, 8), of one step
    mixed = torch.einsum("oi,bixt->boxt", mixture, features)
    kept = torch.relu(mixed / (1 + block.shortcut[1].eps) ** 0.5)  # normalised by nothing yet
    torch.testing.assert_close(block(features), kept)


def test_each_stage_has_its_width():
    base = Base(replace(SMALL, stages=(2, 1), widths=(8, 12)), bands=16)
    blocks = [part for part in base.along_time if isinstance(part, ResidualBlock)]
    found = [block.second[0].out_channels for block in blocks]
    assert found == [8, 8, 12]
    assert base(torch.randn(2, 16, 24)).shape == (2, 12, 6)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"frequency_channels": (4,)}, "must be of one length"),
        ({"time_kernels": (3,)}, "must be of one length"),
        ({"time_kernels": (1, 3, 2)}, "kernels must be odd"),
        ({"frequency_kernels": (7, 5)}, "must be of one length"),
        ({"kernel": 4}, "kernels must be odd"),
        ({"frequency_kernels": (7, 5, 4)}, "kernels must be odd"),
        (
            {
                "frequency_channels": (),
                "frequency_kernels": (),
                "time_kernels": (),
                "widths": (),
                "stages": (),
            },
            "three convolutions or more",
        ),
        ({"frequency_channels": (16, 0, 32)}, "must be positive"),
        ({"widths": (8, 0, 8)}, "must be positive"),
        ({"widths": (8, 8)}, "widths and stages must be of one length"),
        ({"stages": (1, 0, 1)}, "must be positive"),
        ({"frames_per_step": 0}, "must be positive"),
    ],
)
def test_refuses_sizes_that_do_not_fit(wrong, said):
    with pytest.raises(ValueError, match=said):
        BaseConfig(**wrong)
