"""Waveform to spectrum: a filter bank made of one-dimensional convolutions.

    wave (batch, samples) -> power (batch, bands, frames) -> spectrum (batch, bands, frames)

A Fourier bin is a convolution of the wave with a windowed cosine and a windowed sine; their squares
add to the power at that frequency, and a band is a weighted sum of bins. Written as layers, these
numbers are weights like any others: fixed ones are the network's non-trainable parameters, learned
ones start from the same values and move. `raw` starts from nothing: strided convolutions on the
wave itself.

Power and its compression are two steps because powers of unrelated sounds add, and logarithms of
powers do not: training mixes clips between the two.
"""

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SILENCE = 1e-12


@dataclass(frozen=True, kw_only=True)
class FrontendConfig:
    """How a wave becomes a spectrum."""

    kind: Literal["fixed", "learned", "raw"] = "fixed"
    sample_rate_hz: int = 32_000
    window: int = 1_024
    hop: int = 640
    bands: int = 64
    low_hz: float = 40.0
    high_hz: float = 16_000.0
    floor_db: float = -40.0

    def __post_init__(self) -> None:
        """Refuse a filter bank that cannot be built."""
        if not 0 <= self.low_hz < self.high_hz <= self.sample_rate_hz / 2:
            raise ValueError(
                f"low_hz {self.low_hz:g} and high_hz {self.high_hz:g} must rise and stay below "
                f"half of sample_rate_hz ({self.sample_rate_hz / 2:g})"
            )
        if min(self.window, self.hop, self.bands) < 1 or self.window % 2:
            raise ValueError("window must be even; window, hop and bands must be positive")
        if self.kind == "raw" and self.hop % RAW_FIRST_STRIDES:
            raise ValueError(
                f"hop {self.hop} of a raw front-end must be a multiple of {RAW_FIRST_STRIDES}"
            )


def hz_to_mel(frequency_hz: Tensor) -> Tensor:
    """Pitch as it is heard: 1,000 Hz is 1,000 mel. Source: O'Shaughnessy (1987)."""
    return 2595 * torch.log10(1 + frequency_hz / 700)


def mel_to_hz(mel: Tensor) -> Tensor:
    """Inverse of `hz_to_mel`."""
    return 700 * (10 ** (mel / 2595) - 1)


def band_edges_hz(config: FrontendConfig) -> Tensor:
    """(bands + 2,) frequencies even in mel: band b rises from b to b + 1 and falls to b + 2."""
    ends = hz_to_mel(torch.tensor([config.low_hz, config.high_hz], dtype=torch.float64))
    mel = torch.linspace(ends[0].item(), ends[1].item(), config.bands + 2, dtype=torch.float64)
    return mel_to_hz(mel)


def band_weights(config: FrontendConfig) -> Tensor:
    """(bands, bins) triangles over the Fourier bins, each summing to one.

    A low band can be narrower than the distance between two bins; its triangle is widened to one
    bin so that no band is empty.
    """
    edges_hz = band_edges_hz(config)
    bin_hz = config.sample_rate_hz / config.window
    bins_hz = torch.arange(config.window // 2 + 1, dtype=torch.float64) * bin_hz
    centre = edges_hz[1:-1, None]
    rise = (centre - edges_hz[:-2, None]).clamp(min=bin_hz)
    fall = (edges_hz[2:, None] - centre).clamp(min=bin_hz)
    distance = bins_hz - centre  # (bands, bins)
    triangles = (1 - torch.where(distance < 0, -distance / rise, distance / fall)).clamp(min=0)
    return (triangles / triangles.sum(1, keepdim=True)).float()


def fourier_kernels(window: int) -> Tensor:
    """(2 * bins, 1, window) cosines, then sines, each under a Hann window of unit energy."""
    time = torch.arange(window, dtype=torch.float64)
    bins = torch.arange(window // 2 + 1, dtype=torch.float64)
    phase = 2 * math.pi / window * bins[:, None] * time
    hann = torch.hann_window(window, dtype=torch.float64)
    hann = hann / hann.square().sum().sqrt()
    return (torch.cat([phase.cos(), phase.sin()]) * hann)[:, None].float()


def decades(power: Tensor, floor_db: float) -> Tensor:
    """Loudness free of the clip's level: log10 of power over the clip's mean and a floor.

    Shapes: (batch, bands, frames) -> (batch, bands, frames).
    """
    level = power.mean(dim=(1, 2), keepdim=True) + SILENCE
    return torch.log10(power / level + 10 ** (floor_db / 10))


class FilterBank(nn.Module):
    """Mel-spaced powers by convolution, fixed or learned."""

    def __init__(self, config: FrontendConfig) -> None:
        super().__init__()
        self.config = config
        learned = config.kind == "learned"
        self.kernels = nn.Parameter(fourier_kernels(config.window), requires_grad=learned)
        self.weights = nn.Parameter(band_weights(config), requires_grad=learned)

    def power(self, wave: Tensor) -> Tensor:
        """Energy in each band: (batch, samples) -> (batch, bands, frames), zero or more."""
        half = self.config.window // 2
        wave = F.pad(wave, (half, half))
        with torch.autocast(wave.device.type, enabled=False):  # 7 bits do not hold a power
            return self.weights.abs() @ self._bins(wave.float())  # (batch, bands, frames)

    def _bins(self, wave: Tensor) -> Tensor:
        if self.config.kind == "learned":
            parts = F.conv1d(wave[:, None], self.kernels, stride=self.config.hop)
            cosine, sine = parts.square().chunk(2, dim=1)  # each (batch, bins, frames)
            return cosine + sine
        # Never trained, the kernels are still windowed Fourier ones: the fast transform of the
        # windowed frames is the same convolution. Kernel 0 is cos(0) = 1 under the window.
        frames = wave.unfold(-1, self.config.window, self.config.hop) * self.kernels[0, 0]
        spectrum = torch.view_as_real(torch.fft.rfft(frames))  # (batch, frames, bins, 2)
        return spectrum.square().sum(-1).mT


class MelSpectrum(FilterBank):
    """A filter bank whose powers become what the base sees."""

    def __init__(self, config: FrontendConfig) -> None:
        super().__init__(config)
        self.normalise = nn.BatchNorm2d(config.bands, affine=False)

    def forward(self, power: Tensor) -> Tensor:
        """Loudness as it is heard, free of the clip's level: decibels above the floor, normalised.

        Shapes: (batch, bands, frames) -> (batch, bands, frames).
        """
        with torch.autocast(power.device.type, enabled=False):
            loud = decades(power.float(), self.config.floor_db)
            # With a lone axis added it is a sheet, whose bands may lie last in memory as in views.
            spectrum: Tensor = self.normalise(loud[:, :, None])
            return spectrum[:, :, 0]


RAW_FIRST_STRIDES = 40


class RawStack(nn.Module):
    """Strided convolutions on the wave, nothing given: the learned way beside a filter bank."""

    def __init__(self, config: FrontendConfig) -> None:
        super().__init__()
        bands, last = config.bands, config.hop // RAW_FIRST_STRIDES
        self.layers = nn.Sequential(
            nn.Conv1d(1, bands // 2, 40, stride=10, padding=15, bias=False),
            nn.BatchNorm1d(bands // 2),
            nn.ReLU(),
            nn.Conv1d(bands // 2, bands, 8, stride=4, padding=2, bias=False),
            nn.BatchNorm1d(bands),
            nn.ReLU(),
            nn.Conv1d(bands, bands, 2 * last, stride=last, padding=last, bias=False),
        )
        self.normalise = nn.BatchNorm1d(bands)

    def power(self, wave: Tensor) -> Tensor:
        """Energy that each learned filter finds: (batch, samples) -> (batch, bands, frames)."""
        level = (wave.square().mean(-1, keepdim=True) + SILENCE).sqrt()
        response: Tensor = self.layers((wave / level)[:, None])
        return response.square()

    def forward(self, power: Tensor) -> Tensor:
        """Compress and normalise: (batch, bands, frames) -> (batch, bands, frames)."""
        normalised: Tensor = self.normalise(torch.log1p(power.float()))
        return normalised


def make_frontend(config: FrontendConfig) -> MelSpectrum | RawStack:
    """The front-end that the configuration asks for."""
    return RawStack(config) if config.kind == "raw" else MelSpectrum(config)
