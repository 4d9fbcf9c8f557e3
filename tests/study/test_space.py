import pytest
from optuna.distributions import FloatDistribution, IntDistribution

from auricle.errors import RecipeError
from auricle.study.recipe import read_recipe, to_table
from auricle.study.space import Choice, Range, read_space


@pytest.fixture
def write(tmp_path):
    def call(text, name="space.toml"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    return call


LEARNING = '[values]\n"training.learning_rate" = { low = 1e-3, high = 1e-2, log = true }\n'


@pytest.mark.parametrize("name", ["base", "cnn", "transformer"])
def test_a_shipped_space_begins_with_the_shipped_recipe(name):
    space = read_space(name)
    shipped = read_recipe({"base": "cnn", "transformer": "transformer-h4"}.get(name, name))
    begun = space.recipe_of(space.start(), shipped.name, None)
    assert begun == shipped
    assert set(space.distributions()) == set(space.values)


def test_base_and_the_other_spaces_share_no_value():
    base, cnn, transformer = (set(read_space(n).values) for n in ("base", "cnn", "transformer"))
    assert not base & (cnn | transformer)
    assert all(key.startswith(("network.frontend.", "network.base.")) for key in base)


def test_a_trial_is_the_recipe_with_what_was_drawn(write):
    path = write(
        '[values]\n"training.views" = { low = 1, high = 4 }\n'
        '"network.base.widths" = { choices = [[8, 8, 8], [56, 128, 128]] }\n'
    )
    space = read_space(path, epochs=7)
    recipe = space.recipe_of({"training.views": 3, "network.base.widths": "[8, 8, 8]"}, "t", 7)
    assert (recipe.training.views, recipe.training.epochs) == (3, 7)
    assert recipe.network.base.widths == (8, 8, 8)
    assert recipe.augment == read_recipe("cnn").augment


def test_a_base_gives_front_end_and_base_alone(write):
    best = write(
        'name = "b"\n[network.base]\nwidths = [32, 32, 32]\n[network.frontend]\nbands = 48\n'
        "[network.encoder]\nblocks = 3\n[training]\nviews = 5\n",
        "best.toml",
    )
    recipe = read_space("transformer", base=best).recipe_of({}, "t", None)
    assert recipe.network.base.widths == (32, 32, 32)
    assert recipe.network.frontend.bands == 48
    assert (recipe.network.encoder.blocks, recipe.training.views) == (2, 2)


def test_a_space_is_kept_as_it_was_read(write):
    noise = '"augment.noise" = { low = 0.0, high = 0.3 }\n'
    space = read_space(write('name = "s"\n' + LEARNING + noise))
    table = space.table()
    assert table["values"] == {
        "training.learning_rate": {"low": 0.001, "high": 0.01, "log": True},
        "augment.noise": {"low": 0.0, "high": 0.3},
    }
    assert table["name"] == "s"
    assert table["recipe"] == to_table(read_recipe("cnn"))  # whole: a default of tomorrow differs


@pytest.mark.parametrize(
    ("searched", "kept", "strange"),
    [
        (Range(low=1, high=4), [1, 4], [0, 5]),
        (Range(low=0.0, high=1.0, step=0.25), [0.0, 0.75], [0.3, 1.25]),
        (Choice(choices=([1, 2], [3])), [[1, 2], [3]], [[2], 3]),
        (Choice(choices=(-60, -40.0)), [-60.0, -40], [40]),
    ],
    ids=["whole", "steps", "choices", "numbers"],
)
def test_what_a_value_may_be(searched, kept, strange):
    assert [searched.drawn(value) for value in strange] == [None] * len(strange)
    assert [searched.value(searched.drawn(value)) for value in kept] == kept


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[values]\n"training.vews" = { low = 1, high = 4 }', "did you mean views?"),
        ('[values]\n"training.views" = { low = 0, high = 4 }', "must be positive"),
        ('[values]\n"training.views" = { low = 4, high = 1 }', "low (4) must be below high (1)"),
        ('[values]\n"training.views" = { low = 3, high = 5 }', "the recipe has 2, which is not"),
        ('[values]\n"training.views" = { low = 1, hihg = 4 }', "unknown key hihg"),
        ('[values]\n"training.views" = 3', "write { low = ..., high = ... }"),
        ('[values]\n"training.batch" = { choices = [32] }', "two or more"),
        ('[values]\n"training.weight_decay" = { low = 0.0, high = 0.1, log = true }', "log needs"),
        ('[values]\n"augment.mixing" = { low = 0.0, high = 1.0, step = 0 }', "must be positive"),
        ('[values]\n"training.views" = { low = 1.0, high = 4.5 }', "valid integer"),
        ('[values]\n"training.views" = { low = 1, high = 4, step = 0.5 }', "must be too"),
        ('[values]\n"training.precision" = { low = 1, high = 4 }', "found"),
        ('[values]\n"network.base.widths" = { low = 1, high = 4 }', "found"),
        ('[values]\n"training.epochs" = { low = 1, high = 100 }', "cannot be searched"),
        ("epochs = 0\n" + LEARNING, "must be positive"),
        ('epochs = "many"\n' + LEARNING, "found 'many'"),
        ('clip_s = "x"\n' + LEARNING, "found 'x'"),
        ('name = "a"', "name at least one value"),
        ("vlaues = 3\n" + LEARNING, "unknown key vlaues"),
        ("values = [", "not TOML"),
    ],
)
def test_a_space_that_cannot_be_searched_is_refused(write, text, told):
    with pytest.raises(RecipeError) as refused:
        read_space(write(text))
    assert told in str(refused.value)


def test_an_unknown_space_names_the_shipped_ones():
    with pytest.raises(RecipeError, match=r"no such space.*base, cnn, transformer"):
        read_space("everything")
    assert to_table(read_recipe("cnn"))["training"]["views"] == 2


def test_a_range_is_of_numbers_like_the_recipes(write):
    space = read_space(
        write(
            '[values]\n"augment.band_shift" = { low = 0, high = 4, step = 0.5 }\n'
            '"augment.mixing" = { low = 0, high = 1 }\n"training.views" = { low = 1, high = 4 }\n'
        )
    )
    drawn = space.distributions()
    assert drawn["augment.band_shift"] == FloatDistribution(0.0, 4.0, step=0.5)
    assert drawn["augment.mixing"] == FloatDistribution(0.0, 1.0)  # not zero or one alone
    assert drawn["training.views"] == IntDistribution(1, 4)


def test_no_epochs_are_not_the_spaces_own(write):
    with pytest.raises(RecipeError, match="must be positive"):
        read_space(write(LEARNING), epochs=0)
