"""What users and accidents do to a study, and what it makes of that."""

import contextlib
import json
import shutil
import subprocess
import sys
import time

import numpy as np
import psutil
import pytest

from auricle.cli import app
from auricle.data.clips import Clip
from auricle.errors import AuricleError, RecipeError
from auricle.study.fits import Predictions
from auricle.study.protocol import splits
from auricle.study.recipe import plan_from, read_plan, read_recipe
from auricle.study.scores import Member, gather
from auricle.study.summary import best_of

FIT = "cnn/kfold/fold-2/seed-0"
KFOLD = ("--no-test", "--strategy", "kfold", "--workers", 1, "--wandb", "disabled", "--epochs", 1)


pytestmark = pytest.mark.usefixtures("undrawn")


def plan(tmp_path, text, changes=None):
    path = tmp_path / "own.toml"
    path.write_text(text, encoding="utf-8")
    return plan_from(read_plan(str(path)), changes or {}, str(path))


def entry(strategy, member, value):
    accuracy = {"value": value, "low": None, "high": None}
    found = {"strategy": strategy, "member": member, "on": "out-of-fold", "seed": "0"}
    return found | {"accuracy": accuracy}


def test_the_best_configuration_is_the_best_of_kfold_pooled():
    def configuration(name, folds):
        scores = [entry("kfold", f"fold-{k}", v) for k, v in enumerate(folds, start=2)]
        scores += [entry("kfold", "pooled", sum(folds) / 4), entry("holdout", "fold-2", folds[0])]
        return {"name": name, "architecture": "cnn", "scores": scores}

    steady = configuration("steady", [0.80, 0.92, 0.92, 0.92])  # pooled 0.89
    lucky = configuration("lucky", [0.95, 0.86, 0.86, 0.87])  # pooled 0.885

    assert best_of([steady, lucky])["out_of_fold"] == "steady"


def test_holdout_of_ten_folds_is_the_first_development_fold():
    folds = tuple(range(1, 11))
    members = [
        Member(
            *("cnn", split.strategy, split.member, 0, 1.0),
            Predictions((Clip(split.member, "a", split.validation, "r"),), np.ones((1, 1))),
            None,
        )
        for split in splits(("kfold", "holdout"), folds)
    ]

    found = list(gather("cnn", members, ("kfold", "holdout"), folds))

    assert [e.member for e in found if e.strategy == "holdout"] == ["fold-2"]


def test_workers_of_a_killed_study_begin_no_other_fit(tiny_plan, tmp_path):
    run = tmp_path / "run"
    asked = ["study", str(tiny_plan), "--out", str(run), "--workers", "2", "--wandb", "disabled"]
    line = "from auricle.cli import main; main()"
    with subprocess.Popen(
        [sys.executable, "-c", line, *asked, "--epochs", "30"], stdout=subprocess.DEVNULL
    ) as process:
        until = time.monotonic() + 90
        while not list(run.rglob("checkpoint.pt")):
            assert process.poll() is None
            assert time.monotonic() < until
            time.sleep(0.01)
        workers = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        process.wait()
    begun = {path.parent for path in run.rglob("training-powers.npy")}
    time.sleep(10)  # the epochs of these fits take a tenth of a second
    later = {path.parent for path in run.rglob("history.csv")} - begun
    for worker in workers:
        with contextlib.suppress(psutil.NoSuchProcess):
            worker.kill()
    psutil.wait_procs(workers, timeout=30)
    assert len(later) == 0


def test_a_study_does_not_go_on_with_other_clips(auricle, tiny_plan, tiny_set, tmp_path, tools):
    """Added clips may move the folds: what one fit learnt another would validate on."""
    own = shutil.copytree(tiny_set, tmp_path / "tones")
    run = tmp_path / "run"
    assert auricle("study", tiny_plan, "--data", own, "--out", run, *KFOLD).code == 0
    rows = [tuple(row.values()) for row in tools.rows_of(own / "clips.csv")]
    swap = {"2": "3", "3": "2"}
    tools.write_labels(own, [(f, c, swap.get(k, k), r) for f, c, k, r in rows])

    again = auricle("study", tiny_plan, "--data", own, "--out", run, *KFOLD, "--resume")

    assert again.code == 1
    assert "clips" in again.err


def test_an_evaluation_of_the_test_fold_is_a_reading(auricle, study, tiny_set, tmp_path, tools):
    run = shutil.copytree(study, tmp_path / "run")

    done = auricle("evaluate", run / FIT, "--data", tiny_set, "--folds", 1, "--test")

    assert done.code == 0, done.err
    assert len(tools.rows_of(run / "test_reads.csv")) == 2


def test_a_renamed_copy_does_not_open_the_test_fold(auricle, study, tiny_set, tmp_path):
    own = shutil.copytree(tiny_set, tmp_path / "renamed")

    refused = auricle("evaluate", study / FIT, "--data", own, "--folds", 1)

    assert refused.code == 1


def test_all_clips_of_a_foreign_set_are_scored(auricle, study, tmp_path, tools):
    other = tools.write_set(tmp_path / "other", folds=4)
    for number, file in enumerate(sorted(other.glob("*/*.wav"))):  # no clip is one of the study's
        file.write_bytes(file.read_bytes()[:-2] + number.to_bytes(2, "little"))
    rows = tools.rows_of(other / "clips.csv")
    tools.write_labels(
        other, [(r["file"], r["category"], r["fold"], f"other/{r['recording']}") for r in rows]
    )

    done = auricle("evaluate", study / FIT, "--data", other)

    assert done.code == 0, done.err
    assert "48 clips of other" in done.out


def test_changes_reach_configurations_written_in_the_plan(tmp_path):
    text = 'name = "a"\ntest = true\n[every.training]\nviews = 2\n[[configurations]]\nname = "b"\n'

    found = plan(tmp_path, text, {"training": {"epochs": 3}}).configurations[0].training

    assert (found.views, found.epochs) == (2, 3)


@pytest.mark.parametrize(
    "text",
    [
        'name = "a"\nconfigurations = 5',
        'name = "a"\nevery = 5\nconfigurations = ["cnn"]',
        'name = "a"\ntest = true\nconfigurations = ["cnn"]\n[columns]\nfile = "f"\ncatgory = "c"\n',
    ],
)
def test_a_plan_of_wrong_types_or_unknown_columns_is_refused(tmp_path, text):
    with pytest.raises(RecipeError):
        plan(tmp_path, text)


@pytest.mark.parametrize(
    "change", ['views = "8"', "views = true", "learning_rate = nan", "learning_rate = -1.0"]
)
def test_a_wrong_type_or_a_rate_that_cannot_be_is_refused(tmp_path, change):
    path = tmp_path / "own.toml"
    path.write_text(f'name = "a"\n[training]\n{change}\n', encoding="utf-8")

    with pytest.raises(RecipeError):
        read_recipe(str(path))


@pytest.mark.parametrize("name", ["../evil", "a/b", "", "report"])
def test_a_name_that_is_no_folder_is_refused(tmp_path, name):
    path = tmp_path / "own.toml"
    path.write_text(f'name = "{name}"\n', encoding="utf-8")

    with pytest.raises(RecipeError):
        read_recipe(str(path))


def test_a_recipe_that_is_not_utf_8_is_refused(tmp_path):
    (tmp_path / "own.toml").write_bytes(b'name = "\xff"')

    with pytest.raises(RecipeError):
        read_recipe(str(tmp_path / "own.toml"))


def test_names_with_brackets_are_told_as_they_are(auricle, tiny_plan, tiny_set, tmp_path, tools):
    own = shutil.copytree(tiny_set, tmp_path / "tones")
    rows = [list(row.values()) for row in tools.rows_of(own / "clips.csv")]
    (own / "bell" / "2-0.wav").rename(own / "bell" / "2-0 [b].wav")
    rows = [["bell/2-0 [b].wav" if r[0] == "bell/2-0.wav" else r[0], *r[1:]] for r in rows]
    (own / "bell" / "2-0 [b].wav").write_bytes(b"")
    tools.write_labels(own, rows)

    done = auricle(
        "study", tiny_plan, "--data", own, "--out", tmp_path / "run", "--skip-bad", *KFOLD
    )

    assert done.code == 0, done.err
    assert "bell/2-0 [b].wav" in done.out


def test_a_leftover_of_a_kill_does_not_take_the_folder(auricle, tiny_plan, tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    (run / "study.toml.123.part").write_bytes(b"na")

    assert auricle("study", tiny_plan, "--out", run, *KFOLD).code == 0


def test_a_kill_between_the_facts_and_the_clearing_leaves_nothing(auricle, tiny_plan, tmp_path):
    run = tmp_path / "run"
    assert auricle("study", tiny_plan, "--out", run, *KFOLD).code == 0
    (run / FIT / "checkpoint.pt").write_bytes(b"left")

    assert auricle("study", tiny_plan, "--out", run, *KFOLD, "--resume").code == 0
    assert not list(run.rglob("checkpoint.pt"))


@pytest.mark.parametrize(
    ("name", "content"), [("weights.safetensors", b"no weights"), ("fit.json", b"{")]
)
def test_a_damaged_fit_is_refused(auricle, study, tmp_path, name, content):
    fit = shutil.copytree(study / FIT, tmp_path / "fit")
    (fit / name).write_bytes(content)
    try:
        refused = auricle("predict", "a.wav", "--model", fit)
    except Exception as bug:  # noqa: BLE001
        pytest.fail(f"{type(bug).__name__}: {bug}")
    assert refused.code == 1
    assert name in refused.err


def test_missing_weights_are_named(auricle, study, tmp_path):
    fit = shutil.copytree(study / FIT, tmp_path / "fit")
    (fit / "weights.safetensors").unlink()

    assert "weights.safetensors" in auricle("predict", "a.wav", "--model", fit).err


def test_weights_of_another_release_are_refused(auricle, study, tmp_path):
    # Its recipe lacks a value; today's default is not what the weights learnt with.
    fit = shutil.copytree(study / FIT, tmp_path / "fit")
    facts = json.loads((fit / "fit.json").read_text(encoding="utf-8"))
    del facts["recipe"]["network"]["encoder"]["position_gain"]
    (fit / "fit.json").write_text(json.dumps(facts), encoding="utf-8")

    refused = auricle("predict", "a.wav", "--model", fit)
    assert refused.code == 1
    assert "trained by another release" in refused.err


def test_weights_that_do_not_fit_their_recipe_are_refused(auricle, study, tmp_path):
    fit = shutil.copytree(study / FIT, tmp_path / "fit")
    facts = json.loads((fit / "fit.json").read_text(encoding="utf-8"))
    facts["recipe"]["network"]["base"]["widths"] = [16, 16, 16]
    (fit / "fit.json").write_text(json.dumps(facts), encoding="utf-8")
    try:
        refused = auricle("predict", "a.wav", "--model", fit)
    except Exception as bug:  # noqa: BLE001
        pytest.fail(f"{type(bug).__name__}: {str(bug)[:200]}")
    assert refused.code == 1


@pytest.mark.parametrize("command", ["study", "report", "evaluate"])
def test_an_output_that_cannot_be_made_is_told(
    auricle, study, tiny_plan, tiny_set, tmp_path, monkeypatch, command
):
    (tmp_path / "file").write_text("years of work", encoding="utf-8")
    out = tmp_path / "file" / "sub"
    asked = {
        "study": ("study", tiny_plan, "--out", out, *KFOLD),
        "report": ("report", study, "--out", out),
        "evaluate": ("evaluate", study / FIT, "--data", tiny_set, "--out", out),
    }
    if command == "report":
        monkeypatch.undo()  # the fixture's report that draws nothing
        monkeypatch.setenv("AURICLE_CACHE", str(tmp_path))
    try:
        refused = auricle(*asked[command])
    except Exception as bug:  # noqa: BLE001
        pytest.fail(f"{type(bug).__name__}: {bug}")
    assert refused.code == 1


def test_a_fold_that_is_not_there_is_told_beside_one_that_is(auricle, study, tiny_set):
    refused = auricle("evaluate", study / FIT, "--data", tiny_set, "--folds", 2, "--folds", 9)

    assert refused.code == 1


def test_a_study_knows_its_data_when_it_is_evaluated(auricle, study):
    """Without --data the answer should name the study's own set, not another one."""
    assert "tones" in auricle("evaluate", study / FIT).err


def test_a_full_disk_names_the_file_that_found_no_room(tmp_path, monkeypatch):
    from auricle.files import replace_bytes

    def fail(number):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("auricle.files.os.fsync", fail)
    with pytest.raises((OSError, AuricleError)) as full:
        replace_bytes(tmp_path / "scores.json", b"x")
    assert "scores.json" in str(full.value)


@pytest.mark.parametrize("command", ["study", "report"])
def test_several_examples_are_in_the_help(command, capsys):
    app([command, "--help"], result_action="return_value")

    assert f"auricle {command} " in capsys.readouterr().out.split("Usage", 1)[1].split("\n", 1)[1]


def test_folds_that_a_study_made_can_be_used_again(auricle, tiny_plan, tiny_set, tmp_path, tools):
    own = tmp_path / "unfolded"
    shutil.copytree(tiny_set, own)
    (own / "clips.csv").unlink()
    made, again = tmp_path / "made", tmp_path / "again"
    assert auricle("study", tiny_plan, "--data", own, "--out", made, *KFOLD).code == 0
    extra = own / "bell" / "new.wav"
    extra.write_bytes((own / "bell" / "2-0.wav").read_bytes()[:-2] + b"\x01\x00")

    done = auricle(
        *("study", tiny_plan, "--data", made / "clips.csv", "--root", own, "--out", again, *KFOLD)
    )

    assert done.code == 0, done.err
    assert tools.rows_of(again / "clips.csv") == tools.rows_of(made / "clips.csv")
    assert str(tmp_path) not in (again / "study.toml").read_text(encoding="utf-8")


def test_a_file_named_by_its_place_on_this_machine_is_refused(auricle, tiny_plan, tmp_path):
    labels = tmp_path / "labels.csv"
    labels.write_text(f"file,category\n{tmp_path / 'a.wav'},a\n", encoding="utf-8")

    refused = auricle("study", tiny_plan, "--data", labels, "--out", tmp_path / "run")

    assert refused.code == 1
    assert "is absolute" in refused.err
