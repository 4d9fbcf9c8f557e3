"""The section on what a leak would have been worth."""

from collections.abc import Iterator

from auricle.evidence.leak import LeakFound
from auricle.report.document import Block, Column, Heading, Paragraph, Table, code
from auricle.report.scores import Bounded
from auricle.report.wording import NOTHING, equals, percent, plural, points, with_interval

SURE = 0.05


def section(found: LeakFound) -> Iterator[Block]:
    """What would a leak have been worth?"""
    yield Heading("What would a leak have been worth?", 2, "leak")
    difference = (
        f"{points(found.difference)} points [{points(found.low)}, {points(found.high)}], "
        f"{equals(found.p)}"
    )
    if found.p >= SURE:
        verdict = f"The two cannot be told apart here ({difference})."
    elif found.difference > 0:
        verdict = (
            f"**A random split flatters by {difference}**: that much is memory of recordings, not "
            "knowledge of sounds."
        )
    else:
        verdict = f"The random split is lower, beyond chance ({difference})."
    yield Paragraph(
        f"A demonstration, not a result: {code(found.configuration)} was trained once more on the "
        "development clips, with clips dealt to folds by chance instead of by recording, as a "
        f"careless split does. {plural(found.siblings, 'clip')} of {found.clips} then had another "
        f"clip of their recording among those learnt from. {verdict}"
    )
    siblings = (found.grouped_siblings, found.random_siblings)
    yield Table(
        "leak-table",
        "The same clips and the same recipe under two ways of dealing clips to folds.",
        [
            Column("folds", align="left"),
            Column("accuracy, %"),
            Column("on clips with a sibling, %"),
        ],
        [
            [name, with_interval(Bounded(**vars(of))), NOTHING if own is None else percent(own)]
            for name, of, own in zip(
                ("by recording", "by chance"),
                (found.grouped, found.random),
                siblings,
                strict=True,
            )
        ],
    )
