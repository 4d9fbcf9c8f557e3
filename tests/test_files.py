"""Files are whole or not there."""

import errno
import os

import pytest

from auricle.files import replace_bytes, replace_text


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_written_with_its_folders(tmp_path):
    replace_bytes(tmp_path / "a" / "b" / "c.bin", b"whole")

    assert (tmp_path / "a" / "b" / "c.bin").read_bytes() == b"whole"
    assert names(tmp_path / "a" / "b") == ["c.bin"]


def test_text_is_utf_8_with_the_line_ends_it_came_with(tmp_path):
    replace_text(tmp_path / "t.csv", "α,1\nβ,2\n")

    assert (tmp_path / "t.csv").read_bytes() == "α,1\nβ,2\n".encode()


def test_a_new_file_takes_the_place_of_the_old_one(tmp_path):
    replace_text(tmp_path / "t", "a longer text")
    replace_text(tmp_path / "t", "short")

    assert (tmp_path / "t").read_text(encoding="utf-8") == "short"
    assert names(tmp_path) == ["t"]


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_whatever_fails_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, step):
    replace_text(tmp_path / "t", "old")

    def fail(*anything):
        raise OSError(errno.ENOSPC, "No space left on device")

    owner = "auricle.files.os.fsync" if step == "fsync" else "pathlib.Path.replace"
    monkeypatch.setattr(owner, fail)
    with pytest.raises(OSError, match="No space left"):
        replace_text(tmp_path / "t", "new")

    assert (tmp_path / "t").read_text(encoding="utf-8") == "old"
    assert names(tmp_path) == ["t"]


def test_a_kill_while_writing_leaves_the_old_file(tmp_path, monkeypatch):
    """What a killed process leaves is what stands there when it stops for good."""
    replace_text(tmp_path / "t", "old")
    found = []
    monkeypatch.setattr(
        "auricle.files.os.fsync",
        lambda number: found.append((tmp_path / "t").read_text(encoding="utf-8")),
    )

    replace_text(tmp_path / "t", "new")

    assert found == ["old"]


def test_two_processes_do_not_write_one_unfinished_file(tmp_path, monkeypatch):
    unfinished = []
    monkeypatch.setattr("auricle.files.os.fsync", lambda number: unfinished.extend(names(tmp_path)))

    replace_text(tmp_path / "t", "one")
    monkeypatch.setattr(os, "getpid", lambda: 1)
    (tmp_path / "t").unlink()
    replace_text(tmp_path / "t", "other")

    assert len(set(unfinished)) == 2
