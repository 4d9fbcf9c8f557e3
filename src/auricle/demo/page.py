"""The files that the page is made of. One of them differs by where the network runs.

`listener.js` answers `listen(about)`: over HTTP in `auricle demo`, in the page itself in what
`auricle export --web` writes.
"""

from importlib.resources import files
from typing import Literal

LISTENER = "listener.js"


def page_files(network: Literal["http", "onnx"]) -> dict[str, bytes]:
    """Content by name."""
    parts = files("auricle.demo") / "parts"
    held = {part.name: part.read_bytes() for part in parts.iterdir()}
    listeners = {name: held.pop(f"listener-{name}.js") for name in ("http", "onnx")}
    return held | {LISTENER: listeners[network]}
