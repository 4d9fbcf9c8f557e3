import json
import shutil
from dataclasses import replace
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from auricle.data.clips import Clip, ClipTable
from auricle.evidence import familiar, learning, strangers
from auricle.evidence.architecture import ArchitectureFound, controls_of
from auricle.evidence.case import Case
from auricle.evidence.command import answer_file, read_answer
from auricle.evidence.controls import trainable
from auricle.evidence.familiar import Answers
from auricle.evidence.leak import LeakFound, dealt, has_sibling
from auricle.evidence.learning import LearningFound, as_many_steps, steps_an_epoch, thinned
from auricle.evidence.strangers import StrangersFound, Verdict
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
    assert found.alone is not None
    assert {row.name for row in found.rows} == {
        "no-encoder", "no-encoder-wide", "averaging", "no-class-token",
        "blocks-1", "blocks-3", "blocks-4", "heads-1", "heads-4", "heads-8",
    }  # fmt: skip
    for row in found.rows:
        for kind in ("whole", "events"):
            own, against = getattr(found.alone, kind), getattr(row.versus, kind)
            for told, gain in (
                (against.difference, against.heard.accuracy.value - own.accuracy.value),
                (against.log_loss_difference, against.heard.log_loss - own.log_loss),
            ):
                assert told.value == pytest.approx(gain)
                assert told.low <= told.value <= told.high
            assert against.heard.clips == 24
            assert against.p_holm >= against.p
        assert row.versus.events.heard.log_loss != row.versus.whole.heard.log_loss


def test_what_the_study_has_trained_is_not_trained_again(answered: Path, tiny_study: Path) -> None:
    controls = answered / "evidence" / "controls" / "architecture" / "transformer-h2"
    assert (controls / "heads-4").is_dir()
    assert not (controls / "no-encoder").exists()  # the study's cnn
    found: ArchitectureFound = answer(answered, "architecture")
    cnn = next(row for row in found.rows if row.name == "no-encoder")
    assert cnn.in_study == "cnn"
    assert {row.in_study for row in found.rows if row.name.startswith("heads")} == {None}
    scores = json.loads((tiny_study / "scores.json").read_text(encoding="utf-8"))
    of_study = [
        [
            entry["accuracy"]["value"]
            for entry in own["scores"]
            if (entry["strategy"], entry["member"]) == ("kfold", "pooled")
            and entry["seed"] in ("0", "1")
        ]
        for own in scores["configurations"]
    ]
    assert cnn.versus.whole.heard.accuracy.value == pytest.approx(of_study[0][0])
    assert found.seeds == pytest.approx(of_study[1])


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
    assert [point.share for point in found.points] == [0.25, 0.5, 1.0]
    recordings = [point.recordings for point in found.points]
    assert recordings == sorted(recordings)
    assert recordings[-1] == 6  # of one fold, two of each of three categories
    folder = answered / "evidence" / "controls" / "learning"
    fits = [json.loads(fit.read_text(encoding="utf-8")) for fit in folder.rglob("fit.json")]
    steps = {(len(fit["learnt"]), fit["epochs"] * ceil(len(fit["learnt"]) * 2 / 6)) for fit in fits}
    assert steps == {(6, 12)}  # as many steps as three epochs of all 12 clips are


def test_without_weights_the_curve_learns_from_all_recordings_anew(
    opened: Case, tmp_path: Path
) -> None:
    copy = replace(opened, run=Path(shutil.copytree(opened.run, tmp_path / "copy")))
    assert [*learning.controls_of(copy)] == [0.25, 0.5]
    for file in copy.run.rglob("weights.safetensors"):
        file.unlink()
    controls = learning.controls_of(copy)
    assert [*controls] == [0.25, 0.5, 1.0]
    assert replace(controls[1.0].recipe, name=copy.best.name) == copy.best.recipe
    for table in controls[1.0].tables.values():
        assert table == copy.prepared.development


@pytest.mark.parametrize("share", [0.25, 0.5])
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
        assert (row.as_category is None) == (row.told[-1].accepted.value == 0)
        assert row.as_category != row.category
        assert [told.rule for told in row.told] == list(familiar.RULES)
        for told in row.told:
            assert told.accepted.low <= told.accepted.value <= told.accepted.high
            assert 16 * told.accepted.value == pytest.approx(round(16 * told.accepted.value))
    assert found.networks == 2
    assert found.together[-1].accepted.value == pytest.approx(
        np.mean([row.told[-1].accepted.value for row in found.rows])
    )


def answers_of(clips: int = 60) -> tuple[np.ndarray, ...]:
    """Logits, targets and folds of three folds; three times in four the largest logit is right."""
    generator = np.random.default_rng(0)
    targets, folds = generator.integers(3, size=clips), np.arange(clips) % 3 + 2
    logits = generator.standard_normal((clips, 3))
    logits[np.arange(clips), np.where(np.arange(clips) % 4, targets, 0)] += 2
    return logits, targets, folds


def judged(met: dict[int, np.ndarray], louder: float = 1.0) -> Verdict:
    """What probability says of strangers with these logits; fold 2 is surer of its own clips."""
    logits, targets, folds = answers_of()
    logits = np.where((folds == 2)[:, None], louder * logits, logits)
    heard = {fold: Answers(found, None) for fold, found in met.items()}
    return strangers.verdict("probability", Answers(logits, None), targets, folds, heard)


UNSURE, SURE = np.zeros((5, 3)), 50 * np.eye(3)[[1] * 4 + [0]]


def test_strangers_of_which_networks_are_unsure_are_told() -> None:
    unsure = judged(dict.fromkeys((2, 3, 4), UNSURE))
    assert (unsure.auroc, unsure.passed.tolist()) == (1, [0] * 5)
    assert strangers.commonest(unsure.named, ("a", "b", "c")) is None
    surer = judged(dict.fromkeys((2, 3, 4), SURE))
    assert (surer.auroc, surer.passed.tolist()) == (0, [1] * 5)
    assert strangers.commonest(surer.named, ("a", "b", "c")) == "b"


def test_a_stranger_is_put_to_every_network_and_counted_by_their_share() -> None:
    found = judged({2: SURE, 3: UNSURE, 4: UNSURE})
    assert found.passed == pytest.approx([1 / 3] * 5)
    assert found.auroc == pytest.approx(2 / 3)


def test_only_strangers_that_pass_are_taken_for_something() -> None:
    unsure_of_c = np.tile([0.0, 0.0, 0.01], (5, 1))
    found = judged({2: SURE, 3: unsure_of_c, 4: unsure_of_c})
    assert found.named.tolist() == [1] * 4 + [0]


def test_strangers_do_not_move_what_is_kept() -> None:
    unsure, sure = (judged(dict.fromkeys((2, 3, 4), found)) for found in (UNSURE, SURE))
    assert unsure.kept == sure.kept
    assert 0.8 < unsure.kept < 1


def test_a_fold_judges_strangers_by_the_known_clips_of_the_others() -> None:
    rather_sure = np.tile([2.0, 0.0, 0.0], (5, 1))
    found = judged({2: rather_sure, 3: UNSURE, 4: UNSURE}, louder=50)  # less than its own clips
    assert found.passed == pytest.approx([1 / 3] * 5)
