"""One command at a time works on a study: the system holds a lock on a file in its folder."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from auricle.errors import StudyError

LOCK = ".lock"
WHO = "running.txt"


@contextmanager
def alone_in(run: Path) -> Iterator[None]:
    """Hold the folder of a study, or of its evidence, until the end of the block.

    The lock of a process that is gone is gone with it. Who holds it is said in a file beside.

    Raises: StudyError if another command works on this study, or the disk knows no locks.
    """
    lock, who = FileLock(run / LOCK, fallback_to_soft=False), run / WHO
    try:
        lock.acquire(blocking=False)
    except Timeout:
        holder = "another command"
        with suppress(FileNotFoundError):  # just given back
            holder = who.read_text(encoding="utf-8")
        problem = f"{run}: {holder} works on this study; wait for it, or end it: "
        raise StudyError(f"{problem}what it has finished is kept") from None
    except (OSError, NotImplementedError) as problem:  # ENOLCK of a share, or no flock at all
        raise StudyError(
            f"{run}: no lock can be had here ({problem}); choose a folder on another disk"
        ) from problem
    try:
        who.write_text(f"process {os.getpid()} on {socket.gethostname()}", encoding="utf-8")
        yield
    finally:
        who.unlink(missing_ok=True)
        lock.release()
