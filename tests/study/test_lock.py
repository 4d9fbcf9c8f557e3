"""Two commands never train one study at a time, and a killed one keeps nobody out."""

import errno
import subprocess
import sys

import pytest

from auricle.errors import StudyError
from auricle.study.lock import LOCK, WHO, alone_in

SMALL = ("--workers", 1, "--wandb", "disabled", "--device", "cpu", "--epochs", 1)
HOLD = """
import sys
from pathlib import Path
from auricle.study.lock import alone_in
with alone_in(Path(sys.argv[1])):
    print("held", flush=True)
    input()
"""


@pytest.fixture
def run(tmp_path):
    """A folder that another process works in."""
    folder = tmp_path / "run"
    folder.mkdir()
    return folder


@pytest.fixture
def other(run):
    """That process."""
    asked = [sys.executable, "-c", HOLD, str(run)]
    with subprocess.Popen(asked, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"held\n"
        yield process
        process.kill()


@pytest.mark.usefixtures("undrawn")
def test_a_study_that_another_process_trains_is_left_to_it(auricle, tiny_plan, run, other):
    asked = ("study", tiny_plan, "--out", run, "--no-test", "--strategy", "holdout", *SMALL)

    refused = auricle(*asked)
    left = {path.name for path in run.iterdir()}
    other.kill()  # as a machine does that has no memory left
    other.wait()
    done = auricle(*asked)

    assert refused.code == 1
    assert f"process {other.pid} on " in refused.err
    assert "works on this study; wait for it, or end it: what it has finished" in refused.err
    assert refused.err.count("\n") == 1
    assert left == {LOCK, WHO}
    assert done.code == 0, done.err
    assert (run / "scores.json").is_file()
    assert not (run / WHO).exists()


def test_a_lock_is_given_back_whatever_happens_meanwhile(tmp_path):
    def work_twice():
        with alone_in(tmp_path):
            with pytest.raises(StudyError, match="works on this study"), alone_in(tmp_path):
                pass
            assert (tmp_path / WHO).is_file()  # it is not given back by who was refused
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        work_twice()

    with alone_in(tmp_path):
        assert (tmp_path / WHO).is_file()
    assert not (tmp_path / WHO).exists()


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_disk_without_locks_is_told(tmp_path, monkeypatch, number):
    def refuse(self, **how):
        raise OSError(number, "no locks here")

    monkeypatch.setattr("auricle.study.lock.FileLock.acquire", refuse)
    with pytest.raises(StudyError, match="no lock can be had here"), alone_in(tmp_path):
        pass
