"""A study that is asked for more goes on in its folder, and trains nothing twice."""

import json
import tomllib
from dataclasses import replace

import pytest
import tomli_w

from auricle.study import command
from auricle.study.environment import describe_environment
from auricle.study.publish import publish
from auricle.study.recipe import plan_from

WHERE = {"workers": 1, "device": "cpu", "wandb": "disabled"}


@pytest.fixture
def of_cnn_alone(tiny_plan, tmp_path):
    """The tiny plan, `esc5` for one of its configurations."""
    table = tomllib.loads(tiny_plan.read_text(encoding="utf-8"))
    path = tmp_path / "tiny.toml"
    path.write_text(tomli_w.dumps(table | {"esc5_of": ["cnn"]}), encoding="utf-8")
    return path


def test_a_study_that_grew_is_the_one_that_was_whole_at_once(of_cnn_alone, tmp_path, tools):
    grown, whole = tmp_path / "grown", tmp_path / "whole"
    once = {"training": {"epochs": 1}}
    little = tools.plan_of(of_cnn_alone, once, seeds=1, test=False, strategies=["kfold"])
    much = tools.plan_of(of_cnn_alone, once, seeds=2)

    command.run(little, out=grown, **WHERE)
    assert not list(grown.rglob("test.npz"))
    before = {path: path.stat().st_mtime_ns for path in grown.rglob("fit.json")}
    command.run(much, out=grown, resume=True, **WHERE)
    command.run(much, out=whole, **WHERE)

    assert len(before) == 4  # two configurations, two development folds
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert tools.timeless(tools.scores_of(grown)) == tools.timeless(tools.scores_of(whole))
    for name in ("study.toml", "predictions.csv", "clips.csv"):
        assert (grown / name).read_bytes() == (whole / name).read_bytes()


def test_a_published_study_grows_without_the_weights_it_left_behind(
    study, tiny_plan, tmp_path, tools, capsys
):
    published = tmp_path / "published"
    publish(study, published)
    older = published / "cnn" / "kfold" / "fold-2" / "seed-0" / "fit.json"
    facts = json.loads(older.read_text(encoding="utf-8"))
    older.write_text(json.dumps(facts | {"code": "of a year ago"}), encoding="utf-8")
    before = {path: path.read_bytes() for path in published.rglob("fit.json")}
    assert before
    machine = published / "environment.json"
    elsewhere = json.loads(machine.read_text(encoding="utf-8")) | {"processor": "Another"}
    machine.write_text(json.dumps(elsewhere), encoding="utf-8")
    tiny = tools.plan_of(tiny_plan, seeds=2)
    another = replace(tiny.configurations[0], name="cnn-again")
    more = replace(tiny, configurations=(*tiny.configurations, another))

    command.run(more, out=published, resume=True, **WHERE)

    assert "1 of them were trained by other code than today's" in capsys.readouterr().out
    told = json.loads(machine.read_text(encoding="utf-8"))["processor"]
    assert told == f"Another, resumed on {describe_environment()['processor']}"
    assert {path: path.read_bytes() for path in before} == before
    was, now = tools.scores_of(study), tools.scores_of(published)
    trained = {path.relative_to(published).parts[0] for path in published.rglob("*.safetensors")}
    assert trained == {"cnn-again"}
    names = [each["name"] for each in was["configurations"]]
    assert [each for each in now["configurations"] if each["name"] in names] == was[
        "configurations"
    ]


def test_esc5_is_run_for_those_it_is_asked_for(of_cnn_alone, tmp_path, tools):
    run = tmp_path / "run"
    command.run(tools.plan_of(of_cnn_alone, strategies=["refit", "esc5"]), out=run, **WHERE)

    kept = {path.relative_to(run).parts[:2] for path in run.rglob("fit.json")}
    assert kept == {("cnn", "refit"), ("cnn", "esc5"), ("transformer-h2", "refit")}
    found = tools.scores_of(run)
    assert list(found["esc5"]) == ["cnn"]
    under = {
        each["name"]: {entry["strategy"] for entry in each["scores"]}
        for each in found["configurations"]
    }
    assert under == {"cnn": {"refit", "esc5"}, "transformer-h2": {"refit"}}


@pytest.mark.parametrize(
    "less", [{"seeds": 1}, {"seeds": 2, "test": False, "strategies": ["kfold"]}], ids=str
)
def test_a_study_is_not_cut_down_by_asking_for_less(auricle, study, tiny_plan, less):
    before = {path: path.stat().st_mtime_ns for path in study.rglob("*")}
    asked = ["--seeds", less["seeds"]]
    if "test" in less:
        asked += ["--no-test", "--strategy", "kfold"]

    refused = auricle("study", tiny_plan, "--out", study, "--resume", *asked)

    assert refused.code == 1
    assert "has more seeds, strategies or configurations than are asked for" in refused.err
    assert {path: path.stat().st_mtime_ns for path in study.rglob("*")} == before


def test_more_is_asked_for_with_resume_alone(auricle, study, tiny_plan):
    refused = auricle("study", tiny_plan, "--out", study, "--seeds", 3)

    assert refused.code == 1
    assert "this study is here; go on with --resume" in refused.err


@pytest.mark.parametrize(
    ("change", "extends"),
    [
        ({}, True),
        ({"seeds": 3}, True),
        ({"strategies": ["kfold", "refit", "esc5"], "test": True}, True),
        ({"configurations": ["cnn", "transformer-h1", "transformer-h2"]}, True),
        ({"committees": [{"name": "both", "of": ["cnn", "transformer-h1"]}]}, True),
        ({"seeds": 1}, False),
        ({"strategies": ["holdout"]}, False),
        ({"configurations": ["cnn"]}, False),
        ({"every": {"training": {"epochs": 3}}}, False),
        ({"clip_s": 4.0}, False),
        ({"data": "elsewhere"}, False),
        ({"name": "other"}, False),
    ],
    ids=str,
)
def test_what_extends_a_plan(change, extends):
    table = {
        "name": "a",
        "seeds": 2,
        "strategies": ["kfold"],
        "configurations": ["cnn", "transformer-h1"],
    }
    assert plan_from(table | change, {}, "a").extends(plan_from(table, {}, "a")) == extends


def test_a_committee_taken_away_is_less():
    table = {"name": "a", "strategies": ["kfold"], "configurations": ["cnn", "transformer-h1"]}
    more = {"committees": [{"name": "both", "of": ["cnn", "transformer-h1"]}]}
    with_it, without = (plan_from(table | extra, {}, "a") for extra in (more, {}))
    assert with_it.extends(without)
    assert not without.extends(with_it)


def test_esc5_taken_from_a_configuration_is_less():
    table = {
        "name": "a",
        "strategies": ["esc5"],
        "test": True,
        "configurations": ["cnn", "transformer-h1"],
    }
    both, one = (plan_from(table | more, {}, "a") for more in ({}, {"esc5_of": ["cnn"]}))
    assert both.extends(one)
    assert not one.extends(both)


def test_the_folder_of_another_release_is_left_alone(auricle, study, tiny_plan, tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    text = (study / "study.toml").read_text(encoding="utf-8")
    for name, wrong in (
        ("a value that is no more", text.replace("widths = ", "breadths = ")),
        ("a value that was not yet", text.replace("frames_per_step = 2\n", "")),
    ):
        assert wrong != text
        (run / "study.toml").write_text(wrong, encoding="utf-8")
        refused = auricle("study", tiny_plan, "--out", run, "--seeds", 2, "--resume")
        assert refused.code == 1, name
        assert "begun with another release; use that one" in refused.err, name
