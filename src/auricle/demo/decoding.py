"""Sounds from strangers, decoded in processes of their own that can be lost without harm.

    bytes -> a child's private folder -> data.audio -> samples (samples,) int16, mono, at one rate

A child gets no more memory, processor time, files and file size than a sound needs. One that dies
or takes too long is replaced, and its sound is refused. What a visitor called a file is never used:
it is "upload" in a folder that is deleted.

    python -m auricle.demo.decoding RATE_HZ FOLDER LIMITS
        a child: a line with a length and so many bytes in; a line of JSON and the samples out
"""

import asyncio
import contextlib
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from auricle.data.audio import MEND, seconds_of, stream_wave
from auricle.data.store import to_samples
from auricle.errors import AudioError

Samples = NDArray[np.int16]

READY = b"ready\n"


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a sound may be and take: `decoding_s` of time, `memory_bytes` of a child's memory."""

    upload_bytes: int = 20_000_000
    sound_s: float = 600.0
    decoding_s: float = 20.0
    memory_bytes: int = 1 << 30


@dataclass
class Child:
    """A process that decodes, and the folder that its sounds are put into."""

    process: asyncio.subprocess.Process
    folder: TemporaryDirectory[str]
    is_ready: bool = False

    async def ready(self) -> None:
        """Wait until it has started, which is no part of the time that a sound may take."""
        assert self.process.stdout
        self.is_ready = self.is_ready or bool(await self.process.stdout.readline())

    def end(self) -> None:
        """Kill it, whatever it does, and delete what it had."""
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        self.folder.cleanup()


class Decoders:
    """A few children; those who wait get one when it is free."""

    def __init__(self, rate_hz: int, limits: Limits, count: int) -> None:
        self.rate_hz, self.limits, self.count = rate_hz, limits, count
        self.free: asyncio.Queue[Child | None] = asyncio.Queue()

    async def open(self) -> None:
        """Start the children; none is waited for."""
        for _ in range(self.count):
            self.free.put_nowait(await self._start())

    async def decode(self, content: bytes) -> Samples:
        """The samples of a sound file's bytes.

        Raises: AudioError if it is no sound, too long, or takes more than it may.
        """
        child = await self.free.get()
        if child and child.process.returncode is not None:  # lost while nobody asked
            child.end()
            child = None
        try:
            child = child or await self._start()
            await child.ready()
            async with asyncio.timeout(self.limits.decoding_s):
                told, samples = await _asked(child, content)
        except BaseException as problem:
            if child:
                child.end()
            child = None
            if isinstance(problem, (TimeoutError, EOFError, OSError)):
                raise AudioError("takes more time or memory to decode than a sound may") from None
            raise
        finally:
            self.free.put_nowait(child)
        if told:
            raise AudioError(told)
        return samples

    async def _start(self) -> Child:
        folder = TemporaryDirectory(prefix="auricle-")
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "auricle.demo.decoding", str(self.rate_hz), folder.name),
            json.dumps(vars(self.limits)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},  # each thread claims memory
        )
        return Child(process, folder)

    async def close(self) -> None:
        """End the children that are free."""
        while not self.free.empty():
            if child := self.free.get_nowait():
                child.end()
                await child.process.wait()


async def _asked(child: Child, content: bytes) -> tuple[str, Samples]:
    """Put a sound to a child: what it has against it, or nothing and the samples."""
    into, out = child.process.stdin, child.process.stdout
    assert into
    assert out
    into.write(b"%d\n" % len(content))
    into.write(content)
    await into.drain()
    answer = json.loads(await out.readline() or b"{}")
    if not answer:
        raise EOFError
    samples = await out.readexactly(2 * answer["samples"])
    return answer["problem"], np.frombuffer(samples, np.int16)


def work(rate_hz: int, folder: Path, limits: Limits) -> None:
    """Be a child: decode what comes in, until nothing does."""
    file = folder / "upload"
    confine(limits)
    sys.stdout.buffer.write(READY)
    sys.stdout.buffer.flush()
    while size := sys.stdin.buffer.readline():
        file.write_bytes(sys.stdin.buffer.read(int(size)))
        allow(limits.decoding_s)
        try:
            samples = decoded(file, rate_hz, limits.sound_s)
            tell(sys.stdout.buffer, "", samples)
        except AudioError as problem:
            told = str(problem).removeprefix(f"{file}: ").removesuffix(f"; {MEND}")
            tell(sys.stdout.buffer, told, np.zeros(0, np.int16))
        file.unlink()


def tell(out: BinaryIO, problem: str, samples: Samples) -> None:
    """Hand back what became of a sound."""
    out.write(json.dumps({"problem": problem, "samples": len(samples)}).encode() + b"\n")
    out.write(samples.tobytes())
    out.flush()


def decoded(file: Path, rate_hz: int, most_s: float) -> Samples:
    """Decode a file, but for one that is longer than it may be, whatever its head says.

    Raises: AudioError as `stream_wave`, and for one that is too long.
    """
    too_long = AudioError(f"longer than {most_s / 60:g} minutes")
    if seconds_of(file) > most_s:
        raise too_long
    pieces, left = [], round(most_s * rate_hz)
    for piece in stream_wave(file, rate_hz):
        pieces.append(to_samples(piece))
        left -= len(piece)
        if left < 0:
            raise too_long
    return np.concatenate(pieces)


def confine(limits: Limits) -> None:
    """Take from this process what decoding does not need, for good."""
    if sys.platform == "win32":
        return  # there only the time that it takes is limited, from outside
    import resource

    for kind, most in {
        resource.RLIMIT_AS: limits.memory_bytes,
        resource.RLIMIT_FSIZE: limits.upload_bytes,
        resource.RLIMIT_NOFILE: 32,
        resource.RLIMIT_CORE: 0,
    }.items():
        with contextlib.suppress(ValueError, OSError):  # macOS does not know each of them
            resource.setrlimit(kind, (most, most))


def allow(seconds: float) -> None:
    """Let this process work for so many seconds more; then the system ends it."""
    if sys.platform == "win32":
        return
    import resource

    used = resource.getrusage(resource.RUSAGE_SELF)
    until = int(used.ru_utime + used.ru_stime + seconds) + 1
    _, most = resource.getrlimit(resource.RLIMIT_CPU)
    if most != resource.RLIM_INFINITY:  # nobody may raise it, nor ask for more
        until = min(until, most)
    resource.setrlimit(resource.RLIMIT_CPU, (until, most))


if __name__ == "__main__":
    asked_hz, its_folder, its_limits = sys.argv[1:]
    work(int(asked_hz), Path(its_folder), Limits(**json.loads(its_limits)))
