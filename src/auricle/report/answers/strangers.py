"""The section on classes that were never taught."""

from collections.abc import Iterator

from auricle.evaluation.calibration import KEPT
from auricle.evidence.strangers import Stranger, StrangersFound
from auricle.report.answers.unknown import NAMES
from auricle.report.document import Block, Column, Heading, Paragraph, Table, code
from auricle.report.wording import NOTHING, category, decimals, listed, percent


def section(found: StrangersFound) -> Iterator[Block]:
    """Is a sound of a class that was never taught told to be unknown?"""
    yield Heading("Is a class that was never taught told to be unknown?", 2, "strangers")
    easiest, hardest = min(found.rows, key=_accepted), max(found.rows, key=_accepted)
    shares = [f"{percent(told.accepted)}% ({NAMES[told.rule]})" for told in found.mean]
    last = found.mean[-1]
    yield Paragraph(
        f"{code(found.configuration)} was trained without each class in turn, and then given the "
        f"clips of that class. Thresholds that keep {KEPT:.0%} of the known clips of the other "
        f"folds call the rest unknown. **Of the clips of an untaught class {listed(shares)} are "
        f"taken for a class that was taught**, while by the last {percent(last.kept)}% of the "
        f"known clips are kept. By it fewest of {category(easiest.category)} pass "
        f"({percent(_accepted(easiest))}%), most of {category(hardest.category)} "
        f"({percent(_accepted(hardest))}%), which is mostly taken for "
        f"{category(hardest.as_category)}. An AUROC of 0.5 would be guessing, 1 no mistake."
    )
    rules = [told.rule for told in found.mean]
    areas = [at for at, told in enumerate(found.mean) if told.auroc is not None]
    rows = [
        [
            category(row.category),
            str(row.clips),
            *(decimals(row.told[at].auroc) for at in areas),
            *(percent(told.accepted) for told in row.told),
            category(row.as_category),
        ]
        for row in found.rows
    ]
    mean = [
        "mean",
        NOTHING,
        *(decimals(found.mean[at].auroc) for at in areas),
        *(percent(told.accepted) for told in found.mean),
        NOTHING,
    ]
    yield Table(
        "strangers-table",
        "Each class left out of training in turn, and its clips put to those networks.",
        [
            Column("class left out", align="left"),
            Column("clips"),
            *(Column(NAMES[rules[at]], "AUROC") for at in areas),
            *(Column(NAMES[rule], "taken for known, %") for rule in rules),
            Column("mostly taken for", align="left"),
        ],
        [*rows, mean],
        breaks=(len(rows),),
        dense=True,
    )


def _accepted(row: Stranger) -> float:
    return row.told[-1].accepted
