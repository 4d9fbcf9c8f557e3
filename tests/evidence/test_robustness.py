from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from pydantic import TypeAdapter
from rich.console import Console
from scipy.special import softmax

from auricle.data.audio import fit_length
from auricle.evidence import effects, robustness
from auricle.evidence.alterations import shorten
from auricle.evidence.calibration import logits_of
from auricle.evidence.case import Case, open_case
from auricle.ship.model import load_model
from auricle.study.prepare import Setting


def test_what_would_change_nothing_is_not_asked() -> None:
    asked = {f.name: list(f.degrees) for f in robustness.families(8_000, 0.9)}
    assert asked["low-pass"] == ["2", "1"]
    assert asked["shorter"] == ["0.5"]
    assert "shorter" not in {f.name for f in robustness.families(8_000, 0.3)}
    whole = robustness.families(32_000, 5.0)
    assert all(family.hardest == list(family.degrees)[-1] for family in whole)
    assert len(whole) == 8


@pytest.mark.parametrize("family", robustness.families(8_000, 0.6), ids=lambda f: f.name)
def test_a_harder_degree_is_further_from_the_clip(family: robustness.Family) -> None:
    wave = 0.2 * torch.randn(3, 4800, generator=torch.Generator().manual_seed(1))
    kept = []
    for degree in family.degrees:
        altered = family.at(degree)(wave, torch.Generator().manual_seed(0))
        if family.name == "shorter":
            assert altered.shape == (3, 4000)
            altered = effects.all_hearings(altered, 4800)[0]
        assert altered.shape == wave.shape
        assert altered.dtype == wave.dtype
        assert torch.isfinite(altered).all()
        kept.append((altered - wave).square().mean().item())
    assert min(kept) > 0
    if family.name not in ("mp3", "Opus", "reverberation", "shorter"):  # these move noise in time
        assert kept == sorted(kept)


def test_untouched_clips_get_the_answers_that_they_had(opened: Case) -> None:
    answers = effects.answers(opened.subjects, effects.untouched)
    for subject in opened.subjects:
        assert answers[subject.name] == pytest.approx(logits_of(subject), abs=1e-5)


def test_a_clip_cut_short_gets_the_answer_of_a_shipped_model(
    opened: Case, tiny_study: Path
) -> None:
    subject = opened.subjects[-1]
    row = int(np.flatnonzero(subject.folds == 3)[0])
    found = effects.answers([subject], lambda wave, _: shorten(wave, 0.1, 8_000))
    model = load_model(tiny_study / subject.name / "kfold" / "fold-3" / "seed-0", "cpu")
    wave = fit_length(subject.waves(np.array([row]))[0].numpy(), 800)
    shares, _ = replace(model, temperature=1.0).recognise(wave)
    assert softmax(found[subject.name][row]) == pytest.approx(shares[0], abs=1e-5)
    padded, _ = replace(model, temperature=1.0).recognise(np.pad(wave, (0, 1_600)))
    assert shares != pytest.approx(padded, abs=1e-3)


def test_no_alteration_has_no_effect_and_a_fatal_one_is_told(opened: Case) -> None:
    subject = opened.subjects[0]
    truth = 5.0 * np.eye(3)[subject.targets]
    same = effects.effect(subject, truth, truth)
    assert (same.difference.value, same.p) == (0, 1)
    fatal = effects.effect(subject, -truth, truth)
    assert fatal.difference.value == -1
    assert fatal.worse
    assert fatal.heard.log_loss > same.heard.log_loss


def test_confidence_is_that_at_the_temperatures_of_untouched_clips(opened: Case) -> None:
    subject = opened.subjects[0]
    unsure = np.eye(3)[subject.targets]
    sharp = {subject.name: 9.0 * unsure}
    (same,) = robustness.points(subject, {"none": sharp}, sharp)
    (lost,) = robustness.points(subject, {"all": {subject.name: 0.0 * unsure}}, sharp)
    assert same.confidence == pytest.approx(1, abs=1e-3)  # always right: as sharp as can be
    assert lost.confidence == pytest.approx(1 / 3)
    assert lost.promised == pytest.approx(1 / 3 - lost.effect.heard.accuracy.value)


def test_harm_begins_at_the_mildest_degree_that_does_any() -> None:
    heard = effects.Heard(clips=8, accuracy=effects.Interval(0.5, 0.4, 0.6), log_loss=1.0)

    def point(degree: str, difference: float, p: float) -> robustness.Point:
        change = effects.Interval(difference, difference, difference)
        found = effects.Effect(heard=heard, difference=change, p=p, p_holm=p)
        return robustness.Point(degree, found)

    curve = robustness.Curve(
        family="noise",
        measure="dB",
        points=(point("a", 0.3, 0.01), point("b", -0.1, 0.2), point("c", -0.2, 0.04)),
        sealed=None,
    )
    assert curve.breaks_at is curve.points[2]


def test_a_small_study_is_asked_about_every_family_and_the_test_fold(
    tiny_study: Path, tiny_set: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = robustness.families(8_000, 0.3)[2:5]
    monkeypatch.setattr(robustness, "families", lambda rate_hz, clip_s: asked)
    opened = open_case(
        tiny_study, Setting(run=tiny_study), Console(), data=str(tiny_set), test=True
    )
    found = robustness.measure(opened)
    kind = TypeAdapter(robustness.RobustnessFound)
    assert kind.validate_json(kind.dump_json(found)) == found
    assert [each.configuration for each in found.configurations] == ["cnn", "transformer-h2"]
    for each in found.configurations:
        assert each.untouched.clips == 24
        assert each.sealed_untouched
        assert each.sealed_untouched.clips == 12
        assert [curve.family for curve in each.curves] == [family.name for family in asked]
        for curve, family in zip(each.curves, asked, strict=True):
            assert [point.degree for point in curve.points] == list(family.degrees)
            assert curve.sealed
            assert curve.sealed.clips == 12


def test_without_the_test_fold_nothing_is_said_of_it(opened: Case) -> None:
    asked = robustness.families(8_000, 0.3)[3:4]
    found = robustness.robust(opened.subjects, opened.sealed, asked, opened.console)
    assert all(each.sealed_untouched is None for each in found)
    assert all(curve.sealed is None for each in found for curve in each.curves)
