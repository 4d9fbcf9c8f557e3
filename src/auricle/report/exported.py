"""The chapter on what was exported: whether it answers as what was trained."""

from collections.abc import Iterator

from auricle.evaluation.parity import (
    REFERENCE,
    Certificate,
    Row,
    in_full,
    unknown_alike,
    verdicts,
)
from auricle.report.document import Block, Bullets, Column, Heading, Paragraph, Table, code, plain
from auricle.report.study_files import Study
from auricle.report.wording import listed, percent, plural

WAYS = {
    "pytorch": "PyTorch",
    "onnx": "onnxruntime",
    "int8": "onnxruntime, int8",
    "browser": "onnxruntime-web",
    "browser-decoded": "onnxruntime-web, decoding the files itself",
}


def exported(study: Study) -> Iterator[Block]:
    """Does the export agree? Nothing where `auricle parity` was not asked."""
    found = study.parity
    if not found:
        return
    yield Heading("Does the export agree?", 1, "export")
    yield Paragraph(
        f"What is shipped is not what was trained but a graph made of it. {_clips(found)} were put "
        f"to the trained network of {code(found.model)} and to each way of running its export, all "
        "on the same 16-bit samples, by `auricle parity`. "
        + (
            "**Every way that is judged agrees.**"
            if found.holds
            else "**Not every way agrees; do not ship those that do not.**"
        )
    )
    yield Bullets(
        [
            *(plain(sentence) for sentence in verdicts(found.rows, WAYS)),
            *(plain(sentence) for sentence in unknown_alike(found.rows, WAYS)),
            *(f"Left out: {plain(reason)}." for reason in found.left_out),
        ]
    )
    yield _table(found)


def _clips(found: Certificate) -> str:
    kind = "test" if found.on == "test" else "development"
    clips = plural(found.clips, f"{kind} clip")
    if not found.learnt:
        return clips
    of = "all" if found.learnt == found.clips else str(found.learnt)
    return f"{clips}, {of} of which it learnt from, so that their accuracy tells nothing of others,"


def _table(found: Certificate) -> Table:
    versions = {plain(name): plain(told) for name, told in found.versions.items()}
    processor = versions.pop("processor", "")
    made_with = listed([" ".join(each) for each in versions.items()])
    return Table(
        "export-table",
        f"Ways of running the network, held against {WAYS[REFERENCE]}.",
        [
            Column("run by", align="left"),
            Column("accuracy, %"),
            Column("largest difference", "probability"),
            Column("same, %", "answer"),
            Column("lost", "answer"),
            Column("gained", "answer"),
            Column("ms a clip"),
            Column("model, kB"),
        ],
        [_row(row) for row in found.rows],
        note="Lost are clips that PyTorch answers right and this way wrong; gained the reverse. "
        "Milliseconds are the median over the clips, from samples to probabilities, of all ways in "
        "turns in one run, each on one thread; where the browser decodes, that is in them. "
        + (f"Measured on {processor}. " if processor else "")
        + f"Made with {made_with}.",
    )


def _row(row: Row) -> list[str]:
    return [
        WAYS.get(row.name, plain(row.name)),
        percent(row.accuracy),
        in_full(row.largest_difference),
        percent(row.agreement),
        str(row.lost),
        str(row.gained),
        f"{row.ms_a_clip:.1f}",
        f"{row.bytes / 1000:,.0f}",
    ]
