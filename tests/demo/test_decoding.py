"""Sounds that would bring a server down bring down a child of it, or nothing."""

import asyncio
import io
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from auricle.demo import decoding
from auricle.demo.decoding import Child, Decoders, Limits
from auricle.errors import AudioError

RATE_HZ = 8_000


def with_decoders(limits: Limits, use: Callable[[Decoders], Awaitable[None]]) -> None:
    async def run() -> None:
        decoders = Decoders(RATE_HZ, limits, count=1)
        await decoders.open()
        try:
            await use(decoders)
        finally:
            await decoders.close()

    asyncio.run(run())


def wav(seconds: float, channels: int = 1) -> bytes:
    content = io.BytesIO()
    wave = np.tile(np.arange(round(seconds * RATE_HZ))[:, None] % 100 / 200, (1, channels))
    sf.write(content, wave, RATE_HZ, format="WAV", subtype="PCM_16")
    return content.getvalue()


def test_a_child_gives_the_samples_that_are_in_the_file() -> None:
    async def use(decoders: Decoders) -> None:
        expected, _ = sf.read(io.BytesIO(wav(0.5)), dtype="int16")
        for _ in range(2):
            np.testing.assert_allclose(await decoders.decode(wav(0.5)), expected, atol=1)

    with_decoders(Limits(), use)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere memory is counted in other ways")
def test_one_that_takes_too_much_is_lost_and_the_next_is_decoded() -> None:
    wide = wav(2.5, channels=1000)  # 80 MB in floats
    limits = Limits(upload_bytes=len(wide))
    own_kb = 0

    async def enough(decoders: Decoders) -> None:
        nonlocal own_kb
        child = await taken(decoders)
        status = Path(f"/proc/{child.process.pid}/status").read_text()
        own_kb = int(status.split("VmSize:")[1].split()[0])
        assert len(await decoders.decode(wide)) == 2.5 * RATE_HZ

    async def too_much(decoders: Decoders) -> None:
        child = await taken(decoders)
        with pytest.raises(AudioError, match="more time or memory"):
            await decoders.decode(wide)
        await child.process.wait()
        assert not Path(child.folder.name).exists()
        assert len(await decoders.decode(wav(0.5))) == RATE_HZ // 2

    with_decoders(limits, enough)
    with_decoders(replace(limits, memory_bytes=1024 * own_kb + (80 << 20)), too_much)


async def taken(decoders: Decoders) -> Child:
    """The one child, once it has started."""
    child = await decoders.free.get()
    assert child
    await child.ready()
    decoders.free.put_nowait(child)
    return child


def test_one_that_takes_too_long_is_ended_and_the_next_is_decoded() -> None:
    async def use(decoders: Decoders) -> None:
        limits, decoders.limits = decoders.limits, replace(decoders.limits, decoding_s=0.0)
        with pytest.raises(AudioError, match="more time or memory"):
            await decoders.decode(wav(0.5))
        decoders.limits = limits
        assert len(await decoders.decode(wav(0.5))) == RATE_HZ // 2

    with_decoders(Limits(), use)


@pytest.mark.skipif(sys.platform == "win32", reason="there a child has no such limits")
def test_a_child_asks_for_no_more_time_than_the_machine_allows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import resource

    asked = []
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (7, 7))
    monkeypatch.setattr(resource, "setrlimit", lambda kind, limits: asked.append(limits))
    decoding.allow(1_000_000)
    assert asked == [(7, 7)]
