"""`auricle evidence`: one question after the other put to a finished study, each answer a file."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter
from rich.console import Console

from auricle.errors import StudyError
from auricle.evidence import (
    architecture,
    audit,
    calibration,
    doubts,
    heads,
    leak,
    learning,
    looking,
    robustness,
    shortcuts,
    strangers,
    texture,
    unknown,
)
from auricle.evidence.case import Case, open_case
from auricle.files import replace_text
from auricle.study.estimate import estimate_s, in_words
from auricle.study.job import FINISHED, Job
from auricle.study.ledger import note_reading
from auricle.study.lock import alone_in
from auricle.study.prepare import Setting, workers_for
from auricle.training.fit import choose_device


@dataclass(frozen=True)
class Part:
    """One question: how it is asked, what kind of answer it has, and what it asks in words.

    `jobs` are the fits that have to be there first, by control; `networks` says whether those of
    the study itself are asked, whose weights a published copy has not.
    """

    measure: Callable[[Case], Any]
    kind: type
    asks: str
    jobs: Callable[[Case], dict[str, list[Job]]] = lambda _: {}
    networks: bool = True


PARTS = {
    "audit": Part(
        audit.measure,
        audit.Audit,
        "does a sound stand in two folds, and what gives the class away?",
    ),
    "calibration": Part(
        calibration.measure,
        calibration.CalibrationFound,
        "do the probabilities mean what they say?",
    ),
    "robustness": Part(
        robustness.measure,
        robustness.RobustnessFound,
        "how far may a sound be altered?",
    ),
    "shortcuts": Part(
        shortcuts.measure,
        shortcuts.ShortcutsFound,
        "does it hear the sound, or what it was recorded with?",
    ),
    "unknown": Part(
        unknown.measure,
        unknown.UnknownFound,
        "is a sound of no category refused?",
    ),
    "doubts": Part(
        doubts.measure,
        doubts.DoubtsFound,
        "which labels and classes are in doubt?",
        networks=False,
    ),
    "texture": Part(
        texture.measure,
        texture.TextureFound,
        "what do events and texture each hear alone?",
        networks=False,  # as far as there are any
    ),
    "heads": Part(heads.measure, heads.HeadsFound, "does any head of attention matter alone?"),
    "looking": Part(looking.measure, looking.LookingFound, "where do the networks look?"),
    "architecture": Part(
        architecture.measure,
        architecture.ArchitectureFound,
        "what are attention, class token, depth and heads worth?",
        architecture.jobs,
    ),
    "learning": Part(
        learning.measure,
        learning.LearningFound,
        "would more recordings help?",
        learning.jobs,
        networks=False,  # trained anew, if need be
    ),
    "strangers": Part(
        strangers.measure,
        strangers.StrangersFound,
        "is a sound of a class that was never taught told to be unknown?",
        strangers.jobs,
        networks=False,
    ),
    "leak": Part(
        leak.measure,
        leak.LeakFound,
        "what would a leak have been worth?",
        leak.jobs,
    ),
}
"""In the order of the report. Those that train come last."""


def gather(
    run: Path,
    parts: Sequence[str],
    setting: Setting,
    *,
    data: str | None,
    test: bool,
    again: bool,
    root: str | None = None,
) -> None:
    """Answer the questions that have no answer yet, and leave each as a file in `RUN/evidence`.

    Raises: StudyError for a part that is not known, or a study that cannot be asked.
    """
    if unheard_of := sorted({*parts} - {*PARTS}):
        raise StudyError(f"--part {unheard_of[0]}: no such part; there are {', '.join(PARTS)}")
    console = Console(markup=False, highlight=False)
    wanted = [name for name in PARTS if not parts or name in parts]
    todo = [name for name in wanted if again or not answer_file(run, name).exists()]
    for name in wanted:
        if name not in todo:
            console.print(f"{name}: answered already; --again asks anew")
    if not todo:
        return
    case = open_case(run, setting, console, data=data, test=test, root=root)
    place = answer_file(run, todo[0]).parent
    place.mkdir(exist_ok=True)
    with alone_in(place):
        todo = [name for name in todo if again or not answer_file(run, name).exists()]
        names = ", ".join(subject.name for subject in case.subjects)
        clips = len(case.prepared.development.clips)
        console.print(f"{len(todo)} questions put to {names} on {clips} clips")
        if any(PARTS[name].networks for name in todo):
            case.read_networks()
        tell_cost(case, todo)
        if test:
            recipes = tuple(subject.recipe for subject in case.sealed)
            note_reading(run, recipes, setting.reason, setting.ledger)
        for name in todo:
            started = time.monotonic()
            console.print(f"{name}: {PARTS[name].asks}")
            found = PARTS[name].measure(case)
            write_answer(run, name, found)
            console.print(f"  {answer_file(run, name)}, {in_words(time.monotonic() - started)}")


def tell_cost(case: Case, parts: Sequence[str]) -> None:
    """Say how many networks are to be trained for some questions, and how long that will take."""
    jobs = {part: [job for own in PARTS[part].jobs(case).values() for job in own] for part in parts}
    missing = {
        part: [job for job in own if not (job.folder / FINISHED).exists()]
        for part, own in jobs.items()
    }
    together = [job for own in missing.values() for job in own]
    if not together:
        return
    workers = workers_for(case.setting, len(together))
    seconds = estimate_s(together, choose_device(case.setting.device), workers)
    counts = ", ".join(f"{part} {len(own)}" for part, own in missing.items() if own)
    case.console.print(
        f"{len(together)} fits to train ({counts}), {workers} at a time; about {in_words(seconds)}"
    )


def answer_file(run: Path, part: str) -> Path:
    """Where the answer to a question stands."""
    return run / "evidence" / f"{part}.json"


def write_answer(run: Path, part: str, found: Any) -> None:
    """Keep an answer as JSON."""
    text = TypeAdapter(PARTS[part].kind).dump_json(found, indent=1).decode()
    json.loads(text, parse_constant=_refuse)
    replace_text(answer_file(run, part), text + "\n")


def _refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is no JSON")


def answers_in(run: Path) -> dict[str, Path]:
    """The files of the answers that a study's folder holds, by part, in the report's order."""
    files = {name: answer_file(run, name) for name in PARTS}
    return {name: file for name, file in files.items() if file.is_file()}


def read_answer(file: Path, part: str) -> Any:
    """Read what `write_answer` kept.

    Raises: ValueError if it is damaged, or of another release.
    """
    return TypeAdapter(PARTS[part].kind).validate_json(file.read_bytes())
