import numpy as np
import pytest
import torch
from torch import nn

from auricle.evidence import pointers
from auricle.network.attention import EncoderConfig, last_block
from auricle.network.base import BaseConfig
from auricle.network.classifier import NetworkConfig, SoundClassifier
from auricle.network.frontend import FrontendConfig

FRONTEND = FrontendConfig(
    sample_rate_hz=8_000, window=256, hop=128, bands=16, high_hz=4_000.0, floor_db=-40.0
)
BASE = BaseConfig(
    frames_per_step=2,
    frequency_channels=(4, 4),
    frequency_kernels=(7, 5),
    time_kernels=(1, 3),
    widths=(8, 8, 8),
)


@pytest.fixture
def waves():
    return 0.1 * torch.randn(3, 8_000, generator=torch.Generator().manual_seed(1))


def network_of(blocks, frontend=FRONTEND, **encoder):
    torch.manual_seed(0)
    config = NetworkConfig(
        frontend=frontend, base=BASE, encoder=EncoderConfig(blocks=blocks, heads=2, **encoder)
    )
    return SoundClassifier(config, classes=3).eval()


@pytest.mark.parametrize("blocks", [0, 2])
def test_a_view_answers_as_the_network_does(waves, blocks):
    network = network_of(blocks)
    with torch.no_grad():
        alone, _ = network.classify(network.frontend.power(waves))
        statistics = network.describe(waves)
        network.texture.solve(statistics, torch.arange(3))  # its own, and told from the head's
        logits, _ = network(waves)
    seen = pointers.view(network, waves, statistics)
    torch.testing.assert_close(seen.probabilities, logits.softmax(1))
    assert seen.answers.tolist() == [0, 1, 2] != alone.argmax(1).tolist()
    by_events = pointers.view(network, waves, None)
    torch.testing.assert_close(by_events.probabilities, alone.softmax(1))
    assert seen.marks.shape == (3, 3 if blocks else 1, seen.spectrum.shape[-1])


@pytest.mark.parametrize("without", ["attends", "class_token"])
def test_an_encoder_that_cannot_choose_what_to_look_at_has_no_attention_to_follow(waves, without):
    assert pointers.view(network_of(1, **{without: False}), waves, None).marks.shape[1] == 1


@pytest.mark.parametrize("blocks", [0, 2])
def test_attributions_sum_to_what_the_sound_adds_to_the_logit(waves, blocks):
    network, answers = network_of(blocks), torch.tensor([0, 1, 2])
    with torch.no_grad():
        spectrum, floor = pointers.spectrum_of(network, waves)
        ends = [pointers.answer(network, end)[0].diagonal() for end in (spectrum, floor)]
    found = pointers.attribute(network, spectrum, floor, answers, points=80)
    difference = ends[0] - ends[1]
    torch.testing.assert_close(found.sum((1, 2)), difference, rtol=0.02, atol=0.002)
    left = pointers.unexplained(network, spectrum, floor, answers, found)
    torch.testing.assert_close(left, (found.sum((1, 2)) - difference).abs() / difference.abs())


def test_of_a_weighted_sum_each_part_gets_what_it_adds():
    class Sum(nn.Module):
        weights = torch.tensor([2.0, -1.0, 0.0])

        def base(self, spectrum):
            return spectrum

        def head(self, spectrum):
            total = (spectrum * self.weights[:, None]).sum((1, 2))
            return torch.stack([total, -total], 1), None

    spectrum = torch.rand(2, 3, 4, generator=torch.Generator().manual_seed(0))
    floor = torch.full_like(spectrum, 0.1)
    found = pointers.attribute(Sum(), spectrum, floor, torch.tensor([0, 1]), points=2)
    wanted = (spectrum - floor) * Sum.weights[:, None] * torch.tensor([1, -1])[:, None, None]
    torch.testing.assert_close(found, wanted)


def test_silence_is_the_floor(waves):
    network = network_of(0)
    _, floor = pointers.spectrum_of(network, waves)
    spectrum, _ = pointers.spectrum_of(network, torch.zeros_like(waves))
    torch.testing.assert_close(floor, spectrum)


def some_weights(blocks=3):
    drawn = torch.rand(2, blocks, 2, 5, 5, generator=torch.Generator().manual_seed(0))
    return drawn / drawn.sum(-1, keepdim=True)


def test_rollout_is_the_product_of_what_blocks_look_at_and_hand_on():
    weights = some_weights().double()
    half = [(block + np.eye(5)) / 2 for block in weights.mean(2).numpy().transpose(1, 0, 2, 3)]
    wanted = half[2] @ half[1] @ half[0]
    np.testing.assert_allclose(pointers.rollout(weights), wanted[:, 0, 1:], rtol=1e-6)


def test_of_one_block_rollout_and_last_block_rank_alike():
    weights = some_weights(1)
    torch.testing.assert_close(2 * pointers.rollout(weights), last_block(weights))


@pytest.mark.parametrize("frames", [62, 63, 64, 65])
def test_every_frame_that_the_base_hears_is_in_one_step(frames):
    network = network_of(1)
    with torch.no_grad():
        steps = network.base(torch.zeros(1, 16, frames)).shape[-1]
    places = 1 + torch.arange(steps)[None].float()
    spread = pointers.over_frames(places, BASE, frames)[0]
    assert len(spread) == frames
    assert sorted({*spread.tolist()} - {0.0}) == places[0].tolist()
    assert spread[: frames // 2 * 2].min() > 0
    assert (spread[: frames // 2 * 2].diff() >= 0).all()


def test_a_front_end_that_learns_from_nothing_can_be_asked_too(waves):
    raw = FrontendConfig(kind="raw", sample_rate_hz=8_000, hop=80, bands=16, high_hz=4_000.0)
    seen = pointers.view(network_of(1, raw), waves, None)
    assert torch.isfinite(seen.marks).all()
    assert seen.unexplained.max() < 0.2
