"""`auricle audit`: a data set read, listened to, and told of on one page."""

import json
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path

from pydantic import TypeAdapter
from rich.box import SIMPLE
from rich.console import Console
from rich.padding import Padding
from rich.progress import Progress
from rich.table import Table as Grid

from auricle.data.clips import ClipTable
from auricle.data.folds import check_categories
from auricle.data.measures import Measures
from auricle.data.readers import Columns
from auricle.data.sources import read_data
from auricle.evidence.audit import Audit, Heard, Match, audit, authors_of, listen
from auricle.evidence.findings import findings, several, shortcut_words
from auricle.files import csv_text, replace_text
from auricle.study.recipe import Table


def audit_data(data: str | None, labels: Table, out: Path | None) -> int:
    """Audit a data set: 1 if it leaks, else 0.

    `labels` are the columns, root and subset of a CSV, as a plan's table has them.
    """
    console = Console(markup=False, highlight=False)
    with Progress(console=console, transient=True) as progress:
        reading = progress.add_task("reading", total=None)
        table = read_data(
            data,
            columns=Columns(**labels["columns"]) if "columns" in labels else None,
            root=Path(labels["root"]) if "root" in labels else None,
            subset=labels.get("subset"),
            skip_bad=True,
            check=check_categories,
            progress=lambda done, total: progress.update(reading, completed=done, total=total),
        )
        heard = listen(table, progress, test=True)
        found = audit(table, heard)
    tell(found, console)
    if out:
        write_audit(out, table, heard, found)
        console.print(f"\n{out}", soft_wrap=True)
    return int(found.leaks)


def tell(found: Audit, console: Console) -> None:
    """Print a page about a data set."""
    authors = f", {several(found.authors, 'author')}" if found.authors else ""
    console.print(
        f"{found.name}: {several(found.clips, 'clip')} of {several(found.recordings, 'recording')}"
        f"{authors}, {len(found.classes)} classes, {len(found.folds)} folds."
    )
    for note in found.notes:
        console.print(note)
    console.print(class_grid(found))
    console.print(
        f"Length, level, silence and bandwidth are medians, without fold {found.test_fold}, the "
        "test fold, of which nobody should know what it is like. Silent is the share of a clip "
        "that is 60 dB weaker than its loudest moment; 99% of the power lie below the bandwidth. "
        "Clipped are samples at full scale: one clip in twenty has a greater share of them. "
        "The same sound is looked for in all folds.\n"
    )
    rates = ", ".join(f"{rate:,} Hz ({clips})" for rate, clips in sorted(found.rates_hz.items()))
    console.print(f"Sample rates without fold {found.test_fold}: {rates}.")
    console.print(
        f"Same sound twice: {several(sum(each.equal for each in found.matches), 'equal file')}, "
        f"{several(sum(not each.equal for each in found.matches), 'near-duplicate')}."
    )
    console.print(
        f"Shortcuts: {shortcut_words(found.shortcuts)}\n"
        if found.shortcuts
        else "Shortcuts were not looked for: that takes two folds beside the test fold.\n"
    )
    for each in findings(found):
        console.print(f"{'LEAK' if each.leak else 'Note'}  {each.what}")
        console.print(Padding(each.do, (0, 0, 0, 6)))
    console.print(
        "\nThis data leaks: scores on it can be better than the classifier is."
        if found.leaks
        else "\nNo sound and no recording was found in two folds."
    )


def class_grid(found: Audit) -> Grid:
    """A line a class, not wider than a terminal of 80 letters where a class has one rate."""
    grid = Grid(box=SIMPLE, padding=0)
    grid.add_column("class", no_wrap=True)
    counted = ["clips", "record-\nings", *(["au-\nthors"] if found.authors else []), "in a\nfold"]
    measured = ("rate\nkHz", "length\ns", "level\ndB", "silent\n%", "width\nkHz", "clip-\nped %")
    for head in (*counted, *measured):
        grid.add_column(head, justify="right", no_wrap=True)
    for each in found.classes:
        counts = [each.clips, each.recordings, *([each.authors] if found.authors else [])]
        held = span([each.by_fold.get(fold, 0) for fold in found.folds])
        median = {name: values[2] for name, values in each.spread.items()}
        told = (
            (
                span([rate / 1000 for rate in each.rates_hz]),
                f"{median['length_s']:.1f}",
                f"{median['level_db']:.0f}",
                f"{100 * median['silence']:.0f}",
                f"{median['bandwidth_hz'] / 1000:.1f}",
                f"{100 * each.spread['clipped'][-1]:.1f}",
            )
            if median
            else ()
        )
        grid.add_row(each.category, *map(str, counts), held, *told)
    return grid


def span(values: Sequence[float]) -> str:
    """The least and the greatest of some values, or the one that there is."""
    few, many = min(values), max(values)
    return f"{few:g}" if few == many else f"{few:g} to {many:g}"


def write_audit(folder: Path, table: ClipTable, heard: Heard, found: Audit) -> None:
    """Leave audit.json, audit.csv with a row a clip, and duplicates.csv with a row a pair."""
    text = json.dumps(TypeAdapter(Audit).dump_python(found, mode="json"), indent=1, allow_nan=False)
    replace_text(folder / "audit.json", text + "\n")
    authors = authors_of(table)
    measured = [field.name for field in fields(Measures)]
    rows = []
    for clip in table.clips:
        facts = [clip.file, clip.category, clip.fold, clip.recording, authors.get(clip.file, "")]
        measures = heard.measures.get(clip.file)
        values = [getattr(measures, name) if measures else "" for name in measured]
        rows.append([*facts, *values, found.broken.get(clip.file, "")])
    head = ["file", "category", "fold", "recording", "author", *measured, "problem"]
    replace_text(folder / "audit.csv", csv_text(head, rows))
    replace_text(
        folder / "duplicates.csv",
        csv_text(
            [field.name for field in fields(Match)],
            ([joined(value) for value in asdict(each).values()] for each in found.matches),
        ),
    )


def joined(value: object) -> object:
    """What is told of both files of a pair, in one cell."""
    return " | ".join(map(str, value)) if isinstance(value, tuple) else value
