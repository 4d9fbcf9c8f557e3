"""From what is asked on the command line to a plan, and from a plan to a finished folder."""

import csv
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table as Grid

from auricle.errors import RecipeError
from auricle.study.recipe import Plan, Table, merged, parse_change, plan_from, read_plan
from auricle.study.run import Setting, is_path, run_study

ColumnNames = tuple[str | None, str | None, str | None, str | None]


def make_plan(
    name: str,
    *,
    data: str | None,
    strategies: list[str] | None,
    seeds: int | None,
    epochs: int | None,
    test: bool | None,
    changes: list[str],
    columns: ColumnNames,
    subset: str | None,
) -> Plan:
    """A shipped plan or one from a file, with what was asked laid over it."""
    table = read_plan(name)
    asked: Table = {"strategies": strategies, "seeds": seeds, "test": test, "subset": subset}
    asked |= {"data": data, "columns": _columns(columns)}
    table |= {key: value for key, value in asked.items() if value is not None}
    return plan_from(table, changes_of(changes, epochs), name)


def recipe_plan(
    recipe: str,
    *,
    data: str | None,
    strategy: str,
    seeds: int,
    epochs: int | None,
    test: bool,
    changes: list[str],
) -> Plan:
    """A plan for one configuration under one strategy."""
    table = {
        "name": Path(recipe).stem,
        "data": data or "esc10",
        "strategies": [strategy],
        "seeds": seeds,
        "test": test,
        "configurations": [recipe],
    }
    return plan_from(table, changes_of(changes, epochs), recipe)


def changes_of(texts: list[str], epochs: int | None) -> Table:
    """`--set` and `--epochs` as one table."""
    table: Table = {}
    for text in texts:
        table = merged(table, parse_change(text))
    return merged(table, {"training": {"epochs": epochs}}) if epochs is not None else table


def _columns(names: ColumnNames) -> dict[str, str] | None:
    keys = ("file", "category", "fold", "recording")
    given = {key: name for key, name in zip(keys, names, strict=True) if name is not None}
    if given and not {"file", "category"} <= set(given):
        raise RecipeError("a CSV needs both --column-file and --column-category")
    return given or None


def run(plan: Plan, *, out: Path | None, workers: int | None, **where: Any) -> Path:
    """Run a plan and give back the folder that holds it."""
    if workers is not None and workers < 1:
        raise RecipeError(f"--workers {workers}: at least one is needed")
    data = Path(plan.data).resolve().stem if is_path(plan.data) else plan.data
    folder = out or Path("runs") / f"{plan.name}-{data}"
    run_study(plan, Setting(run=folder, workers=workers, **where), Console())
    return folder


def tell_scores(folder: Path) -> None:
    """Print the rows of `comparison.csv` that sum up a study."""
    grid = Grid("configuration", "strategy", "seed", "member", "on", "accuracy", "F1", "AUC")
    with (folder / "comparison.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            interval = f" [{percent(row['accuracy_low'])}, {percent(row['accuracy_high'])}]"
            grid.add_row(
                *(row[key] for key in ("configuration", "strategy", "seed", "member", "on")),
                percent(row["accuracy"]) + (interval if row["accuracy_low"] else ""),
                percent(row["f1_macro"]),
                row["auc_macro"][:6],
            )
    Console().print(grid)
    print(folder)


def percent(share: str) -> str:
    """A share as percent with one decimal."""
    return f"{100 * float(share):.1f}" if share else ""
