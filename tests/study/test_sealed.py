"""The test fold stays sealed until it is asked for, and every opening is written down."""

import shutil
from concurrent.futures import ThreadPoolExecutor

import pytest
from rich.console import Console

from auricle.data import store
from auricle.data.audio import load_wave
from auricle.errors import StudyError
from auricle.study.job import open_waves
from auricle.study.ledger import note_reading
from auricle.study.prepare import Setting, plan_jobs, prepare
from auricle.study.recipe import Recipe

SMALL = ("--workers", 1, "--wandb", "disabled", "--device", "cpu", "--epochs", 1)
KFOLD = ("--no-test", "--strategy", "kfold", *SMALL)
HEADER = "date,commit,recipe_hash,reason"


pytestmark = pytest.mark.usefixtures("undrawn")


@pytest.fixture
def own_set(tiny_set, tmp_path):
    return shutil.copytree(tiny_set, tmp_path / "tones")


@pytest.fixture
def decoded(monkeypatch, tmp_path):
    """Names of all files that are decoded, into a cache that holds nothing yet."""
    files = []

    def spy(file, sample_rate_hz):
        files.append(file.name)
        return load_wave(file, sample_rate_hz)

    monkeypatch.setenv("AURICLE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(store, "load_wave", spy)
    return files


def test_a_study_without_test_decodes_no_test_clip(auricle, tiny_plan, tmp_path, decoded):
    done = auricle("study", tiny_plan, "--out", tmp_path / "run", *KFOLD)

    assert done.code == 0, done.err
    assert {name[0] for name in decoded} == {"2", "3"}
    assert not list(tmp_path.rglob("test.npz"))
    assert not (tmp_path / "run" / "test_reads.csv").exists()


def test_a_study_with_test_decodes_it(auricle, tiny_plan, tmp_path, decoded):
    asked = ("--test", "--strategy", "holdout", "--set", "network.base.widths=[4, 4, 4]")

    done = auricle("study", tiny_plan, "--out", tmp_path / "run", *asked, *SMALL)

    assert done.code == 0, done.err
    assert {name[0] for name in decoded} == {"1", "2", "3"}


def test_a_test_fold_of_broken_files_stops_only_who_asks_for_it(
    auricle, tiny_plan, tmp_path, own_set, tools
):
    for file in own_set.glob("*/1-*.wav"):
        file.write_bytes(b"broken")

    refused = auricle(
        "study", tiny_plan, "--data", own_set, "--out", tmp_path / "asked", "--test", *SMALL
    )
    done = auricle("study", tiny_plan, "--data", own_set, "--out", tmp_path / "not", *KFOLD)

    assert refused.code == 1
    assert "1-0.wav: no audio that can be decoded" in refused.err
    assert not list((tmp_path / "asked").rglob("history.csv"))  # before anything was trained
    assert done.code == 0, done.err
    assert tools.scores_of(tmp_path / "not")["test_readings"] == 0


def test_a_reading_is_one_row_and_going_on_with_a_finished_study_none(
    auricle, tiny_plan, tmp_path, tools
):
    run, ledger = tmp_path / "run", tmp_path / "docs" / "reads.csv"
    ledger.parent.mkdir()
    ledger.write_text(f"{HEADER}\n2025-01-01,,,before the project began\n", encoding="utf-8")
    asked = ("study", tiny_plan, "--out", run, "--strategy", "holdout", *SMALL)
    asked += ("--ledger", ledger, "--reason", "a test, no more")

    assert auricle(*asked).code == 0
    once = tools.rows_of(ledger)
    scores = tools.scores_of(run)
    again = auricle(*asked, "--resume")

    assert [row["reason"] for row in once] == ["before the project began", "a test, no more"]
    assert again.code == 0, again.err
    assert tools.rows_of(ledger) == tools.rows_of(run / "test_reads.csv") == once
    assert scores["test_readings"] == 2
    assert tools.scores_of(run) == scores


def test_a_study_that_learns_from_the_test_fold_has_its_row_before_it_does(
    auricle, tiny_plan, tmp_path, tools, monkeypatch
):
    run = tmp_path / "run"
    asked = ("study", tiny_plan, "--out", run, "--strategy", "esc5", *SMALL)

    def killed(*anything, **more):
        raise StudyError("killed in mid-fit")

    with monkeypatch.context() as patched:
        patched.setattr("auricle.study.run.run_jobs", killed)
        assert auricle(*asked).code == 1
    assert len(tools.rows_of(run / "test_reads.csv")) == 1


def test_a_finished_study_that_goes_on_trains_and_reads_nothing(
    auricle, study, tiny_plan, tmp_path, monkeypatch, tools
):
    run = shutil.copytree(study, tmp_path / "tiny")
    before = {path: path.stat().st_mtime_ns for path in run.glob("*/*/*/*/*")}

    def refuse(*anything):
        raise AssertionError("nothing is left to do")

    monkeypatch.setattr("auricle.study.engine.run_job", refuse)
    monkeypatch.setattr("auricle.study.run.predict", refuse)
    asked = ("--seeds", 2, "--workers", 1, "--wandb", "disabled", "--device", "cpu", "--resume")
    done = auricle("study", tiny_plan, "--out", run, *asked)

    assert done.code == 0, done.err
    assert "20 of 20 fits are there already" in done.out
    assert {path: path.stat().st_mtime_ns for path in run.glob("*/*/*/*/*")} == before
    assert len(tools.rows_of(run / "test_reads.csv")) == 1
    for name in ("scores.json", "comparison.csv", "predictions.csv", "clips.csv", "study.toml"):
        assert (run / name).read_bytes() == (study / name).read_bytes()


def test_a_reading_without_a_ledger_outlives_one_with_a_ledger(tmp_path, tools):
    recipes = (Recipe(name="cnn"),)
    own, ledger = tmp_path / "run" / "test_reads.csv", tmp_path / "reads.csv"
    ledger.write_text(f"{HEADER}\n2025-01-01,-,-,before the project began", encoding="utf-8")

    note_reading(tmp_path / "run", recipes, "the study alone")
    for _ in range(2):  # the same again is a reading more
        note_reading(tmp_path / "run", recipes, "evidence,\nand a ledger", ledger)

    before, evidence = "before the project began", "evidence, and a ledger"
    reasons = [row["reason"] for row in tools.rows_of(ledger)]
    assert reasons == [before, evidence, evidence]
    reasons = [row["reason"] for row in tools.rows_of(own)]
    assert sorted(reasons) == sorted([before, evidence, evidence, "the study alone"])


def test_no_reading_gets_lost_among_several_studies(tmp_path):
    ledger = tmp_path / "docs" / "reads.csv"

    def read(number):
        note_reading(tmp_path / f"run-{number}", (Recipe(name="cnn"),), f"study {number}", ledger)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(read, range(24)))

    rows = ledger.read_text(encoding="utf-8").splitlines()[1:]
    assert sorted(row.rsplit(",", 1)[1] for row in rows) == sorted(f"study {n}" for n in range(24))


def test_what_fits_open_is_decoded_once_before_them(tools, tiny_plan, tmp_path, monkeypatch):
    monkeypatch.setenv("AURICLE_CACHE", str(tmp_path / "cache"))
    plan, setting = tools.plan_of(tiny_plan), Setting(run=tmp_path / "run", wandb="disabled")
    jobs = plan_jobs(plan, setting, prepare(plan, setting, Console(quiet=True)))
    assert {job.split.strategy for job in jobs} == {"kfold", "refit", "esc5"}

    monkeypatch.setattr(store, "_build", lambda *given: pytest.fail("decoded again"))
    for job in jobs:
        open_waves(job)
