"""Each part of a network asked alone, held against the study's own scores."""

import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from auricle.evidence import texture
from auricle.evidence.texture import BOTH, EVENTS, TEXTURE, averaged_of
from auricle.network.texture import TextureConfig


@pytest.fixture(scope="module")
def found(opening):
    return texture.measure(opening())


def scores_of(tools, run, name, seeds):
    """Accuracy and log loss of a configuration's pooled `kfold`, as means over seeds."""
    (own,) = (each for each in tools.scores_of(run)["configurations"] if each["name"] == name)
    rows = [
        row
        for row in own["scores"]
        if (row["strategy"], row["member"]) == ("kfold", "pooled") and row["seed"] in seeds
    ]
    assert len(rows) == len(seeds)
    return np.mean([row["accuracy"]["value"] for row in rows]), np.mean(
        [row["log_loss"] for row in rows]
    )


def test_both_together_have_the_scores_of_the_study_over_all_seeds(found, tools, tiny_study):
    assert [each.configuration for each in found.configurations] == ["cnn", "transformer-h2"]
    assert (found.categories, found.clips) == (("bell", "horn", "siren"), (8, 8, 8))
    for each in found.configurations:
        assert (each.seeds, each.share) == (2, 0.5)
        accuracy, log_loss = scores_of(tools, tiny_study, each.configuration, ("0", "1"))
        assert each.both.accuracy.value == pytest.approx(accuracy)
        assert each.both.log_loss == pytest.approx(log_loss, rel=1e-5)


def test_pairs_are_compared_by_events_alone(found, opened):
    (pair,) = found.pairs
    assert (pair.first, pair.second) == ("cnn", "transformer-h2")
    one, other = (each.events.accuracy.value for each in found.configurations)
    assert pair.comparison.difference == pytest.approx(one - other)
    right = np.array([[True] * 24]), np.array([[False] * 24])
    (worst,) = texture.pairs_of(opened.subjects[0], dict(zip("ab", right, strict=True)))
    assert worst.comparison.difference == 1
    assert worst.p_holm < 0.05


def test_a_seeds_texture_answers_alike_in_every_configuration(opened, opening):
    alone = [
        [
            texture.answers_of(opened, subject)[TEXTURE]
            for _, subject in texture.with_weights(opened, recipe)
        ]
        for recipe in opened.plan.configurations
    ]
    assert [len(seeds) for seeds in alone] == [2, 2]
    np.testing.assert_allclose(alone[1], alone[0], atol=1e-5)
    assert np.abs(alone[0][0] - alone[0][1]).max() > 1e-3  # another seed draws other noise


def test_each_part_is_asked_alone(opened):
    subject = opened.subjects[0]
    answers = texture.answers_of(opened, subject)
    for rows, network, waves in subject.batches():
        with torch.no_grad():
            head = network.classify(network.frontend.power(waves))[0].log_softmax(1)
            by_texture = network.texture(network.describe(waves)).log_softmax(1)
        mixed = ((head + by_texture) / 2).log_softmax(1)
        for part, wanted in ((EVENTS, head), (TEXTURE, by_texture), (BOTH, mixed)):
            np.testing.assert_allclose(answers[part, rows], wanted.numpy(), atol=1e-5)


def test_what_is_gained_is_what_is_mended_less_what_is_spoilt(found):
    clips = sum(found.clips)
    for each in found.configurations:
        assert each.gain.difference == pytest.approx(
            each.both.accuracy.value - each.events.accuracy.value
        )
        assert clips * each.gain.difference == pytest.approx(each.mended - each.spoilt)
        assert each.p_holm >= each.gain.p_permutation
        for part in (each.events, each.texture, each.both):  # as many clips in every class
            assert np.mean([of.accuracy for of in part.by_class]) == pytest.approx(
                part.accuracy.value
            )
            assert np.mean([of.log_loss for of in part.by_class]) == pytest.approx(part.log_loss)


def test_a_head_that_is_deaf_is_mended_by_a_texture_that_hears(opened):
    subject = opened.subjects[0]
    for network in subject.networks.values():
        with torch.no_grad():
            network.head.layers[-1].weight.zero_()
            network.head.layers[-1].bias.copy_(torch.tensor([1e-3, 0, 0]))
    answers = texture.answers_of(opened, subject)
    right = answers.argmax(2) == subject.targets
    assert right[EVENTS].mean() == pytest.approx(1 / 3)
    assert right[TEXTURE].mean() > 0.9
    assert (right[BOTH] == right[TEXTURE]).all()


def test_of_networks_without_texture_nothing_is_asked(opened):
    bare = [
        replace(each, network=replace(each.network, texture=TextureConfig(share=0)))
        for each in opened.plan.configurations
    ]
    case = replace(opened, plan=replace(opened.plan, configurations=tuple(bare)))
    assert texture.measure(case).configurations == ()


def test_what_fits_without_weights_answered_is_told_from_their_predictions(
    opened, tiny_study, tmp_path
):
    run = Path(shutil.copytree(tiny_study, tmp_path / "run"))
    recipes = opened.plan.configurations
    asked = texture.every_seed(opened, recipes)
    for file in [*run.glob("cnn/**/weights.safetensors"), *run.glob("t*/**/seed-1/w*.safetensors")]:
        file.unlink()
    case = replace(opened, run=run)

    found = texture.every_seed(case, recipes)

    for recipe in recipes:
        np.testing.assert_allclose(found[recipe.name], asked[recipe.name], atol=1e-3)
    assert [each.remaining for each in texture.measure(case).configurations] == [2, 1]


def test_a_texture_depends_on_what_its_front_end_lets_through(opened):
    recipe = opened.plan.configurations[0]
    frontend = replace(recipe.network.frontend, floor_db=recipe.network.frontend.floor_db + 5)
    other = replace(recipe, network=replace(recipe.network, frontend=frontend))
    assert texture.learnt_by(other) != texture.learnt_by(recipe)
    assert texture.learnt_by(replace(recipe, name="other")) == texture.learnt_by(recipe)
    first, second = (texture.solved(opened, each, 0) for each in (recipe, other))
    assert np.abs(first - second).max() > 1e-3


def test_two_seeds_are_averaged_as_events_and_texture_are() -> None:
    subject = SimpleNamespace(targets=np.array([0, 1]), recordings=np.array(["a", "b"]))
    sure, unsure = np.log([0.9, 0.1]), np.log([0.4, 0.6])
    events = np.array([[sure, sure], [unsure, unsure]])  # (seeds, clips, classes)
    both = np.array([[True, True], [True, False]])

    found = averaged_of(subject, events, both)

    assert found is not None
    assert found.accuracy.value == 0.5  # of both seeds together, the surer one decides
    assert found.gain.difference == pytest.approx(0.75 - 0.5)
    assert averaged_of(subject, events[:1], both[:1]) is None
