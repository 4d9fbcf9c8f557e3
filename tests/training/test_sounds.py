from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from auricle.network.texture import TextureConfig
from auricle.training.augment import AugmentConfig
from auricle.training.fit import generator_for, new_network
from auricle.training.sounds import FULL_SCALE, Examples, Sounds, scoring_batches

CPU = torch.device("cpu")
MAPS = Path("/proc/self/maps")


@pytest.fixture
def stored(tones, tmp_path):
    """Twelve of a store's twenty clips, mapped from their file, out of order."""
    examples = tones(20, classes=4)
    np.save(tmp_path / "waves.npy", examples.waves)
    rows = np.array([3, 19, 0, 7, 8, 1, 2, 11, 12, 13, 4, 5])
    waves = np.load(tmp_path / "waves.npy", mmap_mode="r")
    return Examples(waves, rows, examples.targets[rows])


def test_powers_of_a_fixed_bank_are_kept_frame_by_frame(stored, small_network, tmp_path):
    network = new_network(small_network(), classes=4, seed=0)
    sounds = Sounds(network, stored, CPU, tmp_path / "powers.npy")
    assert sounds.powers.shape == (12, 26, 16)  # a frame's bands side by side
    assert sounds.powers.is_contiguous()
    assert np.array_equal(np.load(tmp_path / "powers.npy"), sounds.powers)
    with torch.no_grad():
        wanted = network.frontend.power(sounds.waves(slice(0, 12)))
    torch.testing.assert_close(sounds.powers, wanted.mT)


@pytest.mark.skipif(not MAPS.exists(), reason="only Linux tells what a process maps")
def test_powers_are_mapped_not_held(stored, small_network, tmp_path):
    network = new_network(small_network(), classes=4, seed=0)
    sounds = Sounds(network, stored, CPU, tmp_path / "powers.npy")
    (line,) = (line for line in MAPS.read_text().splitlines() if line.endswith("/powers.npy"))
    first, last = (int(address, 16) for address in line.split()[0].split("-"))
    assert first <= sounds.powers.data_ptr() < last


def test_more_clips_than_a_batch_are_filled_in_order(tones, small_network, tmp_path):
    examples = tones(150, classes=4)
    network = new_network(small_network(), classes=4, seed=0)
    powers = Sounds(network, examples, CPU, tmp_path / "powers.npy").powers
    sounds = Sounds(network, examples, CPU, None)
    with torch.no_grad():
        wanted = network.frontend.power(sounds.waves(np.array([0, 63, 64, 149])))
    torch.testing.assert_close(powers[[0, 63, 64, 149]], wanted.mT)


@pytest.mark.parametrize("kind", ["learned", "raw"])
def test_nothing_is_kept_of_a_bank_that_learns(kind, stored, small_network, tmp_path):
    network = new_network(small_network(kind), classes=4, seed=0)
    sounds = Sounds(network, stored, CPU, tmp_path / "powers.npy")
    assert sounds.powers is None
    assert not (tmp_path / "powers.npy").exists()


def test_waves_are_the_rows_that_were_asked_for(stored, small_network):
    network = new_network(small_network(), classes=4, seed=0)
    sounds = Sounds(network, stored, CPU, None)
    wave = sounds.waves(np.array([1, 4]))
    assert wave.dtype == torch.float32
    wanted = stored.waves[[19, 8]].astype(np.float32) / FULL_SCALE
    assert np.array_equal(wave.numpy(), wanted)
    assert wave.abs().max() < 1


@torch.no_grad()
def test_kept_powers_give_the_logits_of_the_waves(stored, small_network, tmp_path):
    network = new_network(small_network(), classes=4, seed=0).eval()
    kept = Sounds(network, stored, CPU, tmp_path / "powers.npy")
    anew = Sounds(network, stored, CPU, None)
    rows = slice(2, 9)
    for ours, theirs in zip(kept.logits(network, rows), anew.logits(network, rows), strict=True):
        torch.testing.assert_close(ours, theirs)


@torch.no_grad()
@pytest.mark.parametrize("kind", ["fixed", "learned", "raw"])
def test_logits_of_kept_sounds_are_those_of_the_whole_network(
    kind, stored, small_network, tmp_path
):
    network = new_network(small_network(kind), classes=4, seed=0).eval()
    sounds = Sounds(network, stored, CPU, tmp_path / "powers.npy")
    rows = slice(2, 9)
    whole, _ = network(sounds.waves(rows))
    alone, _ = network.classify(network.frontend.power(sounds.waves(rows)))
    for found, wanted in zip(sounds.logits(network, rows), (alone, whole), strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4)


def solved(network, examples, seed, **augment):
    sounds = Sounds(network, examples, CPU, None)
    sounds.solve(network.texture, AugmentConfig(**augment), generator_for(seed))
    return sounds, network.texture.linear.weight.clone()


def test_a_texture_learns_the_clips_it_is_given(tones, small_network):
    network = new_network(small_network(), classes=4, seed=0)
    examples = tones(20, classes=4)
    sounds, _ = solved(network, examples, seed=0)
    answers = network.texture(sounds.statistics).argmax(1)
    assert answers.tolist() == examples.targets.tolist()


def test_a_texture_learns_under_noise_that_hangs_on_the_seed(tones, small_network):
    network, examples = new_network(small_network(), classes=4, seed=0), tones(20, classes=4)
    first, again, other, quiet = (
        solved(network, examples, seed, texture_noise_low_db=low_db)[1]
        for seed, low_db in ((0, 5.0), (0, 5.0), (1, 5.0), (0, 200.0))
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    network.texture.solve(  # noise that nobody hears: each clip twice
        *(
            torch.cat([part, part])
            for part in (
                Sounds(network, examples, CPU, None).statistics,
                torch.from_numpy(examples.targets.astype(np.int64)),
            )
        )
    )
    torch.testing.assert_close(network.texture.linear.weight, quiet, rtol=0, atol=2e-3)
    assert (first - quiet).abs().max() > 2e-2


def test_sounds_without_a_texture_describe_none(stored, small_network):
    config = replace(small_network(), texture=TextureConfig(share=0.0))
    network = new_network(config, classes=4, seed=0).eval()
    sounds = Sounds(network, stored, CPU, None)
    assert sounds.statistics is None
    events, _ = network.classify(network.frontend.power(sounds.waves(slice(0, 3))))
    for found in sounds.logits(network, slice(0, 3)):
        torch.testing.assert_close(found, events)


@pytest.mark.parametrize("kind", ["fixed", "learned", "raw"])
def test_views_are_powers_and_targets_of_their_rows(kind, stored, small_network, plain, tmp_path):
    network = new_network(small_network(kind), classes=4, seed=0)
    sounds = Sounds(network, stored, CPU, tmp_path / "powers.npy")
    rows = np.array([5, 0, 11])
    power, wanted = sounds.views(
        network, rows, classes=4, mixing=0.0, config=plain, generator=generator_for(0)
    )
    assert power.shape == (3, 16, 26)
    assert power.requires_grad is (kind != "fixed")
    assert wanted.argmax(1).tolist() == stored.targets[rows].tolist()


@torch.no_grad()
def test_a_view_is_made_of_its_clips_own_bands(stored, small_network, plain, tmp_path):
    # A loop that begins anywhere holds each band's whole energy, whichever frame comes first.
    network = new_network(small_network(), classes=4, seed=0)
    kept = Sounds(network, stored, CPU, tmp_path / "powers.npy")
    rows = np.array([5, 0, 11])
    power, _ = kept.views(
        network, rows, classes=4, mixing=0.0, config=plain, generator=generator_for(0)
    )
    whole = network.frontend.power(kept.waves(rows))
    ours, theirs = (sound.sum(2) / sound.sum((1, 2))[:, None] for sound in (power, whole))
    torch.testing.assert_close(ours, theirs)


def test_views_leave_the_stored_sounds_alone(stored, small_network, tmp_path):
    network = new_network(small_network(), classes=4, seed=0)
    sounds = Sounds(network, stored, CPU, tmp_path / "powers.npy")
    before = sounds.powers.clone()
    for seed in range(5):
        sounds.views(
            network,
            np.arange(12),
            classes=4,
            mixing=1.0,
            config=replace(AugmentConfig(), mask_frames=5),
            generator=generator_for(seed),
        )
    assert torch.equal(before, sounds.powers)
    assert np.array_equal(before, np.load(tmp_path / "powers.npy"))


@pytest.mark.parametrize("count", [0, 1, 63, 64, 65, 200])
def test_scoring_covers_every_clip_once_in_order(count):
    covered = [place for rows in scoring_batches(count) for place in range(rows.start, rows.stop)]
    assert covered == list(range(count))
