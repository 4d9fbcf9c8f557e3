"""The section on the learning curve."""

from collections.abc import Iterator
from typing import Any

from matplotlib.axes import Axes

from auricle.evidence.effects import Effect, Heard
from auricle.evidence.learning import LearningFound, Point
from auricle.report.document import Block, Figure, Heading, Paragraph, code
from auricle.report.drawing import MARKERS, SERIES, canvas, light_grid
from auricle.report.wording import (
    allowed_loss,
    change,
    decimals,
    equals,
    listed,
    log_losses,
    percent,
)


def section(found: LearningFound) -> Iterator[Block]:
    """Would more recordings help?"""
    before, last = found.points[-2:]
    yield Heading("Would more recordings help?", 2, "learning")
    yield Paragraph(
        f"{code(found.configuration)} was trained on shares of the recordings of each class, with "
        "as many steps as on all of them, to the nearest epoch, and scored on the same clips. Of "
        f"the last step, from {before.recordings:.0f} to {last.recordings:.0f} recordings, the "
        f"intervals are paired, by recording. {_verdict(found.step.whole)}"
    )
    if found.step.events is not None:
        yield Paragraph(
            "A texture is learnt from few clips already, and answers in all of these; by base and "
            f"head alone: {_verdict(found.step.events)}"
        )
    yield _figure(found)


def _verdict(step: Effect) -> str:
    gain, loss = step.difference, step.log_loss_difference
    told = f"accuracy changes by {change(gain)} points, {equals(step.p)}"
    if step.told_apart and gain.value > 0:
        start = f"**The curve still rises: more recordings are likely to help** ({told})."
    elif step.told_apart:
        start = f"**The last step made the accuracy worse, beyond chance** ({told})."
    else:
        start = (
            f"**Whether the last step raised the accuracy cannot be told** ({told}): the interval "
            f"allows a gain of up to {percent(max(0.0, gain.high))} points and a loss of up to "
            f"{allowed_loss(gain)}."
        )
    if loss is None:
        return start
    if loss.high < 0:
        surer = "The probabilities do get better"
    elif loss.low > 0:
        surer = "The probabilities get worse"
    else:
        surer = "Whether the probabilities get better cannot be told"
    return f"{start} {surer}: log loss changes by {log_losses(loss)} nats."


def _figure(found: LearningFound) -> Figure:
    with canvas("learning-figure", 55) as drawn:
        left, right = drawn.figure.subplots(1, 2)
        events = found.step.events is not None
        for at, label in enumerate(("whole answers", "base and head alone")[: 1 + events]):
            _curve(left, right, found, at, label)
        left.set_ylabel("accuracy, %")
        right.set_ylabel("log loss, nats")
        for axes in (left, right):
            axes.set_xlabel("recordings learnt from")
            axes.set_xlim(left=0)
            light_grid(axes)
        if events:
            handles, labels = left.get_legend_handles_labels()
            drawn.figure.legend(handles, labels, loc="outside upper center", ncols=2)
    told = listed(
        [
            f"{point.recordings:.0f} recordings {percent(point.alone.whole.accuracy.value)}%, "
            f"log loss {decimals(point.alone.whole.log_loss)}"
            for point in found.points
        ]
    )
    return Figure(
        "learning-figure",
        drawn.svg,
        "Out-of-fold accuracy, with its 95% interval, and log loss against the number of "
        "recordings that a network learnt from, the mean of the folds. The last point is "
        f"{'of networks trained anew' if found.anew else 'that of the study'}. The intervals are "
        "of one point each; what the last step brought is told in the text, from pairs.",
        f"Learning curve of whole answers: {told}.",
    )


def _curve(left: Axes, right: Axes, found: LearningFound, at: int, label: str) -> None:
    scored = [heard for point in found.points if (heard := _of(point, at))]
    recordings = [point.recordings for point in found.points]
    style: dict[str, Any] = {"color": SERIES[at], "marker": MARKERS[at], "label": label}
    left.plot(recordings, [100 * each.accuracy.value for each in scored], **style)
    left.fill_between(
        recordings,
        [100 * each.accuracy.low for each in scored],
        [100 * each.accuracy.high for each in scored],
        color=SERIES[at],
        alpha=0.15,
        linewidth=0,
    )
    right.plot(recordings, [each.log_loss for each in scored], **style)


def _of(point: Point, at: int) -> Heard | None:
    return (point.alone.whole, point.alone.events)[at]
