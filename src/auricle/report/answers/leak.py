"""The section on what a leak would have been worth."""

from collections.abc import Iterator

from auricle.evaluation.comparison import ALPHA
from auricle.evidence.leak import LeakFound
from auricle.report.document import Block, Column, Heading, Paragraph, Table, code
from auricle.report.scores import Bounded
from auricle.report.wording import NOTHING, count, equals, percent, plural, points, with_interval


def section(found: LeakFound) -> Iterator[Block]:
    """What would a leak have been worth?"""
    yield Heading("What would a leak have been worth?", 2, "leak")
    difference = (
        f"{points(found.difference)} points [{points(found.low)}, {points(found.high)}], "
        f"{equals(found.p)}"
    )
    if found.p > ALPHA:
        verdict = (
            f"The two cannot be told apart here ({difference}): the interval allows a random split "
            f"to flatter by up to {percent(max(0.0, found.high))} points."
        )
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
        f"clip of their recording among those learnt from. {verdict} {_to_gain(found)}"
        "It is one way of dealing, and one seed."
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


def _to_gain(found: LeakFound) -> str:
    """How many clips a leak could have mended at all."""
    if found.grouped_siblings is None:
        return ""
    wrong = round(found.siblings * (1 - found.grouped_siblings))
    return (
        f"A leak can mend what is wrong without it: {count(wrong) if wrong else 'none'} of the "
        f"{plural(found.siblings, 'clip')} that have a sibling. "
    )
