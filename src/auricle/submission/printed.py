"""What a PDF holds: text, links, outline, pictures."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from auricle.errors import StudyError, install


@dataclass(frozen=True)
class Printed:
    """The text of each page, links, titles with how much text stands under each, and pictures.

    Of a picture: its page, its width and its height, in pixels.
    """

    pages: Sequence[str]
    links: Sequence[str]
    titles: Mapping[str, int]
    pictures: Sequence[tuple[int, int, int]]


def read_paper(paper: Path) -> Printed:
    """Read a PDF.

    Raises: ValueError for what is none that can be read, StudyError where pypdf is not installed.
    """
    try:
        import pypdf
    except ImportError as missing:
        raise StudyError(
            f"the report is checked with pypdf, which is not here; {install('submit')}"
        ) from missing
    try:
        reader = pypdf.PdfReader(paper)
        pages = [page.extract_text() for page in reader.pages]
        titles = letters_under(list(titles_in(reader, reader.outline)), pages)
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
    except (pypdf.errors.PyPdfError, OSError, LookupError, TypeError) as problem:
        raise ValueError(problem) from problem
    return Printed(pages, links, titles, pictures)


def address(annotation: Any) -> str:
    """Where a link of a PDF leads, if it leads out of it."""
    action = annotation.get_object().get("/A") or {}
    return str(action.get("/URI", ""))


Entry = tuple[int, str, int]
"""Of an outline: depth, title, and the page that it stands on, counted from 0."""


def titles_in(reader: Any, outline: Sequence[Any], depth: int = 0) -> Iterator[Entry]:
    """Entries of all depths."""
    for each in outline:
        if isinstance(each, list):
            yield from titles_in(reader, each, depth + 1)
        else:
            yield depth, str(each.title).strip(), reader.get_destination_page_number(each)


def letters_under(entries: Sequence[Entry], pages: Sequence[str]) -> dict[str, int]:
    """How much text a section has, from its title to the next one that is no part of it."""
    texts = [squeezed(page) for page in pages]
    starts = [
        sum(map(len, texts[:page])) + max(0, texts[page].rfind(squeezed(title)))
        for _, title, page in entries
    ]
    starts.append(sum(map(len, texts)))
    found = {}
    for at, (depth, title, _) in enumerate(entries):
        parts = entries[at + 1 :]
        own = next((n for n, part in enumerate(parts) if part[0] <= depth), len(parts))
        inside = sum(len(squeezed(part[1])) for part in parts[:own])
        text = starts[at + 1 + own] - starts[at] - len(squeezed(title)) - inside
        found[title] = max(0, text)
    return found


def squeezed(text: str) -> str:
    """Text without spaces and line ends, which a PDF does not keep."""
    return "".join(text.split())
