"""Labelled sound files, and the table of them that a data set is."""

import csv
import os
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from pathlib import Path

ESC10_FOLDERS = {
    "001 - Dog bark": "dog",
    "002 - Rain": "rain",
    "003 - Sea waves": "sea_waves",
    "004 - Baby cry": "crying_baby",
    "005 - Clock tick": "clock_tick",
    "006 - Person sneeze": "sneezing",
    "007 - Helicopter": "helicopter",
    "008 - Chainsaw": "chainsaw",
    "009 - Rooster": "rooster",
    "010 - Fire crackling": "crackling_fire",
}
"""Folders of the published archive and ESC-50's names for them, in the order of the classes."""


@dataclass(frozen=True, slots=True)
class Clip:
    """One labelled sound file. `file` is a posix path relative to the table's root.

    `author` is empty where it is not told: no fold is made by it, an audit alone asks.
    """

    file: str
    category: str
    fold: int
    recording: str
    author: str = field(default="", compare=False)


@dataclass(frozen=True)
class ClipTable:
    """The clips of a data set, and what was met on the way to them.

    `clips` are sorted by file; `ignored` lists hidden and non-audio files; `notes` are assumptions
    that a report has to state.
    """

    name: str
    root: Path
    clips: tuple[Clip, ...]
    ignored: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def categories(self) -> tuple[str, ...]:
        """Names of the classes: in ESC-10's order if they are its own, else sorted."""
        found = {clip.category for clip in self.clips}
        known = tuple(ESC10_FOLDERS.values())
        return known if found == set(known) else tuple(sorted(found))

    @property
    def folds(self) -> tuple[int, ...]:
        """Numbers of the folds, sorted."""
        return tuple(sorted({clip.fold for clip in self.clips}))

    def in_folds(self, folds: Collection[int]) -> "ClipTable":
        """Take the clips of some folds alone."""
        return replace(self, clips=tuple(clip for clip in self.clips if clip.fold in folds))

    def path(self, clip: Clip) -> Path:
        """Where the file of a clip stands."""
        return self.root / clip.file


def is_esc10(folder: Path) -> bool:
    """Whether a folder is laid out as the published ESC-10 archive is."""
    return any((folder / name).is_dir() for name in ESC10_FOLDERS)


def write_clips(table: ClipTable, file: Path) -> None:
    """Write a table, its folds included, as a CSV that `read_clips` takes back."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["file", "category", "fold", "recording"])
        for clip in table.clips:
            path = _relative(table.path(clip), file.parent)
            writer.writerow([path, clip.category, clip.fold, clip.recording])


def _relative(path: Path, folder: Path) -> str:
    try:
        return Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:  # another drive
        return path.resolve().as_posix()
