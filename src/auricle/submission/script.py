"""The experiment itself: train, validate, tune, test, score and draw every configuration.

    folds 2 to 5 ... development: each validates once (kfold), all of them teach (refit)
    fold 1 ......... test: not decoded without --test, and then only after all training has ended

Everything goes into the folder of `--out`. A run that was stopped goes on with the same command:
a fit that is whole is not trained again, one that is not goes on from its last whole epoch.
"""

import argparse
import csv
import datetime
import io
import json
import math
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from auricle.data.clips import ClipTable, read_esc
from auricle.data.store import WaveStore, open_store
from auricle.errors import AuricleError
from auricle.evaluation.metrics import score
from auricle.files import replace_bytes, replace_text
from auricle.network.classifier import SoundClassifier, count_parameters
from auricle.study.fits import Predictions
from auricle.study.job import clear, examples_in
from auricle.study.protocol import Roles, Split, roles_of, splits
from auricle.study.recipe import Recipe
from auricle.study.scores import Member, Scored, gather, mean_entries, pooled, score_entry
from auricle.study.summary import comparison_csv, predictions_csv
from auricle.submission.figures import draw_confusions, draw_curves, draw_roc
from auricle.training.fit import choose_device, fit, new_network, predict
from auricle.training.history import Epoch
from auricle.training.tracking import Mode, RunName, Tracker, check_online

PROJECT = "esc10"
"""Of Weights & Biases, where every fit is a run."""

QUICK_EPOCHS = 3
TRIAL_EPOCHS = 40
SAID_EVERY = 10


@dataclass(frozen=True)
class Experiment:
    """What all fits share."""

    table: ClipTable
    clip_s: float
    out: Path
    cache: Path
    device: torch.device
    wandb: Mode
    skip_bad: bool

    @property
    def roles(self) -> Roles:
        """The test fold and the development folds."""
        return roles_of(self.table.folds)

    def waves(self, recipe: Recipe, *, test: bool = False) -> WaveStore:
        """The development clips, or the test clips, decoded; the others' files are not opened."""
        return open_store(
            self.table.in_folds((self.roles.test,) if test else self.roles.development),
            sample_rate_hz=recipe.network.frontend.sample_rate_hz,
            seconds=self.clip_s,
            cache=self.cache,
            skip_bad=self.skip_bad,
        )

    def folder(self, recipe: Recipe, split: Split, seed: int) -> Path:
        """Where a fit's files go."""
        return self.out / recipe.name / split.strategy / split.member / f"seed-{seed}"


def main(recipes: Sequence[Recipe], clip_s: float, arguments: Sequence[str] | None = None) -> int:
    """Run the experiment as the command line asks; give back the exit code."""
    asked = parse(arguments)
    try:
        run(recipes, clip_s, asked)
    except AuricleError as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 1
    return 0


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    reader = argparse.ArgumentParser(
        description="Classify the sounds of ESC-10 with a 1-D CNN, and with the same CNN under a "
        "transformer encoder written from scratch."
    )
    add = reader.add_argument
    add("--data", type=Path, default=Path("ESC-10"), help="folder of ESC-10, or of ESC-50")
    add("--out", type=Path, default=Path("results"), help="folder for all that is found")
    add("--test", action="store_true", help="open the test fold, fold 1, after all training")
    add("--only", nargs="+", metavar="NAME", help="configurations to train, if not all")
    add("--epochs", type=positive, help="epochs of every fit, if not those of its recipe")
    add("--seeds", type=positive, default=1, help="train every fit with so many seeds")
    add("--quick", action="store_true", help=f"{QUICK_EPOCHS} epochs: see that everything runs")
    add(
        "--tune",
        type=several,
        metavar="N",
        help="first search the last CNN and the last encoder, each as it is and by N - 1 draws",
    )
    add(
        "--without-texture",
        action="store_true",
        help="convolutions and head alone, without the linear layer on the sound's texture",
    )
    add("--device", choices=["auto", "cpu", "cuda", "mps"], default="auto")
    add(
        "--wandb",
        choices=["offline", "online", "disabled"],
        default="offline",
        help="Weights & Biases: kept here to be sent later, sent at once (with a key), or nothing",
    )
    add("--skip-bad", action="store_true", help="leave out files that cannot be used")
    return reader.parse_args(arguments)


def positive(text: str) -> int:
    """A whole number above nothing."""
    if int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return int(text)


def several(text: str) -> int:
    """A whole number above one."""
    if int(text) < 2:
        raise argparse.ArgumentTypeError(
            f"{text} searches nothing: the first trial is the recipe as it is; give 2 or more"
        )
    return int(text)


def run(recipes: Sequence[Recipe], clip_s: float, asked: argparse.Namespace) -> None:
    """Train, validate and test all that is asked for, and write down what was found.

    Raises: AuricleError for whatever the user can mend.
    """
    if asked.wandb == "online":
        check_online()
    recipes = chosen(recipes, asked.only, QUICK_EPOCHS if asked.quick else asked.epochs)
    if asked.without_texture:
        recipes = [bare(recipe) for recipe in recipes]
    table = read_esc(asked.data, skip_bad=asked.skip_bad)
    device = choose_device(asked.device)
    out: Path = asked.out
    cache = out / "waves"
    experiment = Experiment(table, clip_s, out, cache, device, asked.wandb, asked.skip_bad)
    recordings = len({clip.recording for clip in table.clips})
    print(
        f"{len(table.clips)} clips of {len(table.categories)} categories in {len(table.folds)} "
        f"folds, from {recordings} recordings; on {device.type}"
    )
    if asked.tune:
        recipes = [*recipes, *tune(experiment, recipes, asked.tune)]
    strategies = ("kfold", "holdout", "refit") if asked.test else ("kfold", "holdout")
    fits = [
        (recipe, split, seed)
        for recipe in recipes
        for split in splits(strategies, table.folds)
        for seed in range(asked.seeds)
    ]
    for number, (recipe, split, seed) in enumerate(fits, 1):
        print(f"fit {number} of {len(fits)}: {recipe.name}, {split.member}, seed {seed}")
        started = time.perf_counter()
        train(experiment, recipe, split, seed)
        if number == 1:
            took = (time.perf_counter() - started) / 60
            print(f"that took {took:.1f} min: some {took * len(fits):.0f} min in all")
    if asked.test:
        note_reading(experiment)
    members = [answers(experiment, *each, test=asked.test) for each in fits]
    write_results(experiment, recipes, strategies, members)


def chosen(
    recipes: Sequence[Recipe], names: Sequence[str] | None, epochs: int | None
) -> list[Recipe]:
    """The configurations that are asked for, with another number of epochs if that is.

    Raises: AuricleError for a name that there is not.
    """
    known = [recipe.name for recipe in recipes]
    if strangers := sorted({*(names or ())} - {*known}):
        raise AuricleError(f"--only {strangers[0]}: there are {', '.join(known)}")
    taken = [recipe for recipe in recipes if not names or recipe.name in names]
    if epochs is None:
        return taken
    return [replace(each, training=replace(each.training, epochs=epochs)) for each in taken]


def bare(recipe: Recipe) -> Recipe:
    """The same convolutions and head, without the texture beside them."""
    texture = replace(recipe.network.texture, share=0.0)
    network = replace(recipe.network, texture=texture)
    return replace(recipe, name=f"{recipe.name}-without-texture", network=network)


def train(experiment: Experiment, recipe: Recipe, split: Split, seed: int) -> None:
    """One fit: a new network, trained to its last epoch, its weights kept in the fit's folder.

    Raises: AuricleError where a fit with other values was begun.
    """
    folder = experiment.folder(recipe, split, seed)
    begun, values = folder / "recipe.txt", f"{recipe}\n{len(experiment.table.clips)} clips\n"
    if begun.exists() and begun.read_text(encoding="utf-8") != values:
        raise AuricleError(f"{folder}: begun with other values or clips; give another --out")
    replace_text(begun, values)
    if (folder / "weights.pt").exists():
        return
    store = experiment.waves(recipe)
    categories = experiment.table.categories
    training = examples_in(store, split.training, categories)
    validation = examples_in(store, (split.validation,), categories) if split.validation else None
    network = new_network(recipe.network, len(categories), seed)
    told = {
        "training_folds": split.training,
        "validation_fold": split.validation,
        "seed": seed,
        "parameters": asdict(count_parameters(network)["total"]),
        **asdict(recipe),
    }
    run_name = RunName(
        project=PROJECT,
        group=recipe.name,
        job_type=split.strategy,
        name=f"{recipe.name}/{split.strategy}/{split.member}/seed-{seed}",
    )
    with Tracker(experiment.wandb, run_name, told, folder) as tracker:

        def each_epoch(row: Epoch) -> None:
            tracker.log(row)
            if row.epoch % SAID_EVERY == 0 or row.epoch == recipe.training.epochs:
                say_epoch(row, recipe.training.epochs)

        result = fit(
            network,
            training,
            validation,
            classes=len(categories),
            config=recipe.training,
            augment=recipe.augment,
            seed=seed,
            folder=folder,
            device=experiment.device,
            each_epoch=each_epoch,
        )
        if validation:
            found = predict(result.network, validation, experiment.device)
            scores = score(validation.targets, found)
            tracker.summarise(
                {
                    "final/accuracy": scores.accuracy,
                    "final/f1_macro": scores.f1_macro,
                    "final/auc_macro": scores.auc_macro,
                }
            )
    content = io.BytesIO()
    kept = {"weights": result.network.cpu().state_dict(), "seconds": result.seconds}
    torch.save(kept, content)
    replace_bytes(folder / "weights.pt", content.getvalue())
    clear(folder)


def say_epoch(row: Epoch, epochs: int) -> None:
    """A line on an epoch."""
    apart = row.train_events_loss is not None  # base and head, which learn, and not the texture
    said = [f"  epoch {row.epoch} of {epochs}{', base and head' if apart else ''}"]
    for title, part in (("training", "train"), ("validation", "val")):
        loss, accuracy = (
            getattr(row, f"{part}_events_{measure}" if apart else f"{part}_{measure}")
            for measure in ("loss", "accuracy")
        )
        if loss is not None:
            said.append(f"{title} loss {loss:.3f}, accuracy {accuracy:.1%}")
    if apart and row.val_accuracy is not None:
        said.append(f"with the texture {row.val_accuracy:.1%}")
    print("; ".join(said))


def answers(
    experiment: Experiment, recipe: Recipe, split: Split, seed: int, *, test: bool
) -> Member:
    """What a trained network says of its validation fold, and of the test fold if that is open."""
    folder = experiment.folder(recipe, split, seed)
    # Not safetensors: the file runs where only torch and its few companions are. No code is read.
    kept = torch.load(folder / "weights.pt", weights_only=True, map_location="cpu")
    network = SoundClassifier(recipe.network, len(experiment.table.categories))
    network.load_state_dict(kept["weights"])

    def heard(fold: int) -> Predictions:
        store = experiment.waves(recipe, test=fold == experiment.roles.test)
        examples = examples_in(store, (fold,), experiment.table.categories)
        found = predict(network, examples, experiment.device)
        clips = tuple(store.clips[row] for row in examples.rows)
        return Predictions(clips, found.astype(np.float64))

    return Member(
        recipe.name,
        split.strategy,
        split.member,
        seed,
        kept["seconds"],
        heard(split.validation) if split.validation else None,
        heard(split.scored) if test else None,
    )


def note_reading(experiment: Experiment) -> None:
    """Write down that the test fold is opened: who reads it often enough chooses by it."""
    ledger = experiment.out / "test_reads.csv"
    before = ledger.read_text(encoding="utf-8") if ledger.exists() else "date,reason\n"
    replace_text(ledger, f"{before}{datetime.date.today().isoformat()},--test\n")
    print(f"fold {experiment.roles.test} is opened; readings so far are in {ledger}")


def tune(experiment: Experiment, recipes: Sequence[Recipe], trials: int) -> list[Recipe]:
    """Search better values for each architecture, on the development folds alone.

    The first trial is the recipe as it is; the others draw around it. The least log loss over the
    out-of-fold clips wins: it tells more than accuracy does on so few clips. `trials.csv` has a
    row a trial; a recipe that won joins the configurations under its trial's number. A search that
    is asked for more trials goes on.
    """
    convolutional = [recipe for recipe in recipes if not recipe.network.encoder.blocks]
    encoders = [recipe for recipe in recipes if recipe.network.encoder.blocks]
    quiet = replace(experiment, out=experiment.out / "tuning", wandb="disabled")
    rows, found = [], []
    for recipe in (*convolutional[-1:], *encoders[-1:]):
        tried = []
        for number in range(trials):
            drawn = draw(recipe, number)
            epochs = min(TRIAL_EPOCHS, recipe.training.epochs)
            shorter = replace(drawn, training=replace(drawn.training, epochs=epochs))
            log_loss, accuracy, seconds = trial(quiet, shorter)
            tried.append((log_loss, number, drawn))
            values = [f"{value:.6g}" for value in (log_loss, accuracy, seconds, *values_of(drawn))]
            rows.append([recipe.name, number, *values])
            print(f"trial {number} of {recipe.name}: log loss {log_loss:.3f}, {accuracy:.1%}")
        log_loss, number, best = min(tried, key=lambda each: each[:2])
        print(f"trial {number} of {recipe.name} is the best, with a log loss of {log_loss:.3f}")
        if number:
            found.append(replace(best, name=f"{recipe.name}-searched-{number}"))
    header = ["recipe", "trial", "log_loss", "accuracy", "seconds", *SEARCHED]
    write_rows(experiment.out / "trials.csv", [header, *rows])
    return found


SEARCHED = ("learning_rate", "weight_decay", "step_dropout", "mixing", "stretch")


def values_of(recipe: Recipe) -> tuple[float, ...]:
    """The values that are searched, as a recipe has them."""
    training, augment = recipe.training, recipe.augment
    return (
        training.learning_rate,
        training.weight_decay,
        recipe.network.step_dropout,
        augment.mixing,
        augment.stretch,
    )


def draw(recipe: Recipe, number: int) -> Recipe:
    """The recipe of a trial: the first as it is, the others drawn from the trial's own seed."""
    if not number:
        return replace(recipe, name=f"{recipe.name}-0")
    generator = np.random.default_rng(number)

    def between(low: float, high: float) -> float:
        return round(float(generator.uniform(low, high)), 3)

    def by_ratio(low: float, high: float) -> float:
        return round(math.exp(generator.uniform(math.log(low), math.log(high))), 5)

    return replace(
        recipe,
        name=f"{recipe.name}-{number}",
        training=replace(
            recipe.training, learning_rate=by_ratio(1e-3, 1e-2), weight_decay=by_ratio(0.01, 0.5)
        ),
        network=replace(recipe.network, step_dropout=between(0, 0.6)),
        augment=replace(recipe.augment, mixing=between(0, 1), stretch=between(0, 0.4)),
    )


def trial(experiment: Experiment, recipe: Recipe) -> tuple[float, float, float]:
    """Log loss and accuracy out of fold, and the seconds that they took."""
    members = []
    for split in splits(("kfold",), experiment.table.folds):
        train(experiment, recipe, split, seed=0)
        members.append(answers(experiment, recipe, split, 0, test=False))
    together = pooled([member.out_of_fold for member in members if member.out_of_fold])
    categories = experiment.table.categories
    targets = np.array([categories.index(clip.category) for clip in together.clips])
    found = score(targets, together.probabilities)
    return found.log_loss, found.accuracy, round(sum(each.train_seconds for each in members), 1)


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
    sizes: list[list[Any]] = [["configuration", "part", "trainable", "fixed"]]
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
    write_rows(out / "parameters.csv", sizes)
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


def write_rows(path: Path, rows: Sequence[Sequence[Any]]) -> None:
    """A CSV."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    replace_text(path, text.getvalue())
