"""The server: one page, its parts, and `POST /api/predict`, which the page and programs ask alike.

Bodies are read no further than they may be long, and held in memory until they are decoded. At most
SLOTS sounds are read, decoded and heard at a time; others wait their turn.
"""

import asyncio
import os
import time
from collections.abc import AsyncGenerator, AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter
from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from auricle.demo.about import About, address
from auricle.demo.answers import Answer, answer
from auricle.demo.decoding import Decoders, Limits
from auricle.demo.guard import Guard
from auricle.demo.openapi import describe
from auricle.demo.page import page_files
from auricle.demo.sounds import Sounds
from auricle.errors import AudioError
from auricle.ship.model import Model

SLOTS = 8
READING_S = 60.0
FORM_BYTES = 10_000  # around a file
KINDS = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".json": "application/json",
    ".flac": "audio/flac",
}


def make_app(
    model: Model, told: About, sounds: Sounds, limits: Limits, hosts: frozenset[str] | None
) -> Guard:
    """The whole server as an ASGI application."""
    cores = os.cpu_count() or 1
    decoders = Decoders(model.sample_rate_hz, limits, count=min(4, cores))
    threads = ThreadPoolExecutor(cores, "network")
    slots = asyncio.Semaphore(SLOTS)
    as_json = TypeAdapter(Answer).dump_json

    async def predict(request: Request) -> Response:
        explain = request.query_params.get("explain", "false").lower() in ("1", "true")
        async with slots:
            try:
                async with asyncio.timeout(READING_S):
                    content = await sound_in(request, limits.upload_bytes)
            except TimeoutError:
                raise HTTPException(408, "The sound came too slowly.") from None
            began = time.perf_counter()
            try:
                samples = await decoders.decode(content)
            except AudioError as problem:
                raise HTTPException(415, f"This file cannot be used: {problem}.") from problem
            decoding_ms = 1000 * (time.perf_counter() - began)
            hear = partial(answer, model, samples, explain=explain, decoding_ms=decoding_ms)
            found = await asyncio.get_running_loop().run_in_executor(threads, hear)
        return Response(as_json(found), media_type="application/json")

    async def health(request: Request) -> Response:
        return JSONResponse({"status": "ok", "model": told.name})

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        await decoders.open()
        yield
        await decoders.close()
        threads.shutdown()

    fixed = page_files("http") | {
        "about.json": TypeAdapter(About).dump_json(told),
        "openapi.json": bytes(JSONResponse(describe(limits)).body),
        **{address(at): sound.content for at, sound in enumerate(sounds.sounds)},
    }
    routes = [
        *(Route(f"/{name}", fixed_file(name, held)) for name, held in fixed.items()),
        Route("/", fixed_file("index.html", fixed["index.html"])),
        Route("/api/predict", predict, methods=["POST"]),
        Route("/healthz", health),
    ]
    app = Starlette(
        routes=routes, exception_handlers={HTTPException: tell_problem}, lifespan=lifespan
    )
    return Guard(app, hosts)


def fixed_file(name: str, content: bytes) -> Any:
    """An endpoint that always answers the same."""

    async def answer_it(request: Request) -> Response:
        return Response(content, media_type=KINDS[Path(name).suffix])

    return answer_it


async def tell_problem(request: Request, problem: Exception) -> Response:
    """A refusal as a sentence, in JSON."""
    assert isinstance(problem, HTTPException)
    return JSONResponse({"problem": problem.detail}, problem.status_code, problem.headers)


async def sound_in(request: Request, most: int) -> bytes:
    """The sound that a request carries: its body, or the field `file` of its form.

    Raises: HTTPException if there is none, or if it is too large.
    """
    try:
        if request.headers.get("content-type", "").startswith("multipart/form-data"):
            pieces = limited(request, most + FORM_BYTES)
            parser = MultiPartParser(request.headers, pieces, max_files=1, max_fields=8)
            parser.spool_max_size = most + FORM_BYTES  # none of it goes to a disk
            form = await parser.parse()
            file = form.get("file")
            content = await file.read() if isinstance(file, UploadFile) else b""
            await form.close()
        else:
            content = b"".join([piece async for piece in limited(request, most)])
    except MultiPartException as problem:
        raise HTTPException(400, f"The form cannot be read: {problem.message}") from problem
    except ClientDisconnect:
        raise HTTPException(400, "The sender went away.") from None
    if len(content) > most:
        raise too_large(most)
    if not content:
        raise HTTPException(400, "No sound came: send the bytes of a sound file.")
    return content


async def limited(request: Request, most: int) -> AsyncGenerator[bytes, None]:
    """The pieces of a body, up to so many bytes.

    Raises: HTTPException for more.
    """
    told = request.headers.get("content-length", "")
    if told.isdigit() and int(told) > most:
        raise too_large(most)
    read = 0
    async for piece in request.stream():
        read += len(piece)
        if read > most:
            raise too_large(most)
        yield piece


def too_large(most: int) -> HTTPException:
    """Refuses a body."""
    return HTTPException(413, f"This file is too large: {most / 1e6:.3g} MB is the most.")
