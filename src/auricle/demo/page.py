"""The files that the page is made of. One of them differs by where the network runs.

`listener.js` answers `listen(about)`: over HTTP in `auricle demo`, in the page itself in what
`auricle export --web` writes.
"""

from importlib.resources import files
from typing import Literal

LISTENER = "listener.js"
DRAWINGS = "draw.js"
"""Of the report's page, which draws clips alike."""


def page_files(network: Literal["http", "onnx"]) -> dict[str, bytes]:
    """Content by name."""
    room = files("auricle")
    held = {part.name: part.read_bytes() for part in (room / "demo" / "parts").iterdir()}
    held[DRAWINGS] = (room / "report" / "templates" / DRAWINGS).read_bytes()
    listeners = {name: held.pop(f"listener-{name}.js") for name in ("http", "onnx")}
    return held | {LISTENER: listeners[network]}
