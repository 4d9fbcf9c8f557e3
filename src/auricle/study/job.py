"""One fit of a study as a job: a folder to fill, whoever fills it.

A job is small and plain, so that it can be sent to another process. Its folder says when it is
done: `fit.json` is written last, and a job that finds it does nothing.
"""

import hashlib
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import torch
from safetensors.torch import save

from auricle.data.clips import ClipTable
from auricle.data.store import WaveStore, open_store
from auricle.errors import StudyError
from auricle.evaluation.metrics import score
from auricle.files import replace_bytes, replace_text
from auricle.network.classifier import SoundClassifier, count_parameters
from auricle.study.environment import learning_code
from auricle.study.fits import WEIGHTS, Predictions, save_predictions
from auricle.study.protocol import Split
from auricle.study.recipe import Recipe, to_table, to_toml
from auricle.training.fit import choose_device, choose_precision, fit, new_network, predict
from auricle.training.history import CHECKPOINT, Epoch
from auricle.training.sounds import Examples
from auricle.training.tracking import Mode, RunName, Tracker

FINISHED = "fit.json"
SOUNDS = "sounds.txt"
"""What an unfinished fit learns from: a checkpoint is of these."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """All that one fit needs.

    `table` holds the clips that it may decode, none of the test fold but under `esc5`. `learnt`
    and `sealed` say by content which clips it learns from, and which are the test fold's.
    `launcher` is the process that waits, if it is one of this machine.
    """

    study: str
    data: str
    run: Path
    recipe: Recipe
    split: Split
    seed: int
    table: ClipTable
    categories: tuple[str, ...]
    clip_s: float
    cache: Path
    device: str
    threads: int
    wandb: Mode
    launcher: int | None
    learnt: tuple[str, ...]
    sealed: tuple[str, ...]

    @property
    def folder(self) -> Path:
        """Where the fit's files go."""
        return fit_folder(self.run, self.recipe.name, self.split, self.seed)


def fit_folder(run: Path, configuration: str, split: Split, seed: int) -> Path:
    """`<configuration>/<strategy>/<member>/seed-<s>`; `esc5`'s first fit is `refit`."""
    return run / configuration / split.strategy / split.member / f"seed-{seed}"


def run_job(job: Job, waves: WaveStore | None = None) -> None:
    """Train one network, score its validation fold, and leave everything in the job's folder.

    `waves` are those of the job's clips, where they need not be read from disk.
    """
    if (job.folder / FINISHED).exists():
        return
    stop_if_orphaned(job)
    job.folder.mkdir(parents=True, exist_ok=True)
    forget_other_sounds(job)
    torch.set_num_threads(job.threads)
    device = choose_device(job.device)
    store = waves or open_waves(job)
    training = examples_in(store, job.split.training, job.categories)
    validation = None
    if job.split.validation is not None:
        validation = examples_in(store, (job.split.validation,), job.categories)
    network = new_network(job.recipe.network, len(job.categories), job.seed)
    facts = fit_facts(job, network, device)
    started = time.strftime("%Y-%m-%dT%H:%M:%S")
    with Tracker(job.wandb, run_name(job), facts, job.folder) as tracker:

        def each_epoch(row: Epoch) -> None:
            tracker.log(row)
            stop_if_orphaned(job)

        result = fit(
            network,
            training,
            validation,
            classes=len(job.categories),
            config=job.recipe.training,
            augment=job.recipe.augment,
            seed=job.seed,
            folder=job.folder,
            device=device,
            each_epoch=each_epoch,
        )
        if validation is not None:
            chosen = tuple(store.clips[row] for row in validation.rows)
            found = Predictions(chosen, predict(result.network, validation, device))
            save_predictions(job.folder / "predictions.npz", found)
            scores = score(validation.targets, found.probabilities)
            names = ("accuracy", "f1_macro", "f1_weighted", "auc_macro")
            tracker.summarise({f"final/{name}": getattr(scores, name) for name in names})
    replace_text(job.folder / "recipe.toml", to_toml(job.recipe))
    replace_bytes(job.folder / WEIGHTS, save(result.network.cpu().state_dict()))
    facts |= {
        "started": started,
        "train_seconds": round(result.seconds, 1),
        "learnt": list(job.learnt),
        "sealed": list(job.sealed),
    }
    replace_text(job.folder / FINISHED, json.dumps(facts, indent=2))
    clear(job.folder)


def refuse_other_sounds(job: Job) -> None:
    """Keep a study from going on with files that changed under their names.

    Raises: StudyError if a finished fit learnt from other sounds than stand there now.
    """
    facts = json.loads((job.folder / FINISHED).read_text(encoding="utf-8"))
    if facts.get("learnt", list(job.learnt)) != list(job.learnt):
        raise StudyError(
            f"{job.folder}: trained on other sounds than {job.table.root} holds now; put those "
            "back, or begin anew with another --out"
        )


def forget_other_sounds(job: Job) -> None:
    """Leave no checkpoint that was trained on other sounds than the job's."""
    mark = job.folder / SOUNDS
    learns = hashlib.sha256("".join(job.learnt).encode()).hexdigest()
    if not mark.is_file() or mark.read_text(encoding="utf-8") != learns:
        (job.folder / CHECKPOINT).unlink(missing_ok=True)
    replace_text(mark, learns)


def trained_by_other_code(job: Job) -> bool:
    """Whether a finished fit was trained by other code than today's, or does not tell."""
    facts = json.loads((job.folder / FINISHED).read_text(encoding="utf-8"))
    return bool(facts.get("code") != learning_code())


def open_waves(job: Job) -> WaveStore:
    """The waves of all clips that a job may decode."""
    rate_hz = job.recipe.network.frontend.sample_rate_hz
    return open_store(job.table, sample_rate_hz=rate_hz, seconds=job.clip_s, cache=job.cache)


def examples_in(store: WaveStore, folds: tuple[int, ...], categories: tuple[str, ...]) -> Examples:
    """The clips of some folds, in the order of the store."""
    rows = np.array([row for row, clip in enumerate(store.clips) if clip.fold in folds], dtype=int)
    targets = np.array([categories.index(store.clips[row].category) for row in rows], dtype=int)
    return Examples(store.waves, rows, targets)


def run_name(job: Job) -> RunName:
    """How this fit is called on Weights & Biases."""
    member = job.split.member.replace("fold", job.split.strategy)
    member = member if job.split.member != "all" else job.split.strategy
    return RunName(
        project=f"auricle-{job.table.name}",
        group=f"{job.study}/{job.recipe.name}",
        job_type=job.split.strategy,
        name=f"{job.recipe.name}/{member}/seed-{job.seed}",
    )


def fit_facts(job: Job, network: SoundClassifier, device: torch.device) -> dict[str, Any]:
    """What `fit.json` and the tracker say of a fit."""
    counts = count_parameters(network)["total"]
    training = job.recipe.training
    return {
        "configuration": job.recipe.name,
        "strategy": job.split.strategy,
        "member": job.split.member,
        "seed": job.seed,
        "data": job.data,
        "training_folds": list(job.split.training),
        "validation_fold": job.split.validation,
        "categories": list(job.categories),
        "clip_s": job.clip_s,
        "epochs": training.epochs,
        "views": training.views,
        "parameters_trainable": counts.trainable,
        "parameters_fixed": counts.fixed,
        "device": device.type,
        "precision": choose_precision(training.precision, device),
        "threads": job.threads,
        "torch": torch.__version__,
        "code": learning_code(),
        "recipe": to_table(job.recipe),
    }


def stop_if_orphaned(job: Job) -> None:
    """End a worker whose study was killed.

    Two processes must not write one fit: the worker that is left over, and that of the study that
    goes on.
    """
    if job.launcher is None:
        return
    launched_elsewhere = os.getpid() != job.launcher
    gone = psutil.Process().ppid() != job.launcher or not psutil.pid_exists(job.launcher)
    if launched_elsewhere and gone:
        raise SystemExit("the study that wanted this fit is gone")


def clear(folder: Path) -> None:
    """Remove what only an unfinished fit needs."""
    for leftover in (CHECKPOINT, SOUNDS, "training-powers.npy", "validation-powers.npy"):
        (folder / leftover).unlink(missing_ok=True)
