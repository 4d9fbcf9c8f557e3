"""Networks trained only to answer a question: what becomes of a score when one thing is changed.

Controls run `kfold` with the first seed on the development folds, and never open the test fold.
Their fits stand in `evidence/controls/<question>/<whose>/`, as in a study, and are trained once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from auricle.data.clips import Clip, ClipTable
from auricle.evaluation.comparison import Comparison, compare
from auricle.evaluation.intervals import Interval, accuracy_interval
from auricle.evaluation.metrics import score
from auricle.evidence.case import SEED, Case, Subject
from auricle.network.classifier import count_parameters
from auricle.study.engine import run_jobs
from auricle.study.estimate import estimate_s, in_words
from auricle.study.fits import Predictions, load_predictions
from auricle.study.job import Job, fit_folder
from auricle.study.protocol import Split, splits
from auricle.study.recipe import Recipe
from auricle.study.run import make_job, threads_for, workers_for
from auricle.study.scores import pooled
from auricle.training.fit import choose_device, new_network
from auricle.training.sounds import Array


@dataclass(frozen=True)
class Control:
    """One changed `kfold`: a recipe, and for each validation fold the clips that it may decode."""

    recipe: Recipe
    tables: Mapping[int, ClipTable]

    @property
    def name(self) -> str:
        """The recipe's."""
        return self.recipe.name

    @property
    def categories(self) -> tuple[str, ...]:
        """What it is taught."""
        return next(iter(self.tables.values())).categories


def same_clips(case: Case, recipe: Recipe) -> Control:
    """A control that changes the recipe and leaves the clips as they are."""
    table = case.prepared.development
    return Control(recipe, dict.fromkeys(table.folds, table))


def train(
    case: Case, subject: Subject, question: str, controls: Sequence[Control]
) -> dict[str, list[Job]]:
    """Train what is not trained yet, side by side, and say beforehand how long that takes.

    Gives back the jobs of each control of the subject, in the order of their folds.
    """
    fits = len(controls) * len(kfold_of(case))
    threads = threads_for(case.setting, fits)
    place = case.folder / "controls" / question / subject.name
    jobs = {control.name: jobs_of(case, place, control, threads) for control in controls}
    together = [job for own in jobs.values() for job in own]
    workers = workers_for(case.setting, fits)
    seconds = in_words(estimate_s(together, choose_device(case.setting.device), workers))
    case.console.print(f"  {fits} fits, {workers} at a time; about {seconds} more.")
    run_jobs(together, workers, case.console, engine=case.setting.engine)
    return jobs


def jobs_of(case: Case, place: Path, control: Control, threads: int) -> list[Job]:
    """The fits of one control, for a folder of its question's."""
    setting = replace(case.setting, run=place, wandb="disabled")
    return [
        make_job(
            case.plan,
            setting,
            case.prepared,
            control.recipe,
            split,
            control.tables[fold_of(split)],
            SEED,
            threads=threads,
        )
        for split in kfold_of(case)
    ]


def kfold_of(case: Case) -> list[Split]:
    """The splits of `kfold`, as the study has them."""
    return splits(("kfold",), case.prepared.table.folds)


def fold_of(split: Split) -> int:
    """The fold that a member of `kfold` validates on."""
    assert split.validation is not None
    return split.validation


def out_of_fold(jobs: Sequence[Job]) -> Predictions:
    """What the fits of a control predicted, each for its own fold."""
    return pooled([load_predictions(job.folder / "predictions.npz") for job in jobs])


def in_study(case: Case, recipe: Recipe) -> Predictions | None:
    """What the study's own fits predicted, if one of its configurations is this recipe by another
    name.
    """
    for own in case.plan.configurations:
        if replace(own, name=recipe.name) == recipe:
            folders = [fit_folder(case.run, own.name, split, SEED) for split in kfold_of(case)]
            return pooled([load_predictions(folder / "predictions.npz") for folder in folders])
    return None


def predictions_of(
    case: Case, subject: Subject, question: str, recipes: Sequence[Recipe]
) -> list[Predictions]:
    """What each recipe predicts out of fold: from the study where it has it, else trained now."""
    known = {recipe.name: in_study(case, recipe) for recipe in recipes}
    missing = [same_clips(case, recipe) for recipe in recipes if known[recipe.name] is None]
    trained = train(case, subject, question, missing) if missing else {}
    known |= {name: out_of_fold(jobs) for name, jobs in trained.items()}
    return [found for recipe in recipes if (found := known[recipe.name])]


@dataclass(frozen=True, kw_only=True)
class Scored:
    """How one control fared: on how many clips, with how many parameters."""

    clips: int
    parameters: int
    accuracy: Interval
    log_loss: float


def scored(subject: Subject, found: Predictions, recipe: Recipe) -> Scored:
    """Accuracy and log loss of predictions for all of a subject's clips."""
    probabilities, targets = in_order(subject, found), subject.targets
    right = probabilities.argmax(1) == targets
    return Scored(
        clips=len(targets),
        parameters=trainable(recipe, len(subject.categories)),
        accuracy=accuracy_interval(right.astype(float), targets, subject.recordings),
        log_loss=score(targets, probabilities).log_loss,
    )


def trainable(recipe: Recipe, classes: int) -> int:
    """Trainable parameters of a recipe's network."""
    return count_parameters(new_network(recipe.network, classes, SEED))["total"].trainable


def in_order(subject: Subject, found: Predictions) -> Array:
    """(clips, classes) probabilities in the order of the subject's clips."""
    row = {clip.file: at for at, clip in enumerate(found.clips)}
    ordered: Array = found.probabilities[[row[clip.file] for clip in subject.store.clips]]
    return ordered


def versus(subject: Subject, found: Predictions, reference: Predictions) -> Comparison:
    """A control less its reference, on the same clips."""
    a, b = (in_order(subject, each).argmax(1) == subject.targets for each in (found, reference))
    return compare(a, b, subject.recordings, subject.targets)


def relabelled(table: ClipTable, folds: Mapping[Clip, int]) -> ClipTable:
    """The same clips in other folds."""
    return replace(table, clips=tuple(replace(clip, fold=folds[clip]) for clip in table.clips))


def shuffled(items: Sequence[Clip], generator: np.random.Generator) -> list[Clip]:
    """The same in an order drawn by chance."""
    return [items[at] for at in generator.permutation(len(items))]
