"""Files that are whole or not there, and the text of a CSV."""

import csv
import io
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path


def replace_bytes(path: Path, content: bytes) -> None:
    """Write a file in one step, so that a kill at any moment leaves the old one or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with whose(path), unfinished.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        put_in_place(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)


@contextmanager
def whose(path: Path) -> Iterator[None]:
    """Let a system's problem with a file say which: a full disk does not."""
    try:
        yield
    except OSError as problem:
        problem.filename = problem.filename or str(path)
        raise


def put_in_place(unfinished: Path, path: Path) -> None:
    """Rename a file over another one, which on Windows must wait until nobody reads that one."""
    for wait_s in (0.02, 0.1, 0.5):
        try:
            unfinished.replace(path)
        except PermissionError:
            time.sleep(wait_s)
        else:
            return
    unfinished.replace(path)


def replace_text(path: Path, content: str) -> None:
    """Write a UTF-8 text file in one step, as `replace_bytes`."""
    replace_bytes(path, content.encode())


def csv_text(header: Sequence[object], rows: Iterable[Sequence[object]]) -> str:
    """A header and rows as CSV, each line ending in a line feed on every system."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()
