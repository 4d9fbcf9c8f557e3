"""The comparative table as Markdown: `python -m auricle.report.markdown RUN`, for a README.

Every cell is read from the study's `comparison.csv`, those of `esc5` from its `scores.json`, those
without the texture from `evidence/texture.json`; recordings are counted in its `clips.csv`.
"""

import csv
import json
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from auricle.report.sentences import few_recordings

Row = dict[str, str]

BEST = ("kfold", "pooled", "out-of-fold")
COLUMNS = {
    "out of fold (4-fold)": BEST,
    "test: holdout": ("holdout", None, "test"),
    "test: refit": ("refit", "all", "test"),
    "test: the 4-fold networks averaged": ("kfold", "ensemble", "test"),
}


def comparative_table(run: Path) -> str:
    """Accuracy in percent under each strategy, F1, AUC and sizes: a line a configuration.

    Below it, what all seeds answer together where there are committees, and every fold tested in
    turn where that was done; then, of a test fold that was read, what intervals on it are worth.
    """
    rows = _rows(run / "comparison.csv")
    by_name: dict[str, list[Row]] = {}
    for row in rows:
        by_name.setdefault(row["configuration"], []).append(row)
    trained = {n: own for n, own in by_name.items() if any(r["seed"].isdigit() for r in own)}
    committees = {n: own for n, own in by_name.items() if n not in trained}
    first, *tested = COLUMNS
    sizes = ["trainable", "fixed", "minutes a fit"]
    alone = _alone(run / "evidence" / "texture.json")
    without = ["out of fold, base and head alone"] if alone else []
    lines = _head(["configuration", first, "its F1 (macro)", "its AUC", *without, *tested, *sizes])
    for name, own in trained.items():
        cells = [_accuracy(_find(own, *key)) for key in COLUMNS.values()]
        best = _find(own, *BEST)
        members = [row for row in own if _is_member(row, best)]
        minutes = float(best["train_seconds"]) / 60 / len(members)
        cells[1:1] = [f"{float(best[name]):.3f}" for name in ("f1_macro", "auc_macro")]
        cells[3:3] = [alone.get(name, "-")] if alone else []
        cells += [f"{int(best[f'parameters_{kind}']):,}" for kind in ("trainable", "fixed")]
        lines.append(_line([name, *cells, f"{minutes:.1f}"]))
    if committees:
        lines += ["", *_together(trained, committees)]
    scores = json.loads((run / "scores.json").read_text(encoding="utf-8"))
    if scores["esc5"]:
        lines += ["", *_every_fold(scores)]
    if any(row["on"] == "test" for row in rows):
        lines += ["", _on_intervals(_rows(run / "clips.csv"))]
    return "\n".join(lines)


def _alone(file: Path) -> dict[str, str]:
    """By configuration, what is right without the texture; nothing where that was not asked."""
    if not file.is_file():
        return {}
    found = json.loads(file.read_text(encoding="utf-8"))["configurations"]
    return {of["configuration"]: _with_ends(**of["events"]["accuracy"]) for of in found}


def _together(trained: dict[str, list[Row]], committees: dict[str, list[Row]]) -> list[str]:
    """All seeds of each committee, and of the best configuration beside them."""
    best = max(trained, key=lambda name: float(_find(trained[name], *BEST)["accuracy"]))
    seeds = len({row["seed"] for row in trained[best] if row["seed"].isdigit()})
    lines = _head(["all seeds together", *COLUMNS, "trainable, of the refits"])
    for name, own in {best: trained[best], **committees}.items():
        cells = [_by(_find(own, *key, seed="ensemble")) for key in COLUMNS.values()]
        trainable = seeds * int(own[0]["parameters_trainable"])
        lines.append(_line([name, *cells, f"{trainable:,}"]))
    return lines


def _every_fold(scores: dict[str, Any]) -> list[str]:
    """The three figures of `esc5`: all folds, those that chose the recipe, the one that did not."""
    dataset = scores["dataset"]
    development = f"folds {dataset['development_folds'][0]} to {dataset['development_folds'][-1]}"
    lines = _head(
        ["every fold tested (`esc5`)", "all", development, f"fold {dataset['test_fold']}"]
    )
    for name, parts in scores["esc5"].items():
        cells = [_with_ends(**parts[part]) for part in ("all", "development", "test")]
        lines.append(_line([name, *cells]))
    return lines


def _on_intervals(clips: list[Row]) -> str:
    tested = [row for row in clips if row["role"] == "test"]
    held = {(row["category"], row["recording"]) for row in tested}
    return few_recordings(Counter(name for name, _ in sorted(held)), int(tested[0]["fold"]))


def _rows(path: Path) -> list[Row]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _find(rows: list[Row], strategy: str, member: str | None, on: str, seed: str = "mean") -> Row:
    """The row of a seed such as `mean` or `ensemble`; of a study of one seed, that of the one."""
    same = [row for row in rows if (row["strategy"], row["on"]) == (strategy, on)]
    same = [row for row in same if member in (None, row["member"])]
    return next((row for row in same if row["seed"] == seed), same[0] if same else {})


def _is_member(row: Row, whole: Row) -> bool:
    """Whether a row is of one of the fits behind the pooled row."""
    same = all(row[key] == whole[key] for key in ("strategy", "on"))
    seeds = row["seed"].isdigit() and whole["seed"] in ("mean", row["seed"])
    return same and seeds and row["member"].startswith("fold-")


def _accuracy(row: Row) -> str:
    if not row:
        return "-"
    ends = (row["accuracy"], row["accuracy_low"], row["accuracy_high"])
    return _with_ends(*(float(end) if end else None for end in ends))


def _with_ends(value: float | None, low: float | None, high: float | None) -> str:
    """Shares in per cent: 95.8 [93.9, 97.5]."""
    assert value is not None
    text = f"{100 * value:.1f}"
    return text if low is None or high is None else f"{text} [{100 * low:.1f}, {100 * high:.1f}]"


def _by(row: Row) -> str:
    """An accuracy, and how many networks answered."""
    return f"{_accuracy(row)}, {row['declared'].partition(',')[0]}" if row else "-"


def _head(titles: Sequence[str]) -> list[str]:
    return [_line(titles), _line(["---"] * len(titles))]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    print(comparative_table(Path(sys.argv[1])))
