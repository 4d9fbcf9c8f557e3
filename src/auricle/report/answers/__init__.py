"""The chapter on evidence: what was asked after the scores were in, and what was answered."""

from collections.abc import Callable, Iterator
from typing import Any

from auricle.report.answers import (
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
from auricle.report.document import Block, Heading, Paragraph, code, sourced
from auricle.report.headlines import textured
from auricle.report.study_files import Study
from auricle.report.wording import listed

SECTIONS: dict[str, Callable[[Any], Iterator[Block]]] = {
    "audit": audit.section,
    "calibration": calibration.section,
    "robustness": robustness.section,
    "shortcuts": shortcuts.section,
    "unknown": unknown.section,
    "doubts": doubts.section,
    "texture": texture.section,
    "heads": heads.section,
    "looking": looking.section,
    "architecture": architecture.section,
    "learning": learning.section,
    "strangers": strangers.section,
    "leak": leak.section,
}
"""By part, as `auricle evidence` names them; the order is that of its answers."""


def answers(study: Study) -> Iterator[Block]:
    """A section an answer; nothing where none was asked for."""
    if not study.evidence:
        return
    yield Heading("Can it be believed?", 1, "evidence")
    yield Paragraph(
        "What was asked of the finished study with `auricle evidence`: of the configuration of "
        "each architecture that has the highest out-of-fold accuracy, those networks of `kfold` "
        "that have the first seed; where all configurations and seeds were asked, a section says "
        "so. A clip was put to the network that was not trained on its fold, so all figures are "
        "out-of-fold, of the development folds, unless a line says that it is of the test fold. "
        + (
            "It is the whole network that answers, its texture included; where only base and head "
            "can be followed, the section says so. "
            if textured(study)
            else ""
        )
        + "The answers stand as files in the study's folder, `evidence/`."
        + _unasked(study)
    )
    for part, found in study.evidence.items():
        yield from sourced(SECTIONS[part](found), f"evidence/{part}.json")


def _unasked(study: Study) -> str:
    """What a reader may look for in vain."""
    unasked = [code(part) for part in SECTIONS if part not in study.evidence]
    if not unasked:
        return ""
    return f" Not asked of this study: {listed(unasked)} (`auricle evidence --help`)."
