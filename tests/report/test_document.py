"""Markup, labels and numbers as text."""

from dataclasses import replace

import pytest

from auricle.report import wording
from auricle.report.document import (
    Column,
    Document,
    Either,
    Figure,
    Heading,
    Table,
    code,
    groups,
    number,
    plain,
    runs,
    sourced,
    spread,
)
from auricle.report.scores import Bounded


def styles(text: str) -> list[tuple[str, str]]:
    return [(run["style"], run["text"]) for run in runs(text, {"t": "Table 1"})]


def test_markup_becomes_runs() -> None:
    assert styles("a *b* **c** `d` [e](https://f)") == [
        ("plain", "a "),
        ("emphasis", "b"),
        ("plain", " "),
        ("strong", "c"),
        ("plain", " "),
        ("code", "d"),
        ("plain", " "),
        ("link", "e"),
    ]
    assert styles("see [@t].") == [("plain", "see "), ("reference", "Table 1"), ("plain", ".")]


@pytest.mark.parametrize("name", ["*.wav", "**bold**", "a`b`c", "[x](y)", "back\\slash", "[@t]"])
def test_names_of_files_stay_as_they_are(name: str) -> None:
    assert styles(plain(name)) == [("plain", name)]
    assert styles(code(name)) == [("code", name)]


def test_blocks_are_numbered_by_kind() -> None:
    blocks = (
        Heading("One", 1, "one"),
        Table("t1", "", [Column("a")], []),
        Heading("Sub", 2, "sub"),
        Figure("f1", "", "", ""),
        Heading("Two", 1, "two"),
        Table("t2", "", [Column("a")], []),
    )
    document = Document("", "", "", "", blocks)
    assert number(document) == {
        "one": "Section 1",
        "t1": "Table 1",
        "sub": "Section 1.1",
        "f1": "Figure 1",
        "two": "Section 2",
        "t2": "Table 2",
    }
    assert [block["kind"] for block in spread(document, "page")][:2] == ["heading", "table"]


def test_paper_and_page_number_what_each_shows() -> None:
    long, short = (Table(name, name, [Column("a")], []) for name in ("long", "short"))
    last = Table("last", "", [Column("a")], [])
    named = replace(last, name="told")
    either = Either([Heading("In full", 2, "full"), long, named], [short])
    blocks = tuple(sourced((Heading("One", 1, "one"), either, last), "rows.csv"))
    document = Document("", "", "", "", blocks)
    shown = {m: [*spread(document, m)] for m in ("page", "paper")}
    assert [b["name"] for b in shown["page"]] == ["one", "full", "long", "told", "last"]
    assert [b["name"] for b in shown["paper"]] == ["one", "short", "last"]
    assert [shown[m][-1]["label"] for m in ("page", "paper")] == ["Table 3", "Table 2"]
    assert {b["source"] for m in shown for b in shown[m] if b["kind"] == "table"} == {"rows.csv"}


def test_columns_with_one_group_share_a_heading() -> None:
    columns = [Column("a"), Column("b", "x"), Column("c", "x"), Column("d", "y")]
    assert [(g["title"], g["span"]) for g in groups(columns)] == [("", 1), ("x", 2), ("y", 1)]
    assert groups([Column("a"), Column("b")]) == []


def test_numbers_are_written_one_way() -> None:
    assert wording.percent(0.9281) == "92.8"
    assert wording.with_interval(Bounded(0.928, 0.901, 0.95)) == "92.8 [90.1,\u00a095.0]"
    assert wording.with_interval(Bounded(0.928)) == "92.8"
    assert wording.points(-0.012) == "−1.2"
    assert wording.points(-0.0001) == "+0.0"
    assert wording.signed(-0.0123) == "−0.012"
    assert wording.signed(-0.0001) == "+0.000"
    assert wording.probability(0.0004) == "< 0.001"
    assert wording.probability(0.0414) == "0.041"
    assert wording.minutes(90) == "1.5"
    assert wording.count(1083456) == "1,083,456"
    assert wording.listed(["a", "b", "c"]) == "a, b and c"
    assert wording.listed(["a", "b"]) == "a and b"
    assert wording.plural(1, "category", "categories") == "1 category"
