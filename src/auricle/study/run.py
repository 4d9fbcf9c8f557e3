"""A study from its plan to its scores: one folder that holds everything the report needs.

prepare ... the data checked and decoded, the plan and the machine written down
train ..... every fit of every configuration, side by side, resumable
read ...... the test fold opened, once, if the plan asks for it
score ..... predictions to scores and comparisons
"""

import json
import time
import tomllib
from pathlib import Path

import numpy as np
from rich.console import Console

from auricle.data.sources import cache_folder
from auricle.data.store import open_store
from auricle.errors import RecipeError, StudyError
from auricle.files import csv_text, replace_text
from auricle.study.drawings import save_pictures
from auricle.study.engine import run_jobs, unfinished
from auricle.study.environment import describe_environment
from auricle.study.estimate import estimate_s, in_words
from auricle.study.fits import Predictions, load_fit, save_predictions
from auricle.study.job import Job
from auricle.study.ledger import note_reading
from auricle.study.lock import LOCK, WHO, alone_in
from auricle.study.prepare import Prepared, Setting, plan_jobs, prepare, shareable, workers_for
from auricle.study.recipe import Plan, from_table, to_table, to_toml
from auricle.study.summary import write_scores
from auricle.training.fit import choose_device, choose_precision, predict
from auricle.training.sounds import Examples
from auricle.training.tracking import check_online

LEARNING = "development"


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
        # Under esc5 networks learn from the test fold: then it is open from here on.
        learnt = any(prepared.roles.test in job.split.training for job in unfinished(jobs))
        if learnt:
            note_reading(setting.run, plan.configurations, setting.reason, setting.ledger)
        run_jobs(jobs, workers, console, engine=setting.engine)
        if plan.test:
            read_test_fold(plan, setting, prepared, jobs, console, noted=learnt)
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
    return all(file.suffix == ".part" or file.name in (LOCK, WHO) for file in run.iterdir())


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
        went_on = "resumed" if unfinished(jobs) else "scored anew"
        for key, preposition in (("commit", "with"), ("processor", "on")):
            if f"{environment[key]}," not in f"{first[key]},":  # abc is not abc-dirty
                first[key] += f", {went_on} {preposition} {environment[key]}"
        environment = first
    replace_text(run / "environment.json", json.dumps(environment, indent=2))
    roles = {prepared.roles.test: "test"}
    clips = csv_text(
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
    replace_text(run / "skipped.csv", csv_text(("file", "reason"), prepared.skipped))
    replace_text(run / "unusual.csv", csv_text(("file", "remark"), prepared.unusual))
    ignored = ((file,) for file in prepared.table.ignored)
    replace_text(run / "ignored.csv", csv_text(("file",), ignored))
    wandb = {"mode": setting.wandb, "project": f"auricle-{prepared.table.name}", "url": None}
    replace_text(run / "wandb.json", json.dumps(wandb | {"sync": sync_line(Path("RUN"))}, indent=2))
    save_pictures(
        run / "pictures.npz",
        prepared.development,
        plan.configurations[0].network.frontend,
        plan.clip_s,
        cache_folder(),
    )


def note_time(run: Path, seconds: float) -> None:
    """Add the time of this command to the study's."""
    path = run / "environment.json"
    environment = json.loads(path.read_text(encoding="utf-8"))
    environment["seconds_total"] = round(environment["seconds_total"] + seconds, 1)
    replace_text(path, json.dumps(environment, indent=2))


def read_test_fold(
    plan: Plan,
    setting: Setting,
    prepared: Prepared,
    jobs: list[Job],
    console: Console,
    *,
    noted: bool,
) -> None:
    """Score every network on the fold it has not seen; write it down, if that is not `noted` yet.

    That fold is the test fold, but for networks of `esc5` that learnt from it.
    """
    unread = [job for job in jobs if not (job.folder / "test.npz").exists()]
    if not unread:
        return
    if not noted:
        note_reading(setting.run, plan.configurations, setting.reason, setting.ledger)
    device = choose_device(setting.device)
    for job in unread:
        trained = load_fit(job.folder)
        store = open_store(
            prepared.table if job.split.strategy == "esc5" else prepared.test,
            sample_rate_hz=trained.recipe.network.frontend.sample_rate_hz,
            seconds=plan.clip_s,
            cache=cache_folder(),
        )
        rows = np.flatnonzero([clip.fold == job.split.scored for clip in store.clips])
        found = predict(trained.network, Examples(store.waves, rows, rows), device)
        clips = tuple(store.clips[row] for row in rows)
        save_predictions(job.folder / "test.npz", Predictions(clips, found))
    scored = sum(job.split.scored == prepared.roles.test for job in unread)
    networks = "one network" if scored == 1 else f"{scored} networks"
    why = [f"to score {networks}"] * bool(scored) + ["for esc5 to learn from it"] * noted
    console.print(f"The test fold was read once, {' and '.join(why)}.")
