"""Recipes and plans: those that ship can be read, and what is wrong in one is named."""

import dataclasses
import difflib
import tomllib
from importlib import resources
from pathlib import Path

import pytest

from auricle.errors import RecipeError
from auricle.study.recipe import (
    Plan,
    Recipe,
    from_table,
    parse_change,
    plan_from,
    read_plan,
    read_recipe,
    recipe_hash,
    to_toml,
)

MISSION = ("cnn", "transformer-h1", "transformer-h2", "transformer-h4")
TUNED = ("cnn-tuned", "transformer-tuned")
SEARCHES = Path(__file__).parents[2] / "reports" / "esc10" / "tuning"
PLANS = ("mission", "quick")


def plan(name, changes=None):
    return plan_from(read_plan(name), changes or {}, name)


@pytest.fixture
def write(tmp_path):
    def write_toml(text):
        path = tmp_path / "own.toml"
        path.write_text(text, encoding="utf-8")
        return str(path)

    return write_toml


@pytest.mark.parametrize("name", [*MISSION, *TUNED])
def test_a_shipped_recipe_is_the_one_of_its_name(name):
    assert read_recipe(name).name == name


@pytest.mark.parametrize("name", TUNED)
def test_a_tuned_recipe_is_what_the_published_search_chose(name):
    chosen = SEARCHES / name.removesuffix("-tuned") / "best.toml"
    assert read_recipe(name) == read_recipe(str(chosen))


@pytest.mark.parametrize("name", PLANS)
def test_a_shipped_plan_runs_both_architectures_under_every_strategy(name):
    found = plan(name)

    assert tuple(recipe.name for recipe in found.configurations) == MISSION
    assert found.strategies == ("kfold", "holdout", "refit")
    assert found.test


def test_the_mission_trains_for_100_epochs_with_equal_views():
    trainings = [recipe.training for recipe in plan("mission").configurations]

    assert {training.epochs for training in trainings} == {100}
    assert len({training.views for training in trainings}) == 1


def test_architectures_share_the_base_and_differ_in_heads():
    found = plan("mission").configurations

    assert len({recipe.network.base for recipe in found}) == 1
    assert [(r.network.encoder.blocks, r.network.encoder.heads) for r in found] == [
        (0, 1),
        (2, 1),
        (2, 2),
        (2, 4),
    ]


def test_the_recipes_of_both_architectures_differ_in_few_lines():
    folder = resources.files("auricle") / "recipes"
    one, other = (
        (folder / f"{name}.toml").read_text(encoding="utf-8").splitlines()
        for name in ("cnn", "transformer-h4")
    )

    changed = [line for line in difflib.ndiff(one, other) if line[0] in "+-" and line[2:].strip()]

    assert len(changed) <= 10


@pytest.mark.parametrize("name", [*MISSION, *TUNED])
def test_a_recipe_comes_back_from_toml_as_it_was(name):
    recipe = read_recipe(name)

    assert from_table(Recipe, tomllib.loads(to_toml(recipe)), name) == recipe


@pytest.mark.parametrize("name", PLANS)
def test_a_plan_comes_back_from_toml_as_it_was(name):
    found = plan(name)

    assert from_table(Plan, tomllib.loads(to_toml(found)), name) == found


def test_a_written_recipe_states_every_value():
    table = tomllib.loads(to_toml(read_recipe("cnn")))

    training = read_recipe("cnn").training
    assert table["training"] == dataclasses.asdict(training)


def test_a_recipe_of_ones_own_is_read_by_its_path(write):
    path = write('name = "mine"\n[training]\nviews = 9\n')

    assert read_recipe(path).training.views == 9


def test_a_section_named_training_is_not_dropped(write):
    assert read_recipe(write('name = "a"\n[training]\nbatch = 5\n')).training.batch == 5
    with pytest.raises(RecipeError, match=r"unknown key train; did you mean training\?"):
        read_recipe(write('name = "a"\n[train]\nbatch = 5\n'))


def test_changes_reach_every_configuration():
    found = plan("mission", {"training": {"views": 8}})

    assert {recipe.training.views for recipe in found.configurations} == {8}
    own = read_recipe("transformer-h4").training
    assert found.configurations[3].training == dataclasses.replace(own, views=8)


def test_changes_go_before_what_the_plan_says_for_every_recipe():
    every = read_plan("quick")["every"]["training"]

    found = plan("quick", {"training": {"epochs": 3}})

    assert {recipe.training.epochs for recipe in found.configurations} == {3} != {every["epochs"]}
    assert {recipe.training.views for recipe in found.configurations} == {every["views"]}


@pytest.mark.parametrize(
    ("text", "table"),
    [
        ("training.views=8", {"training": {"views": 8}}),
        ("training.learning_rate=1e-3", {"training": {"learning_rate": 1e-3}}),
        ("network.base.stages=[1, 2]", {"network": {"base": {"stages": [1, 2]}}}),
        ("network.frontend.kind=raw", {"network": {"frontend": {"kind": "raw"}}}),
        ("name=a=b", {"name": "a=b"}),
    ],
)
def test_a_change_is_read_as_toml_and_a_bare_word_as_text(text, table):
    assert parse_change(text) == table


def test_a_change_without_a_value_is_refused():
    with pytest.raises(RecipeError, match=r"--set training\.views: write KEY=VALUE"):
        parse_change("training.views")


def test_equal_recipes_have_equal_hashes():
    one, other = plan("mission").configurations, plan("mission").configurations
    changed = plan("mission", {"training": {"views": 5}}).configurations

    assert recipe_hash(one) == recipe_hash(other) != recipe_hash(changed)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("name =", "own.toml: not TOML"),
        ("[training]\nviews = 2", "own.toml: name"),
        ('name = "a"\nnetwrk = 1', "unknown key netwrk; did you mean network?"),
        (
            'name = "a"\n[network.encoder]\nhead = 2',
            "unknown key network.encoder.head; did you mean heads?",
        ),
        ('name = "a"\n[augment]\nzzzz = 1', "unknown key augment.zzzz; known here: stretch, "),
        ('name = "a"\n[training]\nviews = "many"', "training.views"),
        ('name = "a"\n[training]\nviews = 1.5', "found 1.5"),
        ('name = "a"\ntraining = 3', "training"),
        ('name = "a"\n[training]\nepochs = 0', "epochs, views and batch must be positive"),
        ('name = "a"\n[training]\nprecision = "float16"', "training.precision"),
        ('name = "a"\n[augment]\nmixing = 2', "shares in [0, 1]"),
        (
            'name = "a"\n[network.encoder]\nblocks = 2\nheads = 7',
            "network: 7 heads do not divide the base's width of",
        ),
        ('name = "a"\n[network.encoder]\ndropout = 1.0', "share below 1"),
        ('name = "a"\n[network.base]\nkernel = 4', "kernels must be odd"),
        ('name = "a"\n[network.frontend]\nhigh_hz = 20000.0', "half of sample_rate_hz"),
    ],
)
def test_what_is_wrong_in_a_recipe_is_named_with_its_file(write, text, told):
    with pytest.raises(RecipeError) as refusal:
        read_recipe(write(text))

    assert told in str(refusal.value)
    assert "own.toml" in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('name = "a"\n', "at least one configuration"),
        ('name = "a"\nconfigurations = ["cnn"]\nseeds = 0', "seeds (0)"),
        ('name = "a"\nconfigurations = ["cnn"]\nclip_s = 0.0', "clip_s (0)"),
        (
            'name = "a"\nconfigurations = ["cnn"]\nstrategies = ["kfold", "loo"]',
            "'kfold', 'holdout', 'refit' or 'esc5'",
        ),
        (
            'name = "a"\nconfigurations = ["cnn"]\nesc5_of = ["cnn", "rnn"]',
            "esc5_of names rnn; this plan has cnn",
        ),
        (
            'name = "a"\nconfigurations = ["cnn"]\ntest = true\n'
            '[[committees]]\nname = "b"\nof = ["cnn", "rnn"]',
            "committee b is of rnn; this plan has cnn",
        ),
        (
            'name = "a"\nconfigurations = ["cnn"]\ntest = true\n'
            '[[committees]]\nname = "b"\nof = ["cnn", "cnn"]',
            "committee b: name two configurations or more, each once",
        ),
        (
            'name = "a"\nconfigurations = ["cnn", "transformer-h1"]\ntest = true\n'
            '[[committees]]\nname = "cnn"\nof = ["cnn", "transformer-h1"]',
            "two configurations have one name: cnn, cnn",
        ),
        (
            'name = "a"\nconfigurations = ["cnn", "cnn"]\ntest = true',
            "two configurations have one name: cnn, cnn",
        ),
        (
            'name = "a"\nconfigurations = ["cnn"]\nstrategies = ["refit"]',
            "scored on the test fold: ask for it with --test",
        ),
        ('name = "a"\nconfigurations = ["cnn"]\nstrategys = []', "did you mean strategies?"),
        (
            'name = "a"\ntest = true\n[[configurations]]\nname = "b"\n[configurations.trainin]\n',
            "unknown key trainin; did you mean training?",
        ),
        (
            'name = "a"\ntest = true\nconfigurations = ["cnn"]\n[every.training]\nview = 1\n',
            "unknown key training.view; did you mean views?",
        ),
    ],
)
def test_what_is_wrong_in_a_plan_is_named(write, text, told):
    path = write(text)

    with pytest.raises(RecipeError) as refusal:
        plan(path)

    assert told in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("read", "name", "told"),
    [
        (read_recipe, "cnnn", r"no such recipe; did you mean cnn\?"),
        (read_recipe, "zzz", "shipped ones: cnn, cnn-tuned, transformer-h1, transformer-h2, "),
        (read_recipe, "lost.toml", "lost.toml: no such file"),
        (read_plan, "misson", r"no such plan; did you mean mission\?"),
        (read_plan, "zzz", "shipped ones: mission, quick"),
    ],
)
def test_a_name_that_nothing_has_is_told_with_the_nearest(read, name, told):
    with pytest.raises(RecipeError, match=told):
        read(name)


def test_names_that_are_one_folder_somewhere_are_refused():
    for name in ("cnn.", "Report", "evidence", "tuning"):
        with pytest.raises(ValueError, match=f"name '{name}'"):
            Recipe(name=name)
    with pytest.raises(ValueError, match="two configurations have one name: CNN, cnn"):
        Plan(name="p", configurations=(Recipe(name="cnn"), Recipe(name="CNN")))


@pytest.mark.parametrize(
    ("clip_s", "told"),
    [(float("nan"), "must be positive"), (float("inf"), "must be"), (0.05, "cnn needs at least")],
)
def test_clips_that_no_network_can_hear_are_refused(clip_s, told):
    with pytest.raises(ValueError, match=told):
        Plan(name="p", clip_s=clip_s, configurations=(Recipe(name="cnn"),))
