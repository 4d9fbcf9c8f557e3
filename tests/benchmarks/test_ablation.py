import csv
import json
import tomllib

import numpy as np
import pytest

from benchmarks import ablation


def test_the_page_is_the_one_that_its_journal_makes() -> None:
    order = tomllib.loads(ablation.ORDER.read_text(encoding="utf-8"))
    made = ablation.page(ablation.read(ablation.JOURNAL), order)
    assert made == ablation.PAGE.read_text(encoding="utf-8")


def test_a_line_holds_the_class_of_every_clip_and_the_accuracy_that_follows() -> None:
    lines = ablation.read(ablation.JOURNAL)
    clips = ablation.development_clips(lines)  # refuses a line whose accuracy is another
    assert {len(line["predicted"]) for line in lines} == {len(clips.targets)}


def test_what_differs_is_named_with_its_value() -> None:
    reference = {"training": {"views": 3}, "network": {"base": {"kernels": [7, 5]}}}
    recipe = {"training": {"views": 2}, "network": {"base": {"kernels": [7, 5, 3]}}}
    assert ablation.differences(recipe, reference) == "views 2, base.kernels 7x5x3"
    assert ablation.differences(reference, reference) == "-"


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


def test_a_design_finds_the_effects_that_its_rows_were_made_with() -> None:
    generator = [1, 1, 1, 0, 1, 0, 0]  # eight rows, seven factors: Plackett and Burman
    rows = [generator[at:] + generator[:at] for at in range(7)] + [[0] * 7]
    true = [0.05, -0.03, 0.001, 0.0, -0.002, 0.001, 0.0]
    lines = [
        {
            "row": f"design-{at}",
            "recipe": {"augment": {f"part{n}": float(on) for n, on in enumerate(row)}},
            "log_loss_scaled": 0.2 + float(np.dot(row, true)),
            "accuracy": 0.9 - float(np.dot(row, true)),
        }
        for at, row in enumerate(rows)
    ]
    for line in lines:  # two values that change together are one factor
        line["recipe"]["augment"]["with0"] = line["recipe"]["augment"]["part0"] + 1

    effects, margin = ablation.effects_of(lines, "design-7")

    assert [effect.factor for effect in effects[:2]] == ["part0, with0", "part1"]
    assert (effects[0].low, effects[0].high) == ("0.0, 1.0", "1.0, 2.0")
    assert effects[0].log_loss == pytest.approx(0.05)
    assert effects[0].accuracy == pytest.approx(-0.05)
    assert 0.002 < margin < 0.03


def test_a_report_gets_the_rows_of_the_page() -> None:
    lines = ablation.read(ablation.JOURNAL)
    order = tomllib.loads(ablation.ORDER.read_text(encoding="utf-8"))
    rows = list(csv.DictReader(ablation.tried_csv(lines, order).splitlines()))
    page = ablation.page(lines, order)
    wanted = sum(1 + len(section["rows"]) for section in order["sections"])
    assert len(rows) == wanted
    for row in rows:
        cells = [row["name"], row["differs"], row["seeds"], f"{100 * float(row['accuracy']):.1f} ["]
        assert " | ".join(cells) in page
