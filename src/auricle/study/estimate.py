"""How long a study will take, said before it starts."""

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from auricle.study.job import Job
from auricle.study.recipe import Recipe
from auricle.training.fit import (
    autocast,
    choose_precision,
    generator_for,
    new_network,
    optimiser_for,
)
from auricle.training.sounds import Examples, Sounds

TIMED_STEPS = 3
SCORING_COST = 1 / 3  # of a training step: it goes forward only
SHARING_COST = 1.2  # memory is shared by workers that each have a core of their own


@dataclass(frozen=True)
class Costs:
    """Seconds of one training step, views included, and of a clip before the first: once a fit."""

    step_s: float
    clip_s: float


def costs_of(recipe: Recipe, classes: int, clip_s: float, device: torch.device) -> Costs:
    """What training costs on noise, measured."""
    network = new_network(recipe.network, classes, seed=0).to(device)
    batch = recipe.training.batch
    samples = round(clip_s * recipe.network.frontend.sample_rate_hz)
    noise = np.random.default_rng(0).integers(-1000, 1000, (batch, samples)).astype(np.int16)
    rows = np.arange(batch)
    optimiser = optimiser_for(network, recipe.training)
    precision = choose_precision(recipe.training.precision, device)
    times = []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        examples = Examples(noise, rows, rows % classes)
        started = time.perf_counter()
        sounds = Sounds(network, examples, device, Path(folder) / "powers.npy")
        once_s = time.perf_counter() - started
        for step in range(1 + TIMED_STEPS):
            started = time.perf_counter()
            with autocast(device, precision):
                power, wanted = sounds.views(
                    network,
                    rows,
                    classes=classes,
                    mixing=recipe.augment.mixing,
                    config=recipe.augment,
                    generator=generator_for(0, step),
                )
                logits, _ = network.classify(power)
            F.cross_entropy(logits, wanted).backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            times.append(time.perf_counter() - started)
        sounds.powers = None  # Windows removes no file that is mapped
    return Costs(step_s=min(times[1:]), clip_s=once_s / batch)


def estimate_s(jobs: Sequence[Job], device: torch.device, workers: int) -> float:
    """Seconds that the unfinished jobs will take together."""
    todo = [job for job in jobs if not (job.folder / "fit.json").exists()]
    before = torch.get_num_threads()
    measured: dict[str, Costs] = {}
    total = 0.0
    try:
        for job in todo:
            torch.set_num_threads(job.threads)
            recipe = job.recipe
            if recipe.name not in measured:
                measured[recipe.name] = costs_of(recipe, len(job.categories), job.clip_s, device)
            costs = measured[recipe.name]
            clips = sum(clip.fold in job.split.training for clip in job.table.clips)
            checked = sum(clip.fold == job.split.validation for clip in job.table.clips)
            a_step = costs.step_s / recipe.training.batch  # for one clip
            views = recipe.training.views + SCORING_COST
            total += recipe.training.epochs * clips * views * a_step
            total += (clips + checked) * costs.clip_s
    finally:
        torch.set_num_threads(before)
    return total / workers * (SHARING_COST if workers > 1 else 1)


def in_words(seconds: float) -> str:
    """A duration as people say it."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    if seconds < 5400:
        return f"{round(seconds / 60)} min"
    return f"{seconds / 3600:.1f} h"
