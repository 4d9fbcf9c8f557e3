import re
from dataclasses import replace
from pathlib import Path

import pytest

from auricle.report.document import Figure
from auricle.report.front import in_thousands, shared_texture, summary
from auricle.report.study_files import read_study

PUBLISHED = Path(__file__).parents[2] / "reports" / "esc10"


@pytest.mark.parametrize(
    ("number", "told"),
    [(999, "999"), (1_000, "1k"), (299_530, "300k"), (548_490, "548k"), (1_083_456, "1,083,456")],
)
def test_numbers_are_rounded_to_thousands_not_cut(number: int, told: str) -> None:
    assert in_thousands(number) == told


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


def test_what_all_answers_share_is_told(mission: Path) -> None:
    said = shared_texture(read_study(mission))
    assert said == "50% of each answer is a texture's, which all share ([@texture])."
    published = shared_texture(read_study(PUBLISHED))
    assert re.search(
        r"by base and head alone accuracies go from [\d.]+% \(.*\) to [\d.]+%", published
    )
