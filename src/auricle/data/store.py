"""Clips decoded once: a memory-mapped table of waves that every fit of a study reads.

One `.npy` file a set of clips, named by what is in them (SHA-256 of their files) and by how they
were decoded; a changed file is another name. Rows are written one after the other, not through a
memory map: a full disk is then an error that can be told, not a crash.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auricle.data.audio import Wave, content_hash, decoding_threads, fit_length, load_wave
from auricle.data.clips import Clip, ClipTable
from auricle.errors import AudioError, DataError

FULL_SCALE = 32768.0
"""A stored sample divided by this is the wave's sample, in [-1, 1)."""

_VERSION = 1  # of the way from file to row: raise it and every store is built anew
_ROW_TYPE = "<i2"
_IN_FLIGHT = 32  # rows decoded ahead of the one being written


def to_samples(wave: NDArray[np.float32]) -> NDArray[np.int16]:
    """A wave as it is stored: 16 bits a sample, what is beyond full scale cut."""
    levels: Wave = np.clip(np.rint(wave * FULL_SCALE), -FULL_SCALE, FULL_SCALE - 1)
    return levels.astype(np.int16)


@dataclass(frozen=True)
class WaveStore:
    """Waves of clips, on disk: row i is clip i. A worker process is handed its path, not its data.

    `waves` (clips, samples) int16, read-only; `skipped` names each file left out, and why.
    """

    waves: NDArray[np.int16]
    clips: tuple[Clip, ...]
    skipped: tuple[tuple[str, str], ...] = ()

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle as the file's path: a memory map would be copied whole."""
        if isinstance(self.waves, np.memmap):
            return _reopen, (self.waves.filename, self.clips, self.skipped)
        return WaveStore, (self.waves, self.clips, self.skipped)


def _reopen(
    file: str | os.PathLike[str], clips: tuple[Clip, ...], skipped: tuple[tuple[str, str], ...]
) -> WaveStore:
    return WaveStore(np.lib.format.open_memmap(file, mode="r"), clips, skipped)


def open_store(
    table: ClipTable,
    *,
    sample_rate_hz: int,
    seconds: float,
    cache: Path,
    skip_bad: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> WaveStore:
    """Open the waves of these clips and no others, decoding them if that was not done before.

    `progress(done, total)` is called while decoding. Any number of processes may open, and build,
    the same store at the same time.

    Raises:
        AudioError: a file that cannot be decoded, unless `skip_bad` leaves it out.
        DataError: no clip is left, or the cache cannot be written.
    """
    samples = round(seconds * sample_rate_hz)
    with ThreadPoolExecutor(decoding_threads()) as pool:
        contents = list(pool.map(content_hash, [table.path(clip) for clip in table.clips]))
    settings = [_VERSION, sample_rate_hz, samples, contents]
    key = hashlib.sha256(json.dumps(settings).encode()).hexdigest()[:24]
    file = cache / f"waves-{key}.npy"
    store = _open_built(file, table, samples)
    if store is None:
        try:
            cache.mkdir(parents=True, exist_ok=True)
            _build(file, table, sample_rate_hz, samples, skip_bad, progress)
        except OSError as error:
            raise DataError(
                f"{cache}: cannot hold the decoded clips ({error.strerror}); make room there "
                "or take another folder for the cache"
            ) from error
        store = _open_built(file, table, samples)
        assert store is not None
    if store.skipped and not skip_bad:
        name, reason = store.skipped[0]
        raise _or_skip(f"{table.root / name}: {reason}")
    return store


def _or_skip(problem: object) -> AudioError:
    """What is wrong with a file, and that a data set can go on without it."""
    return AudioError(f"{problem}, or leave it out: a study has --skip-bad")


def _open_built(file: Path, table: ClipTable, samples: int) -> WaveStore | None:
    """Open a store built before; None if there is none, or one that is not whole."""
    try:
        skipped = dict(json.loads(file.with_suffix(".json").read_text(encoding="utf-8")))
        waves = np.lib.format.open_memmap(file, mode="r")
    except (OSError, ValueError):
        return None
    clips = tuple(clip for row, clip in enumerate(table.clips) if row not in skipped)
    if waves.dtype != np.int16 or waves.shape != (len(clips), samples):
        return None
    return WaveStore(
        waves, clips, tuple((table.clips[row].file, reason) for row, reason in skipped.items())
    )


def _build(
    file: Path,
    table: ClipTable,
    sample_rate_hz: int,
    samples: int,
    skip_bad: bool,
    progress: Callable[[int, int], None] | None,
) -> None:
    """Decode every clip into a file beside the right one, then put it in its place at once."""
    skipped: list[tuple[int, str]] = []
    unfinished = file.with_suffix(f".{token_hex(4)}.unfinished")
    try:
        with unfinished.open("wb") as stream:
            _write_header(stream, len(table.clips), samples)
            for row, decoded in enumerate(_decode_all(table, sample_rate_hz, samples)):
                if isinstance(decoded, AudioError):
                    if not skip_bad:
                        raise _or_skip(decoded) from decoded
                    path = table.path(table.clips[row])
                    skipped.append((row, str(decoded).removeprefix(f"{path}: ")))
                else:
                    stream.write(decoded.astype(_ROW_TYPE).tobytes())
                if progress:
                    progress(row + 1, len(table.clips))
            rows = len(table.clips) - len(skipped)
            if not rows:
                raise DataError(f"{table.root}: none of its {len(skipped)} clips can be decoded")
            stream.seek(0)
            _write_header(stream, rows, samples)  # NumPy pads a header so that rows may change
        # The table of skipped files first: where the waves are in place, the store is whole.
        _replace_text(file.with_suffix(".json"), json.dumps(skipped))
        _replace(unfinished, file)
    finally:
        unfinished.unlink(missing_ok=True)


def _write_header(stream: Any, rows: int, samples: int) -> None:
    header = {"descr": _ROW_TYPE, "fortran_order": False, "shape": (rows, samples)}
    np.lib.format.write_array_header_1_0(stream, header)


def _decode_all(
    table: ClipTable, sample_rate_hz: int, samples: int
) -> Iterator[NDArray[np.int16] | AudioError]:
    """Decode clips in threads, in order, a few ahead: memory does not grow with their number."""

    def decode(clip: Clip) -> NDArray[np.int16] | AudioError:
        try:
            wave = fit_length(load_wave(table.path(clip), sample_rate_hz), samples)
        except AudioError as error:
            return error
        return to_samples(wave)

    with ThreadPoolExecutor(decoding_threads()) as pool:
        for batch in _batches(table.clips):
            yield from pool.map(decode, batch)


def _batches(clips: Sequence[Clip]) -> Iterator[Sequence[Clip]]:
    for start in range(0, len(clips), _IN_FLIGHT):
        yield clips[start : start + _IN_FLIGHT]


def _replace_text(file: Path, text: str) -> None:
    unfinished = file.with_suffix(f".{token_hex(4)}.json")
    unfinished.write_text(text, encoding="utf-8")
    _replace(unfinished, file)


def _replace(unfinished: Path, file: Path) -> None:
    """Put a finished file in place, or leave the equal one that another process holds open."""
    with suppress(PermissionError):  # Windows keeps a file that is mapped somewhere
        unfinished.replace(file)
    if not file.exists():
        raise PermissionError(13, "permission denied", str(file))
