import math
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from torch.nn import functional as F

from auricle.network.frontend import FrontendConfig, band_edges_hz, decades
from auricle.network.texture import (
    GROUP,
    LEAST_SPREAD,
    LEVELS,
    TOGETHER,
    Texture,
    TextureConfig,
    levels,
    rate_edges,
    sharpness,
)

RATE_HZ = 32_000
STEP_HZ = RATE_HZ / 80
CONFIG = TextureConfig()


@pytest.fixture(scope="module")
def texture():
    return Texture(CONFIG, FrontendConfig(), classes=3)


def noise(seconds=5.0, count=1, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return 0.1 * torch.randn(count, round(seconds * RATE_HZ), generator=generator)


def beating(wave, rate_hz, depth=0.9):
    time = torch.arange(wave.shape[1]) / RATE_HZ
    return wave * (1 + depth * torch.sin(2 * math.pi * rate_hz * time))


def rates(texture, wave):
    return texture.rates(decades(texture.bank.power(wave), texture.floor_db))


def span_of(rate_hz):
    rate = rate_hz / STEP_HZ * CONFIG.span
    return next(at for at, (low, high) in enumerate(rate_edges(CONFIG.span)) if low <= rate < high)


@pytest.mark.parametrize("seconds", [0.1, 1.0, 5.0, 7.3])
def test_waves_of_any_length_are_described_by_as_many_figures(texture, seconds):
    found = texture.statistics(noise(seconds, count=2))
    pairs = sum(len(range(0, CONFIG.bands - distance, GROUP)) for distance in TOGETHER)
    spans = len(rate_edges(CONFIG.span))
    count = CONFIG.bands * (len(LEVELS) + 3) + (2 * CONFIG.bands // GROUP + pairs) * spans
    assert found.shape == (2, count)
    assert found.isfinite().all()


def test_silence_is_described_too(texture):
    assert texture.statistics(torch.zeros(1, RATE_HZ)).isfinite().all()


def test_a_louder_sound_has_the_same_texture(texture):
    wave = noise()
    torch.testing.assert_close(
        texture.statistics(8 * wave), texture.statistics(wave), rtol=1e-3, atol=1e-3
    )


def test_clips_of_a_batch_do_not_change_each_other(texture):
    waves = noise(1.0, count=3)
    torch.testing.assert_close(texture.statistics(waves)[1:2], texture.statistics(waves[1:2]))


def test_altered_powers_are_what_is_described(texture):
    wave = noise(1.0)
    quieter = texture.statistics(wave, lambda power: power[..., : power.shape[-1] // 2])
    half = texture.bank.power(wave).shape[-1] // 2 - 1
    torch.testing.assert_close(  # all but the last window, which reaches beyond the cut
        quieter[:, : CONFIG.bands * len(LEVELS)],
        texture.statistics(wave[:, : half * CONFIG.hop])[:, : CONFIG.bands * len(LEVELS)],
        rtol=0,
        atol=0.1,
    )


@pytest.mark.parametrize("rate_hz", [4.0, 11.0, 60.0])
def test_a_beat_is_found_at_its_rate(texture, rate_hz):
    steady, impure = texture.beats(rates(texture, noise()))
    strength, purity = texture.beats(rates(texture, beating(noise(), rate_hz)))
    gained = (strength - steady).mean((0, 1))
    assert gained.argmax() == span_of(rate_hz)
    if rate_hz > 10:  # where a span has several rates, one stands out
        assert (purity - impure).mean((0, 1))[span_of(rate_hz)] > 0.5


def test_bands_of_one_rhythm_beat_together(texture):
    span = span_of(8.0)
    apart = [found[..., span].mean() for found in texture.beside(rates(texture, noise()))]
    together = texture.beside(rates(texture, beating(noise(), 8.0)))
    assert len(together) == len(TOGETHER)
    for one, other in zip(together, apart, strict=True):
        assert one[..., span].mean() > 0.7
        assert other.abs() < 0.3
        assert one.abs().max() <= 1 + 1e-5


def test_bands_that_take_turns_beat_against_each_other(texture):
    edges_hz = band_edges_hz(texture.bank.config)
    time = torch.arange(5 * RATE_HZ) / RATE_HZ
    beat = 0.9 * torch.sin(2 * math.pi * 8 * time)
    low, high = (torch.sin(2 * math.pi * edges_hz[band + 1].item() * time) for band in (4, 12))
    found = texture.beside(rates(texture, (low * (1 + beat) + high * (1 - beat))[None]))
    eight_apart = found[TOGETHER.index(8)]
    assert eight_apart[0, 4 // GROUP, span_of(8.0)] < -0.7


def test_levels_are_quantiles_over_time():
    course = torch.arange(401.0).flip(0).expand(1, 2, -1)
    wanted = 400 * torch.tensor(LEVELS)
    torch.testing.assert_close(levels(course)[0, 0], wanted, rtol=0, atol=4)  # one step in four


def test_a_click_rises_faster_than_it_falls():
    course = torch.zeros(1, 1, 401)
    for begin in range(0, 400, 50):
        course[0, 0, begin + 1 : begin + 21] = torch.linspace(2, 0.1, 20)
    spread, rise, fall = sharpness(course)[0, 0]
    assert rise > 1.9
    assert fall == pytest.approx(0.1, abs=0.01)
    assert spread == pytest.approx(course.diff().square().mean().sqrt().item())


@pytest.mark.parametrize("span", [16, 100, 1_024])
def test_spans_of_rates_leave_none_out_but_steady(span):
    edges = rate_edges(span)
    assert edges[0][0] == 1
    assert edges[-1][1] == span // 2
    assert all(low < high for low, high in edges)
    assert [high for _, high in edges[:-1]] == [low for low, _ in edges[1:]]


def problem(count=90, seed=0):
    generator = torch.Generator().manual_seed(seed)
    texture = Texture(CONFIG, FrontendConfig(), classes=3)
    statistics = torch.randn(count, len(texture.centre), generator=generator)
    targets = torch.arange(count) % 3
    statistics[:, 0] = 5 + 2 * statistics[:, 0] + targets
    return texture, statistics, targets


def test_solving_ends_where_loss_and_prior_are_in_balance():
    texture, statistics, targets = problem()
    texture.solve(statistics, targets)
    weight = texture.linear.weight
    ridge = weight.square().sum() / (2 * CONFIG.prior * len(statistics))
    (F.cross_entropy(texture(statistics), targets) + ridge).backward()
    assert weight.grad.abs().max() < 1e-4
    assert texture.linear.bias.grad.abs().max() < 1e-4
    torch.testing.assert_close(texture.centre, statistics.mean(0))


def test_the_solution_hangs_on_no_first_weights():
    one, statistics, targets = problem()
    other, *_ = problem()
    torch.nn.init.normal_(other.linear.weight)
    one.solve(statistics, targets)
    other.solve(statistics, targets)
    torch.testing.assert_close(one.linear.weight, other.linear.weight, rtol=0, atol=0)


def test_clips_of_another_device_come_to_the_processor_before_they_are_counted_in_double():
    one, statistics, targets = problem()
    other, *_ = problem()
    one.solve(statistics, targets)
    elsewhere = (SimpleNamespace(cpu=lambda known=known: known) for known in (statistics, targets))
    other.solve(*elsewhere)  # what is elsewhere can do nothing but come
    assert torch.equal(one.linear.weight, other.linear.weight)


def test_a_narrow_prior_keeps_weights_small():
    sizes = []
    for prior in (0.001, 1.0):
        texture, statistics, targets = problem()
        texture.config = replace(CONFIG, prior=prior)
        texture.solve(statistics, targets)
        sizes.append(texture.linear.weight.norm())
    assert sizes[0] < 0.5 * sizes[1]


def test_a_figure_that_never_changes_divides_by_no_zero():
    texture, statistics, targets = problem()
    statistics[:, 1] = 4.0
    texture.solve(statistics, targets)
    assert texture(statistics).isfinite().all()


def test_a_clip_is_as_strange_as_it_lies_from_its_nearest_class():
    texture, statistics, targets = problem(900)
    assert texture.strangeness(statistics).max() < 1e-9  # as yet it remembers none
    texture.solve(statistics, targets)
    texture.remember(statistics, targets)
    middles = torch.stack([statistics[targets == each].mean(0) for each in range(3)])
    assert texture.strangeness(middles).max() < 1e-3
    strange = texture.strangeness(statistics)
    assert strange.mean().item() == pytest.approx(1, abs=0.1)
    further = texture.strangeness(middles + 2 * texture.scale)
    torch.testing.assert_close(further, torch.full((3,), 2.0), rtol=0.1, atol=0)


def test_spread_is_that_within_classes_and_never_next_to_none():
    texture, statistics, targets = problem(900)
    statistics[:, 1] = 100.0 * targets  # alike within a class, apart between them
    texture.solve(statistics, targets)
    texture.remember(statistics, targets)
    assert texture.spread[1].item() == pytest.approx(LEAST_SPREAD)
    assert texture.spread[2:].mean().item() == pytest.approx(1, abs=0.05)


def test_a_class_without_clips_is_near_to_none():
    texture, statistics, targets = problem(90)
    heard = targets < 2
    texture.solve(statistics[heard], targets[heard])
    texture.remember(statistics[heard], targets[heard])
    strange = texture.strangeness(statistics)
    assert strange.isfinite().all()
    texture.typical[2] = texture.typical[1]
    torch.testing.assert_close(texture.strangeness(statistics), strange)


@pytest.mark.parametrize(
    ("sizes", "problem"),
    [
        ({"share": 1.0}, r"share must be in \[0, 1\)"),
        ({"prior": 0.0}, "prior must be positive"),
        ({"window": 255}, "window and span must be even"),
        ({"span": 8}, "span 16 or more"),
        ({"bands": 30}, "bands must divide by 4"),
        ({"bands": 16}, "exceed 16"),
    ],
)
def test_refuses_what_measures_nothing(sizes, problem):
    with pytest.raises(ValueError, match=problem):
        TextureConfig(**sizes)
