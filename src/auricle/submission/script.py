"""The experiment itself: train, validate, tune, test, score and draw every configuration.

    folds 2 to 5 ... development: each validates once (kfold), all of them teach (refit)
    fold 1 ......... test: not decoded without --test, and then only after all training has ended

Everything goes into the folder of `--out`. A run that was stopped goes on with the same command:
a fit that is whole is not trained again, one that is not goes on from its last whole epoch.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from auricle.data.readers import read_esc
from auricle.errors import AuricleError
from auricle.study.protocol import splits
from auricle.study.recipe import Recipe
from auricle.submission.experiment import Experiment, answers, note_reading, train
from auricle.submission.found import write_results
from auricle.submission.search import tune
from auricle.training.fit import choose_device
from auricle.training.tracking import check_online

QUICK_EPOCHS = 3


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
