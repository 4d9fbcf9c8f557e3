"""Jobs done side by side: in processes of this machine, or by a cluster that stands already.

Both are backends of joblib; a fit, a seed, a configuration and a trial are all the same job. Here a
worker fills the job's folder itself. On a cluster no disk need be shared: a worker is sent the
decoded waves, trains in a folder of its own, and sends back what is in it.
"""

import logging
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import joblib
import numpy as np
import torch
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

import auricle
from auricle.data.store import WaveStore
from auricle.errors import AuricleError, StudyError, install
from auricle.files import replace_bytes
from auricle.study.estimate import in_words
from auricle.study.job import (
    FINISHED,
    Job,
    clear,
    open_waves,
    refuse_other_sounds,
    run_job,
    trained_by_other_code,
)
from auricle.training.ranks import find_ranks, leave_ranks, local_ranks

LOOK_EVERY_S = 1.0
LOG_EVERY_S = 300.0
"""Where there is no terminal, as in a log, a line so often tells how far the fits are."""
DEATHS = 2
"""So often may workers die without a fit being finished in between."""


@dataclass(frozen=True)
class Engine:
    """Who does the jobs: `loky`, processes of this machine, or `dask` at an address."""

    name: Literal["loky", "dask"] = "loky"
    address: str | None = None

    def __post_init__(self) -> None:
        """Refuse a cluster without its address."""
        if (self.name == "dask") != bool(self.address):
            raise StudyError(
                "--engine dask needs --address, that of a scheduler: tcp://host:8786"
                if self.name == "dask"
                else f"--address {self.address}: say --engine dask with it"
            )

    def workers(self) -> int | None:
        """How many workers the cluster has now; None if there is no cluster."""
        if self.name == "loky":
            return None
        with cluster(self) as client:
            return len(client.scheduler_info(n_workers=-1)["workers"])


LOCAL = Engine()


def cores() -> int:
    """Processors that this process may use."""
    return max(1, int(joblib.cpu_count()) // local_ranks())


def run_jobs(
    jobs: Sequence[Job],
    workers: int,
    console: Console,
    title: str | None = None,
    engine: Engine = LOCAL,
) -> dict[Path, str]:
    """Do all jobs, `workers` at a time, showing how far they are.

    With a `title`, that of a search's round, jobs that fail for a reason a user can mend do not
    stop the others: what they said is given back, by folder. A job whose worker dies is done again.

    Raises: StudyError when workers die again and again, or when a cluster cannot be worked with.
    """
    todo = unfinished(jobs)
    for job in jobs:
        if job not in todo:
            refuse_other_sounds(job)
            clear(job.folder)
    if len(todo) < len(jobs) and title is None:
        console.print(f"{len(jobs) - len(todo)} of {len(jobs)} fits are there already.")
        others = todo and sum(trained_by_other_code(job) for job in jobs if job not in todo)
        if others:
            console.print(
                f"{others} of them were trained by other code than today's: delete their folders "
                "to have all from one.",
                soft_wrap=True,
            )
    if not todo:
        return {}
    stopped = threading.Event()
    with _progress(console) as progress:
        watcher = threading.Thread(
            target=_watch, args=(progress, todo, stopped, title), daemon=True
        )
        watcher.start()
        try:
            tolerant = title is not None
            if find_ranks().world > 1:
                return run_together(todo, tolerant=tolerant)
            if engine.name == "dask":
                once = partial(run_elsewhere, engine=engine, tolerant=tolerant)
            else:
                once = partial(run_here, workers=workers, tolerant=tolerant)
            return until_done(todo, once, console)
        finally:
            stopped.set()
            watcher.join()


def unfinished(jobs: Sequence[Job]) -> list[Job]:
    """Jobs that nobody has done yet."""
    return [job for job in jobs if not (job.folder / FINISHED).exists()]


def until_done(
    jobs: Sequence[Job], once: Callable[[Sequence[Job]], dict[Path, str]], console: Console
) -> dict[Path, str]:
    """Do jobs; where a worker dies, with its job or with waves that others need, do the rest again.

    Raises: StudyError when nothing gets finished in between.
    """
    deaths, todo = 0, jobs
    while True:
        try:
            return once(todo)
        except (TerminatedWorkerError, CancelledError) as death:
            left = unfinished(todo)
            deaths = deaths + 1 if len(left) == len(todo) else 1
            if deaths > DEATHS:
                raise StudyError(
                    "workers die again and again, perhaps for want of memory; what is finished is "
                    "kept: go on with --resume and fewer workers"
                ) from death
            console.print("A worker died; what it had not finished is done again.")
            todo = left


def run_here(jobs: Sequence[Job], workers: int, tolerant: bool) -> dict[Path, str]:
    """Do jobs in processes of this machine, each in the folder where it belongs."""
    if not jobs:
        return {}
    parallel = joblib.Parallel(n_jobs=min(workers, len(jobs)), backend="loky", batch_size=1)
    do = joblib.delayed(try_job if tolerant else run_job)
    said = parallel(do(job) for job in jobs)
    return {job.folder: problem for job, problem in zip(jobs, said, strict=True) if problem}


def run_together(jobs: Sequence[Job], tolerant: bool) -> dict[Path, str]:
    """Do one job after the other, each by all processes that torchrun started."""
    problems: dict[Path, str] = {}
    ranks = find_ranks()
    for job in jobs:
        ranks.leaders(job)
        said = try_job(job)
        if said and not tolerant:
            raise AuricleError(said)
        problems |= {job.folder: said} if said else {}
    return problems


def among_ranks(command: Callable[[], None]) -> None:
    """Run a command in the first process that torchrun started; the others train along.

    They follow from fit to fit, in folders that are thrown away. If the first one fails, torchrun
    ends them.
    """
    ranks = find_ranks()
    if ranks.leads:
        try:
            command()
        except SystemExit as end:
            if end.code:
                raise
            ranks.leaders(None)
    else:
        while job := ranks.leaders(None):
            with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
                try_job(replace(job, run=Path(folder), launcher=None, wandb="disabled"))
    leave_ranks()


def try_job(job: Job) -> str | None:
    """Do a job; if it cannot be done as it was asked, say why."""
    try:
        run_job(job)
    except AuricleError as problem:
        return str(problem)
    except torch.OutOfMemoryError as problem:
        return str(problem).splitlines()[0]
    return None


def run_elsewhere(jobs: Sequence[Job], engine: Engine, tolerant: bool) -> dict[Path, str]:
    """Do jobs on a cluster, and lay what comes back into their folders.

    The scheduler notices a worker that dies, and gives its job to another; but it keeps one copy of
    what it was sent, and if that dies with the worker, the jobs are cancelled.
    """
    first = {waves_key(job): job for job in jobs}
    waves = {key: in_memory(job) for key, job in first.items()}
    far = [replace(job, run=Path(), launcher=None) for job in jobs]
    problems: dict[Path, str] = {}
    with cluster(engine), joblib.parallel_config("dask", scatter=list(waves.values())):
        parallel = joblib.Parallel(
            n_jobs=-1, batch_size=1, pre_dispatch="all", return_as="generator_unordered"
        )
        do = joblib.delayed(do_elsewhere)
        ways = [waves[waves_key(job)] for job in jobs]
        for at, found in parallel(do(at, far[at], ways[at]) for at in range(len(far))):
            if isinstance(found, dict):
                lay_down(found, jobs[at].folder)
            elif tolerant:
                problems[jobs[at].folder] = found
            else:
                raise AuricleError(found)
    return problems


def waves_key(job: Job) -> tuple[object, int]:
    """Jobs with equal keys hear the same waves."""
    return job.table.clips, job.recipe.network.frontend.sample_rate_hz


def in_memory(job: Job) -> WaveStore:
    """A job's waves as they can be sent: not the path of a file."""
    store = open_waves(job)
    return WaveStore(np.array(store.waves), store.clips)


def do_elsewhere(at: int, job: Job, waves: WaveStore) -> tuple[int, dict[str, bytes] | str]:
    """Do a job far from its folder: its number, and the files that it leaves or what went wrong."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        there = replace(job, run=Path(folder))
        try:
            run_job(there, waves)
        except (AuricleError, torch.OutOfMemoryError) as problem:
            return at, str(problem).splitlines()[0]
        files = [path for path in there.folder.rglob("*") if path.is_file()]
        return at, {p.relative_to(there.folder).as_posix(): p.read_bytes() for p in files}


def lay_down(files: dict[str, bytes], folder: Path) -> None:
    """Write a job's files, the one that says it is finished last."""
    for name in sorted(files, key=lambda name: name == FINISHED):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        replace_bytes(folder / name, files[name])


@contextmanager
def cluster(engine: Engine) -> Iterator[Any]:
    """A connection to the scheduler, its workers checked.

    Raises: StudyError without dask, a scheduler, or workers that can be worked with.
    """
    try:
        from distributed import Client, KilledWorker
    except ImportError as problem:
        raise StudyError(f"--engine dask: dask is missing; {install('dask')}") from problem
    for name in ("client", "core", "utils"):  # what goes wrong is told below, in a line
        logging.getLogger(f"distributed.{name}").setLevel(logging.CRITICAL)
    try:
        client = Client(engine.address, timeout="5s")  # type: ignore[no-untyped-call]
    except (OSError, TimeoutError, ValueError) as problem:
        raise StudyError(
            f"--address {engine.address}: no scheduler answers there; what is finished is kept: "
            "go on with --resume when one does"
        ) from problem
    with client:
        workers = client.scheduler_info(n_workers=-1)["workers"]
        if not workers:
            raise StudyError(f"{engine.address}: the scheduler has no workers; start some")
        if any(worker["nthreads"] > 1 for worker in workers.values()):
            raise StudyError(
                f"{engine.address}: start its workers with --nthreads 1; fits of one process would "
                "share torch's threads and random numbers"
            )
        try:
            told = set(client.run(versions).values())
        except ImportError as problem:
            raise StudyError(f"{engine.address}: its workers lack {problem.name}") from problem
        if told != {versions()}:
            raise StudyError(
                f"{engine.address}: its workers have {' and '.join(sorted(told))}, this machine "
                f"{versions()}; make them equal, or the same seed gives other weights"
            )
        try:
            yield client
        except KilledWorker as loss:
            raise StudyError(
                f"{engine.address}: a fit killed worker after worker; what is finished is kept: "
                "go on with --resume"
            ) from loss


def versions() -> str:
    """What must be equal wherever a study's fits are trained."""
    return f"auricle {auricle.__version__} with torch {torch.__version__}"


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
    """Read how far each job is from the length of its history, and show it, or log it at times."""
    whole = progress.add_task(title or f"{len(jobs)} fits", total=sum(_epochs(job) for job in jobs))
    begun = sum(_epochs_done(job.folder) for job in jobs)
    progress.update(whole, completed=begun)
    started = told = time.monotonic()
    running: dict[Path, TaskID] = {}
    while not stopped.wait(LOOK_EVERY_S):
        done = 0
        for job in jobs:
            epochs = _epochs_done(job.folder)
            done += epochs
            task = running.get(job.folder)
            if task is not None:
                progress.update(task, completed=epochs, visible=epochs < _epochs(job))
            elif title is None and 0 < epochs < _epochs(job):
                label = f"  {job.recipe.name} {job.split.strategy} {job.split.member}"
                running[job.folder] = progress.add_task(
                    f"{label} seed {job.seed}", total=_epochs(job), completed=epochs
                )
        progress.update(whole, completed=done)
        now = time.monotonic()
        if not progress.console.is_terminal and now - told >= LOG_EVERY_S and done > begun:
            total, told = sum(map(_epochs, jobs)), now
            left_s = (now - started) * (total - done) / (done - begun)
            progress.console.print(f"{done} of {total} epochs; about {in_words(left_s)} left")
    for task in running.values():
        progress.update(task, visible=False)
    progress.update(whole, completed=sum(_epochs_done(job.folder) for job in jobs))


def _epochs(job: Job) -> int:
    return job.recipe.training.epochs


def _epochs_done(folder: Path) -> int:
    try:
        with (folder / "history.csv").open(encoding="utf-8") as rows:
            return max(0, sum(1 for _ in rows) - 1)
    except OSError:
        return 0
