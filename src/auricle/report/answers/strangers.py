"""The section on classes that were never taught."""

from collections.abc import Iterator, Sequence

from auricle.evaluation.calibration import KEPT
from auricle.evidence.strangers import Stranger, StrangersFound, Told
from auricle.report.answers.unknown import NAMES, SHORT
from auricle.report.document import Block, Column, Heading, Paragraph, Table, code
from auricle.report.wording import (
    NOTHING,
    category,
    decimals,
    listed,
    percent,
    with_interval,
    worded,
)


def section(found: StrangersFound) -> Iterator[Block]:
    """Is a sound of a class that was never taught told to be unknown?"""
    yield Heading("Is a class that was never taught told to be unknown?", 2, "strangers")
    last = found.together[-1]
    shares = [f"{with_interval(told.accepted)}% by {NAMES[told.rule]}" for told in found.together]
    yield Paragraph(
        f"{code(found.configuration)} was trained without each class in turn, and then given the "
        f"clips of that class: to all {worded(found.networks)} networks of a control, for none of "
        f"them ever heard it. Thresholds that keep {KEPT:.0%} of the other folds' known clips call "
        f"the rest unknown. **Of the clips of an untaught class {listed(shares)} pass for "
        f"known**; by {NAMES[last.rule]} {percent(last.kept)}% of the known clips are really kept. "
        f"{_extremes(found.rows)} An AUROC of 0.5 would be guessing, 1 no mistake."
    )
    rules = [told.rule for told in found.together]
    rows = [
        [
            category(row.category),
            str(row.clips),
            *_figures(row.told),
            category(row.as_category) if row.as_category else NOTHING,
        ]
        for row in found.rows
    ]
    clips = sum(row.clips for row in found.rows)
    yield Table(
        "strangers-table",
        "Each class left out of training in turn, and its clips put to those networks.",
        [
            Column("class left out", align="left"),
            Column("clips"),
            *(Column(SHORT[rule], "AUROC") for rule in rules),
            *(Column(SHORT[rule], "pass for known, %") for rule in rules),
            Column("mostly taken for", align="left"),
        ],
        [*rows, ["all", str(clips), *_figures(found.together), NOTHING]],
        note="Intervals are 95%, by recording. In the last row AUROC is the mean. Taken for: the "
        f"answer to most of the clips that pass by {NAMES[last.rule]}.",
        breaks=(len(rows),),
        dense=True,
    )


def _figures(told: Sequence[Told]) -> list[str]:
    areas = [decimals(each.auroc) for each in told]
    return [*areas, *(with_interval(each.accepted) for each in told)]


def _extremes(rows: Sequence[Stranger]) -> str:
    """Of which class fewest pass by the last rule, and of which most."""

    def share(row: Stranger) -> float:
        return row.told[-1].accepted.value

    easiest, hardest = min(rows, key=share), max(rows, key=share)
    if percent(share(easiest)) == percent(share(hardest)):
        return "By it as many pass of every class."
    text = (
        f"By it fewest of {category(easiest.category)} pass ({percent(share(easiest))}%), most of "
        f"{category(hardest.category)} ({percent(share(hardest))}%"
    )
    if hardest.as_category:
        text += f", mostly for {category(hardest.as_category)}"
    return f"{text})."
