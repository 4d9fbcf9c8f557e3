import json
from dataclasses import replace
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from auricle.data.clips import Clip, ClipTable
from auricle.evaluation.calibration import cross_fitted
from auricle.evidence import familiar, strangers
from auricle.evidence.architecture import ArchitectureFound, controls_of
from auricle.evidence.command import answer_file, read_answer
from auricle.evidence.controls import trainable
from auricle.evidence.familiar import Answers, RuleName
from auricle.evidence.leak import LeakFound, dealt, has_sibling
from auricle.evidence.learning import LearningFound, as_many_steps, steps_an_epoch, thinned
from auricle.evidence.strangers import StrangersFound, Told
from auricle.study.recipe import Recipe, read_recipe


def answer(run: Path, part: str) -> Any:
    return read_answer(answer_file(run, part), part)


def clips_of(recordings: int, takes: int = 2, folds: tuple[int, ...] = (2, 3, 4)) -> list[Clip]:
    return [
        Clip(f"{category}/{fold}-{recording}-{take}.wav", category, fold, f"{fold}-{recording}")
        for category in ("bell", "horn")
        for fold in folds
        for recording in range(recordings)
        for take in range(takes)
    ]


# Architecture


@pytest.fixture(scope="module")
def shipped() -> dict[str, Any]:
    reference = read_recipe("transformer-h4")
    return {recipe.name: recipe for _, recipe in controls_of(reference, 10)}


def test_every_control_is_another_network_and_nothing_else(shipped: dict[str, Any]) -> None:
    reference = read_recipe("transformer-h4")
    networks = [reference.network, *(recipe.network for recipe in shipped.values())]
    assert len(set(networks)) == len(networks)
    for recipe in shipped.values():
        assert (recipe.training, recipe.augment) == (reference.training, reference.augment)
    assert {"blocks-1", "blocks-3", "blocks-4", "heads-1", "heads-2", "heads-8"} < shipped.keys()
    assert not {"blocks-2", "heads-4"} & shipped.keys()


@pytest.mark.parametrize("name", ["no-encoder-wide", "averaging"])
def test_controls_of_the_same_size_are_of_the_same_size(shipped: dict[str, Any], name: str) -> None:
    size = trainable(read_recipe("transformer-h4"), 10)
    assert trainable(shipped[name], 10) == pytest.approx(size, rel=0.03)


def test_heads_that_do_not_divide_the_width_are_left_out() -> None:
    reference = read_recipe("transformer-h4")
    narrow = replace(reference.network.base, widths=(64, 128, 100))
    reference = replace(reference, network=replace(reference.network, base=narrow))
    assert "heads-8" not in {recipe.name for _, recipe in controls_of(reference, 10)}


def test_controls_stand_beside_the_reference(answered: Path) -> None:
    found: ArchitectureFound = answer(answered, "architecture")
    assert found.reference == "transformer-h2"
    assert found.scored is not None
    assert {row.name for row in found.rows} == {
        "no-encoder", "no-encoder-wide", "averaging", "no-class-token",
        "blocks-1", "blocks-3", "blocks-4", "heads-1", "heads-4", "heads-8",
    }  # fmt: skip
    for row in found.rows:
        gain = row.scored.accuracy.value - found.scored.accuracy.value
        assert row.difference == pytest.approx(gain)
        assert row.low <= row.difference <= row.high
        assert row.scored.clips == 24


def test_what_the_study_has_trained_is_not_trained_again(answered: Path, tiny_study: Path) -> None:
    controls = answered / "evidence" / "controls" / "architecture" / "transformer-h2"
    assert (controls / "heads-4").is_dir()
    assert not (controls / "no-encoder").exists()  # the study's cnn
    found: ArchitectureFound = answer(answered, "architecture")
    cnn = next(row for row in found.rows if row.name == "no-encoder")
    scores = json.loads((tiny_study / "scores.json").read_text(encoding="utf-8"))
    of_study = next(
        entry["accuracy"]["value"]
        for entry in scores["configurations"][0]["scores"]
        if (entry["strategy"], entry["member"], entry["seed"], entry["on"])
        == ("kfold", "pooled", "0", "out-of-fold")
    )
    assert cnn.scored.accuracy.value == pytest.approx(of_study)


def test_controls_hear_what_the_study_hears_and_are_scored_on_all_of_it(answered: Path) -> None:
    fits = list(answered.glob("evidence/controls/*/*/*/kfold/*/seed-*/fit.json"))
    assert len(fits) > 20
    for fit in fits:
        facts = json.loads(fit.read_text(encoding="utf-8"))
        assert 1 not in facts["training_folds"]
        assert facts["validation_fold"] not in facts["training_folds"]
        assert facts["data"] == "clips.csv"  # no path of this machine


# A leak


def test_random_folds_hold_as_many_clips_of_a_category_as_before() -> None:
    clips = clips_of(recordings=4)
    folds = dealt(clips, (2, 3, 4))
    for category in ("bell", "horn"):
        counts = np.bincount([folds[c] for c in clips if c.category == category], minlength=5)
        assert counts.tolist() == [0, 0, 8, 8, 8]


def test_siblings_are_clips_of_one_recording_in_two_folds() -> None:
    clips = [
        Clip(name, "bell", 2, recording) for name, recording in zip("abcd", "xxyy", strict=True)
    ]
    folds = dict(zip(clips, (2, 3, 4, 4), strict=True))
    assert has_sibling(clips, folds).tolist() == [True, True, False, False]


def test_the_leak_is_measured_on_the_same_clips(answered: Path) -> None:
    found: LeakFound = answer(answered, "leak")
    assert found.clips == 24
    assert 0 < found.siblings <= 24
    assert found.difference == pytest.approx(found.random.value - found.grouped.value)


# More recordings


def test_shares_of_recordings_are_nested_and_leave_the_validated_fold_whole() -> None:
    table = ClipTable("set", Path(), tuple(clips_of(recordings=8)))
    smaller, larger = (set(thinned(table, 3, share).clips) for share in (0.25, 0.5))
    assert smaller < larger < set(table.clips)
    for kept in (smaller, larger):
        assert {c for c in table.clips if c.fold == 3} <= kept
    learnt = {(c.category, c.fold, c.recording) for c in larger if c.fold != 3}
    assert len(learnt) == 2 * 8  # of 2 categories, 2 folds, 8 recordings: half
    for clip in table.clips:  # recordings are whole
        same = [c for c in larger if (c.category, c.recording) == (clip.category, clip.recording)]
        assert len(same) in (0, 2)


def test_the_curve_ends_with_the_study_itself(answered: Path) -> None:
    found: LearningFound = answer(answered, "learning")
    assert [point.share for point in found.points] == [0.25, 0.5, 0.75, 1.0]
    recordings = [point.recordings for point in found.points]
    assert recordings == sorted(recordings)
    assert recordings[-1] == 6  # of one fold, two of each of three categories
    folder = answered / "evidence" / "controls" / "learning"
    fits = [json.loads(fit.read_text(encoding="utf-8")) for fit in folder.rglob("fit.json")]
    steps = {(len(fit["learnt"]), fit["epochs"] * ceil(len(fit["learnt"]) * 2 / 6)) for fit in fits}
    assert steps == {(6, 12), (12, 12)}  # as many steps from fewer clips


@pytest.mark.parametrize("share", [0.25, 0.5, 0.75])
def test_fewer_recordings_make_as_many_steps_to_half_an_epoch(share: float) -> None:
    table = ClipTable("set", Path(), tuple(clips_of(recordings=9, folds=(2, 3, 4, 5))))
    recipe = Recipe(name="cnn")
    whole = dict.fromkeys(table.folds, table)
    part = {fold: thinned(table, fold, share) for fold in table.folds}
    longer = as_many_steps(recipe, "longer", whole, part)
    an_epoch = steps_an_epoch(longer, part)
    steps = steps_an_epoch(recipe, whole) * recipe.training.epochs
    assert an_epoch < steps_an_epoch(recipe, whole)
    assert abs(longer.training.epochs * an_epoch - steps) <= an_epoch / 2


# Strangers


def test_nobody_was_taught_the_category_that_is_left_out(answered: Path) -> None:
    for number, category in enumerate(("bell", "horn", "siren")):
        place = f"evidence/controls/strangers/*/without-{number}/**/fit.json"
        fits = list(answered.glob(place))
        assert len(fits) == 2
        for fit in fits:
            assert category not in json.loads(fit.read_text(encoding="utf-8"))["categories"]


def test_strangers_are_all_clips_of_their_category(answered: Path) -> None:
    found: StrangersFound = answer(answered, "strangers")
    assert [row.category for row in found.rows] == ["bell", "horn", "siren"]
    for row in found.rows:
        assert row.clips == 8
        assert row.as_category != row.category
        assert [told.rule for told in row.told] == list(familiar.RULES)
        assert all(0 <= told.accepted <= 1 for told in row.told)
    assert found.mean[-1].accepted == pytest.approx(
        np.mean([row.told[-1].accepted for row in found.rows])
    )


def answers_of(clips: int = 60) -> tuple[np.ndarray, ...]:
    """Logits, targets and folds of three folds; three times in four the largest logit is right."""
    generator = np.random.default_rng(0)
    targets, folds = generator.integers(3, size=clips), np.arange(clips) % 3 + 2
    logits = generator.standard_normal((clips, 3))
    logits[np.arange(clips), np.where(np.arange(clips) % 4, targets, 0)] += 2
    return logits, targets, folds


def told_of(logits: np.ndarray, known: np.ndarray, rule: RuleName = "probability") -> Told:
    _, targets, folds = answers_of()
    temperatures = cross_fitted(logits[known], targets[known], folds[known])
    return strangers.told(rule, Answers(logits, None), temperatures, folds, known)


def test_strangers_of_which_networks_are_unsure_are_told() -> None:
    logits, *_ = answers_of()
    known = np.arange(len(logits)) < 45
    unsure = told_of(np.where(known[:, None], logits, 0.0), known)
    assert (unsure.auroc, unsure.accepted) == (1, 0)
    surer = told_of(np.where(known[:, None], logits, 50 * np.eye(3)[0]), known)
    assert (surer.auroc, surer.accepted) == (0, 1)


def test_a_fold_of_strangers_is_judged_by_the_known_clips_of_the_others() -> None:
    logits, _, folds = answers_of()
    known = np.arange(len(folds)) < 45
    kept = told_of(logits, known).kept
    assert told_of(np.where(known[:, None], logits, 50 * logits), known).kept == kept
    # A fold whose network is surer of all its clips keeps them: the threshold is not its own.
    loud = np.where((folds == 2)[:, None], 7 * logits, logits)
    assert told_of(loud, known, "logit").kept < 0.9  # but it is that of both others
