"""How long a study will take, said before it starts."""

import time
from collections.abc import Sequence

import torch
from torch.nn import functional as F

from auricle.study.job import Job
from auricle.study.recipe import Recipe
from auricle.training.fit import autocast, choose_precision, new_network, optimiser_for

TIMED_STEPS = 3
SCORING_COST = 1 / 3  # of a training step: it goes forward only
SHARING_COST = 1.2  # memory is shared by workers that each have a core of their own


def step_s(recipe: Recipe, classes: int, clip_s: float, device: torch.device) -> float:
    """Seconds of one training step, measured."""
    network = new_network(recipe.network, classes, seed=0).to(device)
    frontend, batch = recipe.network.frontend, recipe.training.batch
    frames = int(clip_s * frontend.sample_rate_hz) // frontend.hop + 1
    power = torch.rand(batch, frontend.bands, frames, device=device)
    targets = torch.zeros(batch, dtype=torch.long, device=device)
    optimiser = optimiser_for(network, recipe.training)
    precision = choose_precision(recipe.training.precision, device)
    times = []
    for _ in range(1 + TIMED_STEPS):
        started = time.perf_counter()
        with autocast(device, precision):
            logits, _ = network.classify(power)
        F.cross_entropy(logits, targets).backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        times.append(time.perf_counter() - started)
    return min(times[1:])


def estimate_s(jobs: Sequence[Job], device: torch.device, workers: int) -> float:
    """Seconds that the unfinished jobs will take together."""
    todo = [job for job in jobs if not (job.folder / "fit.json").exists()]
    before = torch.get_num_threads()
    steps: dict[str, float] = {}
    total = 0.0
    try:
        for job in todo:
            torch.set_num_threads(job.threads)
            recipe = job.recipe
            if recipe.name not in steps:
                steps[recipe.name] = step_s(recipe, len(job.categories), job.clip_s, device)
            clips = sum(clip.fold in job.split.training for clip in job.table.clips)
            a_step = steps[recipe.name] / recipe.training.batch  # for one clip
            views = recipe.training.views + SCORING_COST
            total += recipe.training.epochs * clips * views * a_step
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
