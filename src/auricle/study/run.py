"""A study from its plan to its scores: one folder that holds everything the report needs.

prepare ... the data checked and decoded, the plan and the machine written down
train ..... every fit of every configuration, side by side, resumable
read ...... the test fold opened, once, if the plan asks for it
score ..... predictions to scores and comparisons
"""

import csv
import datetime
import io
import json
import os
import time
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import Progress

from auricle.data.audio import content_hash, remark
from auricle.data.clips import Clip, ClipTable
from auricle.data.folds import check_folds
from auricle.data.sources import cache_folder, is_path, read_data
from auricle.data.store import open_store
from auricle.errors import RecipeError, StudyError
from auricle.files import replace_text
from auricle.study.drawings import save_pictures
from auricle.study.engine import LOCAL, Engine, cores, run_jobs
from auricle.study.environment import describe_environment, source_commit
from auricle.study.estimate import estimate_s, in_words
from auricle.study.fits import Predictions, load_fit, save_predictions
from auricle.study.job import Job
from auricle.study.lock import LOCK, alone_in
from auricle.study.protocol import Roles, Split, roles_of, splits
from auricle.study.recipe import Plan, Recipe, from_table, recipe_hash, to_table, to_toml
from auricle.study.summary import write_scores
from auricle.training.fit import choose_device, choose_precision, predict
from auricle.training.ranks import find_ranks
from auricle.training.sounds import Examples
from auricle.training.tracking import Mode, check_online

LEARNING = "development"
TEST_READS = "date,commit,recipe_hash,reason\n"


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


def run_study(plan: Plan, setting: Setting, console: Console) -> None:
    """Run a plan, or go on with it, and leave its scores in the study's folder.

    Nobody else may at that time; those who ask a finished study may.

    Raises: AuricleError for whatever a user can mend.
    """
    started = time.time()
    device = choose_device(setting.device)
    if setting.wandb == "online":
        check_online()
    claim_folder(plan, setting)
    with alone_in(setting.run):
        prepared = prepare(plan, setting, console)
        jobs = plan_jobs(plan, setting, prepared)
        workers = workers_for(setting, len(jobs))
        write_setting(plan, setting, prepared, jobs, workers)
        seconds = estimate_s(jobs, device, workers)
        console.print(
            f"{plan.name}: {len(plan.configurations)} configurations, {len(jobs)} fits, {workers} "
            f"at a time on {device.type}; about {in_words(seconds)} in all."
        )
        run_jobs(jobs, workers, console, engine=setting.engine)
        if plan.test:
            read_test_fold(plan, setting, prepared, jobs, console)
        left_out = len(prepared.skipped)
        write_scores(plan, setting.run, prepared.table, prepared.roles, left_out, jobs)
        note_time(setting.run, time.time() - started)


def sync_line(run: Path) -> str:
    """The command that sends a study's offline runs to Weights & Biases."""
    return f"wandb sync {run.as_posix()}/*/*/*/seed-*/wandb/offline-run-*"


def claim_folder(plan: Plan, setting: Setting) -> None:
    """Take the output folder, or the study in it that the plan goes on with or adds to.

    Raises: StudyError if it holds something else.
    """
    run, kept = setting.run, setting.run / "study.toml"
    if run.exists() and not run.is_dir():
        raise StudyError(f"{run}: there is something else here; give an empty folder with --out")
    run.mkdir(parents=True, exist_ok=True)
    if is_free(run):
        return
    if not kept.is_file():
        raise StudyError(f"{run}: there is something else here; give an empty folder with --out")
    begun, asked = plan_in(kept), shareable(plan)
    if not asked.extends(begun):
        if begun.extends(asked):
            raise StudyError(
                f"{run}: this study has more seeds, strategies or configurations than are asked "
                "for now; ask for them too, or give another folder with --out"
            )
        raise StudyError(f"{run}: another study is here; give another folder with --out")
    if not setting.resume:
        raise StudyError(f"{run}: this study is here; go on with --resume, or give another --out")


def is_free(run: Path) -> bool:
    """Whether nothing is in a folder, but for what a killed command was writing."""
    return all(file.suffix == ".part" or file.name == LOCK for file in run.iterdir())


def plan_in(kept: Path) -> Plan:
    """The plan that a study was begun with.

    Raises: StudyError if it is of another release, whose fits are not those of today's recipes.
    """
    table = tomllib.loads(kept.read_text(encoding="utf-8"))
    problem = f"{kept}: begun with another release; use that one, or begin anew with another --out"
    try:
        plan = from_table(Plan, table, str(kept))
    except RecipeError as unknown:
        raise StudyError(problem) from unknown
    if [to_table(recipe) for recipe in plan.configurations] != table["configurations"]:
        raise StudyError(problem)  # a default of today is not what these learn with
    return plan


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
    return Prepared(table, roles, tuple(skipped), tuple(unusual), contents)


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


def write_setting(
    plan: Plan, setting: Setting, prepared: Prepared, jobs: list[Job], workers: int
) -> None:
    """Write down what runs, on what and where, before anything is trained.

    Raises: StudyError if the study was begun with other clips or other folds.
    """
    run, device = setting.run, choose_device(setting.device)
    replace_text(run / "study.toml", to_toml(shareable(plan)))
    environment = describe_environment() | {
        "device": device.type,
        "precision": choose_precision(plan.configurations[0].training.precision, device),
        "threads_per_fit": jobs[0].threads,
        "workers": workers,
        "started": time.strftime("%Y-%m-%d %H:%M"),
        "seconds_total": 0.0,
    }
    if (run / "environment.json").exists():
        first = json.loads((run / "environment.json").read_text(encoding="utf-8"))
        if f"{environment['commit']}," not in f"{first['commit']},":  # abc is not abc-dirty
            unfinished = any(not (job.folder / "fit.json").exists() for job in jobs)
            went_on = "resumed" if unfinished else "scored anew"
            first["commit"] += f", {went_on} with {environment['commit']}"
        environment = first
    replace_text(run / "environment.json", json.dumps(environment, indent=2))
    roles = {prepared.roles.test: "test"}
    clips = table_text(
        ("file", "category", "fold", "recording", "role"),
        (
            (clip.file, clip.category, clip.fold, clip.recording, roles.get(clip.fold, LEARNING))
            for clip in prepared.table.clips
        ),
    )
    if (run / "clips.csv").exists() and (run / "clips.csv").read_text(encoding="utf-8") != clips:
        raise StudyError(
            f"{run}: this study was begun with other clips or folds than {prepared.table.root} "
            "has now; put them back, or begin anew with another --out"
        )
    replace_text(run / "clips.csv", clips)
    replace_text(run / "skipped.csv", table_text(("file", "reason"), prepared.skipped))
    replace_text(run / "unusual.csv", table_text(("file", "remark"), prepared.unusual))
    ignored = ((file,) for file in prepared.table.ignored)
    replace_text(run / "ignored.csv", table_text(("file",), ignored))
    wandb = {"mode": setting.wandb, "project": f"auricle-{prepared.table.name}", "url": None}
    replace_text(run / "wandb.json", json.dumps(wandb | {"sync": sync_line(Path("RUN"))}, indent=2))
    save_pictures(
        run / "pictures.npz",
        prepared.development,
        plan.configurations[0].network.frontend,
        plan.clip_s,
        cache_folder(),
    )


def table_text(header: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> str:
    """A CSV with its header."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()


def note_time(run: Path, seconds: float) -> None:
    """Add the time of this command to the study's."""
    path = run / "environment.json"
    environment = json.loads(path.read_text(encoding="utf-8"))
    environment["seconds_total"] = round(environment["seconds_total"] + seconds, 1)
    replace_text(path, json.dumps(environment, indent=2))


def read_test_fold(
    plan: Plan, setting: Setting, prepared: Prepared, jobs: list[Job], console: Console
) -> None:
    """Score every network on the fold it has not seen, and write down that this was done."""
    unread = [job for job in jobs if not (job.folder / "test.npz").exists()]
    if not unread:
        return
    note_reading(setting.run, plan.configurations, setting.reason, setting.ledger)
    device = choose_device(setting.device)
    for job in unread:
        table = prepared.table.in_folds((job.split.scored,))
        trained = load_fit(job.folder)
        store = open_store(
            table,
            sample_rate_hz=trained.recipe.network.frontend.sample_rate_hz,
            seconds=plan.clip_s,
            cache=cache_folder(),
        )
        rows = np.arange(len(store.clips))
        found = predict(trained.network, Examples(store.waves, rows, rows), device)
        save_predictions(job.folder / "test.npz", Predictions(store.clips, found))
    console.print(f"The test fold was read once, for {len(unread)} networks.")


def note_reading(
    run: Path, recipes: tuple[Recipe, ...], reason: str, ledger: Path | None = None
) -> None:
    """Append one reading of the test fold to the study's own list, and to a ledger if one is kept.

    The study's list gets what else the ledger tells, too; nothing is ever taken out of either.
    """
    today = datetime.date.today().isoformat()
    row = io.StringIO()
    written = (today, source_commit(), recipe_hash(recipes), " ".join(reason.split()))
    csv.writer(row, lineterminator="\n").writerow(written)
    own = run / "test_reads.csv"
    told = readings(own)
    if ledger and ledger.resolve() != own.resolve():
        others = readings(ledger)
        told += (Counter(others) - Counter(told)).elements()
        replace_text(ledger, "".join((TEST_READS, *others, row.getvalue())))
    replace_text(own, "".join((TEST_READS, *told, row.getvalue())))


def readings(ledger: Path) -> list[str]:
    """The rows of a list of readings, a line each; none where there is no list yet."""
    lines = ledger.read_text(encoding="utf-8").splitlines() if ledger.exists() else []
    return [f"{line}\n" for line in lines[1:]]
