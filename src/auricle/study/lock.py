"""One command at a time works on a study: a file in its folder says which."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from auricle.errors import StudyError

LOCK = "running.lock"
_SAME_S = 2.0
"""When a process began is reckoned from the clock, which may be set meanwhile."""


@contextmanager
def alone_in(run: Path) -> Iterator[None]:
    """Hold a study's folder until the end of the block.

    A lock of a process that is gone is taken over. Whether one of another machine is, cannot be
    seen from here.

    Raises: StudyError if another command works on this study.
    """
    lock = run / LOCK
    while True:
        try:
            with lock.open("x", encoding="utf-8") as file:
                file.write(json.dumps(this_process()))
            break
        except FileExistsError:
            refuse_if_held(lock)
            lock.unlink(missing_ok=True)
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)


def refuse_if_held(lock: Path) -> None:
    """Raise a StudyError if the process that a lock names may be at work."""
    try:
        held = json.loads(lock.read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):  # just given back; killed while it wrote
        return
    if held["host"] != socket.gethostname():
        raise StudyError(
            f"{lock.parent}: process {held['pid']} on {held['host']} works on this study; wait for "
            f"it, or delete {LOCK} there if it has ended"
        )
    if is_alive(held["pid"], held["since"]):
        raise StudyError(
            f"{lock.parent}: process {held['pid']} works on this study; wait for it, or end it and "
            "go on with --resume"
        )


def this_process() -> dict[str, Any]:
    """What tells this process from all others, now and later: its host, number and beginning."""
    process = psutil.Process()
    return {"host": socket.gethostname(), "pid": process.pid, "since": process.create_time()}


def is_alive(pid: int, since: float) -> bool:
    """Whether a process of this machine is there, and the one that began then."""
    try:
        process = psutil.Process(pid)
        same = abs(process.create_time() - since) < _SAME_S
        return bool(same and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
