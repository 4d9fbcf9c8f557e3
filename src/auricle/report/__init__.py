"""A study's folder, turned into a paper and a page."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from auricle.files import replace_bytes, replace_text
from auricle.report.chapters import make_document
from auricle.report.html import set_page
from auricle.report.links import way
from auricle.report.pdf import set_pdf
from auricle.report.study_files import read_study
from auricle.report.tuning_files import read_tuning
from auricle.report.tunings import tuning_document

__all__ = ["write_report"]


def write_report(run: Path, out: Path | None = None) -> tuple[Path, Path]:
    """Write report.pdf and report.html of a finished study or search.

    They go into its own `report` folder or `out`. Only the study's files are read: no network is
    run, and nothing is scored anew. The page links the files that its numbers stand in.

    Raises: StudyError that names what is missing or damaged.
    """
    if (run / "space.toml").is_file():
        tuning = read_tuning(run)
        document, environment = tuning_document(tuning), tuning.environment
    else:
        study = read_study(run)
        document, environment = make_document(study), study.environment
    out = out or run / "report"
    document = replace(document, study=way(out, run))
    paper, page = out / "report.pdf", out / "report.html"
    replace_bytes(paper, set_pdf(document, started(environment)))
    replace_text(page, set_page(document))
    return paper, page


def started(environment: dict[str, Any]) -> datetime:
    """When the study began: the date that its report carries."""
    moment = datetime.fromisoformat(str(environment["started"]))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
