"""A finished search, read back from its folder, drawn and told."""

import csv
import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

from auricle.errors import StudyError
from auricle.report import searches
from auricle.report.document import (
    Block,
    Column,
    Document,
    Figure,
    Heading,
    Paragraph,
    Table,
    code,
    plain,
    sourced,
)
from auricle.report.searches import Trial
from auricle.report.wording import NOTHING, count, decimals, duration, percent, plural


@dataclass(frozen=True)
class Tuning:
    """All of a search's files that a report reads."""

    space: dict[str, Any]
    told: dict[str, Any]
    environment: dict[str, Any]
    best: dict[str, Any]
    trials: tuple[Trial, ...]

    @property
    def name(self) -> str:
        """What was searched."""
        return str(self.space["name"])

    @property
    def whole(self) -> list[Trial]:
        """Trials that ran over all folds."""
        return [trial for trial in self.trials if trial.whole]

    @property
    def by_ratio(self) -> set[str]:
        """Values that are spread by their ratio."""
        return {key for key, searched in self.space["values"].items() if searched.get("log")}

    def trial(self, number: int) -> Trial:
        """A trial by its number."""
        return next(trial for trial in self.trials if trial.number == number)


def read_tuning(folder: Path) -> Tuning:
    """Read the folder of a search.

    Raises: StudyError that names what is missing or damaged.
    """
    names = ("space.toml", "tuning.json", "environment.json", "best.toml", "trials.csv")
    files = [folder / name for name in names]
    for file in files:
        if not file.is_file():
            raise StudyError(
                f"{folder}: not a finished search, {file.name} is missing; finish it with auricle "
                "tune --resume"
            )
    space, told, environment, best, rows = files
    try:
        return Tuning(
            tomllib.loads(space.read_text(encoding="utf-8")),
            json.loads(told.read_text(encoding="utf-8")),
            json.loads(environment.read_text(encoding="utf-8")),
            tomllib.loads(best.read_text(encoding="utf-8")),
            tuple(_trials(rows)),
        )
    except (ValueError, LookupError) as problem:
        raise StudyError(f"{folder}: cannot be read ({problem}); search again") from problem


def _trials(path: Path) -> Iterator[Trial]:
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            yield Trial(
                int(row["trial"]),
                row["state"] == "complete",
                float(row["score"]) if row["score"] else None,
                float(row["accuracy"]) if row["accuracy"] else None,
                float(row["seconds"] or 0),
                {key: row[key] for key in row if "." in key},
            )


def tuning_document(tuning: Tuning) -> Document:
    """The report of a search on its own."""
    environment = tuning.environment
    return Document(
        title=f"Tuning of {plain(tuning.name)}",
        subtitle=f"{plural(len(tuning.trials), 'trial')} on {plain(tuning.told['data'])}, on its "
        "development folds alone",
        byline=f"auricle {environment['auricle']}, commit {environment['commit']}",
        date=str(environment["started"])[:10],
        blocks=list(tuned({"trials.csv": tuning})),
    )


def tuned(tunings: Mapping[str, Tuning]) -> Iterator[Block]:
    """A section a search, by the file of its trials: its space, its course, what was luck."""
    if not tunings:
        return
    yield Heading("Tuning", 1, "tuning")
    yield Paragraph(
        "Each search draws values of a recipe, trains it under `kfold` with one seed, and is told "
        "the log loss over the out-of-fold clips; the test fold is never decoded. A trial is "
        "trained on half of the folds first, and stopped there if its log loss is above the median "
        "of all that came so far. The values come from a tree-structured Parzen "
        "estimator (Bergstra et al., 2011). Since the best of many noisy scores is partly the "
        "luckiest, the best trial is trained again with seeds that were not searched, and the best "
        "few at full length beside the recipe as it was."
    )
    for source, tuning in tunings.items():
        yield Heading(f"What was searched: {plain(tuning.name)}", 2, f"tuning-{tuning.name}")
        yield from sourced(_section(tuning), source)


def _section(tuning: Tuning) -> Iterator[Block]:
    told, name = tuning.told, tuning.name
    failed = [trial for trial in tuning.trials if trial.score is None]
    stopped = len(tuning.trials) - len(tuning.whole) - len(failed)
    lost = f" and {count(len(failed))} impossible to train" if failed else ""
    best = tuning.trial(told["best_trial"])
    took = sum(trial.seconds for trial in tuning.trials)
    heard = tuning.best.get("network", {}).get("texture", {}).get("share")
    alone = "" if heard else " Its networks had base and head alone, without a texture."
    yield Paragraph(
        f"{plural(len(tuning.trials), 'trial')} of {plural(tuning.space['epochs'], 'epoch')} each, "
        f"{count(stopped)} of them stopped early{lost}; their fits took {duration(took)}. Trial "
        f"{best.number} has the least log loss, {decimals(best.score)} (accuracy "
        f"{percent(best.accuracy)}%).{alone} {_luck(tuning)}"
    )
    yield _space_table(tuning)
    yield Figure(
        f"tuning-{name}-history",
        searches.history(f"tuning-{name}-history", tuning.trials),
        "Out-of-fold log loss of each trial in the order that they were asked for, and the least "
        "so far. Hollow ones were stopped before their last fold and are of the folds that they "
        "had. An arrow at the upper edge stands for one that lies above.",
        f"{plural(len(tuning.trials) - len(failed), 'trial')}; the least log loss is "
        f"{decimals(best.score)}, of trial {best.number}.",
    )
    yield Figure(
        f"tuning-{name}-slices",
        searches.slices(f"tuning-{name}-slices", tuning.trials, tuning.by_ratio),
        "Log loss of whole trials against each value on its own; the filled one is the best, and "
        "arrows at the upper edge lie above.",
        "A panel for each value that was searched: " + ", ".join(tuning.space["values"]) + ".",
    )
    yield Figure(
        f"tuning-{name}-parallel",
        searches.parallel(f"tuning-{name}-parallel", tuning.trials, tuning.by_ratio),
        "Whole trials as lines through their values, from the least of each at the bottom to the "
        "most at the top; the darker a line, the lower its log loss.",
        f"{plural(len(tuning.whole), 'line')} through "
        f"{plural(len(tuning.space['values']), 'axis', 'axes')}.",
    )
    if told["importances"]:
        yield Figure(
            f"tuning-{name}-importances",
            searches.importances(f"tuning-{name}-importances", told["importances"]),
            "How much each value tells the best trials from the others (PED-ANOVA; Watanabe, "
            "Bansal and Hutter, 2023), as a share of all.",
            "; ".join(f"{key}: {percent(share)}%" for key, share in told["importances"].items()),
        )
    if told["confirmed"]:
        yield _confirmed(tuning)


def _luck(tuning: Tuning) -> str:
    """What new seeds say of the best score.

    A seed can be kind or hard to every recipe alike, so what the best trial gained over the recipe
    as it was is compared, each with the same seeds.
    """
    seeds = tuning.told["new_seeds"]
    searched, *new = seeds["best"]
    text = (
        f"With {plural(len(new), 'seed')} that were not searched the same recipe has "
        f"{decimals(mean(new))}"
    )
    if "as it is" not in seeds:
        return f"{text}."
    before, *again = seeds["as it is"]
    gain, kept = before - searched, mean(again) - mean(new)
    text += (
        f"; the recipe as it was has {decimals(before)} with the seed of the search and "
        f"{decimals(mean(again))} with the others"
    )
    if gain <= 0:
        return f"{text}: nothing was gained."
    lost = max(0.0, min(1.0, 1 - kept / gain))
    return (
        f"{text}. Of the gain of {decimals(gain)} over it, {decimals(max(0.0, kept))} remains with "
        f"new seeds: {percent(lost)}% was luck of the search."
    )


def _space_table(tuning: Tuning) -> Table:
    start, best = tuning.told["start"], tuning.trial(tuning.told["best_trial"]).values
    chosen = tuning.told["parameters"]
    return Table(
        f"tuning-{tuning.name}-space",
        f"What was searched as {plain(tuning.name)}, and what was found.",
        [
            Column("value", align="left"),
            Column("searched", align="left", weight=1),
            Column("as it was"),
            Column("best trial"),
            Column("chosen"),
            Column("importance, %"),
        ],
        [
            [
                code(key),
                plain(_searched(searched)),
                plain(_short(json.dumps(start[key]))),
                plain(_short(best.get(key, NOTHING))),
                plain(_short(json.dumps(chosen[key]))) if key in chosen else NOTHING,
                percent(tuning.told["importances"].get(key)),
            ]
            for key, searched in tuning.space["values"].items()
        ],
        note="Chosen: of the best few after confirming them; a dash where the recipe as it was "
        "remained the best."
        if tuning.told["confirmed"]
        else "Chosen: the best trial; it was not confirmed at full length.",
    )


def _searched(searched: dict[str, Any]) -> str:
    if "choices" in searched:
        return ", ".join(json.dumps(choice) for choice in searched["choices"])
    text = f"{searched['low']:g} to {searched['high']:g}"
    if searched.get("log"):
        text += ", by ratio"
    return text + (f", in steps of {searched['step']:g}" if "step" in searched else "")


def _short(text: str) -> str:
    """A number to three digits; anything else as it is."""
    try:
        return f"{float(text):.3g}"
    except ValueError:
        return text


def _confirmed(tuning: Tuning) -> Table:
    measured = tuning.told["confirmed"]
    ranked = sorted(measured, key=lambda name: float(measured[name]["log_loss"]))
    return Table(
        f"tuning-{tuning.name}-confirmed",
        "The best few trials and the recipe as it was, trained at full length with several seeds: "
        "means over the seeds, out of fold.",
        [Column("recipe", align="left"), Column("log loss"), Column("accuracy, %")],
        [
            [
                plain(name),
                decimals(measured[name]["log_loss"]),
                percent(measured[name]["accuracy"]),
            ]
            for name in ranked
        ],
    )
