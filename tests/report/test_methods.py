"""What the chapter of methods says is what the recipes hold."""

import copy
import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from auricle.report import architectures, plots
from auricle.report.closing import assumptions, references
from auricle.report.curve_ends import ending
from auricle.report.document import Block, Bullets, Paragraph, Table
from auricle.report.methods import heads, methods, parameter_table
from auricle.report.observations import observations
from auricle.report.procedure import MEANINGS, training
from auricle.report.results import curves
from auricle.report.study_files import Study, read_study
from auricle.study.recipe import read_recipe

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
        (
            [{}, {"dropout": None, "position_gain": None}],
            "1 (0.1 in `transformer-h2`)",
            "0 (0.2 in `transformer-h2`)",
        ),
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


def words_of(blocks: Iterable[Block]) -> str:
    said = {Paragraph: lambda block: block.text, Bullets: lambda block: " ".join(block.items)}
    return " ".join(said[type(block)](block) for block in blocks if type(block) in said)


def without_texture(study: Study) -> Study:
    """The study as it would be if its networks had no such part."""
    found = [
        replace(
            each,
            parameters={name: size for name, size in each.parameters.items() if name != "texture"},
            layers=tuple(row for row in each.layers if row.part not in ("texture", "joined")),
        )
        for each in study.configurations
    ]
    fits = [
        replace(fit, history={k: v for k, v in fit.history.items() if "events" not in k})
        for fit in study.fits
    ]
    scores = replace(study.scores, configurations=tuple(found))
    return replace(study, scores=scores, fits=tuple(fits))


def test_the_texture_is_told_as_the_recipe_has_it(mission: Path) -> None:
    told = words_of(methods(read_study(mission)))
    assert "It has four parts" in told
    assert "32 bands, windows of 8 ms, a step every 2.5 ms, against 20 ms of the front-end" in told
    assert "described by statistics, 866 in all" in told
    assert "stays below for 5, 25, 50, 75, 95 and 99% of the time" in told
    assert "from 0.4 to 200 Hz" in told
    assert "*α* being 0.5" in told
    assert "Base and head of every network start from new weights" in told


def test_of_networks_without_texture_nothing_of_it_is_told(mission: Path) -> None:
    study = without_texture(read_study(mission))
    blocks = [*methods(study), *curves(study), *assumptions(study), *references(study)]
    told = words_of(blocks)
    assert "It has three parts" in told
    assert "All networks start from new weights" in told
    assert "exture" not in told
    assert "LBFGS" not in str(blocks)


def test_curves_that_begin_high_are_explained(mission: Path) -> None:
    study = read_study(mission)
    told = words_of(curves(study))
    assert "The texture is solved on the training clips before the first epoch" in told
    assert "what both say together (dotted) begins high" in told
    older = replace(study, fits=without_texture(study).fits)  # before parts were scored alone
    assert "training accuracy begins high" in words_of(curves(older))


def test_curves_and_their_ends_are_of_what_the_epochs_train(mission: Path) -> None:
    study = read_study(mission)
    fits = study.fits_of("cnn", "kfold")
    whole = without_texture(study).fits_of("cnn", "kfold")
    assert ending(fits).val - ending(whole).val == pytest.approx(0.1)
    assert plots.highest_loss(fits) > plots.highest_loss(whole)
    assert "base and head without the texture" in " ".join(observations(study))
    assert "validation, with texture" in plots.learning_curves("cnn", fits, 3)
    assert "with texture" not in plots.learning_curves("cnn", whole, 3)


def test_what_solves_the_texture_is_listed_among_the_ready_made(mission: Path) -> None:
    study = read_study(mission)
    assert "LBFGS" in str([*assumptions(study)])
    assert "McDermott" in str([*references(study)])


def test_a_configuration_on_a_base_of_its_own_is_told_apart(mission: Path) -> None:
    study = read_study(mission)
    *others, last = study.configurations
    assert "What follows tells of the front-end" not in words_of(methods(study))
    apart = replace(last, layers=last.layers[1:])
    scores = replace(study.scores, configurations=(*others, apart))
    told = words_of(methods(replace(study, scores=scores)))
    assert f"`{last.name}` has another, whose values" in told
    assert "All but the head is the same" not in told


def test_settings_have_a_column_for_each_group_that_agrees(mission: Path) -> None:
    def settings(study: Study) -> Table:
        found = [b for b in training(study) if isinstance(b, Table) and b.name == "settings"]
        return found[0]

    study = read_study(mission)
    assert [column.title for column in settings(study).columns][3:] == ["value"]
    assert "bands" not in str(settings(study).rows[-1])
    recipes = copy.deepcopy(study.plan["configurations"])
    *others, last = recipes
    last["network"]["frontend"]["bands"] = 96
    changed = settings(replace(study, plan=study.plan | {"configurations": recipes}))
    names = "\n".join(each["name"] for each in others)
    assert [column.title for column in changed.columns][3:] == [names, last["name"]]
    assert changed.rows[-1] == ["`bands`", "frontend", "of a spectrum", "**64**", "**96**"]


def test_every_setting_is_explained() -> None:
    recipe = read_recipe("cnn")
    settings = {*vars(recipe.training), *vars(recipe.augment)}
    assert {*MEANINGS} >= settings
    network = recipe.network
    values = {*vars(network), *vars(network.frontend), *vars(network.base), *vars(network.encoder)}
    assert {*MEANINGS} - settings <= values


def test_a_deep_network_is_drawn_on_one_page(mission: Path) -> None:
    shallow = read_study(mission).configurations[-1]
    deep = replace(shallow, layers=(*shallow.layers, *shallow.layers))
    heights = [
        float(re.search(r'height="([\d.]+)pt"', architectures.network(each, "160,000"))[1])  # type: ignore[index]
        for each in (shallow, deep)
    ]
    page_pt = 297 / 25.4 * 72
    assert heights[0] < heights[1] < 0.8 * page_pt


def test_the_parts_of_a_network_are_counted_to_its_total(mission: Path) -> None:
    table = parameter_table(read_study(mission))
    places = [(column.group, column.title) for column in table.columns]
    assert places[1:] == [
        ("front-end", "fixed"),
        ("base", "trainable"),
        ("head", "trainable"),
        ("texture", "trainable"),
        ("texture", "fixed"),
        ("total", "trainable"),
        ("total", "fixed"),
    ]
    for row in table.rows:
        for kind in ("trainable", "fixed"):
            sizes = [
                int(cell.replace(",", ""))
                for cell, (_, title) in zip(row, places, strict=True)
                if title == kind
            ]
            assert sum(sizes[:-1]) == sizes[-1] > 0
