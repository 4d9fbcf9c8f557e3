"""The section on events and texture: what each part of a network hears alone."""

from collections.abc import Iterator, Sequence

import numpy as np
from matplotlib.axes import Axes

from auricle.evaluation.comparison import ALPHA
from auricle.evidence.texture import Pair, Parted, TextureFound
from auricle.report.document import Block, Column, Figure, Heading, Paragraph, Table, code, plain
from auricle.report.drawing import INK, MUTED, PAPER, SERIES, canvas, light_grid
from auricle.report.wording import (
    category,
    configurations,
    count,
    decimals,
    equals,
    listed,
    percent,
    points,
    probability,
    with_interval,
    worded,
)

TOLD = 3
"""Classes that a sentence names."""
PARTS = ("events", "texture", "both")
MARKS = {"events": ("o", SERIES[0]), "texture": ("s", SERIES[1]), "both": ("D", SERIES[2])}


def section(found: TextureFound) -> Iterator[Block]:
    """What do events and texture each hear alone?"""
    if not found.configurations:
        return
    yield Heading("What do events and texture each hear?", 2, "events-and-texture")
    yield Paragraph(
        "A network averages two answers: that of base and head, which follow what happens in a "
        "sound, and when (*events*), and that of its *texture*, which judges the whole clip by "
        "statistics. Here each answers alone, with the weights that it has; nothing was trained "
        f"for it. {_asked(found.configurations)} {_verdict(found.configurations)}"
    )
    yield _table(found.configurations)
    if found.pairs:
        yield Paragraph(_pairs(found))
        yield _pair_table(found.pairs)
    yield Paragraph(f"{_mended(found)} {_classes(found)}")
    yield _figure(found)
    yield _class_table(found)


def _asked(found: Sequence[Parted]) -> str:
    seeds = max(each.seeds for each in found)
    of = "the first seed" if seeds == 1 else f"{worded(seeds)} seeds, whose means are told"
    networks = "configurations" if len(found) > 1 else "configuration"
    start = f"Asked were all networks of `kfold`, of {worded(len(found))} {networks} and {of}."
    gone = [each.configuration for each in found if each.remaining]
    if not gone:
        return start
    return (
        f"{start} Of {configurations(gone)} some weights are gone: their kept predictions are of "
        "both parts, and their events are what remains of these without a texture that was solved "
        "anew."
    )


def _verdict(found: Sequence[Parted]) -> str:
    told = [
        f"{code(each.configuration)} has {percent(each.events.accuracy.value)}% right by events "
        f"alone and {percent(each.both.accuracy.value)}% by both "
        f"({points(each.gain.difference)} points, {equals(each.p_holm)})"
        for each in found
    ]
    alone = {(percent(e.texture.accuracy.value), decimals(e.texture.log_loss)) for e in found}
    if len(alone) == 1:
        ((accuracy, _),) = alone
        same = (
            ", the same in all configurations, for it never hears what base and head make of a clip"
            if len(found) > 1
            else ""
        )
        start = f"By texture alone, {accuracy}% of the clips are right{same}."
    else:
        accuracies: dict[str, list[str]] = {}
        for each in found:
            accuracies.setdefault(percent(each.texture.accuracy.value), []).append(
                each.configuration
            )
        told_of = [f"{of}% are right in {configurations(who)}" for of, who in accuracies.items()]
        start = f"By texture alone, {listed(told_of)}."
    better, worse = (
        [
            each.configuration
            for each in found
            if each.p_holm <= ALPHA and sign * each.gain.difference > 0
        ]
        for sign in (1, -1)
    )
    chance = f"{_chance(found, better, worse)}{_averaging(found)}{_surer(found)}"
    return f"{start} {'; '.join(told)}. {chance}"


def _averaging(found: Sequence[Parted]) -> str:
    """Whether any second answer would do: events of two seeds, averaged in the same way."""
    controls = [(each.configuration, each.averaged) for each in found if each.averaged]
    if not controls:
        return ""
    told = [
        f"{percent(control.accuracy.value)}% in {code(name)} "
        f"({points(control.gain.difference)} points, {equals(control.p_holm)})"
        for name, control in controls
    ]
    return (
        " Is it that two answers are averaged, whatever they are? By events of two seeds, averaged "
        f"in the same way, so many are right, and both parts of one seed are so far ahead: "
        f"{listed(told)}."
    )


def _surer(found: Sequence[Parted]) -> str:
    """Where the texture would do better without events."""
    surer = [each.configuration for each in found if each.texture.log_loss < each.both.log_loss]
    if not surer:
        return ""
    where = "all of them" if len(surer) == len(found) > 1 else configurations(surer)
    return f" The log loss of texture alone is lower than that of both in {where}."


def _chance(found: Sequence[Parted], better: Sequence[str], worse: Sequence[str]) -> str:
    """Of how many configurations the gain can be told from chance, after Holm's correction."""
    if not better and not worse:
        return "No difference between events and both can be told from chance."
    parts = []
    if better:
        of = "all" if len(better) == len(found) > 1 else configurations(better)
        parts.append(f"**Both are better than events alone**, beyond chance, in {of}.")
    if worse:
        parts.append(
            f"**Both are worse than events alone**, beyond chance, in {configurations(worse)}."
        )
    if len(better) + len(worse) < len(found):
        parts.append("In the others it cannot be told from chance.")
    return " ".join(parts)


def _table(found: Sequence[Parted]) -> Table:
    return Table(
        "texture-table",
        "Each part alone, and both: out-of-fold accuracy and log loss, and what both gain over "
        "events alone.",
        [
            Column("configuration", align="left"),
            *(Column(part, "accuracy, %") for part in PARTS),
            *(Column(part, "log loss, nats") for part in PARTS),
            Column("points", "both less events"),
            Column("p (Holm)", "both less events"),
        ],
        [
            [
                code(each.configuration),
                *(with_interval(getattr(each, part).accuracy) for part in PARTS),
                *(decimals(getattr(each, part).log_loss) for part in PARTS),
                f"{points(each.gain.difference)} "
                f"[{points(each.gain.low)},\u00a0{points(each.gain.high)}]",
                probability(each.p_holm),
            ]
            for each in found
        ],
        note="p: sign-flip permutation by recording, all seeds together, adjusted for the rows of "
        "the table. " + _shares(found),
        dense=True,
    )


def _pairs(found: TextureFound) -> str:
    """Which bare architectures can be told apart, the texture put aside."""
    pairs = found.pairs
    counts = listed([percent(share) for share in sorted({e.share for e in found.configurations})])
    start = (
        f"The texture counts {counts}% in an answer, and hides in part what base and head are "
        "worth. By events alone, "
    )
    apart = [each for each in pairs if each.p_holm <= ALPHA]
    if not apart:
        none = "the two" if len(pairs) == 1 else f"none of the {worded(len(pairs))} pairs"
        cannot = "cannot" if len(pairs) == 1 else "can"
        return f"{start}{none} {cannot} be told apart ([@texture-pairs])."
    told = []
    for each in apart:
        ahead = each.comparison.difference > 0
        better, worse = (each.first, each.second) if ahead else (each.second, each.first)
        told.append(
            f"**{plain(better)} is better than {plain(worse)}** "
            f"({points(abs(each.comparison.difference))} points, {equals(each.p_holm)})"
        )
    rest = len(pairs) - len(apart)
    other = "pair" if rest == 1 else f"{worded(rest)} pairs"
    others = f" The other {other} cannot be told apart." if rest else ""
    return f"{start}{listed(told)} ([@texture-pairs]).{others}"


def _pair_table(found: Sequence[Pair]) -> Table:
    return Table(
        "texture-pairs",
        "Pairs of configurations by events alone: accuracy of the first less that of the second, "
        "in percentage points, on out-of-fold clips.",
        [
            Column("pair", align="left"),
            Column("difference"),
            Column("95% interval"),
            Column("p"),
            Column("p, Holm"),
        ],
        [
            [
                f"{plain(each.first)} − {plain(each.second)}",
                points(each.comparison.difference),
                f"[{points(each.comparison.low)}, {points(each.comparison.high)}]",
                probability(each.comparison.p_permutation),
                probability(each.p_holm),
            ]
            for each in found
        ],
        note="p: sign-flip permutation by recording, all seeds together.",
        dense=True,
    )


def _shares(found: Sequence[Parted]) -> str:
    shares = listed(sorted({f"{each.share:g}" for each in found}))
    return f"The texture's share of the answer is {shares}."


def _mended(found: TextureFound) -> str:
    """How many answers the texture mends, and how many it spoils, as means over networks."""
    clips = sum(found.clips)
    mended, spoilt = (
        float(np.mean([getattr(each, what) for each in found.configurations]))
        for what in ("mended", "spoilt")
    )
    wrong = float(np.mean([1 - each.events.accuracy.value for each in found.configurations]))
    return (
        f"Of {count(clips)} clips, events alone get {wrong * clips:.1f} wrong, as a mean over "
        f"networks; with the texture {mended:.1f} of these become right, and {spoilt:.1f} others "
        "become wrong."
    )


def _means(found: TextureFound, what: str) -> dict[str, np.ndarray]:
    """By part, (classes,) of what is asked, as a mean over the configurations."""
    return {
        part: np.mean(
            [
                [getattr(of, what) for of in getattr(each, part).by_class]
                for each in found.configurations
            ],
            axis=0,
        )
        for part in PARTS
    }


def _classes(found: TextureFound) -> str:
    """Which classes gain, which lose, and which a part alone hears better."""
    hits = _means(found, "accuracy")
    gain = hits["both"] - hits["events"]
    order = np.argsort(-gain, kind="stable")
    up = [at for at in order if round(100 * gain[at], 1) > 0][:TOLD]
    down = [at for at in order[::-1] if round(100 * gain[at], 1) < 0][:TOLD]
    named = [f"*{plain(category(each))}*" for each in found.categories]
    parts = []
    for words, rows in (("Most is gained in", up), ("Something is lost in", down)):
        if rows:
            told = listed([f"{named[at]} ({points(gain[at])} points)" for at in rows])
            parts.append(f"{words} {told}.")
    alone = hits["texture"] - hits["events"]
    better = [at for at in np.argsort(-alone, kind="stable") if round(100 * alone[at], 1) > 0]
    if better:
        parts.append(
            "Alone, the texture hears more than events do of "
            f"{listed([named[at] for at in better])}."
        )
    elif alone.any():
        parts.append("Of no class does the texture alone hear more than events do.")
    return " ".join(parts)


def _figure(found: TextureFound) -> Figure:
    hits, losses = _means(found, "accuracy"), _means(found, "log_loss")
    order = np.argsort(-(hits["both"] - hits["events"]), kind="stable")
    with canvas("texture-figure", 20 + 5.5 * len(order)) as drawn:
        left, right = drawn.figure.subplots(1, 2, sharey=True)
        _rows(left, {part: 100 * of[order] for part, of in hits.items()})
        _rows(right, {part: of[order] for part, of in losses.items()})
        left.set_yticks(range(len(order)), [category(found.categories[at]) for at in order])
        left.tick_params(axis="y", labelcolor=INK)
        left.set_ylim(len(order) - 0.5, -0.5)
        left.set_xlabel("accuracy, %")
        right.set_xlabel("log loss, nats: lower is better")
        right.set_xlim(left=0)
        handles, labels = left.get_legend_handles_labels()
        drawn.figure.legend(handles, labels, loc="outside upper center", ncols=len(PARTS))
    told = "; ".join(
        f"{category(found.categories[at])} "
        + ", ".join(f"{part} {percent(hits[part][at])}%" for part in PARTS)
        for at in order
    )
    several = " As means over the configurations." if len(found.configurations) > 1 else ""
    return Figure(
        "texture-figure",
        drawn.svg,
        "Each class by events alone, by texture alone and by both, out of fold; the line leads "
        f"from events to both. Classes that gain most come first.{several}",
        f"Dot plot of accuracy by class, and of log loss. {told}.",
    )


def _rows(axes: Axes, values: dict[str, np.ndarray]) -> None:
    """A row a class: a mark for each part, and a line from events to both."""
    rows = range(len(values["both"]))
    for row in rows:
        axes.plot(
            [values["events"][row], values["both"][row]], [row] * 2, color=MUTED, linewidth=1.6
        )
    for part, (marker, colour) in MARKS.items():
        axes.plot(
            values[part],
            rows,
            marker,
            color=colour,
            markersize=5,
            markerfacecolor=colour if part == "both" else PAPER,
            markeredgewidth=1.2,
            label=part if part == "both" else f"{part} alone",
        )
    axes.tick_params(axis="y", length=0)
    light_grid(axes)


def _class_table(found: TextureFound) -> Table:
    hits, losses = _means(found, "accuracy"), _means(found, "log_loss")
    return Table(
        "texture-classes",
        "Each part alone, and both, by class"
        + (", as means over the configurations." if len(found.configurations) > 1 else "."),
        [
            Column("class", align="left"),
            Column("clips"),
            *(Column(part, "accuracy, %") for part in PARTS),
            *(Column(part, "log loss, nats") for part in PARTS),
            Column("both less events, points"),
        ],
        [
            [
                plain(category(name)),
                str(found.clips[at]),
                *(percent(hits[part][at]) for part in PARTS),
                *(decimals(losses[part][at]) for part in PARTS),
                points(hits["both"][at] - hits["events"][at]),
            ]
            for at, name in enumerate(found.categories)
        ],
        dense=True,
    )
