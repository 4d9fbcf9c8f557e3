"""A fit of a study, told to Weights & Biases on this machine and read back with its own reader."""

import json
import subprocess
import sys

import pytest

from auricle.training.tracking import check_online

KEYS = {"epoch", "lr", "train/loss", "train/accuracy", "val/loss", "val/accuracy"}


def records_of(fit):
    (file,) = (fit / "wandb").glob("offline-run-*/*.wandb")
    reader = [sys.executable, "-m", "wandb", "leet", "inspect", "--json", str(file)]
    answer = subprocess.run(reader, capture_output=True, encoding="utf-8", check=True, timeout=60)
    return [json.loads(line) for line in answer.stdout.splitlines()]


@pytest.mark.usefixtures("undrawn")
def test_a_hundred_epochs_are_a_hundred_rows_and_the_final_scores_the_summary(
    auricle, tiny_plan, tmp_path, tools
):
    run = tmp_path / "run"
    asked = ("--strategy", "holdout", "--no-test", "--epochs", 100, "--workers", 1)
    asked += ("--set", "training.views=1", "--set", "network.base.widths=[2, 2, 2]")

    done = auricle("study", tiny_plan, "--out", run, *asked)

    assert done.code == 0, done.err
    assert "wandb sync" in done.out
    fit = run / "cnn" / "kfold" / "fold-2" / "seed-0"
    told = records_of(fit)
    rows = [record["history"] for record in told if record["type"] == "history"]
    written = tools.rows_of(fit / "history.csv")
    assert len(rows) == len(written) == 100
    text = json.dumps(rows)
    assert all(json.dumps(key) in text or key.split("/")[-1] in text for key in KEYS)
    summary = json.dumps([record for record in told if record["type"] == "summary"])
    assert "final/accuracy" in summary
    assert "final/auc_macro" in summary


def test_runs_that_cannot_be_sent_stop_a_study_before_it_trains(
    auricle, tiny_plan, tmp_path, monkeypatch
):
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "none"))
    monkeypatch.setattr("wandb.login", lambda *, prompt: False)

    refused = auricle("study", tiny_plan, "--out", tmp_path / "run", "--wandb", "online")

    assert refused.code == 1
    assert "wandb login" in refused.err
    assert not (tmp_path / "run").exists()


def test_no_one_is_asked_for_a_key(monkeypatch):
    asked = []
    monkeypatch.setattr("wandb.login", lambda *, prompt: asked.append(prompt) or True)

    check_online()

    assert asked == [False]


@pytest.mark.parametrize("precision", ["float32", "bf16"])
def test_the_last_row_of_the_history_is_what_the_table_says(
    auricle, tiny_plan, tmp_path, tools, precision
):
    run = tmp_path / "run"
    asked = ("--strategy", "kfold", "--no-test", "--workers", 1, "--wandb", "disabled")

    done = auricle(
        "study", tiny_plan, "--out", run, *asked, "--set", f"training.precision={precision}"
    )

    assert done.code == 0, done.err
    compared = {
        (row["configuration"], row["member"]): float(row["accuracy"])
        for row in tools.rows_of(run / "comparison.csv")
    }
    for name in ("cnn", "transformer-h2"):
        for fold in ("fold-2", "fold-3"):
            last = tools.rows_of(run / name / "kfold" / fold / "seed-0" / "history.csv")[-1]
            assert float(last["val_accuracy"]) == pytest.approx(compared[name, fold], abs=1e-5)
