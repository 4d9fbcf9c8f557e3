from dataclasses import replace
from pathlib import Path

from auricle.evidence.command import read_answer
from auricle.report.basis import audited, protocol
from auricle.report.document import Paragraph
from auricle.report.study_files import Study, read_study

PUBLISHED = Path(__file__).parents[2] / "reports" / "esc10"


def test_a_reading_after_the_study_was_scored_is_counted(mission: Path) -> None:
    study = read_study(mission)
    later = {**study.readings[-1], "reason": "calibration on the test fold"}
    assert "has been read twice, this study included" in told_of_readings(study)
    grown = replace(study, readings=(*study.readings, later))
    assert "has been read three times, this study included" in told_of_readings(grown)


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
