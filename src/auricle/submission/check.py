"""The brief, item by item: what holds, and what is missing.

files  one .py and one .pdf, named by the roll number, nothing else; the notebook for Colab
code   what the file really builds, asked of its networks; nothing built in; the study's recipes
run    fits, epochs, folds and scores of the study that the report tells of
paper  what the printed text, its links and its outline hold
"""

import json
from collections.abc import Iterator
from pathlib import Path

from auricle.report.study_files import Study
from auricle.submission.brief import Item
from auricle.submission.check_code import check_code
from auricle.submission.check_paper import check_paper
from auricle.submission.check_run import check_run
from auricle.submission.notebook import SAVED_AS


def check(folder: Path, study: Study, *, name: str, roll: str) -> list[Item]:
    """Every item of the brief, of the files in a folder and of a study.

    Raises: StudyError as `read_paper`.
    """
    program, paper = folder / f"{roll}.py", folder / f"{roll}.pdf"
    return [
        *check_files(folder, program, paper),
        check_notebook(folder / "colab" / f"{roll}.ipynb", program),
        *check_code(program, study),
        *check_run(study),
        *check_paper(paper, program, study, name=name, roll=roll),
    ]


def check_files(folder: Path, program: Path, paper: Path) -> Iterator[Item]:
    """One file of each kind, and nothing beside them; what is for Colab stands in its folder."""
    here = sorted(folder.iterdir()) if folder.is_dir() else []
    for kind, file in (("Python", program), ("PDF", paper)):
        own = [each.name for each in here if each.suffix == file.suffix]
        yield Item(
            f"files: one {kind} file, named by the roll number",
            own == [file.name],
            ", ".join(own) or f"there is none in {folder}",
        )
    others = [each.name for each in here if each not in (program, paper) and each.name != "colab"]
    yield Item("files: nothing else beside them", not others, ", ".join(others) or "nothing else")


def check_notebook(notebook: Path, program: Path) -> Item:
    """What is shared on Colab runs what is handed in."""
    told = ""
    try:
        cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
        texts = ["".join(cell["source"]).strip() for cell in cells]
        own = program.read_text(encoding="utf-8").strip()
    except FileNotFoundError as missing:
        told = f"{Path(str(missing.filename)).name} is missing"
    except (OSError, ValueError, LookupError, TypeError) as problem:
        told = f"{notebook.name} cannot be read ({problem})"
    else:
        if f"{SAVED_AS.format(file=program.name)}\n{own}" not in texts:
            told = f"it carries another file than {program.name}: write both again"
    return Item(
        "files: a notebook for Colab that carries the same file", not told, told or notebook.name
    )
