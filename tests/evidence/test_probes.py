import pytest
import torch
from torch import nn

from auricle.evidence import pointers, probes
from auricle.network.attention import EncoderConfig
from auricle.network.base import BaseConfig
from auricle.network.frontend import FrontendConfig, MelSpectrum

RATE_HZ, EVENT_S = 8_000, 0.25
ENCODER = EncoderConfig(blocks=1)
BASE = BaseConfig(frames_per_step=4, widths=(8,), stages=(1,))


class Listener(nn.Module):
    """Hand-made: the first class wants sound in one band at any moment, the second none.

    Its class token looks at steps by how loud that band is.
    """

    def __init__(self, band=5):
        super().__init__()
        config = FrontendConfig(
            sample_rate_hz=RATE_HZ, window=256, hop=128, bands=16, high_hz=4_000.0
        )
        self.frontend, self.band = MelSpectrum(config), band
        self.config = type("Config", (), {"base": BASE, "frontend": config, "encoder": ENCODER})
        self.eval()

    def joined(self, logits, statistics):
        assert statistics is None  # it has no texture
        return logits

    def base(self, spectrum):
        return (spectrum[:, self.band] + 4).relu()  # the floor is -4, in powers of ten

    def head(self, loud):
        logit = loud.mean(1)
        frames = loud.shape[1] // 4 * 4
        steps = loud[:, :frames].reshape(len(loud), -1, 4).mean(2)
        weights = torch.zeros(len(loud), 1, 1, 1 + steps.shape[1], 1 + steps.shape[1])
        weights[:, 0, 0, 0, 1:] = steps.softmax(1)
        return torch.stack([logit, 1 - logit], 1), weights


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(0)


@pytest.fixture
def tones():
    """Two seconds of a tone in the band, loud from one moment to another, quiet elsewhere."""
    time_s = torch.arange(2 * RATE_HZ) / RATE_HZ
    starts_s = torch.linspace(0.1, 1.4, 6)[:, None]
    loud = (time_s >= starts_s) & (time_s < starts_s + 0.4)
    return torch.sin(2 * torch.pi * 800 * time_s) * torch.where(loud, 0.5, 0.001)


def band_of(tones):
    """The band that lights up."""
    power = Listener().frontend.power(tones)
    return int(power.mean((0, 2)).argmax())


def test_a_planted_event_is_the_loudest_stretch_where_it_is_said_to_be(tones, generator):
    planted, starts_s = probes.plant(tones, RATE_HZ, EVENT_S, generator)
    assert planted.shape == tones.shape
    assert len({*starts_s.tolist()}) == len(tones)
    time_s = torch.arange(planted.shape[1]) / RATE_HZ
    since = time_s - starts_s[:, None]
    inside, outside = (since >= 0) & (since < EVENT_S), (since < 0) | (since >= EVENT_S)
    loud, quiet = (planted.square() * part for part in (inside, outside))
    ratio = (loud.sum(1) / inside.sum(1)) / (quiet.sum(1) / outside.sum(1))
    torch.testing.assert_close(
        10 * ratio.log10(), torch.full((len(tones),), -probes.NOISE_DB), atol=1.0, rtol=0
    )
    middle = (since > 0.1) & (since < 0.15)
    assert planted[middle].abs().max() == pytest.approx(0.5, abs=0.02)


def test_every_pointer_of_a_network_that_hears_the_event_peaks_in_it(tones, generator):
    network = Listener(band_of(tones))
    planted, starts_s = probes.plant(tones, RATE_HZ, EVENT_S, generator)
    seen = pointers.view(network, planted, None)
    peak_s = probes.peaks(seen.marks) * 128 / RATE_HZ - starts_s[:, None]
    assert seen.marks.shape[1] == len(pointers.POINTERS)
    assert ((peak_s >= 0) & (peak_s <= EVENT_S)).all()


def test_what_an_answer_rests_on_is_missed_most(tones, generator):
    network = Listener(band_of(tones))
    seen = pointers.view(network, tones, None)
    assert (seen.answers == 0).all()
    marks = seen.marks[:, 0]
    marked, moved, least = (
        probes.fall(network, seen, orders).mean()
        for orders in ([marks], probes.moved(marks, generator), [-marks])
    )
    assert marked > moved + 0.02
    assert moved > least
    assert least == pytest.approx(0, abs=0.01)


def test_frames_are_not_missed_by_a_network_that_hears_nothing_in_them(tones):
    marks = pointers.view(Listener(band_of(tones)), tones, None).marks[:, 0]
    deaf = Listener(band=15)
    assert probes.fall(deaf, pointers.view(deaf, tones, None), [marks]).abs().max() < 0.02


def test_the_quietest_frames_take_every_place(generator):
    spectrum = torch.randn(2, 3, 40, generator=generator)
    found = probes.quietest(spectrum)
    loudness = spectrum.mean(1)
    for clip in range(2):
        quiet = loudness[clip].argsort()[:4].sort().values
        wanted = spectrum[clip][:, quiet].repeat(1, 10)
        torch.testing.assert_close(found[clip], wanted)


def test_the_largest_share_of_an_order(generator):
    order = torch.rand(2, 20, generator=generator)
    found = probes.largest(order, 0.3)
    assert found.sum(1).tolist() == [6, 6]
    for clip in range(2):
        assert order[clip][found[clip]].min() > order[clip][~found[clip]].max()


def test_a_moved_pattern_is_the_same_going_on_at_its_beginning(generator):
    marks = torch.rand(5, 30, generator=generator)
    drawn = probes.moved(marks, generator)
    assert len(drawn) == probes.DRAWS
    offsets = set()
    for pattern in drawn:
        for row, one in zip(marks, pattern, strict=True):
            offset = int((one == row[0]).nonzero())
            offsets.add(offset)
            assert torch.equal(one, row.roll(offset))
    assert len(offsets) > 5


def test_of_equal_marks_the_middle_is_the_peak():
    marks = torch.tensor([[0.0, 0.0, 2.0, 2.0, 2.0, 1.0], [0.0, 3.0, 0.0, 0.0, 0.0, 0.0]])
    assert probes.peaks(marks).tolist() == [3.0, 1.0]


def test_a_silent_clip_can_be_planted_and_looked_at(generator):
    events, _ = probes.plant(torch.zeros(2, 2 * RATE_HZ), RATE_HZ, EVENT_S, generator)
    seen = pointers.view(Listener(), events, None)
    assert not events.any()
    assert seen.marks.isfinite().all()
    assert seen.unexplained.isfinite().all()
