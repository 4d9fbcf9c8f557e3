"""From what is asked on the command line to a plan, and from a plan to a finished folder."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table as Grid

from auricle.data.sources import is_path
from auricle.errors import RecipeError
from auricle.study.engine import Engine
from auricle.study.prepare import Setting
from auricle.study.recipe import Plan, Table, merged, parse_change, plan_from, read_plan, to_table
from auricle.study.run import run_study, sync_line


def plan_of(
    name: str, asked: Mapping[str, Any], changes: Table, **labels: str | Path | None
) -> Plan:
    """A shipped plan or one from a file, with what was asked laid over it."""
    table = read_plan(name) | {key: value for key, value in asked.items() if value is not None}
    return plan_from(table | labels_of(**labels), changes, name)


def recipe_plan(
    recipe: str, asked: Mapping[str, Any], changes: Table, **labels: str | Path | None
) -> Plan:
    """A plan for one configuration, on ESC-10 unless asked otherwise."""
    table: Table = {"name": Path(recipe).stem, "configurations": [recipe]}
    table |= {key: value for key, value in asked.items() if value is not None}
    return plan_from(table | labels_of(**labels), changes, recipe)


def changes_of(epochs: int | None = None, values: Sequence[str] | None = None) -> Table:
    """`--epochs` and `--set` as one table of a recipe's values."""
    table: Table = {}
    for text in values or ():
        table = merged(table, parse_change(text))
    return merged(table, {"training": {"epochs": epochs}}) if epochs is not None else table


def labels_of(
    *,
    column_file: str | Path | None = None,
    column_category: str | Path | None = None,
    column_fold: str | Path | None = None,
    column_recording: str | Path | None = None,
    column_author: str | Path | None = None,
    root: str | Path | None = None,
    subset: str | Path | None = None,
) -> Table:
    """What was said of a CSV of labels, as a plan's table has it.

    Raises: RecipeError if columns are named, but not those of the file and of the category.
    """
    named = {
        "file": column_file,
        "category": column_category,
        "fold": column_fold,
        "recording": column_recording,
        "author": column_author,
    }
    columns = {key: name for key, name in named.items() if name}
    if columns and not {"file", "category"} <= columns.keys():
        raise RecipeError("a CSV needs both --column-file and --column-category")
    told = {"columns": columns, "root": root and str(root), "subset": subset}
    return {key: value for key, value in told.items() if value}


def run(plan: Plan, *, out: Path | None, **where: Any) -> Path:
    """Run a plan and give back the folder that holds it."""
    data = Path(plan.data).resolve().stem if is_path(plan.data) else plan.data
    folder = out or Path("runs") / f"{plan.name}-{data}"
    run_study(plan, setting_of(folder, **where), Console(markup=False))
    return folder


def setting_of(
    folder: Path,
    *,
    workers: int | None = None,
    engine: Any = "loky",
    address: str | None = None,
    **where: Any,
) -> Setting:
    """Where and how a study runs, from what the command line said.

    Raises: RecipeError without workers, StudyError for an engine without its address.
    """
    if workers is not None and workers < 1:
        raise RecipeError(f"--workers {workers}: at least one is needed")
    if workers and address:
        raise RecipeError(f"--workers {workers}: a cluster has its own; leave it out")
    return Setting(run=folder, workers=workers, engine=Engine(engine, address), **where)


def search(
    name: str,
    started_from: Mapping[str, Any],
    asked: Mapping[str, Any],
    *,
    data: str | None,
    labels: Mapping[str, Any],
    out: Path | None,
    **where: Any,
) -> Path | None:
    """Search a space, or go on; give back the folder if the search is finished."""
    from auricle.study.space import Space, kept_space, read_space  # optuna takes a second to load
    from auricle.study.tune import Search, tune

    def begun_from(begun: Table | None) -> tuple[Space, Plan]:
        space = read_space(name, begun=begun, **started_from)
        told: Table = {"name": space.name, "clip_s": space.clip_s, "strategies": ["kfold"]}
        told |= {"configurations": [to_table(space.recipe)]} | ({"data": data} if data else {})
        return space, plan_from(told | labels_of(**labels), {}, name)

    space, plan = begun_from(None)
    kept = Path(plan.data).resolve().stem if is_path(plan.data) else plan.data
    folder = out or Path("runs") / f"tune-{space.name}-{kept}"
    if where.get("resume") and (begun := kept_space(folder)):
        space, plan = begun_from(begun)
    console = Console(markup=False, highlight=False)
    setting = setting_of(folder, wandb="disabled", **where)
    return folder if tune(space, plan, Search(**asked), setting, console) else None


SUMMARY = {
    "out of fold": ("kfold", "pooled", "out-of-fold"),
    "validation": ("holdout", None, "out-of-fold"),
    "holdout": ("holdout", None, "test"),
    "refit": ("refit", "all", "test"),
    "k-fold": ("kfold", "ensemble", "test"),
    "esc5": ("esc5", "pooled", "test"),
}
"""Columns of the table that ends a study, those from `holdout` on of the test fold."""


def tell_scores(folder: Path) -> None:
    """Print a line a configuration, what the comparisons say, and how to send the runs."""
    found = json.loads((folder / "scores.json").read_text(encoding="utf-8"))
    named = [*found["configurations"], *found["committees"]]
    columns = {
        title: [tell(each["scores"], *key) for each in named] for title, key in SUMMARY.items()
    }
    shown = {title: cells for title, cells in columns.items() if any(cells)}
    if "out of fold" in shown:  # the validation of holdout is a part of it
        shown.pop("validation", None)
    grid = Grid("accuracy, %", *shown, box=SIMPLE)
    for row, each in enumerate(named):
        grid.add_row(each["name"], *(cells[row] for cells in shown.values()))
    console = Console(highlight=False, markup=False)
    console.print(grid)
    for comparison in found["comparisons"]:
        console.print(comparison["verdict"], soft_wrap=True)
    if json.loads((folder / "wandb.json").read_text(encoding="utf-8"))["mode"] == "offline":
        console.print("\nThe W&B runs are kept offline. To send them:")
        console.print(f"  {sync_line(folder)}", soft_wrap=True)
    console.print(f"\n{folder}", soft_wrap=True)


def tell(entries: list[Table], strategy: str, member: str | None, on: str) -> str:
    """Accuracy, out of fold with its interval; of several seeds the mean, with their range."""
    same = [
        entry
        for entry in entries
        if (entry["strategy"], entry["on"]) == (strategy, on) and member in (None, entry["member"])
    ]
    same = [entry for entry in same if entry["seed"] != "ensemble"] or same
    if not same:
        return ""
    entry = next((entry for entry in same if entry["seed"] == "mean"), same[0])
    accuracy = entry["accuracy"]
    low, high = accuracy.get("range") or (accuracy["low"], accuracy["high"])
    interval = (
        f" [{100 * low:.1f}, {100 * high:.1f}]"
        if (strategy, on) == ("kfold", "out-of-fold")
        else ""
    )
    return f"{100 * accuracy['value']:.1f}{interval}"
