"""An exported network run by onnxruntime-web in headless Chromium, on one thread."""

import base64
import math
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from auricle.data.audio import Wave
from auricle.errors import AudioError, AuricleError, install
from auricle.ship.onnx import MODEL
from auricle.training.sounds import Array

if TYPE_CHECKING:
    from playwright.sync_api import Browser as Chromium
    from playwright.sync_api import Page, Route

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SCRIPT, PAGE = "in_browser.js", "page"
HOST = "http://auricle.localhost/"
"""Answered out of memory: nothing listens there, and whatever else is asked for is refused."""

TYPES = {".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm"}


@dataclass(frozen=True)
class Browser:
    """A page in which the network is ready."""

    page: "Page"
    version: str

    def hear(self, stored: Array) -> tuple[Array, float, float]:
        """Probabilities (classes,) of a stored wave (samples,) int16, strangeness, milliseconds.

        Strangeness is not a number where the network tells none.
        """
        found = self.ask("hear", encoded(stored.astype("<i2").tobytes()))
        strangeness = math.nan if found["strangeness"] is None else found["strangeness"]
        return np.array(found["probabilities"]), float(strangeness), float(found["ms"])

    def decode(self, file: Path, sample_rate_hz: int) -> tuple[Wave, float]:
        """A sound file as the browser decodes it, (samples,) float32, and the milliseconds.

        Raises: AudioError if it cannot.
        """
        from playwright.sync_api import Error

        try:
            found = self.ask("decode", encoded(file.read_bytes()), sample_rate_hz)
        except Error as problem:
            raise AudioError(f"{file}: the browser cannot decode it") from problem
        return np.frombuffer(base64.b64decode(found["wave"]), "<f4"), float(found["ms"])

    def ask(self, function: str, *given: Any) -> Any:
        """Call a function of the page."""
        from playwright.sync_api import Error

        try:
            return self.page.evaluate(
                "([name, given]) => window[name](...given)", [function, given]
            )
        except Error as problem:
            raise AuricleError(f"the page failed ({first_line(problem)})") from problem


def first_line(problem: Exception) -> str:
    """What went wrong, without where."""
    return str(problem).splitlines()[0] if str(problem) else type(problem).__name__


def encoded(content: bytes) -> str:
    """Bytes as text."""
    return base64.b64encode(content).decode()


def chromium_program() -> str | None:
    """Where Chromium is installed, if it is."""
    return next(filter(None, map(shutil.which, PROGRAMS)), None)


@contextmanager
def chromium(*switches: str) -> Iterator["Chromium"]:
    """Headless Chromium with some switches of its own, until the end of the block.

    Raises: AuricleError if Playwright or Chromium is missing.
    """
    try:
        from playwright.sync_api import Error, sync_playwright
    except ModuleNotFoundError as problem:
        raise AuricleError(f"playwright is missing; {install('browser')}") from problem
    program = chromium_program()
    if not program:
        raise AuricleError("Chromium is not installed")
    with sync_playwright() as playwright:
        try:
            started = playwright.chromium.launch(
                executable_path=program, args=["--no-sandbox", *switches]
            )
        except Error as problem:
            raise AuricleError(f"Chromium does not start ({first_line(problem)})") from problem
        try:
            yield started
        finally:
            started.close()


@contextmanager
def in_browser(model: bytes, runtime: Mapping[str, bytes]) -> Iterator[Browser]:
    """A browser that has the network, until the end of the block.

    `runtime` are the files of `ort_web`.

    Raises: AuricleError if Playwright or Chromium is missing, or the network does not start.
    """
    script = resources.files("auricle.ship").joinpath(SCRIPT).read_bytes()
    files = {**runtime, MODEL: model, SCRIPT: script, PAGE: page_text().encode()}

    def answer(route: "Route") -> None:
        name = route.request.url.removeprefix(HOST)
        if name not in files:
            route.abort()
            return
        kind = TYPES.get(Path(name).suffix, "text/html" if name == PAGE else "application/x-model")
        route.fulfill(body=files[name], content_type=kind)

    with chromium() as started:
        from playwright.sync_api import Error

        page = started.new_page()
        said: list[str] = []
        page.on("pageerror", lambda error: said.append(str(error)))
        page.route("**/*", answer)
        page.goto(HOST + PAGE)
        try:
            page.wait_for_function("window.ready", timeout=START_MS)
        except Error as problem:
            told = (said or [str(problem)])[0].splitlines()[0]
            raise AuricleError(f"onnxruntime-web did not start ({told})") from problem
        yield Browser(page, started.version)


START_MS = 120_000


def page_text() -> str:
    """A page that does nothing but load the script."""
    return f'<!doctype html><meta charset="utf-8"><script type="module" src="{SCRIPT}"></script>'
