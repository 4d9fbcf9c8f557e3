"""What configurations differ in, and what a search makes of their scores."""

import copy
from dataclasses import replace
from pathlib import Path

import pytest

from auricle.report.chapters import subtitle
from auricle.report.front import cards, question
from auricle.report.groups import (
    but_for_heads,
    kindness,
    one_texture,
    pairs_that_tell,
    searched,
    with_owners,
)
from auricle.report.headlines import out_of_fold
from auricle.report.observations import observations, quoted
from auricle.report.study_files import Study, read_study
from auricle.report.wording import percent

PUBLISHED = Path(__file__).parents[2] / "reports" / "esc10"
TUNED = ["cnn-tuned", "transformer-tuned"]


@pytest.fixture(scope="module")
def published() -> Study:
    return read_study(PUBLISHED)


def test_configurations_that_share_all_but_the_head_need_no_word(mission: Path) -> None:
    study = read_study(mission)
    assert (pairs_that_tell(study), kindness(study), searched(study)) == ("", "", [])
    assert one_texture(study)
    assert subtitle(study).endswith("under a transformer encoder of 1, 2 and 4 attention heads")


def test_a_pair_that_differs_in_more_is_said_to_tell_of_all_that(mission: Path) -> None:
    study = read_study(mission)
    recipes = copy.deepcopy(study.plan["configurations"])
    recipes[-1]["network"]["base"] |= {"widths": [8, 8, 8]}
    recipes[-1]["training"] |= {"warm_up": 0.4}
    changed = replace(study, plan=study.plan | {"configurations": recipes})
    assert pairs_that_tell(changed) == (
        "Only pairs of `cnn`, `transformer-h1` and `transformer-h2` differ in nothing but the "
        "head. Others differ in base and training too, or in some of these, and tell of all that "
        "together."
    )
    assert [each.name for each in but_for_heads(changed)] == ["transformer-h1", "transformer-h2"]
    recipes[-1]["network"]["frontend"] |= {"floor_db": -35.0}
    assert not one_texture(replace(study, plan=study.plan | {"configurations": recipes}))


def test_what_a_search_found_is_said_to_be_picked_on_these_clips(published: Study) -> None:
    assert searched(published) == TUNED
    assert "`cnn-tuned` and `transformer-tuned` were picked by searches" in kindness(published)
    assert "differ in front-end, base, training and augmentation" in pairs_that_tell(published)
    assert subtitle(published).endswith("of 1, 2 and 4 attention heads, and what searches found")
    assert "number of its attention heads matter" in question(published)


def test_what_two_machines_trained_is_said_to_differ_by_that(mission: Path) -> None:
    study = read_study(mission)
    assert "**Machines.**" not in " ".join(observations(study))
    moved = replace(study, environment=study.environment | {"processor": "One, resumed on Other"})
    assert "**Machines.** The fits ran on more than one" in " ".join(observations(moved))


def test_the_test_fold_picks_no_best(published: Study) -> None:
    (validated, first, _), (tested, second, holder), *_ = cards(published)
    assert validated.startswith("highest accuracy, out-of-fold")
    assert tested.startswith("accuracy, test fold")
    view = out_of_fold(published)
    assert view is not None
    assert first == f"{percent(max(s.value for s in quoted(published, view).values()))}%"
    best = published.scores.best.out_of_fold
    assert str(best) in holder
    (own,) = (each for each in published.configurations if each.name == best)
    row = own.quoted("refit", "all", "test")
    assert row is not None
    assert second == f"{percent(row.accuracy.value)}%"


def test_a_value_of_one_configuration_is_told_with_whose_it_is() -> None:
    assert with_owners({"a": "1", "b": "1"}) == "1"
    assert with_owners({"a": "1", "b": "2", "c": "1"}) == "1 (2 in `b`)"
