"""Files that hold the same sound: equal ones by their bytes, near-duplicates by what is heard."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from auricle.data.audio import Wave, content_hash, decoding_threads, load_wave
from auricle.data.fingerprint import (
    RATE_HZ,
    Fingerprint,
    find_candidates,
    fingerprint,
    shared_sound,
    whitened,
)
from auricle.errors import AudioError
from auricle.files import replace_text

Progress = Callable[[int, int], None]

_VERSION = 1  # of the way from files to pairs: raise it and every set is listened to anew
_IN_FLIGHT = 64  # files decoded at a time
_WAVES_KEPT = 64  # while pairs are compared: neighbours in the list are often of one file


@dataclass(frozen=True)
class Pair:
    """Two files, by their numbers, first < second, that hold the same sound for `shared_s`.

    In the second one it comes `lag_s` later. Files with the same bytes are `equal`.
    """

    first: int
    second: int
    equal: bool
    shared_s: float = 0.0
    lag_s: float = 0.0


@dataclass(frozen=True)
class Found:
    """What listening to a set of files brought.

    Of equal files, each is in a pair with the first, and that one alone is compared with others.
    `broken` are files that cannot be decoded, by number, and why; `unmarked` those that have no
    fingerprint, being silent or as good as that.
    """

    pairs: tuple[Pair, ...]
    broken: tuple[tuple[int, str], ...]
    unmarked: tuple[int, ...]


def find_equal(files: Sequence[Path]) -> tuple[Pair, ...]:
    """Pairs of files with the same bytes; nothing is decoded. A missing file equals no other."""
    return _equal(_hash_all(files))


def find_duplicates(
    files: Sequence[Path], cache: Path | None = None, progress: Progress | None = None
) -> Found:
    """Pairs of files with the same sound in them, whole or in part; every file is decoded.

    The answer is kept in `cache`, by the bytes of all files. `progress(done, total)` is called
    while decoding. A file that cannot be decoded can still equal another one.
    """
    contents = _hash_all(files)
    if cache is None:
        return _listen(files, _equal(contents), progress)
    key = hashlib.sha256(json.dumps([_VERSION, contents]).encode()).hexdigest()[:24]
    kept, kind = cache / f"duplicates-{key}.json", TypeAdapter(Found)
    try:
        return kind.validate_json(kept.read_bytes())
    except (OSError, ValueError):  # not there, or not whole
        found = _listen(files, _equal(contents), progress)
    replace_text(kept, kind.dump_json(found).decode())
    return found


def groups_of(files: int, pairs: Iterable[Pair]) -> NDArray[np.int64]:
    """Number of each file's group, (files,): those that pairs connect are one."""
    ends = np.array([(pair.first, pair.second) for pair in pairs], np.int64).reshape(-1, 2)
    graph = coo_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(files, files))
    _, groups = connected_components(graph, directed=False)
    return np.asarray(groups, np.int64)


def _hash_all(files: Sequence[Path]) -> list[str]:
    with ThreadPoolExecutor(decoding_threads()) as pool:
        return list(pool.map(content_hash, files))


def _equal(contents: Sequence[str]) -> tuple[Pair, ...]:
    first: dict[str, int] = {}
    return tuple(
        Pair(first[content], number, equal=True)
        for number, content in enumerate(contents)
        if content and first.setdefault(content, number) != number
    )


def _listen(files: Sequence[Path], equal: tuple[Pair, ...], progress: Progress | None) -> Found:
    """Decode each content once, and compare the clips whose fingerprints say so."""
    repeats = {pair.second for pair in equal}
    numbers = [number for number in range(len(files)) if number not in repeats]
    broken, unmarked = [], []
    heard: dict[int, Fingerprint] = {}
    for done, (number, taken) in enumerate(_fingerprints(files, numbers), start=1):
        if isinstance(taken, AudioError):
            broken.append((number, str(taken).removeprefix(f"{files[number]}: ")))
        elif len(taken.numbers):
            heard[number] = taken
        else:
            unmarked.append(number)
        if progress:
            progress(done, len(numbers))
    near = _compare(files, heard)
    pairs = sorted((*equal, *near), key=lambda pair: (pair.first, pair.second))
    return Found(tuple(pairs), tuple(broken), tuple(unmarked))


def _fingerprints(
    files: Sequence[Path], numbers: Sequence[int]
) -> Iterator[tuple[int, Fingerprint | AudioError]]:
    """Decode in threads, a few ahead; waves are not kept."""

    def take(number: int) -> tuple[int, Fingerprint | AudioError]:
        try:
            return number, fingerprint(whitened(load_wave(files[number], RATE_HZ)))
        except AudioError as error:
            return number, error

    with ThreadPoolExecutor(decoding_threads()) as pool:
        for start in range(0, len(numbers), _IN_FLIGHT):
            yield from pool.map(take, numbers[start : start + _IN_FLIGHT])


def _compare(files: Sequence[Path], heard: dict[int, Fingerprint]) -> Iterator[Pair]:
    """Lay the waves of each candidate pair over each other; pairs in which nothing agrees fall."""
    numbers = list(heard)

    @lru_cache(_WAVES_KEPT)
    def wave(number: int) -> Wave:
        return whitened(load_wave(files[number], RATE_HZ))

    for found in find_candidates(list(heard.values())):
        first, second = numbers[found.first], numbers[found.second]
        shared_s, lag_s = shared_sound(wave(first), wave(second), found.lag_frames)
        if shared_s:
            yield Pair(first, second, equal=False, shared_s=shared_s, lag_s=lag_s)
