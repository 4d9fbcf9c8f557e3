"""`auricle demo`: a model opened, its page served until it is stopped."""

import contextlib
import os
import socket
import sys
import webbrowser
from pathlib import Path

import torch

from auricle.demo.about import about, open_model
from auricle.demo.decoding import Limits
from auricle.demo.sounds import sounds_to_try
from auricle.errors import DemoError, install
from auricle.ship.model import SHIPPED

LOCAL = ("127.0.0.1", "localhost", "::1")
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # where this machine reaches itself then


def demonstrate(
    place: Path | None, *, host: str, port: int, open_page: bool, sounds: Path | None
) -> None:
    """Serve the page of a model until it is stopped; `port` 0 takes any that is free.

    Raises:
        DemoError: a library is missing, or the address cannot be had.
        AuricleError: there is no model, or a sound to try that cannot be decoded.
    """
    try:
        import uvicorn

        from auricle.demo.server import make_app
    except ImportError as problem:
        raise DemoError(f"{problem.name} is missing; {install('demo')}") from problem
    with listening(host, port) as door:
        model, facts = open_model(place or SHIPPED)
        to_try, limits = sounds_to_try(sounds, facts), Limits()
        torch.set_num_threads(1)  # answers to several visitors run side by side instead
        app = make_app(model, about(model, facts, to_try, limits), to_try, limits, hosts(host))
        here = EVERYWHERE.get(host, host)
        at = f"http://{f'[{here}]' if ':' in here else here}:{door.getsockname()[1]}/"
        print(f"{facts.name} listens at {at} (Ctrl+C ends it)", flush=True)
        if host not in LOCAL:
            print(
                "auricle: whoever reaches this machine may use it; microphones work over https "
                "and on this machine alone",
                file=sys.stderr,
            )
        if open_page:
            webbrowser.open(at)
        server = uvicorn.Server(
            uvicorn.Config(app, log_level="warning", access_log=False, server_header=False)
        )
        with contextlib.suppress(KeyboardInterrupt):
            server.run(sockets=[door])


def listening(host: str, port: int) -> socket.socket:
    """A socket that visitors can already wait at.

    Raises: DemoError if the address cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=512)
    except OSError as problem:
        said = os.strerror(problem.errno or 0)
        raise DemoError(
            f"{host}, port {port}: {said}; choose another --port or --host"
        ) from problem


def hosts(host: str) -> frozenset[str] | None:
    """Names by which the page may be asked for, so that no other site's name can lead here.

    None where the host was opened to a network, whose names for it are not known.
    """
    return frozenset(LOCAL) if host in LOCAL else None
