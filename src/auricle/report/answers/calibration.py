"""The section on calibration: a table of losses and the reliability diagram."""

from collections.abc import Iterator, Sequence

from auricle.evaluation.calibration import Calibration, Reliability
from auricle.evidence.calibration import Calibrated, CalibrationFound
from auricle.report.document import Block, Column, Figure, Heading, Paragraph, Table, code
from auricle.report.drawing import DASHES, INK, MARKERS, MUTED, SERIES, canvas, light_grid
from auricle.report.wording import SEALED, configurations, decimals, percent

LEAST = 10
"""Clips that a mark of the reliability diagram stands for, unless there are fewer in all."""


def section(found: CalibrationFound) -> Iterator[Block]:
    """Do the probabilities mean what they say?"""
    yield Heading("Do the probabilities mean what they say?", 2, "calibration")
    yield Paragraph(
        "A classifier is calibrated if it is right in four of five cases of which it is 80% sure. "
        "Dividing the logits by one number, the temperature, changes how sure it is and none of "
        "its answers. Each fold is judged at the temperature of the other folds; a shipped model "
        "gets that of all of them. "
        + " ".join(_verdict(each) for each in found.configurations)
        + " A clip shorter than the rest was heard once for this, followed by silence; a shipped "
        "model hears it a second time, repeated, and averages: its temperature and its limits were "
        "not fitted to such pairs."
    )
    yield _table(found.configurations)
    yield _figure(found.configurations)


def _verdict(each: Calibrated) -> str:
    was = "too cautious" if each.temperature < 1 else "too sure of itself"
    better = each.after.nll < each.before.nll
    effect = "and its log loss falls" if better else "but its log loss does not fall"
    return (
        f"{code(each.configuration)} is {was} (temperature {each.temperature:.2f}), {effect}, from "
        f"{decimals(each.before.nll)} to {decimals(each.after.nll)} nats; its Brier score goes "
        f"from {decimals(each.before.brier)} to {decimals(each.after.brier)}."
    )


def merged(bins: Sequence[Reliability]) -> list[Reliability]:
    """Neighbouring bins together until each mark stands for enough clips to be read."""
    found: list[Reliability] = []
    for each in sorted(bins, key=lambda b: b.low):
        if found and found[-1].clips < LEAST:
            found[-1] = _both(found[-1], each)
        else:
            found.append(each)
    if len(found) > 1 and found[-1].clips < LEAST:
        found[-2:] = [_both(*found[-2:])]
    return found


def _both(a: Reliability, b: Reliability) -> Reliability:
    clips = a.clips + b.clips
    return Reliability(
        low=a.low,
        high=b.high,
        clips=clips,
        confidence=(a.clips * a.confidence + b.clips * b.confidence) / clips,
        accuracy=(a.clips * a.accuracy + b.clips * b.accuracy) / clips,
    )


def _table(found: Sequence[Calibrated]) -> Table:
    rows: list[list[str]] = []
    breaks: list[int] = []
    for each in found:
        breaks.append(len(rows))
        rows += [
            _row(each, "development, as trained", each.before, "1"),
            _row(each, "development, scaled", each.after, f"{each.temperature:.2f}"),
        ]
        if each.sealed_before and each.sealed_after:
            rows += [
                _row(each, "test fold, as trained", each.sealed_before, "1"),
                _row(each, "test fold, scaled", each.sealed_after, f"{each.temperature:.2f}"),
            ]
    return Table(
        "calibration-table",
        "Calibration before and after one temperature. Lower is better in every column.",
        [
            Column("configuration", align="left"),
            Column("clips", align="left"),
            Column("temperature"),
            Column("log loss"),
            Column("Brier"),
            Column("ECE, %"),
        ],
        rows,
        note="Log loss and Brier score judge every probability; the expected calibration error "
        "(ECE) is the gap between confidence and accuracy in bins, and with few clips mostly the "
        "bins' noise." + (f" {SEALED}" if any(each.sealed_before for each in found) else ""),
        breaks=breaks[1:],
    )


def _row(each: Calibrated, clips: str, of: Calibration, temperature: str) -> list[str]:
    return [
        code(each.configuration),
        clips,
        temperature,
        decimals(of.nll),
        decimals(of.brier),
        percent(of.ece),
    ]


def _figure(found: Sequence[Calibrated]) -> Figure:
    with canvas("calibration-figure", 62) as drawn:
        panels = drawn.figure.subplots(1, len(found), squeeze=False, sharey=True)[0]
        for axes, each in zip(panels, found, strict=True):
            axes.plot([0, 100], [0, 100], color=MUTED, linewidth=0.8)
            for at, (label, of) in enumerate((("as trained", each.before), ("scaled", each.after))):
                bins = merged(of.bins)
                places = [(100 * b.confidence, 100 * b.accuracy) for b in bins]
                axes.plot(
                    *zip(*places, strict=True),
                    color=SERIES[at],
                    marker=MARKERS[at],
                    linestyle=DASHES[at],
                    markersize=3.5,
                    label=label,
                )
                for b, place in zip(bins, places, strict=True):
                    axes.annotate(
                        str(b.clips),
                        place,
                        xytext=(0, (-10, 5)[at]),
                        textcoords="offset points",
                        ha="center",
                        color=SERIES[at],
                        fontsize=6.5,
                    )
            axes.set_title(each.configuration)
            axes.set_xlabel("confidence, %")
            axes.set_xlim(0, 102)
            axes.set_ylim(0, 108)
            light_grid(axes)
        panels[0].set_ylabel("accuracy, %", color=INK)
        panels[0].legend(loc="upper left")
    told = "; ".join(
        f"{each.configuration}, scaled: "
        + ", ".join(
            f"{b.clips} clips at {percent(b.confidence)}% confidence, {percent(b.accuracy)}% right"
            for b in merged(each.after.bins)
        )
        for each in found
    )
    return Figure(
        "calibration-figure",
        drawn.svg,
        f"Accuracy against confidence of {configurations([e.configuration for e in found])}. A "
        "calibrated classifier lies on the grey line. The numbers say how many clips a mark stands "
        f"for; bins of fewer than {LEAST} are merged with their neighbours.",
        f"Reliability diagrams. {told}.",
    )
