import json
import socket
import subprocess
import sys

import pytest
import wandb

from auricle.training.history import Epoch
from auricle.training.tracking import RunName, Tracker

NAME = RunName("esc10", "study/transformer-h2", "kfold", "transformer-h2/kfold-3/seed-0")
KEYS = {"epoch", "lr"} | {
    f"{part}/{of}{measure}"
    for part in ("train", "val")
    for of in ("", "base_and_head_")
    for measure in ("loss", "accuracy")
}
SECRET = "0123456789abcdef0123456789abcdef01234567"


def history(epochs, validated=True):
    return [
        Epoch(
            epoch=epoch,
            lr=1e-3 / epoch,
            train_objective=2.0,
            train_loss=1 / epoch,
            train_accuracy=epoch / 200,
            val_loss=1.5 / epoch if validated else None,
            val_accuracy=epoch / 250 if validated else None,
            train_events_loss=2 / epoch,
            train_events_accuracy=epoch / 300,
            val_events_loss=2.5 / epoch if validated else None,
            val_events_accuracy=epoch / 350 if validated else None,
        )
        for epoch in range(1, epochs + 1)
    ]


def track(folder, rows, mode="offline", scores=None):
    with Tracker(mode, NAME, {"parameters_trainable": 1234}, folder) as tracker:
        for row in rows:
            tracker.log(row)
        tracker.summarise(scores or {})


def read_back(folder):
    """The records of the folder's only run, by type, as W&B's own reader gives them."""
    (file,) = (folder / "wandb").glob("offline-run-*/*.wandb")
    reader = [sys.executable, "-m", "wandb", "leet", "inspect", "--json", str(file)]
    answer = subprocess.run(reader, capture_output=True, encoding="utf-8", check=True, timeout=60)
    records = [json.loads(line) for line in answer.stdout.splitlines()]
    by_type = {record["type"]: [] for record in records}
    for record in records:
        by_type[record["type"]].append(record[record["type"]])
    return by_type


@pytest.fixture(autouse=True)
def no_one_to_ask(monkeypatch):
    """Neither a key nor somebody to type one, whatever the machine that tests."""

    def asked(*arguments, **named):
        raise AssertionError("a prompt")

    for name in ("API_KEY", "MODE", "BASE_URL", "PROJECT", "NAME", "RUN_GROUP", "DIR", "RUN_ID"):
        monkeypatch.delenv(f"WANDB_{name}", raising=False)
    monkeypatch.setattr("builtins.input", asked)
    monkeypatch.setattr("getpass.getpass", asked)


@pytest.fixture
def server(monkeypatch):
    """A place where W&B would be reached; it hears every attempt."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.2)
        port = listening.getsockname()[1]
        monkeypatch.setenv("WANDB_BASE_URL", f"http://127.0.0.1:{port}")
        yield listening


def test_a_hundred_epochs_are_read_back(tmp_path):
    rows = history(100)
    track(tmp_path, rows, scores={"val/accuracy": 0.4, "accuracy_pooled": 0.9})
    records = read_back(tmp_path)

    told = [
        {key: value for key, value in record["item"].items() if not key.startswith("_")}
        for record in records["history"]
    ]
    assert len(told) == 100
    assert all(set(row) == KEYS for row in told)
    for row, epoch in zip(told, rows, strict=True):
        assert row["epoch"] == epoch.epoch
        assert row["lr"] == pytest.approx(epoch.lr)
        assert row["train/loss"] == pytest.approx(epoch.train_loss)
        assert row["train/accuracy"] == pytest.approx(epoch.train_accuracy)
        assert row["val/loss"] == pytest.approx(epoch.val_loss)
        assert row["val/accuracy"] == pytest.approx(epoch.val_accuracy)
        assert row["train/base_and_head_loss"] == pytest.approx(epoch.train_events_loss)
        assert row["train/base_and_head_accuracy"] == pytest.approx(epoch.train_events_accuracy)
        assert row["val/base_and_head_loss"] == pytest.approx(epoch.val_events_loss)
        assert row["val/base_and_head_accuracy"] == pytest.approx(epoch.val_events_accuracy)

    (run,) = records["run"]
    assert run["project"] == NAME.project
    assert run["run_group"] == NAME.group
    assert run["job_type"] == NAME.job_type
    assert run["display_name"] == NAME.name
    assert run["config"]["update"]["parameters_trainable"] == 1234
    summary = {}
    for record in records["summary"]:
        summary |= record.get("update", {})
    assert summary["accuracy_pooled"] == 0.9
    assert summary["epoch"] == 100
    assert [end["exit_code"] for end in records["exit"]] == [0]


def test_without_validation_its_keys_are_left_out(tmp_path):
    track(tmp_path, history(3, validated=False))
    rows = read_back(tmp_path)["history"]
    told = [{key for key in row["item"] if not key.startswith("_")} for row in rows]
    assert told == [{key for key in KEYS if not key.startswith("val/")}] * 3


def test_disabled_writes_nothing(tmp_path, capfd, monkeypatch):
    monkeypatch.setitem(sys.modules, "wandb", None)  # not even imported
    track(tmp_path, history(3), mode="disabled", scores={"accuracy": 0.5})
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")


def test_a_resumed_fit_leaves_one_run_with_all_its_epochs(tmp_path):
    rows = history(6)

    def cut_off(rows):
        yield from rows[:3]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        track(tmp_path, cut_off(rows))
    track(tmp_path, rows)  # told of the finished epochs again
    assert len(list((tmp_path / "wandb").glob("*run-*"))) == 1
    told = [record["item"]["epoch"] for record in read_back(tmp_path)["history"]]
    assert told == [1, 2, 3, 4, 5, 6]


def test_a_failed_fit_ends_its_run_as_failed(tmp_path):
    with pytest.raises(RuntimeError, match="boom"), Tracker("offline", NAME, {}, tmp_path):
        raise RuntimeError("boom")
    (end,) = read_back(tmp_path)["exit"]
    assert end["exit_code"] != 0


def test_offline_stays_offline_whatever_the_environment_says(tmp_path, monkeypatch, server, capfd):
    monkeypatch.setenv("WANDB_API_KEY", SECRET)
    monkeypatch.setenv("WANDB_MODE", "online")
    monkeypatch.setenv("WANDB_PROJECT", "another")
    track(tmp_path, history(3))
    with pytest.raises(TimeoutError):  # nobody called
        server.accept()
    records = read_back(tmp_path)
    assert len(records["history"]) == 3
    assert records["run"][0]["project"] == NAME.project
    assert SECRET not in json.dumps(records)
    assert SECRET not in "".join(capfd.readouterr())
    for file in tmp_path.rglob("*"):
        if file.is_file():
            assert SECRET.encode() not in file.read_bytes(), file.name


def test_a_run_does_not_say_whose_machine_it_was(tmp_path):
    track(tmp_path, history(2))
    (run,) = read_back(tmp_path)["run"]
    assert not run.get("host")
    assert not run.get("username")
    (folder,) = (tmp_path / "wandb").glob("offline-run-*")
    names = {file.name for file in folder.rglob("*") if file.is_file()}
    assert "wandb-metadata.json" not in names


def test_nothing_is_printed(tmp_path, capfd):
    track(tmp_path, history(2))
    assert capfd.readouterr() == ("", "")


def test_several_fits_of_one_process_keep_their_own_runs(tmp_path):
    for fold in (1, 2):
        (tmp_path / f"fold-{fold}").mkdir()
        track(tmp_path / f"fold-{fold}", history(fold + 1))
    assert len(read_back(tmp_path / "fold-1")["history"]) == 2
    assert len(read_back(tmp_path / "fold-2")["history"]) == 3


def test_where_the_net_is_down_a_run_is_kept_here(tmp_path, monkeypatch, capfd):
    asked = []

    def begin(tracker, mode):
        asked.append(mode)
        if mode == "online":
            raise wandb.errors.CommError("no route to host")

    monkeypatch.setattr(Tracker, "begin", begin)
    track(tmp_path, [], mode="online")

    assert asked == ["online", "offline"]
    assert (
        "W&B cannot be reached (no route to host); the run is kept here" in capfd.readouterr().err
    )
