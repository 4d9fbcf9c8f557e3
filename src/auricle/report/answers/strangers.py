"""The section on classes that were never taught."""

from collections.abc import Iterator

from auricle.evaluation.calibration import KEPT
from auricle.evidence.strangers import StrangersFound
from auricle.report.document import Block, Column, Heading, Paragraph, Table, code
from auricle.report.wording import category, decimals, percent


def section(found: StrangersFound) -> Iterator[Block]:
    """Is a sound of a class that was never taught told to be unknown?"""
    yield Heading("Is a class that was never taught told to be unknown?", 2, "strangers")
    easiest = min(found.rows, key=lambda row: row.accepted)
    hardest = max(found.rows, key=lambda row: row.accepted)
    yield Paragraph(
        f"{code(found.configuration)} was trained without each class in turn, and then given the "
        "clips of that class. A threshold on its largest probability, which keeps "
        f"{KEPT:.0%} of the known clips of the other folds, calls the rest unknown. "
        f"**{percent(found.accepted)}% of the clips of an untaught class are taken for a class "
        f"that was taught**, while {percent(found.kept)}% of the known clips are kept. "
        f"Fewest of {category(easiest.category)} ({percent(easiest.accepted)}%), most of "
        f"{category(hardest.category)} ({percent(hardest.accepted)}%), which is mostly taken for "
        f"{category(hardest.as_category)}. An AUROC of 0.5 would be guessing, 1 no mistake."
    )
    rows = [
        [
            category(row.category),
            str(row.clips),
            decimals(row.auroc),
            percent(row.accepted),
            percent(row.kept),
            category(row.as_category),
        ]
        for row in found.rows
    ]
    mean = ["mean", "", decimals(found.auroc), percent(found.accepted), percent(found.kept), ""]
    yield Table(
        "strangers-table",
        "Each class left out of training in turn, and its clips put to those networks.",
        [
            Column("class left out", align="left"),
            Column("clips"),
            Column("AUROC"),
            Column("taken for known, %"),
            Column("known kept, %"),
            Column("mostly taken for", align="left"),
        ],
        [*rows, mean],
        breaks=(len(rows),),
    )
