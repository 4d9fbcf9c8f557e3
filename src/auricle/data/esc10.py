"""ESC-10 as published: which files it has, whose sounds they are, how to get them all.

`python -m auricle.data.esc10` prints the attribution that the licences ask for.

Source: K. J. Piczak, "ESC: Dataset for Environmental Sound Classification", ACM Multimedia 2015,
doi:10.1145/2733373.2806390.
"""

import csv
import errno
import re
import textwrap
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path, PurePosixPath
from urllib.parse import quote

from auricle.data.audio import content_hash
from auricle.errors import FetchError

COMMIT = "9c866b987dd6d351badb95af9465f9310c68339b"
BASE_URL = f"https://raw.githubusercontent.com/karolpiczak/ESC-10/{COMMIT}/"
CITATION = (
    "K. J. Piczak. ESC: Dataset for Environmental Sound Classification. Proceedings of the 23rd "
    "ACM International Conference on Multimedia, Brisbane, 2015."
)

_NAMED = re.compile(r"\d-(?P<take>\d+-[A-Z])(-\d+)?")  # fold, recording, take, ESC-50's class
_ATTEMPTS = 4
_GIVE_UP = range(400, 500)  # a server that answers so will answer so again
_BUT_RETRY = (408, 429)


@dataclass(frozen=True, slots=True)
class PublishedClip:
    """One file of ESC-10: what it is, whose it is, and how its bytes are known."""

    file: str
    fold: int
    category: str
    recording: str
    sha256: str
    author: str
    licence: str
    title: str


def load_published() -> tuple[PublishedClip, ...]:
    """Read the project's own table of the 400 clips."""
    text = (files("auricle.data") / "esc10.csv").read_text(encoding="utf-8")
    rows = csv.reader(text.splitlines())
    next(rows)
    return tuple(PublishedClip(file, int(fold), *rest) for file, fold, *rest in rows)


@cache
def published_takes() -> dict[str, str]:
    """SHA-256 of each published clip, by its recording on Freesound and its take: 100032-A."""
    return {
        match["take"]: clip.sha256
        for clip in load_published()
        if (match := _NAMED.fullmatch(PurePosixPath(clip.file).stem))
    }


def published_as(file: str) -> str | None:
    """The SHA-256 of the clip that ESC-10 names so, or ESC-50, whatever `file` is encoded as.

    ESC-10 has 1-100032-A.ogg and ESC-50 1-100032-A-0.wav: one take of one recording.
    """
    match = _NAMED.fullmatch(PurePosixPath(file).stem)
    return published_takes().get(match["take"]) if match else None


def fetch_esc10(
    folder: Path,
    *,
    base_url: str = BASE_URL,
    published: Sequence[PublishedClip] | None = None,
    workers: int = 8,
    pause_s: float = 1.0,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Download the published files into a folder, each checked against its SHA-256.

    Files that are there and right are left alone, so a broken-off fetch goes on where it stopped.
    A failed download is tried again after `pause_s`, then twice that, and so on.

    Raises:
        FetchError: a file cannot be had, or cannot be written.
    """
    import pooch

    pooch.get_logger().setLevel("WARNING")  # else a line on stderr for each file
    published = published or load_published()
    try:
        for place in {clip.file.rpartition("/")[0] for clip in published}:
            (folder / place).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FetchError(f"{folder}: {error.strerror}; choose another folder") from error
    pool = ThreadPoolExecutor(max(1, workers))
    try:
        jobs = [pool.submit(_fetch, folder, clip, base_url, pause_s) for clip in published]
        for done, job in enumerate(as_completed(jobs), start=1):
            job.result()
            if progress:
                progress(done, len(jobs))
    finally:
        pool.shutdown(cancel_futures=True)
    check_esc10(folder, published)


def _fetch(folder: Path, clip: PublishedClip, base_url: str, pause_s: float) -> None:
    import pooch
    import requests

    target = folder / clip.file
    url = base_url + quote(clip.file)
    for attempt in range(_ATTEMPTS):
        if attempt:
            time.sleep(pause_s * 2 ** (attempt - 1))
        try:
            pooch.retrieve(
                url,
                known_hash=f"sha256:{clip.sha256}",
                fname=target.name,
                path=target.parent,
                downloader=pooch.HTTPDownloader(timeout=30),
            )
            return
        except requests.HTTPError as error:
            status = 0 if error.response is None else error.response.status_code
            reason = f"the server answered {status}"
            if status in _GIVE_UP and status not in _BUT_RETRY:
                break
        except requests.RequestException as error:
            reason = f"the connection failed ({type(error).__name__})"
        except ValueError:
            reason = "other bytes came than were published"
        except OSError as error:
            mend = "make room there or" if error.errno == errno.ENOSPC else "check the folder or"
            raise FetchError(
                f"{target}: cannot be written ({error.strerror}); {mend} choose another"
            ) from error
    raise FetchError(f"{url}: {reason}; run the same command again, it goes on where it stopped")


def find_faults(folder: Path, published: Sequence[PublishedClip] | None = None) -> str:
    """Compare every file with its published SHA-256: what is amiss, or nothing."""
    published = published or load_published()
    with ThreadPoolExecutor(4) as pool:
        hashes = list(pool.map(content_hash, [folder / clip.file for clip in published]))
    missing = [clip.file for clip, found in zip(published, hashes, strict=True) if not found]
    wrong = [
        clip.file
        for clip, found in zip(published, hashes, strict=True)
        if found and found != clip.sha256
    ]
    faults = [
        f"{len(names)} of {len(published)} files {what}, {names[0]} the first"
        for names, what in ((missing, "missing"), (wrong, "with other bytes than published"))
        if names
    ]
    return " and ".join(faults)


def check_esc10(folder: Path, published: Sequence[PublishedClip] | None = None) -> None:
    """Refuse a copy of ESC-10 that is not whole, byte for byte.

    Raises:
        FetchError: files are missing or are not those that were published.
    """
    if faults := find_faults(folder, published):
        raise FetchError(
            f'{folder}: not the whole ESC-10, {faults}; run auricle fetch esc10 --out "{folder}"'
        )


_ATTRIBUTION = """\
# Attribution

No sound of ESC-10 is part of this project; `auricle fetch esc10` downloads them.

ESC-10 is a part of ESC-50 by Karol J. Piczak, published under CC BY 3.0
(https://creativecommons.org/licenses/by/3.0/) at https://github.com/karolpiczak/ESC-10, here at
commit {commit}:

{citation}

Its clips were cut from recordings that their authors shared on https://freesound.org, and encoded
as Ogg Vorbis. Of the {clips} clips, {counted}:

- CC0: https://creativecommons.org/publicdomain/zero/1.0/
- CC-BY: https://creativecommons.org/licenses/by/3.0/, or the version on the recording's page
- CC-Sampling+: https://creativecommons.org/licenses/sampling+/1.0/

This file is printed by `python -m auricle.data.esc10`.

| clip | recording | author | licence |
| --- | --- | --- | --- |
"""


def credit() -> str:
    """Say in a sentence whose ESC-10 is, and under which licences its clips are."""
    published = load_published()
    return (
        "ESC-10 is a part of ESC-50 by Karol J. Piczak, CC BY 3.0 as a set; of its "
        f"{len(published)} clips, cut from recordings that their authors shared on freesound.org, "
        f"{_counted(published)}."
    )


def _counted(published: Sequence[PublishedClip]) -> str:
    licences = Counter(clip.licence for clip in published).most_common()
    return ", ".join(f"{count} are {licence}" for licence, count in licences)


def write_attribution() -> str:
    """Say whose sounds ESC-10 is made of and under which licences, as Markdown."""
    published = load_published()
    text = _ATTRIBUTION.format(
        commit=COMMIT,
        citation=textwrap.indent(
            textwrap.fill(f"{CITATION} https://doi.org/10.1145/2733373.2806390", 98), "> "
        ),
        clips=len(published),
        counted=_counted(published),
    )
    for clip in published:
        sound = clip.recording.rpartition("/")[2]
        title = re.sub(r"([|\[\]])", r"\\\1", clip.title)
        link = f"[{title}](https://freesound.org/s/{sound}/)"
        text += f"| {clip.file} | {link} | {clip.author} | {clip.licence} |\n"
    return text


if __name__ == "__main__":
    print(write_attribution(), end="")
