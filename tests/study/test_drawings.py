from dataclasses import replace
from itertools import pairwise

import pytest

from auricle.network.attention import EncoderConfig
from auricle.network.base import BaseConfig
from auricle.network.classifier import NetworkConfig, SoundClassifier, count_parameters
from auricle.network.frontend import FrontendConfig
from auricle.network.texture import TextureConfig
from auricle.study.drawings import layers_of

CLIP_S = 0.25
FRONTEND = FrontendConfig(sample_rate_hz=8_000, window=64, hop=80, bands=16, high_hz=4_000)
BASE = BaseConfig(
    frames_per_step=2,
    frequency_channels=(3, 4),
    frequency_kernels=(7, 5),
    time_kernels=(1, 3),
    widths=(8, 8),
    kernel=3,
    stages=(1, 1),
)
CNN = NetworkConfig(frontend=FRONTEND, base=BASE)
TRANSFORMER = NetworkConfig(
    frontend=FRONTEND, base=BASE, encoder=EncoderConfig(blocks=2, heads=4, expansion=3)
)


def of_kind(layers, *kinds):
    return [(row["kind"], row["detail"], row["shape"]) for row in layers if row["kind"] in kinds]


def test_convolutions_are_listed_along_their_one_axis():
    # 26 frames, two a step: 13 steps, then 7. 16 bands, then 8, then 4: 16 features of a step.
    along_time = ("Conv1d", "kernel 3, stride 1")
    assert of_kind(layers_of(CNN, 5, CLIP_S), "Conv1d", "MaxPool") == [
        ("Conv1d", "kernel 7, stride 2", [3, 8]),
        ("Conv1d", "kernel 5, stride 2", [4, 4]),
        ("Conv1d", "kernel 3, along time", [4, 4]),
        (*along_time, [8, 13]),
        (*along_time, [8, 13]),
        (*along_time, [8, 13]),
        ("MaxPool", "2 to 1", [8, 7]),
        (*along_time, [8, 7]),
        (*along_time, [8, 7]),
    ]


@pytest.mark.parametrize("config", [CNN, TRANSFORMER], ids=["cnn", "transformer"])
def test_no_layer_is_listed_as_one_of_pictures(config):
    layers = layers_of(config, 5, CLIP_S)
    assert not [row["kind"] for row in layers if row["kind"].endswith("2d")]
    assert {len(row["shape"]) for row in layers} <= {1, 2}
    for before, row in pairwise(layers):
        if row["kind"] == "BatchNorm":  # what is normalised keeps its shape
            assert row["shape"] == before["shape"]


@pytest.mark.parametrize("kind", ["fixed", "learned", "raw"])
@pytest.mark.parametrize("config", [CNN, TRANSFORMER], ids=["cnn", "transformer"])
def test_layers_hold_every_parameter_once(config, kind):
    frontend = FrontendConfig(**vars(FRONTEND) | {"kind": kind})
    config = NetworkConfig(frontend=frontend, base=config.base, encoder=config.encoder)
    layers = layers_of(config, 5, CLIP_S)
    counts = count_parameters(SoundClassifier(config, 5))
    assert {row["part"] for row in layers} - {*counts} == {"joined"}
    for part in counts:
        listed = [row for row in layers if part in ("total", row["part"])]
        assert sum(row["trainable"] for row in listed) == counts[part].trainable
        assert sum(row["fixed"] for row in listed) == counts[part].fixed


def test_the_texture_is_listed_from_its_own_bank_to_its_share_of_the_answer():
    layers = [row for row in layers_of(CNN, 5, CLIP_S) if row["part"] in ("texture", "joined")]
    texture = SoundClassifier(CNN, 5).texture
    steps, count = 26, texture.linear.in_features  # a step every 80 samples, both ends included
    assert [(row["layer"], row["kind"], row["shape"]) for row in layers] == [
        ("texture.power", "filter bank", [32, steps]),
        ("texture.statistics", "levels, sharpness, beats", [count]),
        ("texture.linear", "Linear", [5]),
        ("joined", "mean of log-probabilities", [5]),
    ]
    assert [(row["trainable"] > 0, row["fixed"] > 0) for row in layers] == [
        (False, True), (False, False), (True, False), (False, False),
    ]  # fmt: skip
    assert layers[-1]["detail"] == "0.5 head, 0.5 texture"


def test_a_network_without_texture_ends_in_its_head():
    layers = layers_of(replace(CNN, texture=TextureConfig(share=0)), 5, CLIP_S)
    assert list(dict.fromkeys(row["part"] for row in layers)) == ["frontend", "base", "head"]


def test_attention_is_listed_with_its_heads_and_tokens():
    # The class token and 7 steps.
    layers = layers_of(TRANSFORMER, 5, CLIP_S)
    attention = ("MultiHeadAttention", "4 heads", [8, 8])
    assert of_kind(layers, "MultiHeadAttention") == [attention] * 2
    assert layers[-1]["shape"] == [5]
