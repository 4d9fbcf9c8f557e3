from dataclasses import replace
from pathlib import Path

import pytest

from auricle.evidence.command import read_answer
from auricle.report.document import Figure, Paragraph
from auricle.report.front import audited, in_thousands, protocol, summary
from auricle.report.study_files import Study, read_study

PUBLISHED = Path(__file__).parents[2] / "reports" / "esc10"


@pytest.mark.parametrize(
    ("number", "told"),
    [(999, "999"), (1_000, "1k"), (299_530, "300k"), (548_490, "548k"), (1_083_456, "1,083,456")],
)
def test_numbers_are_rounded_to_thousands_not_cut(number: int, told: str) -> None:
    assert in_thousands(number) == told


def test_a_reading_after_the_study_was_scored_is_counted(mission: Path) -> None:
    study = read_study(mission)
    later = {**study.readings[-1], "reason": "calibration on the test fold"}
    assert "has been read twice, this study included" in told_of_readings(study)
    grown = replace(study, readings=(*study.readings, later))
    assert "has been read three times, this study included" in told_of_readings(grown)


def test_the_summary_says_what_intervals_on_the_test_fold_are_worth(mission: Path) -> None:
    study = read_study(mission)
    (figure,) = (block for block in summary(study) if isinstance(block, Figure))
    assert "Fold 1 holds 40 recordings, 4 in each category" in figure.caption
    lone = next(row["recording"] for row in study.clips if row["fold"] == "1")
    one = {(r["category"], r["recording"]) for r in study.clips if r["recording"] == lone}
    ((name, _),) = one
    clips = tuple(
        row | ({"recording": lone} if (row["category"], row["fold"]) == (name, "1") else {})
        for row in study.clips
    )
    (figure,) = (b for b in summary(replace(study, clips=clips)) if isinstance(b, Figure))
    assert f"Fold 1 holds 37 recordings, in some categories as few as 1 ({name})" in figure.caption


def test_what_comparing_sounds_found_stands_beside_what_names_promise(mission: Path) -> None:
    study = read_study(mission)
    assert audited(study) == ""
    found = read_answer(PUBLISHED / "evidence" / "audit.json", "audit")
    said = audited(replace(study, evidence={"audit": found}))
    (pair,) = found.across(equal=False)
    assert f"one sound that two clips of different folds share for {pair.shared_s:.1f} s" in said
    assert f"{len(found.authors_astray)} of {found.authors} authors in two folds" in said
    assert "left closed" not in said
    clean = replace(found, matches=(), authors_astray=(), compared=(2, 3, 4, 5))
    said = audited(replace(study, evidence={"audit": clean}))
    assert said.endswith("the test fold left closed, found no sound in two folds.")


def told_of_readings(study: Study) -> str:
    return " ".join(str(block) for block in protocol(study) if isinstance(block, Paragraph))
