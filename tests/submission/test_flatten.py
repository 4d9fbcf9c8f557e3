"""Modules made into one file: what is taken, what is left, what is refused."""

import sys

import pytest

from auricle.submission.flatten import Chapter, reach, write_chapters, write_imports
from auricle.submission.program import CHAPTERS
from auricle.submission.sources import FlattenError, Import


@pytest.fixture
def modules(monkeypatch):
    """Source texts that stand in for modules of the package."""
    texts = {}
    monkeypatch.setattr("auricle.submission.flatten.read_module", texts.__getitem__)
    return texts


def test_what_is_not_reached_is_left_out(modules):
    modules["auricle.one"] = '''"""Sums."""
import json
import math
from auricle.two import root

UNUSED = 1

# Why it is so.
LIMIT = 3
"""What it means."""

def unused():
    return json.dumps(UNUSED)

def main(value):
    return root(value) + LIMIT
'''
    modules["auricle.two"] = "import math\n\ndef root(x):\n    return math.sqrt(x)\n"
    flat = reach("auricle.one", "main")
    assert flat.imports == {Import("math")}
    chapters = [Chapter("Roots", ["auricle.two"]), Chapter("All", ["auricle.one"])]
    text = write_chapters(flat, chapters)
    assert text.index("def root") < text.index("def main")
    assert '# Why it is so.\nLIMIT = 3\n"""What it means."""' in text
    assert "UNUSED" not in text
    assert "unused" not in text
    scope = {}
    exec(f"{write_imports(flat.imports, sys.stdlib_module_names)}\n{text}", scope)
    assert scope["main"](16) == 7


def test_a_local_name_does_not_reach_a_definition_of_the_same_name(modules):
    modules["auricle.one"] = (
        "def together():\n    return 1\n\ndef main():\n    together = 2\n    return together\n"
    )
    names = {name for each in reach("auricle.one", "main").definitions for name in each.names}
    assert names == {"main"}


def test_imports_within_functions_move_to_the_head(modules):
    modules["auricle.one"] = "def main():\n    import wandb\n\n    return wandb.init()\n"
    flat = reach("auricle.one", "main")
    assert flat.imports == {Import("wandb")}
    assert "import" not in write_chapters(flat, [Chapter("All", ["auricle.one"])])


@pytest.mark.parametrize(
    ("one", "two", "match"),
    [
        (
            "from auricle.two import root\n\ndef score(): return 1\n\ndef main():\n"
            "    return root() + score()\n",
            "def root(): return score()\n\ndef score(): return 2\n",
            r"two meanings: score \(auricle\.one, auricle\.two\)",
        ),
        (
            "from auricle.two import root as vein\n\ndef main(): return vein()\n",
            "def root(): return 1\n",
            "root goes by the name of vein",
        ),
        (
            "from auricle import two\n\ndef main(): return two.root()\n",
            "def root(): return 1\n",
            "two is no definition",
        ),
        (
            "from auricle.two import round\n\ndef main(): return round(1)\n",
            "def round(x): return x\n",
            r"round \(auricle\.two, builtins\)",
        ),
        (
            "def main():\n    from auricle.two import root\n    return root()\n",
            "def root(): return 1\n",
            "imports auricle.two when it is called",
        ),
    ],
)
def test_what_would_mean_something_else_in_one_file_is_refused(modules, one, two, match):
    modules |= {"auricle.one": one, "auricle.two": two}
    modules["auricle"] = ""
    with pytest.raises(FlattenError, match=match):
        reach("auricle.one", "main")


def test_methods_that_nothing_speaks_of_are_left_out_with_what_they_need(modules):
    modules["auricle.one"] = (
        "def helper(): return 1\n\nclass Net:\n    def forward(self): return 0\n\n"
        "    def size(self): return self.width\n\n"
        "    @property\n    def width(self): return 3\n\n"
        "    def unused(self): return self.only_there()\n\n"
        "    def only_there(self): return helper()\n\n"
        "def main(): return Net().size()\n"
    )
    text = write_chapters(reach("auricle.one", "main"), [Chapter("All", ["auricle.one"])])
    assert "def forward" in text
    assert "def width" in text
    for gone in ("unused", "only_there", "helper"):
        assert gone not in text


def test_one_definition_can_stand_before_the_rest_of_its_module(modules):
    modules["auricle.one"] = (
        "LIMIT = 3\n\ndef root(x): return x\n\ndef main(): return root(LIMIT)\n"
    )
    chapters = [
        Chapter("First", ["auricle.one:root"], "FOUR = 4"),
        Chapter("Rest", ["auricle.one"]),
    ]
    text = write_chapters(reach("auricle.one", "main"), chapters)
    places = [text.index(each) for each in ("def root", "FOUR = 4", "LIMIT = 3", "def main")]
    assert places == sorted(places)
    assert text.count("def root") == 1


def test_a_list_in_a_docstring_stays_one(modules):
    modules["auricle.one"] = (
        '"""Roots.\n\nOf these:\n\n- one, which is\n  said at length,\n- two.\n"""\n\n'
        "def main():\n    one = 1\n    two = 2\n    three = 3\n    four = 4\n    five = 5\n"
        "    return one + two + three + four + five\n"
    )
    text = write_chapters(reach("auricle.one", "main"), [Chapter("All", ["auricle.one"])])
    assert "# Of these:\n#\n# - one, which is\n#   said at length,\n# - two.\n" in text


def test_equal_definitions_are_one(modules):
    modules["auricle.one"] = (
        "from auricle.two import root\n\nSILENCE = 1e-12\n\ndef main():\n"
        "    return root() + SILENCE\n"
    )
    modules["auricle.two"] = "SILENCE = 1e-12\n\ndef root():\n    return SILENCE\n"
    flat = reach("auricle.one", "main")
    text = write_chapters(flat, [Chapter("All", ["auricle.two", "auricle.one"])])
    assert text.count("SILENCE = 1e-12") == 1


def test_a_module_without_a_chapter_is_named(modules):
    modules["auricle.one"] = "from auricle.two import root\n\ndef main(): return root()\n"
    modules["auricle.two"] = "def root(): return 1\n"
    with pytest.raises(FlattenError, match=r"no chapter for auricle\.two"):
        write_chapters(reach("auricle.one", "main"), [Chapter("All", ["auricle.one"])])


def test_no_two_definitions_of_the_package_clash_in_the_file_that_is_handed_in():
    flat = reach("auricle.submission.script", "main")
    assert {"MultiHeadAttention", "fit", "score", "main"} <= {
        name for each in flat.definitions for name in each.names
    }
    assert {each.module for each in flat.definitions} == {
        module.partition(":")[0] for chapter in CHAPTERS for module in chapter.modules
    }
