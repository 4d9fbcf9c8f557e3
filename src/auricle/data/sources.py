"""What `--data` may name: esc10, synth, or a path; and where what is made from it is kept."""

import os
import re
from dataclasses import replace
from pathlib import Path

from auricle.data.clips import ClipTable, is_esc10
from auricle.data.duplicates import Progress
from auricle.data.esc10 import check_esc10, find_faults
from auricle.data.folds import check_folds
from auricle.data.readers import Check, Columns, read_clips
from auricle.data.synth import VERSION, make_synth
from auricle.errors import FetchError

SYNTH = re.compile(r"synth(?:-(\d+))?")


def is_path(data: str) -> bool:
    """Whether data is given by its place rather than by name."""
    return data != "esc10" and not SYNTH.fullmatch(data)


def cache_folder() -> Path:
    """Where fetched, made and decoded sounds are kept: AURICLE_CACHE, or the user's cache."""
    import pooch

    return Path(os.environ.get("AURICLE_CACHE") or pooch.os_cache("auricle"))


def default_folder() -> Path:
    """Where ESC-10 is fetched to unless told otherwise."""
    return cache_folder() / "ESC-10"


def esc10_folder() -> Path:
    """Where a copy of ESC-10 is looked for: AURICLE_DATA if that is one, else the fetched one."""
    told = os.environ.get("AURICLE_DATA")
    return Path(told) if told and is_esc10(Path(told)) else default_folder()


def read_data(
    data: str | Path | None = None,
    *,
    columns: Columns | None = None,
    root: Path | None = None,
    subset: str | None = None,
    folds: int = 5,
    skip_bad: bool = False,
    check: Check = check_folds,
    progress: Progress | None = None,
) -> ClipTable:
    """Read the clips of a named data set or of a path; AURICLE_DATA stands in where none is given.

    "esc10" is the copy in AURICLE_DATA if there is one, else the fetched one; "synth" is made if
    it was not before, "synth-200" with so many clips. Other arguments are those of `read_clips`.
    ESC-10 is checked against its published hashes wherever it stands; with `skip_bad` what is
    amiss becomes a note, and the set is named esc10-incomplete.

    Raises:
        FetchError: ESC-10 is not there, or not whole.
        DataError: as `read_clips`.
    """
    told = os.environ.get("AURICLE_DATA")
    if told and str(data or "esc10") == "esc10" and not Path(told).exists():
        raise FetchError(f"{told}: AURICLE_DATA names it, and it is not there; name another place")
    data = data or told or "esc10"
    if match := SYNTH.fullmatch(str(data)):
        clips = int(match[1] or 400)
        folder = cache_folder() / f"synth-v{VERSION}-{clips}"
        return make_synth(folder, clips=clips, progress=progress)
    if str(data) == "esc10":
        folder = esc10_folder()
        if not is_esc10(folder):
            raise FetchError(
                f"ESC-10 is not in {folder}; run auricle fetch esc10, "
                "or name a copy with --data or AURICLE_DATA"
            )
        data = folder
    source = Path(data)
    if not is_esc10(source):
        return read_clips(
            source,
            columns=columns,
            root=root,
            subset=subset,
            folds=folds,
            skip_bad=skip_bad,
            check=check,
            cache=cache_folder(),
            progress=progress,
        )
    if not skip_bad:
        check_esc10(source)
    table = read_clips(source, check=check)
    if skip_bad and (faults := find_faults(source)):
        note = f"This copy of ESC-10 is not the published one: {faults}."
        return replace(table, name="esc10-incomplete", notes=(*table.notes, note))
    return table
