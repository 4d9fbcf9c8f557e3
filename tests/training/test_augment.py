import math
from dataclasses import replace

import pytest
import torch
from torch import Generator

from auricle.network.frontend import FilterBank, FrontendConfig, band_edges_hz
from auricle.training.augment import (
    AugmentConfig,
    a_weighting,
    add_noise_,
    colour,
    loudest_moments,
    loudness,
    mask,
    mix_waves,
    mixing_ratios,
    mixing_shares,
    partners,
    read_loop,
    shift_bands,
    soft_targets,
    stretch_and_shift,
    uniform,
    view_powers,
    view_waves,
    wave_level_db,
)

BANK = FrontendConfig(sample_rate_hz=8_000, window=128, hop=80, bands=16, high_hz=4_000)
CENTRES_HZ = band_edges_hz(BANK)[1:-1].float()


@pytest.fixture
def generator():
    return Generator().manual_seed(0)


def some_powers(generator, batch=6, frames=50):
    return torch.rand(batch, frames, BANK.bands, generator=generator) ** 2


WEIGHTING = a_weighting(CENTRES_HZ)


def equal_loudness(power):
    return power / heard_level(power)[:, None, None]


def heard_level(power):
    return loudness(power.mean(1), WEIGHTING)


def looped(sound, stretch, generator):
    every = torch.arange(len(sound))
    return stretch_and_shift(sound, every, loudest_moments(sound), stretch, generator)


def each_read(sound, places):
    return read_loop(sound, torch.arange(len(sound)), places)


def under_noise(power, *asked):
    return add_noise_(power.clone(), power.mean((1, 2)), *asked)


def mixed_in_batch(power, level, other, ratio):
    return torch.tensordot(mixing_shares(level, other, ratio), power, dims=1)


def mixed_pairwise(power, other, ratio):
    """Mix sounds of one loudness: as one batch, where the second are the partners of the first."""
    count = len(power)
    both, unmixed = torch.cat([power, other]), torch.ones(count)
    partner = torch.arange(2 * count).roll(count)
    shares = torch.cat([ratio, unmixed])
    return mixed_in_batch(both, torch.ones(2 * count), partner, shares)[:count]


# Reading between moments


@pytest.mark.parametrize("shape", [(3, 10), (3, 10, 4)], ids=["wave", "power"])
def test_a_loop_is_exact_at_its_moments_and_straight_between(shape, generator):
    sound = torch.randn(shape, generator=generator)
    places = torch.tensor([0.0, 3, 9, 4]).repeat(3, 1)
    read = each_read(sound, places)
    torch.testing.assert_close(read, sound[:, [0, 3, 9, 4]], rtol=0, atol=0)
    quarter = each_read(sound, places + 0.25)
    wanted = 0.75 * sound[:, [0, 3, 9, 4]] + 0.25 * sound[:, [1, 4, 0, 5]]  # 0 comes after 9
    torch.testing.assert_close(quarter, wanted)


@pytest.mark.parametrize("shape", [(3, 10), (3, 10, 4)], ids=["wave", "power"])
@pytest.mark.parametrize("turns", [-2, -1, 1, 3])
def test_a_loop_has_no_ends(shape, turns, generator):
    sound = torch.randn(shape, generator=generator)
    places = torch.arange(0, 10, 0.25).repeat(3, 1)
    again = each_read(sound, places + 10 * turns)
    torch.testing.assert_close(again, each_read(sound, places), rtol=0, atol=0)


def test_a_loop_is_each_clips_own(generator):
    sound = torch.randn(2, 10, generator=generator)
    read = each_read(sound, torch.tensor([[1.0, 2.0], [7.0, 0.0]]))
    torch.testing.assert_close(read, torch.stack([sound[0, [1, 2]], sound[1, [7, 0]]]))
    last = each_read(sound, torch.full((2, 1), 9.5))[:, 0]  # after it comes its own first moment
    torch.testing.assert_close(last, (sound[:, 9] + sound[:, 0]) / 2)


@pytest.mark.parametrize("step", [0.8, 1.0, 1.25])
def test_each_band_is_read_as_a_wave_would_be(step, generator):
    power = some_powers(generator, batch=3)
    places = -7.3 + torch.arange(50).repeat(3, 1) * step
    read = each_read(power, places)
    for band in range(BANK.bands):
        torch.testing.assert_close(read[:, :, band], each_read(power[:, :, band], places))


# Stretch and shift


@pytest.mark.parametrize("stretch", [0.0, 0.25, 0.9])
@pytest.mark.parametrize("at", [0, 1, 37, 98, 99])
@pytest.mark.parametrize("form", ["power", "wave"])
def test_every_view_holds_the_only_click(form, at, stretch, generator):
    shape = (500, 100, 3) if form == "power" else (500, 100)
    sound = torch.zeros(shape)
    sound[:, at] = 1
    view = looped(sound, stretch, generator)
    assert view.shape == shape
    # At speed v the nearest moment that is read lies at most v / 2 from the click.
    heard = view.flatten(1).amax(1)
    assert heard.min() >= 1 - (1 + stretch) / 2 - 1e-4


def test_unstretched_a_view_is_its_clip_as_a_loop(generator):
    power = some_powers(generator)
    view = looped(power, 0, generator)
    assert not torch.equal(view, power)
    torch.testing.assert_close(view.sum(1), power.sum(1))  # a loop loses nothing

    time = 2 * math.pi * torch.arange(200) / 200
    wave = torch.cos(3 * time).repeat(50, 1)  # whole turns: a loop of it is a shifted cosine
    view = looped(wave, 0, generator)
    spectrum = torch.fft.rfft(view).abs() / 100
    assert (spectrum[:, 3] - 1).abs().max() < 0.01
    spectrum[:, 3] = 0
    assert spectrum.max() < 0.01


def test_a_view_begins_anywhere(generator):
    sound = torch.zeros(2_000, 100)
    sound[:, 40] = 1
    places = looped(sound, 0, generator).argmax(1)
    counts = torch.bincount(places, minlength=100).float()
    assert counts.min() > 0
    assert counts.max() < 3 * counts.mean()


def test_stretching_moves_pitch_between_its_ends(generator):
    samples, turns = 4_000, 400
    wave = torch.sin(2 * math.pi * turns * torch.arange(samples) / samples).repeat(300, 1)
    view = looped(wave, 0.25, generator)
    speed = torch.fft.rfft(view).abs().argmax(1) / turns
    assert 0.79 < speed.min() < 0.83
    assert 1.21 < speed.max() < 1.26
    assert speed.log2().mean().abs() < 0.03  # faster as often as slower


# Frequency


def test_a_band_shift_moves_a_line_by_the_shift():
    power = torch.zeros(200, 4, 32)
    power[:, :, 16] = 1
    view = power @ shift_bands(200, 32, 3.0, Generator().manual_seed(7))
    drawn = uniform((200, 1), -3.0, 3.0, Generator().manual_seed(7))[:, 0]
    torch.testing.assert_close(view.sum(2), torch.ones(200, 4))
    centre = view @ torch.arange(32.0)  # (batch, frames)
    torch.testing.assert_close(centre, (16 - drawn)[:, None].expand(200, 4), rtol=0, atol=1e-4)
    assert drawn.min() < -2.8
    assert drawn.max() > 2.8


def test_a_band_shift_reads_straight_between_bands_and_holds_the_outermost(generator):
    power = some_powers(generator, batch=200)
    view = power @ shift_bands(200, BANK.bands, 3.0, Generator().manual_seed(7))
    drawn = uniform((200, 1), -3.0, 3.0, Generator().manual_seed(7))
    places = (torch.arange(BANK.bands) + drawn).clamp(0, BANK.bands - 1)
    below = places.long()
    above = (below + 1).clamp(max=BANK.bands - 1)
    share = (places - below)[:, None].expand_as(power)
    low, high = (power.gather(2, at[:, None].expand_as(power)) for at in (below, above))
    torch.testing.assert_close(view, torch.lerp(low, high, share), rtol=1e-4, atol=1e-5)
    unshifted = shift_bands(1, BANK.bands, 0.0, generator)
    torch.testing.assert_close(unshifted, torch.eye(BANK.bands)[None], rtol=0, atol=1e-5)


def test_colour_is_a_gain_of_bands_within_its_bounds(generator):
    gain_db = 10 * torch.log10(colour(60, BANK.bands, 6.0, generator))
    assert 1 < gain_db.abs().max() <= 6
    assert gain_db.diff(dim=1).abs().max() < 3  # smooth
    assert gain_db.std(0).min() > 0.1  # of each clip its own


# Published values of IEC 61672-1, table 3, rounded there to a tenth of a decibel.
A_WEIGHTS_DB = {
    31.62: -39.4,
    63.1: -26.2,
    100: -19.1,
    251.19: -8.6,
    501.19: -3.2,
    1_000: 0.0,
    1_995.3: 1.2,
    3_981.1: 1.0,
    7_943.3: -1.1,
    10_000: -2.5,
    15_849: -6.6,
}


@pytest.mark.parametrize(("hz", "wanted_db"), A_WEIGHTS_DB.items())
def test_a_weighting_as_published(hz, wanted_db):
    weight = a_weighting(torch.tensor([hz]))
    assert 10 * math.log10(weight.item()) == pytest.approx(wanted_db, abs=0.06)


def test_loudness_is_made_equal(generator):
    power = some_powers(generator) * torch.logspace(-8, 3, 6)[:, None, None]
    equal = equal_loudness(power)
    heard = (equal.mean(1) * a_weighting(CENTRES_HZ)).sum(1)
    torch.testing.assert_close(heard, torch.ones(6), rtol=1e-2, atol=0)
    torch.testing.assert_close(equal / equal.mean((1, 2), True), power / power.mean((1, 2), True))
    assert equal_loudness(torch.zeros(1, 3, BANK.bands)).eq(0).all()


def test_the_level_of_a_wave_is_a_weighted(generator):
    time_s = torch.arange(8_000) / 8_000
    wave = torch.stack([torch.sin(2 * math.pi * hz * time_s) for hz in (1_000, 100, 1_000)])
    wave[2] *= 10
    level_db = wave_level_db(wave, 8_000)
    assert level_db.diff().tolist() == pytest.approx([-19.1, 39.1], abs=0.1)


# Mixing


def test_partners_are_of_another_class_wherever_there_is_one(generator):
    targets = torch.tensor([0, 0, 0, 0, 0, 0, 0, 1])
    met = set()
    for _ in range(200):
        other = partners(targets, generator)
        assert (targets[other] != targets).all()
        met.add(other[7].item())
    assert met == set(range(7))  # any of them
    alone = partners(torch.zeros(5, dtype=torch.int64), generator)
    assert ((alone >= 0) & (alone < 5)).all()


def test_mixing_ratios_hold_their_share(generator):
    ratio = mixing_ratios(0.7, 20_000, generator)
    mixed = ratio[ratio < 1]
    assert len(mixed) / 20_000 == pytest.approx(0.7, abs=0.02)
    assert mixed.mean().item() == pytest.approx(0.5, abs=0.02)
    assert mixing_ratios(0.0, 100, generator).eq(1).all()
    assert mixing_ratios(1.0, 100, generator).lt(1).all()


def test_sounds_of_any_level_mix_to_one_loudness(generator):
    power = some_powers(generator) * torch.logspace(-4, 3, 6)[:, None, None]
    other, ratio = torch.arange(6).roll(1), torch.rand(6, generator=generator)
    mix = mixed_in_batch(power, heard_level(power), other, ratio)
    torch.testing.assert_close(heard_level(mix), torch.ones(6))


def test_powers_mix_by_hand():
    # 0.25 to 0.75 in amplitude: 1 to 9 in power, as loud together as each alone.
    mix = mixed_pairwise(*torch.tensor([20.0, 40.0])[:, None, None, None], torch.tensor([0.25]))
    assert mix.item() == pytest.approx((1 * 20 + 9 * 40) / 10)


def test_the_ends_of_mixing_are_the_sounds_themselves(generator):
    power, other = some_powers(generator), some_powers(generator)
    torch.testing.assert_close(mixed_pairwise(power, other, torch.ones(6)), power, rtol=0, atol=0)
    torch.testing.assert_close(mixed_pairwise(power, other, torch.zeros(6)), other, rtol=0, atol=0)
    wave, other = torch.randn(6, 100, generator=generator), torch.randn(6, 100, generator=generator)
    level_db = (torch.zeros(6), torch.full((6,), 5.0))
    torch.testing.assert_close(mix_waves(wave, other, level_db, torch.ones(6)), wave)
    mixed = mix_waves(wave, other, level_db, torch.zeros(6))
    torch.testing.assert_close(mixed, other, rtol=0, atol=1e-4)


def test_each_sound_is_heard_in_its_ratio(generator):
    # Amplitudes of one loudness stand as r to 1 - r, whatever the levels of the recordings.
    wave = torch.zeros(5, 2)
    wave[:, 0] = torch.tensor([1.0, 10, 0.1, 1, 3])
    other = torch.zeros(5, 2)
    other[:, 1] = torch.tensor([1.0, 1, 1, 20, 3])
    level_db = (20 * wave[:, 0].log10(), 20 * other[:, 1].log10())
    ratio = torch.tensor([0.5, 0.5, 0.2, 0.7, 0.9])
    mixed = mix_waves(wave, other, level_db, ratio)
    first, second = mixed[:, 0] / wave[:, 0], mixed[:, 1] / other[:, 1]
    gain = torch.stack([first * wave[:, 0], second * other[:, 1]])
    torch.testing.assert_close(gain[0] / gain.sum(0), ratio)


def test_mixed_powers_are_the_powers_of_mixed_waves(generator):
    waves = torch.randn(2, 40, 8_000, generator=generator)
    waves[1] = 3 * waves[1].diff(prepend=torch.zeros(40, 1))  # bright and loud
    bank = FilterBank(BANK)
    ratio = torch.full((40,), 0.3)
    mixed = mix_waves(waves[0], waves[1], (torch.zeros(40), torch.zeros(40)), ratio)
    power, other = bank.power(waves[0]).mT, bank.power(waves[1]).mT
    wanted = mixed_pairwise(power, other, ratio).mean((0, 1))
    found = bank.power(mixed).mT.mean((0, 1))
    torch.testing.assert_close(found, wanted, rtol=0.05, atol=0)


def test_targets_stand_in_the_ratio_of_the_mix(generator):
    ratio = torch.tensor([1.0, 0.25, 0.5])
    wanted = soft_targets(torch.tensor([0, 1, 2]), torch.tensor([1, 3, 2]), ratio, classes=4)
    by_hand = [[1, 0, 0, 0], [0, 0.25, 0, 0.75], [0, 0, 1, 0]]
    torch.testing.assert_close(wanted, torch.tensor(by_hand))
    torch.testing.assert_close(wanted.sum(1), torch.ones(3))


# Noise and masks


def test_noise_stays_under_the_sound(generator):
    power = some_powers(generator, batch=400)
    added = under_noise(power, 0.3, 20.0, generator) - power
    assert added.min() >= -1e-6
    ratio_db = 10 * torch.log10(added.mean((1, 2)) / power.mean((1, 2)) + 1e-12)
    noisy = ratio_db > -60
    assert noisy.float().mean().item() == pytest.approx(0.3, abs=0.08)
    assert ratio_db.max() < -19
    assert torch.equal(under_noise(power, 0.0, 20.0, generator), power)


def test_the_grain_of_noise_is_exponential(generator):
    # Under a sound of power one a clip's noise is its level times its colour times the grain.
    power = torch.ones(40, 5_000, BANK.bands)
    noise = (
        under_noise(power, 1.0, 0.0, generator) - power
    )  # loud, so that no grain is rounded away
    assert noise.isfinite().all()
    assert noise.min() >= 0
    steady = noise.mean(1, keepdim=True)  # level and colour, from 5,000 grains each
    grain = (noise / steady)[steady[:, 0].amin(1) > 1e-3]  # (clips, frames, bands)
    assert len(grain) > 10
    assert grain.std().item() == pytest.approx(1, abs=0.02)  # as of an exponential
    assert (grain > 1).float().mean().item() == pytest.approx(math.exp(-1), abs=0.01)
    assert (grain > 3).float().mean().item() == pytest.approx(math.exp(-3), abs=0.005)


def test_noisy_clips_share_their_grain_and_nothing_else(generator):
    power = some_powers(generator, batch=6).double()
    noise = under_noise(power, 1.0, 0.0, generator) - power
    steady = noise.mean(1)  # (batch, bands): level and colour
    grain = noise / steady[:, None]
    torch.testing.assert_close(grain, grain[:1].expand_as(grain), rtol=1e-4, atol=0)
    colour_db = 10 * torch.log10(steady / steady.mean(1, keepdim=True))
    level_db = 10 * torch.log10(steady.mean(1))
    for own in (colour_db[:, 0], level_db):
        assert torch.pdist(own[:, None]).min() > 1e-3


def test_the_grain_of_noise_is_of_mean_one(generator):
    # Then, and only then, sound and noise stand in the ratio that was drawn.
    power = some_powers(generator, batch=20, frames=2_000).double()
    added = under_noise(power, 1.0, 20.0, Generator().manual_seed(7)) - power
    found_db = 10 * torch.log10(power.mean((1, 2)) / added.mean((1, 2)))
    again = Generator().manual_seed(7)
    for shape in ((20,), (20, 1, 1), tuple(power.shape[1:])):  # who gets noise, its slope, grain
        uniform(shape, 0, 1, again)
    drawn_db = uniform((20,), 20, 50, again)
    torch.testing.assert_close(found_db.float(), drawn_db, rtol=0, atol=0.15)


@pytest.mark.parametrize("drawn", [0.0, 1 - 2**-24])  # the ends of what is drawn
def test_no_draw_makes_noise_that_is_not_finite(drawn, monkeypatch, generator):
    power = some_powers(generator)

    def filled(of, low, high, generator):
        return of.fill_(low + (high - low) * drawn)

    monkeypatch.setattr(torch.Tensor, "uniform_", filled)
    noisy = under_noise(power, 1.1, 20.0, generator)
    assert noisy.isfinite().all()
    assert (noisy >= power).all()


def test_clips_without_noise_stay_as_they_are(generator):
    power = some_powers(generator, batch=400)
    noisy = under_noise(power, 0.5, 0.0, generator)
    same = (noisy == power).all(2).all(1)
    assert 150 < same.sum() < 250
    changed = noisy[~same] - power[~same]
    ratio_db = 10 * torch.log10(power[~same].mean((1, 2)) / changed.mean((1, 2)))
    assert ratio_db.min() > -2
    assert ratio_db.max() < 32


@pytest.mark.parametrize("length", [50, 16])
def test_a_mask_silences_one_stretch_no_wider_than_told(length, generator):
    silent = mask(500, length, 1, 8, generator) == 0  # (batch, length)
    width = silent.sum(1)
    assert 6 < width.max() <= 8
    assert width.min() == 0
    edges = torch.nn.functional.pad(silent.int(), (1, 1)).diff(dim=1).abs().sum(1)
    assert edges.max() == 2  # one stretch
    assert silent[:, 1:].any(0).all()  # anywhere
    assert mask(500, length, 1, 0, generator).eq(1).all()


def test_masks_of_one_call_fall_apart_from_each_other(generator):
    # What three leave is what one leaves, three times over: of each place and of pairs of places.
    one, three = (mask(20_000, 24, count, 8, generator) for count in (1, 3))
    pairs = [left.mT @ left / 20_000 for left in (one, three)]
    torch.testing.assert_close(pairs[1], pairs[0] ** 3, rtol=0, atol=0.02)
    stretches = torch.nn.functional.pad(1 - three, (1, 1)).diff(dim=1).eq(1).sum(1)
    assert stretches.unique().tolist() == [0, 1, 2, 3]


def test_no_mask_leaves_all(generator):
    assert mask(6, 50, 0, 8, generator).eq(1).all()


@pytest.mark.parametrize("count", [1, 2])
def test_masks_leave_something_of_a_short_clip(count, generator):
    for length in (10, 6):
        assert (mask(500, length, count, 25, generator).sum(1) > 0).all()


# Whole views


def views_of(power, targets, **asked):
    every = torch.arange(len(power))
    return view_powers(power, every, loudest_moments(power), targets, **asked)


def views(config, seed, mixing=0.7, batch=8):
    power = some_powers(Generator().manual_seed(1), batch)
    targets = torch.arange(batch) % 3
    return views_of(
        power,
        targets,
        classes=3,
        weighting=WEIGHTING,
        mixing=mixing,
        config=config,
        generator=Generator().manual_seed(seed),
    )


def wave_views(config, seed, mixing=0.7, batch=8):
    wave = torch.randn(batch, 800, generator=Generator().manual_seed(1))
    targets = torch.arange(batch) % 3
    return view_waves(
        wave,
        targets,
        classes=3,
        sample_rate_hz=8_000,
        mixing=mixing,
        config=config,
        generator=Generator().manual_seed(seed),
    )


@pytest.mark.parametrize("make", [views, wave_views])
def test_views_depend_on_their_generator_alone(make):
    torch.manual_seed(0)
    first, targets = make(AugmentConfig(), seed=5)
    torch.manual_seed(1)
    again, targets_again = make(AugmentConfig(), seed=5)
    assert torch.equal(first, again)
    assert torch.equal(targets, targets_again)
    other, _ = make(AugmentConfig(), seed=6)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("make", [views, wave_views])
def test_views_are_sounds_with_targets_that_sum_to_one(make):
    for seed in range(20):
        sound, targets = make(AugmentConfig(mask_frames=5), seed)
        assert sound.isfinite().all()
        assert sound.dtype == torch.float32
        torch.testing.assert_close(targets.sum(1), torch.ones(8))
        assert make is wave_views or sound.min() >= 0


def test_all_turned_off_a_view_is_its_clip(plain):
    power = some_powers(Generator().manual_seed(1), 8).mean(1, keepdim=True).expand(-1, 50, -1)
    view, targets = views_of(
        power,
        torch.arange(8) % 3,
        classes=3,
        weighting=WEIGHTING,
        mixing=0.0,
        config=plain,
        generator=Generator().manual_seed(2),
    )
    torch.testing.assert_close(view, equal_loudness(power))
    assert torch.equal(targets.argmax(1), torch.arange(8) % 3)
    assert targets.max(1).values.eq(1).all()


def test_silence_stays_silent_and_finite():
    view, _ = views_of(
        torch.zeros(4, 50, BANK.bands),
        torch.arange(4) % 2,
        classes=2,
        weighting=WEIGHTING,
        mixing=1.0,
        config=AugmentConfig(),
        generator=Generator().manual_seed(0),
    )
    assert view.eq(0).all()
    waves, _ = view_waves(
        torch.zeros(4, 800),
        torch.arange(4) % 2,
        classes=2,
        sample_rate_hz=8_000,
        mixing=1.0,
        config=AugmentConfig(),
        generator=Generator().manual_seed(0),
    )
    assert waves.eq(0).all()


def test_a_batch_of_one_is_mixed_with_itself():
    config = replace(AugmentConfig(), masks=0)
    view, targets = views(config, seed=0, mixing=1.0, batch=1)
    assert view.isfinite().all()
    torch.testing.assert_close(targets, torch.tensor([[1.0, 0.0, 0.0]]))


@pytest.mark.parametrize(
    ("asked", "axis", "widest"), [({"mask_frames": 7}, 1, 7), ({"mask_bands": 5}, 2, 5)]
)
def test_masks_of_frames_and_of_bands_are_as_wide_as_theirs(asked, axis, widest, plain):
    config = replace(plain, **{"masks": 1, "mask_bands": 0, "mask_frames": 0} | asked)
    width = []
    for seed in range(50):
        view, _ = views(config, seed, mixing=0.0)
        width.append((view == 0).all(3 - axis).sum(1))
    width = torch.cat(width)
    assert widest - 1 <= width.max() <= widest


@pytest.mark.parametrize("wrong", [{"stretch": 1.0}, {"mixing": 1.1}, {"noise": -0.1}])
def test_refuses_shares_that_make_no_sense(wrong):
    with pytest.raises(ValueError, match="stretch must be in"):
        AugmentConfig(**wrong)


@pytest.mark.parametrize(
    "wrong",
    [
        {"masks": -1},
        {"mask_bands": -1},
        {"band_shift": -1.0},
        {"equaliser_db": -3.0},
        {"equaliser_db": math.inf},
        {"equaliser_db": math.nan},
        {"noise_low_db": math.nan},
    ],
)
def test_refuses_spans_that_nothing_can_be_drawn_from(wrong):
    with pytest.raises(ValueError, match=r"are 0 or more|are finite"):
        AugmentConfig(**wrong)


def test_a_view_is_of_its_row_whatever_the_others_hold(plain):
    power = some_powers(Generator().manual_seed(1), 8)
    rows = torch.tensor([6, 1])
    asked = {"classes": 3, "weighting": WEIGHTING, "mixing": 0.0, "config": plain}
    drawn = [Generator().manual_seed(3) for _ in range(2)]
    loudest = loudest_moments(power)[rows]
    view, _ = view_powers(power, rows, loudest, rows % 3, generator=drawn[0], **asked)
    alone, _ = views_of(power[rows], rows % 3, generator=drawn[1], **asked)
    torch.testing.assert_close(view, alone, rtol=0, atol=0)


def test_views_are_of_whole_precision_wherever_training_rounds():
    made = [views(AugmentConfig(), seed=4)[0]]
    with torch.autocast("cpu", torch.bfloat16):
        made.append(views(AugmentConfig(), seed=4)[0])
    assert torch.equal(*made)
