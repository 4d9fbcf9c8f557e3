"""The report from its first word to its last."""

from auricle.report.document import Document
from auricle.report.results import results
from auricle.report.study_files import Study


def make_document(study: Study) -> Document:
    """Everything there is to say about a study."""
    return Document("A study", "of sounds", "auricle", "2026", tuple(results(study)))
