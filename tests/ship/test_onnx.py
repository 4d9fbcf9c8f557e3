import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import soundfile as sf
import torch

import auricle as package
from auricle.data.audio import hearings
from auricle.data.store import FULL_SCALE, to_samples
from auricle.errors import BundleError, StudyError
from auricle.network.attention import last_block
from auricle.network.frontend import FilterBank, band_edges_hz
from auricle.network.texture import TextureConfig
from auricle.ship.bundle import CARD, load_bundle
from auricle.ship.export import settling
from auricle.ship.model import as_one, load_model
from auricle.ship.onnx import (
    INT8,
    MODEL,
    TEXTURE_WEIGHT,
    Heard,
    metadata,
    outputs_of,
    samples_of,
)
from auricle.study.fits import best_fit, load_fit

NAMES = ("cnn", "transformer-h2")


@dataclass(frozen=True)
class Shipped:
    """A bundle, its network, and its ONNX files ready to run."""

    bundle: Path
    heard: Heard
    session: Any
    int8: Any

    def run(self, wave: np.ndarray, session: Any = None) -> dict[str, np.ndarray]:
        names = [output.name for output in self.session.get_outputs()]
        found = (session or self.session).run(names, {"wave": wave})
        return dict(zip(names, found, strict=True))

    def told(self) -> dict[str, Any]:
        held = self.session.get_modelmeta().custom_metadata_map
        return {key: json.loads(value) for key, value in held.items()}


def started(file: Path) -> Any:
    return onnxruntime.InferenceSession(file.read_bytes(), providers=["CPUExecutionProvider"])


@pytest.fixture(scope="module")
def ship(with_onnx: Callable[[str], Path]) -> Callable[[str], Shipped]:
    """A configuration of the small study, exported."""

    @cache
    def shipped(name: str) -> Shipped:
        place = with_onnx(name)
        bundle = load_bundle(place)
        facts = bundle.facts
        heard = Heard(bundle.network, samples_of(facts), facts.temperature or 1.0).eval()
        return Shipped(place, heard, started(place / MODEL), started(place / INT8))

    return shipped


@pytest.fixture(scope="module", params=NAMES)
def shipped(request: pytest.FixtureRequest, ship: Callable[[str], Shipped]) -> Shipped:
    return ship(request.param)


@pytest.fixture(scope="module")
def transformer(ship: Callable[[str], Shipped]) -> Shipped:
    return ship("transformer-h2")


def noise(batch: int, samples: int, level: float = 0.1) -> torch.Tensor:
    generator = torch.Generator().manual_seed(samples)
    fading = torch.linspace(0, level, samples)
    return fading * torch.randn(batch, samples, generator=generator)


def assert_agree(shipped: Shipped, wave: torch.Tensor) -> None:
    with torch.no_grad():
        wanted = shipped.heard(wave)
    for (name, found), ours in zip(shipped.run(wave.numpy()).items(), wanted, strict=True):
        limit = {"spectrum": 1e-3, "strangeness": 0}.get(name, 1e-5)  # decibels, shares
        share = 1e-4 if name == "strangeness" else 0
        np.testing.assert_allclose(found, ours.numpy(), atol=limit, rtol=share)


def test_it_agrees_with_the_network_at_every_length_and_batch(shipped: Shipped) -> None:
    for frames in range(17):  # two steps of the deepest layer: every rounding on the way
        assert_agree(shipped, noise(1 + frames % 3, 2_400 + 128 * frames + frames))
    for samples in (1, 127, 1_000, 2_399):
        assert_agree(shipped, noise(2, samples))
    for samples in (12_160, 41_041):  # the texture's windows become more, and more its steep steps
        assert_agree(shipped, noise(2, samples))


def test_the_texture_has_its_say_in_it(shipped: Shipped) -> None:
    network, wave = shipped.heard.network, noise(8, 2_400)
    found = shipped.run(wave.numpy())["probabilities"]
    with torch.no_grad():
        whole, _ = network(wave)
        events, _ = network.classify(network.frontend.power(wave))
    shares = [(each / shipped.heard.temperature).softmax(1).numpy() for each in (whole, events)]
    np.testing.assert_allclose(found, shares[0], atol=1e-5)
    assert np.abs(found - shares[1]).max() > 0.01


@pytest.mark.parametrize("level", [0.0, 1e-7, 1e-4])
def test_silence_and_what_is_nearly_silent_agree_too(shipped: Shipped, level: float) -> None:
    assert_agree(shipped, noise(2, 2_400, level))


def test_it_answers_as_the_bundle_does_about_short_sounds_too(shipped: Shipped) -> None:
    model = load_model(shipped.bundle, "cpu")
    assert model.temperature != 1
    for samples in (900, 2_400):
        stored = to_samples(noise(1, samples)[0].numpy())
        wave = stored / np.float32(FULL_SCALE)
        found = shipped.run(hearings(wave, 2_400))
        wanted = model.hear(wave)
        (shares,), (strangeness,) = as_one(found["probabilities"], found["strangeness"])
        np.testing.assert_allclose(shares, [*wanted.probabilities.values()], atol=1e-5, rtol=0)
        assert strangeness == pytest.approx(wanted.strangeness, rel=1e-4)


def test_its_axes_are_free_and_named(transformer: Shipped) -> None:
    (wave,) = transformer.session.get_inputs()
    assert (wave.name, wave.type, wave.shape) == ("wave", "tensor(float)", ["batch", "samples"])
    found = {output.name: output.shape for output in transformer.session.get_outputs()}
    assert found == {
        "probabilities": ["batch", 3],
        "spectrum": ["batch", 16, "frames"],
        "attention": ["batch", "steps"],
        "strangeness": ["batch"],
    }


def test_the_file_alone_says_what_a_caller_has_to_know(shipped: Shipped) -> None:
    facts, told = load_bundle(shipped.bundle).facts, shipped.told()
    assert (told["name"], told["categories"]) == ("bells", [*facts.categories])
    assert (told["sample_rate_hz"], told["clip_s"]) == (8_000, 0.3)
    assert (told["format"], told["unknown_below"]) == (2, facts.unknown_below)
    assert (told["strange_above"], facts.strange_above) == (None, None)
    limited = metadata(replace(facts, strange_above=1.25))
    assert (limited["strange_above"], limited["unknown_below"]) == (1.25, facts.unknown_below)
    assert (told["low_hz"], told["high_hz"], told["hop_s"]) == (40, 4_000, 128 / 8_000)


def test_attention_is_what_the_class_token_looks_at_last(transformer: Shipped) -> None:
    wave = noise(2, 3_000)
    found = transformer.run(wave.numpy())["attention"]
    with torch.no_grad():
        _, weights = transformer.heard.network(wave)
    assert weights is not None
    np.testing.assert_allclose(found, last_block(weights).numpy(), atol=1e-6)
    seconds = transformer.told()["step_s"] * found.shape[1]
    assert abs(seconds - 3_000 / 8_000) <= transformer.told()["step_s"]


def test_a_network_without_an_encoder_has_no_attention_to_give(
    ship: Callable[[str], Shipped],
) -> None:
    shipped = ship("cnn")
    found = ["probabilities", "spectrum", "strangeness"]
    assert [*shipped.run(noise(1, 2_400).numpy())] == found
    config = shipped.heard.network.config
    assert outputs_of(replace(config, texture=TextureConfig(share=0.0))) == found[:2]


def test_a_sound_of_its_own_is_less_strange_to_it_than_others(
    shipped: Shipped, tiny_set: Path
) -> None:
    own = np.stack([sf.read(f, dtype="float32")[0] for f in sorted(tiny_set.rglob("2-*.wav"))])
    time_s = np.arange(2_400) / 8_000
    tone = 0.3 * np.sin(2 * np.pi * 610 * time_s).astype(np.float32)
    others = np.stack([tone, noise(1, 2_400)[0].numpy(), np.zeros_like(tone)])
    found = [shipped.run(each)["strangeness"] for each in (own, others)]
    assert found[0].max() < 1.5
    assert found[1].min() > 2


def test_a_tone_lights_its_band_and_the_floor_holds(shipped: Shipped) -> None:
    config, told = load_bundle(shipped.bundle).facts.network.frontend, shipped.told()
    band = 9
    hz = float(band_edges_hz(config)[band + 1])
    time_s = np.arange(2_400) / told["sample_rate_hz"]
    tone = np.where(time_s < 0.15, 0.5 * np.sin(2 * np.pi * hz * time_s), 0)
    spectrum = shipped.run(tone[None].astype(np.float32))["spectrum"][0]
    assert spectrum.mean(1).argmax() == band
    assert spectrum.min() == pytest.approx(told["floor_db"])
    first_silent = np.flatnonzero(spectrum[band] < told["floor_db"] + 0.01)[0]
    assert first_silent * told["hop_s"] == pytest.approx(0.15, abs=2 * told["hop_s"])


def test_it_tells_nothing_of_the_source_that_it_was_made_from(shipped: Shipped) -> None:
    content = (shipped.bundle / MODEL).read_bytes()
    for word in (str(Path(package.__file__).parent), "site-packages", ".py", "stack_trace"):
        assert word.encode() not in content


def test_int8_leaves_the_spectrum_alone_and_the_answers_too(
    shipped: Shipped, tiny_set: Path
) -> None:
    files = [file for file in sorted(tiny_set.rglob("*.wav")) if file.name[0] in "23"]
    waves = np.stack([sf.read(file, dtype="float32")[0] for file in files])
    exact, rough = shipped.run(waves), shipped.run(waves, shipped.int8)
    for name in ("spectrum", "strangeness"):
        assert np.array_equal(exact[name], rough[name])
    found, wanted = rough["probabilities"], exact["probabilities"]
    assert 0 < np.abs(found - wanted).mean() < 0.05
    assert (found.argmax(1) == wanted.argmax(1)).mean() > 0.9


def test_int8_holds_every_weight_of_a_layer_in_8_bits(shipped: Shipped) -> None:
    graph = onnx.load(shipped.bundle / INT8).graph
    weights = {weight.name: weight.data_type for weight in graph.initializer}
    made_by = {name: node for node in graph.node for name in node.output}
    layers = [node for node in graph.node if node.op_type in ("Conv", "Gemm")]
    assert len(layers) >= 9
    for node in layers:
        source = made_by[node.input[1]]
        assert source.op_type == "DequantizeLinear"
        assert weights[source.input[0]] == onnx.TensorProto.INT8
    assert "DequantizeLinear" not in {made_by[name].op_type for name in attended(graph, made_by)}


def test_int8_measures_the_texture_in_float32(shipped: Shipped) -> None:
    graph = onnx.load(shipped.bundle / INT8).graph
    made_by = {name: node for node in graph.node for name in node.output}
    (layer,) = (
        node
        for node in graph.node
        if any(TEXTURE_WEIGHT in name for name in node.input) and node.op_type == "Gemm"
    )
    measured = made_by[made_by[layer.input[0]].input[0]]  # what is quantised for the layer
    assert measured.op_type == "QuantizeLinear"
    before = rests_on(measured.input[0], made_by)
    assert {"TopK", "DFT", "MatMul"} <= before
    assert "DequantizeLinear" not in before
    to_nearest = rests_on("strangeness", made_by)
    assert {"TopK", "DFT", "ReduceMin"} <= to_nearest
    assert "DequantizeLinear" not in to_nearest


def test_the_texture_is_described_once_in_it(shipped: Shipped) -> None:
    kinds = [node.op_type for node in onnx.load(shipped.bundle / MODEL).graph.node]
    assert kinds.count("TopK") == 3  # of its levels, its rises and its falls


def rests_on(name: str, made_by: dict[str, Any]) -> set[str]:
    """Kinds of the nodes that a value comes from."""
    found, asked = {}, [name]
    while asked:
        node = made_by.get(asked.pop())
        if node and node.name not in found:
            found[node.name] = node.op_type
            asked.extend(node.input)
    return {*found.values()}


def attended(graph: Any, made_by: dict[str, Any]) -> set[str]:
    """What the products of attention are made of: softmax and its match."""
    soft = {node.output[0] for node in graph.node if node.op_type == "Softmax"}
    products = [n for n in graph.node if n.op_type == "MatMul" and soft & {*n.input}]
    return {name for node in products for name in node.input} & {*made_by}


def test_int8_is_settled_on_clips_that_were_learnt_and_never_on_sealed_ones(
    tiny_study: Path, tiny_set: Path
) -> None:
    said: list[str] = []
    trained = load_fit(tiny_study / "cnn" / "esc5" / "fold-3" / "seed-0")  # it learnt from fold 1
    store = settling(trained, str(tiny_set), {}, said.append)
    assert store is not None
    assert {clip.fold for clip in store.clips} == {2}
    assert said == [f"{INT8}: settled on 12 clips of tones that the network learnt from"]


def test_without_its_clips_int8_is_left_out_and_that_is_said(tiny_study: Path) -> None:
    said: list[str] = []
    trained = load_fit(best_fit(tiny_study))
    assert settling(trained, None, {}, said.append) is None
    (told,) = said
    assert told.startswith(f"{INT8}: left out")
    assert "--data" in told


def test_other_clips_than_it_learnt_from_are_refused(
    tiny_study: Path, tmp_path: Path, tools: Any
) -> None:
    other = tools.write_set(tmp_path / "other", folds=4)
    for file in other.rglob("*.wav"):
        wave, rate_hz = sf.read(file)
        sf.write(file, wave / 2, rate_hz, subtype="PCM_16")
    with pytest.raises(StudyError, match="no clip that this network learnt from"):
        settling(load_fit(best_fit(tiny_study)), str(other), {}, print)


def test_it_is_light(shipped: Shipped) -> None:
    held = load_bundle(shipped.bundle).network.state_dict()
    numbers = sum(value.numel() for value in held.values())
    banks = [part for part in shipped.heard.network.modules() if isinstance(part, FilterBank)]
    unused = sum(bank.kernels.numel() for bank in banks)
    exact, rough = ((shipped.bundle / name).stat().st_size for name in (MODEL, INT8))
    assert exact < 4 * (numbers - unused) + 80_000
    assert rough < (numbers - unused) + 160_000


def test_it_is_hashed_and_on_the_card(transformer: Shipped, tmp_path: Path) -> None:
    bundle = Path(shutil.copytree(transformer.bundle, tmp_path / "bundle"))
    card = (bundle / CARD).read_text(encoding="utf-8")
    assert f"`{MODEL}` (" in card
    assert "`attention` (batch, steps) and `strangeness` (batch)." in card
    content = bytearray((bundle / MODEL).read_bytes())
    content[-1] ^= 1
    (bundle / MODEL).write_bytes(content)
    with pytest.raises(BundleError, match=f"{MODEL} is not what its hash says"):
        load_bundle(bundle)


def test_a_missing_library_is_told_with_its_mend(
    tiny_study: Path, tmp_path: Path, auricle: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    told = auricle("export", tiny_study, "--onnx", "--out", tmp_path / "bundle")
    assert told.code == 1
    assert (
        told.err
        == 'auricle: ONNX needs onnxscript; run pip install ".[onnx]" in auricle\'s folder\n'
    )
    assert not (tmp_path / "bundle").exists()
