"""Spectrum to features: 1-D convolutions along frequency, then along time.

    spectrum (batch, bands, frames)
      -> along frequency, the same weights at every step     (batch * steps, channels, bands)
      -> flattened, along time, residual                     (batch, width, steps)

A pattern of harmonics means the same at any pitch and at any moment. Convolving along frequency
inside each step, with weights shared by all steps, builds the first in; convolving along time
builds in the second. Either is a convolution over one axis: every layer here is an `nn.Conv1d`.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True, kw_only=True)
class BaseConfig:
    """Sizes of the base. `stages` are residual blocks along time, which is halved in between."""

    frames_per_step: int = 2
    frequency_channels: tuple[int, ...] = (16, 16)
    frequency_kernels: tuple[int, ...] = (7, 5)
    width: int = 64
    kernel: int = 3
    stages: tuple[int, ...] = (1, 1, 1)

    def __post_init__(self) -> None:
        """Refuse sizes that do not fit each other."""
        if len(self.frequency_channels) != len(self.frequency_kernels):
            raise ValueError("frequency_channels and frequency_kernels must be of one length")
        if self.kernel % 2 == 0 or any(kernel % 2 == 0 for kernel in self.frequency_kernels):
            raise ValueError("kernels must be odd, so that a feature stays where its sound is")
        if len(self.frequency_channels) + 1 + 2 * sum(self.stages) < 3:
            raise ValueError("the base needs three convolutions or more")
        if min((self.frames_per_step, self.width, *self.frequency_channels, *self.stages)) < 1:
            raise ValueError("frames_per_step, width, channels and stages must be positive")


def convolution(channels_in: int, channels_out: int, kernel: int, stride: int = 1) -> nn.Sequential:
    """Convolution over the last axis, normalised: (n, in, length) -> (n, out, length / stride)."""
    return nn.Sequential(
        nn.Conv1d(
            channels_in, channels_out, kernel, stride=stride, padding=kernel // 2, bias=False
        ),
        nn.BatchNorm1d(channels_out),
    )


class FrequencyStack(nn.Module):
    """Convolutions along frequency, their weights shared by all moments of the clip."""

    def __init__(self, config: BaseConfig, bands: int) -> None:
        super().__init__()
        self.frames_per_step = config.frames_per_step
        layers: list[nn.Module] = []
        channels = config.frames_per_step
        for wider, kernel in zip(config.frequency_channels, config.frequency_kernels, strict=True):
            layers += [convolution(channels, wider, kernel, stride=2), nn.ReLU()]
            channels, bands = wider, (bands + 1) // 2
        self.layers = nn.Sequential(*layers)
        self.features = channels * bands

    def forward(self, spectrum: Tensor) -> Tensor:
        """Shapes: (batch, bands, frames) -> (batch, features, steps)."""
        batch, bands, frames = spectrum.shape
        steps = frames // self.frames_per_step
        moments = spectrum[:, :, : steps * self.frames_per_step].mT  # (batch, frames, bands)
        moments = moments.reshape(batch * steps, self.frames_per_step, bands)
        features: Tensor = self.layers(moments)  # (batch * steps, channels, fewer bands)
        return features.reshape(batch, steps, self.features).mT


class ResidualBlock(nn.Module):
    """Two convolutions along time around which the input goes straight on."""

    def __init__(self, width: int, kernel: int) -> None:
        super().__init__()
        self.first = convolution(width, width, kernel)
        self.second = convolution(width, width, kernel)

    def forward(self, features: Tensor) -> Tensor:
        """Shapes: (batch, width, steps) -> (batch, width, steps). Source: He et al. (2016)."""
        change = self.second(torch.relu(self.first(features)))
        return torch.relu(features + change)


class Base(nn.Module):
    """The convolutional network under both heads."""

    def __init__(self, config: BaseConfig, bands: int) -> None:
        super().__init__()
        self.along_frequency = FrequencyStack(config, bands)
        self.into_width = convolution(self.along_frequency.features, config.width, config.kernel)
        self.along_time = nn.Sequential()
        for stage, blocks in enumerate(config.stages):
            if stage:
                self.along_time.append(nn.MaxPool1d(2, ceil_mode=True))
            for _ in range(blocks):
                self.along_time.append(ResidualBlock(config.width, config.kernel))

    def forward(self, spectrum: Tensor) -> Tensor:
        """Shapes: (batch, bands, frames) -> (batch, width, steps)."""
        features = self.along_frequency(spectrum)
        features = torch.relu(self.into_width(features))
        encoded: Tensor = self.along_time(features)
        return encoded
