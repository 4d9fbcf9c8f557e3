"""Jobs done side by side in processes of their own, watched through the files that they write."""

import threading
from collections.abc import Sequence
from pathlib import Path

import joblib
from joblib.externals.loky.process_executor import TerminatedWorkerError
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from auricle.errors import AuricleError, StudyError
from auricle.study.job import Job, clear, run_job

LOOK_EVERY_S = 1.0


def cores() -> int:
    """Processors that this process may use."""
    return int(joblib.cpu_count())


def run_jobs(
    jobs: Sequence[Job], workers: int, console: Console, title: str | None = None
) -> dict[Path, str]:
    """Do all jobs, `workers` at a time, showing every epoch that ends.

    With a `title`, that of a search's round, jobs that fail for a reason a user can mend do not
    stop the others: what they said is given back, by folder.
    """
    todo = [job for job in jobs if not (job.folder / "fit.json").exists()]
    for job in jobs:
        if job not in todo:
            clear(job.folder)
    if len(todo) < len(jobs) and title is None:
        console.print(f"{len(jobs) - len(todo)} of {len(jobs)} fits are there already.")
    if not todo:
        return {}
    stopped = threading.Event()
    with _progress(console) as progress:
        watcher = threading.Thread(
            target=_watch, args=(progress, todo, stopped, title), daemon=True
        )
        watcher.start()
        try:
            found = joblib.Parallel(n_jobs=min(workers, len(todo)), backend="loky", batch_size=1)(
                joblib.delayed(run_job if title is None else try_job)(job) for job in todo
            )
        except TerminatedWorkerError as death:
            raise StudyError(
                "a worker process died, perhaps for want of memory; what is finished is kept: "
                "go on with --resume, with fewer --workers if it dies again"
            ) from death
        finally:
            stopped.set()
            watcher.join()
    return {job.folder: said for job, said in zip(todo, found, strict=True) if said}


def try_job(job: Job) -> str | None:
    """Do a job; if it cannot be done as it was asked, say why."""
    try:
        run_job(job)
    except AuricleError as problem:
        return str(problem)
    return None


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        TextColumn("{task.completed}/{task.total} epochs"),
        TimeElapsedColumn(),
        TextColumn("left:"),
        TimeRemainingColumn(),
        console=console,
    )


def _watch(
    progress: Progress, jobs: Sequence[Job], stopped: threading.Event, title: str | None
) -> None:
    """Read how far each job is from the length of its history."""
    whole = progress.add_task(title or f"{len(jobs)} fits", total=sum(_epochs(job) for job in jobs))
    begun = sum(_epochs_done(job.folder) for job in jobs)
    progress.update(whole, completed=begun)
    running: dict[Path, TaskID] = {}
    while not stopped.wait(LOOK_EVERY_S):
        done = 0
        for job in jobs:
            epochs = _epochs_done(job.folder)
            done += epochs
            task = running.get(job.folder)
            if task is None and 0 < epochs < _epochs(job):
                label = f"  {job.recipe.name} {job.split.strategy} {job.split.member}"
                running[job.folder] = progress.add_task(
                    f"{label} seed {job.seed}", total=_epochs(job), completed=epochs
                )
            elif task is not None and task in progress.task_ids:
                progress.update(task, completed=epochs)
                if epochs == _epochs(job):
                    progress.remove_task(task)
        progress.update(whole, completed=done)
    progress.update(whole, completed=sum(_epochs_done(job.folder) for job in jobs))


def _epochs(job: Job) -> int:
    return job.recipe.training.epochs


def _epochs_done(folder: Path) -> int:
    try:
        with (folder / "history.csv").open(encoding="utf-8") as rows:
            return max(0, sum(1 for _ in rows) - 1)
    except OSError:
        return 0
