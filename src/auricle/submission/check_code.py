"""What the file that is handed in really builds, asked of its networks."""

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from auricle.report.study_files import Study
from auricle.submission.brief import EPOCHS, HEADS, Item
from auricle.submission.program import LIBRARIES, origins, recipes_of

BUILT_IN = re.compile(
    r"MultiheadAttention|\bTransformer(?:(?:En|De)coder)?(?:Layer)?\b|\w*multi_head_attention\w*"
    r"|\w*scaled_dot_product\w*|\w*transformer_encoder_layer_fwd|flex_attention"
)
LINE = 99
"""Letters of a line that PEP 8 lets a team agree on."""


def check_code(program: Path, study: Study) -> Iterator[Item]:
    """What the file imports and builds."""
    try:
        source = program.read_text(encoding="utf-8")
        tree = ast.parse(source)
    except (OSError, SyntaxError, UnicodeDecodeError) as problem:
        yield Item("code: the file is Python", False, str(problem))
        return
    outside = imports_of(tree) - set(sys.stdlib_module_names)
    allowed = {library.replace("scikit-learn", "sklearn") for library in LIBRARIES}
    yield Item(
        "code: nothing but PyTorch and libraries for sound, metrics, plots and W&B",
        outside <= allowed,
        ", ".join(sorted(outside - allowed) or sorted(outside)),
    )
    untidy = [
        number
        for number, line in enumerate(source.split("\n"), 1)
        if len(line) > LINE or "\t" in line or line != line.rstrip()
    ]
    yield Item(
        f"code: no line over {LINE} letters, no tab, no blank at a line's end (PEP 8)",
        not untidy,
        f"line {', '.join(map(str, untidy[:5]))}" if untidy else f"{LINE} letters or fewer",
    )
    used = sorted({found.group() for found in BUILT_IN.finditer(without_text(source))})
    facts = probe(program)
    if isinstance(facts, str):
        yield Item("code: the file builds its networks", False, facts)
        return
    used += [name for each in facts for name in each["built_in"]]
    yield Item("code: attention of its own", not used, ", ".join(used) or "nothing built in")
    yield from check_networks(facts)
    trained = {each.name: each.parameters["total"].trainable for each in study.configurations}
    built = {each["name"]: each["trainable"] for each in facts}
    apart = sorted(name for name in {*trained, *built} if trained.get(name) != built.get(name))
    classes = len(study.scores.dataset.categories)
    if classes != 10:  # a last layer of another size: names are compared, not weights
        apart = sorted({*trained} ^ {*built})
    yield Item(
        "code: the networks of the report",
        not apart,
        f"not the same: {', '.join(apart)}" if apart else ", ".join(built),
    )
    other = list(differences(facts, study))
    yield Item(
        "code: every value of the report's recipes",
        not other,
        "; ".join(other[:5]) or f"{len(facts)} recipes, value by value",
    )
    yield check_origins(source, study)


def check_networks(facts: Sequence[dict[str, Any]]) -> Iterator[Item]:
    """Both architectures, as the file builds them."""
    plain = [each for each in facts if not each["blocks"]]
    encoders = [each for each in facts if each["blocks"]]
    named = ", ".join
    yield Item(
        "code: architectures 1 and 2",
        bool(plain and encoders),
        named(each["name"] for each in facts),
    )
    depth = min((each["along_one_axis"] for each in facts), default=0)
    wider = sum(each["along_more"] for each in facts)
    yield Item(
        "code: three 1-D convolutions or more",
        depth >= 3 and not wider,
        f"{wider} kernels slide along two axes"
        if wider
        else f"{depth} at least run in a base, each kernel along one axis",
    )
    layers = min((each["linear"] for each in plain), default=0)
    yield Item("code: a fully-connected head on the convolutions", layers > 0, f"{layers} layers")
    one_sided = {base_of(each) for each in plain} ^ {base_of(each) for each in encoders}
    odd = [each["name"] for each in facts if base_of(each) in one_sided]
    bases = len({base_of(each) for each in facts})
    yield Item(
        "code: one base under both",
        bool(facts) and not odd,
        f"that of {named(odd)} stands under one architecture alone"
        if odd
        else f"{bases}, under both architectures",
    )
    fewest = min((each["blocks"] for each in encoders), default=0)
    yield Item("code: two encoder blocks or more", fewest >= 2, f"{fewest} at least")
    heads = sorted({each["heads"] for each in encoders})
    yield Item(
        "code: 1, 2 and 4 heads", {*HEADS} <= {*heads}, named(map(str, heads)) or "no encoder"
    )
    idle = [each["name"] for each in encoders if not each["token_learns"]]
    yield Item(
        "code: a class token that is trained",
        bool(encoders) and not idle,
        f"no gradient reaches that of {named(idle)}" if idle else "its gradient is not zero",
    )
    loose = [each["name"] for each in encoders if not each["rows_sum_to_one"]]
    blind = [each["name"] for each in encoders if not each["attention_differs"]]
    yield Item(
        "code: multi-head self-attention",
        bool(encoders) and not loose and not blind,
        f"weights of {named(loose)} do not sum to one"
        if loose
        else f"weights of {named(blind)} are the same for all clips"
        if blind
        else "each row sums to one, every head looks at each clip in its own way",
    )
    mlp = min((each["linear"] for each in encoders), default=0)
    yield Item("code: a perceptron head on the class token", mlp >= 2, f"{mlp} layers")
    epochs = sorted({each["epochs"] for each in facts})
    yield Item("code: 100 epochs", epochs == [EPOCHS], named(map(str, epochs)))


def base_of(facts: dict[str, Any]) -> str:
    """A base as it is built and configured, the spectrum that it gets included."""
    network = facts["recipe"]["network"]
    return json.dumps([facts["base"], network["base"], network["frontend"]], sort_keys=True)


def check_origins(source: str, study: Study) -> Item:
    """The row of trials.csv that tuned values come from stands beside them."""
    recipes, _ = recipes_of(study)
    rows = {each.name: list(origins(each, study.tunings)) for each in recipes}
    tuned = [name for name, lines in rows.items() if lines]
    lines = {line.strip().removeprefix("# ") for line in source.splitlines()}
    lacking = [name for name in tuned if not {*rows[name]} <= lines]
    told = f"of {', '.join(tuned)}" if tuned else "no configuration has the values of a search"
    return Item(
        "code: tuned values with their row of trials.csv",
        bool(tuned) and not lacking,
        f"not in the file: that of {', '.join(lacking)}" if lacking else told,
    )


def differences(facts: Sequence[dict[str, Any]], study: Study) -> Iterator[str]:
    """Values of the file that are not those that the study was trained with."""
    told = {str(each["name"]): values_in(each) for each in study.plan["configurations"]}
    found = {each["name"]: values_in(each["recipe"]) for each in facts}
    for name in [*told, *(name for name in found if name not in told)]:
        ours, theirs = found.get(name), told.get(name)
        if ours is None or theirs is None:
            yield f"{name} is {'not in the file' if ours is None else 'not in the report'}"
            continue
        for key in sorted({*ours, *theirs}):
            if (mine := ours.get(key)) != (planned := theirs.get(key)):
                yield f"{name}: {key} is {mine}, the report has {planned}"
    clip_s = study.plan.get("clip_s", 5.0)
    for length in {each["clip_s"] for each in facts} - {clip_s}:
        yield f"clips of {length} s, the report has {clip_s} s"


def values_in(table: dict[str, Any], above: str = "") -> dict[str, Any]:
    """Values of nested tables by their dotted keys."""
    found: dict[str, Any] = {}
    for key, value in table.items():
        inner = isinstance(value, dict)
        found |= values_in(value, f"{above}{key}.") if inner else {f"{above}{key}": value}
    return found


def probe(program: Path) -> list[dict[str, Any]] | str:
    """What the file builds, or why it does not."""
    # -B: nothing is to be left beside what is handed in.
    command = [sys.executable, "-B", "-m", "auricle.submission.probe", str(program)]
    ended = subprocess.run(command, capture_output=True, text=True)
    if ended.returncode:
        return (ended.stderr.strip().splitlines() or ["it ended with nothing to say"])[-1]
    found: list[dict[str, Any]] = json.loads(ended.stdout)
    return found


def imports_of(tree: ast.AST) -> set[str]:
    """Packages that a file imports, wherever it does."""
    tops: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            tops |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            tops.add(str(node.module).split(".")[0])
    return tops


def without_text(source: str) -> str:
    """Code without comments, docstrings and other texts."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            node.value = ""
    return ast.unparse(tree)
