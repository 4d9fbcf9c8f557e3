"""A model out of the study in small, served here."""

from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest
import requests
import uvicorn

from auricle.demo.about import about, open_model
from auricle.demo.command import hosts, listening
from auricle.demo.decoding import Limits
from auricle.demo.server import make_app
from auricle.demo.sounds import Sounds, flac, sounds_to_try
from auricle.ship.export import export

RATE_HZ = 8_000
LIMITS = Limits(upload_bytes=200_000, sound_s=20.0)


@pytest.fixture(autouse=True)
def in_small(settled: None) -> None:
    """Studies here run on one thread, with a cache of their own."""


@pytest.fixture(scope="session")
def attentive(tiny_study: Path) -> Path:
    """A fit with an encoder."""
    return tiny_study / "transformer-h2" / "refit" / "all" / "seed-0"


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


@pytest.fixture(scope="session")
def to_try(attentive: Path) -> Sounds:
    return sounds_to_try(None, open_model(attentive)[1])


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
def client(attentive: Path, to_try: Sounds) -> Iterator[Client]:
    model, facts = open_model(attentive)
    told = about(model, facts, to_try, LIMITS)
    app = make_app(model, told, to_try, LIMITS, hosts("127.0.0.1"))
    with listening("127.0.0.1", 0) as door:
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
        thread = Thread(target=server.run, kwargs={"sockets": [door]})
        thread.start()
        yield Client(f"http://127.0.0.1:{door.getsockname()[1]}")
        server.should_exit = True
        thread.join()
