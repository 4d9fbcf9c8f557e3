"""What is kept of where networks look, and which clips are chosen for it."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from auricle.evidence.command import answer_file, gather, read_answer
from auricle.evidence.looking import KEPT_CLIPS, KEPT_FRAMES, LookingFound, as_bytes, worth_keeping
from auricle.study.fits import load_predictions
from auricle.study.publish import publish
from auricle.study.run import Setting


@pytest.fixture(scope="module")
def looked(
    tiny_study: Path, spoilt_set: Path, cache: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The small study, asked where it looks; its test fold cannot be decoded."""
    run = Path(shutil.copytree(tiny_study, tmp_path_factory.mktemp("looked") / "tiny"))
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("AURICLE_CACHE", str(cache))
        setting = Setting(run=run, workers=1, device="cpu")
        gather(run, ["looking"], setting, data=str(spoilt_set), test=False, again=False)
    return run


@pytest.fixture(scope="module")
def kept(looked: Path) -> dict[str, Any]:
    with np.load(looked / "evidence" / "looking.npz") as stored:
        return {name: stored[name] for name in stored.files}


def found_in(run: Path) -> LookingFound:
    found: LookingFound = read_answer(answer_file(run, "looking"), "looking")
    return found


def test_what_the_page_is_built_from_has_its_shapes_and_types(kept: dict[str, Any]) -> None:
    count, bands, classes = len(kept["files"]), 16, 3
    wanted = {
        "spectra": ((count, bands, KEPT_FRAMES), np.uint8),
        "gradient_cnn": ((count, bands, KEPT_FRAMES), np.uint8),
        "gradient_transformer-h2": ((count, bands, KEPT_FRAMES), np.uint8),
        "attention_transformer-h2": ((count, KEPT_FRAMES), np.float16),
        "prob_cnn": ((count, classes), np.float32),
        "prob_transformer-h2": ((count, classes), np.float32),
    }
    for name, (shape, kind) in wanted.items():
        assert (kept[name].shape, kept[name].dtype) == (shape, kind), name
    assert kept["envelopes"].shape[0::2] == (count, 2)
    assert kept["envelopes"].dtype == np.float16
    assert kept["categories"].shape == kept["folds"].shape == (count,)
    assert "attention_cnn" not in kept
    assert (kept["seconds"], kept["low_hz"], kept["high_hz"]) == (0.3, 40, 4_000)
    assert kept["spectra"].max((1, 2)).tolist() == [255] * count


def test_it_says_what_the_study_has_predicted(looked: Path, kept: dict[str, Any]) -> None:
    for name in ("cnn", "transformer-h2"):
        told = {}
        for file in (looked / name / "kfold").glob("*/seed-0/predictions.npz"):
            predictions = load_predictions(file)
            files = [clip.file for clip in predictions.clips]
            told |= dict(zip(files, predictions.probabilities, strict=True))
        for file, found in zip(kept["files"], kept[f"prob_{name}"], strict=True):
            np.testing.assert_allclose(found, told[file], atol=1e-4)
        wrong = {
            file
            for file, probabilities in told.items()
            if kept["classes"][probabilities.argmax()] != file.split("/")[0]
        }
        assert wrong <= {*kept["files"]}
    assert 1 not in kept["folds"]


def test_every_pointer_is_tested_on_every_configuration(looked: Path) -> None:
    found = found_in(looked)
    pointers = {
        each.configuration: [pointer.name for pointer in each.pointers]
        for each in found.configurations
    }
    assert pointers == {
        "cnn": ["gradient"],
        "transformer-h2": ["gradient", "last block", "rollout"],
    }
    assert found.shown == "transformer-h2"
    for each in found.configurations:
        assert each.event_s == pytest.approx(0.075)
        assert all(0 <= pointer.planted.found.value <= 1 for pointer in each.pointers)


def test_pictures_are_the_surest_right_answers_and_then_the_surest_mistakes(looked: Path) -> None:
    pictures = found_in(looked).pictures
    right = [each for each in pictures if each.answer == each.category]
    wrong = [each for each in pictures if each.answer != each.category]
    assert [*right, *wrong] == [*pictures]
    assert 0 < len(pictures) <= 8
    assert len({each.category for each in right}) == len(right) <= 2
    for several in (right, wrong):
        sure = [each.probability for each in several]
        assert sure == sorted(sure, reverse=True)
    for each in pictures:
        assert len(each.spectrum) == len(each.gradient) == 16 * KEPT_FRAMES
        assert len(each.attention) == KEPT_FRAMES


def test_asking_again_finds_the_same(looked: Path, spoilt_set: Path) -> None:
    before = answer_file(looked, "looking").read_bytes()
    gather(looked, ["looking"], Setting(run=looked), data=str(spoilt_set), test=False, again=True)
    assert answer_file(looked, "looking").read_bytes() == before


def test_a_published_study_keeps_what_was_looked_at(looked: Path, tmp_path: Path) -> None:
    publish(looked, tmp_path / "light")
    assert (tmp_path / "light" / "evidence" / "looking.npz").is_file()


def test_mistakes_are_kept_the_surest_first_and_then_the_surest_right_one_of_each_class() -> None:
    targets = np.array([0, 0, 0, 1, 1, 1])
    one = [[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.1, 0.9], [0.2, 0.8], [0.9, 0.1]]
    two = [[0.6, 0.4], [0.7, 0.3], [0.9, 0.1], [0.4, 0.6], [0.7, 0.3], [0.8, 0.2]]
    rows = worth_keeping(np.array([one, two]), targets)
    # 2 and 4 are wrong by one alone, as surely as each other; 1 is right at 0.7 at least, 0 at 0.6.
    assert rows.tolist() == [5, 2, 4, 1, 3]


def test_no_more_clips_are_kept_than_fit_a_page() -> None:
    generator = np.random.default_rng(0)
    wrong = generator.dirichlet(np.ones(4), (1, 500))
    rows = worth_keeping(wrong, generator.integers(4, size=500))
    assert len(rows) == len({*rows.tolist()}) == KEPT_CLIPS


def test_bytes_reach_from_nothing_to_the_largest_of_each_clip() -> None:
    values = torch.tensor([[[0.0, 2.0, 4.0]], [[0.0, 0.0, 0.0]]])
    assert as_bytes(values).tolist() == [[[0, 128, 255]], [[0, 0, 0]]]
