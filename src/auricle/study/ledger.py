"""Each reading of the sealed fold, written down in the study and in a ledger."""

import datetime
from collections import Counter
from pathlib import Path

from filelock import FileLock

from auricle.files import csv_text, replace_text
from auricle.study.environment import source_commit
from auricle.study.recipe import Recipe, recipe_hash

COLUMNS = ("date", "commit", "recipe_hash", "reason")


def note_reading(
    run: Path, recipes: tuple[Recipe, ...], reason: str, ledger: Path | None = None
) -> None:
    """Append one reading of the test fold to the study's own list, and to a ledger if one is kept.

    The study's list gets what else the ledger tells, too; nothing is ever taken out of either.
    """
    today = datetime.date.today().isoformat()
    written = (today, source_commit(), recipe_hash(recipes), " ".join(reason.split()))
    header, row = csv_text(COLUMNS, [written]).splitlines(keepends=True)
    own = run / "test_reads.csv"
    told = readings(own)
    if ledger and ledger.resolve() != own.resolve():
        ledger.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(ledger.with_name(f"{ledger.name}.lock")):  # several studies may share it
            others = readings(ledger)
            told += (Counter(others) - Counter(told)).elements()
            replace_text(ledger, "".join((header, *others, row)))
    replace_text(own, "".join((header, *told, row)))


def readings(ledger: Path) -> list[str]:
    """The rows of a list of readings, a line each; none where there is no list yet."""
    lines = ledger.read_text(encoding="utf-8").splitlines() if ledger.exists() else []
    return [f"{line}\n" for line in lines[1:]]
