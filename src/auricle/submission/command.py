"""From a finished study to the files that are handed in, and to what is said of them."""

import re
from pathlib import Path

from rich.console import Console

from auricle.errors import StudyError
from auricle.files import replace_bytes, replace_text
from auricle.report import started
from auricle.report.pdf import set_pdf
from auricle.report.study_files import Study, read_study
from auricle.submission.brief import Item
from auricle.submission.check import check
from auricle.submission.notebook import write_notebook
from auricle.submission.paper import submission_document
from auricle.submission.program import write_program

COLAB = "colab"


def submit(
    run: Path, *, roll: str, name: str, colab_url: str | None, out: Path, only_check: bool
) -> int:
    """Write what is handed in, unless it is only to be checked, and tell what the brief finds.

    The exit code is 1 if a check that was asked for finds something missing.

    Raises: StudyError for a study that cannot be read, and for names that cannot be printed.
    """
    check_names(roll, name, colab_url)
    study = read_study(run)
    if not only_check:
        for file in write_files(study, out, roll=roll, name=name, colab_url=colab_url):
            print(file)
    items = check(out, study, name=name, roll=roll)
    tell(items)
    return int(only_check and not all(item.holds for item in items))


def check_names(roll: str, name: str, colab_url: str | None) -> None:
    """Refuse what cannot name a file, stand on a title page or be followed."""
    if not re.fullmatch(r"[A-Za-z0-9][\w-]*", roll):
        raise StudyError(
            f"--roll-number {roll}: it names two files; write it with letters, digits and dashes"
        )
    if not name.strip() or not name.isprintable():
        raise StudyError(f"--name {name!r}: give a name that can be printed")
    if colab_url is not None and not colab_url.startswith(("https://", "http://")):
        raise StudyError(f"--colab-url {colab_url}: give the address that Colab's Share copies")


def write_files(
    study: Study, out: Path, *, roll: str, name: str, colab_url: str | None
) -> list[Path]:
    """One file of Python and one PDF, and in a folder of its own the notebook to share."""
    program = write_program(study, name=name, roll=roll)
    document = submission_document(
        study, name=name, roll=roll, colab_url=colab_url, strange=program.strange
    )
    files = [out / f"{roll}.py", out / f"{roll}.pdf", out / COLAB / f"{roll}.ipynb"]
    replace_text(files[0], program.text)
    replace_bytes(files[1], set_pdf(document, started(study.environment)))
    replace_text(files[2], write_notebook(program.text, name=name, roll=roll))
    return files


def tell(items: list[Item]) -> None:
    """A line an item, and how many are missing."""
    console = Console(highlight=False, markup=False)
    for item in items:
        console.print(
            f"{'holds' if item.holds else 'MISSING':7}  {item.name}: {item.told}",
            style=None if item.holds else "yellow",
            soft_wrap=True,
        )
    missing = sum(not item.holds for item in items)
    console.print(f"\n{len(items) - missing} of {len(items)} hold, {missing} are missing.")
    console.print(
        "Not looked at: the live demonstration, and whether your teacher can open the notebook. "
        f"Hand in the two files; {COLAB}/ is to be shared.",
        soft_wrap=True,
    )
