"""A search for better values of a recipe, on the development folds alone.

ask ....... some trials at once; the recipe as it is goes first
train ..... half of the folds, then the rest of those trials that are not behind the median
tell ...... the log-loss over the out-of-fold clips, and the accuracy beside it
again ..... the best trial with new seeds: how much of its score was luck
confirm ... the best few at full length, several seeds each, beside the recipe as it is
"""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import stdev
from typing import Any

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import Trial, TrialState
from rich.console import Console

from auricle.errors import RecipeError, StudyError
from auricle.evaluation.metrics import Scores, score
from auricle.files import replace_text
from auricle.study.choice import confirmed_scores, smallest_of_the_best
from auricle.study.engine import run_jobs
from auricle.study.estimate import estimate_s, in_words
from auricle.study.fits import WEIGHTS, load_predictions
from auricle.study.job import Job
from auricle.study.lock import alone_in
from auricle.study.prepare import Prepared, Setting, plan_jobs, prepare, threads_for, workers_for
from auricle.study.recipe import Plan, Recipe, recipe_hash, to_toml
from auricle.study.run import plan_in, run_study
from auricle.study.scores import pooled, targets_of
from auricle.study.searched import check_folder, claim, clips_table, write_trials
from auricle.study.space import Space, value_at
from auricle.study.trials import (
    FINISHED,
    ask,
    best_of,
    bury_the_dead,
    importances,
    importances_by_chance,
    is_alive,
    open_storage,
    open_study,
    seen,
)
from auricle.training.fit import choose_device


@dataclass(frozen=True, kw_only=True)
class Search:
    """How far a search goes. `trials` counts all of them, those of other tuners included."""

    trials: int = 40
    hours: float | None = None
    together: int = 4
    confirm: int = 5
    seeds: int = 3
    storage: str | None = None

    def __post_init__(self) -> None:
        """Refuse a search that is none."""
        if min(self.trials, self.together, self.seeds) < 1:
            raise RecipeError("--trials, --together and --seeds must be positive")
        if self.confirm < 0:
            raise RecipeError(f"--confirm {self.confirm}: 0 or more")
        if self.hours is not None and self.hours <= 0:
            raise RecipeError(f"--hours {self.hours:g}: must be positive")


@dataclass(frozen=True)
class Tuning:
    """A search under way: what is searched, on which clips, where it is kept."""

    space: Space
    search: Search
    setting: Setting
    plan: Plan
    prepared: Prepared
    study: optuna.Study
    console: Console
    threads: int

    @property
    def run(self) -> Path:
        """The tuning's folder."""
        return self.setting.run

    def jobs(self, recipe: Recipe, seeds: int = 1) -> list[Job]:
        """The fits of a recipe under `kfold`, fold by fold."""
        plan = replace(self.plan, configurations=(recipe,), seeds=seeds)
        setting = replace(self.setting, run=self.run / "trials")
        # As many fits as there are trials run at once, not only those of one recipe.
        found = [
            replace(job, threads=self.threads) for job in plan_jobs(plan, setting, self.prepared)
        ]
        return sorted(found, key=lambda job: (job.seed, job.split.member))

    def trial_recipe(self, parameters: dict[str, Any]) -> Recipe:
        """The recipe of a trial, named by its values: equal trials are one."""
        recipe = self.space.recipe_of(parameters, "trial", self.space.epochs)
        return replace(recipe, name=recipe_hash((recipe,)))


def tune(space: Space, plan: Plan, search: Search, setting: Setting, console: Console) -> bool:
    """Search, or go on with a search, and leave `trials.csv`, `best.toml`, `tuning.json`.

    Gives back whether all is done.

    Raises: StudyError if the folder or the storage holds another search.
    """
    check_folder(space, setting, shared=search.storage is not None)
    with alone_in(setting.run):
        prepared = prepare(plan, setting, console)
        clips = clips_table(prepared)
        storage = open_storage(search.storage, setting.run)
        claim(space, clips, prepared, setting, console)
        study = open_study(space, clips, storage)
        threads = threads_for(setting, search.together)
        tuning = Tuning(space, search, setting, plan, prepared, study, console, threads)
        if not ask_and_train(tuning):
            return False
        new_seeds = again(tuning)
        confirmed = confirm(tuning) if search.confirm else {}
        write_best(tuning, new_seeds, confirmed)
        return True


def ask_and_train(tuning: Tuning) -> bool:
    """Train trial after trial; whether all that were asked for are done.

    Raises: StudyError if none of them could be trained.
    """
    study, search, console = tuning.study, tuning.search, tuning.console
    started = time.monotonic()
    tell_cost(tuning)
    while search.hours is None or time.monotonic() - started < 3600 * search.hours:
        bury_the_dead(study)
        trials = ask(
            study,
            tuning.space,
            trials=search.trials,
            together=search.together,
            shared=search.storage is not None,
        )
        if not trials:
            break
        (tuning.run / "tuning.json").unlink(missing_ok=True)  # it told of fewer trials
        train(tuning, trials)
        write_trials(tuning.study, tuning.space, tuning.run)
    write_trials(tuning.study, tuning.space, tuning.run)
    finished = study.get_trials(states=FINISHED)
    if best_of(finished) is None and len(finished) >= search.trials:
        said = next((t.user_attrs["problem"] for t in finished if "problem" in t.user_attrs), "")
        raise StudyError(f"{tuning.run}: no trial could be trained on all folds. {said}")
    if len(finished) >= search.trials:
        return True
    text = f"{len(finished)} of {search.trials} trials are done; "
    others = sum(is_alive(trial) for trial in study.get_trials(states=(TrialState.RUNNING,)))
    if others:
        text += f"another tuner trains {others} more; when it has ended, "
    text += "go on with --resume, and the best are trained again at the end"
    if best_of(finished):
        text += f"; or let it be enough, with --resume --trials {len(finished)}"
    console.print(f"{text}.", soft_wrap=True)
    return False


def tell_cost(tuning: Tuning) -> None:
    """Say before it starts how long the search will take, if nothing is stopped early."""
    search, space = tuning.search, tuning.space
    left = search.trials - len(tuning.study.get_trials(states=FINISHED))
    if left <= 0:
        return
    device = choose_device(tuning.setting.device)
    jobs = tuning.jobs(tuning.trial_recipe(space.start()))
    jobs = [replace(job, run=tuning.run / "estimate") for job in jobs]  # where nothing is trained
    workers = workers_for(tuning.setting, search.together)
    a_trial = estimate_s(jobs, device, workers)
    whole = space.recipe_of({}, space.name, None).training.epochs / space.epochs
    last = (2 + whole * (1 + search.confirm) * (search.confirm > 0)) * search.seeds * a_trial
    text = (
        f"{space.name}: {left} trials of {len(jobs)} fits, {space.epochs} epochs each; about "
        f"{in_words(left * a_trial)} if none is stopped early"
    )
    text += f", then {in_words(last)} to train the best again"
    tuning.console.print(f"{text}.", soft_wrap=True)


def train(tuning: Tuning, trials: Sequence[Trial]) -> None:
    """Train trials on half of the folds, those that do not fall behind on the rest, and tell."""
    jobs: dict[int, list[Job]] = {}
    for trial in trials:
        try:
            jobs[trial.number] = tuning.jobs(tuning.trial_recipe(trial.params))
        except RecipeError as problem:
            give_up(tuning, trial, str(problem))
    alive = [trial for trial in trials if trial.number in jobs]
    folds = len(tuning.prepared.roles.development)
    half = folds // 2
    for first, last in ((0, half), (half, folds)):
        if not alive:
            return
        todo = {job.folder: job for trial in alive for job in jobs[trial.number][first:last]}
        which = f"{'first' if last == half else 'second'} half of the folds"
        title = f"trial {', '.join(str(trial.number) for trial in alive)}; {which}{so_far(tuning)}"
        with seen(alive):
            problems = run_all(tuning, list(todo.values()), title)
        done = {number: own[:last] for number, own in jobs.items()}
        # All are told first: which of them fall behind must not depend on their order.
        alive = [trial for trial in alive if noted(tuning, trial, done[trial.number], problems)]
        alive = [trial for trial in alive if goes_on(tuning, trial, last == folds)]


def so_far(tuning: Tuning) -> str:
    """How far the search is, behind what is trained now."""
    best = best_of(tuning.study.trials)
    done = len(tuning.study.get_trials(states=FINISHED))
    text = f"; {done} of {tuning.search.trials} done"
    return text if best is None else f"{text}, best {best.value:.3f}"


def noted(tuning: Tuning, trial: Trial, jobs: Sequence[Job], problems: Mapping[Path, str]) -> bool:
    """Tell optuna what a trial's folds gave so far; whether there is more to say of it."""
    said = [problems[job.folder] for job in jobs if job.folder in problems]
    try:
        if said:
            give_up(tuning, trial, said[0])
        else:
            note(trial, tuning, jobs)
    except UpdateFinishedTrialError:
        tuning.console.print(f"trial {trial.number}: another tuner took it over")
        return False
    return not said


def goes_on(tuning: Tuning, trial: Trial, whole: bool) -> bool:
    """End a trial that is whole or falls behind; whether to train more of it."""
    stopped = not whole and trial.should_prune()
    if not whole and not stopped:
        return True
    try:
        if whole:
            tuning.study.tell(trial, trial.user_attrs["log_loss"])
        else:
            tuning.study.tell(trial, state=TrialState.PRUNED)
        say(tuning, trial.number)
    except UpdateFinishedTrialError:
        tuning.console.print(f"trial {trial.number}: another tuner took it over")
    return False


def run_all(tuning: Tuning, jobs: Sequence[Job], title: str | None = None) -> dict[Path, str]:
    """Do jobs of trials, whose weights nobody needs afterwards."""
    workers, engine = workers_for(tuning.setting, len(jobs)), tuning.setting.engine
    problems = run_jobs(jobs, workers, tuning.console, title, engine)
    for job in jobs:
        (job.folder / WEIGHTS).unlink(missing_ok=True)
    return problems


def note(trial: Trial, tuning: Tuning, jobs: Sequence[Job]) -> None:
    """Keep with a trial what is known of it so far."""
    scores = scores_of(tuning, jobs)
    trial.report(scores.log_loss, len(jobs))
    facts = [json.loads((job.folder / "fit.json").read_text(encoding="utf-8")) for job in jobs]
    told = {
        "log_loss": scores.log_loss,
        "accuracy": scores.accuracy,
        "folds": len(jobs),
        "seconds": round(sum(fact["train_seconds"] for fact in facts), 1),
        "parameters_trainable": facts[0]["parameters_trainable"],
        "fits": jobs[0].recipe.name,
    }
    for name, value in told.items():
        trial.set_user_attr(name, value)


def scores_of(tuning: Tuning, jobs: Sequence[Job]) -> Scores:
    """The scores of fits on their folds' clips taken together."""
    found = pooled([load_predictions(job.folder / "predictions.npz") for job in jobs])
    return score(targets_of(found.clips, tuning.prepared.table.categories), found.probabilities)


def give_up(tuning: Tuning, trial: Trial, problem: str) -> None:
    """End a trial whose values cannot be trained; it counts as one that was stopped."""
    trial.set_user_attr("problem", problem)
    tuning.study.tell(trial, state=TrialState.PRUNED)
    tuning.console.print(f"trial {trial.number}: {problem}", soft_wrap=True)


def say(tuning: Tuning, number: int) -> None:
    """One line a trial, with the best so far."""
    trial = tuning.study.trials[number]
    folds, told = len(tuning.prepared.roles.development), trial.user_attrs
    stopped = trial.state == TrialState.PRUNED
    ended = f"stopped after {told['folds']} of {folds} folds" if stopped else "whole"
    line = f"trial {number}: log-loss {told['log_loss']:.3f}, accuracy {100 * told['accuracy']:.1f}"
    best = best_of(tuning.study.trials)
    if best is not None:
        line += f", {ended}; best: {best.value:.3f} (trial {best.number})"
    done = len(tuning.study.get_trials(states=FINISHED))
    tuning.console.print(f"{line}; {done} of {tuning.search.trials} done", soft_wrap=True)


def again(tuning: Tuning) -> dict[str, list[float]]:
    """Log-loss of the best trial and of the recipe as it is, seed by seed, the searched one first.

    The best of many scores is partly the luckiest. New seeds tell how much: they were not searched.
    """
    trials = tuning.study.get_trials(states=(TrialState.COMPLETE,))
    chosen = {"best": best_of(trials)}
    chosen["as it is"] = next((t for t in trials if t.user_attrs.get("as_it_is")), None)
    jobs = {
        name: tuning.jobs(tuning.trial_recipe(trial.params), 1 + tuning.search.seeds)
        for name, trial in chosen.items()
        if trial is not None
    }
    todo = list({job.folder: job for same in jobs.values() for job in same}.values())
    tuning.console.print("The best trial and the recipe as it is, again, with seeds not searched.")
    run_all(tuning, todo)
    return {
        name: [
            scores_of(tuning, [job for job in same if job.seed == seed]).log_loss
            for seed in range(1 + tuning.search.seeds)
        ]
        for name, same in jobs.items()
    }


def confirm(tuning: Tuning) -> dict[str, Any]:
    """Train the best few at full length, several seeds each, beside the recipe as it is.

    It is a study like any other, in the folder `confirm`; scores are given back by name.
    """
    folder = tuning.run / "confirm"
    before = plan_in(folder / "study.toml") if (folder / "study.toml").is_file() else None
    whole = tuning.study.get_trials(states=(TrialState.COMPLETE,))
    ranked = sorted(whole, key=lambda trial: trial.value or 0.0)
    start = tuning.space.recipe_of({}, "as-it-is", None)
    best = {same_but_name(start): start}
    for trial in ranked:
        recipe = tuning.space.recipe_of(trial.params, f"trial-{trial.number}", None)
        if len(best) <= tuning.search.confirm:
            best.setdefault(same_but_name(recipe), recipe)
    # What an earlier command confirmed stays: a search that goes further adds to it.
    recipes = {same_but_name(recipe): recipe for recipe in before.configurations} if before else {}
    plan = replace(
        tuning.plan,
        name=f"{tuning.space.name}-confirm",
        configurations=tuple((best | recipes).values()),
        seeds=max(tuning.search.seeds, before.seeds if before else 0),
    )
    run_study(plan, replace(tuning.setting, run=folder, resume=True), tuning.console)
    found = json.loads((folder / "scores.json").read_text(encoding="utf-8"))
    return {each["name"]: confirmed_scores(each) for each in found["configurations"]}


def same_but_name(recipe: Recipe) -> Recipe:
    """A recipe without what it is called."""
    return replace(recipe, name="same")


def write_best(
    tuning: Tuning, new_seeds: dict[str, list[float]], confirmed: dict[str, Any]
) -> None:
    """Write `best.toml`, a recipe that `auricle study` takes, and `tuning.json`."""
    trials = tuning.study.get_trials()
    best = best_of(trials)
    assert best is not None
    if confirmed:
        chosen = smallest_of_the_best(
            {name: each["log_losses"] for name, each in confirmed.items()},
            {name: each["parameters_trainable"] for name, each in confirmed.items()},
        )
    else:
        whole = [trial for trial in trials if trial.state == TrialState.COMPLETE]
        chosen = smallest_of_the_best(
            {f"trial-{trial.number}": [trial.user_attrs["log_loss"]] for trial in whole},
            {f"trial-{trial.number}": trial.user_attrs["parameters_trainable"] for trial in whole},
            spread=stdev(new_seeds["best"]),
        )
    number = None if chosen == "as-it-is" else int(chosen.removeprefix("trial-"))
    parameters = {} if number is None else trials[number].params
    shares, by_chance = importances(tuning.study), importances_by_chance(tuning.study)
    told = {
        "space": tuning.space.name,
        "data": tuning.prepared.table.name,
        "best_trial": best.number,
        "chosen": chosen,
        "start": {key: value_at(tuning.space.recipe, key) for key in tuning.space.values},
        "parameters": {key: tuning.space.values[key].value(v) for key, v in parameters.items()},
        "importances": shares,
        "importances_by_chance": by_chance,
        "new_seeds": new_seeds,
        "confirmed": confirmed,
    }
    recipe = tuning.space.recipe_of(parameters, f"{tuning.space.name}-tuned", None)
    replace_text(tuning.run / "best.toml", to_toml(recipe))
    replace_text(tuning.run / "tuning.json", json.dumps(told, indent=1))
    tuning.console.print(f"{chosen} is the best; {tuning.run / 'best.toml'} is its recipe.")
