"""What a report is made of, before it is a PDF or a page: headings, text, tables, figures.

The chapters build a list of blocks; `pdf` and `html` set the same list. Text is plain but for a
little markup: `*emphasis*`, `**strong**`, backticks for names of things in files, `[words](url)`,
and `[@table]` for a reference to the block of that name. What comes from a user's files goes
through `plain`, so that a file called `*.wav` stays what it is.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal


@dataclass(frozen=True)
class Heading:
    """A title of depth 1 or 2."""

    text: str
    level: int = 1
    name: str = ""


@dataclass(frozen=True)
class Paragraph:
    """Running text."""

    text: str


@dataclass(frozen=True)
class Bullets:
    """Short statements, one below the other."""

    items: Sequence[str]


@dataclass(frozen=True)
class Cards:
    """Headline figures: what it is, the figure, what to know about it."""

    items: Sequence[tuple[str, str, str]]


@dataclass(frozen=True)
class Formula:
    """An equation in the three forms that a page, a paper and a voice need."""

    typst: str
    mathml: str
    spoken: str


@dataclass(frozen=True)
class Panel:
    """Where in a drawing, in shares of its width and height, a confusion matrix stands.

    `configuration` and `view` say whose answers it counts.
    """

    configuration: str
    view: str
    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True)
class Figure:
    """A drawing; `alt` says what it shows to those who do not see it.

    One that `floats` may stand at the top or bottom of a printed page, with text going on below.
    `source` is the file of the study that its numbers stand in. The cells of its `panels` lead to
    their clips, on a page that has an `Explorer`.
    """

    name: str
    svg: str
    caption: str
    alt: str
    floats: bool = False
    source: str = ""
    panels: Sequence[Panel] = ()


@dataclass(frozen=True)
class Column:
    """Neighbouring columns with one `group` stand under a common heading.

    Those with a `weight` share by it what the others, as wide as their text, leave of the page.
    """

    title: str
    group: str = ""
    align: Literal["left", "right", "center"] = "right"
    weight: int = 0


@dataclass(frozen=True)
class Table:
    """Rows of text. The first column names the row; `dense` ones are set smaller.

    `source` is the file of the study that its numbers stand in. Where its rows are the categories
    in their order, `view` names the answers that they lead to, on a page that has an `Explorer`.
    """

    name: str
    caption: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[str]]
    note: str = ""
    dense: bool = False
    breaks: Sequence[int] = ()  # rows before which a line is drawn
    source: str = ""
    view: str = ""


@dataclass(frozen=True)
class Explorer:
    """Every answer, for the page to filter and open; paper has a sentence in its place."""

    name: str
    text: str
    on_paper: str
    data: Mapping[str, Any]


@dataclass(frozen=True)
class Either:
    """What the page shows, and what stands in its place on paper."""

    page: Sequence["Block"]
    paper: Sequence["Block"]


Block = Heading | Paragraph | Bullets | Cards | Formula | Figure | Table | Explorer | Either
Medium = Literal["page", "paper"]


@dataclass(frozen=True)
class Document:
    """A whole report. `study` leads from its folder to the study's, whose files it links.

    With a `cover`, pairs of what it is and its text, a printed report begins with a title page.
    """

    title: str
    subtitle: str
    byline: str
    date: str
    blocks: Sequence[Block] = field(default_factory=tuple)
    study: str = ".."
    author: str = "auricle"
    cover: Sequence[tuple[str, str]] = ()


def chosen(blocks: Iterable[Block], medium: Medium) -> Iterator[Block]:
    """The blocks that one of the two shows."""
    for block in blocks:
        if isinstance(block, Either):
            yield from block.page if medium == "page" else block.paper
        else:
            yield block


def sourced(blocks: Iterable[Block], source: str) -> Iterator[Block]:
    """The same blocks: figures and tables that name no file of their own name this one."""
    for block in blocks:
        if isinstance(block, Either):
            page, paper = (tuple(sourced(part, source)) for part in (block.page, block.paper))
            yield Either(page, paper)
        elif isinstance(block, Figure | Table) and not block.source:
            yield replace(block, source=source)
        else:
            yield block


Run = dict[str, str]

_MARKUP = re.compile(
    r"\\(?P<kept>.)"
    r"|\*\*(?P<strong>.+?)(?<!\\)\*\*"
    r"|\*(?P<emphasis>.+?)(?<!\\)\*"
    r"|`(?P<code>(?:\\.|[^`\\])+)`"
    r"|\[@(?P<reference>[\w-]+)\]"
    r"|\[(?P<words>[^\]]+)\]\((?P<url>[^)]+)\)"
)


def plain(text: object) -> str:
    """The text of a user's file, safe from being taken for markup."""
    return re.sub(r"([\\*`\[\]])", r"\\\1", str(text))


def code(text: object) -> str:
    """The name of something in a file or a recipe."""
    return f"`{plain(text)}`" if str(text) else ""


def runs(text: str, labels: Mapping[str, str]) -> list[Run]:
    """Text taken apart into pieces of one style; `labels` are the words for references."""
    pieces: list[Run] = []

    def add(style: str, words: str, target: str = "") -> None:
        if style == "plain" and pieces and pieces[-1]["style"] == "plain":
            pieces[-1]["text"] += words
        elif words:
            pieces.append({"style": style, "text": words, "target": target})

    at = 0
    for found in _MARKUP.finditer(text):
        add("plain", text[at : found.start()])
        at = found.end()
        match found.lastgroup:
            case "kept":
                add("plain", found["kept"])
            case "reference":
                add("reference", labels[found["reference"]], found["reference"])
            case "url":
                add("link", found["words"], found["url"])
            case str(style):
                add(style, re.sub(r"\\(.)", r"\1", found[style]))
    add("plain", text[at:])
    return pieces


def number(document: Document) -> dict[str, str]:
    """Words by which text refers to each named block: "Figure 3", "Table 1", "Section 4.2"."""
    labels = {}
    figures = tables = chapter = section = 0
    for block in document.blocks:
        assert getattr(block, "name", None) not in labels, f"two blocks are named {block}"
        match block:
            case Heading(level=1):
                chapter, section = chapter + 1, 0
                labels[block.name] = f"Section {chapter}"
            case Heading():
                section += 1
                labels[block.name] = f"Section {chapter}.{section}"
            case Figure():
                figures += 1
                labels[block.name] = f"Figure {figures}"
            case Table():
                tables += 1
                labels[block.name] = f"Table {tables}"
    return labels


def spread(document: Document, medium: Medium) -> Iterator[dict[str, Any]]:
    """Blocks as plain data with their text taken apart: what each template is given."""
    document = replace(document, blocks=tuple(chosen(document.blocks, medium)))
    labels = number(document)

    def rich(value: Any) -> Any:
        return runs(value, labels) if isinstance(value, str) else [rich(each) for each in value]

    for block in document.blocks:
        data = asdict(block) | {"kind": type(block).__name__.lower()}
        for key in ("text", "on_paper", "items", "caption", "rows", "note"):
            if key in data:
                data[key] = rich(data[key])
        if isinstance(block, Heading | Figure | Table):
            data["label"] = labels[block.name]
        if isinstance(block, Table):
            data["groups"] = groups(block.columns)
        yield data


def groups(columns: Sequence[Column]) -> list[dict[str, Any]]:
    """Headings above the headings, with how many columns each spans; none if no column asks."""
    spans: list[dict[str, Any]] = []
    for column in columns:
        if spans and spans[-1]["title"] == column.group:
            spans[-1]["span"] += 1
        else:
            spans.append({"title": column.group, "span": 1})
    return spans if any(span["title"] for span in spans) else []
