from typing import Any

import pytest

from auricle.evidence.doubts import ClassErrors, Doubted, DoubtsFound
from auricle.report.answers import doubts
from auricle.report.document import Bullets, Paragraph, Table


def of_class(name: str, wrong: int = 0, **changed: Any) -> ClassErrors:
    values: dict[str, Any] = {
        "clips": 32, "recordings": 20, "wrong": wrong, "wrong_recordings": wrong,
        "taken_for": (("helicopter", wrong),) if wrong else (), "error": wrong / 32,
        "usually_for": "helicopter" if wrong else None,
    }  # fmt: skip
    return ClassErrors(category=name, **(values | changed))


def doubt(file: str = "rain/a.wav") -> Doubted:
    return Doubted(
        file=file, label="rain", answer="sea_waves", networks=5, confidence=0.95, usual=0.9
    )


def found_with(
    *classes: ClassErrors, doubted: tuple[Doubted, ...] = (), networks: int = 6
) -> DoubtsFound:
    return DoubtsFound(networks=networks, clips=320, doubted=doubted, classes=classes)


def said(found: DoubtsFound) -> str:
    parts: list[str] = []
    for block in doubts.section(found):
        if isinstance(block, Paragraph):
            parts.append(block.text)
        if isinstance(block, Bullets):
            parts += block.items
    return " ".join(parts)


def test_without_doubts_there_is_no_table_of_them() -> None:
    found = found_with(of_class("rain"))
    assert "No label is in doubt." in said(found)
    (table,) = [block for block in doubts.section(found) if isinstance(block, Table)]
    assert table.name == "doubts-classes"
    assert table.rows == [["rain", "32", "20", "0", "0", "–", "0.0", "–"]]


def test_doubted_clips_are_listed_with_label_answer_agreement_and_confidence() -> None:
    found = found_with(of_class("rain"), doubted=(doubt("rain/a*.wav"),))
    assert "One label is in doubt ([@doubts-table])" in said(found)
    table = next(block for block in doubts.section(found) if isinstance(block, Table))
    assert table.rows == [["rain/a\\*.wav", "rain", "sea waves", "5 of 6", "95.0", "90.0"]]
    assert "more stand in" not in table.note


def test_a_long_list_is_cut_and_says_where_the_rest_is() -> None:
    found = found_with(of_class("rain"), doubted=(doubt(),) * (doubts.ROWS + 3))
    table = next(block for block in doubts.section(found) if isinstance(block, Table))
    assert len(table.rows) == doubts.ROWS
    assert "3 more stand in `evidence/doubts.json`" in table.note


def test_a_single_network_is_a_weak_witness() -> None:
    assert "weak witness" in said(found_with(of_class("rain"), networks=1))
    assert "weak witness" not in said(found_with(of_class("rain"), networks=2))


def test_errors_are_told_with_what_they_were_taken_for_and_from_how_many_recordings() -> None:
    text = said(found_with(of_class("chainsaw", 3, wrong_recordings=2), of_class("rain")))
    assert (
        "**chainsaw**: 3 of 32 clips wrong, all taken for helicopter, from 2 of 20 recordings."
        in text
    )
    assert "Of rain fewer than three clips are wrong" in text


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"wrong_recordings": 2}, "sit in few recordings"),
        ({}, "hard to tell apart: more recordings of dog and of helicopter"),
        ({"taken_for": (("a", 2), ("b", 2), ("c", 2))}, "likely help little"),
        ({"taken_for": (("a", 2), ("b", 2), ("c", 2)), "recordings": 8}, "more of any kind"),
    ],
)
def test_advice_follows_from_where_the_errors_are(changed: dict[str, Any], says: str) -> None:
    others = (of_class("rain"), of_class("rooster"))
    assert says in said(found_with(of_class("dog", 6, **changed), *others))


def test_doubted_labels_of_a_class_are_to_be_heard_first() -> None:
    text = said(found_with(of_class("rain", 4), doubted=(doubt(), doubt("rain/b.wav"))))
    assert "Listen first to the two clips whose label is in doubt." in text
    assert "Listen first" not in said(found_with(of_class("rain", 4)))
