"""The section on what the transformer's parts are worth."""

from collections.abc import Callable, Iterator, Sequence

from matplotlib.axes import Axes

from auricle.evaluation.comparison import ALPHA
from auricle.evidence.architecture import AS_LARGE, ArchitectureFound, Row
from auricle.evidence.controls import Alone
from auricle.evidence.effects import Effect, Heard
from auricle.report.document import Block, Column, Figure, Heading, Paragraph, Table, code
from auricle.report.drawing import INK, MUTED, PAPER, RULE, SERIES, canvas, light_grid
from auricle.report.wording import (
    allowed_loss,
    change,
    count,
    decimals,
    equals,
    listed,
    log_losses,
    percent,
    plural,
    probability,
    with_interval,
    worded,
)

ALONE = "base and head alone"
Asked = Callable[[Row], Effect | None]


def section(found: ArchitectureFound) -> Iterator[Block]:
    """What are attention, class token, depth and heads worth?"""
    if found.alone is None:
        return
    yield Heading("What is each part of the transformer worth?", 2, "architecture")
    yield Paragraph(
        f"{code(found.reference)} has {plural(found.blocks, 'block')} with "
        f"{plural(found.heads, 'head')}, and reaches "
        f"{percent(found.alone.whole.accuracy.value)}% out of fold with the first seed. Each "
        "control was trained in the same way, from new weights: without one of its parts, with the "
        "parameters of that part spent elsewhere, or with more or fewer blocks or heads. A way of "
        "training that was found for the reference may suit a control less. "
        + _seeds(found)
        + _own(found)
    )
    yield Paragraph(
        " ".join((_verdict(found.rows, _whole, "the whole answer"), *_encoder_alone(found)))
    )
    if found.alone.events is not None:
        yield Paragraph(
            "Texture answers beside base and head in all of them alike, and may hide what a "
            f"control does; {ALONE} were asked too. {_verdict(found.rows, _events, ALONE)}"
        )
    yield from _table(found)
    yield _figure(found)


def _whole(row: Row) -> Effect:
    return row.versus.whole


def _events(row: Row) -> Effect | None:
    return row.versus.events


def _seeds(found: ArchitectureFound) -> str:
    if len(found.seeds) < 2:
        return "The reference was picked on these very clips, which flatters it a little. "
    low, high = (percent(end(found.seeds)) for end in (min, max))
    return (
        f"The study has {worded(len(found.seeds))} seeds of the reference, from {low} to {high}%, "
        "and picked it by them on these very clips, which flatters it; controls have one seed. "
    )


def _own(found: ArchitectureFound) -> str:
    """Which rows are configurations of the study, and where more is said of them."""
    own = [code(row.in_study) for row in found.rows if row.in_study]
    if not own:
        return ""
    one = len(own) == 1
    more = (
        f" with the first seed alone: [@differences-table] compares {'it' if one else 'them'} over "
        "all seeds, and counts for more."
        if len(found.seeds) > 1
        else ", which [@differences-table] compares too."
    )
    return f"{listed(own)} {'is' if one else 'are'} the study's own{more}"


def _verdict(rows: Sequence[Row], asked: Asked, what: str) -> str:
    """What can be told of one kind of answer, and what cannot be ruled out."""
    effects = [(row, effect) for row in rows if (effect := asked(row))]
    told = [(row, effect) for row, effect in effects if effect.told_apart]
    unsure = [(row, effect) for row, effect in effects if not effect.told_apart]
    parts = []
    for better, words in ((False, "worse"), (True, "better")):
        if named := [_named(row) for row, e in told if (e.difference.value > 0) == better]:
            parts.append(
                f"**By {what}, {words} than the reference, beyond chance**: {'; '.join(named)}."
            )
    if not told:
        row, effect = min(unsure, key=lambda each: each[1].p_holm)
        parts.append(
            f"**By {what}, none of the {plural(len(rows), 'control')} can be told apart from the "
            f"reference** (smallest {equals(effect.p_holm)} after Holm: {_named(row)})."
        )
    elif unsure:
        parts.append("The others cannot be told apart from it.")
    if unsure:
        row, effect = min(unsure, key=lambda each: each[1].difference.low)
        parts.append(
            "That is not to say that what they change is worth nothing: the intervals still allow "
            f"a loss of up to {allowed_loss(effect.difference)} points ({_named(row)})."
        )
    return " ".join(parts)


def _encoder_alone(found: ArchitectureFound) -> Iterator[str]:
    """Whether the encoder is what makes the reference good: its parameters were spent otherwise."""
    if not (row := found.as_large) or not found.alone:
        return
    effect = row.versus.whole
    has, without = (
        f"{percent(heard.accuracy.value)}%" for heard in (found.alone.whole, effect.heard)
    )
    start = (
        f"**As large, without an encoder**, the same training reaches {without}, "
        f"{change(effect.difference)} points against {has} with it: "
    )
    if effect.worse:
        yield start + "the encoder is worth more than the width that its parameters buy."
    elif effect.told_apart:
        yield start + "its parameters are better spent on width."
    else:
        yield start + "nothing here shows that the encoder is what makes it good."


def _named(row: Row) -> str:
    return f"{row.changes}, {code(row.in_study)}" if row.in_study else row.changes


def _table(found: ArchitectureFound) -> Iterator[Table]:
    assert found.alone is not None
    kinds: list[tuple[str, str, Callable[[Alone], Heard | None], Asked]] = [
        ("architecture-table", "whole answers", lambda own: own.whole, _whole),
        ("architecture-events-table", ALONE, lambda own: own.events, _events),
    ]
    for name, what, own, asked in kinds:
        if (reference := own(found.alone)) is None:
            continue
        yield Table(
            name,
            f"Controls of the transformer, by {what}: out-of-fold accuracy, and differences to the "
            "reference on the same clips. One seed each.",
            [
                Column("control", align="left"),
                Column("parameters"),
                Column("accuracy, %"),
                Column("log loss"),
                Column("accuracy, points", "less the reference"),
                Column("p (Holm)", "less the reference"),
                Column("log loss", "less the reference"),
            ],
            [
                [
                    f"{code(found.reference)}: as it is",
                    count(found.parameters),
                    with_interval(reference.accuracy),
                    decimals(reference.log_loss),
                    *[""] * 3,
                ],
                *(_row(row, effect) for row in found.rows if (effect := asked(row))),
            ],
            note="p: sign-flip permutation by recording, adjusted for all rows of the table. The "
            "intervals are each of one comparison alone, by recording; below zero, a log loss is "
            "better than the reference's.",
            dense=True,
            breaks=(1,),
        )


def _row(row: Row, effect: Effect) -> list[str]:
    return [
        _named(row),
        count(row.parameters),
        with_interval(effect.heard.accuracy),
        decimals(effect.heard.log_loss),
        change(effect.difference),
        probability(effect.p_holm),
        log_losses(effect.log_loss_difference),
    ]


def _figure(found: ArchitectureFound) -> Figure:
    rows = found.rows
    kinds = [("whole answers", _whole), (ALONE, _events)]
    panels = [(title, asked) for title, asked in kinds if all(asked(row) for row in rows)]
    with canvas("architecture-figure", 18 + 7.5 * len(rows)) as drawn:
        for axes, (title, asked) in zip(
            drawn.figure.subplots(1, len(panels), sharey=True, squeeze=False)[0],
            panels,
            strict=True,
        ):
            _panel(axes, [effect for row in rows if (effect := asked(row))])
            axes.set_yticks(range(len(rows)), [_label(row) for row in rows], color=INK)
            if len(panels) > 1:
                axes.set_title(title)
        drawn.figure.supxlabel("accuracy less the reference's, points", size="medium", color=INK)
    told = listed([f"{row.changes}: {change(row.versus.whole.difference)} points" for row in rows])
    return Figure(
        "architecture-figure",
        drawn.svg,
        f"What each control loses or gains against {code(found.reference)}, with 95% intervals "
        "over recordings, each of one comparison alone. A filled mark has a p of at most "
        f"{ALPHA:g} after Holm. An interval that holds zero says nothing either way.",
        f"Differences in accuracy of whole answers. {told}.",
    )


def _panel(axes: Axes, effects: Sequence[Effect]) -> None:
    axes.axvline(0, color=MUTED, linewidth=0.8)
    for at, effect in enumerate(effects):
        ends = effect.difference
        axes.plot([100 * ends.low, 100 * ends.high], [at, at], color=SERIES[0], linewidth=1.4)
        axes.plot(
            100 * ends.value,
            at,
            "o",
            color=SERIES[0],
            markersize=4.5,
            markerfacecolor=SERIES[0] if effect.told_apart else PAPER,
        )
    axes.set_ylim(len(effects) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_color(RULE)
    light_grid(axes, "x")


SHORT = {
    "no-encoder": "no encoder",
    AS_LARGE: "no encoder, wider",
    "averaging": "mean for attention",
    "no-class-token": "no class token",
}


def _label(row: Row) -> str:
    """What a narrow figure calls a control; the table beside it says more."""
    return SHORT.get(row.name, row.changes)
