from collections.abc import Callable

import numpy as np
import pytest

from auricle.network.attention import EncoderConfig
from auricle.network.base import BaseConfig
from auricle.network.classifier import NetworkConfig
from auricle.network.frontend import FrontendConfig
from auricle.training.augment import AugmentConfig
from auricle.training.sounds import Examples

RATE_HZ = 8_000
SAMPLES = 2_000


@pytest.fixture
def small_network() -> Callable[..., NetworkConfig]:
    """Configurations of either architecture, of some two thousand parameters."""

    def configure(kind: str = "fixed", blocks: int = 0) -> NetworkConfig:
        return NetworkConfig(
            frontend=FrontendConfig(
                kind=kind, sample_rate_hz=RATE_HZ, window=128, hop=80, bands=16, high_hz=4_000
            ),
            base=BaseConfig(
                frames_per_step=2,
                frequency_channels=(4, 8),
                frequency_kernels=(5, 3),
                time_kernels=(1, 3),
                widths=(16, 16),
                kernel=3,
                stages=(1, 1),
            ),
            encoder=EncoderConfig(blocks=blocks, heads=2),
        )

    return configure


@pytest.fixture
def plain() -> AugmentConfig:
    """Views that are their clips, but for where they begin."""
    return AugmentConfig(
        stretch=0, band_shift=0, equaliser_db=0, mixing=0, noise=0, masks=0, mask_bands=0
    )


@pytest.fixture
def tones() -> Callable[..., Examples]:
    """Clips of `classes` kinds: a tone of the kind's own pitch, never twice the same, in noise."""

    def make(clips: int, classes: int, seed: int = 0, noise: float = 0.05) -> Examples:
        generator = np.random.default_rng(seed)
        targets = np.arange(clips) % classes
        hz = 400 * 1.6**targets * generator.uniform(0.97, 1.03, clips)
        time_s = np.arange(SAMPLES) / RATE_HZ
        beat = np.sin(2 * np.pi * generator.uniform(2, 9, (clips, 1)) * time_s) ** 2
        wave = beat * np.sin(2 * np.pi * hz[:, None] * time_s)
        wave = 0.3 * (wave + noise * generator.standard_normal(wave.shape))
        return Examples(
            (wave * 32_767).clip(-32_768, 32_767).astype(np.int16), np.arange(clips), targets
        )

    return make
