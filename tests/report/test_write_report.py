"""The paper and the page, from a whole study and from less."""

import csv
import re
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote

import pytest
from pypdf import PdfReader
from pypdf.generic import DictionaryObject

import auricle
from auricle.report import write_report
from auricle.report.closing import NOT_USED, USED
from auricle.report.drawing import canvas
from auricle.report.html import page_svg

NAMES = ("cnn", "transformer-h1", "transformer-h2", "transformer-h4")
THREE = ("bell", "door", "glass")
VOID = {"meta", "link", "br", "input", "img", "use", "path", "image", "mspace"}


class Page(HTMLParser):
    """Every element with its attributes, and whether open elements are closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.children: dict[str, list[list[str]]] = {"table": [], "svg": []}
        self.open: list[str] = []
        self.text = text
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        for kind, found in self.children.items():
            if tag == kind:
                found.append([])
            elif kind in self.open:
                found[-1].append(tag)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def attributes(self, name: str) -> list[str]:
        return [value for _, attrs in self.elements if (value := attrs.get(name))]


def text_of(paper: Path) -> str:
    """All words of a PDF, however its lines were broken."""
    words = " ".join(page.extract_text() for page in PdfReader(paper).pages)
    return " ".join(words.replace("\u00a0", " ").split())


def text_on(page: Path) -> str:
    html = page.read_text(encoding="utf-8")
    body = re.sub(r"<(script|style|svg).*?</\1>", " ", html, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", "", body).replace("\u00a0", " ").split())


@pytest.fixture(scope="module")
def printed(mission: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return write_report(mission, tmp_path_factory.mktemp("printed"))


@pytest.fixture(scope="module")
def page(printed: tuple[Path, Path]) -> Page:
    return Page(printed[1].read_text(encoding="utf-8"))


def test_paper_is_tagged_titled_and_in_a_language(printed: tuple[Path, Path]) -> None:
    paper = PdfReader(printed[0])
    catalogue = paper.trailer["/Root"]
    assert catalogue["/Lang"] == "en-GB"
    assert catalogue["/MarkInfo"]["/Marked"]
    assert "/StructTreeRoot" in catalogue
    assert catalogue["/ViewerPreferences"]["/DisplayDocTitle"]
    assert paper.metadata
    assert paper.metadata.title == "Sound classification on ESC-10"
    assert b"pdfuaid:part" in catalogue["/Metadata"].get_data()


def structure(node: object) -> Iterator[DictionaryObject]:
    if isinstance(node, DictionaryObject) and "/S" in node:
        yield node
    kids = node.get("/K", []) if isinstance(node, DictionaryObject) else []
    for kid in kids if isinstance(kids, list) else [kids]:
        yield from structure(kid.get_object() if hasattr(kid, "get_object") else kid)


def test_every_figure_and_formula_on_paper_has_an_alternative(printed: tuple[Path, Path]) -> None:
    root = PdfReader(printed[0]).trailer["/Root"]["/StructTreeRoot"]
    root_kids = root["/K"] if isinstance(root["/K"], list) else [root["/K"]]
    nodes = [node for kid in root_kids for node in structure(kid.get_object())]
    kinds = [str(node["/S"]) for node in nodes]
    drawings = [node for node in nodes if node["/S"] in ("/Figure", "/Formula")]
    assert kinds.count("/Figure") >= 16
    assert kinds.count("/Table") >= 12
    assert all(len(str(node.get("/Alt", ""))) > 20 for node in drawings)


@pytest.mark.parametrize("kind", [0, 1], ids=["paper", "page"])
def test_names_and_numbers_are_those_of_comparison_csv(
    printed: tuple[Path, Path], mission: Path, kind: int
) -> None:
    said = (text_of, text_on)[kind](printed[kind])
    with (mission / "comparison.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for name in NAMES:
        assert name in said
    for row in rows:
        assert f"{100 * float(row['accuracy']):.1f}" in said
        if not row["member"].startswith("fold-"):
            low, high = (100 * float(row[f"accuracy_{end}"]) for end in ("low", "high"))
            assert f"[{low:.1f}, {high:.1f}]" in said
            assert f"{float(row['f1_macro']):.3f}" in said
            assert f"{float(row['auc_macro']):.3f}" in said
    for part in ("trainable", "fixed"):
        assert f"{int(rows[0][f'parameters_{part}']):,}" in said
    for chapter in ("Summary", "Methods", "Observations", "Assumptions", "References"):
        assert chapter in said


def test_page_closes_what_it_opens_and_asks_for_nothing_outside(page: Page) -> None:
    assert page.open == []
    for tag, attributes in page.elements:
        for key in ("src", "href", "xlink:href", "srcset", "data", "action"):
            target = attributes.get(key) or ""
            if tag == "a":
                continue
            assert not re.match(r"(https?:)?//", target), (tag, target)
    assert "@import" not in page.text
    assert "url(http" not in page.text


def test_links_of_the_page_lead_somewhere_and_names_are_unique(page: Page) -> None:
    names = page.attributes("id")
    assert len(names) == len(set(names))
    inner = {target[1:] for target in page.attributes("href") if target.startswith("#")}
    assert inner <= set(names)


def test_every_table_has_a_caption_and_every_drawing_a_text(page: Page) -> None:
    assert len(page.children["table"]) >= 12
    assert all("caption" in inside and "th" in inside for inside in page.children["table"])
    assert len(page.children["svg"]) >= 19
    assert all(inside[0] == "title" for inside in page.children["svg"])
    drawings = [attributes for tag, attributes in page.elements if tag == "svg"]
    assert all(a.get("role") == "img" and a.get("aria-labelledby") for a in drawings)
    formulas = [attributes for tag, attributes in page.elements if tag == "math"]
    assert formulas
    assert all(attributes.get("alttext") for attributes in formulas)
    assert ("html", {"lang": "en-GB"}) in page.elements


def test_headings_go_down_one_level_at_a_time(page: Page) -> None:
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(later <= earlier + 1 for earlier, later in pairwise(levels))


def test_equal_studies_print_equal_files(
    printed: tuple[Path, Path], mission: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    again = write_report(mission, tmp_path_factory.mktemp("again"))
    assert [file.read_bytes() for file in again] == [file.read_bytes() for file in printed]


def test_files_that_numbers_come_from_are_linked_from_wherever_the_page_is(
    page: Page, printed: tuple[Path, Path], mission: Path
) -> None:
    at_home = write_report(mission)
    assert at_home == (mission / "report" / "report.pdf", mission / "report" / "report.html")
    for place, shown in ((printed[1], page), (at_home[1], Page(at_home[1].read_text("utf-8")))):
        links = [unquote(a["href"] or "") for tag, a in shown.elements if tag == "a"]
        files = [place.parent / link for link in links if not re.match(r"#|https?:", link)]
        names = {file.name for file in files}
        assert {"scores.json", "comparison.csv", "clips.csv", "predictions.csv"} <= names
        assert len(files) > 20
        assert all(file.exists() for file in files)
    said = text_of(printed[0])
    assert "From comparison.csv." in said
    assert "From cnn/kfold/." in said


def test_validation_alone_says_that_the_test_fold_was_not_read(
    make_study: Callable[..., Path],
) -> None:
    run = make_study(
        dataset="my_sounds",
        categories=THREE,
        names=("cnn", "transformer-h2"),
        strategies=("kfold",),
        test=False,
        per_fold=4,
        skipped=(("bell/*x*.wav", "truncated: 12 of 40 bytes"),),
        unusual=(("bell/long.wav", "600 s, cut to its loudest stretch"),),
        notes=("no recordings named: every file is its own recording",),
    )
    paper, page = write_report(run)
    for said in (text_of(paper), text_on(page)):
        assert "Sound classification on my_sounds" in said
        assert "The test fold was not read" in said
        assert "this report holds no score on it" in said
        assert "refit, test" not in said
        assert "bell/*x*.wav" in said
        assert "1 clip could not be used" in said
        assert "600 s, cut to its loudest stretch" in said
        assert "No recordings named: every file is its own recording." in said
        assert "ESC-10" not in said
        assert "Piczak" not in said


def test_esc5_seeds_and_tracking_have_their_sections(make_study: Callable[..., Path]) -> None:
    run = make_study(
        categories=THREE,
        names=("cnn", "transformer-h4"),
        strategies=("kfold", "holdout", "refit", "esc5"),
        seeds=2,
        per_fold=4,
        wandb={"mode": "online", "project": "esc10", "url": "https://wandb.ai/someone/esc10"},
    )
    paper, page = write_report(run)
    for said in (text_of(paper), text_on(page)):
        assert "two seeds" in said
        assert "Every fold tested" in said
        assert "92.5 [90.0, 95.0]" in said
        assert "everyone is cnn and transformer-h4, 246,912 trainable parameters in its 4" in said
        assert "4 networks, probabilities averaged" in said
        assert "Published accuracies" in said
        assert "96.65" in said
        assert "is comparable with them" not in said
        assert "means over two seeds" in said
        assert "in turn" in said
        assert "cnn 92.5% (93.0 on folds 2–5, 91.0 on fold 1) and transformer-h4 92.5%" in said
    drawn = page.read_text(encoding="utf-8")
    assert "ACDNet 96.65%; cnn, this study, 92.5" in drawn
    assert 'href="https://wandb.ai/someone/esc10"' in page.read_text(encoding="utf-8")


def test_what_was_tried_is_told_where_a_study_has_it(make_study: Callable[..., Path]) -> None:
    run = make_study(categories=THREE, names=("cnn",), strategies=("kfold",), per_fold=4)
    header = (
        "section,says,curve,name,differs,seeds,low_seed,high_seed,log_loss,log_loss_scaled,"
        "minutes_a_fit,parameters,learned,accuracy,accuracy_low,accuracy_high,"
        "less_difference,less_low,less_high,less_p_permutation\n"
    )
    rows = (
        "Views,How many.,1,one view,-,3,0.9,0.92,0.3,0.25,1.5,142410,,0.91,0.88,0.94,,,,\n"
        "Views,How many.,1,two views,views 2,1,0.93,0.93,0.28,,2.9,142410,More is better.,"
        "0.93,0.9,0.96,0.02,-0.01,0.05,0.21\n"
        "Width,How wide.,0,width 64,-,1,0.92,0.92,0.3,,1.5,142410,,0.92,0.89,0.95,,,,\n"
    )
    (run / "tried.csv").write_text(header + rows, encoding="utf-8")
    paper, page = write_report(run)
    short, long = text_of(paper), text_on(page)
    for said in (short, long):
        assert "How the recipe was found" in said
        assert "+2.0 [−1.0, +5.0]" in said
        assert "width 64" in said
        assert "of a run that was scored on the test fold too, these are all that is used" in said
    assert "More is better." in long
    assert long.count("range over seeds") == 1, "the second table has nothing to tell there"
    assert "More is better." not in short
    assert "Views 2 two views 1 93.0 [90.0, 96.0] +2.0" in short, "a section's highest row"
    assert "two views: 2.9 minutes" in page.read_text(encoding="utf-8")


def test_an_offline_run_is_said_to_be_one(make_study: Callable[..., Path]) -> None:
    run = make_study(
        categories=THREE,
        names=("cnn",),
        strategies=("holdout", "refit"),
        per_fold=4,
        wandb={"mode": "offline", "project": "p", "url": None, "sync": "wandb sync RUN/x"},
    )
    _, page = write_report(run)
    said = text_on(page)
    assert "logged offline under the project p" in said
    assert "wandb sync RUN/x" in said
    assert "Pairwise comparisons" not in said
    assert "transformer" not in said.partition("Assumptions")[0].partition("Published")[0].lower()


def test_parts_said_to_be_used_are_used_and_the_others_are_not() -> None:
    folder = Path(auricle.__file__).parent
    sources = "".join(
        path.read_text(encoding="utf-8")
        for room in ("network", "training", "evaluation")
        for path in sorted((folder / room).glob("*.py"))
    )
    names = re.compile(r"`(?:nn\.|F\.)?([\w.]+)`")
    for parts, _, _ in USED:
        for name in names.findall(parts):
            assert name in sources
    for parts, _ in NOT_USED:
        for name in names.findall(parts):
            assert not re.search(rf"\b{name}\(", sources)


def test_a_drawing_is_the_same_each_time_and_shares_no_id_with_another() -> None:
    def draw(name: str) -> str:
        with canvas(name, 40) as drawn:
            axes = drawn.figure.subplots()
            axes.plot([1, 2], "o-", label="line")
            axes.set_xlim(1.2, 2)
            axes.legend()
        return drawn.svg

    first, other = draw("one"), draw("two")
    assert first == draw("one")
    names = [set(re.findall(r' id="([^"]+)"', svg)) for svg in (first, other)]
    assert names[0]
    assert names[0].isdisjoint(names[1])
    assert "<metadata" not in first
    shown = str(page_svg(first, "one", 'a <b> & "c"'))
    assert "var(--series-0)" not in first
    assert '<title id="one-alt">a &lt;b&gt; &amp; &#34;c&#34;</title>' in shown


def test_the_page_stays_small(printed: tuple[Path, Path]) -> None:
    assert all(path.stat().st_size < 3_000_000 for path in printed)
