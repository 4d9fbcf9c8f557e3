"""Spectrum to features: 1-D convolutions along frequency, then along time.

    spectrum (batch, bands, frames)
      -> along frequency, by turns along time     (batch, channels, steps, fewer bands)
      -> flattened, along time, residual          (batch, width, 1, steps)
      -> features (batch, width, steps)

A pattern of harmonics means the same at any pitch and at any moment. Convolving along frequency,
with weights shared by all steps, builds the first in; convolving along time, with weights shared
by all bands, builds in the second. Either slides over one axis: every layer is an `nn.Conv1d`.

The other axis stays beside it. A one-dimensional kernel with a lone axis added is a picture's
kernel of height or width one: the same sums, but for all moments in one call, with the channels
last in memory, where processors multiply them soonest.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F


@dataclass(frozen=True, kw_only=True)
class BaseConfig:
    """Sizes of the base.

    Each layer along frequency, of `frequency_kernels`, halves the bands. One along time follows it
    on every band, of `time_kernels`; a kernel of one stands for none. `stages` are residual blocks
    along time, each stage of its own of `widths`, once the bands are laid side by side; steps are
    halved between stages.
    """

    frames_per_step: int = 4
    frequency_channels: tuple[int, ...] = (16, 24, 32)
    frequency_kernels: tuple[int, ...] = (7, 5, 3)
    time_kernels: tuple[int, ...] = (1, 3, 3)
    widths: tuple[int, ...] = (56, 128, 128)
    kernel: int = 3
    stages: tuple[int, ...] = (1, 1, 1)

    def __post_init__(self) -> None:
        """Refuse sizes that do not fit each other."""
        layers = {*map(len, (self.frequency_channels, self.frequency_kernels, self.time_kernels))}
        if len(layers) > 1:
            raise ValueError(
                "frequency_channels, frequency_kernels and time_kernels must be of one length"
            )
        if len(self.widths) != len(self.stages):
            raise ValueError("widths and stages must be of one length")
        kernels = (self.kernel, *self.frequency_kernels, *self.time_kernels)
        if any(kernel % 2 == 0 for kernel in kernels):
            raise ValueError("kernels must be odd, so that a feature stays where its sound is")
        if len(self.frequency_channels) + 1 + 2 * sum(self.stages) < 3:
            raise ValueError("the base needs three convolutions or more")
        if min((self.frames_per_step, *self.widths, *self.frequency_channels, *self.stages)) < 1:
            raise ValueError("frames_per_step, widths, channels and stages must be positive")

    @property
    def width(self) -> int:
        """Features of a step, as the head gets them."""
        return self.widths[-1]

    @property
    def hop_frames(self) -> int:
        """Frames of a spectrum from one step to the next, as the head gets them."""
        return int(self.frames_per_step * 2 ** (len(self.widths) - 1))


class AlongLast(nn.Conv1d):
    """Convolution along the last axis of a sheet, its weights shared by all rows.

    Which axis is last, the sheet says: frequency in `FrequencyStack`, time everywhere else.
    """

    def forward(self, sheet: Tensor) -> Tensor:
        """Shapes: (batch, in, rows, length) -> (batch, out, rows, length / stride)."""
        weight = self.weight[:, :, None]  # (out, in, 1, kernel)
        return F.conv2d(sheet, weight, None, (1, self.stride[0]), (0, int(self.padding[0])))


class AlongRows(nn.Conv1d):
    """Convolution along the rows of a sheet, its weights shared by all places in a row.

    The rows of `FrequencyStack` are steps: there it runs along time.
    """

    def forward(self, sheet: Tensor) -> Tensor:
        """Shapes: (batch, in, rows, length) -> (batch, out, rows / stride, length)."""
        weight = self.weight[..., None]  # (out, in, kernel, 1)
        return F.conv2d(sheet, weight, None, (self.stride[0], 1), (int(self.padding[0]), 0))


def convolution(
    channels_in: int,
    channels_out: int,
    kernel: int,
    stride: int = 1,
    axis: type[AlongLast | AlongRows] = AlongLast,
) -> nn.Sequential:
    """Normalised convolution: (batch, in, rows, length) -> (batch, out, ...), an axis / stride."""
    padding = kernel // 2
    return nn.Sequential(
        axis(channels_in, channels_out, kernel, stride=stride, padding=padding, bias=False),
        nn.BatchNorm2d(channels_out),
    )


class FrequencyStack(nn.Module):
    """Convolutions along frequency, some of them followed by one along time on every band."""

    def __init__(self, config: BaseConfig, bands: int) -> None:
        super().__init__()
        self.frames_per_step = config.frames_per_step
        self.layers = nn.Sequential()
        channels = config.frames_per_step
        for wider, kernel, lasting in zip(
            config.frequency_channels, config.frequency_kernels, config.time_kernels, strict=True
        ):
            self.layers.append(convolution(channels, wider, kernel, stride=2).append(nn.ReLU()))
            if lasting > 1:
                along_time = convolution(wider, wider, lasting, axis=AlongRows)
                self.layers.append(along_time.append(nn.ReLU()))
            channels, bands = wider, (bands + 1) // 2
        self.features = channels * bands

    def forward(self, spectrum: Tensor) -> Tensor:
        """Shapes: (batch, bands, frames) -> (batch, features, 1, steps)."""
        batch, bands, frames = spectrum.shape
        steps = frames // self.frames_per_step
        moments = spectrum[:, :, : steps * self.frames_per_step].mT  # (batch, frames, bands)
        sheet = moments.reshape(batch, steps, self.frames_per_step, bands)
        sheet = sheet.transpose(1, 2).contiguous(memory_format=torch.channels_last)
        found: Tensor = self.layers(sheet)  # (batch, channels, steps, fewer bands)
        return found.permute(0, 3, 1, 2).reshape(batch, self.features, 1, steps)


class ResidualBlock(nn.Module):
    """Two convolutions along time around which the input goes on, straight or widened."""

    def __init__(self, width_in: int, width: int, kernel: int) -> None:
        super().__init__()
        self.first = convolution(width_in, width, kernel)
        self.second = convolution(width, width, kernel)
        self.shortcut = nn.Identity() if width_in == width else convolution(width_in, width, 1)

    def forward(self, sheet: Tensor) -> Tensor:
        """Shapes: (batch, width in, 1, steps) -> (batch, width, 1, steps). He et al. (2016)."""
        change = self.second(torch.relu(self.first(sheet)))
        return torch.relu(self.shortcut(sheet) + change)


def some_of(steps: Tensor, dropped: float) -> Tensor:
    """Leave out a share of each clip's steps, drawn anew: (batch, steps, width), fewer steps.

    What the head learns then hangs on no single moment. Source: Koutini et al. (2022).
    """
    if not dropped:
        return steps
    batch, count, width = steps.shape
    kept = max(1, round(count * (1 - dropped)))
    order = torch.rand(batch, count, device=steps.device).argsort(dim=1)[:, :kept]
    return steps.gather(1, order[..., None].expand(-1, -1, width))


class Base(nn.Module):
    """The convolutional network under both heads."""

    def __init__(self, config: BaseConfig, bands: int) -> None:
        super().__init__()
        self.along_frequency = FrequencyStack(config, bands)
        width = config.widths[0]
        self.into_width = convolution(self.along_frequency.features, width, config.kernel)
        self.along_time = nn.Sequential()
        for stage, (blocks, wider) in enumerate(zip(config.stages, config.widths, strict=True)):
            if stage:
                self.along_time.append(nn.MaxPool2d((1, 2), ceil_mode=True))
            for _ in range(blocks):
                self.along_time.append(ResidualBlock(width, wider, config.kernel))
                width = wider

    def forward(self, spectrum: Tensor) -> Tensor:
        """Shapes: (batch, bands, frames) -> (batch, width, steps)."""
        sheet = self.along_frequency(spectrum)
        sheet = torch.relu(self.into_width(sheet))
        encoded: Tensor = self.along_time(sheet)  # (batch, width, 1, fewer steps)
        return encoded[:, :, 0]
