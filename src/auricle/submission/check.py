"""The brief, item by item: what holds, and what is missing.

files  one .py and one .pdf, named by the roll number, nothing else; the notebook for Colab
code   what the file really builds, asked of its networks; nothing built in; the study's recipes
run    fits, epochs, folds and scores of the study that the report tells of
paper  what the printed text, its links and its outline hold
"""

import ast
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from auricle.report.headlines import views
from auricle.report.scores import ScoreRow
from auricle.report.study_files import Study
from auricle.report.tunings import Tuning
from auricle.report.wording import percent, with_interval
from auricle.submission.notebook import SAVED_AS
from auricle.submission.printed import read_paper, squeezed
from auricle.submission.program import LIBRARIES, origins, recipes_of

EPOCHS = 100
FOLDS = 4
HEADS = (1, 2, 4)
BUILT_IN = re.compile(
    r"MultiheadAttention|\bTransformer(?:(?:En|De)coder)?(?:Layer)?\b|\w*multi_head_attention\w*"
    r"|\w*scaled_dot_product\w*|\w*transformer_encoder_layer_fwd|flex_attention"
)
COLAB_HOST = "colab.research.google.com"
LINE = 99
"""Letters of a line that PEP 8 lets a team agree on."""
LEAST_TEXT = 80
"""Letters under a heading, without spaces: less says nothing."""
LONGEST_ROW = 300
"""Letters of a row of the comparative table, without spaces."""
SCREENSHOT_PIXELS = 200_000
"""From here on a picture in the PDF is a photograph of a screen; spectrograms are far smaller."""

_CODE = re.compile(
    r"^\s*(def \w+\(|class \w+[(:]|import \w+( as \w+)?$|from [\w.]+ import |return .*[@(\[.]"
    r"|@\w+|for \w+ in .*:$|(el)?if .*:$|self\.\w+|>>> |\w[\w.]* = \w[\w.]*\()"
)
_LINES_OF_CODE = 3  # on a page, that begin as statements do: a listing, not a name in a sentence


@dataclass(frozen=True)
class Item:
    """One demand of the brief: whether it holds, and what was found."""

    name: str
    holds: bool
    told: str


def check(folder: Path, study: Study, *, name: str, roll: str) -> list[Item]:
    """Every item of the brief, of the files in a folder and of a study.

    Raises: StudyError as `read_paper`.
    """
    program, paper = folder / f"{roll}.py", folder / f"{roll}.pdf"
    return [
        *check_files(folder, program, paper),
        check_notebook(folder / "colab" / f"{roll}.ipynb", program),
        *check_code(program, study),
        *check_run(study),
        *check_paper(paper, program, study, name=name, roll=roll),
    ]


def check_files(folder: Path, program: Path, paper: Path) -> Iterator[Item]:
    """One file of each kind, and nothing beside them; what is for Colab stands in its folder."""
    here = sorted(folder.iterdir()) if folder.is_dir() else []
    for kind, file in (("Python", program), ("PDF", paper)):
        own = [each.name for each in here if each.suffix == file.suffix]
        yield Item(
            f"files: one {kind} file, named by the roll number",
            own == [file.name],
            ", ".join(own) or f"there is none in {folder}",
        )
    others = [each.name for each in here if each not in (program, paper) and each.name != "colab"]
    yield Item("files: nothing else beside them", not others, ", ".join(others) or "nothing else")


def check_notebook(notebook: Path, program: Path) -> Item:
    """What is shared on Colab runs what is handed in."""
    told = ""
    try:
        cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
        texts = ["".join(cell["source"]).strip() for cell in cells]
        own = program.read_text(encoding="utf-8").strip()
    except FileNotFoundError as missing:
        told = f"{Path(str(missing.filename)).name} is missing"
    except (OSError, ValueError, LookupError, TypeError) as problem:
        told = f"{notebook.name} cannot be read ({problem})"
    else:
        if f"{SAVED_AS.format(file=program.name)}\n{own}" not in texts:
            told = f"it carries another file than {program.name}: write both again"
    return Item(
        "files: a notebook for Colab that carries the same file", not told, told or notebook.name
    )


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


def check_run(study: Study) -> Iterator[Item]:
    """Fits, epochs, folds and scores."""
    named = ", ".join
    names = [each.name for each in study.configurations]
    heads = sorted({each.heads for each in study.configurations if each.blocks})
    cnn = [each.name for each in study.configurations if not each.blocks]
    yield Item(
        "run: both architectures, with 1, 2 and 4 heads",
        bool(cnn) and {*HEADS} <= {*heads},
        f"{named(names)}; heads {named(map(str, heads)) or 'none'}",
    )
    epochs = sorted({len(fit.history["epoch"]) for fit in study.fits})
    yield Item("run: 100 epochs of every fit", epochs == [EPOCHS], f"{named(map(str, epochs))}")
    mode, url = study.tracking.get("mode"), study.tracking.get("url")
    yield Item(
        "run: accuracy and loss per epoch on Weights & Biases",
        mode in ("online", "offline") and bool(url),
        url
        or {
            "offline": "logged offline: send the runs with wandb sync, then auricle report RUN "
            "--wandb-url URL",
            "online": "sent, but the study does not know where to: auricle report RUN "
            "--wandb-url URL",
        }.get(str(mode), "not logged"),
    )
    folds = study.scores.dataset.development_folds
    lacking = [
        f"{each.name} on fold {fold}"
        for each in study.configurations
        for fold in folds
        if each.row("kfold", f"fold-{fold}", "out-of-fold") is None
    ]
    yield Item(
        "run: k-fold validation, k = 4",
        len(folds) == FOLDS and not lacking,
        f"k = {len(folds)}" + (f", without {named(lacking)}" if lacking else ""),
    )
    yield from check_scores(study)
    yield from check_tuning(study)


def check_tuning(study: Study) -> Iterator[Item]:
    """A search for each architecture, of trials that differ."""
    for number, (title, encoder) in enumerate((("CNN", False), ("transformer", True)), 1):
        own = [each for each in study.tunings if of_encoder(each) == encoder and searched(each)]
        yield Item(
            f"run: hyper-parameter tuning of architecture {number}, the {title}",
            bool(own),
            ", ".join(f"{each.name}, {len(each.trials)} trials" for each in own)
            or "no search of it is laid here: auricle report RUN --tuning SEARCH",
        )


def of_encoder(tuning: Tuning) -> bool:
    """Whether a search trained networks with an encoder."""
    blocks: int = tuning.best["network"]["encoder"]["blocks"]
    return blocks > 0


def searched(tuning: Tuning) -> bool:
    """Whether two trials or more ran over all folds with different values."""
    return len({tuple(trial.values.items()) for trial in tuning.whole}) > 1


def check_scores(study: Study) -> Iterator[Item]:
    """Every metric of every configuration, out of fold and on the test fold."""
    wanted: dict[str, Callable[[ScoreRow], object]] = {
        "accuracy": lambda row: row.accuracy.value is not None,
        "F1": lambda row: row.f1_macro.value is not None,
        "ROC and AUC": lambda row: row.roc and row.auc_macro is not None,
        "confusion matrix": lambda row: row.confusion,
    }
    planned = [name for name in study.plan.get("strategies", ()) if name != "esc5"]
    split = [name for name in planned if name != "kfold"]
    for place, on, strategies in (
        ("k-fold validation", "out-of-fold", ["kfold"]),
        ("the test split", "test", planned if split else [*planned, "holdout"]),
    ):
        lacking = [
            f"{each.name}, {strategy}: {measure}"
            for each in study.configurations
            for strategy in strategies
            for measure, holds in wanted.items()
            if not any(holds(row) for row in each.rows(strategy, on))
        ]
        yield Item(
            f"run: accuracy, F1, ROC-AUC, confusion matrix of each in {place}",
            not lacking,
            ", ".join(lacking)
            or f"{len(study.configurations)} configurations, by {', '.join(strategies)}",
        )
    sizes = [
        f"{each.name} {total.trainable:,} + {total.fixed:,}"
        for each in study.configurations
        if (total := each.parameters.get("total"))
    ]
    yield Item(
        "run: trainable and non-trainable parameters",
        len(sizes) == len(study.configurations),
        ", ".join(sizes),
    )


def check_paper(
    paper: Path, program: Path, study: Study, *, name: str, roll: str
) -> Iterator[Item]:
    """What the report holds, and what it must not."""
    if not paper.is_file():
        yield Item("report: there is one", False, f"{paper.name} is missing")
        return
    try:
        printed = read_paper(paper)
    except ValueError as problem:
        yield Item("report: there is one", False, f"{paper.name} is no PDF to be read ({problem})")
        return
    text, titles = squeezed("\n".join(printed.pages)), printed.titles

    def holds(what: str, *wanted: str) -> Item:
        lacking = [each for each in wanted if squeezed(each) not in text]
        told = f"not found: {', '.join(lacking)}" if lacking else "found"
        return Item(f"report: {what}", not lacking, told)

    names = [each.name for each in study.configurations]
    yield holds("name and roll number", name, roll)
    shared = [link for link in printed.links if urlsplit(link).hostname == COLAB_HOST]
    yield Item("report: link to the notebook on Colab", bool(shared), ", ".join(shared) or "none")
    yield check_table(printed.pages, study)
    for title, caption in (
        ("learning curves", "{}: loss and accuracy by epoch"),
        ("confusion matrices", "{}: confusion matrices"),
        ("ROC curves", "{}: ROC curves"),
    ):
        yield holds(f"{title} of each", *(caption.format(each) for each in names))
    for what, known in (
        ("parameters", ("Layers and parameters",)),
        ("tuning", ("Tuning", "How the recipe was found")),
        ("analysis", ("Observations",)),
        ("assumptions", ("Assumptions",)),
        ("resources", ("Resources",)),
        ("references", ("References",)),
    ):
        found = [title for title in titles if title.lstrip("0123456789. ") in known]
        empty = [title for title in found if titles[title] < LEAST_TEXT]
        told = ", ".join(found) or f"no section is called {' or '.join(known)}"
        yield Item(
            f"report: {what}",
            len(empty) < len(found),
            f"nothing stands under {', '.join(empty)}" if empty else told,
        )
    listed = listings(printed.pages, program)
    yield Item("report: no code", not listed, "; ".join(listed[:3]) or "no listing")
    large = [
        f"page {page}, {wide} x {high} pixels"
        for page, wide, high in printed.pictures
        if wide * high > SCREENSHOT_PIXELS
    ]
    yield Item("report: no screenshot", not large, "; ".join(large) or "drawings alone")


def check_table(pages: Sequence[str], study: Study) -> Item:
    """The table that sets all configurations side by side, accuracy by accuracy."""
    caption = "All configurations. Accuracy"
    at = next((at for at, page in enumerate(pages) if squeezed(caption) in squeezed(page)), None)
    if at is None:
        return Item("report: comparative table", False, f"not found: {caption}")
    text = squeezed("\n".join(pages[at : at + 2]))  # it may go on overleaf
    text = text[text.index(squeezed(caption)) :]
    wanted = {
        each.name: [
            squeezed(with_interval(row.accuracy) if row else percent(None))
            for row in (view.quoted(each) for view in views(study))
        ]
        for each in study.configurations
    }
    starts = {name: text.find(name + next(iter(found), "")) for name, found in wanted.items()}
    lacking = []
    for name, found in wanted.items():
        ends = [start for start in starts.values() if start > starts[name]]
        row = text[starts[name] : min([*ends, starts[name] + LONGEST_ROW])]
        lacking += [f"{name} {each}" for each in found if starts[name] < 0 or each not in row]
    return Item(
        "report: comparative table",
        not lacking,
        f"not found: {', '.join(lacking)}"
        if lacking
        else f"{sum(map(len, wanted.values()))} accuracies",
    )


def listings(pages: Sequence[str], program: Path) -> list[str]:
    """Where code stands: lines that begin as statements do, or that the file has too."""
    found = []
    for number, page in enumerate(pages, 1):
        lines = [line for line in page.splitlines() if _CODE.match(line)]
        if len(lines) >= _LINES_OF_CODE:
            found.append(f"page {number}: {lines[0].strip()}")
    if not program.is_file():
        return found
    text = squeezed("\n".join(pages))
    return found + [
        f"a line of the file: {line.strip()}"
        for line in program.read_text(encoding="utf-8").splitlines()
        if len(line.strip()) >= 30 and _CODE.match(line) and squeezed(line) in text
    ]
