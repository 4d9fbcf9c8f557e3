"""The page: the same document as HTML that needs nothing but itself."""

import json
import re
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from auricle.report.document import Document, spread
from auricle.report.drawing import INK, MUTED, PAPER, RULE, SERIES

# What the page calls the inks of the figures, and thereby can change in the dark.
INKS = {INK: "ink", MUTED: "muted", RULE: "rule", PAPER: "paper"} | {
    colour: f"series-{at}" for at, colour in enumerate(SERIES)
}


def set_page(document: Document) -> str:
    """The document as one HTML file."""
    environment = Environment(
        loader=PackageLoader("auricle.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    blocks = list(spread(document, "page"))
    for block in blocks:
        if block["kind"] == "figure":
            block["svg"] = page_svg(block["svg"], block["name"], block["alt"])
        if block["kind"] == "explorer":
            block["data"] = script_data(block["data"])
    return environment.get_template("report.html").render(
        document=document,
        blocks=blocks,
        contents=contents(blocks),
        explores=any(block["kind"] == "explorer" for block in blocks),
    )


def script_data(data: Any) -> str:
    """JSON that cannot end the script element that it stands in."""
    from markupsafe import Markup

    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c"))


def contents(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Chapters, each with its sections."""
    chapters: list[dict[str, Any]] = []
    for block in blocks:
        if block["kind"] == "heading" and block["level"] == 1:
            chapters.append(block | {"sections": []})
        elif block["kind"] == "heading":
            chapters[-1]["sections"].append(block)
    return chapters


def page_svg(svg: str, name: str, alt: str) -> str:
    """A figure for the page: inks by name, its size the page's, and a text for it."""
    from markupsafe import Markup, escape

    for colour, ink in INKS.items():
        svg = svg.replace(colour, f"var(--{ink})")
    svg = re.sub(r"'DejaVu Sans'[^;\"]*", "var(--sans)", svg)
    head, _, body = svg.partition(">")
    head = re.sub(r' (?:width|height|version)="[^"]*"', "", head)
    label = f' role="img" aria-labelledby="{name}-alt"><title id="{name}-alt">{escape(alt)}</title>'
    return Markup(head + label + body)
