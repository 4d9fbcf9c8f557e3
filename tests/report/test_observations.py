"""Figures that observations compare are of the same networks, and of all seeds."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from auricle.report import editions
from auricle.report.chapters import make_document
from auricle.report.headlines import out_of_fold
from auricle.report.html import set_page
from auricle.report.observations import (
    but_for_heads,
    folds_of,
    gains,
    learnt_from,
    observations,
    on_intervals,
    same_on_test,
)
from auricle.report.study_files import Replaced, Study, read_study

NAMES = ("cnn", "transformer-h4")
OUT_OF_FOLD = ("kfold", "pooled", "out-of-fold")


@pytest.fixture(scope="module")
def study(write: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Study:
    folder = tmp_path_factory.mktemp("two-seeds") / "study"
    return read_study(write(folder, categories=("bell", "door"), names=NAMES, seeds=2, per_fold=4))


def accuracy(study: Study, name: str, *key: str) -> float:
    (each,) = (each for each in study.configurations if each.name == name)
    row = each.row(*key)
    assert row
    return row.accuracy.value


def test_the_test_fold_is_judged_by_the_networks_that_gave_the_out_of_fold_scores(
    study: Study,
) -> None:
    view = out_of_fold(study)
    assert view
    members = {name: score.value for name, score in same_on_test(study, view).items()}
    assert members == {n: accuracy(study, n, "kfold", "mean", "test", "mean") for n in NAMES}
    refits = {name: accuracy(study, name, "refit", "all", "test", "mean") for name in NAMES}
    assert members != refits
    assert any("learnt from all 32 development clips" in said for said in observations(study))
    assert learnt_from(study, view) == ("24", "32")
    uneven = replace(study, clips=study.clips[:-1])
    assert learnt_from(uneven, view) == ("23 to 24", "31")


def replaced(name: str, on: str = "out-of-fold", lost: int = 0, member: str = "fold-2") -> Replaced:
    return Replaced(
        noted="", configuration=name, strategy="kfold", member=member, seed="0", on=on, clips=8,
        right_before=lost, right_now=0, trained_before="", trained_now="",
    )  # fmt: skip


def test_who_led_before_fits_were_trained_anew_is_told(study: Study) -> None:
    first, second = sorted(NAMES, key=lambda name: accuracy(study, name, *OUT_OF_FOLD, "mean"))
    ends = [accuracy(study, name, *OUT_OF_FOLD, "mean") for name in (first, second)]
    lost = round((ends[1] - ends[0]) * 32 * study.seeds) + 2  # of 32 clips, heard with every seed
    then = replace(study, replaced=(replaced(first, lost=lost),))
    was, now = (each[first] for each in editions.accuracies(then))
    assert was - now == pytest.approx(lost / (32 * study.seeds))
    (said,) = (said for said in observations(then) if said.startswith("**Trained anew.**"))
    assert f"Out of fold `{first}` had {100 * was:.1f}%, and has {100 * now:.1f}%." in said
    assert said.endswith(f"With the earlier answers `{first}` led.")
    less = replace(study, replaced=(replaced(second, lost=lost),))
    assert editions.led_before(less) == ""


def test_answers_on_the_test_fold_change_no_order(study: Study) -> None:
    then = replace(study, replaced=(replaced("cnn", "test", lost=8),))
    (said,) = (said for said in observations(then) if said.startswith("**Trained anew.**"))
    assert said.endswith("by the same recipe and seed ([@replaced]).")
    assert not editions.observed(study)


def test_of_a_holdout_study_the_member_that_it_scores_counts(
    write: Callable[..., Path], tmp_path: Path
) -> None:
    names = {"categories": ("bell", "door"), "names": NAMES, "per_fold": 4}
    study = read_study(write(tmp_path / "study", strategies=["holdout"], **names))
    for member, gain in (("fold-2", 1 / 8), ("fold-3", 0)):
        then = replace(study, replaced=(replaced("cnn", lost=1, member=member),))
        was, now = (each["cnn"] for each in editions.accuracies(then))
        assert was - now == pytest.approx(gain)


def test_the_summary_and_the_protocol_tell_of_replaced_answers(study: Study) -> None:
    then = replace(study, replaced=tuple(replaced(name, lost=32) for name in NAMES[:1]))
    other = replace(study, replaced=tuple(replaced(name, lost=32) for name in NAMES[1:]))
    pages = [set_page(make_document(each)) for each in (then, other, study)]
    assert ['id="replaced"' in page for page in pages] == [True, True, False]
    assert sorted("Before fits were trained anew" in page for page in pages) == [False, False, True]
    assert not any("[@" in page for page in pages)


def test_heads_are_compared_where_nothing_else_differs(study: Study) -> None:
    encoder = {"blocks": 2, "dropout": 0.1}
    recipes = [
        {
            "name": name,
            "network": {"encoder": encoder | {"heads": heads}},
            "training": {"rate": rate},
        }
        for name, heads, rate in (("h1", 1, 3), ("h4", 4, 3), ("tuned", 4, 5))
    ]
    first = study.configurations[-1]
    configurations = tuple(
        replace(first, name=each["name"], heads=each["network"]["encoder"]["heads"], blocks=2)
        for each in recipes
    )
    scores = replace(study.scores, configurations=configurations)
    found = replace(study, plan=study.plan | {"configurations": recipes}, scores=scores)
    assert [each.name for each in but_for_heads(found)] == ["h1", "h4"]


def test_time_is_compared_over_the_same_fits(study: Study) -> None:
    costs = [said for said in observations(study) if said.startswith("**Cost.**")]
    assert "times its time for the same fits" in costs[0]
    longer = replace(study.fits[0], strategy="esc5", train_seconds=1e6)
    more = replace(study, fits=(*study.fits, longer))
    assert [said for said in observations(more) if said.startswith("**Cost.**")] == costs


def test_no_time_is_compared_that_is_not_known(study: Study) -> None:
    gone = tuple(fit for fit in study.fits if fit.configuration != NAMES[0])
    assert not any("**Cost.**" in said for said in observations(replace(study, fits=gone)))


def test_folds_and_averaging_are_told_as_means_over_seeds(study: Study) -> None:
    for name in NAMES:
        found = folds_of(study)[name]
        assert len(found) == 4
        for fold, value in found.items():
            of_seeds = [accuracy(study, name, "kfold", fold, "out-of-fold", s) for s in "01"]
            assert value == pytest.approx(sum(of_seeds) / 2)
        gained = [
            accuracy(study, name, "kfold", "ensemble", "test", s)
            - accuracy(study, name, "kfold", "mean", "test", s)
            for s in "01"
        ]
        assert gains(study)[name] == pytest.approx(sum(gained) / 2)
    assert any("(first seed)" in said for said in observations(study))


def test_recordings_of_the_test_fold_are_counted_from_the_clips(study: Study) -> None:
    assert "Fold 1 holds 4 recordings, 2 in each category" in on_intervals(study)
    scores = replace(
        study.scores,
        configurations=tuple(
            replace(each, scores=tuple(row for row in each.scores if row.on != "test"))
            for each in study.configurations
        ),
    )
    assert on_intervals(replace(study, scores=scores)) == ""
