"""What a file never reaches, left out of a source; what does not fit, refused."""

import pytest

from auricle.study.recipe import merged, read_recipe, table_at
from auricle.submission.flatten import read_module
from auricle.submission.prune import PruneError, Pruning, pruned
from auricle.submission.unreached import ALWAYS, CHOOSING, FIXED, editor

SOURCE = """class Bank:
    kind = "fixed"

    def spare(self):
        return 0

    @property
    def also_spare(self):
        return 1

    def bins(self, wave):
        if self.kind == "learned":
            # As it is learnt.
            return wave * 2
        # As it is given.
        return wave


def make(kind):
    made = kind
    if kind == "raw":
        made += "!"
    else:
        # Nothing else.
        made += "?"
    return made
"""


def test_the_branch_that_runs_is_kept_and_the_other_is_not():
    never = Pruning(
        settled={("Bank.bins", "self.kind == 'learned'"): False, ("make", "kind == 'raw'"): False}
    )
    text = pruned(SOURCE, [never])
    assert "        # As it is given.\n        return wave\n" in text
    assert "learnt" not in text
    assert '    made = kind\n    # Nothing else.\n    made += "?"\n    return made\n' in text
    always = Pruning(settled={("Bank.bins", "self.kind == 'learned'"): True})
    text = pruned(SOURCE, [always])
    assert (
        "    def bins(self, wave):\n        # As it is learnt.\n        return wave * 2\n" in text
    )
    assert "As it is given" not in text  # nothing comes after a return
    assert "def make(kind):" in text


def test_methods_go_with_their_decorators():
    text = pruned(SOURCE, [Pruning(unused=("Bank.also_spare", "Bank.spare"))])
    assert text.startswith('class Bank:\n    kind = "fixed"\n\n    def bins(self, wave):\n')


@pytest.mark.parametrize(
    ("pruning", "match"),
    [
        (Pruning(words={"no such words": ""}), "found 0 times: no such words"),
        (Pruning(words={"return": ""}), "found 5 times: return"),
        (Pruning(settled={("make", "kind == 'rare'"): True}), "found 0 times in make: if kind"),
        (Pruning(unused=("Bank.gone",)), "no such method: Bank.gone"),
    ],
)
def test_what_is_not_there_or_not_once_is_refused(pruning, match):
    with pytest.raises(PruneError, match=match):
        pruned(SOURCE, [pruning])


def test_every_pruning_fits_the_source_of_today():
    for group in (ALWAYS, FIXED, CHOOSING):
        for module, pruning in group.items():
            assert pruned(read_module(module), [pruning]) != read_module(module)


def test_what_some_recipe_reaches_is_not_left_out():
    frontend, attention = "auricle.network.frontend", "auricle.network.attention"
    learned = read_recipe("cnn", table_at("network.frontend.kind", "learned"))
    control = read_recipe(
        "transformer-h2",
        merged(
            table_at("network.encoder.attends", False),
            table_at("network.frontend.kind", "fixed"),
        ),
    )
    for recipes, module, kept in (
        ([read_recipe("cnn")], frontend, False),
        ([read_recipe("cnn"), learned], frontend, True),
        ([learned], attention, False),
        ([control], attention, True),
        ([control], frontend, False),
    ):
        source = read_module(module)
        what = {frontend: "RawStack(config)", attention: "Averaging(width)"}[module]
        assert (what in editor(recipes)(module, source)) == kept
