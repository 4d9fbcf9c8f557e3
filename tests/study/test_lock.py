"""Two commands never train one study at a time, and a killed one keeps nobody out."""

import json
import socket
import subprocess
import sys

import psutil
import pytest

from auricle.errors import StudyError
from auricle.study.lock import LOCK, alone_in, put, take_away

SMALL = ("--workers", 1, "--wandb", "disabled", "--device", "cpu", "--epochs", 1)


@pytest.fixture
def other():
    """Another process of this machine, and what its lock says."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        since = psutil.Process(process.pid).create_time()
        yield process, {"host": socket.gethostname(), "pid": process.pid, "since": since}
        process.kill()


def write_lock(run, held):
    run.mkdir(exist_ok=True)
    (run / LOCK).write_text(json.dumps(held), encoding="utf-8")


def test_a_study_that_another_process_trains_is_left_to_it(
    auricle, tiny_plan, tmp_path, other, monkeypatch
):
    process, held = other
    run = tmp_path / "run"
    monkeypatch.setattr("auricle.report.write_report", lambda folder: ())
    asked = ("study", tiny_plan, "--out", run, "--no-test", "--strategy", "holdout", *SMALL)
    write_lock(run, held)

    refused = auricle(*asked)
    left = {path.name for path in run.iterdir()}
    process.kill()  # as a machine does that has no memory left
    process.wait()
    done = auricle(*asked)

    assert refused.code == 1
    assert f"process {process.pid} works on this study; wait for it, or end it: what" in refused.err
    assert refused.err.count("\n") == 1
    assert left == {LOCK}
    assert done.code == 0, done.err
    assert (run / "scores.json").is_file()
    assert not (run / LOCK).exists()


def test_a_lock_is_given_back_whatever_happens_meanwhile(tmp_path):
    def work_twice():
        with alone_in(tmp_path):
            with pytest.raises(StudyError, match="works on this study"), alone_in(tmp_path):
                pass
            assert (tmp_path / LOCK).is_file()  # it is not given back by who was refused
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        work_twice()

    assert not (tmp_path / LOCK).exists()


@pytest.mark.parametrize("change", [{"since": 1.0}, {"pid": 2**22 + 1}])
def test_a_process_that_only_has_the_number_of_a_dead_one_is_no_hindrance(tmp_path, other, change):
    write_lock(tmp_path, other[1] | change)

    with alone_in(tmp_path):
        assert json.loads((tmp_path / LOCK).read_text(encoding="utf-8"))["pid"] != other[1]["pid"]


def test_a_lock_says_all_that_it_says_from_the_beginning(tmp_path, other, monkeypatch):
    own = tmp_path / "own.part"
    own.write_text("all of it", encoding="utf-8")
    put(own, tmp_path / LOCK)
    with pytest.raises(FileExistsError):
        put(own, tmp_path / LOCK)
    assert (tmp_path / LOCK).read_text(encoding="utf-8") == "all of it"

    def refuse(one, another):
        raise PermissionError("no links here")

    monkeypatch.setattr("os.link", refuse)
    with pytest.raises(FileExistsError):
        put(own, tmp_path / LOCK)
    (tmp_path / LOCK).write_text("", encoding="utf-8")  # of one that was killed while it wrote
    with alone_in(tmp_path):
        assert json.loads((tmp_path / LOCK).read_text(encoding="utf-8"))


def test_a_stale_lock_is_taken_from_nobody_who_took_it_first(tmp_path, other):
    write_lock(tmp_path, other[1])
    lock = tmp_path / LOCK
    take_away(lock, "what the stale one said")
    assert json.loads(lock.read_text(encoding="utf-8")) == other[1]
    take_away(lock, lock.read_text(encoding="utf-8"))
    take_away(lock, "gone meanwhile")
    take_away(lock, None)
    assert not list(tmp_path.iterdir())


def test_of_another_machine_it_is_told_what_to_do(tmp_path, other):
    write_lock(tmp_path, other[1] | {"host": "elsewhere"})

    said = r"on elsewhere works .* delete running.lock there if"
    with pytest.raises(StudyError, match=said), alone_in(tmp_path):
        pass
