"""What the chapter of methods says is what the recipes hold."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from auricle.report.document import Paragraph
from auricle.report.methods import heads, methods, training
from auricle.report.study_files import Study, read_study

REPORTS = Path(__file__).parents[2] / "reports"
PUBLISHED = sorted(found.parent for found in REPORTS.glob("*/scores.json"))


def said(study: Study) -> str:
    return " ".join(block.text for block in heads(study) if isinstance(block, Paragraph))


def with_encoders(study: Study, *changes: dict[str, Any]) -> Study:
    """The study as its recipes would be with encoders changed in turn; None takes a key away."""
    configurations = []
    for at, recipe in enumerate(study.plan["configurations"]):
        encoder = recipe["network"]["encoder"] | changes[at % len(changes)]
        encoder = {key: value for key, value in encoder.items() if value is not None}
        configurations.append(recipe | {"network": recipe["network"] | {"encoder": encoder}})
    return replace(study, plan=study.plan | {"configurations": configurations})


@pytest.mark.parametrize(
    ("changes", "gain", "share"),
    [
        ([{}], "0.1", "0.2"),
        ([{"dropout": 0.35, "position_gain": 2.5}], "2.5", "0.35"),
        ([{"dropout": None, "position_gain": None}], "1", "0"),  # from before these were keys
        ([{}, {"dropout": None, "position_gain": None}], "0.1 and 1", "0 and 0.2"),
    ],
)
def test_dropout_and_the_gain_of_positions_are_those_of_the_recipes(
    mission: Path, changes: list[dict[str, Any]], gain: str, share: str
) -> None:
    told = said(with_encoders(read_study(mission), *changes))
    assert f"multiplied by {gain};" in told
    assert f"leaves out a share of {share} of what a block adds" in told


def test_a_recipe_that_all_share_is_said_to_be_shared(mission: Path) -> None:
    study = read_study(mission)
    assert "All configurations share them, the learning rate too" in in_all(study)
    assert "tried without an encoder" not in in_all(study)
    assert "tried without an encoder ([@tried])" in in_all(replace(study, tried=({},)))
    first, *others = study.plan["configurations"]
    slower = first | {"training": first["training"] | {"learning_rate": 0.001}}
    apart = replace(study, plan=study.plan | {"configurations": [slower, *others]})
    assert "All configurations share them" not in in_all(apart)
    alone = replace(study.scores, configurations=study.configurations[:1])
    assert "All configurations share them" not in in_all(replace(study, scores=alone))


def in_all(study: Study) -> str:
    return " ".join(block.text for block in training(study) if isinstance(block, Paragraph))


@pytest.mark.parametrize("run", PUBLISHED, ids=lambda run: run.name)
def test_a_published_study_can_still_be_told(run: Path) -> None:
    study = read_study(run)
    assert [*methods(study)]
    assert "leaves out a share of" in said(study)
