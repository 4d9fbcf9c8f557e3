"""What a study trains on: its data checked and decoded, and the jobs that its plan makes."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import product
from pathlib import Path

from rich.console import Console
from rich.progress import Progress, TaskID

from auricle.data.audio import content_hash, remark
from auricle.data.clips import Clip, ClipTable
from auricle.data.folds import check_folds
from auricle.data.sources import cache_folder, is_path, read_data
from auricle.data.store import open_store
from auricle.errors import DataError
from auricle.study.engine import LOCAL, Engine, cores
from auricle.study.job import Job
from auricle.study.protocol import Roles, Split, roles_of, splits
from auricle.study.recipe import Plan, Recipe
from auricle.training.fit import choose_device
from auricle.training.ranks import find_ranks
from auricle.training.tracking import Mode


@dataclass(frozen=True, kw_only=True)
class Setting:
    """Where and how a study runs; what it runs is the plan's."""

    run: Path
    device: str = "auto"
    workers: int | None = None
    engine: Engine = LOCAL
    wandb: Mode = "offline"
    resume: bool = False
    skip_bad: bool = False
    ledger: Path | None = None
    reason: str = "auricle study"


@dataclass(frozen=True)
class Prepared:
    """The data of a study: clips that can be decoded, their folds' roles, what was left out.

    `unusual` clips are used; they are listed so that nobody is surprised. `contents` are hashes of
    the files, by name; of the test fold those that can be read.
    """

    table: ClipTable
    roles: Roles
    skipped: tuple[tuple[str, str], ...]
    unusual: tuple[tuple[str, str], ...] = ()
    contents: Mapping[str, str] = field(default_factory=dict)

    @property
    def development(self) -> ClipTable:
        """The clips that everything is chosen on."""
        return self.table.in_folds(self.roles.development)

    @property
    def test(self) -> ClipTable:
        """The sealed clips."""
        return self.table.in_folds((self.roles.test,))


def shareable(plan: Plan) -> Plan:
    """The plan without the places where its data stands."""
    data = Path(plan.data).resolve().name if is_path(plan.data) else plan.data
    return replace(plan, data=data, root=None)


def prepare(plan: Plan, setting: Setting, console: Console) -> Prepared:
    """Read and decode the data: the test fold only if the plan opens it, or if it is made here."""
    with Progress(console=console, transient=True) as progress:
        reading = progress.add_task("reading", total=None)
        table = read_data(
            plan.data,
            columns=plan.columns,
            root=Path(plan.root) if plan.root else None,
            subset=plan.subset,
            skip_bad=setting.skip_bad,
            progress=lambda done, total: progress.update(reading, completed=done, total=total),
        )
    roles = roles_of(table.folds)
    rate_hz = plan.configurations[0].network.frontend.sample_rate_hz
    parts = [table.in_folds(roles.development)]
    if plan.test:
        parts.append(table.in_folds((roles.test,)))
    usable: list[Clip] = []
    skipped: list[tuple[str, str]] = []
    unusual: list[tuple[str, str]] = []
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("decoding", total=sum(len(part.clips) for part in parts))

        def show(done: int, total: int) -> None:
            progress.update(task, completed=len(usable) + len(skipped) + done)

        for part in parts:
            store = open_store(
                part,
                sample_rate_hz=rate_hz,
                seconds=plan.clip_s,
                cache=cache_folder(),
                skip_bad=setting.skip_bad,
                progress=show,
            )
            usable += store.clips
            skipped += store.skipped
            for clip, wave in zip(store.clips, store.waves, strict=True):
                silent = "" if wave.any() else "silent"
                said = remark(part.path(clip), plan.clip_s)
                if said or silent:
                    unusual.append((clip.file, "; ".join(filter(None, (said, silent)))))
    if not plan.test:
        usable += table.in_folds((roles.test,)).clips
    left = tuple(sorted(usable, key=lambda clip: clip.file))
    if skipped:
        check_folds(left, table.root)
        names = "\n".join(f"  {file}: {reason}" for file, reason in skipped)
        console.print(f"{len(skipped)} files are left out:\n{names}", style="yellow")
    if unusual:
        console.print(f"{len(unusual)} unusual clips are used, and listed in unusual.csv.")
    table = replace(table, clips=left)
    contents = {
        clip.file: content_hash(table.path(clip))
        for clip in left
        if clip.fold != roles.test or table.path(clip).is_file()
    }
    refuse_copies(table, contents)
    store_waves(plan, table, roles, console)
    return Prepared(table, roles, tuple(skipped), tuple(unusual), contents)


def store_waves(plan: Plan, table: ClipTable, roles: Roles, console: Console) -> None:
    """Decode what fits will open: each of them would do so for itself, and all at once."""
    learnt = [table.in_folds(roles.development)]
    if "esc5" in plan.strategies:
        learnt.append(table)
    rates_hz = {recipe.network.frontend.sample_rate_hz for recipe in plan.configurations}
    with Progress(console=console, transient=True) as progress:
        for part, rate_hz in product(learnt, sorted(rates_hz)):
            task = progress.add_task("storing waves", total=len(part.clips))
            open_store(
                part,
                sample_rate_hz=rate_hz,
                seconds=plan.clip_s,
                cache=cache_folder(),
                progress=partial(show, progress, task),
            )


def show(progress: Progress, task: TaskID, done: int, total: int) -> None:
    """Move a bar."""
    progress.update(task, completed=done, total=total)


def refuse_copies(table: ClipTable, contents: Mapping[str, str]) -> None:
    """Refuse a file that stands in two folds under two names.

    Raises: DataError that names both.
    """
    first: dict[str, Clip] = {}
    for clip in table.clips:
        content = contents.get(clip.file)
        other = first.setdefault(content, clip) if content else clip
        if other.fold != clip.fold:
            raise DataError(
                f"{table.root}: {other.file} and {clip.file} are the same file, in folds "
                f"{other.fold} and {clip.fold}; leave one out"
            )


def plan_jobs(plan: Plan, setting: Setting, prepared: Prepared) -> list[Job]:
    """All fits of a study, the longest first so that none is left alone at the end."""
    planned = [
        (seed, recipe, split)
        for seed in range(plan.seeds)
        for recipe in plan.configurations
        for split in splits(plan.strategies_of(recipe.name), prepared.table.folds)
    ]
    threads = threads_for(setting, len(planned))
    jobs = [
        make_job(
            plan,
            setting,
            prepared,
            recipe,
            split,
            table_for(split, prepared),
            seed,
            threads=threads,
        )
        for seed, recipe, split in planned
    ]
    return sorted(jobs, key=lambda job: -len(job.split.training))


def make_job(
    plan: Plan,
    setting: Setting,
    prepared: Prepared,
    recipe: Recipe,
    split: Split,
    table: ClipTable,
    seed: int,
    *,
    threads: int,
) -> Job:
    """One fit of a plan, on the clips that it may decode and on the classes that those have."""
    return Job(
        study=plan.name,
        data=shareable(plan).data,
        run=setting.run.resolve(),
        recipe=recipe,
        split=split,
        seed=seed,
        table=table,
        categories=table.categories,
        clip_s=plan.clip_s,
        cache=cache_folder(),
        device=setting.device,
        threads=threads,
        wandb=setting.wandb,
        launcher=os.getpid(),
        learnt=hashes(prepared.contents, table.in_folds(split.training)),
        sealed=hashes(prepared.contents, prepared.test),
    )


def threads_for(setting: Setting, fits: int) -> int:
    """Threads of a fit: cores are shared among the workers of this machine."""
    return max(1, cores() // workers_for(setting, fits)) if setting.engine == LOCAL else 1


def hashes(contents: Mapping[str, str], table: ClipTable) -> tuple[str, ...]:
    """What is in the files of some clips, as far as it was read."""
    return tuple(contents[clip.file] for clip in table.clips if clip.file in contents)


def table_for(split: Split, prepared: Prepared) -> ClipTable:
    """The clips that a fit may decode: the test fold only where `esc5` learns from it."""
    learns_from_test = prepared.roles.test in split.training
    return prepared.table if learns_from_test else prepared.development


def workers_for(setting: Setting, fits: int) -> int:
    """As many workers as asked for; else one a core, one in all on a GPU, all of a cluster."""
    if find_ranks().world > 1:
        return 1  # fits come one after the other, each for all of torchrun's processes
    if far := setting.engine.workers():
        return min(far, fits)
    if setting.workers:
        return min(setting.workers, fits)
    return min(cores(), fits) if choose_device(setting.device).type == "cpu" else 1
