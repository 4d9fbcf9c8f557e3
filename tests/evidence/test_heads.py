"""What heads look at, against attention that is made by hand, and what silencing one takes away."""

import math
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from rich.console import Console
from torch import Tensor

from auricle.evidence import heads
from auricle.evidence.case import Case, open_case
from auricle.network.attention import EncoderConfig
from auricle.network.classifier import EncoderHead
from auricle.study.run import Setting

WIDTH, HEADS, STEPS = 8, 2, 5


@pytest.fixture(scope="module")
def head() -> EncoderHead:
    torch.manual_seed(0)
    return EncoderHead(EncoderConfig(blocks=2, heads=HEADS), WIDTH, classes=3).eval()


@pytest.fixture(scope="module")
def features() -> Tensor:
    return torch.randn(4, WIDTH, STEPS, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("block", [0, 1])
@pytest.mark.parametrize("silent", [(0,), (1,), (0, 1)])
@torch.no_grad()
def test_a_silent_head_is_one_whose_slice_never_reaches_the_width(
    head: EncoderHead, features: Tensor, block: int, silent: tuple[int, ...]
) -> None:
    size = WIDTH // HEADS

    def mute(_: Any, given: tuple[Tensor]) -> Tensor:
        joined = given[0].clone()
        for each in silent:
            joined[..., each * size : (each + 1) * size] = 0
        return joined

    out: Any = head.encoder.blocks[block].attention.out
    hook = out.register_forward_pre_hook(mute)
    wanted, _ = head(features)
    hook.remove()
    found, weights = heads.silence(head, block, silent)(features)
    torch.testing.assert_close(found, wanted)
    whole, looked = head(features)
    assert not torch.allclose(found, whole)  # the original still has all of its heads
    torch.testing.assert_close(weights[:, block], looked[:, block])


def rows_of(*class_token: list[float]) -> Tensor:
    """Weights (1, 1, heads, 1 + steps, 1 + steps) in which class tokens look as told."""
    tokens = len(class_token[0])
    weights = torch.full((1, 1, len(class_token), tokens, tokens), 1 / tokens)
    weights[0, 0, :, 0] = torch.tensor(class_token)
    return weights


def test_looking_everywhere_alike_has_all_the_entropy_and_the_even_distance() -> None:
    tokens = STEPS + 1
    entropy_bits, on_itself, distance = heads.habits_in(
        torch.full((1, 1, 1, tokens, tokens), 1 / tokens)
    )
    assert entropy_bits.item() == pytest.approx(math.log2(STEPS))
    assert on_itself.item() == pytest.approx(1 / tokens)
    apart = [abs(a - b) for a in range(STEPS) for b in range(STEPS)]
    assert distance.item() == pytest.approx(np.mean(apart))


def test_looking_at_one_step_has_no_entropy_and_looking_at_oneself_no_distance() -> None:
    weights = torch.eye(STEPS + 1)[None, None, None].clone()
    weights[..., 0, :] = torch.tensor([0.25, 0, 0.75, 0, 0, 0])
    entropy_bits, on_itself, distance = heads.habits_in(weights)
    assert entropy_bits.item() == pytest.approx(0, abs=1e-6)
    assert on_itself.item() == 0.25
    assert distance.item() == 0


def test_a_class_token_that_only_looks_at_itself_still_has_figures() -> None:
    assert all(each.isfinite().all() for each in heads.habits_in(rows_of([1.0, 0, 0, 0])))


def test_heads_that_look_at_the_same_are_alike_and_even_ones_have_no_correlation() -> None:
    rising, falling, even = [0.1, 0.1, 0.3, 0.5], [0.1, 0.5, 0.3, 0.1], [0.25] * 4
    alike = heads.mean_where_defined(heads.alike_in(rows_of(rising, rising, falling, even)).numpy())
    assert alike[0][1] == pytest.approx(1)
    assert alike[0][2] == pytest.approx(-1)
    assert alike[3] == (None,) * 4


def test_correlations_are_the_mean_of_the_clips_that_have_one() -> None:
    alike = np.array([[[1.0]], [[np.nan]], [[0.5]]])
    assert heads.mean_where_defined(alike) == ((0.75,),)


def test_what_is_lost_is_accuracy_with_less_that_without_adjusted_for_the_family() -> None:
    targets = np.repeat([0, 1], 20)
    whole = np.eye(2)[targets] * 4
    subject: Any = SimpleNamespace(
        targets=targets, recordings=np.array([f"r{n}" for n in range(40)])
    )
    deaf, same = heads.losses(subject, whole, np.stack([whole[:, ::-1], whole]))
    assert deaf.lost.difference == 1
    assert deaf.p_holm == pytest.approx(2 * deaf.lost.p_permutation)
    assert deaf.log_loss_lost == pytest.approx(4)  # of two logits, 4 apart, the other is believed
    assert (same.lost.difference, same.p_holm, same.log_loss_lost) == (0, 1, 0)


@pytest.fixture
def case(tiny_study: Path, tiny_set: Path, tmp_path: Path) -> Case:
    run = Path(shutil.copytree(tiny_study, tmp_path / "study"))
    return open_case(run, Setting(run=run), Console(quiet=True), data=str(tiny_set), test=False)


def test_every_head_of_every_configuration_with_some_is_asked(case: Case) -> None:
    (encoder,) = heads.measure(case).encoders
    config = case.subjects[1].recipe.network.encoder
    assert encoder.configuration == "transformer-h2"
    assert [(each.block, each.head) for each in encoder.heads] == [
        (block + 1, head + 1) for block in range(config.blocks) for head in range(2)
    ]
    assert [each.block for each in encoder.blocks] == [1, 2]
    assert all(0 <= each.spread <= 1 + 1e-6 for each in encoder.heads)
    assert len(encoder.alike) == len(encoder.heads)


def test_encoders_without_a_choice_are_left_out(case: Case) -> None:
    cnn, transformer = case.subjects
    for control in ({"attends": False}, {"class_token": False}):
        network = transformer.recipe.network
        network = replace(network, encoder=replace(network.encoder, **control))
        asked = replace(transformer, recipe=replace(transformer.recipe, network=network))
        assert heads.measure(replace(case, subjects=(cnn, asked))).encoders == ()
