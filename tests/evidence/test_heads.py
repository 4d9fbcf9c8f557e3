import math
from dataclasses import replace

import pytest
import torch
from torch.nn.functional import cross_entropy

from auricle.evidence import heads
from auricle.evidence.calibration import logits_of
from auricle.network.attention import EncoderConfig, attend
from auricle.network.classifier import EncoderHead
from auricle.network.texture import TextureConfig

STEPS = 6


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(0)


def encoder(generator, *, blocks=1, count=2, width=8):
    head = EncoderHead(EncoderConfig(blocks=blocks, heads=count), width, classes=3).eval()
    with torch.no_grad():
        for weight in head.parameters():
            weight.copy_(torch.randn(weight.shape, generator=generator))
    return head


@pytest.mark.parametrize("silent", [(0,), (1,), (0, 1)])
def test_a_silenced_head_is_one_whose_values_are_zero_before_they_are_joined(generator, silent):
    head = encoder(generator)
    before = {name: weight.clone() for name, weight in head.state_dict().items()}
    block = heads.silence(head, 0, silent).encoder.blocks[0]
    tokens = torch.randn(2, STEPS, 8, generator=generator)

    own = head.encoder.blocks[0].attention
    split = own.query_key_value(tokens).reshape(2, STEPS, 3, 2, 4).permute(2, 0, 3, 1, 4)
    mixed, _ = attend(*split)
    mixed[:, list(silent)] = 0
    wanted = own.out(mixed.transpose(1, 2).reshape(2, STEPS, 8))

    torch.testing.assert_close(block.attention(tokens)[0], wanted)
    assert all(torch.equal(weight, before[name]) for name, weight in head.state_dict().items())


def test_only_the_named_block_is_silenced(generator):
    quiet = heads.silence(encoder(generator, blocks=2), 1, (0,))
    first, second = (block.attention.out.weight for block in quiet.encoder.blocks)
    assert first.abs().min() > 0
    assert second[:, :4].abs().max() == 0 < second[:, 4:].abs().min()


def test_even_attention_has_the_largest_entropy_and_the_distance_of_chance():
    weights = torch.full((1, 1, 1, 1 + STEPS, 1 + STEPS), 1 / (1 + STEPS))
    entropy_bits, on_itself, distance = heads.habits_in(weights)
    assert entropy_bits.item() == pytest.approx(math.log2(STEPS))
    assert on_itself.item() == pytest.approx(1 / (1 + STEPS))
    assert distance.item() == pytest.approx((STEPS**2 - 1) / (3 * STEPS))


def test_attention_to_one_token_has_no_entropy_and_steps_that_see_themselves_no_distance():
    weights = 0.999 * torch.eye(1 + STEPS)
    weights[0] = 0
    weights[0, 0], weights[0, 3] = 0.25, 0.75
    entropy_bits, on_itself, distance = heads.habits_in(weights.expand(2, 1, 1, -1, -1))
    assert entropy_bits.abs().max() < 1e-6
    assert on_itself.tolist() == [[[0.25]], [[0.25]]]
    assert distance.abs().max() == 0


def test_heads_are_alike_if_they_look_at_the_same_steps():
    rising = torch.arange(1.0, 1 + STEPS)
    looks = torch.stack([rising, 3 * rising, rising.flip(0), torch.ones(STEPS)])
    weights = torch.zeros(2, 2, 2, 1 + STEPS, 1 + STEPS)
    weights[..., 0, 1:] = looks.view(2, 2, STEPS)
    alike = heads.mean_where_defined(heads.alike_in(weights).numpy())
    assert alike[0][1] == pytest.approx(1)
    assert alike[0][2] == pytest.approx(-1)
    assert alike[3] == (None, None, None, None)  # looks everywhere alike


def test_a_head_that_adds_nothing_is_found_to_be_worth_nothing(opened):
    (subject,) = (each for each in opened.subjects if each.recipe.network.encoder.blocks)
    for network in subject.networks.values():
        for block in network.head.encoder.blocks:
            with torch.no_grad():
                block.attention.out.weight *= 50  # of so small a network, heads that are heard
        network.head = heads.silence(network.head, 0, (1,))
    (found,) = heads.measure(opened).encoders
    idle = next(head for head in found.heads if (head.block, head.head) == (1, 2)).silenced
    assert (idle.lost.difference, idle.p_holm) == (0, 1)
    assert abs(idle.log_loss_lost) < 1e-6
    others = [head.silenced.log_loss_lost for head in found.heads if head.silenced is not idle]
    assert min(abs(lost) for lost in others) > 1e-3
    assert len(found.heads) == 2 * subject.recipe.network.encoder.blocks
    assert found.step_s == pytest.approx(2 * 4 * 128 / 8_000)


def test_what_is_lost_is_lost_by_the_whole_network_its_texture_included(opened):
    (subject,) = (each for each in opened.subjects if each.recipe.network.encoder.blocks)
    (found,) = heads.measure(opened).encoders
    whole = torch.from_numpy(logits_of(subject))
    targets = torch.from_numpy(subject.targets)
    assert found.log_loss == pytest.approx(cross_entropy(whole, targets).item())
    for network in subject.networks.values():
        network.config = replace(network.config, texture=TextureConfig(share=1 - 1e-9))
    (by_texture,) = heads.measure(opened).encoders
    assert by_texture.log_loss < found.log_loss - 0.01  # tones are no task for a texture
    lost = [head.silenced.log_loss_lost for head in by_texture.heads]
    assert lost == pytest.approx([0] * len(lost), abs=1e-6)


def test_a_study_without_an_encoder_has_no_heads(opened):
    (cnn,) = (each for each in opened.subjects if not each.recipe.network.encoder.blocks)
    assert heads.measure(replace(opened, subjects=(cnn,))).encoders == ()


def test_a_class_token_that_looks_at_itself_alone_still_has_figures():
    weights = torch.eye(1 + STEPS)[None, None, None]
    entropy_bits, on_itself, distance = heads.habits_in(weights)
    assert (entropy_bits.item(), on_itself.item(), distance.item()) == (0, 1, 0)
