"""Pointers against what is known of them: sums, products, and networks that are made by hand."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from auricle.evidence import pointers
from auricle.network.attention import EncoderConfig
from auricle.network.base import BaseConfig
from auricle.network.classifier import NetworkConfig, SoundClassifier
from auricle.network.frontend import FrontendConfig

RATE_HZ = 8_000
CNN = NetworkConfig(
    frontend=FrontendConfig(
        sample_rate_hz=RATE_HZ, window=256, hop=128, bands=16, high_hz=4_000.0
    ),
    base=BaseConfig(
        frames_per_step=2, frequency_channels=(4, 4), frequency_kernels=(7, 5),
        time_kernels=(1, 3), widths=(8, 8, 8),
    ),
)  # fmt: skip
TRANSFORMER = replace(CNN, encoder=EncoderConfig(blocks=2, heads=2))


def network_of(config: NetworkConfig) -> SoundClassifier:
    torch.manual_seed(0)
    return SoundClassifier(config, classes=3).eval()


@pytest.fixture(scope="module")
def waves() -> Tensor:
    generator = torch.Generator().manual_seed(1)
    return 0.1 * torch.randn(3, 2_400, generator=generator)


@pytest.mark.parametrize("config", [CNN, TRANSFORMER], ids=["cnn", "transformer"])
def test_what_all_places_add_is_what_the_answer_has_over_silence(
    config: NetworkConfig, waves: Tensor
) -> None:
    network = network_of(config)
    with torch.no_grad():
        spectrum, floor = pointers.spectrum_of(network, waves)
        logits, _ = pointers.answer(network, spectrum)
        silent, _ = pointers.answer(network, floor)
    answers = (logits - silent).abs().argmax(1)  # the class that has most to explain
    gained = (logits - silent).gather(1, answers[:, None])[:, 0]

    def missing(points: int) -> Tensor:
        found = pointers.attribute(network, spectrum, floor, answers, points)
        left = pointers.unexplained(network, spectrum, floor, answers, found)
        torch.testing.assert_close(left, (found.sum((1, 2)) / gained - 1).abs(), rtol=0, atol=1e-3)
        return left

    fine = missing(points=200)
    assert (fine < 0.05).all()  # untrained logits hardly differ: a share of little
    assert fine.mean() < missing(points=8).mean() / 2


def test_of_a_linear_network_the_gradient_is_weight_times_way() -> None:
    weight = torch.randn(3, 4, 6, generator=torch.Generator().manual_seed(0))
    network: Any = LinearInHand(weight)
    spectrum, floor = torch.randn(2, 4, 6), torch.full((2, 4, 6), -1.0)
    found = pointers.attribute(network, spectrum, floor, torch.tensor([2, 0]), points=3)
    torch.testing.assert_close(found, weight[[2, 0]] * (spectrum - floor))


class LinearInHand:
    """Logits are weighted sums of the spectrum."""

    def __init__(self, weight: Tensor) -> None:
        self.weight = weight

    def base(self, spectrum: Tensor) -> Tensor:
        return spectrum

    def head(self, features: Tensor) -> tuple[Tensor, None]:
        return torch.einsum("bft,cft->bc", features, self.weight), None


def test_the_floor_is_what_is_seen_of_silence(waves: Tensor) -> None:
    network = network_of(CNN)
    with torch.no_grad():
        spectrum, floor = pointers.spectrum_of(network, torch.zeros_like(waves))
    torch.testing.assert_close(spectrum, floor)


def test_a_view_is_what_the_network_itself_answers(waves: Tensor) -> None:
    network = network_of(TRANSFORMER)
    seen = pointers.view(network, waves)
    with torch.no_grad():
        logits, weights = network(waves)
    assert weights is not None
    torch.testing.assert_close(seen.probabilities, logits.softmax(1))
    assert seen.marks.shape == (3, len(pointers.POINTERS), seen.spectrum.shape[-1])
    step = pointers.frames_per_step(TRANSFORMER.base)
    shown = seen.marks[:, 1, ::step][:, : weights.shape[-1] - 1]
    torch.testing.assert_close(shown, weights[:, -1, :, 0, 1:].mean(1))


@pytest.mark.parametrize(
    "config",
    [
        CNN,
        replace(CNN, encoder=EncoderConfig(blocks=1, attends=False)),
        replace(CNN, encoder=EncoderConfig(blocks=1, class_token=False)),
    ],
    ids=["cnn", "averaging", "no class token"],
)
def test_without_a_choice_of_what_to_look_at_there_is_the_gradient_alone(
    config: NetworkConfig, waves: Tensor
) -> None:
    assert pointers.view(network_of(config), waves).marks.shape[1] == 1


def test_rollout_is_the_product_of_blocks_that_hand_on_half_of_what_came_in() -> None:
    generator = torch.Generator().manual_seed(0)
    weights = torch.rand(2, 3, 2, 5, 5, generator=generator).softmax(-1)
    first, second, third = (
        (weights[:, block].mean(1) + torch.eye(5)) / 2 for block in range(3)
    )  # fmt: skip
    wanted = (third @ second @ first)[:, 0, 1:]
    torch.testing.assert_close(pointers.rollout(weights), wanted)


def test_rollout_of_tokens_that_look_at_themselves_shows_no_step() -> None:
    assert not pointers.rollout(torch.eye(5).expand(1, 2, 2, 5, 5)).any()


def test_a_step_is_spread_over_the_frames_that_it_was_made_of() -> None:
    step = pointers.frames_per_step(CNN.base)
    steps = torch.arange(1.0, 4.0)[None]
    spread = pointers.over_frames(steps, CNN.base, frames=3 * step + 1)
    assert spread.shape == (1, 3 * step + 1)
    assert spread[0, :-1].tolist() == [*[1.0] * step, *[2.0] * step, *[3.0] * step]
    assert spread[0, -1] == 0  # too few frames for another step
