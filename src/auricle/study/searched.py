"""The folder of a search: whose it is, what was searched on which clips, a row a trial."""

import json
import time
from pathlib import Path

import optuna
import tomli_w
from rich.console import Console

from auricle.errors import StudyError
from auricle.files import csv_text, replace_text
from auricle.study.environment import describe_environment, learning_code
from auricle.study.prepare import Prepared, Setting
from auricle.study.run import is_free
from auricle.study.space import Space, kept_space
from auricle.study.trials import FINISHED, JOURNAL


def check_folder(space: Space, setting: Setting, *, shared: bool) -> None:
    """See that the folder is free, or holds this search; `shared` ones keep trials elsewhere.

    Raises: StudyError if it holds something else.
    """
    run, kept = setting.run, setting.run / "space.toml"
    if run.exists() and not (run.is_dir() and (kept.is_file() or is_free(run))):
        raise StudyError(f"{run}: there is something else here; give an empty folder with --out")
    run.mkdir(parents=True, exist_ok=True)
    if begun := kept_space(run):
        if begun != space.table():
            raise StudyError(
                f"{run}: another search is here: of other values, or begun with another --recipe, "
                "--base, --epochs or release; give these, or another --out"
            )
        if not setting.resume:
            raise StudyError(
                f"{run}: this search is here; go on with --resume, or give another --out"
            )
        if not shared and not (run / JOURNAL).is_file():
            raise StudyError(f"{run}: this search keeps its trials elsewhere; give its --storage")


def claim(space: Space, clips: str, prepared: Prepared, setting: Setting, console: Console) -> None:
    """Write down what is searched, on which clips, by what code and on what machine.

    Raises: StudyError if the search was begun with other clips or folds.
    """
    run = setting.run
    kept = run / "clips.csv"
    if kept.is_file() and kept.read_text(encoding="utf-8") != clips:
        raise StudyError(
            f"{run}: this search was begun with other clips or folds; put them back, or give "
            "another --out"
        )
    replace_text(run / "space.toml", tomli_w.dumps(space.table()))
    replace_text(kept, clips)
    replace_text(run / "skipped.csv", csv_text(("file", "reason"), prepared.skipped))
    replace_text(run / "unusual.csv", csv_text(("file", "remark"), prepared.unusual))
    environment = describe_environment() | {"code": learning_code()}
    environment["started"] = time.strftime("%Y-%m-%d %H:%M")
    first = run / "environment.json"
    if not first.exists():
        replace_text(first, json.dumps(environment, indent=2))
    elif json.loads(first.read_text(encoding="utf-8")).get("code") != environment["code"]:
        console.print(
            f"{run}: its first trials were trained by other code than today's, and are compared "
            "with those to come: give another --out to have all from one.",
            soft_wrap=True,
        )


def clips_table(prepared: Prepared) -> str:
    """The development clips as CSV, with what is in their files: equal for equal data."""
    return csv_text(
        ("file", "category", "fold", "recording", "content"),
        (
            (clip.file, clip.category, clip.fold, clip.recording, prepared.contents[clip.file])
            for clip in prepared.development.clips
        ),
    )


def write_trials(study: optuna.Study, space: Space, run: Path) -> None:
    """`trials.csv`: a row a finished trial."""
    keys = list(space.values)
    told = ("folds", "seconds", "parameters_trainable", "fits", "problem")
    rows = []
    for trial in study.get_trials(states=FINISHED):
        of = trial.user_attrs
        score, accuracy = (of.get("log_loss"), of.get("accuracy"))
        rows.append(
            [
                trial.number,
                trial.state.name.lower(),
                "" if score is None else f"{score:.6g}",
                "" if accuracy is None else f"{accuracy:.6g}",
                *(of.get(name, "") for name in told),
                *(trial.params.get(key, "") for key in keys),
            ]
        )
    header = ["trial", "state", "score", "accuracy", *told, *keys]
    replace_text(run / "trials.csv", csv_text(header, rows))
