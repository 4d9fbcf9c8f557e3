"""The section on what the transformer's parts are worth."""

from collections.abc import Iterator

from auricle.evidence.architecture import ArchitectureFound, Row
from auricle.report.document import Block, Column, Figure, Heading, Paragraph, Table, code
from auricle.report.drawing import INK, MUTED, RULE, SERIES, canvas, light_grid
from auricle.report.scores import Bounded
from auricle.report.wording import (
    count,
    decimals,
    equals,
    listed,
    percent,
    plural,
    points,
    probability,
    with_interval,
)

SURE = 0.05


def section(found: ArchitectureFound) -> Iterator[Block]:
    """What are attention, class token, depth and heads worth?"""
    if found.scored is None:
        return
    yield Heading("What is each part of the transformer worth?", 2, "architecture")
    yield Paragraph(
        f"{code(found.reference)} has {plural(found.blocks, 'block')} with "
        f"{plural(found.heads, 'head')}, and reaches "
        f"{percent(found.scored.accuracy.value)}% out of fold with the first seed. Each control "
        "was trained in the same way, from new weights, and differs in one thing. "
        + _verdict(found)
    )
    yield _table(found)
    yield _figure(found)


def _verdict(found: ArchitectureFound) -> str:
    told = [row for row in found.rows if row.p < SURE]
    if not told:
        nearest = min(found.rows, key=lambda row: row.p)
        return (
            f"**None of the {plural(len(found.rows), 'control')} can be told apart from it** "
            f"(smallest {equals(nearest.p)} after Holm: {nearest.changes}). On these clips, the "
            "part that each control lacks is not what the accuracy comes from."
        )
    worse = [row.changes for row in told if row.difference < 0]
    better = [row.changes for row in told if row.difference > 0]
    parts = []
    if worse:
        parts.append(f"Worse than it, beyond chance: {'; '.join(worse)}.")
    if better:
        parts.append(f"Better than it, beyond chance: {'; '.join(better)}.")
    if len(told) < len(found.rows):
        parts.append("The others cannot be told apart from it.")
    return " ".join(parts)


def _table(found: ArchitectureFound) -> Table:
    assert found.scored is not None
    own = [
        f"{code(found.reference)}: as it is",
        count(found.scored.parameters),
        _accuracy(found.scored.accuracy),
        decimals(found.scored.log_loss),
        "",
        "",
    ]
    return Table(
        "architecture-table",
        "Controls of the transformer: out-of-fold accuracy with its interval, and the difference "
        "to the transformer on the same clips. One seed each.",
        [
            Column("control", align="left"),
            Column("parameters"),
            Column("accuracy, %"),
            Column("log loss"),
            Column("difference, points"),
            Column("p (Holm)"),
        ],
        [own, *(_row(row) for row in found.rows)],
        note="p: sign-flip permutation by recording, adjusted for all rows of the table.",
        dense=True,
        breaks=(1,),
    )


def _row(row: Row) -> list[str]:
    return [
        row.changes,
        count(row.scored.parameters),
        _accuracy(row.scored.accuracy),
        decimals(row.scored.log_loss),
        f"{points(row.difference)} [{points(row.low)}, {points(row.high)}]",
        probability(row.p),
    ]


def _accuracy(interval: object) -> str:
    return with_interval(Bounded(**vars(interval)))


def _figure(found: ArchitectureFound) -> Figure:
    rows = found.rows
    with canvas("architecture-figure", 12 + 6.5 * len(rows)) as drawn:
        axes = drawn.figure.subplots()
        axes.axvline(0, color=MUTED, linewidth=0.8)
        for at, row in enumerate(reversed(rows)):
            colour = SERIES[1] if row.p < SURE else SERIES[0]
            axes.plot([100 * row.low, 100 * row.high], [at, at], color=colour, linewidth=1.4)
            axes.plot(100 * row.difference, at, "o", color=colour, markersize=4)
        axes.set_yticks(range(len(rows)), [row.changes for row in reversed(rows)], color=INK)
        axes.set_xlabel("accuracy less the transformer's, points")
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_color(RULE)
        light_grid(axes, "x")
        axes.margins(y=0.06)
    told = listed([f"{row.changes}: {points(row.difference)} points" for row in rows])
    return Figure(
        "architecture-figure",
        drawn.svg,
        f"What each control loses or gains against {code(found.reference)}, with 95% intervals "
        "over recordings. An interval that holds zero says nothing either way.",
        f"Differences in accuracy. {told}.",
    )
