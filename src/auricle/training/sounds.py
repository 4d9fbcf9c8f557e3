"""Clips as a network takes them: powers where the filter bank is fixed, waves where it learns."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Generator, Tensor

from auricle.data.store import FULL_SCALE
from auricle.files import whose
from auricle.network.classifier import SoundClassifier
from auricle.network.frontend import band_edges_hz
from auricle.network.texture import Texture
from auricle.training.augment import (
    AugmentConfig,
    a_weighting,
    add_noise_,
    loudest_moments,
    view_powers,
    view_waves,
)

SCORING_BATCH = 64

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Examples:
    """Clips to learn from or to score: some rows of a store of waves.

    `waves` (any, samples) int16, memory-mapped; `rows` (clips,) which of them; `targets` (clips,)
    index of each clip's category.
    """

    waves: Array
    rows: Array
    targets: Array

    def __len__(self) -> int:
        """Count the clips."""
        return len(self.rows)


def scoring_batches(count: int) -> Iterator[slice]:
    """Slices that cover `count` clips in order."""
    return (slice(at, min(at + SCORING_BATCH, count)) for at in range(0, count, SCORING_BATCH))


class Sounds:
    """Examples, with whatever part of the network never changes worked out once.

    The powers of a fixed filter bank are kept in a file that memory only maps: of a clip, a fit
    holds in memory no more than the statistics of its texture (`statistics`, if they are used).
    """

    def __init__(
        self,
        network: SoundClassifier,
        examples: Examples,
        device: torch.device,
        power_file: Path | None,
    ) -> None:
        self.examples = examples
        self.device = device
        self.targets = torch.from_numpy(examples.targets.astype(np.int64))
        self.powers: Tensor | None = None  # (clips, frames, bands)
        if power_file and network.config.frontend.kind == "fixed":
            self.powers = self._fill(network, power_file)
            batches = map(self.powers.__getitem__, scoring_batches(len(self)))
            self.loudest = torch.cat([loudest_moments(batch) for batch in batches])
            self.weighting = a_weighting(band_edges_hz(network.config.frontend)[1:-1])
        self.statistics = self._describe(network.texture) if network.texture else None

    def __len__(self) -> int:
        """Count the clips."""
        return len(self.targets)

    def _fill(self, network: SoundClassifier, path: Path) -> Tensor:
        # Written row after row, not through a memory map: there, a full disk ends the process.
        path.unlink(missing_ok=True)  # one that an earlier process still reads stays as it is
        with whose(path), path.open("wb") as file:
            for rows in scoring_batches(len(self)):
                with torch.no_grad():
                    batch = network.frontend.power(self.waves(rows)).mT.cpu().numpy()
                if not rows.start:
                    shape = (len(self), *batch.shape[1:])  # (clips, frames, bands)
                    header = {"descr": "<f4", "fortran_order": False, "shape": shape}
                    np.lib.format.write_array_header_1_0(file, header)
                file.write(np.ascontiguousarray(batch, "<f4").data)
        return torch.from_numpy(np.load(path, mmap_mode="c"))  # nothing writes to it

    @torch.no_grad()
    def _describe(
        self, texture: Texture, alter: Callable[[Tensor], Tensor] = lambda power: power
    ) -> Tensor:
        batches = map(self.waves, scoring_batches(len(self)))
        return torch.cat([texture.statistics(wave, alter) for wave in batches])

    def solve(self, texture: Texture, config: AugmentConfig, generator: Generator) -> None:
        """Let a texture learn all clips, as they are and under noise, and what they are like."""
        assert self.statistics is not None

        def under_noise(power: Tensor) -> Tensor:
            frames = power.mT.to("cpu", copy=True)  # drawn on the processor, as views are
            level = frames.mean((1, 2))
            noisy = add_noise_(frames, level, 1.0, config.texture_noise_low_db, generator)
            return noisy.to(power.device).mT

        both = torch.cat([self.statistics, self._describe(texture, under_noise)])
        targets = self.targets.to(self.device)
        texture.solve(both, targets.repeat(2))
        texture.remember(self.statistics, targets)

    def waves(self, rows: Array | slice, device: torch.device | None = None) -> Tensor:
        """(batch, samples) float32 in [-1, 1), on the fit's device unless another is named."""
        stored = self.examples.waves[self.examples.rows[rows]]
        return torch.from_numpy(stored.astype(np.float32) / FULL_SCALE).to(device or self.device)

    def logits(self, network: SoundClassifier, rows: slice) -> tuple[Tensor, Tensor]:
        """What base and head say of clips as they are, and the whole network: (batch, classes)."""
        if self.powers is None:
            power = network.frontend.power(self.waves(rows))
        else:
            power = self.powers[rows].to(self.device).mT
        events, _ = network.classify(power)
        statistics = None if self.statistics is None else self.statistics[rows]
        return events, network.joined(events, statistics)

    def views(
        self,
        network: SoundClassifier,
        rows: Array,
        *,
        classes: int,
        mixing: float,
        config: AugmentConfig,
        generator: Generator,
    ) -> tuple[Tensor, Tensor]:
        """An augmented view of each row as powers (batch, bands, frames), and its soft target.

        Views are drawn on the processor, so that they are the same on every device.
        """
        targets = self.targets[rows]
        if self.powers is not None:
            power, wanted = view_powers(
                self.powers,
                kept := torch.from_numpy(rows),
                self.loudest[kept],
                targets,
                classes=classes,
                weighting=self.weighting,
                mixing=mixing,
                config=config,
                generator=generator,
            )
            return power.to(self.device).mT, wanted.to(self.device)
        wave, wanted = view_waves(
            self.waves(rows, torch.device("cpu")),
            targets,
            classes=classes,
            sample_rate_hz=network.config.frontend.sample_rate_hz,
            mixing=mixing,
            config=config,
            generator=generator,
        )
        return network.frontend.power(wave.to(self.device)), wanted.to(self.device)
