"""A model out of the study in small, served here."""

import io
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
import soundfile as sf
from benchmarks.demo import served
from playwright.sync_api import Browser, Page

from auricle.demo.decoding import Limits
from auricle.demo.sounds import flac
from auricle.ship.export import export

RATE_HZ = 8_000
HEARD_HZ = 1_830  # by the microphone of the browser
LIMITS = Limits(upload_bytes=2_000_000, sound_s=120.0)


@pytest.fixture(autouse=True)
def in_small(settled: None) -> None:
    """Studies here run on one thread, with a cache of their own."""


STRANGE_ABOVE = 3.0
"""Between the clips of the study in small and tones without their noise."""


@pytest.fixture(scope="session")
def attentive(tiny_study: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fit with an encoder, of a study that was asked how strange a sound may be."""
    name = "transformer-h2"
    study = shutil.copytree(tiny_study, tmp_path_factory.mktemp("asked") / "tiny")
    both = {"score": "both", "below": 0.4, "above": STRANGE_ABOVE, "accepted": 0.5}
    found = {"configurations": [{"configuration": name, "refusals": [both]}]}
    (study / "evidence").mkdir()
    (study / "evidence" / "unknown.json").write_text(json.dumps(found), encoding="utf-8")
    return study / name / "refit" / "all" / "seed-0"


@pytest.fixture(scope="session")
def own_clip(tiny_set: Path) -> bytes:
    """A file with a sound of the study."""
    return (tiny_set / "horn" / "2-1.wav").read_bytes()


@pytest.fixture(scope="session")
def bundle(tiny_study: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export(tiny_study, tmp_path_factory.mktemp("demo") / "bells.zip", "bells")


@pytest.fixture(scope="session")
def tone() -> Callable[..., bytes]:
    """A file with a tone of so many seconds."""

    def made(hz: float = 610, seconds: float = 0.3) -> bytes:
        time_s = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
        return flac((0.3 * np.sin(2 * np.pi * hz * time_s)).astype(np.float32), RATE_HZ)

    return made


class Client:
    """Asks a server that runs here."""

    def __init__(self, at: str) -> None:
        self.at = at

    def request(self, method: str, place: str, **asked: Any) -> requests.Response:
        return requests.request(method, self.at + place, timeout=60, **asked)

    def get(self, place: str) -> requests.Response:
        return self.request("get", place)

    def post(self, **asked: Any) -> requests.Response:
        return self.request("post", "/api/predict", **asked)


@pytest.fixture(scope="session")
def client(attentive: Path) -> Iterator[Client]:
    with served(attentive, LIMITS) as at:
        yield Client(at)


KEEP = """
const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getUserMedia = async (asked) => (window.opened = await ask(asked));
const request = fetch;
fetch = (place, asked) => {
  window.sent = asked?.body;
  return request(place, asked);
};
"""


@pytest.fixture(scope="module")
def browser(
    chromium: Callable[..., Any],
    tone: Callable[..., bytes],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Browser]:
    heard = tmp_path_factory.mktemp("microphone") / "heard.wav"
    wave, rate_hz = sf.read(io.BytesIO(tone(HEARD_HZ, seconds=2.0)))
    sf.write(heard, wave, rate_hz)
    switches = [
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-audio-capture={heard}",
        "--autoplay-policy=no-user-gesture-required",
    ]
    with chromium(*switches) as started:
        yield started


@pytest.fixture
def visit(browser: Browser, client: Any) -> Iterator[Callable[..., Page]]:
    """Open the page; at the end nothing may have gone wrong on it, nor anybody else been asked."""
    contexts, wrong = [], []

    def opened(microphone: bool = True, at: str = client.at, **kinds: Any) -> Page:
        context = browser.new_context(**kinds)
        contexts.append(context)
        if microphone:
            context.grant_permissions(["microphone"])
        context.add_init_script(KEEP)
        page = context.new_page()
        page.on("console", lambda said: wrong.append(said.text))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda asked: wrong.append(asked.url) if outside(asked.url, at) else 0)
        page.goto(f"{at}/")
        page.locator("main").wait_for()
        return page

    def outside(url: str, at: str) -> bool:
        return not url.startswith((at, "data:", f"blob:{at}"))

    yield opened
    for context in contexts:
        context.close()
    assert [said for said in wrong if "415" not in said] == []  # Chromium logs what is refused
