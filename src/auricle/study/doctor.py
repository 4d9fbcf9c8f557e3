"""What this machine has, how fast it is, and what a study would take on it."""

import os
import shutil
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table as Grid

from auricle.errors import AuricleError
from auricle.study.environment import describe_environment
from auricle.study.estimate import step_s
from auricle.study.recipe import plan_from, read_plan
from auricle.training.fit import choose_device, choose_precision


def examine(*, data: str | None, device: str) -> None:
    """Print a page about this machine; nothing is written but what a cache keeps."""
    console, grid = Console(), Grid(show_header=False)
    where = choose_device(device)
    environment = describe_environment()
    packages = environment.pop("packages")
    for name, value in environment.items():
        grid.add_row(name, str(value))
    grid.add_row("packages", ", ".join(f"{name} {version}" for name, version in packages.items()))
    grid.add_row("device", where.type)
    grid.add_row("precision", choose_precision("auto", where))
    cache = cache_folder()
    grid.add_row("cache", f"{cache} ({free_gib(cache):.0f} GiB free)")
    grid.add_row("data", describe_data(data))
    grid.add_row(
        "W&B", f"offline unless asked; WANDB_MODE is {os.environ.get('WANDB_MODE', 'unset')}"
    )
    console.print(grid)
    table = read_plan("mission")
    plan = plan_from(table, {}, "mission")
    torch.set_num_threads(1)
    console.print("Measuring a training step of each configuration ...")
    for recipe in plan.configurations:
        seconds = step_s(recipe, classes=10, clip_s=plan.clip_s, device=where)
        console.print(
            f"  {recipe.name:16} {1000 * seconds:6.0f} ms for {recipe.training.batch} clips"
        )


def describe_data(data: str | None) -> str:
    """What is found where data is looked for."""
    try:
        table = read_data(data)
    except AuricleError as problem:
        return str(problem)
    return f"{table.name}: {len(table.clips)} clips, {len(table.categories)} categories"


def free_gib(folder: Path) -> float:
    """Free space where a folder is or will be."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free / 2**30
