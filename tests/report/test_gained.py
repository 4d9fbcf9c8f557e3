"""What searches gained is told against what no search has touched, and from its side."""

import copy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from auricle.report.document import Paragraph, Table
from auricle.report.gained import gained
from auricle.report.study_files import Study, read_study

NAMES = ("cnn", "transformer-h4")
RATE = 0.005


@pytest.fixture(scope="module")
def written(write: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Study:
    folder = tmp_path_factory.mktemp("searched") / "study"
    return read_study(write(folder, categories=("bell", "door"), names=NAMES, per_fold=4))


def with_find(
    study: Study, changes: dict[str, Any], p_holm: float = 0.4, gain: float = 0.02
) -> Study:
    """The same with `cnn-tuned`, of a search elsewhere, and its gain over `cnn`."""
    recipe = copy.deepcopy(study.recipe("cnn")) | {"name": "cnn-tuned"} | changes
    plan = study.plan | {"configurations": [*study.plan["configurations"], recipe]}
    find = replace(study.configurations[0], name="cnn-tuned")
    (pair,) = study.scores.comparisons
    pair = replace(
        pair, first="cnn", second="cnn-tuned", difference=-gain, low=-0.05, high=0.01, p_holm=p_holm
    )
    scores = replace(
        study.scores,
        configurations=(*study.configurations, find),
        comparisons=(*study.scores.comparisons, pair),
    )
    search: Any = SimpleNamespace(
        kept=False,
        has_values=lambda recipe: recipe["name"] == "cnn-tuned",
        environment={"processor": "another one"},
    )
    return replace(study, plan=plan, scores=scores, tunings=(search,))


def told(study: Study) -> tuple[str, Table]:
    blocks = list(gained(study))
    (table,) = (block for block in blocks if isinstance(block, Table))
    return " ".join(block.text for block in blocks if isinstance(block, Paragraph)), table


def test_a_find_is_held_against_the_best_of_its_kind_that_ships(written: Study) -> None:
    text, table = told(with_find(written, {"training": {"learning_rate": RATE}}))
    (row,) = table.rows
    assert row[:4] == ["`cnn-tuned`", "`cnn`", "+2.0 [−1.0,\u00a0+5.0]", "0.400"]
    assert "nothing that they found can be told apart from the best that no search" in text
    assert "alone" not in text
    assert "The searches ran on another one" in text


@pytest.mark.parametrize(("gain", "word"), [(0.02, "better"), (-0.02, "worse")])
def test_what_is_beyond_chance_is_named_with_its_direction(
    written: Study, gain: float, word: str
) -> None:
    text, _ = told(with_find(written, {}, p_holm=0.01, gain=gain))
    assert f"In accuracy, beyond chance, `cnn-tuned` is {word} than `cnn`" in text


@pytest.mark.parametrize(
    ("here", "says"),
    [
        ("another one", ""),
        ("a third, scored anew on another one", "the fits of the study on a third and another one"),
        ("", ""),
    ],
)
def test_the_machines_are_told_where_they_are_not_one(written: Study, here: str, says: str) -> None:
    environment = written.environment | {"processor": here}
    text, _ = told(replace(with_find(written, {}), environment=environment))
    assert ("processor" in text) == bool(says)
    assert says in text


def test_a_recipe_that_a_search_kept_is_no_find(written: Study) -> None:
    study = with_find(written, {})
    (search,) = study.tunings
    search.kept = True  # type: ignore[misc]
    assert not list(gained(study))


def test_a_find_with_another_base_alone_is_told_to_be_that(written: Study) -> None:
    network = written.recipe("cnn").get("network", {}) | {"base": {"widths": [4, 4]}}
    text, _ = told(with_find(written, {"network": network}))
    assert "`cnn-tuned` differs from `cnn` in front-end and base alone" in text


def test_without_a_find_there_is_nothing_to_tell(written: Study) -> None:
    assert not list(gained(written))
