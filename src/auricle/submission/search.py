"""A small search: each architecture's recipe as it is, and seeded draws around it."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from auricle.evaluation.metrics import score
from auricle.files import csv_text, replace_text
from auricle.study.protocol import splits
from auricle.study.recipe import Recipe
from auricle.study.scores import pooled
from auricle.submission.experiment import Experiment, answers, train

TRIAL_EPOCHS = 40
SEARCHED = ("learning_rate", "weight_decay", "step_dropout", "mixing", "stretch")


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
    replace_text(experiment.out / "trials.csv", csv_text(header, rows))
    return found


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
