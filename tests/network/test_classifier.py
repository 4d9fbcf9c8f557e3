from dataclasses import replace

import pytest
import torch
from torch import nn

from auricle.network.attention import EncoderConfig
from auricle.network.base import BaseConfig
from auricle.network.classifier import (
    NetworkConfig,
    ParameterCount,
    SoundClassifier,
    count_parameters,
)
from auricle.network.frontend import FrontendConfig
from auricle.network.texture import TextureConfig

CNN = NetworkConfig(
    frontend=FrontendConfig(sample_rate_hz=8_000, window=64, hop=80, bands=16, high_hz=4_000),
    base=BaseConfig(
        frames_per_step=2,
        frequency_channels=(3, 4),
        frequency_kernels=(5, 3),
        time_kernels=(1, 3),
        widths=(8, 8),
        kernel=3,
        stages=(1, 1),
    ),
)
TRANSFORMER = replace(CNN, encoder=EncoderConfig(blocks=2, heads=4, expansion=3))


def build(config, classes=5, seed=0):
    torch.manual_seed(seed)
    return SoundClassifier(config, classes)


def test_waves_become_logits_and_attention():
    wave = torch.randn(3, 2_000, generator=torch.Generator().manual_seed(0))
    logits, weights = build(CNN)(wave)
    assert logits.shape == (3, 5)
    assert weights is None
    logits, weights = build(TRANSFORMER).eval()(wave)
    assert logits.shape == (3, 5)
    assert weights.shape == (3, 2, 4, 1 + 7, 1 + 7)  # 26 frames, two a step, halved once
    torch.testing.assert_close(weights.sum(-1), torch.ones(weights.shape[:-1]))


@pytest.mark.parametrize("config", [CNN, TRANSFORMER], ids=["cnn", "transformer"])
def test_parts_make_the_whole(config):
    network = build(config).eval()
    wave = torch.randn(2, 2_000, generator=torch.Generator().manual_seed(0))
    power = network.frontend.power(wave)
    by_hand, _ = network.head(network.base(network.frontend(power)))
    torch.testing.assert_close(network.classify(power)[0], by_hand)
    texture = network.texture(network.texture.statistics(wave))
    mean = (by_hand.log_softmax(1) + texture.log_softmax(1)) / 2
    torch.testing.assert_close(network(wave)[0], mean)


def test_a_texture_without_a_share_is_no_part_of_the_network():
    network = build(replace(CNN, texture=TextureConfig(share=0.0))).eval()
    wave = torch.randn(2, 2_000, generator=torch.Generator().manual_seed(0))
    assert network.texture is None
    assert "texture" not in count_parameters(network)
    alone, _ = network.classify(network.frontend.power(wave))
    torch.testing.assert_close(network(wave)[0], alone, rtol=0, atol=0)


@pytest.mark.parametrize("config", [CNN, TRANSFORMER], ids=["cnn", "transformer"])
def test_logits_are_float32_in_any_arithmetic(config):
    network = build(config)
    with torch.autocast("cpu", torch.bfloat16):
        logits, _ = network(torch.randn(2, 2_000))
    assert logits.dtype == torch.float32


def test_clips_do_not_hear_each_other():
    wave = torch.randn(3, 2_000, generator=torch.Generator().manual_seed(0))
    for config in (CNN, TRANSFORMER):
        network = build(config).eval()
        torch.testing.assert_close(network(wave)[0][1:2], network(wave[1:2])[0])


def test_both_architectures_stand_on_the_same_base():
    cnn, transformer = build(CNN), build(TRANSFORMER)
    for part in ("frontend", "base"):
        ours, theirs = getattr(cnn, part).state_dict(), getattr(transformer, part).state_dict()
        assert list(ours) == list(theirs)
        for name in ours:  # from the same seed even the same first weights
            torch.testing.assert_close(ours[name], theirs[name], rtol=0, atol=0)
    assert [str(layer) for layer in cnn.base.children()] == [
        str(layer) for layer in transformer.base.children()
    ]


@pytest.mark.parametrize("blocks", [0, 2])
def test_training_hides_steps_from_either_head_and_scoring_none(blocks):
    config = replace(TRANSFORMER if blocks else CNN, step_dropout=0.5)
    network = build(config)
    wave = torch.randn(2, 4_000, generator=torch.Generator().manual_seed(0))
    network.head.train()  # what stands before it has its own training noise
    hidden = [network(wave)[0] for _ in range(2)]
    assert not torch.equal(*hidden)
    shown = network.eval()(wave)[0]
    whole = build(replace(config, step_dropout=0.0)).eval()
    whole.load_state_dict(network.state_dict())
    torch.testing.assert_close(shown, whole(wave)[0], rtol=0, atol=0)


def test_architecture_1_is_fully_connected_at_its_head():
    kinds = [type(layer) for layer in build(CNN).head.layers]
    assert kinds.count(nn.Linear) == 2
    assert not any("Encoder" in type(layer).__name__ for layer in build(CNN).modules())


def linear(inputs, outputs):
    return inputs * outputs + outputs


def convolution(inputs, outputs, kernel):
    return inputs * outputs * kernel + 2 * outputs  # no bias; a gain and a shift of the batch norm


BINS = 64 // 2 + 1
BASE = (
    convolution(2, 3, 5)  # 16 bands to 8
    + convolution(3, 4, 3)  # 8 to 4
    + convolution(4, 4, 3)  # along time
    + convolution(4 * 4, 8, 3)
    + 4 * convolution(8, 8, 3)
)
BLOCK = 2 * (8 + 8) + linear(8, 24) + linear(8, 8) + linear(8, 24) + linear(24, 8)
RATES = 17  # half octaves of 512 rates, of one rate or more
PAIRS = 30 // 4 + 1 + 24 // 4 + 16 // 4  # two, eight and sixteen bands apart, one in four
TEXTURE = linear(32 * (6 + 3) + (2 * 32 // 4 + PAIRS) * RATES, 5)
HEADS = {
    CNN: linear(16, 8) + linear(8, 5),
    TRANSFORMER: 8 + 2 * BLOCK + 16 + linear(8, 8) + linear(8, 5),
}


@pytest.mark.parametrize("config", [CNN, TRANSFORMER], ids=["cnn", "transformer"])
def test_parameters_counted_by_hand(config):
    bank = 2 * BINS * 64 + 16 * BINS
    fine = 2 * (256 // 2 + 1) * 256 + 32 * (256 // 2 + 1)
    counts = count_parameters(build(config))
    assert counts == {
        "frontend": ParameterCount(trainable=0, fixed=bank),
        "base": ParameterCount(trainable=BASE, fixed=0),
        "head": ParameterCount(trainable=HEADS[config], fixed=0),
        "texture": ParameterCount(trainable=TEXTURE, fixed=fine),
        "total": ParameterCount(trainable=BASE + HEADS[config] + TEXTURE, fixed=bank + fine),
    }
    assert list(counts) == ["frontend", "base", "head", "texture", "total"]


def test_parameters_of_the_other_front_ends_all_learn():
    learned = count_parameters(build(replace(CNN, frontend=replace(CNN.frontend, kind="learned"))))
    fixed = count_parameters(build(CNN))
    assert learned["total"].fixed == learned["texture"].fixed
    assert learned["frontend"].trainable == fixed["frontend"].fixed
    raw = count_parameters(build(replace(CNN, frontend=replace(CNN.frontend, kind="raw"))))
    assert raw["total"].fixed == raw["texture"].fixed


@pytest.mark.parametrize("kind", ["fixed", "learned", "raw"])
@pytest.mark.parametrize("encoder", [CNN.encoder, TRANSFORMER.encoder], ids=["cnn", "transformer"])
def test_every_trainable_weight_gets_a_gradient(kind, encoder):
    frontend = replace(CNN.frontend, kind=kind)
    network = build(replace(CNN, frontend=frontend, encoder=encoder))
    logits, _ = network(torch.randn(4, 2_000, generator=torch.Generator().manual_seed(0)))
    nn.functional.cross_entropy(logits, torch.arange(4)).backward()
    for name, weight in network.named_parameters():
        assert (weight.grad is not None) is weight.requires_grad, name
        if weight.requires_grad:
            assert weight.grad.isfinite().all(), name
            assert weight.grad.abs().max() > 0, name


def test_refuses_to_hide_every_step():
    with pytest.raises(ValueError, match="step_dropout is a share below 1"):
        NetworkConfig(step_dropout=1.0)


def test_refuses_heads_that_do_not_divide_the_width():
    with pytest.raises(ValueError, match="3 heads do not divide the base's width of 8"):
        replace(CNN, encoder=EncoderConfig(blocks=2, heads=3))


def test_a_width_matters_to_heads_only_where_there_is_an_encoder():
    assert replace(CNN, encoder=EncoderConfig(blocks=0, heads=3)).encoder.heads == 3
