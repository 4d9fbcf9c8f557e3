"""From a folder or a CSV of labels to a table of clips whose folds no recording crosses."""

import csv
import difflib
import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath, PureWindowsPath

from auricle.data.audio import SUFFIXES
from auricle.data.clips import ESC10_FOLDERS, Clip, ClipTable, is_esc10
from auricle.data.duplicates import Progress, find_duplicates, find_equal
from auricle.data.folds import assign_folds, check_folds, group_duplicates
from auricle.errors import DataError

_BRACES = re.compile(r"{(.*?)}")
_ESC10_FILE = re.compile(r"(?P<fold>\d)-(?P<freesound>\d+)-[A-Z]")


@dataclass(frozen=True, kw_only=True)
class Columns:
    """Names of the columns in a CSV of labels.

    `file` is a column, or a path with columns in braces: "audio/fold{fold}/{slice_file_name}".
    Without `fold`, folds are assigned; without `recording`, files of the same sound are one;
    `author` is who recorded, for an audit.
    """

    file: str = "file"
    category: str = "category"
    fold: str | None = None
    recording: str | None = None
    author: str | None = None


ESC50 = Columns(file="audio/{filename}", category="category", fold="fold", recording="src_file")
URBANSOUND8K = Columns(
    file="audio/fold{fold}/{slice_file_name}", category="class", fold="fold", recording="fsID"
)

ESC50_LABELS = "meta/esc50.csv"

_PUBLISHED = {
    ESC50_LABELS: ("esc50", ESC50),
    "metadata/UrbanSound8K.csv": ("urbansound8k", URBANSOUND8K),
}
"""Where a published set keeps its labels, what it is called and how its columns are."""

Check = Callable[[Sequence[Clip], Path], None]
"""Refuses clips, read from a place, whose folds will not do."""


def read_clips(
    source: Path,
    *,
    columns: Columns | None = None,
    root: Path | None = None,
    subset: str | None = None,
    name: str | None = None,
    folds: int = 5,
    skip_bad: bool = False,
    check: Check = check_folds,
    cache: Path | None = None,
    progress: Progress | None = None,
) -> ClipTable:
    """Read a data set: ESC-10's archive, ESC-50, UrbanSound8K, one folder a class, or a CSV.

    `source` is its folder or the CSV. `root` is the folder that the CSV's files are relative to,
    if not the CSV's own; `subset` a true/false column of the CSV that picks its rows (ESC-50 has
    "esc10"). `folds` are made where the data names none: grouped by recording, balanced by class,
    the same on every run. With `skip_bad` missing files stay in the table, for the store to skip.
    `check` refuses folds; an audit, which tells of leaks, asks for less.

    Where neither recordings nor folds are named, all files are decoded, to find those that hold
    the same sound: `cache` keeps what was found, `progress(done, total)` is called meanwhile.

    Raises:
        DataError: nothing to read, a column or file that is missing, or what `check` refuses.
    """
    source = Path(source)
    found = _find_labels(source)
    if found and columns is None:
        labels, base, called, columns = found
        table = _read_csv(labels, columns, root or base, subset, called, skip_bad)
    elif source.is_file():
        called = source.parent.resolve().name if source.stem == "clips" else source.stem
        table = _read_csv(source, columns, root or source.parent, subset, called, skip_bad)
    elif not source.is_dir():
        raise DataError(
            f"{source}: no such file or folder; give a folder of clips, a CSV of labels, "
            "or the name esc10 or synth"
        )
    elif columns or subset or root:
        raise DataError(f"{source}: columns and subsets are read from a CSV; give the CSV's path")
    elif is_esc10(source):
        table = _read_folders(source, "esc10", _esc10_clip)
    else:
        table = _read_folders(source, source.resolve().name, _folder_clip)
    if not table.clips:
        raise DataError(
            f"{source}: no clip in it; audio files end in {', '.join(sorted(SUFFIXES))}"
        )
    table = _with_folds(_with_recordings(table, cache, progress), folds)
    check(table.clips, source)
    return replace(table, name=name or table.name)


def read_esc(folder: Path, *, skip_bad: bool = False) -> ClipTable:
    """Read ESC-10 alone, from its own archive or out of ESC-50, where its clips are marked.

    Both tell folds and recordings: nothing is guessed, and no sound is decoded.

    Raises:
        DataError: neither is there, or a recording stands in two folds.
    """
    if is_esc10(folder):
        table = _read_folders(folder, "esc10", _esc10_clip)
    elif (folder / ESC50_LABELS).is_file():
        table = _read_csv(folder / ESC50_LABELS, ESC50, folder, "esc10", "esc50", skip_bad)
    else:
        raise DataError(
            f"{folder}: neither ESC-10 ({next(iter(ESC10_FOLDERS))}, ...) nor ESC-50 "
            f"({ESC50_LABELS}) is here; name the folder that was unpacked"
        )
    clips = tuple(sorted(table.clips, key=lambda clip: clip.file))
    if not clips:
        raise DataError(f"{folder}: no clip of ESC-10 in it; unpack the whole archive again")
    check_folds(clips, folder)
    return replace(table, clips=clips)


def _with_recordings(table: ClipTable, cache: Path | None, progress: Progress | None) -> ClipTable:
    """Sort the clips, and fill in recordings (empty) that the data does not tell.

    Where folds are named, one of them is a test fold that stays closed: only bytes are compared.
    """
    clips = tuple(sorted(table.clips, key=lambda c: c.file))
    if all(clip.recording for clip in clips):
        return replace(table, clips=clips)
    files = [table.path(clip) for clip in clips]
    if all(clip.fold for clip in clips):
        pairs, looked = find_equal(files), "only equal files were looked for"
        mend = " Near-duplicates are told by auricle audit."
    else:
        pairs = find_duplicates(files, cache, progress).pairs
        looked, mend = "near-duplicates were looked for", ""
    clips = group_duplicates(clips, pairs)
    repeated = len(clips) - len({clip.recording for clip in clips})
    note = (
        f"No recordings are named, and {looked}: every file is taken for a recording of its own"
        + (f", but for {repeated} that repeat another one, or a part of it." if repeated else ".")
        + mend
    )
    return replace(table, clips=clips, notes=(*table.notes, note))


def _with_folds(table: ClipTable, folds: int) -> ClipTable:
    """Make folds where the data names none (0)."""
    if all(clip.fold for clip in table.clips):
        return table
    note = f"No folds are named: {folds} were made, by recording and balanced by class."
    clips = assign_folds(table.clips, folds, seed=0)
    return replace(table, clips=clips, notes=(*table.notes, note))


def _read_folders(
    root: Path, name: str, to_clip: Callable[[PurePosixPath], Clip | None]
) -> ClipTable:
    clips, ignored = [], []
    for path in _walk(root):
        clip = None if path.endswith("/") else to_clip(PurePosixPath(path))
        if clip:
            clips.append(clip)
        else:
            ignored.append(path)
    return ClipTable(name, root, tuple(clips), tuple(sorted(ignored)))


def _walk(root: Path) -> Iterator[str]:
    """Every file below a folder as a relative posix path; a hidden folder as one path with a /."""
    been = {os.path.realpath(root)}  # links are followed, but not in circles
    for folder, subfolders, files in os.walk(root, followlinks=True, onerror=_refuse):
        here = Path(folder).relative_to(root)
        for name in sorted(subfolders):
            place = os.path.realpath(Path(folder, name))
            if name.startswith(".") or place in been:
                subfolders.remove(name)
                yield f"{(here / name).as_posix()}/"
            been.add(place)
        subfolders.sort()
        for path in ((here / file).as_posix() for file in sorted(files)):
            try:
                path.encode()
            except UnicodeEncodeError:
                raise DataError(f"{root}: the name {path!r} is no UTF-8; rename it") from None
            yield path


def _refuse(problem: OSError) -> None:
    raise DataError(f"{problem.filename}: {problem.strerror}; make it a folder that you may read")


def _is_audio(path: PurePosixPath) -> bool:
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".")


def _folder_clip(path: PurePosixPath) -> Clip | None:
    """dog/park/rex.wav is a clip of the category dog; its fold and recording are not known."""
    if not _is_audio(path) or len(path.parts) < 2:
        return None
    return Clip(path.as_posix(), path.parts[0], fold=0, recording="")


def _esc10_clip(path: PurePosixPath) -> Clip | None:
    """001 - Dog bark/1-100032-A.ogg is take A of the recording 100032 on Freesound, in fold 1."""
    category = ESC10_FOLDERS.get(path.parts[0])
    match = _ESC10_FILE.fullmatch(path.stem)
    if not (category and match and _is_audio(path)):
        return None
    recording = f"{category}/{match['freesound']}"
    return Clip(path.as_posix(), category, int(match["fold"]), recording)


def _find_labels(source: Path) -> tuple[Path, Path, str, Columns | None] | None:
    """Labels of a published set, or a `clips.csv`: (csv, root, name, columns)."""
    for place, (name, columns) in _PUBLISHED.items():
        if (source / place).is_file():
            return source / place, source, name, columns
        if source.is_file() and source.as_posix().endswith(place):
            return source, source.parent.parent, name, columns
    if (source / "clips.csv").is_file() and not is_esc10(source):
        return source / "clips.csv", source, source.resolve().name, None
    return None


def _read_csv(
    file: Path,
    columns: Columns | None,
    root: Path,
    subset: str | None,
    name: str,
    skip_bad: bool,
) -> ClipTable:
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream, restval="")
            header = list(reader.fieldnames or [])
            rows = list(reader)
    except (csv.Error, UnicodeDecodeError) as error:
        raise DataError(f"{file}: no CSV in UTF-8 ({error}); save it as one") from error
    if columns is None:
        columns = Columns(
            fold="fold" if "fold" in header else None,
            recording="recording" if "recording" in header else None,
            author="author" if "author" in header else None,
        )
    pattern = columns.file
    needed = [*(_BRACES.findall(pattern) or [pattern]), columns.category]
    if _BRACES.search(pattern) and set("{}") & set(_BRACES.sub("", pattern)):
        raise DataError(
            f"{file}: {pattern!r} has a brace without its other one; give each column as {{name}}"
        )
    for column in [*needed, columns.fold, columns.recording, columns.author, subset]:
        if column is not None and column not in header:
            raise DataError(f"{file}: no column {column!r}; {_nearest(column, header)}")
    clips: list[Clip] = []
    seen: set[str] = set()  # a place goes by several names: a.wav, ./a.wav
    for line, row in enumerate(rows, start=2):
        if subset and row[subset].strip().lower() not in ("true", "1", "yes"):
            continue
        clip = _row_clip(row, pattern, columns, f"{file}, row {line}")
        place = os.path.normpath((root / clip.file).absolute())
        if place in seen:
            raise DataError(f"{file}, row {line}: {clip.file} is named twice; keep one row of it")
        seen.add(place)
        if not skip_bad and not (root / clip.file).is_file():
            raise DataError(
                f"{file}, row {line}: no such file, {root / clip.file}; bring it back, "
                "correct the row, or use --skip-bad"
            )
        clips.append(clip)
    return ClipTable(f"{name}-{subset}" if subset else name, root, tuple(clips))


def _row_clip(row: dict[str, str], pattern: str, columns: Columns, where: str) -> Clip:
    category = row[columns.category].strip()
    if not category:
        raise DataError(f"{where}: no category; fill it in or delete the row")
    fold = 0
    if columns.fold:
        told = row[columns.fold].strip()
        if not told.isdecimal() or int(told) < 1:
            raise DataError(f"{where}: fold {told!r} is no number from 1 up; correct the row")
        fold = int(told)
    recording = row[columns.recording].strip() if columns.recording else ""
    if columns.recording and not recording:
        raise DataError(f"{where}: no recording; fill it in or leave the column out")
    if columns is ESC50:  # there a recording belongs to a category, as in ESC-10
        recording = f"{category}/{recording}"
    braced = _BRACES.search(pattern)
    file = _BRACES.sub(lambda column: row[column[1]], pattern) if braced else row[pattern]
    file = file.replace("\\", "/")
    if PurePosixPath(file).is_absolute() or PureWindowsPath(file).is_absolute():
        problem = f"{where}: {file} is absolute"
        raise DataError(f"{problem}; name files from the table's folder, or say their root")
    author = row[columns.author].strip() if columns.author else ""
    return Clip(file, category, fold, recording, author)


def _nearest(word: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return f"did you mean {near[0]!r}?" if near else f"it has {', '.join(known) or 'none'}"
