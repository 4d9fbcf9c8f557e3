"""The page as files that need no server of ours: the network runs in the visitor's browser.

index.html ...      the page, with a policy that lets nothing leave it
about.json          what the model is;  sounds/ to try
model.onnx          the network, from the wave to the answer
ort/                onnxruntime-web, which runs it, on one thread
"""

from dataclasses import replace
from pathlib import Path

from pydantic import TypeAdapter

from auricle.demo.about import About, about, address, open_model
from auricle.demo.decoding import Limits
from auricle.demo.page import page_files
from auricle.demo.sounds import sounds_to_try
from auricle.errors import DemoError
from auricle.files import replace_bytes
from auricle.ship.onnx import MODEL, to_onnx
from auricle.ship.ort_web import ort_web

POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; "
    "connect-src 'self'; img-src 'self' data:; media-src 'self' blob:; worker-src 'self'; "
    "form-action 'none'; base-uri 'none'"
)
"""As strict as the server's, but for what compiles WebAssembly; no frames can be told of here."""
CHARSET = '<meta charset="utf-8">\n'


UNDECODED = frozenset({".aif", ".aiff"})
"""Formats that browsers do not decode, as the server does."""


def write_web(place: Path, out: Path, *, ort: Path | None, sounds: Path | None) -> Path:
    """Write the page of a model into a new or empty folder.

    Clips of ESC-10 are never among its sounds, which are synthesised unless a folder is given.

    Raises:
        DemoError: the folder holds something else.
        FetchError: onnxruntime-web cannot be had.
        AuricleError: there is no model, or a library is missing.
    """
    if out.exists() and not (out.is_dir() and (ours(out) or not any(out.iterdir()))):
        raise DemoError(f"{out}: something else is here; name a new folder")
    runtime = ort_web(ort)
    model, facts = open_model(place)
    to_try = sounds_to_try(sounds, facts, published=False)
    page = page_files("onnx")
    policy = f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
    told = about(model, facts, to_try, Limits())
    told = replace(told, formats=tuple(kind for kind in told.formats if kind not in UNDECODED))
    files = {
        **page,
        "index.html": page["index.html"].replace(CHARSET.encode(), (CHARSET + policy).encode()),
        "about.json": TypeAdapter(About).dump_json(told),
        **{address(at): sound.content for at, sound in enumerate(to_try.sounds)},
        MODEL: to_onnx(model.trained.network, facts),
        **{f"ort/{name}": content for name, content in runtime.items()},
    }
    for name, content in files.items():
        replace_bytes(out / name, content)
    return out


def ours(folder: Path) -> bool:
    """Whether a folder holds a page that was written before."""
    return (folder / "about.json").is_file() and (folder / MODEL).is_file()
