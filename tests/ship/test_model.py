from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.special import softmax

import auricle
from auricle.data.store import FULL_SCALE, to_samples
from auricle.ship.bundle import load_bundle
from auricle.ship.export import export
from auricle.ship.model import SHIPPED, Model, load_model
from auricle.study.fits import best_fit
from auricle.training.fit import new_network
from auricle.training.sounds import Examples


@pytest.fixture(scope="module")
def bundle(tiny_study: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export(tiny_study, tmp_path_factory.mktemp("model") / "bells.zip", "bells")


@pytest.fixture(scope="module")
def model(bundle: Path) -> Model:
    return auricle.load(bundle)


def test_three_lines_of_python_tell_what_a_file_is(model: Model, tiny_set: Path) -> None:
    found = model.predict(tiny_set / "bell" / "2-0.wav")
    assert found.category in (*model.categories, "unknown")
    assert sum(found.probabilities.values()) == pytest.approx(1)
    assert found.confidence == max(found.probabilities.values())
    sure = replace(found, category="bell", confidence=0.876)
    assert str(sure) == "bell (87.6%)"
    assert str(replace(sure, category="unknown")) == "unknown"  # not 87.6% sure that it is


def test_a_bundle_a_study_and_a_fit_answer_alike(
    bundle: Path, tiny_study: Path, tiny_set: Path
) -> None:
    places = (bundle, tiny_study, best_fit(tiny_study))
    answers = [load_model(place).predict(tiny_set / "horn" / "3-1.wav") for place in places]
    assert answers[0] == answers[1] == answers[2]


def test_probabilities_are_those_of_the_network_at_the_temperature(model: Model) -> None:
    waves = np.random.default_rng(0).integers(-3000, 3000, (3, 2_400)).astype(np.int16)
    from auricle.training.fit import choose_device, predict

    rows = np.arange(3)
    raw = predict(model.trained.network, Examples(waves, rows, rows), choose_device("cpu"))
    scaled = softmax(np.log(raw.astype(float)) / model.temperature, axis=1)
    np.testing.assert_allclose(model.judge(waves)[0], scaled, rtol=1e-5)


def test_a_texture_is_described_once_for_probabilities_and_strangeness(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = model.trained.network
    assert network.texture is not None
    waves = np.random.default_rng(0).integers(-3000, 3000, (3, 2_400)).astype(np.int16)
    with torch.no_grad():
        statistics = network.describe(torch.from_numpy(waves / np.float32(FULL_SCALE)))
    assert statistics is not None
    described: list[int] = []

    def given(wave: torch.Tensor, *alter: Any) -> torch.Tensor:
        described.append(len(wave))
        return statistics

    monkeypatch.setattr(network.texture, "statistics", given)
    _, strangeness = model.judge(waves)
    assert described == [3]
    np.testing.assert_allclose(strangeness, network.texture.strangeness(statistics), rtol=1e-5)
    assert strangeness.min() > 1.5  # noise is like none of the tones that it learnt


def test_a_sound_is_unknown_if_it_is_too_unsure_or_too_strange() -> None:
    model = Model(Known(), 1.0, unknown_below=0.6, strange_above=1.5)  # type: ignore[arg-type]
    sure, unsure = np.array([0.7, 0.3]), np.array([0.45, 0.55])
    assert model.answer(sure, 1.5).category == "bell"
    assert model.answer(sure, 1.6).category == "unknown"
    assert model.answer(unsure, 0.9).category == "unknown"
    found = model.answer(unsure, 1.6)
    assert (found.category, found.confidence, found.strangeness) == ("unknown", 0.55, 1.6)
    assert found.probabilities == {"bell": 0.45, "horn": 0.55}


def test_no_sound_is_strange_without_a_limit_or_without_a_texture(model: Model) -> None:
    free = Model(Known(), temperature=1.0, unknown_below=0.6)  # type: ignore[arg-type]
    assert free.answer(np.array([0.7, 0.3]), 1e9).category == "bell"
    recipe = model.trained.recipe
    deaf = replace(recipe.network, texture=replace(recipe.network.texture, share=0.0))
    trained = replace(model.trained, network=new_network(deaf, 3, seed=0))
    without = replace(model, trained=trained, unknown_below=0.0, strange_above=0.0)
    found = without.hear(np.zeros(2_400, np.float32))
    assert found.strangeness is None
    assert found.category in model.categories


def test_the_answer_about_a_short_sound_is_the_mean_of_its_two_hearings(model: Model) -> None:
    wave = np.random.default_rng(2).normal(0, 0.1, 700).astype(np.float32)
    padded = np.concatenate([wave, np.zeros(1_700, np.float32)])
    repeated = np.concatenate([wave, wave, wave, wave[:300]])
    soft = replace(model, temperature=2.0)  # of no probability that is all but zero
    shares, strangeness = soft.judge(to_samples(np.stack([padded, repeated])))
    found = soft.hear(wave)
    mean = np.sqrt(shares[0] * shares[1])  # of log-probabilities
    np.testing.assert_allclose([*found.probabilities.values()], mean / mean.sum(), rtol=1e-6)
    assert found.strangeness == pytest.approx(strangeness.min(), rel=1e-6)
    assert abs(np.subtract(*strangeness)) > 0.01
    assert np.abs(np.subtract(*shares)).max() > 0.01


def test_a_sound_of_just_a_clips_length_is_heard_once(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[int] = []
    judge = Model.judge

    def counted(self: Model, waves: Any) -> Any:
        heard.append(len(waves))
        return judge(self, waves)

    monkeypatch.setattr(Model, "judge", counted)
    wave = np.random.default_rng(2).normal(0, 0.1, 2_401).astype(np.float32)
    for samples in (2_401, 2_400, 2_399):
        model.hear(wave[:samples])
    assert heard == [1, 1, 2]
    shares, _ = judge(model, to_samples(wave[None, :2_400]))
    found = model.hear(wave[:2_400])
    np.testing.assert_allclose([*found.probabilities.values()], shares[0], atol=1e-9)


def test_an_empty_sound_is_answered_as_silence_is(model: Model) -> None:
    empty, silence = (model.hear(np.zeros(n, np.float32)) for n in (0, 2_400))
    assert empty.probabilities == pytest.approx(silence.probabilities)
    assert empty.strangeness == pytest.approx(silence.strangeness)


class Known:
    """As much of a trained network as an answer needs."""

    categories = ("bell", "horn")


def test_the_score_on_the_card_is_found_again_with_one_command(
    bundle: Path, tiny_set: Path, auricle: Any, tools: Any, tiny_study: Path, tmp_path: Path
) -> None:
    ledger = tmp_path / "reads.csv"
    asked = ("evaluate", bundle, "--data", tiny_set, "--folds", 1, "--ledger", ledger)
    assert "sealed test fold" in auricle(*asked).err
    told = auricle(*asked, "--test")
    assert told.code == 0, told.err
    found = tools.scores_of(tiny_study)
    own = next(c for c in found["configurations"] if c["name"] == found["best"]["out_of_fold"])
    refit = next(e for e in own["scores"] if e["strategy"] == "refit" and e["seed"] == "0")
    line = next(line for line in told.out.splitlines() if line.startswith("accuracy"))
    assert float(line.split()[1]) == pytest.approx(100 * refit["accuracy"]["value"], abs=0.05)
    assert len(tools.rows_of(ledger)) == 1


def test_a_bundle_is_not_scored_on_what_it_learnt_from(
    bundle: Path, tiny_set: Path, auricle: Any
) -> None:
    told = auricle("evaluate", bundle, "--data", tiny_set, "--folds", 2)
    assert told.code == 1
    assert "trained this network" in told.err


def test_the_model_that_comes_along_answers_without_being_named(
    auricle: Any, tiny_set: Path
) -> None:
    assert SHIPPED.stat().st_size < 4_000_000
    facts = load_bundle(SHIPPED).facts
    assert facts.learnt.folds == (2, 3, 4, 5)  # so that the sealed fold can try it
    assert len(facts.learnt.sealed) == 80
    told = auricle("predict", tiny_set / "bell" / "2-0.wav", "--format", "csv")
    assert told.code == 0
    heading = told.out.splitlines()[0].split(",")
    assert heading[5:] == [*(f"p_{category}" for category in facts.categories), "strangeness"]
