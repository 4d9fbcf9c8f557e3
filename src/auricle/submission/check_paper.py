"""What the printed report, its links and its outline hold, and what they must not."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from auricle.report.headlines import views
from auricle.report.study_files import Study
from auricle.report.wording import percent, with_interval
from auricle.submission.brief import Item
from auricle.submission.printed import read_paper, squeezed

COLAB_HOST = "colab.research.google.com"
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
