"""A tiny set in ESC-50's layout, the study of it, and what is made of both."""

import csv
import shutil
from pathlib import Path
from types import ModuleType

import pytest

from auricle.report.study_files import Study, read_study
from auricle.submission.probe import load_file
from auricle.submission.program import write_program

ROLL = "B21EX042"


@pytest.fixture(scope="session")
def tiny_esc(tiny_set, tmp_path_factory) -> Path:
    """The clips of `tiny_set` as ESC-50 lays them out, in one order, all marked as ESC-10's."""
    folder = tmp_path_factory.mktemp("esc") / "ESC-50"
    (folder / "audio").mkdir(parents=True)
    (folder / "meta").mkdir()
    with (tiny_set / "clips.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    with (folder / "meta" / "esc50.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["filename", "fold", "category", "esc10", "src_file"])
        for row in rows:
            name = row["file"].replace("/", "-")
            shutil.copyfile(tiny_set / row["file"], folder / "audio" / name)
            recording = row["recording"].partition("/")[2]
            writer.writerow([name, row["fold"], row["category"], "True", recording])
    return folder


@pytest.fixture(scope="session")
def study(tiny_study) -> Study:
    return read_study(tiny_study)


@pytest.fixture(scope="session")
def program_file(study, tmp_path_factory) -> Path:
    file = tmp_path_factory.mktemp("handed-in") / f"{ROLL}.py"
    file.write_text(write_program(study, name="Ada Example", roll=ROLL).text, encoding="utf-8")
    return file


@pytest.fixture(scope="session")
def program(program_file) -> ModuleType:
    """The file as a module of its own, which runs nothing."""
    return load_file(program_file)
