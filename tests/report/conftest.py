"""A study that was never run: plausible files, made from a seed, in a study's form."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tomli_w

from auricle.evaluation import comparison, intervals, metrics

ESC10 = (
    "dog",
    "rain",
    "sea_waves",
    "crying_baby",
    "clock_tick",
    "sneezing",
    "helicopter",
    "chainsaw",
    "rooster",
    "crackling_fire",
)
NAMES = ("cnn", "transformer-h1", "transformer-h2", "transformer-h4")
SKILL = {"cnn": 3.4, "transformer-h1": 2.9, "transformer-h2": 3.1, "transformer-h4": 3.2}
SKILL |= {"dull": 0.9, "dull-h4": 0.7}
EPOCHS = 40

Rows = list[dict[str, Any]]


def write_rows(path: Path, columns: list[str], rows: Rows) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def make_clips(categories: tuple[str, ...], per_fold: int, folds: int) -> Rows:
    """Two clips a recording, every class in every fold."""
    return [
        {
            "file": f"{category}/{fold}-{clip:02d}.wav",
            "category": category,
            "fold": fold,
            "recording": f"{category}/{fold}{clip // 2:02d}",
            "role": "test" if fold == 1 else "development",
        }
        for category in categories
        for fold in range(1, folds + 1)
        for clip in range(per_fold)
    ]


def draw_probabilities(
    targets: np.ndarray, classes: int, skill: float, seed: list[int]
) -> np.ndarray:
    """Softmax of noise with a bump at the truth and a smaller one at a class that resembles it."""
    generator = np.random.default_rng(seed)
    logits = generator.normal(0, 1.2, (len(targets), classes))
    logits[np.arange(len(targets)), targets] += skill
    logits[np.arange(len(targets)), (targets + 1) % classes] += 0.9 * (targets % 3 == 1)
    power = np.exp(logits)
    return power / power.sum(1, keepdims=True)


def score_row(
    place: dict[str, str],
    targets: np.ndarray,
    probabilities: np.ndarray,
    recordings: np.ndarray,
    categories: tuple[str, ...],
    groups: np.ndarray | None = None,
) -> dict[str, Any]:
    scores = metrics.score(targets, probabilities, groups=groups)
    bounds = intervals.score_intervals(
        targets, probabilities, recordings, groups=groups, resamples=60
    )
    curves = metrics.roc_curves(targets, probabilities, groups=groups)
    return place | {
        "clips": len(targets),
        "accuracy": vars(bounds.accuracy),
        "f1_macro": vars(bounds.f1_macro),
        "f1_weighted": vars(bounds.f1_weighted),
        "auc_macro": scores.auc_macro,
        "log_loss": scores.log_loss,
        "per_class": [
            {"category": name} | vars(each)
            for name, each in zip(categories, scores.per_class, strict=True)
        ],
        "confusion": scores.confusion.tolist(),
        "roc": [
            {"category": categories[at], "fpr": fpr.tolist(), "tpr": tpr.tolist()}
            for at, (fpr, tpr) in curves.items()
        ],
    }


def mean_row(place: dict[str, str], rows: Rows) -> dict[str, Any]:
    """Scores averaged over folds or seeds: no classes, no confusion."""

    def mean(key: str) -> float:
        return float(np.mean([row[key]["value"] for row in rows]))

    accuracies = [row["accuracy"]["value"] for row in rows]
    low, high = (float(np.mean([row["accuracy"][end] for row in rows])) for end in ("low", "high"))
    return place | {
        "clips": rows[0]["clips"],
        "accuracy": {
            "value": mean("accuracy"),
            "low": low,
            "high": high,
            "range": [min(accuracies), max(accuracies)],
        },
        "f1_macro": {"value": mean("f1_macro"), "low": low, "high": high},
        "f1_weighted": {"value": mean("f1_weighted"), "low": low, "high": high},
        "auc_macro": float(np.mean([row["auc_macro"] for row in rows])),
        "log_loss": float(np.mean([row["log_loss"] for row in rows])),
    }


def make_scores(
    name: str,
    clips: Rows,
    categories: tuple[str, ...],
    seeds: int,
    strategies: list[str],
    test: bool,
) -> tuple[Rows, np.ndarray, Rows]:
    """Scores of a configuration, out-of-fold clips that each seed got right, every answer."""
    folds = np.array([clip["fold"] for clip in clips])
    targets = np.array([categories.index(clip["category"]) for clip in clips])
    recordings = np.array([clip["recording"] for clip in clips])
    dev = folds != 1
    rows: Rows = []
    answers: Rows = []
    correct = []

    def add(place: tuple[str, str, str, str, str], rows_of: np.ndarray, p: np.ndarray) -> None:
        keys = ("strategy", "seed", "member", "on", "declared")
        pooled = folds[rows_of] if place[2] == "pooled" else None
        rows.append(
            score_row(
                dict(zip(keys, place, strict=True)),
                targets[rows_of],
                p,
                recordings[rows_of],
                categories,
                pooled,
            )
        )
        told = {"configuration": name} | dict(zip(keys[:4], place[:4], strict=True))
        for at, shares in zip(np.flatnonzero(rows_of), p, strict=True):
            clip = {key: clips[at][key] for key in ("file", "fold", "category")}
            given = {f"p_{c}": f"{share:.9g}" for c, share in zip(categories, shares, strict=True)}
            answers.append(told | clip | {"prediction": categories[shares.argmax()]} | given)

    for seed in range(seeds):
        key = [sum(name.encode()), seed]
        p = draw_probabilities(targets, len(categories), SKILL.get(name, 3.0), key)
        one = "one network, last epoch"
        s = str(seed)
        tests = {
            fold: draw_probabilities(
                targets[~dev], len(categories), SKILL.get(name, 3.0) - 0.6, [*key, int(fold)]
            )
            for fold in sorted({*folds[dev]})
        }
        if "kfold" in strategies:
            for fold in sorted({*folds[dev]}):
                add(
                    ("kfold", s, f"fold-{fold}", "out-of-fold", one),
                    folds == fold,
                    p[folds == fold],
                )
                if test:
                    add(("kfold", s, f"fold-{fold}", "test", one), ~dev, tests[fold])
            add(("kfold", s, "pooled", "out-of-fold", one), dev, p[dev])
            correct.append(p[dev].argmax(1) == targets[dev])
            if test:
                members = [row for row in rows if (row["on"], row["seed"]) == ("test", s)]
                place = {"strategy": "kfold", "seed": s, "member": "mean", "on": "test"}
                rows.append(mean_row(place | {"declared": "mean of four scores"}, members))
                mixed = np.mean(list(tests.values()), axis=0)
                add(("kfold", s, "ensemble", "test", f"{len(tests)} networks"), ~dev, mixed)
        if "holdout" in strategies:
            add(("holdout", s, "fold-2", "out-of-fold", one), folds == 2, p[folds == 2])
            if test:
                add(("holdout", s, "fold-2", "test", one), ~dev, tests[2])
        if "refit" in strategies and test:
            add(("refit", s, "all", "test", one), ~dev, p[~dev])
        if "esc5" in strategies:
            for fold in sorted({*folds}):
                add(("esc5", s, f"fold-{fold}", "test", one), folds == fold, p[folds == fold])
            add(("esc5", s, "pooled", "test", one), folds > 0, p)
    if seeds > 1:
        for strategy, member, on in dict.fromkeys(
            (row["strategy"], row["member"], row["on"]) for row in rows
        ):
            same = [
                row
                for row in rows
                if (row["strategy"], row["member"], row["on"]) == (strategy, member, on)
            ]
            if same:
                place = {"strategy": strategy, "seed": "mean", "member": member, "on": on}
                rows.append(mean_row(place | {"declared": f"mean of {seeds} seeds"}, same))
    return rows, np.array(correct), answers


def make_committee(configurations: Rows) -> dict[str, Any]:
    """All configurations together, with the scores of the first's first seed."""
    (row,) = (
        row
        for row in configurations[0]["scores"]
        if (row["strategy"], row["seed"], row["member"]) == ("kfold", "0", "pooled")
    )
    told = {"seed": "ensemble", "declared": "4 networks, probabilities averaged"}
    return {
        "name": "everyone",
        "of": [each["name"] for each in configurations],
        "parameters": {"total": {"trainable": 123_456, "fixed": 0}},
        "scores": [row | told],
    }


def make_layers(name: str, classes: int) -> Rows:
    def residual(at: int, steps: int) -> list[tuple[Any, ...]]:
        rows = []
        for place in ("first", "second"):
            path = f"along_time.{at}.{place}"
            rows += [
                (f"{path}.0", "Conv1d", "kernel 5, stride 1", [96, steps], 46080, 0),
                (f"{path}.1", "BatchNorm", "", [96, steps], 192, 0),
            ]
        return rows

    def block(at: int) -> list[tuple[Any, ...]]:
        path = f"encoder.blocks.{at}"
        return [
            (f"{path}.before_attention", "LayerNorm", "", [33, 96], 192, 0),
            (f"{path}.attention", "MultiHeadAttention", f"{heads} heads", [33, 96], 37248, 0),
            (f"{path}.before_perceptron", "LayerNorm", "", [33, 96], 192, 0),
            (f"{path}.perceptron.0", "Linear", "", [33, 192], 18624, 0),
            (f"{path}.perceptron.1", "GELU", "", [33, 192], 0, 0),
            (f"{path}.perceptron.2", "Linear", "", [33, 96], 18528, 0),
        ]

    heads = name.partition("-h")[2]
    parts: dict[str, list[tuple[Any, ...]]] = {
        "frontend": [
            ("power", "filter bank", "fixed, window 1024, hop 640", [64, 251], 0, 1083456),
            ("normalise", "BatchNorm", "", [64, 251], 0, 0),
        ],
        "base": [
            ("along_frequency.layers.0.0", "Conv1d", "kernel 7, stride 2", [24, 32], 336, 0),
            ("along_frequency.layers.0.1", "BatchNorm", "", [24, 32], 48, 0),
            ("along_frequency.layers.0.2", "ReLU", "", [24, 32], 0, 0),
            ("along_frequency.layers.1.0", "Conv1d", "kernel 5, stride 2", [32, 16], 3840, 0),
            ("along_frequency.layers.1.1", "BatchNorm", "", [32, 16], 64, 0),
            ("along_frequency.layers.1.2", "ReLU", "", [32, 16], 0, 0),
            ("along_frequency.layers.2.0", "Conv1d", "kernel 3, along time", [32, 16], 3072, 0),
            ("along_frequency.layers.2.1", "BatchNorm", "", [32, 16], 64, 0),
            ("along_frequency.layers.2.2", "ReLU", "", [32, 16], 0, 0),
            ("into_width.0", "Conv1d", "kernel 5, stride 1", [96, 125], 245760, 0),
            ("into_width.1", "BatchNorm", "", [96, 125], 192, 0),
            *residual(0, 125),
            ("along_time.1", "MaxPool", "2 to 1", [96, 63], 0, 0),
            *residual(2, 63),
            ("along_time.3", "MaxPool", "2 to 1", [96, 32], 0, 0),
            *residual(4, 32),
        ],
        "head": [
            ("layers.0", "Linear", "", [96], 18528, 0),
            ("layers.1", "ReLU", "", [96], 0, 0),
            ("layers.2", "Linear", "", [classes], 97 * classes, 0),
        ],
    }
    if heads:
        parts["head"] = [
            ("encoder.class_token", "class token", "put first", [33, 96], 96, 0),
            *block(0),
            *block(1),
            ("encoder.after", "LayerNorm", "", [96], 192, 0),
            ("layers.0", "Linear", "", [96], 9312, 0),
            ("layers.1", "GELU", "", [96], 0, 0),
            ("layers.2", "Linear", "", [classes], 97 * classes, 0),
        ]
    parts["texture"] = [
        ("power", "filter bank", "fixed, window 256, hop 80", [32, 2001], 0, 70_176),
        ("statistics", "levels, sharpness, beats", "", [866], 0, 0),
        ("linear", "Linear", "", [classes], 867 * classes, 0),
    ]
    keys = ("layer", "kind", "detail", "shape", "trainable", "fixed")
    told = ("mean of log-probabilities", "0.5 head, 0.5 texture", [classes], 0, 0)
    joined = {"part": "joined", "layer": "joined"} | dict(zip(keys[1:], told, strict=True))
    return [
        {"part": part} | dict(zip(keys, (f"{part}.{row[0]}", *row[1:]), strict=True))
        for part, rows in parts.items()
        for row in rows
    ] + [joined]


def count_parts(layers: Rows) -> dict[str, dict[str, int]]:
    kinds = ("trainable", "fixed")
    parts = {
        part: {kind: sum(row[kind] for row in layers if row["part"] == part) for kind in kinds}
        for part in ("frontend", "base", "head", "texture")
    }
    return parts | {"total": {kind: sum(row[kind] for row in layers) for kind in kinds}}


def write_fit(folder: Path, name: str, strategy: str, member: str, seed: int) -> float:
    folder.mkdir(parents=True)
    generator = np.random.default_rng([*name.encode(), *member.encode(), seed])
    epochs = np.arange(1, EPOCHS + 1)
    slow = 0.15 if "transformer" in name else 0.0
    train = 2.2 * np.exp(-epochs / 8) + 0.05 + slow + generator.normal(0, 0.01, EPOCHS)
    val = 2.1 * np.exp(-epochs / 8) + 0.30 + slow / 2 + generator.normal(0, 0.03, EPOCHS)
    validated = strategy == "kfold"
    rows = [
        {
            "epoch": int(epoch),
            "lr": 3e-3 * (1 - epoch / EPOCHS),
            "train_objective": train[at] + 0.5,
            "train_loss": max(train[at], 1e-3),
            "train_accuracy": min(1, 1 - train[at] / 3),
            "val_loss": val[at] if validated else "",
            "val_accuracy": 1 - val[at] / 3.5 if validated else "",
            "train_events_loss": max(train[at], 1e-3) + 0.1,
            "train_events_accuracy": min(1, 1 - train[at] / 3) - 0.02,
            "val_events_loss": val[at] + 0.1 if validated else "",
            "val_events_accuracy": 1 - val[at] / 3.5 - 0.02 if validated else "",
        }
        for at, epoch in enumerate(epochs)
    ]
    write_rows(folder / "history.csv", list(rows[0]), rows)
    seconds = 200.0 + 40 * len(name)
    said = {
        "configuration": name,
        "strategy": strategy,
        "member": member,
        "seed": seed,
        "training_folds": [2, 3, 4, 5],
        "validation_fold": int(member[-1]) if validated else None,
        "epochs": EPOCHS,
        "views": 4,
        "train_seconds": seconds,
        "threads": 1,
        "precision": "bf16",
    }
    (folder / "fit.json").write_text(json.dumps(said), encoding="utf-8")
    return seconds


def write_study(
    run: Path,
    *,
    dataset: str = "esc10",
    categories: tuple[str, ...] = ESC10,
    names: tuple[str, ...] = NAMES,
    strategies: tuple[str, ...] = ("kfold", "holdout", "refit"),
    test: bool = True,
    seeds: int = 1,
    per_fold: int = 8,
    skipped: tuple[tuple[str, str], ...] = (),
    unusual: tuple[tuple[str, str], ...] = (),
    ignored: tuple[str, ...] = (".DS_Store",),
    notes: tuple[str, ...] = (),
    wandb: dict[str, Any] | None = None,
) -> Path:
    """Write a whole study into a new folder."""
    run.mkdir(parents=True)
    clips = make_clips(categories, per_fold, 5)
    recipe = {
        "network": {
            "frontend": {
                "kind": "fixed",
                "sample_rate_hz": 32000,
                "window": 1024,
                "hop": 640,
                "bands": 64,
                "low_hz": 40.0,
                "high_hz": 16000.0,
                "floor_db": -60.0,
            },
            "base": {
                "frames_per_step": 2,
                "frequency_channels": [24, 32],
                "frequency_kernels": [7, 5],
                "time_kernels": [1, 3],
                "widths": [64, 96, 96],
                "kernel": 5,
                "stages": [1, 1, 1],
            },
            "texture": {
                "share": 0.5,
                "prior": 1.0,
                "window": 256,
                "hop": 80,
                "bands": 32,
                "span": 1024,
            },
        },
        "training": {
            "epochs": EPOCHS,
            "views": 4,
            "batch": 32,
            "learning_rate": 3e-3,
            "weight_decay": 0.02,
            "warm_up": 0.1,
            "gradient_norm": 2.0,
            "averaging": 0.02,
            "label_smoothing": 0.0,
            "precision": "auto",
        },
        "augment": {
            "stretch": 0.25,
            "band_shift": 3.0,
            "equaliser_db": 6.0,
            "mixing": 0.7,
            "mixing_ends": 0.9,
            "noise_low_db": 20.0,
            "noise": 0.3,
            "masks": 2,
            "mask_bands": 8,
            "mask_frames": 25,
        },
    }
    configurations, plans, correct, comparison_rows = [], [], {}, []
    answers: Rows = []
    for name in names:
        heads = int(name.partition("-h")[2] or 0)
        encoder = {"blocks": 2 if heads else 0, "heads": heads or 1, "expansion": 2}
        encoder |= {"dropout": 0.2, "position_gain": 0.1}
        plans.append(
            {"name": name} | recipe | {"network": recipe["network"] | {"encoder": encoder}}
        )
        seconds: dict[str, float] = {}
        for seed in range(seeds):
            validated = (2, 3, 4, 5) if "kfold" in strategies else (2,) * ("holdout" in strategies)
            members = [("kfold", f"fold-{fold}") for fold in validated]
            members += [("refit", "all")] if {"refit", "esc5"} & {*strategies} else []
            members += [("esc5", f"fold-{f}") for f in (2, 3, 4, 5) if "esc5" in strategies]
            for strategy, member in members:
                folder = run / name / strategy / member / f"seed-{seed}"
                took = write_fit(folder, name, strategy, member, seed)
                seconds[strategy] = seconds.get(strategy, 0.0) + took
        rows, correct[name], own = make_scores(name, clips, categories, seeds, [*strategies], test)
        answers += own
        layers = make_layers(name, len(categories))
        parameters = count_parts(layers)
        configurations.append(
            {
                "name": name,
                "architecture": "transformer" if heads else "cnn",
                "heads": heads,
                "blocks": 2 if heads else 0,
                "parameters": parameters,
                "layers": layers,
                "scores": rows,
            }
        )
        comparison_rows += [
            {
                "configuration": name,
                **{key: row[key] for key in ("strategy", "seed", "member", "on", "clips")},
                "accuracy": row["accuracy"]["value"],
                "accuracy_low": row["accuracy"]["low"],
                "accuracy_high": row["accuracy"]["high"],
                "f1_macro": row["f1_macro"]["value"],
                "f1_weighted": row["f1_weighted"]["value"],
                "auc_macro": row["auc_macro"],
                "parameters_trainable": parameters["total"]["trainable"],
                "parameters_fixed": parameters["total"]["fixed"],
                "train_seconds": seconds.get(row["strategy"], ""),
                "declared": row["declared"],
            }
            for row in rows
        ]
    if seeds > 1:  # as `make_committee` scores it
        committee = {"configuration": "everyone", "seed": "ensemble"}
        first = (names[0], "kfold", "0", "pooled")
        places = ("configuration", "strategy", "seed", "member")
        answers += [row | committee for row in answers if tuple(row[k] for k in places) == first]
    write_rows(run / "predictions.csv", list(answers[0]), answers)
    write_rows(run / "comparison.csv", list(comparison_rows[0]), comparison_rows)

    development = [clip for clip in clips if clip["role"] == "development"]
    pairs = compare_all(names, correct, development, categories) if "kfold" in strategies else []
    bounded = {"value": 0.925, "low": 0.9, "high": 0.95}
    scores = {
        "format": 1,
        "dataset": {
            "name": dataset,
            "categories": categories,
            "clips": len(clips),
            "recordings": len({clip["recording"] for clip in clips}),
            "folds": [1, 2, 3, 4, 5],
            "test_fold": 1,
            "development_folds": [2, 3, 4, 5],
            "skipped": len(skipped),
            "ignored": len(ignored),
            "notes": notes,
        },
        "test_readings": 2 if test else 0,
        "configurations": configurations,
        "committees": [make_committee(configurations)] if seeds > 1 else [],
        "esc5": {
            name: {
                "all": bounded,
                "development": bounded | {"value": 0.93},
                "test": bounded | {"value": 0.91},
            }
            for name in names
            if "esc5" in strategies
        },
        "comparisons": pairs,
        "best": {"out_of_fold": names[0], "best_transformer": names[-1]},
    }
    (run / "scores.json").write_text(json.dumps(scores), encoding="utf-8")
    plan = {
        "name": "mission",
        "data": dataset,
        "strategies": [*strategies],
        "seeds": seeds,
        "test": test,
        "clip_s": 5.0,
        "configurations": plans,
    }
    (run / "study.toml").write_text(tomli_w.dumps(plan), encoding="utf-8")
    environment = {
        "auricle": "0.1.0",
        "python": "3.11.2",
        "torch": "2.9.0",
        "platform": "Linux",
        "processor": "A processor",
        "cores": 2,
        "memory_gib": 16.0,
        "device": "cpu",
        "precision": "bf16",
        "threads_per_fit": 1,
        "workers": 2,
        "started": "2026-11-22T10:00:00+00:00",
        "seconds_total": 7200.0,
        "packages": {"numpy": "2.4.6", "scikit-learn": "1.7.2", "typst": "0.15.2"},
    }
    (run / "environment.json").write_text(json.dumps(environment), encoding="utf-8")
    write_rows(run / "clips.csv", ["file", "category", "fold", "recording", "role"], clips)
    left_out = [{"file": file, "reason": reason} for file, reason in skipped]
    write_rows(run / "skipped.csv", ["file", "reason"], left_out)
    write_rows(run / "ignored.csv", ["file"], [{"file": file} for file in ignored])
    odd = [{"file": file, "remark": remark} for file, remark in unusual]
    write_rows(run / "unusual.csv", ["file", "remark"], odd)
    if test:
        reads = [
            {"date": f"2026-11-2{n}", "commit": "abc1234", "recipe_hash": "0f1e2d", "reason": why}
            for n, why in enumerate(("prototypes", "the mission"))
        ]
        write_rows(run / "test_reads.csv", list(reads[0]), reads)
    if wandb is not None:
        (run / "wandb.json").write_text(json.dumps(wandb), encoding="utf-8")
    write_pictures(run / "pictures.npz", categories)
    return run


def compare_all(
    names: tuple[str, ...],
    correct: dict[str, np.ndarray],
    clips: Rows,
    categories: tuple[str, ...],
) -> Rows:
    targets = np.array([categories.index(clip["category"]) for clip in clips])
    recordings = np.array([clip["recording"] for clip in clips])
    pairs = [(a, b) for at, a in enumerate(names) for b in names[at + 1 :]]
    found = [
        comparison.compare(correct[a], correct[b], recordings, targets, resamples=60)
        for a, b in pairs
    ]
    adjusted = comparison.holm([each.p_permutation for each in found])
    return [
        {
            "first": a,
            "second": b,
            "difference": each.difference,
            "low": each.low,
            "high": each.high,
            "p_permutation": each.p_permutation,
            "p_holm": p,
            "mcnemar": {
                "first_only": each.discordant_a,
                "second_only": each.discordant_b,
                "p": each.p_mcnemar,
            },
            "verdict": comparison.verdict(a, b, each, p),
        }
        for (a, b), each, p in zip(pairs, found, adjusted, strict=True)
    ]


def write_pictures(path: Path, categories: tuple[str, ...]) -> None:
    generator = np.random.default_rng(7)
    count, points, bands, frames = len(categories), 200, 64, 251
    time = np.linspace(0, 5, points)
    shape = np.abs(np.sin(np.outer(np.arange(1, count + 1), time))) * 0.7 + 0.05
    height = shape * generator.uniform(0.6, 1, (count, points))
    spectra = generator.normal(-60, 6, (count, bands, frames)).astype(np.float32)
    spectra += 50 * np.abs(np.sin(np.outer(np.arange(1, count + 1), np.linspace(0, 5, frames))))[
        :, None, :
    ].astype(np.float32)
    np.savez_compressed(
        path,
        categories=np.array(categories),
        files=np.array([f"{category}/2-00.wav" for category in categories]),
        waves=np.stack([-height, height], axis=2).astype(np.float32),
        spectra=spectra,
        seconds=5.0,
        low_hz=40.0,
        high_hz=16000.0,
    )


def write_looking(run: Path, names: tuple[str, ...] = ("cnn", "transformer-h4")) -> Path:
    """Pictures of all development clips, as that part of the evidence leaves them."""
    with (run / "clips.csv").open(encoding="utf-8", newline="") as stream:
        clips = [row for row in csv.DictReader(stream) if row["role"] == "development"]
    generator = np.random.default_rng(5)
    count, bands, frames, points = len(clips), 12, 20, 16
    path = run / "evidence" / "looking.npz"
    path.parent.mkdir()
    np.savez_compressed(
        path,
        files=np.array([clip["file"] for clip in clips]),
        categories=np.array([clip["category"] for clip in clips]),
        folds=np.array([int(clip["fold"]) for clip in clips]),
        spectra=generator.integers(0, 256, (count, bands, frames), dtype=np.uint8),
        envelopes=generator.uniform(-1, 1, (count, points, 2)).astype(np.float16),
        seconds=5.0,
        low_hz=40.0,
        high_hz=16000.0,
        **{
            f"gradient_{name}": generator.integers(0, 256, (count, bands, frames), dtype=np.uint8)
            for name in names
        },
        **{
            f"attention_{name}": generator.dirichlet(np.ones(frames), count).astype(np.float16)
            for name in names
            if "-h" in name
        },
    )
    return path


@pytest.fixture(scope="session")
def look() -> Callable[..., Path]:
    """Write pictures into a study: `write_looking`."""
    return write_looking


@pytest.fixture(scope="session")
def mission(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The mission on ESC-10, finished; read only."""
    return write_study(tmp_path_factory.mktemp("studies") / "mission")


@pytest.fixture(scope="session")
def write() -> Callable[..., Path]:
    """Write a study of another kind into a new folder: `write_study`."""
    return write_study


@pytest.fixture
def make_study(tmp_path: Path) -> Callable[..., Path]:
    """Write a study of another kind: the arguments of `write_study`, but for the folder."""
    return lambda **kinds: write_study(tmp_path / "study", **kinds)
