"""The section on robustness: curves over noise, level, bandwidth, rooms, codecs and length."""

from collections.abc import Iterator, Sequence

from matplotlib.axes import Axes
from matplotlib.layout_engine import ConstrainedLayoutEngine

from auricle.evidence.robustness import SHORTER, Curve, Point, Robust, RobustnessFound
from auricle.report.document import Block, Column, Figure, Heading, Paragraph, Table, code
from auricle.report.drawing import DASHES, INK, MARKERS, PAPER, SERIES, canvas, light_grid
from auricle.report.wording import (
    NOTHING,
    SEALED,
    configurations,
    listed,
    percent,
    points,
    probability,
    with_interval,
    worded,
)

ACROSS = 4  # panels in a row


def section(found: RobustnessFound) -> Iterator[Block]:
    """How far may a sound be altered?"""
    yield Heading("How far may a sound be altered?", 2, "robustness")
    yield Paragraph(
        "The same clips were altered as microphones, rooms and files alter them, in "
        f"{worded(len(found.configurations[0].curves))} ways and several degrees of each, and put "
        "to the same networks again; nothing was trained. An alteration does harm if accuracy is "
        "lower than on the untouched clips, told apart from chance by a sign-flip test over "
        "recordings, with Holm's correction over the degrees of one way. "
        f"{_short(found)}" + " ".join(_verdict(each) for each in found.configurations)
    )
    yield _figure(found.configurations)
    yield _table(found.configurations)
    if tested := [each for each in found.configurations if each.sealed_untouched]:
        yield _test_table(tested)


def _short(found: RobustnessFound) -> str:
    """How clips that were cut short were heard, where some were."""
    if all(curve.family != SHORTER for each in found.configurations for curve in each.curves):
        return ""
    return (
        "Clips cut short were heard as a shipped model hears any sound shorter than a clip, twice: "
        "followed by silence, and repeated until the clip was full; the log-probabilities of both "
        "were averaged. "
    )


def _verdict(each: Robust) -> str:
    told = (
        f"{code(each.configuration)} has {percent(each.untouched.accuracy.value)}% right when "
        "nothing is altered."
    )
    every = [(curve, point) for curve in each.curves for point in curve.points]
    broken = [(curve, point) for curve in each.curves if (point := curve.breaks_at)]
    if not broken:
        told += " None of the alterations did harm that can be told apart from chance."
        return told + _overconfident(every)
    ways = [f"{curve.family} ({_degree(curve, point.degree)})" for curve, point in broken]
    curve, worst = min(every, key=lambda pair: pair[1].effect.difference.value)
    told += (
        f" Harm begins at these degrees: {listed(ways)}. The largest fall is under {curve.family} "
        f"({_degree(curve, worst.degree)}), to {percent(worst.effect.heard.accuracy.value)}%."
    )
    if held := [curve.family for curve in each.curves if not curve.breaks_at]:
        told += f" No degree of these did harm that can be told: {listed(held)}."
    return told + _overconfident(every)


def _overconfident(every: Sequence[tuple[Curve, Point]]) -> str:
    """Where the network is surer than the interval of its accuracy allows, if anywhere."""
    above = [
        (curve, point)
        for curve, point in every
        if point.confidence is not None and point.confidence > point.effect.heard.accuracy.high
    ]
    if not above:
        return ""
    curve, worst = max(above, key=lambda pair: pair[1].promised)
    return (
        f" It is most overconfident under {curve.family} ({_degree(curve, worst.degree)}): "
        f"{percent(worst.confidence)}% sure on average, "
        f"{percent(worst.effect.heard.accuracy.value)}% right."
    )


def _degree(curve: Curve, degree: str) -> str:
    """A degree with its unit, which is the last word of what is measured."""
    return f"{degree} {curve.measure.rsplit(', ', 1)[-1]}"


def _table(found: Sequence[Robust]) -> Table:
    rows: list[list[str]] = []
    breaks = []
    for each in found:
        breaks.append(len(rows))
        rows += [_row(each, curve) for curve in each.curves]
    return Table(
        "robustness-table",
        "Where recognition breaks: of each way to alter a sound, the mildest degree that does harm "
        "told apart from chance, and the hardest degree that was tried. Accuracies in percent.",
        [
            Column("configuration", align="left"),
            Column("altered by", align="left"),
            Column("degree", "harm begins at"),
            Column("accuracy", "harm begins at"),
            Column("p", "harm begins at"),
            Column("degree", "hardest"),
            Column("accuracy", "hardest"),
            Column("change", "hardest"),
            Column("log loss", "hardest"),
            Column("sure", "hardest"),
        ],
        rows,
        note="Untouched: "
        + "; ".join(
            f"{code(each.configuration)} {with_interval(each.untouched.accuracy)}, log loss "
            f"{each.untouched.log_loss:.2f} nats"
            for each in found
        )
        + ". p: sign-flip by recording, adjusted by Holm over the degrees; change in points. Sure: "
        "the largest probability on average, %, at the temperature of whole clips; above the "
        "accuracy it promises too much.",
        dense=True,
        breaks=breaks[1:],
    )


def _row(each: Robust, curve: Curve) -> list[str]:
    first, last = curve.breaks_at, curve.points[-1]
    begins = (
        [
            _degree(curve, first.degree),
            percent(first.effect.heard.accuracy.value),
            probability(first.effect.p_holm),
        ]
        if first
        else [NOTHING] * 3
    )
    return [
        code(each.configuration),
        curve.family,
        *begins,
        _degree(curve, last.degree),
        with_interval(last.effect.heard.accuracy),
        points(last.effect.difference.value),
        f"{last.effect.heard.log_loss:.2f}",
        percent(last.confidence),
    ]


def _test_table(tested: Sequence[Robust]) -> Table:
    rows: list[list[str]] = []
    breaks = []
    for each in tested:
        breaks.append(len(rows))
        whole = [("untouched", NOTHING, each.sealed_untouched)]
        whole += [(c.family, _degree(c, c.points[-1].degree), c.sealed) for c in each.curves]
        rows += [
            [
                code(each.configuration),
                family,
                degree,
                with_interval(heard.accuracy),
                f"{heard.log_loss:.2f}",
            ]
            for family, degree, heard in whole
            if heard
        ]
    return Table(
        "robustness-test-table",
        "The hardest degrees on the test fold, with the networks of `refit`.",
        [
            Column("configuration", align="left"),
            Column("altered by", align="left"),
            Column("degree"),
            Column("accuracy, %"),
            Column("log loss"),
        ],
        rows,
        note=SEALED,
        dense=True,
        breaks=breaks[1:],
    )


def _figure(found: Sequence[Robust]) -> Figure:
    families = found[0].curves
    for each in found:  # of another sample rate, one may be asked about more corners
        families = max(families, each.curves, key=lambda curves: [len(c.points) for c in curves])
    down = -(-len(families) // ACROSS)
    with canvas("robustness-figure", 10 + 45 * down) as drawn:
        panels = drawn.figure.subplots(down, ACROSS, squeeze=False, sharey=True).ravel()
        for axes, family in zip(panels, families, strict=False):
            for at, each in enumerate(found):
                curve = next((c for c in each.curves if c.family == family.family), None)
                if curve:
                    _line(axes, each, curve, family, at, len(found))
            axes.set_title(family.family)
            axes.set_xlabel(family.measure)
            axes.set_xticks(
                range(len(family.points) + 1), ["none", *(point.degree for point in family.points)]
            )
            axes.set_ylim(0, 102)
            light_grid(axes, "y")
        for axes in panels[len(families) :]:
            axes.set_visible(False)
        for axes in panels[::ACROSS]:
            axes.set_ylabel("accuracy, %", color=INK)
        engine = drawn.figure.get_layout_engine()
        assert isinstance(engine, ConstrainedLayoutEngine)
        engine.set(hspace=0.08)
        handles, labels = panels[0].get_legend_handles_labels()
        drawn.figure.legend(handles, labels, loc="outside upper center", ncols=len(found))
    return Figure(
        "robustness-figure",
        drawn.svg,
        f"Accuracy of {configurations([e.configuration for e in found])} on altered clips, out of "
        "fold, with 95% intervals over recordings. The leftmost point of each panel is the "
        "untouched clips; to the right the alteration gets harder. A filled mark is a degree whose "
        "effect is told apart from chance.",
        "Curves of accuracy over the degree of an alteration, a panel a way. " + _told(found),
    )


def _line(axes: Axes, each: Robust, curve: Curve, family: Curve, at: int, lines: int) -> None:
    places = {point.degree: place for place, point in enumerate(family.points, 1)}
    aside = 0.12 * (at - (lines - 1) / 2)
    heard = [each.untouched, *(point.effect.heard for point in curve.points)]
    x = [aside] + [places[point.degree] + aside for point in curve.points]
    y = [100 * one.accuracy.value for one in heard]
    ends = [[100 * one.accuracy.low for one in heard], [100 * one.accuracy.high for one in heard]]
    axes.vlines(x, ends[0], ends[1], color=SERIES[at], linewidth=0.9, alpha=0.6)
    axes.plot(x, y, color=SERIES[at], linestyle=DASHES[at], label=each.configuration)
    filled = [False, *(point.effect.told_apart for point in curve.points)]
    for place, height, full in zip(x, y, filled, strict=True):
        axes.plot(
            place,
            height,
            MARKERS[at],
            color=SERIES[at],
            markersize=3.6,
            markerfacecolor=SERIES[at] if full else PAPER,
        )


def _told(found: Sequence[Robust]) -> str:
    return " ".join(
        f"{each.configuration}, untouched {percent(each.untouched.accuracy.value)}%: "
        + "; ".join(
            f"{curve.family} "
            + ", ".join(
                f"{percent(point.effect.heard.accuracy.value)}% at {point.degree}"
                for point in curve.points
            )
            for curve in each.curves
        )
        + "."
        for each in found
    )
