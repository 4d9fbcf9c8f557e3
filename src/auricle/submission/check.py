"""The brief, item by item: what holds, and what is missing.

files  one .py and one .pdf, named by the roll number, nothing else
code   what the file really builds, asked of its networks; nothing built in
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

from auricle.errors import StudyError, install
from auricle.report.scores import ScoreRow
from auricle.report.study_files import Study
from auricle.submission.program import LIBRARIES

EPOCHS = 100
FOLDS = 4
HEADS = (1, 2, 4)
BUILT_IN = re.compile(
    r"MultiheadAttention|\bnn\.Transformer\w*|TransformerEncoder\w*|scaled_dot_product_attention"
)
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

    Raises: StudyError where pypdf, which reads the report, is not installed.
    """
    program, paper = folder / f"{roll}.py", folder / f"{roll}.pdf"
    return [
        *check_files(folder, program, paper),
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
    depth = min((each["convolutions"] for each in facts), default=0)
    yield Item("code: three 1-D convolutions or more", depth >= 3, f"{depth} at least")
    layers = min((each["linear"] for each in plain), default=0)
    yield Item("code: a fully-connected head on the convolutions", layers > 0, f"{layers} layers")
    bases = {json.dumps(each["base"]) for each in facts if "tuned" not in each["name"]}
    yield Item("code: one base under both", len(bases) == 1, f"{len(bases)} base")
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
    yield Item(
        "code: multi-head self-attention",
        bool(encoders) and not loose,
        f"weights of {named(loose)} do not sum to one" if loose else "each row sums to one",
    )
    mlp = min((each["linear"] for each in encoders), default=0)
    yield Item("code: a perceptron head on the class token", mlp >= 2, f"{mlp} layers")
    epochs = sorted({each["epochs"] for each in facts})
    yield Item("code: 100 epochs", epochs == [EPOCHS], named(map(str, epochs)))


def probe(program: Path) -> list[dict[str, Any]] | str:
    """What the file builds, or why it does not."""
    command = [sys.executable, "-m", "auricle.submission.probe", str(program)]
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
        or (
            "logged offline: send the runs with wandb sync, then auricle report RUN --wandb-url URL"
            if mode == "offline"
            else "not logged"
        ),
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
    searches = [tuning.name for tuning in study.tunings]
    tried = f"{len(study.tried)} rows of what was tried" if study.tried else ""
    yield Item(
        "run: hyper-parameter tuning",
        bool(searches or study.tried),
        named([*searches, *([tried] if tried else [])])
        or "no search is laid here: auricle report RUN --tuning SEARCH",
    )


def check_scores(study: Study) -> Iterator[Item]:
    """Every metric of every configuration, out of fold and on the test fold."""
    wanted: dict[str, Callable[[ScoreRow], object]] = {
        "accuracy": lambda row: row.accuracy.value is not None,
        "F1": lambda row: row.f1_macro.value is not None,
        "ROC and AUC": lambda row: row.roc and row.auc_macro is not None,
        "confusion matrix": lambda row: row.confusion,
    }
    for place, on, strategies in (
        ("k-fold validation", "out-of-fold", ("kfold",)),
        ("the test split", "test", ("refit", "holdout", "kfold")),
    ):
        lacking = [
            f"{each.name}: {measure}"
            for each in study.configurations
            for measure, holds in wanted.items()
            if not any(holds(row) for strategy in strategies for row in each.rows(strategy, on))
        ]
        yield Item(
            f"run: accuracy, F1, ROC-AUC, confusion matrix of each in {place}",
            not lacking,
            ", ".join(lacking) or f"{len(study.configurations)} configurations",
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
    pages, links, titles, pictures = read_paper(paper)
    text = squeezed("\n".join(pages))

    def holds(what: str, *wanted: str) -> Item:
        lacking = [each for each in wanted if squeezed(each) not in text]
        told = f"not found: {', '.join(lacking)}" if lacking else "found"
        return Item(f"report: {what}", not lacking, told)

    names = [each.name for each in study.configurations]
    yield holds("name and roll number", name, roll)
    shared = [link for link in links if "colab" in link]
    yield Item("report: link to the notebook on Colab", bool(shared), ", ".join(shared) or "none")
    yield holds("comparative table", "All configurations.", *names)
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
        told = ", ".join(found) or f"no section is called {' or '.join(known)}"
        yield Item(f"report: {what}", bool(found), told)
    listed = listings(pages, program)
    yield Item("report: no code", not listed, "; ".join(listed[:3]) or "no listing")
    large = [
        f"page {page}, {w} x {h} pixels" for page, w, h in pictures if w * h > SCREENSHOT_PIXELS
    ]
    yield Item("report: no screenshot", not large, "; ".join(large) or "drawings alone")


def read_paper(paper: Path) -> tuple[list[str], list[str], list[str], list[tuple[int, int, int]]]:
    """Of a PDF: the text of its pages, its links, its outline, and the sizes of its pictures."""
    try:
        import pypdf
    except ImportError as missing:
        raise StudyError(
            f"the report is checked with pypdf, which is not here; {install('submit')}"
        ) from missing
    try:
        reader = pypdf.PdfReader(paper)
        pages = [page.extract_text() for page in reader.pages]
        titles = list(titles_in(reader.outline))
        links: list[str] = []
        pictures: list[tuple[int, int, int]] = []
        for number, page in enumerate(reader.pages, 1):
            marked: Any = page.get("/Annots") or ()
            links += [link for each in marked if (link := address(each))]
            resources: Any = page["/Resources"]
            named = resources.get("/XObject", {})
            held: list[Any] = [named[key].get_object() for key in named]
            pictures += [
                (number, int(each["/Width"]), int(each["/Height"]))
                for each in held
                if each.get("/Subtype") == "/Image"
            ]
    except pypdf.errors.PyPdfError as problem:
        raise StudyError(f"{paper}: no PDF that can be read ({problem})") from problem
    return pages, links, titles, pictures


def address(annotation: Any) -> str:
    """Where a link of a PDF leads, if it leads out of it."""
    action = annotation.get_object().get("/A") or {}
    return str(action.get("/URI", ""))


def titles_in(outline: Sequence[Any]) -> Iterator[str]:
    """Titles of all depths."""
    for each in outline:
        if isinstance(each, list):
            yield from titles_in(each)
        else:
            yield str(each.title).strip()


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


def squeezed(text: str) -> str:
    """Text without spaces and line ends, which a PDF does not keep."""
    return "".join(text.split())
