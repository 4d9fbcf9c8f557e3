"""What a new edition of a published study replaces: counted, not silently exchanged."""

import csv
import datetime
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from auricle.files import csv_text, replace_text
from auricle.study.fits import load_predictions
from auricle.training.sounds import Array

REPLACED = "replaced.csv"
COLUMNS = (
    *("date", "configuration", "strategy", "member", "seed", "on"),
    *("clips", "right_before", "right_now"),
)


def note_replaced(run: Path, published: Path) -> None:
    """Append to a study's `replaced.csv` whose answers a published copy has otherwise.

    Compared are fits of one recipe and seed, which answer otherwise where they were trained anew,
    by another machine or other code. A recipe that was changed is another experiment, and counts
    for nothing here. Nothing is ever taken out.
    """
    path = run / REPLACED
    told = []
    if path.is_file():
        with path.open(encoding="utf-8", newline="") as stream:
            told = [tuple(row[name] for name in COLUMNS) for row in csv.DictReader(stream)]
    today = datetime.date.today().isoformat()
    new = [(today, *(str(value) for value in row)) for row in _replaced(run, published)]
    if new := [row for row in new if row[1:] not in {old[1:] for old in told}]:
        replace_text(path, csv_text(COLUMNS, [*told, *new]))


def _replaced(run: Path, published: Path) -> Iterator[tuple[Any, ...]]:
    """Each set of answers that both have, and have otherwise."""
    for before in sorted(published.glob("*/*/*/seed-*/fit.json")):
        now = run / before.relative_to(published)
        if not now.is_file():
            continue
        earlier, facts = (json.loads(file.read_text(encoding="utf-8")) for file in (before, now))
        if any(earlier[key] != facts[key] for key in ("recipe", "epochs", "views", "categories")):
            continue
        fit = [facts[key] for key in ("configuration", "strategy", "member", "seed")]
        for name in ("predictions.npz", "test.npz"):
            files = [folder / name for folder in (before.parent, now.parent)]
            if not all(file.is_file() for file in files):
                continue
            old, new = (load_predictions(file) for file in files)
            if old.clips == new.clips and not np.array_equal(old.probabilities, new.probabilities):
                tested = name == "test.npz" or facts["strategy"] == "esc5"
                truth = [facts["categories"].index(clip.category) for clip in new.clips]
                right = [_right(each.probabilities, truth) for each in (old, new)]
                yield *fit, "test" if tested else "out-of-fold", len(truth), *right


def _right(probabilities: Array, truth: list[int]) -> int:
    return int((probabilities.argmax(axis=1) == truth).sum())
