"""Probes of pointers: on networks made by hand it is known what must come out."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Generator, Tensor

from auricle.evidence import probes
from auricle.evidence.pointers import View, view
from auricle.network.base import BaseConfig
from auricle.network.frontend import FrontendConfig, make_frontend

RATE_HZ, EVENT_S = 8_000, 0.25
USED, IGNORED = 3, 9
"""Bands: one that the network by hand answers by, one that is louder and means nothing to it."""


class ByHand:
    """A real filter bank, and logits that rise with loudness beyond a threshold in some bands."""

    def __init__(self, bands: slice, threshold: float) -> None:
        frontend = FrontendConfig(
            sample_rate_hz=RATE_HZ, window=256, hop=128, bands=16, high_hz=4_000.0
        )
        self.bands, self.threshold = bands, threshold
        self.frontend = make_frontend(frontend).eval()
        encoder = SimpleNamespace(blocks=0)
        self.config = SimpleNamespace(frontend=frontend, base=BaseConfig(), encoder=encoder)

    def base(self, spectrum: Tensor) -> Tensor:
        return (spectrum[:, self.bands] - self.threshold).relu().sum(1)

    def head(self, features: Tensor) -> tuple[Tensor, None]:
        heard = features.mean(1)
        return torch.stack([heard, torch.full_like(heard, 0.02)], 1) * 200, None


def noise(clips: int, seed: int = 0) -> Tensor:
    return 0.01 * torch.randn(clips, 2 * RATE_HZ, generator=Generator().manual_seed(seed))


def test_a_planted_burst_is_found_by_the_gradient_of_a_network_that_hears_bursts() -> None:
    waves = noise(20)
    waves[:, 3_000:5_000] *= 30
    hears: Any = ByHand(slice(None), threshold=0.0)
    events, starts_s = probes.plant(waves, RATE_HZ, EVENT_S, Generator().manual_seed(1))
    peak_s = probes.peaks(view(hears, events).marks[:, 0]) * 128 / RATE_HZ
    assert starts_s.max() - starts_s.min() > 1  # they lie in many places
    assert ((starts_s <= peak_s) & (peak_s <= starts_s + EVENT_S)).all()


@pytest.fixture(scope="module")
def banded() -> tuple[Any, View, Tensor]:
    """A network that uses one band, clips with an event in it, and a louder one in another."""
    generator = Generator().manual_seed(0)
    spectrum = 0.01 * torch.rand(12, 16, 100, generator=generator)
    spectrum[:, USED, 20:30] = 1
    spectrum[:, IGNORED : IGNORED + 4, 60:90] = 4
    uses: Any = ByHand(slice(USED, USED + 1), threshold=0.1)
    logits, _ = uses.head(uses.base(spectrum))
    marks = torch.zeros(12, 1, 100)
    marks[:, 0, 20:30] = 1
    nothing = torch.zeros(12)
    answers = logits.argmax(1)
    return uses, View(spectrum, logits.softmax(1), answers, spectrum, nothing, marks), marks[:, 0]


def test_without_what_it_uses_a_network_loses_more_than_without_all_else(
    banded: tuple[Any, View, Tensor],
) -> None:
    uses, seen, marks = banded
    assert (seen.answers == 0).all()
    drawn = [torch.rand(marks.shape, generator=Generator().manual_seed(1))]
    marked, by_chance, loudest, least = (
        probes.fall(uses, seen, orders)
        for orders in ([marks], drawn, [seen.spectrum.mean(1)], [-marks])
    )
    first = 0  # a tenth of the frames: exactly those that are marked
    assert (marked[:, first] > 0.9).all()
    assert (marked[:, first] > by_chance[:, first] + 0.5).all()
    for other in (loudest, least):
        torch.testing.assert_close(other[:, first], torch.zeros(12))
    assert marked.shape == (12, len(probes.FRACTIONS))


def test_a_fall_over_several_orders_is_their_mean(banded: tuple[Any, View, Tensor]) -> None:
    uses, seen, marks = banded
    both = probes.fall(uses, seen, [marks, -marks])
    each = [probes.fall(uses, seen, [order]) for order in (marks, -marks)]
    torch.testing.assert_close(both, torch.stack(each).mean(0))


def test_muted_frames_are_exchanged_for_the_quietest_in_their_order() -> None:
    spectrum = torch.arange(40.0)[None, None].repeat(1, 2, 1)
    spectrum[:, :, [5, 30]] = torch.tensor([-2.0, -1.0])
    spectrum[:, :, [7, 21]] = torch.tensor([-3.0, -4.0])
    found = probes.quietest(spectrum)
    assert found[0, 0, :4].tolist() == [-2, -3, -4, -1]
    assert found.shape == spectrum.shape


@pytest.mark.parametrize("fraction", probes.FRACTIONS)
def test_the_frames_with_the_largest_values_are_muted(fraction: float) -> None:
    order = torch.rand(3, 50, generator=Generator().manual_seed(0))
    chosen = probes.largest(order, fraction)
    assert chosen.sum(1).tolist() == [round(50 * fraction)] * 3
    for row, mask in zip(order, chosen, strict=True):
        assert row[mask].min() > row[~mask].max()


def test_a_moved_pattern_is_the_same_pattern_elsewhere() -> None:
    marks = torch.arange(24.0).reshape(2, 12)
    for found in probes.moved(marks, Generator().manual_seed(0)):
        for row, before in zip(found, marks, strict=True):
            offset = int(row.argmin())
            torch.testing.assert_close(row, before.roll(offset))


def test_an_event_is_the_loudest_stretch_alone_in_quiet_noise() -> None:
    waves = noise(4)
    waves[:, 3_000:5_000] *= 30
    events, starts_s = probes.plant(waves, RATE_HZ, EVENT_S, Generator().manual_seed(1))
    for wave, event, start_s in zip(waves, events, starts_s.tolist(), strict=True):
        start = round(start_s * RATE_HZ)
        length = round(EVENT_S * RATE_HZ)
        inside = event[start : start + length]
        outside = torch.cat([event[:start], event[start + length :]])
        level_db = 20 * torch.log10(outside.std() / wave[3_000:5_000].std())
        assert level_db.item() == pytest.approx(probes.NOISE_DB, abs=1.5)
        likeness = torch.corrcoef(torch.stack([inside, wave[3_000:5_000]]))[0, 1]
        assert likeness > 0.95


def test_a_silent_clip_can_be_planted_and_seen() -> None:
    silent = torch.zeros(1, 2 * RATE_HZ)
    events, _ = probes.plant(silent, RATE_HZ, EVENT_S, Generator().manual_seed(0))
    hears: Any = ByHand(slice(None), threshold=0.0)
    seen = view(hears, events)
    assert seen.marks.isfinite().all()
    assert seen.unexplained.isfinite().all()


def test_of_equal_frames_the_middle_one_is_the_peak() -> None:
    assert probes.peaks(torch.tensor([[0.0, 2, 2, 2, 1], [0, 0, 0, 0, 3]])).tolist() == [2, 4]
