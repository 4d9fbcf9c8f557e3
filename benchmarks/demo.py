"""How long visitors of `auricle demo` wait when many come at once.

    python -m benchmarks.demo MODEL                  50 sounds at once, over the network's own door
    python -m benchmarks.demo MODEL --visitors 200

Prints how many were answered, and the median and the 95th percentile of the time from asking to
the whole answer. What is measured depends on the machine and on what else it does. The figures of
`docs/speed.md` are those of `python -m benchmarks --only demo`.
"""

import argparse
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from time import perf_counter

import numpy as np
import requests
import torch
import uvicorn

from auricle.demo.about import about, open_model
from auricle.demo.command import hosts, listening
from auricle.demo.decoding import Limits
from auricle.demo.server import make_app
from auricle.demo.sounds import sounds_to_try

HOST = "127.0.0.1"


@contextmanager
def served(place: Path, limits: Limits | None = None) -> Iterator[str]:
    """A model served from this process, synthesised sounds to try with it, and its address."""
    model, facts = open_model(place)
    sounds, limits = sounds_to_try(None, facts, published=False), limits or Limits()
    torch.set_num_threads(1)
    app = make_app(model, about(model, facts, sounds, limits), sounds, limits, hosts(HOST))
    with listening(HOST, 0) as door:
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
        thread = Thread(target=server.run, kwargs={"sockets": [door]})
        thread.start()
        try:
            yield f"http://{HOST}:{door.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


def upload(at: str, content: bytes) -> tuple[int, float]:
    """Status and seconds of one upload."""
    began = perf_counter()
    response = requests.post(f"{at}/api/predict", data=content, timeout=600)
    return response.status_code, perf_counter() - began


def visited(place: Path, visitors: int, rounds: int = 1) -> list[dict[str, float]]:
    """Serve a model to so many visitors at once, round after round, with the sounds of its page."""
    with served(place) as at:
        told = requests.get(f"{at}/about.json", timeout=60).json()
        addresses = [sound["file"] for sound in told["sounds"]]
        sounds = [requests.get(f"{at}/{file}", timeout=60).content for file in addresses]
        for sound in sounds:
            upload(at, sound)  # what is made once is made here, by each process that decodes
        return [crowd(at, sounds, visitors) for _ in range(rounds)]


def crowd(at: str, sounds: list[bytes], visitors: int) -> dict[str, float]:
    """So many visitors at once, each with one of the sounds."""
    asked = [sounds[visitor % len(sounds)] for visitor in range(visitors)]
    with ThreadPoolExecutor(visitors) as pool:
        found = list(pool.map(lambda content: upload(at, content), asked))
    waited_ms = [1000 * waited_s for _, waited_s in found]
    return {
        "visitors": visitors,
        "answered": sum(status == requests.codes.ok for status, _ in found),
        "median_ms": float(np.median(waited_ms)),
        "percentile_95_ms": float(np.percentile(waited_ms, 95)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path, help="a bundle, a study or a fit")
    parser.add_argument("--visitors", type=int, default=50)
    arguments = parser.parse_args()
    (found,) = visited(arguments.model, arguments.visitors)
    print(
        f"{found['visitors']} uploads at once: {found['answered']} answered, median "
        f"{found['median_ms']:.0f} ms, 95th percentile {found['percentile_95_ms']:.0f} ms"
    )


if __name__ == "__main__":
    main()
