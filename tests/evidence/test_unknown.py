from pathlib import Path

import numpy as np
import pytest
from pydantic import TypeAdapter
from scipy.special import softmax

from auricle.evaluation.calibration import KEPT
from auricle.evidence import familiar, unknown
from auricle.evidence.case import Case, Subject
from auricle.evidence.familiar import Answers, RuleName
from auricle.evidence.foreign import KINDS
from auricle.ship import export
from auricle.study.fits import load_fit


def sure(targets: np.ndarray, size: float) -> np.ndarray:
    """Logits of a network that is right, and more or less sure of it."""
    spread = np.random.default_rng(0).uniform(0.8, 1.2, len(targets))
    return size * spread[:, None] * np.eye(3)[targets]


def test_scores_are_what_they_are_called() -> None:
    logits, strangeness = np.random.default_rng(0).standard_normal((5, 3)), np.arange(5.0)
    scores = familiar.scores(Answers(logits, strangeness), 2.0)
    assert scores["probability"] == pytest.approx(softmax(logits / 2, axis=1).max(1))
    assert scores["nearness"].argmax() == 0
    assert "nearness" not in familiar.scores(Answers(logits, None), 2.0)
    assert Answers(logits, None).rules == ["probability"]


def test_a_rule_keeps_what_it_is_asked_to() -> None:
    drawn = np.random.default_rng(0)
    scores = familiar.scores(Answers(drawn.standard_normal((4000, 3)), drawn.random(4000)), 1.0)
    for rule, asked in familiar.RULES.items():
        by = familiar.limits(scores, rule)
        assert {*by} == {*asked}
        assert familiar.passes(scores, by).mean() == pytest.approx(KEPT, abs=0.002)


def refused(subject: Subject, foreign: Answers, rule: RuleName) -> unknown.Refusal:
    logits = sure(subject.targets, 6.0)
    # Some clips of each fold are wrong, or there would be no temperature to fit.
    logits[::5] = np.roll(logits[::5], 1, axis=1)
    near = np.random.default_rng(1).uniform(0.8, 1.2, len(logits))
    met = {"kind": dict.fromkeys(subject.networks, foreign)}
    return unknown.refusal(rule, 1.0, Answers(logits, near), subject, met)


UNSURE, SURER = np.zeros((10, 3)), 20 * np.eye(3)[[1] * 6 + [0] * 4]
FAR, NEAR = np.full(10, 5.0), np.full(10, 0.5)


@pytest.mark.parametrize("rule", familiar.RULES)
def test_sounds_that_are_unsure_and_strange_are_refused(opened: Case, rule: RuleName) -> None:
    found = refused(opened.subjects[0], Answers(UNSURE, FAR), rule)
    assert found.auroc == pytest.approx(1, abs=0.1)  # places among few clips tie
    assert found.accepted == 0
    assert found.kinds[0].taken_for is None
    assert found.kept.value > 0.8
    assert found.accepted_low == 0 < found.accepted_high  # ten clips prove little


@pytest.mark.parametrize("rule", familiar.RULES)
def test_sounds_that_are_surer_and_nearer_than_known_ones_pass(
    opened: Case, rule: RuleName
) -> None:
    found = refused(opened.subjects[0], Answers(SURER, NEAR), rule)
    assert found.auroc == pytest.approx(0, abs=0.05)
    assert found.accepted == 1
    assert found.kinds[0].taken_for == opened.subjects[0].categories[1]


@pytest.mark.parametrize(("logits", "strange"), [(UNSURE, NEAR), (SURER, FAR)])
def test_either_reason_is_enough(opened: Case, logits: np.ndarray, strange: np.ndarray) -> None:
    assert refused(opened.subjects[0], Answers(logits, strange), "both").accepted == 0


def test_two_scores_part_sounds_by_the_worse_of_both() -> None:
    drawn = np.random.default_rng(0)
    known, others, strange = (
        {"probability": drawn.random(200), "nearness": drawn.random(200)} for _ in range(3)
    )
    strange["nearness"] = strange["nearness"] - 0.9  # stranger than most; as probable as any
    areas = {rule: familiar.parted(known, strange, others, rule) for rule in familiar.RULES}
    assert areas["probability"] == pytest.approx(0.5, abs=0.1)
    assert 0.8 < areas["both"] < areas["strangeness"]


def test_known_clips_that_are_misheard_and_refused_are_counted(opened: Case) -> None:
    subject = opened.subjects[0]
    logits = sure(subject.targets, 6.0)
    logits[3] = [0, 0, 0]  # for another category, and unsure of it
    logits[3, (subject.targets[3] + 1) % 3] = 0.1
    met = {"kind": dict.fromkeys(subject.networks, Answers(UNSURE, None))}
    found = unknown.refusal("probability", 1.0, Answers(logits, None), subject, met)
    assert (found.misheard, found.misheard_refused) == (1, 1)


def test_what_ships_are_limits_of_all_clips(opened: Case) -> None:
    found = {
        rule: refused(opened.subjects[0], Answers(SURER, NEAR), rule) for rule in familiar.RULES
    }
    assert found["strangeness"].below is None
    assert 1.1 < found["strangeness"].above < found["both"].above < 1.2
    assert found["both"].below <= found["probability"].below


def test_a_fold_is_judged_by_the_threshold_of_the_others(opened: Case) -> None:
    subject = opened.subjects[0]
    logits = sure(subject.targets, 6.0)
    logits[::5] = np.roll(logits[::5], 1, axis=1)
    logits[subject.folds == 2] *= 100  # surer of its clips than the other network of its own
    between = np.log([[1e4, 1, 1]])  # surer than the unsure network is of its clips
    met = {"kind": dict.fromkeys(subject.networks, Answers(np.repeat(between, 4, 0), None))}
    found = unknown.refusal("probability", 1.0, Answers(logits, None), subject, met)
    assert found.accepted == 0.5  # below what the sure network's clips have, above the other's
    assert found.kept.value == pytest.approx(0.5, abs=0.1)


def test_a_study_has_an_answer_that_reads_back(opened: Case) -> None:
    found = unknown.measure(opened)
    kind = TypeAdapter(unknown.UnknownFound)
    assert kind.validate_json(kind.dump_json(found)) == found
    for each in found.configurations:
        assert [refusal.score for refusal in each.refusals] == list(familiar.RULES)
        for refusal in each.refusals:
            assert [of.kind for of in refusal.kinds] == list(KINDS)
            assert all(of.clips == unknown.CLIPS for of in refusal.kinds)
            assert refusal.accepted == pytest.approx(np.mean([k.accepted for k in refusal.kinds]))


def test_without_this_evidence_a_bundle_has_the_same_threshold(
    opened: Case, tiny_study: Path
) -> None:
    trained = load_fit(tiny_study / "cnn" / "refit" / "all" / "seed-0")
    bundled = export.limits_of(tiny_study, trained)
    of = next(
        each for each in unknown.measure(opened).configurations if each.configuration == "cnn"
    )
    alone = of.refusals[0]
    assert (of.temperature, alone.below) == pytest.approx(
        (bundled.temperature, bundled.unknown_below), rel=1e-4
    )
