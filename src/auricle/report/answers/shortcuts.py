"""The section on shortcuts: what is lost with each cue that is not the sound itself."""

from collections.abc import Iterator, Sequence

from auricle.evidence.shortcuts import COMMON_LEVEL_DB, Shortcut, ShortcutsFound, Tempted
from auricle.report.document import Block, Column, Figure, Heading, Paragraph, Table, code
from auricle.report.drawing import MARKERS, MUTED, PAPER, SERIES, canvas, light_grid
from auricle.report.wording import (
    configurations,
    count,
    decimals,
    equals,
    listed,
    plural,
    points,
    probability,
    with_interval,
)

TAKEN = {
    "level": "loudness",
    "bandwidth": "high frequencies",
    "offset": "offset",
    "padding": "silence at the ends",
    "length": "length of the sound",
    "all": "all but length",
}
"""Cues as they are called here."""


def section(found: ShortcutsFound) -> Iterator[Block]:
    """Does it hear the sound, or what it was recorded with?"""
    yield Heading("Does it hear the sound, or what it was recorded with?", 2, "shortcuts")
    corners = {each.bandwidth_hz for each in found.configurations}
    yield Paragraph(
        "A classifier may cheat by things that go with the categories in one data set and not in "
        "the world. Each of them was made the same for all clips, and the same networks were asked "
        f"again: all clips at one level ({-COMMON_LEVEL_DB:g} dB below full scale); nothing above "
        f"{listed([f'{count(hz)} Hz' for hz in sorted(corners)])}; no constant offset; digital "
        "silence at the ends filled with the clip's own noise floor, or with the clip's sound "
        "repeated; and all of these but the last together. "
        f"{_padded(found)} " + " ".join(_verdict(each) for each in found.configurations)
    )
    yield _figure(found.configurations)
    yield _table(found.configurations)


def _padded(found: ShortcutsFound) -> str:
    if not found.padded:
        return f"None of the {plural(found.clips, 'clip')} begins or ends in digital silence."
    begin = "begins or ends" if found.padded == 1 else "begin or end"
    return f"{count(found.padded)} of {plural(found.clips, 'clip')} {begin} in digital silence."


def _verdict(each: Tempted) -> str:
    lost = [shortcut for shortcut in each.shortcuts if shortcut.effect.worse]
    won = [s for s in each.shortcuts if s.effect.told_apart and not s.effect.worse]
    name = code(each.configuration)
    told = []
    if lost:
        told.append(f"{name} loses accuracy without {listed([_change(s) for s in lost])}.")
    else:
        told.append(f"{name} loses nothing that can be told apart from chance.")
    if won:
        told.append(f"It gains without {listed([_change(s) for s in won])}.")
    if unsure := [s for s in each.shortcuts if not s.effect.told_apart]:
        worst = min(unsure, key=lambda s: s.effect.difference.low)
        told.append(
            "Where no difference can be told, the intervals still allow a loss of up to "
            f"{points(worst.effect.difference.low).lstrip('−+')} points ({TAKEN[worst.cue]})."
        )
    return " ".join(told)


def _change(shortcut: Shortcut) -> str:
    effect = shortcut.effect
    return f"{TAKEN[shortcut.cue]} ({points(effect.difference.value)}, {equals(effect.p_holm)})"


def _table(found: Sequence[Tempted]) -> Table:
    rows: list[list[str]] = []
    breaks = []
    for each in found:
        breaks.append(len(rows))
        rows.append(
            [
                code(each.configuration),
                "nothing",
                with_interval(each.untouched.accuracy),
                *[""] * 3,
                decimals(each.untouched.log_loss),
            ]
        )
        rows += [
            [
                code(each.configuration),
                TAKEN[shortcut.cue],
                with_interval(shortcut.effect.heard.accuracy),
                points(shortcut.effect.difference.value),
                _signed(shortcut),
                probability(shortcut.effect.p_holm),
                decimals(shortcut.effect.heard.log_loss),
            ]
            for shortcut in each.shortcuts
        ]
    return Table(
        "shortcuts-table",
        "Out-of-fold accuracy when a cue is the same for all clips.",
        [
            Column("configuration", align="left"),
            Column("taken away", align="left"),
            Column("accuracy, %"),
            Column("change", "points"),
            Column("95% interval", "points"),
            Column("p"),
            Column("log loss"),
        ],
        rows,
        note="Changes are paired clip by clip, their intervals and p-values (sign-flip) by "
        "recording; p adjusted by Holm over the six rows of a configuration.",
        dense=True,
        breaks=breaks[1:],
    )


def _signed(shortcut: Shortcut) -> str:
    ends = shortcut.effect.difference
    return f"[{points(ends.low)},\u00a0{points(ends.high)}]"


def _figure(found: Sequence[Tempted]) -> Figure:
    cues = [shortcut.cue for shortcut in found[0].shortcuts]
    with canvas("shortcuts-figure", 18 + 3.2 * len(found) * len(cues)) as drawn:
        axes = drawn.figure.subplots()
        axes.axvline(0, color=MUTED, linewidth=0.8)
        for at, each in enumerate(found):
            for row, shortcut in enumerate(each.shortcuts):
                place = row + 0.22 * (2 * at - len(found) + 1)
                ends = shortcut.effect.difference
                axes.plot(
                    [100 * ends.low, 100 * ends.high], [place] * 2, color=SERIES[at], linewidth=1.6
                )
                axes.plot(
                    100 * ends.value,
                    place,
                    MARKERS[at],
                    color=SERIES[at],
                    markersize=4.5,
                    markerfacecolor=SERIES[at] if shortcut.effect.told_apart else PAPER,
                    label=each.configuration if row == 0 else None,
                )
        axes.set_yticks(range(len(cues)), [f"without {TAKEN[cue]}" for cue in cues])
        axes.set_ylim(len(cues) - 0.4, -0.6)
        axes.set_xlabel("change of accuracy, percentage points, with 95% interval")
        axes.spines["left"].set_visible(False)
        axes.tick_params(axis="y", length=0)
        light_grid(axes, "x")
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=len(found))
    told = "; ".join(
        f"{each.configuration}: "
        + ", ".join(
            f"without {TAKEN[s.cue]} {points(s.effect.difference.value)} points"
            for s in each.shortcuts
        )
        for each in found
    )
    return Figure(
        "shortcuts-figure",
        drawn.svg,
        f"What {configurations([e.configuration for e in found])} lose, or gain, when a cue is "
        "taken away. A filled mark is a change that is told apart from chance.",
        f"Changes of accuracy with intervals. {told}.",
    )
