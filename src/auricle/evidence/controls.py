"""Networks trained only to answer a question: what becomes of a score when one thing is changed.

Controls run `kfold` with the first seed on the development folds, and never open the test fold.
Their fits stand in `evidence/controls/<question>/`, as in a study, and are not trained twice.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from auricle.data.clips import Clip, ClipTable
from auricle.data.sources import cache_folder
from auricle.evaluation.comparison import Comparison, compare
from auricle.evaluation.intervals import Interval, accuracy_interval
from auricle.evaluation.metrics import score
from auricle.evidence.case import SEED, Case, Subject
from auricle.network.classifier import count_parameters
from auricle.study.engine import cores, run_jobs
from auricle.study.estimate import estimate_s, in_words
from auricle.study.fits import Predictions, load_predictions
from auricle.study.job import Job, fit_folder
from auricle.study.protocol import Split, splits
from auricle.study.recipe import Recipe
from auricle.study.run import hashes, workers_for
from auricle.study.scores import pooled
from auricle.training.fit import choose_device, new_network
from auricle.training.sounds import Array


@dataclass(frozen=True)
class Control:
    """One changed `kfold`: a recipe, and for each validation fold the clips that it may decode."""

    recipe: Recipe
    tables: Mapping[int, ClipTable]
    categories: tuple[str, ...]

    @property
    def name(self) -> str:
        """The recipe's."""
        return self.recipe.name


def same_clips(case: Case, recipe: Recipe) -> Control:
    """A control that changes the recipe and leaves the clips as they are."""
    table = case.prepared.development
    return Control(recipe, dict.fromkeys(table.folds, table), case.prepared.table.categories)


def train(case: Case, question: str, controls: Sequence[Control]) -> dict[str, list[Job]]:
    """Train what is not trained yet, side by side, and say beforehand how long that takes.

    Gives back the jobs of each control, in the order of their folds.
    """
    jobs = {control.name: jobs_of(case, question, control) for control in controls}
    together = [job for own in jobs.values() for job in own]
    workers = workers_for(case.setting, len(together))
    together = [replace(job, threads=max(1, cores() // workers)) for job in together]
    device = choose_device(case.setting.device)
    seconds = in_words(estimate_s(together, device, workers))
    case.console.print(f"  {len(together)} fits, {workers} at a time; about {seconds} more.")
    run_jobs(together, workers, case.console, engine=case.setting.engine)
    return jobs


def jobs_of(case: Case, question: str, control: Control) -> list[Job]:
    """The fits of one control."""
    contents = case.prepared.contents
    return [
        Job(
            study=f"{case.plan.name}-{question}",
            data=case.plan.data,
            run=(case.folder / "controls" / question).resolve(),
            recipe=control.recipe,
            split=split,
            seed=SEED,
            table=table,
            categories=control.categories,
            clip_s=case.plan.clip_s,
            cache=cache_folder(),
            device=case.setting.device,
            threads=1,
            wandb="disabled",
            launcher=os.getpid(),
            learnt=hashes(contents, table.in_folds(split.training)),
            sealed=hashes(contents, case.prepared.test),
        )
        for split in kfold_of(case)
        for table in (control.tables[fold_of(split)],)
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


def predictions_of(case: Case, question: str, recipes: Sequence[Recipe]) -> list[Predictions]:
    """What each recipe predicts out of fold: from the study where it has it, else trained now."""
    known = {recipe.name: in_study(case, recipe) for recipe in recipes}
    missing = [same_clips(case, recipe) for recipe in recipes if known[recipe.name] is None]
    trained = train(case, question, missing) if missing else {}
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
