"""The files that sum up a study: `scores.json`, `comparison.csv`, `predictions.csv`."""

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from auricle.data.clips import ClipTable
from auricle.files import csv_text, replace_text
from auricle.network.classifier import count_parameters
from auricle.study.drawings import layers_of
from auricle.study.fits import load_predictions
from auricle.study.job import Job
from auricle.study.protocol import Roles
from auricle.study.recipe import Committee, Plan
from auricle.study.scores import (
    Member,
    Scored,
    compare_all,
    esc5_entry,
    gather,
    mean_entries,
    score_entry,
    together,
)
from auricle.training.fit import new_network


def write_scores(
    plan: Plan, run: Path, table: ClipTable, roles: Roles, skipped: int, jobs: Sequence[Job]
) -> None:
    """Work out every score from the predictions, and write the files that others read."""
    members = [member_of(job) for job in jobs]
    scored: list[Scored] = []
    configurations = []
    for recipe in plan.configurations:
        own = list(gather(recipe.name, members, plan.strategies_of(recipe.name), table.folds))
        entries = [score_entry(entry, table.categories) for entry in own]
        counts = count_parameters(new_network(recipe.network, len(table.categories), seed=0))
        encoder = recipe.network.encoder
        scored += own
        configurations.append(
            {
                "name": recipe.name,
                "architecture": "transformer" if encoder.blocks else "cnn",
                "heads": encoder.heads if encoder.blocks else 0,
                "blocks": encoder.blocks,
                "parameters": {part: vars(count) for part, count in counts.items()},
                "train_seconds": seconds_of(entries),
                "layers": layers_of(recipe.network, len(table.categories), plan.clip_s),
                "scores": [*entries, *mean_entries(own, entries, table.categories)],
            }
        )
    committees = []
    for committee in plan.committees:
        own = list(together(committee, scored))
        if own:  # under some strategies its members are not averaged
            scored += own
            committees.append(committee_entry(committee, own, configurations, table.categories))
    ledger = run / "test_reads.csv"
    readings = (
        max(0, len(ledger.read_text(encoding="utf-8").splitlines()) - 1) if ledger.exists() else 0
    )
    found = {
        "format": 1,
        "dataset": {
            "name": table.name,
            "categories": list(table.categories),
            "clips": len(table.clips),
            "recordings": len({clip.recording for clip in table.clips}),
            "folds": list(table.folds),
            "test_fold": roles.test,
            "development_folds": list(roles.development),
            "skipped": skipped,
            "ignored": len(table.ignored),
            "notes": list(table.notes),
        },
        "test_readings": readings,
        "configurations": configurations,
        "committees": committees,
        "esc5": {
            recipe.name: entry
            for recipe in plan.configurations
            if (
                entry := esc5_entry(
                    [s for s in scored if s.configuration == recipe.name],
                    table.categories,
                    roles.test,
                )
            )
        },
        "comparisons": compare_all(scored, table.categories) if "kfold" in plan.strategies else [],
        "best": best_of(configurations),
    }
    replace_text(run / "predictions.csv", predictions_csv(scored, table.categories))
    replace_text(run / "comparison.csv", comparison_csv([*configurations, *committees]))
    replace_text(run / "scores.json", json.dumps(found, indent=1, allow_nan=False))


def committee_entry(
    committee: Committee,
    scored: Sequence[Scored],
    configurations: Sequence[dict[str, Any]],
    categories: Sequence[str],
) -> dict[str, Any]:
    """A committee for `scores.json`: its scores, and the parameters of one seed of its members."""
    sizes = [c["parameters"]["total"] for c in configurations if c["name"] in committee.of]
    total = {kind: sum(size[kind] for size in sizes) for kind in ("trainable", "fixed")}
    return {
        "name": committee.name,
        "of": list(committee.of),
        "parameters": {"total": total},
        "scores": [score_entry(entry, categories) for entry in scored],
    }


def seconds_of(entries: list[dict[str, Any]]) -> dict[str, float]:
    """Training time of each strategy: that of all its fits, every seed counted."""
    whole = {"kfold": "pooled", "esc5": "pooled", "refit": "all"}
    seconds: dict[str, float] = {}
    for entry in entries:
        strategy, on = entry["strategy"], entry["on"]
        counted = on == "out-of-fold" if strategy in ("kfold", "holdout") else on == "test"
        if (
            entry["seed"].isdigit()
            and counted
            and entry["member"] == whole.get(strategy, entry["member"])
        ):
            seconds[strategy] = round(seconds.get(strategy, 0.0) + entry["train_seconds"], 1)
    return seconds


def member_of(job: Job) -> Member:
    """What a finished fit predicted."""
    facts = json.loads((job.folder / "fit.json").read_text(encoding="utf-8"))
    validated, tested = job.folder / "predictions.npz", job.folder / "test.npz"
    return Member(
        job.recipe.name,
        job.split.strategy,
        job.split.member,
        job.seed,
        facts["train_seconds"],
        load_predictions(validated) if validated.exists() else None,
        load_predictions(tested) if tested.exists() else None,
    )


def out_of_fold_accuracy(configuration: dict[str, Any]) -> float | None:
    """A configuration's accuracy by which it is chosen: that of `kfold`, else of `holdout`."""
    found: dict[str, float] = {
        entry["strategy"]: entry["accuracy"]["value"]
        for entry in configuration["scores"]
        if entry["on"] == "out-of-fold"
        and entry["seed"] in ("0", "mean")  # the mean stands after the seeds it is of
        and entry["member"] == ("pooled" if entry["strategy"] == "kfold" else entry["member"])
    }
    return found.get("kfold", found.get("holdout"))


def best_by_architecture(configurations: list[dict[str, Any]]) -> dict[str, str]:
    """Of each architecture the configuration that is best out of fold, the first of equals."""
    best: dict[str, tuple[float, str]] = {}
    for each in configurations:
        accuracy, kind = out_of_fold_accuracy(each), each["architecture"]
        if accuracy is not None and (kind not in best or accuracy > best[kind][0]):
            best[kind] = accuracy, each["name"]
    return {kind: name for kind, (_, name) in best.items()}


def best_of(configurations: list[dict[str, Any]]) -> dict[str, str | None]:
    """The best configuration out of fold, and the best transformer; no test score is looked at."""
    best = best_by_architecture(configurations)
    overall = best_by_architecture([each | {"architecture": "any"} for each in configurations])
    return {"out_of_fold": overall.get("any"), "best_transformer": best.get("transformer")}


def predictions_csv(scored: Sequence[Scored], categories: Sequence[str]) -> str:
    """One row a scored clip."""
    keys = ["configuration", "strategy", "seed", "member", "on"]
    columns = [f"p_{category}" for category in categories]
    rows: list[list[object]] = []
    for entry in scored:
        key = [getattr(entry, name) for name in keys]
        for clip, found in zip(
            entry.predictions.clips, entry.predictions.probabilities, strict=True
        ):
            named = [clip.file, clip.fold, clip.category, categories[int(found.argmax())]]
            rows.append([*key, *named, *(f"{p:.9g}" for p in found)])
    return csv_text([*keys, "file", "fold", "category", "prediction", *columns], rows)


COMPARISON_COLUMNS = (
    "configuration", "strategy", "seed", "member", "on", "clips", "accuracy", "accuracy_low",
    "accuracy_high", "f1_macro", "f1_weighted", "auc_macro", "networks",
    "parameters_trainable", "parameters_fixed", "train_seconds", "declared",
)  # fmt: skip


def comparison_csv(configurations: Sequence[dict[str, Any]]) -> str:
    """One row a score; `train_seconds` are those of all the fits behind it.

    `networks` heard each clip, and have the parameters each.
    """
    text = io.StringIO()
    rows = csv.DictWriter(text, COMPARISON_COLUMNS, lineterminator="\n")
    rows.writeheader()
    for configuration in configurations:
        total = configuration["parameters"]["total"]
        for entry in configuration["scores"]:
            accuracy = entry["accuracy"]
            rows.writerow(
                {
                    "configuration": configuration["name"],
                    **{key: entry[key] for key in COMPARISON_COLUMNS if key in entry},
                    "accuracy": f"{accuracy['value']:.6g}",
                    "accuracy_low": _blank(accuracy["low"]),
                    "accuracy_high": _blank(accuracy["high"]),
                    "f1_macro": _blank(entry["f1_macro"]["value"]),
                    "f1_weighted": _blank(entry["f1_weighted"]["value"]),
                    "auc_macro": _blank(entry["auc_macro"]),
                    "parameters_trainable": total["trainable"],
                    "parameters_fixed": total["fixed"],
                }
            )
    return text.getvalue()


def _blank(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"
