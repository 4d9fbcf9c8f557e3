"""The section on calibration: a table of losses and the reliability diagram."""

from collections.abc import Iterator, Sequence

from auricle.evaluation.calibration import Calibration
from auricle.evidence.calibration import Calibrated, CalibrationFound
from auricle.report.document import Block, Column, Figure, Heading, Paragraph, Table, code
from auricle.report.drawing import DASHES, INK, MARKERS, MUTED, SERIES, canvas, light_grid
from auricle.report.wording import configurations, decimals, percent


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
        f"{decimals(each.before.nll)} to {decimals(each.after.nll)} nats."
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
        "bins' noise.",
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
                axes.plot(
                    [100 * b.confidence for b in of.bins],
                    [100 * b.accuracy for b in of.bins],
                    color=SERIES[at],
                    marker=MARKERS[at],
                    linestyle=DASHES[at],
                    markersize=3.5,
                    label=label,
                )
            most = max(b.clips for b in each.after.bins)
            for b in each.after.bins:
                height = 18 * b.clips / most
                axes.bar(100 * (b.low + b.high) / 2, height, 8, color=MUTED, alpha=0.3)
            axes.set_title(each.configuration)
            axes.set_xlabel("confidence, %")
            axes.set_xlim(0, 102)
            axes.set_ylim(0, 102)
            light_grid(axes)
        panels[0].set_ylabel("accuracy, %", color=INK)
        panels[0].legend(loc="upper left")
    told = "; ".join(
        f"{each.configuration}, scaled: "
        + ", ".join(
            f"{b.clips} clips at {percent(b.confidence)}% confidence, {percent(b.accuracy)}% right"
            for b in each.after.bins
        )
        for each in found
    )
    return Figure(
        "calibration-figure",
        drawn.svg,
        f"Accuracy against confidence of {configurations([e.configuration for e in found])}. A "
        "calibrated classifier lies on the grey line; the bars say how many clips are that sure.",
        f"Reliability diagrams. {told}.",
    )
