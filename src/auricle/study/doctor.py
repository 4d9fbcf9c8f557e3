"""What this machine has, how fast it is, and what the mission would take on it."""

import shutil
from pathlib import Path

from rich.console import Console
from rich.table import Table as Grid

from auricle.data.clips import Clip, ClipTable
from auricle.data.esc10 import load_published
from auricle.data.sources import cache_folder, read_data
from auricle.errors import AuricleError
from auricle.study.environment import describe_environment
from auricle.study.estimate import costs_of, estimate_s, in_words
from auricle.study.prepare import Prepared, Setting, plan_jobs, workers_for
from auricle.study.protocol import roles_of
from auricle.study.recipe import plan_from, read_plan
from auricle.training.fit import choose_device, choose_precision


def examine(*, data: str | None, device: str) -> None:
    """Print a page about this machine; nothing is trained."""
    where = choose_device(device)
    grid = Grid(show_header=False)
    environment = describe_environment()
    packages = environment.pop("packages")
    cache = cache_folder()
    facts = environment | {
        "packages": ", ".join(f"{name} {version}" for name, version in packages.items()),
        "device": where.type,
        "precision": choose_precision("auto", where),
        "cache": f"{cache} ({free_gib(cache):.0f} GiB free)",
    }
    try:
        table = read_data(data)
        facts["data"] = (
            f"{table.name}: {len(table.clips)} clips, {len(table.categories)} categories, "
            f"{len(table.folds)} folds"
        )
    except AuricleError as problem:
        table = published_table()
        facts["data"] = f"none: {problem}"
    for name, value in facts.items():
        grid.add_row(name, str(value))
    console = Console(markup=False)
    console.print(grid)
    plan = plan_from(read_plan("mission"), {}, "mission")
    setting = Setting(run=Path("runs"), device=device)
    jobs = plan_jobs(plan, setting, Prepared(table, roles_of(table.folds), ()))
    workers = workers_for(setting, len(jobs))
    with console.status("timing a training step of each configuration"):
        for recipe in plan.configurations:
            step_ms = 1000 * costs_of(recipe, len(table.categories), plan.clip_s, where).step_s
            batch = recipe.training.batch
            console.print(f"{recipe.name:15} {step_ms:5.0f} ms a training step of {batch} views")
        seconds = estimate_s(jobs, where, workers)
    console.print(
        f"The mission would take about {in_words(seconds)} here: {len(jobs)} fits of "
        f"{plan.configurations[0].training.epochs} epochs, {workers} at a time."
    )


def published_table() -> ClipTable:
    """ESC-10 as it would be if it were here."""
    clips = (Clip(p.file, p.category, p.fold, p.recording) for p in load_published())
    return ClipTable("esc10", Path(), tuple(clips))


def free_gib(folder: Path) -> float:
    """Free space where a folder is or will be."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free / 2**30
