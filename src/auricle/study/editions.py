"""What a new edition of a published study replaces: counted, not silently exchanged."""

import csv
import datetime
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from auricle.files import csv_text, replace_text
from auricle.study.fits import Predictions, load_predictions

REPLACED = "replaced.csv"
FIT = ("configuration", "strategy", "member", "seed")
COLUMNS = (
    "noted",
    *FIT,
    "on",
    "clips",
    "right_before",
    "right_now",
    "trained_before",
    "trained_now",
)
ANSWERS = {"predictions.npz": "out-of-fold", "test.npz": "test"}
ALIKE = ("recipe", "epochs", "views", "categories")
"""What two trainings of one fit must share; else they are two experiments."""

Row = tuple[str, ...]


def note_replaced(run: Path, published: Path) -> None:
    """Note in a study's `replaced.csv` which fits of a published copy were trained anew since.

    Compared are fits of one recipe and seed that were trained at another time: by another machine
    or other code. A recipe that was changed is another experiment, and counts for nothing here.
    What the copy itself has noted is kept, too: nothing is ever taken out.
    """
    told = list(dict.fromkeys([*_noted(published), *_noted(run)]))
    known = {row[1:] for row in told}
    today = datetime.date.today().isoformat()
    new = [(today, *row) for row in _replaced(run, published) if row not in known]
    if [*told, *new] != _noted(run):
        replace_text(run / REPLACED, csv_text(COLUMNS, [*told, *new]))


def _noted(folder: Path) -> list[Row]:
    if not (folder / REPLACED).is_file():
        return []
    with (folder / REPLACED).open(encoding="utf-8", newline="") as stream:
        return [tuple(row.get(name) or "" for name in COLUMNS) for row in csv.DictReader(stream)]


def _replaced(run: Path, published: Path) -> Iterator[Row]:
    """Each set of answers that both have, of fits that were trained at two times."""
    for file in sorted(published.glob("*/*/*/seed-*/fit.json")):
        folders = file.parent, run / file.parent.relative_to(published)
        if not (folders[1] / "fit.json").is_file():
            continue
        before, now = (_facts(folder) for folder in folders)
        if before.get("started") == now.get("started"):
            continue
        if any(before.get(key) != now.get(key) for key in ALIKE):
            continue
        for name, on in ANSWERS.items():
            if not all((folder / name).is_file() for folder in folders):
                continue
            old, new = (load_predictions(folder / name) for folder in folders)
            if old.clips == new.clips:
                right = [_right(each, now["categories"]) for each in (old, new)]
                trained = [each.get("started", "") for each in (before, now)]
                found = (*(now[key] for key in FIT), on, len(new.clips), *right, *trained)
                yield tuple(map(str, found))


def _facts(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "fit.json").read_text(encoding="utf-8"))
    return found


def _right(answers: Predictions, categories: list[str]) -> int:
    truth = [categories.index(clip.category) for clip in answers.clips]
    return int((answers.probabilities.argmax(axis=1) == truth).sum())
