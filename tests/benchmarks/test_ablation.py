import csv
import json
import re
import tomllib

import numpy as np
import pytest

from benchmarks import ablation


@pytest.fixture(scope="module")
def told() -> ablation.Line:
    order = tomllib.loads(ablation.ORDER.read_text(encoding="utf-8"))
    return ablation.with_rows(order, ablation.read(ablation.JOURNAL))


def test_the_page_is_the_one_that_its_journal_makes(told) -> None:
    assert ablation.page(told) == ablation.PAGE.read_text(encoding="utf-8")


def test_a_line_holds_the_class_of_every_clip_and_the_accuracy_that_follows() -> None:
    lines = ablation.read(ablation.JOURNAL)
    clips = ablation.development_clips(lines)  # refuses a line whose accuracy is another
    assert {len(line["predicted"]) for line in lines} == {len(clips.targets)}


def test_what_differs_is_named_with_its_value() -> None:
    reference = {"training": {"views": 3}, "network": {"base": {"kernels": [7, 5]}}}
    recipe = {"training": {"views": 2}, "network": {"base": {"kernels": [7, 5, 3]}}}
    assert ablation.differences(recipe, reference) == "views 2, base.kernels 7x5x3"
    assert ablation.differences(reference, reference) == "-"


def test_a_row_that_lacks_a_fold_is_not_added(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(ablation, "line_of", lambda row, folders, environment: (row, len(folders)))
    (tmp_path / "environment.json").write_text("{}", encoding="utf-8")
    for fit in ("whole/kfold/fold-2", "whole/kfold/fold-3", "half/kfold/fold-2"):
        folder = tmp_path / fit / "seed-0"
        folder.mkdir(parents=True)
        (folder / "fit.json").write_text("{}", encoding="utf-8")

    assert [*ablation.lines_of(tmp_path)] == [("whole", 2)]


def test_a_row_that_is_added_again_replaces_its_line(tmp_path, monkeypatch) -> None:
    journal = tmp_path / "journal.jsonl"
    journal.write_text(
        "".join(json.dumps({"row": row, "seed": 0, "accuracy": 0}) + "\n" for row in "ab")
    )
    monkeypatch.setattr(ablation, "lines_of", lambda run: [{"row": "a", "seed": 0, "accuracy": 1}])
    assert ablation.add(tmp_path, journal, "a commit") == 1
    found = {line["row"]: line["accuracy"] for line in ablation.read(journal)}
    assert found == {"a": 1, "b": 0}


def test_scaling_takes_softness_away_and_nothing_else() -> None:
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8], [0.4, 0.6], [0.7, 0.3]])
    targets = np.array([0, 1, 0, 0])
    sharp = ablation.scaled_log_loss(probabilities, targets)
    softer = np.sqrt(probabilities) / np.sqrt(probabilities).sum(1, keepdims=True)
    assert ablation.scaled_log_loss(softer, targets) == pytest.approx(sharp, abs=1e-5)
    unscaled = -np.log(probabilities[np.arange(4), targets]).mean()
    assert sharp < unscaled
    assert ablation.scaled_log_loss(probabilities, 1 - targets) > unscaled


def test_a_report_gets_the_rows_of_the_page(told) -> None:
    rows = list(csv.DictReader(ablation.tried_csv(told).splitlines()))
    page = ablation.page(told)
    order = tomllib.loads(ablation.ORDER.read_text(encoding="utf-8"))
    assert len(rows) == sum(1 + len(section["rows"]) for section in order["sections"])
    for row in rows:
        cells = [row["name"], row["differs"], row["seeds"], f"{100 * float(row['accuracy']):.1f} ["]
        assert " | ".join(cells) in page


def test_sections_that_say_their_arithmetic_say_it_truly() -> None:
    order = tomllib.loads(ablation.ORDER.read_text(encoding="utf-8"))
    by_row = {line["row"]: line["precision"] for line in ablation.read(ablation.JOURNAL)}
    titles = [section["title"] for section in order["sections"]]
    first, last = titles.index("Frames a step"), titles.index("Encoder on the wider base")
    assert (
        f'to "{titles[last]}" ran on a processor without bf16' in order["sections"][first]["says"]
    )
    for at, section in enumerate(order["sections"]):
        rows = [section["reference"], *(row["name"] for row in section["rows"])]
        expected = "float32" if first <= at <= last else "bf16"
        assert {by_row[row] for row in rows} == {expected}, section["title"]


def test_sentences_that_name_a_section_name_one_that_is_there() -> None:
    text = ablation.PAGE.read_text(encoding="utf-8")
    titles = re.findall(r"^## (.*)$", text, re.MULTILINE)
    named = re.findall(r'"([A-Z][^"]*)"', text)
    assert named
    assert {*named} <= {*titles}
