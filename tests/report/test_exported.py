from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from auricle.errors import StudyError
from auricle.evaluation.parity import Certificate, Row
from auricle.report.chapters import make_document
from auricle.report.document import Bullets, Heading, Paragraph, Table
from auricle.report.exported import exported
from auricle.report.study_files import Study, read_study


def row(name: str, *, lost: int = 0, difference: float = 1e-6, holds: bool | None = True) -> Row:
    return Row(
        name=name,
        accuracy=0.95,
        largest_difference=difference,
        agreement=1 - lost / 80,
        lost=lost,
        gained=0,
        ms_a_clip=4.26,
        bytes=2_357_092,
        bound={"int8": 2.0, "onnx": 1e-4}.get(name),
        holds=holds,
    )


FOUND = Certificate(
    format=1,
    model="bells",
    data="esc10",
    on="test",
    clips=80,
    learnt=0,
    rows=(
        row("pytorch", difference=0.0, holds=None),
        row("onnx"),
        row("int8", lost=1, difference=0.04),
    ),
    left_out=("browser: npm is not installed",),
    sha256={},
    versions={"torch": "2.9", "onnxruntime": "1.2"},
)


@pytest.fixture
def study(make_study: Callable[..., Path]) -> Path:
    return make_study(names=("cnn",), per_fold=2)


def certified(run: Path, found: Certificate) -> Study:
    (run / "parity.json").write_bytes(TypeAdapter(Certificate).dump_json(found))
    return read_study(run)


def text_of(study: Study) -> str:
    return next(block.text for block in exported(study) if isinstance(block, Paragraph))


def test_a_study_that_was_not_certified_has_no_such_chapter(study: Path) -> None:
    assert [*exported(read_study(study))] == []


def test_it_is_a_chapter_of_its_own_with_a_row_a_way(study: Path) -> None:
    document = make_document(certified(study, FOUND))
    assert any(
        isinstance(b, Heading) and b.text == "Does the export agree?" for b in document.blocks
    )
    (table,) = (b for b in document.blocks if isinstance(b, Table) and b.name == "export-table")
    assert table.source == "parity.json"
    assert [row[0] for row in table.rows] == ["PyTorch", "onnxruntime", "onnxruntime, int8"]
    assert table.rows[0][1:4] == ["95.0", "0", "100.0"]
    assert table.rows[2][1:] == ["95.0", "0.04", "98.8", "1", "0", "4.3", "2,357"]


def test_what_was_left_out_is_said(study: Path) -> None:
    (bullets,) = (b for b in exported(certified(study, FOUND)) if isinstance(b, Bullets))
    assert bullets.items[-1] == "Left out: browser: npm is not installed."
    assert bullets.items[0] == (
        "onnxruntime agrees: its probabilities differ by 0.000001 at most; 0.0001 is allowed."
    )


def test_what_does_not_agree_is_not_to_be_shipped(study: Path) -> None:
    assert "**Every way that is judged agrees.**" in text_of(certified(study, FOUND))
    worse = replace(FOUND, rows=(*FOUND.rows[:2], row("int8", lost=3, holds=False)))
    assert "do not ship those" in text_of(certified(study, worse))


def test_clips_that_were_learnt_from_are_told(study: Path) -> None:
    assert text_of(certified(study, FOUND)).count("learnt") == 0
    known = replace(FOUND, on="development", clips=320, learnt=320)
    assert "320 development clips, all of which it learnt from" in text_of(certified(study, known))


def test_a_damaged_certificate_is_refused_by_name(study: Path) -> None:
    (study / "parity.json").write_text('{"format": 1}', encoding="utf-8")
    with pytest.raises(StudyError, match=r"parity\.json: cannot be read"):
        read_study(study)
