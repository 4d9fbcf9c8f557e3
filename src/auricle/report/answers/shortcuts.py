"""The section on shortcuts: what is lost with each cue that is not the sound itself."""

from collections.abc import Iterator, Sequence

from auricle.evaluation.comparison import ALPHA
from auricle.evidence.shortcuts import COMMON_LEVEL_DB, Shortcut, ShortcutsFound, Tempted
from auricle.report.document import Block, Column, Figure, Heading, Paragraph, Table, code
from auricle.report.drawing import MARKERS, MUTED, PAPER, SERIES, canvas, light_grid
from auricle.report.wording import (
    NOTHING,
    allowed_loss,
    change,
    configurations,
    count,
    decimals,
    equals,
    listed,
    log_losses,
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
    "all": "all of these",
}
"""Cues as they are called here."""


def section(found: ShortcutsFound) -> Iterator[Block]:
    """Does it hear the sound, or what it was recorded with?"""
    yield Heading("Does it hear the sound, or what it was recorded with?", 2, "shortcuts")
    corners = {each.bandwidth_hz for each in found.configurations}
    yield Paragraph(
        "A classifier may cheat by things that go with the categories in one data set and not in "
        "the world. Each of them was made the same for all clips, and the same networks were asked "
        f"again: all clips at one level (RMS {-COMMON_LEVEL_DB:g} dB below full scale); nothing "
        f"above {listed([f'{count(hz)} Hz' for hz in sorted(corners)])}; no constant offset; the "
        "sound repeated where a clip begins or ends in digital silence; and all of these together. "
        f"{_padded(found)} {_outside(found.configurations)}"
        + " ".join(_verdict(each) for each in found.configurations)
        + " What lies above that frequency belongs to some sounds as well as to microphones: a "
        "loss there is no proof of a shortcut. Nor does no loss prove that there is no other."
    )
    yield _figure(found.configurations)
    yield _table(found.configurations)


def _padded(found: ShortcutsFound) -> str:
    if not found.padded:
        return f"None of the {plural(found.clips, 'clip')} begins or ends in digital silence."
    begin = "begins or ends" if found.padded == 1 else "begin or end"
    return f"{count(found.padded)} of {plural(found.clips, 'clip')} {begin} in digital silence."


def _outside(found: Sequence[Tempted]) -> str:
    """Which cues were not tested, and why."""
    told = []
    cues = [
        max(same, key=lambda each: each.recordings)
        for same in zip(*(each.shortcuts for each in found), strict=True)
    ]
    if unheard := [TAKEN[s.cue] for s in cues if not s.recordings]:
        told.append(
            f"Not heard by any network, which divides each clip by its own power, or not there at "
            f"all: {listed(unheard)}."
        )
    if few := [s for s in cues if s.recordings and not s.testable]:
        named = listed([f"{TAKEN[s.cue]} ({s.recordings})" for s in few])
        told.append(
            f"In too few recordings can these be heard for a test to tell anything: {named}."
        )
    if told:
        told.append("What cannot be told is not counted among the questions. ")
    return " ".join(told)


def _verdict(each: Tempted) -> str:
    asked = [shortcut for shortcut in each.shortcuts if shortcut.testable]
    lost = [shortcut for shortcut in asked if shortcut.effect.worse]
    won = [s for s in asked if s.effect.told_apart and not s.effect.worse]
    name = code(each.configuration)
    told = []
    if lost:
        told.append(f"{name} loses accuracy without {listed([_change(s) for s in lost])}.")
    else:
        told.append(f"{name} loses nothing that can be told apart from chance.")
    if won:
        told.append(f"It gains without {listed([_change(s) for s in won])}.")
    if unsure := [s for s in asked if not s.effect.told_apart]:
        worst = min(unsure, key=lambda s: s.effect.difference.low)
        told.append(
            "Where no difference can be told, the intervals still allow a loss of up to "
            f"{allowed_loss(worst.effect.difference)} points ({TAKEN[worst.cue]})."
        )
        if near := [s for s in unsure if s.effect.p <= ALPHA]:
            alone = [f"{TAKEN[s.cue]} ({equals(s.effect.p)})" for s in near]
            told.append(
                f"Asked as the only question, a change without {listed(alone)} would be told."
            )
    told.extend(_by_loss(asked))
    return " ".join(told)


def _by_loss(asked: Sequence[Shortcut]) -> Iterator[str]:
    """What log loss, which does not wait for an answer to change, says where accuracy is silent."""
    losses = [(each, each.effect.log_loss_difference) for each in asked if not each.effect.worse]
    if told := [
        f"{TAKEN[each.cue]} ({log_losses(loss)} nats)"
        for each, loss in losses
        if loss is not None and loss.low > 0
    ]:
        without = listed(told)
        yield f"By log loss, which moves before an answer changes, it is worse without {without}."


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
                change(shortcut.effect.difference),
                probability(shortcut.effect.p) if shortcut.testable else NOTHING,
                probability(shortcut.effect.p_holm) if shortcut.testable else NOTHING,
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
            Column("change, points"),
            Column("p"),
            Column("p (Holm)"),
            Column("log loss"),
        ],
        rows,
        note="Changes are paired clip by clip, their intervals and p-values (sign-flip) by "
        "recording. Intervals and p are of one comparison each; p (Holm) allows for all rows of a "
        "configuration that have one.",
        dense=True,
        breaks=breaks[1:],
    )


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
                    markerfacecolor=SERIES[at]
                    if shortcut.testable and shortcut.effect.told_apart
                    else PAPER,
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
        "taken away, with intervals of one comparison each. A filled mark is a change that is told "
        "apart from chance after Holm.",
        f"Changes of accuracy with intervals. {told}.",
    )
