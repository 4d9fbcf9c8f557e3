"""Networks trained only to answer a question: what becomes of a score when one thing is changed.

Controls run `kfold` with the first seed on the development folds, and never open the test fold.
Their fits stand in `evidence/controls/<question>/<whose>/`, as in a study, and are trained once.
Part of an answer may be the texture's, which no control changes: base and head are asked alone too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from auricle.data.clips import Clip, ClipTable
from auricle.evidence import texture
from auricle.evidence.case import SEED, Case, Subject
from auricle.evidence.effects import Effect, Heard, answers, effect, heard, untouched
from auricle.network.classifier import count_parameters
from auricle.study.engine import run_jobs
from auricle.study.fits import load_fit
from auricle.study.job import Job
from auricle.study.prepare import make_job, threads_for, workers_for
from auricle.study.protocol import Split
from auricle.study.recipe import Recipe
from auricle.training.fit import new_network
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


def jobs_of(
    case: Case, subject: Subject, question: str, controls: Sequence[Control]
) -> dict[str, list[Job]]:
    """The fits of each control of a subject, in the order of their folds."""
    place = case.folder / "controls" / question / subject.name
    setting = replace(case.setting, run=place, wandb="disabled")
    folds = case.kfold
    threads = threads_for(setting, len(controls) * len(folds))

    def job(control: Control, split: Split) -> Job:
        table = control.tables[fold_of(split)]
        recipe, prepared = control.recipe, case.prepared
        return make_job(case.plan, setting, prepared, recipe, split, table, SEED, threads=threads)

    return {control.name: [job(control, split) for split in folds] for control in controls}


def train(case: Case, jobs: Mapping[str, Sequence[Job]]) -> None:
    """Train what is not trained yet, side by side."""
    together = [job for own in jobs.values() for job in own]
    workers = workers_for(case.setting, len(together))
    run_jobs(together, workers, case.console, engine=case.setting.engine)


def fold_of(split: Split) -> int:
    """The fold that a member of `kfold` validates on."""
    assert split.validation is not None
    return split.validation


def name_in_study(case: Case, recipe: Recipe) -> str | None:
    """What the study calls this recipe, if it is that of one of its configurations."""
    own = (
        each.name for each in case.plan.configurations if replace(recipe, name=each.name) == each
    )
    return next(own, None)


def taught(subject: Subject, control: Control, jobs: Sequence[Job]) -> Subject:
    """A control's networks, once trained, and the subject's clips in the folds that it gave them.

    Clips that it was not given stay in the folds where they are.
    """
    fold = {c.file: at for at, own in control.tables.items() for c in own.clips if c.fold == at}
    clips = subject.store.clips
    moved = tuple(replace(clip, fold=fold.get(clip.file, clip.fold)) for clip in clips)
    networks = {fold_of(job.split): load_fit(job.folder).network for job in jobs}
    return replace(
        subject,
        recipe=control.recipe,
        categories=control.categories,
        store=replace(subject.store, clips=moved),
        networks={fold: network.to(subject.device) for fold, network in networks.items()},
    )


@dataclass(frozen=True)
class Answers:
    """What networks make of clips, each new to them: (clips, classes) logits.

    `events` is what base and head say alone, where a texture answers beside them.
    """

    whole: Array
    events: Array | None


def ask(case: Case, subject: Subject) -> Answers:
    """Put each of a subject's clips to its network."""
    if not subject.recipe.network.texture.share:
        return Answers(answers([subject], untouched)[subject.name], None)
    found = texture.answers_of(case, subject)
    return Answers(found[texture.BOTH], found[texture.EVENTS])


@dataclass(frozen=True, kw_only=True)
class Alone:
    """How clips were recognised by whole networks, and by base and head alone."""

    whole: Heard
    events: Heard | None


def alone(subject: Subject, found: Answers) -> Alone:
    """Scores of both kinds of answers."""
    events = None if found.events is None else heard(subject, found.events)
    return Alone(whole=heard(subject, found.whole), events=events)


@dataclass(frozen=True, kw_only=True)
class Versus:
    """A control less its reference on the same clips, whole and by base and head alone."""

    whole: Effect
    events: Effect | None


def versus(subject: Subject, found: Answers, reference: Answers) -> Versus:
    """Set one beside the other; not yet adjusted."""
    events = None
    if found.events is not None and reference.events is not None:
        events = effect(subject, found.events, reference.events)
    return Versus(whole=effect(subject, found.whole, reference.whole), events=events)


def trainable(recipe: Recipe, classes: int) -> int:
    """Trainable parameters of a recipe's network."""
    return count_parameters(new_network(recipe.network, classes, SEED))["total"].trainable


def relabelled(table: ClipTable, folds: Mapping[Clip, int]) -> ClipTable:
    """The same clips in other folds."""
    return replace(table, clips=tuple(replace(clip, fold=folds[clip]) for clip in table.clips))


def shuffled(items: Sequence[Clip], generator: np.random.Generator) -> list[Clip]:
    """The same in an order drawn by chance."""
    return [items[at] for at in generator.permutation(len(items))]
