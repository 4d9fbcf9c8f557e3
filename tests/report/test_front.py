from dataclasses import replace
from pathlib import Path

import pytest

from auricle.report.document import Paragraph
from auricle.report.front import in_thousands, protocol
from auricle.report.study_files import Study, read_study


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


def told_of_readings(study: Study) -> str:
    return " ".join(str(block) for block in protocol(study) if isinstance(block, Paragraph))
