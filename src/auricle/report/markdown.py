"""The comparative table as Markdown: `python -m auricle.report.markdown RUN`, for a README.

Every cell is read from the study's `comparison.csv`.
"""

import csv
import sys
from pathlib import Path

Row = dict[str, str]

COLUMNS = {
    "out of fold (4-fold)": ("kfold", "pooled", "out-of-fold"),
    "test: holdout": ("holdout", None, "test"),
    "test: refit": ("refit", "all", "test"),
    "test: 4 networks averaged": ("kfold", "ensemble", "test"),
}


def comparative_table(run: Path) -> str:
    """Accuracy in percent under each strategy, F1, AUC and sizes: a line a configuration."""
    with (run / "comparison.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    names = list(dict.fromkeys(row["configuration"] for row in rows))
    sizes = ["trainable", "fixed", "minutes a fit"]
    first, *tested = COLUMNS
    titles = ["configuration", first, "its F1 (macro)", "its AUC", *tested, *sizes]
    lines = [_line(titles), _line(["---"] * len(titles))]
    for name in names:
        own = [row for row in rows if row["configuration"] == name]
        cells = [_accuracy(_find(own, *key)) for key in COLUMNS.values()]
        best = _find(own, "kfold", "pooled", "out-of-fold")
        members = [row for row in own if _is_member(row, best)]
        seconds = float(best["train_seconds"])
        minutes = f"{seconds / 60 / len(members):.1f}" if members else "-"
        cells[1:1] = [f"{float(best[name]):.3f}" for name in ("f1_macro", "auc_macro")]
        cells += [f"{int(best[f'parameters_{kind}']):,}" for kind in ("trainable", "fixed")]
        lines.append(_line([name, *cells, minutes]))
    return "\n".join(lines)


def _find(rows: list[Row], strategy: str, member: str | None, on: str) -> Row:
    """The row of all seeds if there are several, else of the one; of a committee, its own."""
    same = [row for row in rows if (row["strategy"], row["on"]) == (strategy, on)]
    same = [row for row in same if member in (None, row["member"])]
    same = [row for row in same if row["seed"] != "ensemble"] or same
    return next((row for row in same if row["seed"] == "mean"), same[0] if same else {})


def _is_member(row: Row, whole: Row) -> bool:
    """Whether a row is of one of the fits behind the pooled row."""
    same = all(row[key] == whole[key] for key in ("strategy", "on"))
    seeds = row["seed"].isdigit() and whole["seed"] in ("mean", row["seed"])
    return same and seeds and row["member"].startswith("fold-")


def _accuracy(row: Row) -> str:
    if not row:
        return "-"
    text = f"{100 * float(row['accuracy']):.1f}"
    if row["accuracy_low"]:
        low, high = (100 * float(row[f"accuracy_{end}"]) for end in ("low", "high"))
        text += f" [{low:.1f}, {high:.1f}]"
    return text


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    print(comparative_table(Path(sys.argv[1])))
