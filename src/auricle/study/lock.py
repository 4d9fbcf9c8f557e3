"""One command at a time works on a study: a file in its folder says which."""

import json
import os
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
    """Hold the folder of a study, or of its evidence, until the end of the block.

    A lock of a process that is gone is taken over. Whether one of another machine is, cannot be
    seen from here.

    Raises: StudyError if another command works on this study.
    """
    lock, own = run / LOCK, run / f"{LOCK}.{os.getpid()}.part"
    own.write_text(json.dumps(this_process()), encoding="utf-8")
    try:
        while True:
            try:
                put(own, lock)
                break
            except FileExistsError:
                take_away(lock, refuse_if_held(lock))
    finally:
        own.unlink(missing_ok=True)
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)


def put(own: Path, lock: Path) -> None:
    """Take a lock with all that it says, or raise FileExistsError."""
    try:
        os.link(own, lock)
    except FileExistsError:
        raise
    except OSError:  # of a file system without links: empty for a moment
        with lock.open("x", encoding="utf-8") as file:
            file.write(own.read_text(encoding="utf-8"))


def refuse_if_held(lock: Path) -> str | None:
    """What a lock says that nobody holds any more; None if it is gone.

    Raises: StudyError if the process that it names may be at work.
    """
    try:
        said = lock.read_text(encoding="utf-8")
        held = json.loads(said)
    except FileNotFoundError:  # just given back
        return None
    except json.JSONDecodeError:  # killed while it wrote
        return said
    if held["host"] != socket.gethostname():
        raise StudyError(
            f"{lock.parent}: process {held['pid']} on {held['host']} works on this study; wait for "
            f"it, or delete {LOCK} there if it has ended"
        )
    if is_alive(held["pid"], held["since"]):
        raise StudyError(
            f"{lock.parent}: process {held['pid']} works on this study; wait for it, or end it: "
            "what it has finished is kept"
        )
    return said


def take_away(lock: Path, stale: str | None) -> None:
    """Remove a lock that says this; one that somebody has just taken instead is left to them."""
    if stale is None:
        return
    aside = lock.with_name(f"{LOCK}.{os.getpid()}.stale.part")
    try:
        lock.rename(aside)  # of several who try, one succeeds
    except FileNotFoundError:
        return
    if aside.read_text(encoding="utf-8") != stale:
        aside.rename(lock)
    aside.unlink(missing_ok=True)


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
