"""How a page names the files that stand in other folders."""

import os
from pathlib import Path
from urllib.parse import quote


def way(start: Path, end: Path) -> str:
    """From a page's folder to another one, as a link says it."""
    try:
        return quote(Path(os.path.relpath(end.resolve(), start.resolve())).as_posix())
    except ValueError:  # on another drive
        return end.resolve().as_uri()
