"""The section on sounds of no category: what is refused, and what passes for known."""

from collections.abc import Iterator, Sequence

from auricle.evaluation.intervals import Interval
from auricle.evidence.familiar import RuleName
from auricle.evidence.unknown import Refusal, Unknown, UnknownFound
from auricle.report.document import Block, Column, Figure, Heading, Paragraph, Table, code
from auricle.report.drawing import DASHES, INK, PAPER, SERIES, canvas, light_grid
from auricle.report.wording import (
    category,
    configurations,
    decimals,
    listed,
    percent,
    plural,
    with_interval,
)

NAMES: dict[RuleName, str] = {
    "probability": "largest probability",
    "strangeness": "strangeness",
    "both": "probability or strangeness",
}
SHORT: dict[RuleName, str] = {
    "probability": "probability",
    "strangeness": "strangeness",
    "both": "either",
}
HATCHES = ("", "////")
FEW, MOST = 0.05, 0.5
FEWER = 0.75
"""Shares that sentences tell: at most one in twenty, at least half, a quarter less."""


def section(found: UnknownFound) -> Iterator[Block]:
    """Is a sound of no category refused?"""
    first = found.configurations[0].refusals[0]
    clips = sum(kind.clips for kind in first.kinds)
    yield Heading("Is a sound of no category refused?", 2, "unknown")
    rules = {refusal.score for each in found.configurations for refusal in each.refusals}
    text = (
        "A classifier names a category for everything, also for silence. Thresholds let it say "
        "“none of these”. Asked is the largest probability, at a fitted temperature"
    )
    if "strangeness" in rules:
        text += (
            "; beside it strangeness, how far the statistics of a clip's texture lie from those of "
            "the nearest category, measured in what clips of a category differ by (Lee et al., "
            "2018); and both reasons, which a shipped model goes by: not sure enough, or too "
            "strange"
        )
    yield Paragraph(
        f"{text}. Thresholds keep {percent(found.kept)}% of known clips; each fold is judged with "
        "the temperature and the thresholds of the other folds, so the share that is really kept "
        f"may differ. Every network heard {plural(clips, 'foreign clip')} of "
        f"{plural(len(first.kinds), 'kind')}, made from a seed: kinds that were picked, and do "
        "not stand for all sounds of the world; an interval tells of other clips of these kinds. "
        + " ".join(_verdict(each) for each in found.configurations)
    )
    if "both" in rules:
        yield Paragraph(" ".join(_why_both(each) for each in found.configurations))
    yield _figure(found.configurations)
    yield _table(found.configurations)
    yield _kinds_table(found.configurations)


def _verdict(each: Unknown) -> str:
    shares = [f"{_accepted(r)}% by {NAMES[r.score]}" for r in each.refusals]
    told = f"Of the foreign clips {code(each.configuration)} takes {listed(shares)} for known."
    first, last = each.refusals[0], each.refusals[-1]
    parts = []
    if last.accepted >= MOST:
        told += " Most of them pass: thresholds do not protect it from sounds like these."
    elif last.accepted <= FEWER * first.accepted:
        parts.append(
            f"{percent(round(first.accepted, 3) - round(last.accepted, 3))} points fewer pass than "
            f"by {NAMES[first.score]} alone"
        )
    if refused := [kind.kind for kind in last.kinds if kind.accepted <= FEW]:
        parts.append(f"at most one clip in twenty passes of {listed(refused)}")
    if passed := [kind.kind for kind in last.kinds if kind.accepted >= MOST]:
        parts.append(f"at least half pass of {listed(passed)}")
    if parts:
        told += f" By {NAMES[last.score]}, {'; '.join(parts)}."
    return told


def _accepted(refusal: Refusal) -> str:
    return with_interval(Interval(refusal.accepted, refusal.accepted_low, refusal.accepted_high))


def _why_both(each: Unknown) -> str:
    """What speaks for asking both scores, or does not."""
    rules = {refusal.score: refusal for refusal in each.refusals}
    if "both" not in rules:
        return ""
    both, strange = rules["both"], rules["strangeness"]
    if both.accepted <= strange.accepted:
        return f"Against foreign sounds {code(each.configuration)} does best by both reasons."
    told = (
        f"Strangeness alone lets fewer foreign clips pass than both reasons of "
        f"{code(each.configuration)}"
    )
    if percent(strange.kept.value) == percent(both.kept.value):
        told += ", and keeps as many known ones"
    elif strange.kept.value > both.kept.value:
        told += ", and keeps more known ones"
    more = both.misheard_refused - strange.misheard_refused
    refused = (
        f"of {plural(both.misheard, 'known clip')} that are misheard they refuse "
        f"{both.misheard_refused}, strangeness alone {strange.misheard_refused}"
    )
    if more > 0:
        return f"{told}. Yet both refuse more of what is misheard: {refused}."
    return f"{told}. Nothing measured here speaks for asking both ({refused}): it stands open."


def _table(found: Sequence[Unknown]) -> Table:
    return Table(
        "unknown-table",
        "How well known clips are parted from foreign ones.",
        [
            Column("configuration", align="left"),
            Column("score", align="left", weight=1),
            Column("kept, %", "known"),
            Column("refused", "misheard"),
            Column("accepted, %", "foreign"),
            Column("AUROC"),
            Column("temperature", "shipped"),
            Column("below", "shipped"),
            Column("above", "shipped"),
        ],
        [
            [
                code(each.configuration),
                NAMES[refusal.score],
                with_interval(refusal.kept),
                f"{refusal.misheard_refused} of {refusal.misheard}",
                _accepted(refusal),
                decimals(refusal.auroc),
                decimals(each.temperature),
                decimals(refusal.below).replace("-", "−"),
                decimals(refusal.above),
            ]
            for each in found
            for refusal in each.refusals
        ],
        note="AUROC is the chance that a known clip scores higher than a foreign one: 1 is "
        "perfect, 0.5 is chance; the mean over the folds' networks. Two scores together go by the "
        "worse of their places among known clips. Intervals are 95%: of known clips by recording, "
        "of foreign ones over other draws of the same kinds. Misheard: known clips that are taken "
        "for another category. Shipped: fitted on all development clips; unknown is "
        "what has a probability below, or a strangeness above.",
        dense=True,
    )


def _kinds_table(found: Sequence[Unknown]) -> Table:
    kinds = [kind.kind for kind in found[0].refusals[0].kinds]
    columns = [Column("foreign sound", align="left")]
    for each in found:
        columns += [
            Column(SHORT[r.score], f"{each.configuration}, accepted, %") for r in each.refusals
        ]
        columns.append(Column("taken for", f"{each.configuration}, accepted, %", align="left"))
    return Table(
        "unknown-kinds-table",
        "Foreign clips that pass for known, by kind, and the category most of them are taken for.",
        columns,
        [
            [kind]
            + [
                cell
                for each in found
                for cell in (
                    *(percent(refusal.kinds[at].accepted) for refusal in each.refusals),
                    _taken(each.refusals, at),
                )
            ]
            for at, kind in enumerate(kinds)
        ],
        dense=True,
    )


def _taken(refusals: Sequence[Refusal], at: int) -> str:
    """What most of a kind is taken for, by the first score that accepts any."""
    given = (refusal.kinds[at].taken_for for refusal in refusals)
    name = next((name for name in given if name), None)
    return category(name) if name else ""


def _figure(found: Sequence[Unknown]) -> Figure:
    kinds = [kind.kind for kind in found[0].refusals[0].kinds]
    with canvas("unknown-figure", 22 + 6 * len(kinds)) as drawn:
        panels = drawn.figure.subplots(1, len(found), squeeze=False, sharey=True)[0]
        for axes, each in zip(panels, found, strict=True):
            for at, refusal in enumerate((each.refusals[0], each.refusals[-1])):
                axes.barh(
                    [row + 0.38 * (at - 0.5) for row in range(len(kinds))],
                    [100 * kind.accepted for kind in refusal.kinds],
                    0.34,
                    color=SERIES[at],
                    hatch=HATCHES[at],
                    edgecolor=PAPER,
                    linewidth=0,
                    label=NAMES[refusal.score],
                )
                axes.axvline(
                    100 * refusal.kept.value,
                    color=SERIES[at],
                    linewidth=0.9,
                    linestyle=DASHES[1 + at],
                    label=f"known kept by {SHORT[refusal.score]}",
                )
            axes.set_title(each.configuration)
            axes.set_xlabel("accepted as known, %")
            axes.set_xlim(0, 102)
            light_grid(axes, "x")
        panels[0].set_yticks(range(len(kinds)), kinds, color=INK)
        panels[0].set_ylim(len(kinds) - 0.4, -0.6)
        handles, labels = panels[0].get_legend_handles_labels()
        drawn.figure.legend(handles, labels, loc="outside upper center", ncols=2)
    told = "; ".join(
        f"{each.configuration}, {NAMES[refusal.score]}: "
        + ", ".join(f"{kind.kind} {percent(kind.accepted)}%" for kind in refusal.kinds)
        for each in found
        for refusal in (each.refusals[0], each.refusals[-1])
    )
    return Figure(
        "unknown-figure",
        drawn.svg,
        f"Share of foreign clips that {configurations([e.configuration for e in found])} take for "
        "known; shorter bars are better. Broken lines are the known clips that each rule keeps: "
        "far to the right is good.",
        f"Bars of accepted foreign clips by kind. {told}.",
    )
