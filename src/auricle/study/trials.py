"""The trials of a search as optuna keeps them: given out, owned, told, and never lost.

One tuner keeps them in a file of its folder; several, on as many machines, in a database.
"""

import contextlib
import hashlib
import json
import socket
import threading
import time
import warnings
import zlib
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import optuna
import psutil
from optuna.exceptions import DuplicatedStudyError, UpdateFinishedTrialError
from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances
from optuna.pruners import BasePruner
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, Trial, TrialState, create_trial
from sqlalchemy.exc import IntegrityError, ProgrammingError

from auricle.errors import StudyError
from auricle.study.space import Space

JOURNAL = "journal.log"
FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)
LIVE = (*FINISHED, TrialState.RUNNING, TrialState.WAITING)
GOOD = 5
"""So many trials, or a tenth of all, are the best ones that importances tell from the others."""
DEALS = 200
"""So often are scores dealt anew to see what importance chance gives."""
ATTEMPTS = 4
"""Tuners that begin at once trip over each other's new tables; the next attempt finds them."""
EARLIEST = 5
"""A trial is compared once so many others were trained as far: of few, the middle says little."""
BURIALS = 3
"""A trial that so many tuners died of is not trained again."""
SILENT_S = 600.0
"""A trial of another machine that has told nothing for so long is taken for dead."""
SAME_S = 2.0
"""When a process began is reckoned from the clock, which may be set meanwhile."""


def open_storage(url: str | None, run: Path) -> BaseStorage:
    """A journal file in the folder, or any database that optuna knows, by its URL."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    if url is None:
        return JournalStorage(JournalFileBackend(str(run / JOURNAL)))
    for left in reversed(range(ATTEMPTS)):
        try:
            return RDBStorage(url)
        except Exception as problem:  # of whatever driver the URL names
            trips = isinstance(problem, IntegrityError | ProgrammingError)
            if not left or not (trips or "already exists" in str(problem)):
                said = str(problem).strip().splitlines()[0]
                raise StudyError(f"--storage {url.split('@')[-1]}: {said}") from problem
            time.sleep(1)
    raise AssertionError


def open_study(space: Space, clips: str, storage: BaseStorage) -> optuna.Study:
    """The search as the storage has it, made if it is new: then the recipe as it is comes first.

    A storage can hold many: of other spaces, other recipes to begin with, other clips.
    """
    which = hashlib.sha256((clips + json.dumps(space.table(), sort_keys=True)).encode())
    study_name = f"auricle-{space.name}-{which.hexdigest()[:12]}"
    pruner = BehindTheMiddle()
    try:
        study = optuna.create_study(study_name=study_name, storage=storage, pruner=pruner)
        with quiet():
            study.enqueue_trial(space.start(), user_attrs={"as_it_is": True})
    except DuplicatedStudyError:
        study = optuna.load_study(study_name=study_name, storage=storage, pruner=pruner)
    return study


class BehindTheMiddle(BasePruner):
    """Stop a trial that is worse than the median of all that were trained on as many folds.

    A trial's value at step k is its log-loss over the clips of the first k folds, the same clips
    for all. It is this value that is compared, where optuna's median pruner takes the least that a
    trial ever had: folds are of unequal difficulty.

    Source: the median rule of Golovin et al. (2017), Google Vizier.
    """

    def prune(self, study: optuna.Study, trial: FrozenTrial) -> bool:
        """Whether to stop this one."""
        step = trial.last_step
        if step is None:
            return False
        others = [
            other.intermediate_values[step]
            for other in study.get_trials(deepcopy=False)
            if other.number != trial.number and step in other.intermediate_values
        ]
        return len(others) >= EARLIEST and trial.intermediate_values[step] > median(others)


def bury_the_dead(study: optuna.Study) -> None:
    """Trials that a killed tuner left go back into the queue, with the values that they had.

    One that was left thrice kills whoever trains it, perhaps: another one takes its place.
    """
    for trial in study.get_trials(states=(TrialState.RUNNING,)):
        if is_alive(trial):
            continue
        try:
            study.tell(trial.number, state=TrialState.FAIL)
        except (UpdateFinishedTrialError, ValueError):
            continue  # another tuner has just done so
        times = int(trial.user_attrs.get("buried", 0)) + 1
        values = trial.params or trial.system_attrs.get("fixed_params")  # killed before it had them
        if values and times < BURIALS:
            attributes = {"as_it_is": trial.user_attrs.get("as_it_is", False), "buried": times}
            study.enqueue_trial(values, user_attrs=attributes)


def is_alive(trial: FrozenTrial) -> bool:
    """Whether the process that trains a trial is there, as far as can be seen from here."""
    told = trial.user_attrs.get("owner")
    if told is None:  # given out a moment ago, or left in that moment
        begun = trial.datetime_start
        return begun is not None and (datetime.now() - begun).total_seconds() < SILENT_S
    if told["host"] != socket.gethostname():
        return bool(time.time() - float(trial.user_attrs.get("seen", told["seen"])) < SILENT_S)
    try:
        process = psutil.Process(int(told["pid"]))
        same = abs(process.create_time() - told["since"]) < SAME_S
        return bool(same and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def ask(
    study: optuna.Study, space: Space, *, trials: int, together: int, shared: bool
) -> list[Trial]:
    """The next few trials, none when all have been given out; the recipe as it is comes alone.

    `trials` are those of the whole search, `together` how many are asked for. Several tuners may
    ask at once (`shared`): one that was given a trial too many gives it back.
    """
    found: list[Trial] = []
    # What is drawn follows from the trials that are there: a search that was stopped goes on alike.
    begun = len(study.get_trials(states=LIVE))
    # Tuners that share a storage must not draw alike when they begin together.
    own = zlib.crc32(json.dumps(owner()).encode()) if shared else 0
    with quiet():
        study.sampler = optuna.samplers.TPESampler(seed=begun + own, multivariate=True)
    while len(found) < together:
        waiting = study.get_trials(states=(TrialState.WAITING,))
        if not waiting and len(study.get_trials(states=LIVE)) >= trials:
            break
        trial = study.ask(space.distributions())
        before = [t for t in study.get_trials(states=LIVE) if t.number < trial.number]
        if len(before) >= trials:
            study.tell(trial, state=TrialState.FAIL)
            break
        trial.set_user_attr("owner", owner())
        found.append(trial)
        if trial.user_attrs.get("as_it_is"):
            break
    return found


def owner() -> dict[str, Any]:
    """Whose a trial is: this process, and that it is there at this moment."""
    process = psutil.Process()
    this_one = {"host": socket.gethostname(), "pid": process.pid, "since": process.create_time()}
    return this_one | {"seen": time.time()}


@contextlib.contextmanager
def seen(trials: Sequence[Trial]) -> Iterator[None]:
    """Say of these trials, time and again, that somebody trains them."""
    over = threading.Event()

    def tell() -> None:
        while not over.wait(SILENT_S / 10):
            for trial in trials:
                with contextlib.suppress(Exception):  # whatever it is, the next time may do
                    trial.set_user_attr("seen", time.time())

    teller = threading.Thread(target=tell, daemon=True)
    teller.start()
    try:
        yield
    finally:
        over.set()
        teller.join()


def best_of(trials: Sequence[FrozenTrial]) -> FrozenTrial | None:
    """The whole trial of the least log-loss, or none."""
    whole = [trial for trial in trials if trial.state == TrialState.COMPLETE]
    return min(whole, key=lambda trial: trial.value or 0.0) if whole else None


def importances(study: optuna.Study) -> dict[str, float]:
    """How much each value tells the best whole trials from the other whole ones; sums to one.

    Empty with too few trials to say that. Source: Watanabe, Bansal and Hutter (2023), PED-ANOVA.
    """
    whole = study.get_trials(states=(TrialState.COMPLETE,))
    if len(whole) < 2 * GOOD:
        return {}
    evaluator = PedAnovaImportanceEvaluator(target_quantile=max(0.1, GOOD / len(whole)))
    with quiet():
        return dict(get_param_importances(study, evaluator=evaluator))


def importances_by_chance(study: optuna.Study) -> dict[str, list[float]]:
    """What `importances` would be if the scores had nothing to do with the values.

    The scores are dealt to the whole trials at random, many times. Per value the mean share, and
    the one that 95 of 100 deals stay below.
    """
    whole = study.get_trials(states=(TrialState.COMPLETE,))
    generator = np.random.default_rng(0)
    deals = []
    for _ in range(DEALS):
        dealt = optuna.create_study()
        for trial, at in zip(whole, generator.permutation(len(whole)), strict=True):
            dealt.add_trial(
                create_trial(
                    params=trial.params, distributions=trial.distributions, value=whole[at].value
                )
            )
        deals.append(importances(dealt))
    return {
        key: [
            float(np.mean([deal[key] for deal in deals])),
            float(np.quantile([deal[key] for deal in deals], 0.95)),
        ]
        for key in deals[0]
    }


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Without optuna's remarks that a part of it is experimental."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        yield
