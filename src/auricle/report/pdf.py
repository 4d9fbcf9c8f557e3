"""The printed report: typst sets the document as tagged PDF/UA-1, its fonts within."""

import json
import tempfile
from datetime import datetime
from importlib.resources import files
from pathlib import Path

import matplotlib
import typst

from auricle.report.document import Document, runs, spread

PAGE_ONLY = ("data", "panels", "view")  # of blocks: what a script reads


def set_pdf(document: Document, made: datetime) -> bytes:
    """The document as a PDF; `made` is the date it carries, so that equal studies print equally."""
    fonts = Path(matplotlib.get_data_path()) / "fonts" / "ttf"  # those the figures are set in
    template = files("auricle.report") / "templates" / "report.typ"
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        blocks = []
        for block in spread(document, "paper"):
            if block["kind"] == "figure":
                (root / f"{block['name']}.svg").write_text(block.pop("svg"), encoding="utf-8")
            blocks.append({key: value for key, value in block.items() if key not in PAGE_ONLY})
        content = {
            "title": document.title,
            "subtitle": document.subtitle,
            "byline": document.byline,
            "date": document.date,
            "author": document.author,
            "cover": [[what, runs(text, {})] for what, text in document.cover],
            "blocks": blocks,
        }
        (root / "report.json").write_text(json.dumps(content), encoding="utf-8")
        (root / "report.typ").write_bytes(template.read_bytes())
        printed = typst.Compiler(
            root / "report.typ",
            root=root,
            font_paths=typst.Fonts(include_system_fonts=False, font_paths=[fonts]),
        ).compile(format="pdf", pdf_standards=["ua-1"], timestamp=made)
    assert isinstance(printed, bytes)
    return printed
