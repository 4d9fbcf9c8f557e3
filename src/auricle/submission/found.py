"""What the experiment found: tables on the screen, files, and figures."""

import csv
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from auricle.files import csv_text, replace_text
from auricle.network.classifier import count_parameters
from auricle.study.recipe import Recipe
from auricle.study.scores import Member, Scored, gather, mean_entries, score_entry
from auricle.study.summary import comparison_csv, predictions_csv
from auricle.submission.experiment import Experiment
from auricle.submission.figures import draw_confusions, draw_curves, draw_roc
from auricle.training.fit import new_network


def write_results(
    experiment: Experiment,
    recipes: Sequence[Recipe],
    strategies: Sequence[str],
    members: Sequence[Member],
) -> None:
    """Score every answer; print the tables, and write them, the figures and every probability."""
    table, out = experiment.table, experiment.out
    configurations: list[dict[str, Any]] = []
    everything: list[Scored] = []
    sizes: list[list[Any]] = []
    for recipe in recipes:
        own = list(gather(recipe.name, members, strategies, table.folds))
        entries = [score_entry(each, table.categories) for each in own]
        entries += mean_entries(own, entries, table.categories)
        counts = count_parameters(new_network(recipe.network, len(table.categories), seed=0))
        parameters = {part: asdict(count) for part, count in counts.items()}
        configurations.append({"name": recipe.name, "parameters": parameters, "scores": entries})
        everything += own
        sizes += [[recipe.name, part, *size.values()] for part, size in parameters.items()]
        draw_all(experiment, recipe, entries)
    replace_text(out / "comparison.csv", comparison_csv(configurations))
    replace_text(out / "predictions.csv", predictions_csv(everything, table.categories))
    replace_text(out / "scores.json", json.dumps(configurations, indent=1))
    header = ["configuration", "part", "trainable", "fixed"]
    replace_text(out / "parameters.csv", csv_text(header, sizes))
    for line in (*lines_of(configurations), *confusions_of(configurations, table.categories)):
        print(line)
    print(f"Everything is in {out}: comparison.csv, predictions.csv, scores.json, plots/")
    if experiment.wandb == "offline":
        print(f"The runs are kept here; `wandb sync {out}/*/*/*/seed-*/wandb/*run-*` sends them.")


def draw_all(experiment: Experiment, recipe: Recipe, entries: Sequence[dict[str, Any]]) -> None:
    """The figures of a configuration, of its first seed."""
    folder = experiment.out / recipe.name / "kfold"
    histories = [read_history(file) for file in sorted(folder.glob("*/seed-0/history.csv"))]
    columns = {name: np.array([each[name] for each in histories]) for name in histories[0]}
    plots, categories = experiment.out / "plots", experiment.table.categories
    draw_curves(recipe.name, columns, plots / f"curves-{recipe.name}.png")
    shown = shown_of(entries)
    draw_confusions(recipe.name, categories, shown, plots / f"confusion-{recipe.name}.png")
    draw_roc(recipe.name, categories, shown, plots / f"roc-{recipe.name}.png")


def shown_of(entries: Sequence[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The scores that are drawn: those of all clips of a strategy, of the first seed."""
    return {
        f"{entry['strategy']}, {entry['on']}": entry
        for entry in entries
        if entry["seed"] == "0" and "roc" in entry
    }


def read_history(file: Path) -> dict[str, list[float]]:
    """The columns of a fit's history."""
    with file.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    return {name: [float(row[name] or "nan") for row in rows] for name in rows[0]}


def lines_of(configurations: Sequence[dict[str, Any]]) -> Iterator[str]:
    """The table of all scores, and the parameters, line by line."""
    wide = max(len(each["name"]) for each in configurations)
    yield f"\n{'configuration':{max(wide, 13)}}  {'parameters, trainable':>21}  {'fixed':>10}"
    for each in configurations:
        size = each["parameters"]["total"]
        line = f"{each['name']:{max(wide, 13)}}  {size['trainable']:21,}  {size['fixed']:10,}"
        yield line
    head = f"{'configuration':{max(wide, 13)}}  {'strategy':8}  {'scored on':11}  {'member':8}"
    yield f"\n{head}  seed      accuracy, % [95% interval]  F1 macro    AUC"
    for each in configurations:
        for entry in each["scores"]:
            accuracy = entry["accuracy"]
            ends = [accuracy["low"], accuracy["high"]]
            low, high = (math.nan if end is None else 100 * end for end in ends)
            auc = math.nan if entry["auc_macro"] is None else entry["auc_macro"]
            yield (
                f"{each['name']:{max(wide, 13)}}  {entry['strategy']:8}  {entry['on']:11}  "
                f"{entry['member']:8}  {entry['seed']:8}  {100 * accuracy['value']:11.1f} "
                f"[{low:5.1f}, {high:5.1f}]  {entry['f1_macro']['value']:8.3f}  {auc:5.3f}"
            )
    yield ""


def confusions_of(
    configurations: Sequence[dict[str, Any]], categories: Sequence[str]
) -> Iterator[str]:
    """Confusion matrices, line by line: what a clip is down, what it was heard as across."""
    wide = max(map(len, categories))
    numbers = "".join(f"{number:4}" for number in range(1, len(categories) + 1))
    for each in configurations:
        for title, entry in shown_of(each["scores"]).items():
            yield f"{each['name']}, {title}, confusion matrix:"
            yield f"{'':{wide + 4}}{numbers}"
            for number, (category, row) in enumerate(
                zip(categories, entry["confusion"], strict=True), 1
            ):
                yield f"{number:3} {category:{wide}}{''.join(f'{count:4}' for count in row)}"
            yield ""
