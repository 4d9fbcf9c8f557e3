"""The section on heads: what is lost without each, and whether they look at the same moments."""

from collections.abc import Iterator, Sequence
from math import ceil, log2

from auricle.evaluation.comparison import ALPHA
from auricle.evidence.heads import Block as SilencedBlock
from auricle.evidence.heads import Encoder, Head, HeadsFound, Silenced
from auricle.report.document import Block, Column, Figure, Heading, Paragraph, Table, code
from auricle.report.drawing import INK, MUTED, ON_PALE, SERIES, canvas, light_grid
from auricle.report.wording import (
    NOTHING,
    equals,
    listed,
    percent,
    points,
    probability,
    signed,
    worded,
)

APART, SAME = 0.5, 0.8
"""Correlations below which two heads look at different moments, and from which at the same."""


def section(found: HeadsFound) -> Iterator[Block]:
    """Does any head of attention matter alone?"""
    if not found.encoders:
        return
    yield Heading("What do the heads of attention do?", 2, "heads")
    yield Paragraph(
        "In each block of the encoder the class token looks at the steps of sound through one or "
        "more heads. A head is silenced by setting to zero what it adds; nothing is trained again, "
        "and all else of the network answers as before. What the answers then lose is what this "
        "head alone is worth: what other heads find as well, it is not credited with (Michel et "
        "al., 2019)."
    )
    for at, encoder in enumerate(found.encoders):
        yield Paragraph(" ".join([_alone(encoder), *_by_block(encoder)]))
        yield _table(encoder, f"heads-table-{at}")
        yield _figure(encoder, f"heads-figure-{at}")


def _alone(of: Encoder) -> str:
    name = code(of.configuration)
    if len(of.heads) == 1:
        lost = of.heads[0].silenced
        return (
            f"{name} has a single head, through which all sound reaches the class token; without "
            f"it the accuracy of {percent(of.accuracy)}% changes by "
            f"{points(-lost.lost.difference)} points ({equals(lost.p_holm)})."
        )
    needed = [head for head in of.heads if _matters(head.silenced)]
    if not needed:
        most = max(of.heads, key=lambda head: head.silenced.lost.difference).silenced
        return (
            f"No head of {name} can be shown to matter alone: without any one of its "
            f"{len(of.heads)} heads accuracy changes by {points(-most.lost.difference)} points at "
            f"worst, which cannot be told from nothing ({equals(most.p_holm)} after Holm's "
            f"correction). {_allowed(of.heads)}"
        )
    told = listed(
        [
            f"{_place(head)} ({points(-head.silenced.lost.difference)} points, "
            f"{equals(head.silenced.p_holm)})"
            for head in needed
        ]
    )
    rest = len(of.heads) - len(needed)
    verb = "matters" if len(needed) == 1 else "matter"
    others = (
        " What is lost without one of the others cannot be told from nothing. "
        + _allowed([head for head in of.heads if head not in needed])
        if rest
        else ""
    )
    return f"Of the {len(of.heads)} heads of {name}, {told} {verb} alone.{others}"


def _allowed(heads: Sequence[Head]) -> str:
    """What may yet be lost without a head that cannot be shown to matter."""
    most = max(heads, key=lambda head: head.silenced.lost.high)
    loss = percent(max(0.0, most.silenced.lost.high))
    least = ceil(log2(2 * len(heads) / ALPHA))
    return (
        f"The intervals still allow a loss of up to {loss} points ({_place(most)}), and over "
        f"{worded(len(heads))} heads no loss of fewer than {worded(least)} recordings could be "
        "told."
    )


def _by_block(of: Encoder) -> Iterator[str]:
    """Whether the heads of each block divide the work, where it has several."""
    for block in sorted({head.block for head in of.heads}):
        own = [head for head in of.heads if head.block == block]
        if len(own) > 1:
            needed = sum(_matters(head.silenced) for head in own)
            yield f"In block {block} {_apart(of, own)}, and {_needed(needed, len(own))}."
            yield from (_together(own, each) for each in of.blocks if each.block == block)


def _apart(of: Encoder, own: Sequence[Head]) -> str:
    places = [of.heads.index(head) for head in own]
    pairs = [
        (alike, of.heads[a].head, of.heads[b].head)
        for a in places
        for b in places
        if a < b and (alike := of.alike[a][b]) is not None
    ]
    if not pairs:
        return "the heads look at all steps alike"
    most, one, other = max(pairs)
    if most >= SAME:
        return f"heads {one} and {other} look at the same moments (correlation {_signed(most)})"
    if most >= APART:
        return f"the heads look at partly the same moments (correlation up to {_signed(most)})"
    return f"the heads look at different moments (no two correlate above {_signed(most)})"


def _signed(r: float, digits: int = 2) -> str:
    return f"{r:z.{digits}f}".replace("-", "−")


def _needed(needed: int, heads: int) -> str:
    if needed > 1:
        return f"{worded(needed)} of {worded(heads)} do work that no other does: they divide it"
    if needed:
        return "one is needed alone"
    return "none can be shown to be needed alone"


def _together(heads: Sequence[Head], block: SilencedBlock) -> str:
    lost = block.silenced
    change = f"{points(-lost.lost.difference)} points, {equals(lost.p_holm)}"
    if not _matters(lost):
        return f"Without all of them the loss cannot be told from nothing ({change})."
    alone = sum(head.silenced.lost.difference for head in heads)
    return (
        f"Without all of them accuracy falls ({change}); without one at a time the changes add up "
        f"to {points(-alone)}: "
        + (
            "no sign that one stands in for another."
            if alone >= lost.lost.difference
            else "one stands in for another, in part."
        )
    )


def _matters(silenced: Silenced) -> bool:
    return silenced.lost.difference > 0 and silenced.p_holm <= ALPHA


def _place(head: Head) -> str:
    return f"head {head.head} of block {head.block}"


def _table(of: Encoder, name: str) -> Table:
    rows = [
        [
            str(head.block),
            str(head.head),
            f"{head.entropy_bits:.2f}",
            percent(head.spread),
            percent(head.on_itself),
            f"{head.distance_s:.2f}",
            *_cost(head.silenced),
        ]
        for head in of.heads
    ]
    rows += [
        [str(block.block), "all", *[NOTHING] * 4, *_cost(block.silenced)] for block in of.blocks
    ]
    blocks = [head.block for head in of.heads]
    breaks = [at for at in range(1, len(blocks)) if blocks[at] != blocks[at - 1]]
    return Table(
        name,
        f"The heads of {code(of.configuration)}, and what is lost without each.",
        [
            Column("block"),
            Column("head"),
            Column("entropy, bits", "class token's attention"),
            Column("% of largest", "class token's attention"),
            Column("on itself, %", "class token's attention"),
            Column("distance, s"),
            Column("accuracy, points", "without it"),
            Column("p (Holm)", "without it"),
            Column("log loss", "without it"),
        ],
        rows,
        note="An entropy at its largest means that all steps are looked at alike. The distance is "
        "how far from itself a step of sound looks; one that looks at all steps alike has "
        f"{of.even_distance_s:.2f} s. A step is {of.step_s:.2f} s. Holm's correction is over the "
        "heads, and over the blocks for those.",
        breaks=[*breaks, len(blocks)] if of.blocks else breaks,
    )


def _cost(silenced: Silenced) -> list[str]:
    return [
        points(-silenced.lost.difference),
        probability(silenced.p_holm),
        signed(silenced.log_loss_lost),
    ]


MAPPED = 12
"""So many heads have room for numbers in the map."""


def _figure(of: Encoder, name: str) -> Figure:
    labels = [f"{head.block}.{head.head}" for head in of.heads]
    places = range(len(labels))
    few = len(labels) <= MAPPED
    with canvas(name, 40 + (4.5 if few else 3.2) * len(labels)) as drawn:
        left, right = drawn.figure.subplots(1, 2, width_ratios=[1, 1.1])
        lost = [head.silenced.lost for head in of.heads]
        left.axvline(0, color=MUTED, linewidth=0.8)
        left.hlines(
            places, [-100 * each.high for each in lost], [-100 * each.low for each in lost], MUTED
        )
        left.plot([-100 * each.difference for each in lost], places, "o", color=SERIES[0])
        left.set_xlabel("accuracy without it, points")
        left.set_ylabel("block.head", color=INK)
        left.set_yticks(places, labels)
        left.set_ylim(len(labels) - 0.5, -0.5)  # rows as those of the map beside it
        light_grid(left, "x")
        alike = [[float("nan") if r is None else r for r in row] for row in of.alike]
        right.imshow(alike, cmap="RdBu_r", vmin=-1.6, vmax=1.6)  # ends stay pale: text is on them
        for row in places if few else ():
            for column in places:
                r = of.alike[row][column]
                told = NOTHING if r is None else _signed(r, 1)
                right.text(column, row, told, ha="center", va="center", color=ON_PALE, fontsize=6)
        right.set_title("correlation of what two heads look at")
        right.set_xticks(places, labels, rotation=0 if few else 90)
        right.set_yticks(places, labels)
        if not few:
            right.tick_params(labelsize=5.5)
    told = ", ".join(
        f"{_place(head)} {points(-head.silenced.lost.difference)}" for head in of.heads
    )
    return Figure(
        name,
        drawn.svg,
        f"Heads of {code(of.configuration)}. Left: accuracy without each, against all heads, with "
        "95% intervals of one comparison each. Right: how the class token's attention of two heads "
        f"goes together over the steps of a clip{'' if few else ': red together, blue apart'}.",
        f"Change of accuracy in points without each head: {told}. Beside it a map of the "
        "correlations between heads.",
    )
