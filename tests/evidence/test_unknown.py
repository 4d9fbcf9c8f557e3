from pathlib import Path

import numpy as np
import pytest
from pydantic import TypeAdapter
from scipy.special import softmax

from auricle.evaluation.calibration import KEPT
from auricle.evidence import unknown
from auricle.evidence.case import Case, Subject
from auricle.evidence.foreign import KINDS
from auricle.ship import export
from auricle.study.fits import load_fit


def sure(targets: np.ndarray, size: float) -> np.ndarray:
    """Logits of a network that is right, and more or less sure of it."""
    spread = np.random.default_rng(0).uniform(0.8, 1.2, len(targets))
    return size * spread[:, None] * np.eye(3)[targets]


def test_scores_are_what_they_are_called() -> None:
    logits = np.random.default_rng(0).standard_normal((5, 3))
    probability = unknown.largest_probability(logits, 2.0)
    assert probability == pytest.approx(softmax(logits / 2, axis=1).max(1))
    assert unknown.largest_logit(logits, 2.0) == pytest.approx(logits.max(1) / 2)


def test_a_threshold_keeps_what_it_is_asked_to() -> None:
    scores = np.random.default_rng(0).standard_normal(240)
    assert (scores >= unknown.threshold(scores)).mean() == KEPT


def refused(subject: Subject, foreign_logits: np.ndarray, score: str) -> unknown.Refusal:
    logits = sure(subject.targets, 6.0)
    # Some clips of each fold are wrong, or there would be no temperature to fit.
    logits[::5] = np.roll(logits[::5], 1, axis=1)
    foreign = {"kind": dict.fromkeys(subject.networks, foreign_logits)}
    return unknown.refusal(score, 0.5, logits, subject, foreign)  # type: ignore[arg-type]


@pytest.mark.parametrize("score", unknown.SCORES)
def test_sounds_of_which_a_network_is_unsure_are_refused(opened: Case, score: str) -> None:
    found = refused(opened.subjects[0], np.zeros((10, 3)), score)
    assert (found.auroc, found.accepted) == (1, 0)
    assert found.kinds[0].taken_for is None
    assert found.kept > 0.8


@pytest.mark.parametrize("score", unknown.SCORES)
def test_sounds_of_which_a_network_is_surer_than_of_known_ones_pass(
    opened: Case, score: str
) -> None:
    found = refused(opened.subjects[0], 20 * np.eye(3)[[1] * 6 + [0] * 4], score)
    assert (found.auroc, found.accepted) == (0, 1)
    assert found.kinds[0].taken_for == opened.subjects[0].categories[1]


def test_a_fold_is_judged_by_the_threshold_of_the_others(opened: Case) -> None:
    subject = opened.subjects[0]
    logits = sure(subject.targets, 6.0)
    logits[::5] = np.roll(logits[::5], 1, axis=1)
    logits[subject.folds == 2] *= 100  # surer of its clips than the other network of its own
    foreign = {"kind": dict.fromkeys(subject.networks, 50.0 * np.eye(3))}
    found = unknown.refusal("logit", 0.0, logits, subject, foreign)
    assert found.accepted == 0.5  # below what the sure network's clips have, above the other's
    assert found.kept == pytest.approx(0.5)


def test_a_study_has_an_answer_that_reads_back(opened: Case) -> None:
    found = unknown.measure(opened)
    kind = TypeAdapter(unknown.UnknownFound)
    assert kind.validate_json(kind.dump_json(found)) == found
    for each in found.configurations:
        assert [refusal.score for refusal in each.refusals] == list(unknown.SCORES)
        for refusal in each.refusals:
            assert [of.kind for of in refusal.kinds] == list(KINDS)
            assert all(of.clips == unknown.CLIPS for of in refusal.kinds)
            assert refusal.accepted == pytest.approx(np.mean([k.accepted for k in refusal.kinds]))


def test_the_threshold_is_that_of_a_bundle(opened: Case, tiny_study: Path) -> None:
    trained = load_fit(tiny_study / "cnn" / "refit" / "all" / "seed-0")
    bundled = export.calibrated(tiny_study, trained)
    of = next(
        each for each in unknown.measure(opened).configurations if each.configuration == "cnn"
    )
    assert (of.temperature, of.refusals[0].threshold) == pytest.approx(bundled, rel=1e-4)
