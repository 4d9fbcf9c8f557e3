"""Doubted labels: what was planted is found, and nothing else."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from auricle.data.clips import Clip
from auricle.evidence.case import open_case
from auricle.evidence.doubts import DoubtsFound, doubts, measure, predictions_in
from auricle.study.run import Setting, plan_in
from auricle.training.sounds import Array

CATEGORIES = ("bell", "horn", "siren")
NETWORKS, TAKES = 4, 20


def told(swapped: dict[int, int], seed: int = 0) -> tuple[list[Clip], Array]:
    """Clips, some labelled as another class than they are, and what honest networks say of them.

    Now and then a network errs, alone and without being sure.
    """
    generator = np.random.default_rng(seed)
    truth = np.repeat(np.arange(3), TAKES)
    labels = truth.copy()
    for row, label in swapped.items():
        labels[row] = label
    clips = [
        Clip(f"{row}.wav", CATEGORIES[label], 2 + row % 2, f"recording-{row // 2}")
        for row, label in enumerate(labels)
    ]
    logits = 5 * np.eye(3)[truth] + generator.normal(0, 0.5, (NETWORKS, len(truth), 3))
    for network in range(NETWORKS):
        row = 7 + 11 * network
        logits[network, row] = 2 * np.eye(3)[(truth[row] + 1) % 3]
    return clips, np.exp(logits) / np.exp(logits).sum(2, keepdims=True)


@pytest.mark.parametrize("seed", range(5))
def test_labels_that_were_swapped_are_found_and_no_others(seed: int) -> None:
    swapped = {3: 1, 30: 2, 55: 0}
    clips, probabilities = told(swapped, seed)
    found = doubts(clips, CATEGORIES, probabilities)
    assert {each.file for each in found.doubted} == {f"{row}.wav" for row in swapped}
    for each in found.doubted:
        row = int(each.file.removesuffix(".wav"))
        assert (each.label, each.answer) == (CATEGORIES[swapped[row]], CATEGORIES[row // TAKES])
        assert each.networks == NETWORKS
    sure = [each.confidence for each in found.doubted]
    assert sure == sorted(sure, reverse=True)


def test_without_a_swap_no_label_is_doubted() -> None:
    assert doubts(*with_categories(told({}))).doubted == ()


def with_categories(made: tuple[list[Clip], Array]) -> tuple[list[Clip], tuple[str, ...], Array]:
    clips, probabilities = made
    return clips, CATEGORIES, probabilities


def test_what_only_some_networks_say_is_no_doubt() -> None:
    clips, probabilities = told({3: 1})
    probabilities[: NETWORKS // 2, 3] = [0.01, 0.98, 0.01]  # half of them believe the label
    assert doubts(clips, CATEGORIES, probabilities).doubted == ()


def test_an_answer_less_sure_than_is_usual_for_its_class_is_no_doubt() -> None:
    clips, probabilities = told({3: 1})
    probabilities[:, 3] = [0.6, 0.3, 0.1]
    assert doubts(clips, CATEGORIES, probabilities).doubted == ()
    bells = np.arange(TAKES) != 3
    probabilities[:, np.flatnonzero(bells)] = [0.55, 0.25, 0.2]  # seldom sure of any bell
    (found,) = doubts(clips, CATEGORIES, probabilities).doubted
    assert found.file == "3.wav"
    assert found.usual == pytest.approx(0.55)


def test_errors_of_a_class_are_counted_by_clip_and_by_recording() -> None:
    clips, probabilities = told({})
    probabilities[:, [0, 1, 4]] = [0.0, 1.0, 0.0]  # recordings 0, 0 and 2
    probabilities[:, 10] = [0.0, 0.0, 1.0]
    probabilities[0, 12] = [0.0, 1.0, 0.0]  # of one network alone
    probabilities[1:, 12] = [1.0, 0.0, 0.0]
    bell = next(
        each for each in doubts(clips, CATEGORIES, probabilities).classes if each.category == "bell"
    )
    assert (bell.clips, bell.recordings) == (TAKES, TAKES // 2)
    assert (bell.wrong, bell.wrong_recordings) == (4, 3)
    assert bell.taken_for == (("horn", 3), ("siren", 1))
    alone = 3 / NETWORKS  # clip 12, and 7 and 18, at which one network each errs from the start
    assert bell.error == pytest.approx((4 + alone) / TAKES)
    assert bell.usually_for == "horn"


def test_a_category_that_no_clip_has_is_never_an_answer_to_believe() -> None:
    clips, probabilities = told({3: 1})
    wider = np.concatenate([np.zeros((*probabilities.shape[:2], 1)), probabilities], axis=2)
    wider[:, 5] = [1.0, 0, 0, 0]
    found = doubts(clips, ("anvil", *CATEGORIES), wider)
    assert [each.file for each in found.doubted] == ["3.wav"]
    assert [each.category for each in found.classes] == [*CATEGORIES]


@pytest.fixture
def run(tiny_study: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_study, tmp_path / "study"))


def test_all_configurations_and_seeds_have_a_say(run: Path, spoilt_set: Path) -> None:
    case = open_case(run, Setting(run=run), Console(quiet=True), data=str(spoilt_set), test=False)
    found: DoubtsFound = measure(case)
    assert (found.networks, found.clips) == (2 * 2, 24)
    assert sum(each.clips for each in found.classes) == 24


def test_what_an_earlier_plan_left_has_no_say(run: Path) -> None:
    plan = plan_in(run / "study.toml")
    shutil.copytree(run / "cnn" / "kfold" / "fold-2", run / "other" / "kfold" / "fold-2")
    networks = predictions_in(run, plan)
    assert [len(each.clips) for each in networks] == [24] * 4
    assert {clip.fold for each in networks for clip in each.clips} == {2, 3}
