"""Files that are whole or not there."""

import os
from pathlib import Path


def replace_bytes(path: Path, content: bytes) -> None:
    """Write a file in one step, so that a kill at any moment leaves the old one or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with unfinished.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def replace_text(path: Path, content: str) -> None:
    """Write a UTF-8 text file in one step, as `replace_bytes`."""
    replace_bytes(path, content.encode())
