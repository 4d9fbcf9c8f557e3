"""A study that is killed in the middle of a fit and goes on ends as if it had not been."""

import contextlib
import subprocess
import sys
import time
import tomllib

import psutil
import pytest
import tomli_w

EPOCHS = 24
DEADLINE_S = 90
ASKED = ("--strategy", "kfold", "--strategy", "refit", "--epochs", EPOCHS, "--wandb", "disabled")
LINE = "from auricle.cli import main; main()"


def plan_without_the_transformer(tiny_plan, folder):
    path = folder / "kept.toml"
    asked = tomllib.loads(tiny_plan.read_text(encoding="utf-8"))
    asked["configurations"] = ["cnn"]
    del asked["committees"]
    path.write_text(tomli_w.dumps(asked), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def plan(tiny_plan, tmp_path_factory):
    return plan_without_the_transformer(tiny_plan, tmp_path_factory.mktemp("kept"))


def command(plan, out, *more):
    asked = ("study", plan, "--out", out, *ASKED, "--device", "cpu", *more)
    return [sys.executable, "-c", LINE, *map(str, asked)]


def finished(run):
    return {path.parent for path in run.rglob("fit.json")}


def begun(run):
    return {path.parent for path in run.rglob("checkpoint.pt")} - finished(run)


def half_way(run):
    """Fits that have an epoch behind them and half of all before them."""
    return {
        fit
        for fit in begun(run)
        if (history := fit / "history.csv").exists()
        and history.read_text(encoding="utf-8").count("\n") <= EPOCHS // 2
    }


def wait_for(condition, process):
    until = time.monotonic() + DEADLINE_S
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until
        time.sleep(0.002)


def end(processes):
    """Workers outlive a killed parent until the end of their epoch; the test does not wait."""
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(processes, timeout=DEADLINE_S)


@pytest.mark.usefixtures("undrawn")
def test_a_killed_study_goes_on_and_ends_as_one_that_was_not(plan, tmp_path, auricle, tools):
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command(plan, killed, "--workers", 2), **pipes) as process:
        wait_for(lambda: finished(killed) and half_way(killed), process)
        workers = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        process.wait()
    end(workers)
    kept = {path: path.stat().st_mtime_ns for fit in finished(killed) for path in fit.iterdir()}
    assert 0 < len(finished(killed)) < 3
    assert not (killed / "scores.json").exists()
    assert any(0 < len(tools.rows_of(fit / "history.csv")) < EPOCHS for fit in begun(killed))

    asked = ("study", plan, *ASKED, "--device", "cpu", "--workers", 1)
    refused = auricle(*asked, "--out", killed)
    ended = auricle(*asked, "--out", killed, "--resume")
    undisturbed = auricle(*asked, "--out", whole)

    assert refused.code == 1
    assert "this study is here; go on with --resume" in refused.err
    assert ended.code == 0, ended.err
    assert undisturbed.code == 0, undisturbed.err
    assert tools.timeless(tools.scores_of(killed)) == tools.timeless(tools.scores_of(whole))
    assert {path: path.stat().st_mtime_ns for path in kept} == kept  # no finished fit was touched
    for path in whole.glob("cnn/*/*/*/*"):
        if path.name in {"history.csv", "weights.safetensors", "recipe.toml"}:
            same = killed / path.relative_to(whole)
            assert same.read_bytes() == path.read_bytes(), path.relative_to(whole)
    assert not list(killed.rglob("checkpoint.pt"))
    assert len(tools.rows_of(killed / "test_reads.csv")) == 1
