"""A study's folder made light enough to be kept under version control, and its place on W&B."""

import json
import shutil
from pathlib import Path

from auricle.errors import StudyError
from auricle.files import replace_text

KEPT = (
    *("*.toml", "*.json", "*.csv", "predictions.npz", "test.npz", "pictures.npz", "looking.npz"),
    *("report.pdf", "report.html"),
)

PUBLISHED = "published.txt"
"""Which files of a copy were published, a line each; all others are somebody's own."""

TRIED = "tried.csv"
"""Put into copies by others, when copies did not yet list what was published."""

LEFT_BEHIND = {"wandb", "controls"}
"""Folders of single fits' runs, and of networks trained for the evidence."""

SEARCH = ("space.toml", "trials.csv", "tuning.json", "environment.json", "best.toml")
"""What a report tells a search from."""


def publish(run: Path, folder: Path) -> None:
    """Copy all that says what was found: no weights, no W&B runs.

    What an earlier publishing left in the folder is replaced; files of others stay.

    No sound either, though the study may have a page of them. The copy is a study's folder: its
    report can be drawn again, and `auricle study --resume` adds seeds, strategies and
    configurations to it without training again what it has.

    Raises: StudyError if the folder holds anything but a published study, or the study itself.
    """
    refuse_what_is_no_copy(run, folder)
    if folder.exists():
        for place in published_before(folder):
            (folder / place).unlink()
    places = [place for place in light_files(run) if not LEFT_BEHIND & {*place.parts}]
    replace_text(folder / PUBLISHED, "".join(f"{place.as_posix()}\n" for place in places))
    for place in places:
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(run / place, folder / place)


def refuse_what_is_no_copy(run: Path, folder: Path) -> None:
    """See that a study can be published to a folder, which may be there or not.

    Raises: StudyError if the folder holds anything but a published study, or the study itself.
    """
    ours, theirs = run.resolve(), folder.resolve()
    if ours.is_relative_to(theirs) or theirs.is_relative_to(ours):
        raise StudyError(f"{folder}: publish beside the study, not onto or into it")
    if folder.exists() and not folder.is_dir():
        raise StudyError(f"{folder}: a file is here; give a folder")
    if folder.exists() and any(folder.iterdir()):
        published = (folder / "study.toml").is_file() and not any(folder.rglob("*.safetensors"))
        if not published:
            raise StudyError(f"{folder}: no published study is here; give another folder")


def light_files(folder: Path) -> list[Path]:
    """What a published copy of a study has, from its folder on."""
    return sorted({file.relative_to(folder) for kept in KEPT for file in folder.rglob(kept)})


def published_before(folder: Path) -> list[Path]:
    """The files of a copy that `publish` wrote: those that another study does not leave there."""
    listed, found = folder / PUBLISHED, light_files(folder)
    if not listed.is_file():
        return [place for place in found if place != Path(TRIED)]
    names = {*listed.read_text(encoding="utf-8").splitlines()}
    return [place for place in found if place.as_posix() in names]


def lay_tuning(search: Path, run: Path) -> None:
    """Lay what a search found into a study's folder, for its report to tell.

    Raises: StudyError if either is not finished.
    """
    if not (run / "scores.json").is_file():
        raise StudyError(f"{run}: no finished study is here (scores.json is missing)")
    if not (search / "tuning.json").is_file():
        raise StudyError(f"{search}: no finished search is here (tuning.json is missing)")
    name = json.loads((search / "tuning.json").read_text(encoding="utf-8"))["space"]
    place = run / "tuning" / name
    place.mkdir(parents=True, exist_ok=True)
    for file in SEARCH:
        shutil.copyfile(search / file, place / file)


def note_url(run: Path, url: str) -> None:
    """Remember where a study's runs went, for the report to link.

    Raises: StudyError if this is no address.
    """
    if not url.startswith(("https://", "http://")):
        raise StudyError(f"--wandb-url {url}: give the address that wandb sync printed")
    path = run / "wandb.json"
    if not path.is_file():
        raise StudyError(f"{run}: no study is here (wandb.json is missing)")
    told = json.loads(path.read_text(encoding="utf-8"))
    replace_text(path, json.dumps(told | {"url": url}, indent=2))
