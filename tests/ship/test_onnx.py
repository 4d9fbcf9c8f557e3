import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch

import auricle as package
from auricle.data.store import FULL_SCALE, to_samples
from auricle.errors import BundleError
from auricle.evidence.pointers import last_block
from auricle.network.frontend import band_edges_hz
from auricle.ship.bundle import CARD, load_bundle
from auricle.ship.export import export
from auricle.ship.model import load_model
from auricle.ship.onnx import MODEL, Heard, samples_of

NAMES = ("cnn", "transformer-h2")


@dataclass(frozen=True)
class Shipped:
    """A bundle, its network, and its ONNX file ready to run."""

    bundle: Path
    heard: Heard
    session: Any

    def run(self, wave: np.ndarray) -> dict[str, np.ndarray]:
        names = [output.name for output in self.session.get_outputs()]
        return dict(zip(names, self.session.run(None, {"wave": wave}), strict=True))

    def told(self) -> dict[str, Any]:
        held = self.session.get_modelmeta().custom_metadata_map
        return {key: json.loads(value) for key, value in held.items()}


@pytest.fixture(scope="module")
def ship(tiny_study: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Shipped]:
    """Export a configuration of the small study, once."""
    made: dict[str, Shipped] = {}

    def shipped(name: str) -> Shipped:
        if name not in made:
            fit = tiny_study / name / "refit" / "all" / "seed-0"
            place = export(fit, tmp_path_factory.mktemp("onnx") / "bells", "bells", onnx=True)
            bundle = load_bundle(place)
            heard = Heard(
                bundle.network, samples_of(bundle.facts), bundle.facts.temperature or 1.0
            ).eval()
            session = onnxruntime.InferenceSession(
                (place / MODEL).read_bytes(), providers=["CPUExecutionProvider"]
            )
            made[name] = Shipped(place, heard, session)
        return made[name]

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
    for name, ours in zip(shipped.run(wave.numpy()).items(), wanted, strict=True):
        limit = 1e-3 if name[0] == "spectrum" else 1e-5  # decibels, shares
        np.testing.assert_allclose(name[1], ours.numpy(), atol=limit, rtol=0)


def test_it_agrees_with_the_network_at_every_length_and_batch(shipped: Shipped) -> None:
    for frames in range(17):  # two steps of the deepest layer: every rounding on the way
        assert_agree(shipped, noise(1 + frames % 3, 2_400 + 128 * frames + frames))
    for samples in (1, 127, 1_000, 2_399):
        assert_agree(shipped, noise(2, samples))


@pytest.mark.parametrize("level", [0.0, 1e-7, 1e-4])
def test_silence_and_what_is_nearly_silent_agree_too(shipped: Shipped, level: float) -> None:
    assert_agree(shipped, noise(2, 2_400, level))


def test_it_answers_as_the_bundle_does_about_short_sounds_too(shipped: Shipped) -> None:
    model = load_model(shipped.bundle, "cpu")
    assert model.temperature != 1
    for samples in (900, 2_400):
        stored = to_samples(noise(1, samples)[0].numpy())
        found = shipped.run(stored[None].astype(np.float32) / FULL_SCALE)["probabilities"][0]
        wanted = model.hear(stored / np.float32(FULL_SCALE)).probabilities
        np.testing.assert_allclose(found, [*wanted.values()], atol=1e-5, rtol=0)


def test_its_axes_are_free_and_named(transformer: Shipped) -> None:
    (wave,) = transformer.session.get_inputs()
    assert (wave.name, wave.type, wave.shape) == ("wave", "tensor(float)", ["batch", "samples"])
    found = {output.name: output.shape for output in transformer.session.get_outputs()}
    assert found == {
        "probabilities": ["batch", 3],
        "spectrum": ["batch", 16, "frames"],
        "attention": ["batch", "steps"],
    }


def test_the_file_alone_says_what_a_caller_has_to_know(shipped: Shipped) -> None:
    facts, told = load_bundle(shipped.bundle).facts, shipped.told()
    assert (told["name"], told["categories"]) == ("bells", [*facts.categories])
    assert (told["sample_rate_hz"], told["clip_s"]) == (8_000, 0.3)
    assert told["unknown_below"] == facts.unknown_below
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
    assert [*ship("cnn").run(noise(1, 2_400).numpy())] == ["probabilities", "spectrum"]


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


def test_it_is_light(shipped: Shipped) -> None:
    numbers = sum(weight.numel() for weight in load_bundle(shipped.bundle).network.parameters())
    bank = shipped.heard.network.frontend.kernels.numel()
    size = (shipped.bundle / MODEL).stat().st_size
    assert size < 4 * (numbers - bank) + 64_000


def test_it_is_hashed_and_on_the_card(transformer: Shipped, tmp_path: Path) -> None:
    bundle = Path(shutil.copytree(transformer.bundle, tmp_path / "bundle"))
    card = (bundle / CARD).read_text(encoding="utf-8")
    assert f"`{MODEL}` (" in card
    assert "`attention` (batch, steps)" in card
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
    assert told.err == "auricle: ONNX needs onnxscript: pip install 'auricle[onnx]' has it\n"
    assert not (tmp_path / "bundle").exists()
