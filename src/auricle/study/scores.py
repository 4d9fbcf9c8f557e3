"""Predictions to scores: what each configuration is worth under each strategy, and which is best.

Everything here is worked out from the probabilities that the fits left, so that anyone can work it
out again from `predictions.csv`.
"""

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from auricle.data.clips import Clip
from auricle.evaluation.comparison import compare, holm, verdict
from auricle.evaluation.intervals import Interval, accuracy_interval, score_intervals
from auricle.evaluation.metrics import roc_curves, score
from auricle.study.fits import Predictions
from auricle.study.recipe import Committee
from auricle.training.sounds import Array

ONE = "one network, last epoch"


@dataclass(frozen=True)
class Scored:
    """Predictions under the key by which files name them; `networks` heard each of the clips."""

    configuration: str
    strategy: str
    seed: str
    member: str
    on: str
    declared: str
    predictions: Predictions
    train_seconds: float
    with_curves: bool = field(default=False, kw_only=True)
    networks: int = field(default=1, kw_only=True)


@dataclass(frozen=True)
class Member:
    """What one fit predicted: its validation clips, and the test clips if they were opened."""

    configuration: str
    strategy: str
    member: str
    seed: int
    train_seconds: float
    out_of_fold: Predictions | None
    test: Predictions | None


def pooled(parts: Sequence[Predictions]) -> Predictions:
    """Clips of several folds, each scored once, side by side."""
    return Predictions(
        tuple(clip for part in parts for clip in part.clips),
        np.concatenate([part.probabilities for part in parts]),
    )


def averaged(parts: Sequence[Predictions]) -> Predictions:
    """The mean of several networks' probabilities of the same clips."""
    assert all(part.clips == parts[0].clips for part in parts)
    return Predictions(parts[0].clips, np.mean([part.probabilities for part in parts], axis=0))


def gather(
    configuration: str, members: Sequence[Member], strategies: Sequence[str], folds: Sequence[int]
) -> Iterator[Scored]:
    """Every set of predictions that a strategy scores, seed by seed, then the seeds' ensemble."""
    own = [member for member in members if member.configuration == configuration]
    seeds = sorted({member.seed for member in own})
    by_seed = [list(_of_seed(configuration, own, seed, strategies, folds)) for seed in seeds]
    for scored in by_seed:
        yield from scored
    if len(seeds) > 1:
        for same in zip(*by_seed, strict=True):
            first = same[0]
            networks = sum(scored.networks for scored in same)
            yield Scored(
                configuration,
                first.strategy,
                "ensemble",
                first.member,
                first.on,
                f"{networks} networks, probabilities averaged",
                averaged([scored.predictions for scored in same]),
                sum(scored.train_seconds for scored in same),
                networks=networks,
            )


def _of_seed(
    configuration: str,
    members: Sequence[Member],
    seed: int,
    strategies: Sequence[str],
    folds: Sequence[int],
) -> Iterator[Scored]:
    own = [member for member in members if member.seed == seed]  # in the order of the folds
    kfold, rest = ([m for m in own if m.strategy == name] for name in ("kfold", "esc5"))

    def scored(
        strategy: str, member: str, on: str, found: Predictions, by: Sequence[Member], **more: Any
    ) -> Scored:
        seconds = sum(fit.train_seconds for fit in by)
        declared = more.pop("declared", ONE)
        key = (configuration, strategy, str(seed), member, on, declared)
        return Scored(*key, found, seconds, **more)

    if "kfold" in strategies:
        for fit in kfold:
            if fit.out_of_fold:
                yield scored("kfold", fit.member, "out-of-fold", fit.out_of_fold, [fit])
        together = pooled([fit.out_of_fold for fit in kfold if fit.out_of_fold])
        yield scored("kfold", "pooled", "out-of-fold", together, kfold, with_curves=True)
        tested = [fit.test for fit in kfold if fit.test]
        for fit in kfold:
            if fit.test:
                yield scored("kfold", fit.member, "test", fit.test, [fit])
        if tested:
            averaged_over = f"{len(tested)} networks, probabilities averaged"
            more = {"declared": averaged_over, "with_curves": True, "networks": len(tested)}
            yield scored("kfold", "ensemble", "test", averaged(tested), kfold, **more)
    if "holdout" in strategies:
        held = kfold[0]
        if held.out_of_fold:
            yield scored("holdout", held.member, "out-of-fold", held.out_of_fold, [held])
        if held.test:
            yield scored("holdout", held.member, "test", held.test, [held], with_curves=True)
    refit = next((member for member in own if member.strategy == "refit"), None)
    if refit is None or refit.test is None:
        return
    if "refit" in strategies:
        yield scored("refit", "all", "test", refit.test, [refit], with_curves=True)
    if "esc5" in strategies:
        yield scored("esc5", f"fold-{folds[0]}", "test", refit.test, [refit])
        for fit in rest:
            if fit.test:
                yield scored("esc5", fit.member, "test", fit.test, [fit])
        all_clips = pooled([refit.test, *(fit.test for fit in rest if fit.test)])
        yield scored("esc5", "pooled", "test", all_clips, [refit, *rest], with_curves=True)


def together(committee: Committee, scored: Sequence[Scored]) -> Iterator[Scored]:
    """What a committee answers wherever its members score the same clips whole.

    The protocol averages seeds alone within `esc5`: a committee stays out of it.
    """
    own = [s for s in scored if s.configuration in committee.of and s.seed != "ensemble"]
    own = [s for s in own if s.strategy != "esc5"]
    whole = [s for s in own if s.strategy == "holdout" or not s.member.startswith("fold-")]
    for key in dict.fromkeys((s.strategy, s.member, s.on) for s in whole):
        same = [s for s in whole if (s.strategy, s.member, s.on) == key]
        networks = sum(s.networks for s in same)
        yield Scored(
            committee.name,
            key[0],
            "ensemble",
            *key[1:],
            f"{networks} networks, probabilities averaged",
            averaged([s.predictions for s in same]),
            sum(s.train_seconds for s in same),
            networks=networks,
        )


def score_entry(scored: Scored, categories: Sequence[str]) -> dict[str, Any]:
    """All that is known of one set of predictions, for `scores.json`."""
    clips, probabilities = scored.predictions.clips, scored.predictions.probabilities
    targets, recordings = targets_of(clips, categories), recordings_of(clips)
    folds = np.array([clip.fold for clip in clips])
    groups = folds if len(set(folds)) > 1 else None  # each fold was scored by a network of its own
    found = score(targets, probabilities, groups=groups)
    intervals = score_intervals(targets, probabilities, recordings, groups=groups)
    entry: dict[str, Any] = {
        "strategy": scored.strategy,
        "seed": scored.seed,
        "member": scored.member,
        "on": scored.on,
        "declared": scored.declared,
        "networks": scored.networks,
        "train_seconds": round(scored.train_seconds, 1),
        "clips": found.clips,
        "accuracy": interval_entry(intervals.accuracy),
        "f1_macro": interval_entry(intervals.f1_macro),
        "f1_weighted": interval_entry(intervals.f1_weighted),
        "auc_macro": number(found.auc_macro),
        "auc_interval": interval_entry(intervals.auc_macro),
        "log_loss": number(found.log_loss),
        "per_class": [
            {
                "category": category,
                "precision": number(of_class.precision),
                "recall": number(of_class.recall),
                "f1": number(of_class.f1),
                "auc": number(of_class.auc),
                "support": of_class.support,
            }
            for category, of_class in zip(categories, found.per_class, strict=True)
        ],
        "confusion": found.confusion.tolist(),
    }
    if scored.with_curves:
        curves = roc_curves(targets, probabilities, groups=groups)
        entry["roc"] = [
            {
                "category": categories[index],
                "fpr": np.round(fpr, 5).tolist(),
                "tpr": np.round(tpr, 5).tolist(),
            }
            for index, (fpr, tpr) in curves.items()
        ]
    return entry


def mean_entries(
    scored: Sequence[Scored], entries: Sequence[dict[str, Any]], categories: Sequence[str]
) -> list[dict[str, Any]]:
    """Rows that are means of scores: of `kfold`'s members on the test fold, and of seeds.

    `entries` are those of `scored`. The interval of a mean accuracy is that of the correctness
    averaged clip by clip, as recordings are resampled; its range is that of the scores.
    """
    single = [s for s in scored if s.seed != "ensemble"]
    own = [e for e in entries if e["seed"] != "ensemble"]
    tested = [s for s in single if (s.strategy, s.on) == ("kfold", "test")]
    tested = [s for s in tested if s.member != "ensemble"]
    seeds = sorted({s.seed for s in single})
    rows = []
    for seed in seeds if tested else ():
        keys = {(s.seed, s.strategy, s.member, s.on) for s in tested if s.seed == seed}
        same = [e for e in own if (e["seed"], e["strategy"], e["member"], e["on"]) in keys]
        interval = mean_accuracy([s for s in tested if s.seed == seed], categories)
        rows.append({**_mean(same, interval), "seed": seed, "member": "mean"})
    if len(seeds) > 1:
        each = [*own, *rows]
        for key in dict.fromkeys((e["strategy"], e["member"], e["on"]) for e in each):
            same = [e for e in each if (e["strategy"], e["member"], e["on"]) == key]
            found = [s for s in single if (s.strategy, s.member, s.on) == key] or tested
            interval = mean_accuracy(found, categories)
            rows.append({**_mean(same, interval), "seed": "mean", "member": key[1]})
    return rows


def mean_accuracy(
    scored: Sequence[Scored], categories: Sequence[str], part: Array | slice = slice(None)
) -> Interval:
    """Mean accuracy of several networks on a part of the same clips, with its interval."""
    clips = scored[0].predictions.clips
    targets, recordings = targets_of(clips, categories), recordings_of(clips)
    hits = [s.predictions.probabilities.argmax(1) == targets for s in scored]
    return accuracy_interval(np.mean(hits, axis=0)[part], targets[part], recordings[part])


def _mean(entries: Sequence[dict[str, Any]], accuracy: Interval) -> dict[str, Any]:
    first = entries[0]
    row: dict[str, Any] = {key: first[key] for key in ("strategy", "on", "clips")}
    row["declared"] = f"mean of {len(entries)} scores"
    row["networks"] = first["networks"]
    row["train_seconds"] = round(sum(entry["train_seconds"] for entry in entries), 1)
    for name in ("accuracy", "f1_macro", "f1_weighted"):
        values = [entry[name]["value"] for entry in entries]
        ends = [min(values), max(values)]
        row[name] = {"value": float(np.mean(values)), "low": None, "high": None, "range": ends}
    row["accuracy"] |= interval_entry(accuracy)  # of which the mean is the value, to the last bit
    for name in ("auc_macro", "log_loss"):
        known = [entry[name] for entry in entries if entry[name] is not None]
        row[name] = float(np.mean(known)) if known else None
    return row


def esc5_entry(
    scored: Sequence[Scored], categories: Sequence[str], test_fold: int
) -> dict[str, Any] | None:
    """The three figures of `esc5`: all folds, those that chose the recipe, the one that did not.

    Of several seeds, correctness is averaged clip by clip.
    """
    found = [s for s in scored if (s.strategy, s.member) == ("esc5", "pooled")]
    found = [s for s in found if s.seed != "ensemble"]
    if not found:
        return None
    tested = np.array([clip.fold == test_fold for clip in found[0].predictions.clips])
    parts = {"all": tested | True, "development": ~tested, "test": tested}
    return {
        name: interval_entry(mean_accuracy(found, categories, clips))
        for name, clips in parts.items()
    }


def compare_all(scored: Sequence[Scored], categories: Sequence[str]) -> list[dict[str, Any]]:
    """Every pair of configurations over the out-of-fold clips, Holm's correction over all."""
    correct: dict[str, list[Array]] = {}
    clips: tuple[Clip, ...] = ()
    for entry in scored:
        if (entry.strategy, entry.member) == ("kfold", "pooled") and entry.seed != "ensemble":
            clips = entry.predictions.clips
            hits = entry.predictions.probabilities.argmax(1) == targets_of(clips, categories)
            correct.setdefault(entry.configuration, []).append(hits)
    targets, recordings = targets_of(clips, categories), recordings_of(clips)
    pairs = list(itertools.combinations(correct, 2))
    found = [
        compare(np.array(correct[one]), np.array(correct[other]), recordings, targets)
        for one, other in pairs
    ]
    adjusted = holm([comparison.p_permutation for comparison in found])
    return [
        {
            "first": one,
            "second": other,
            "difference": comparison.difference,
            "low": comparison.low,
            "high": comparison.high,
            "p_permutation": comparison.p_permutation,
            "p_holm": p_holm,
            "mcnemar": {
                "first_only": comparison.discordant_a,
                "second_only": comparison.discordant_b,
                "p": comparison.p_mcnemar,
            },
            "verdict": verdict(one, other, comparison, p_holm),
        }
        for (one, other), comparison, p_holm in zip(pairs, found, adjusted, strict=True)
    ]


def targets_of(clips: Sequence[Clip], categories: Sequence[str]) -> Array:
    """(clips,) index of each clip's category."""
    return np.array([categories.index(clip.category) for clip in clips], dtype=int)


def recordings_of(clips: Sequence[Clip]) -> Array:
    """(clips,) name of each clip's recording, within its category: the unit of resampling."""
    return np.array([f"{clip.category}/{clip.recording}" for clip in clips])


def interval_entry(interval: Interval) -> dict[str, float | None]:
    """An interval for JSON."""
    return {name: number(getattr(interval, name)) for name in ("value", "low", "high")}


def number(value: float) -> float | None:
    """A number for JSON, which knows no nan."""
    return None if math.isnan(value) else float(value)
