"""A study's folder, turned into a paper and a page."""

from datetime import UTC, datetime
from pathlib import Path

from auricle.files import replace_bytes, replace_text
from auricle.report.chapters import make_document
from auricle.report.html import set_page
from auricle.report.pdf import set_pdf
from auricle.report.study_files import Study, read_study

__all__ = ["write_report"]


def write_report(run: Path, out: Path | None = None) -> tuple[Path, Path]:
    """Write report.pdf and report.html of a finished study, into its own `report` folder or `out`.

    Only the study's files are read: no network is run, and nothing is scored anew.

    Raises: StudyError that names what is missing or damaged.
    """
    study = read_study(run)
    document = make_document(study)
    out = out or run / "report"
    paper, page = out / "report.pdf", out / "report.html"
    replace_bytes(paper, set_pdf(document, started(study)))
    replace_text(page, set_page(document))
    return paper, page


def started(study: Study) -> datetime:
    """When the study began: the date that its report carries."""
    moment = datetime.fromisoformat(str(study.environment["started"]))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
