"""The section on the learning curve."""

from collections.abc import Iterator

from auricle.evidence.learning import LearningFound
from auricle.report.document import Block, Figure, Heading, Paragraph, code
from auricle.report.drawing import SERIES, canvas, light_grid
from auricle.report.wording import decimals, equals, listed, percent, points

SURE = 0.05


def section(found: LearningFound) -> Iterator[Block]:
    """Would more recordings help?"""
    yield Heading("Would more recordings help?", 2, "learning")
    yield Paragraph(
        f"{code(found.configuration)} was trained on shares of the recordings of each class, with "
        "as many steps as on all of them, to the nearest epoch, and scored on the same clips. "
        + _verdict(found)
    )
    yield _figure(found)


def _verdict(found: LearningFound) -> str:
    before, last = found.points[-2:]
    gain = f"{points(found.gain)} points [{points(found.gain_low)}, {points(found.gain_high)}]"
    step = (
        f"From {before.recordings:.0f} to {last.recordings:.0f} recordings accuracy changes by "
        f"{gain}, {equals(found.gain_p)}"
    )
    falls = last.scored.log_loss < before.scored.log_loss
    loss = (
        f"log loss {'falls' if falls else 'does not fall'}, from "
        f"{decimals(before.scored.log_loss)} to {decimals(last.scored.log_loss)} nats"
    )
    if found.gain_p < SURE and found.gain > 0:
        return f"**The curve still rises: more recordings are likely to help.** {step}; {loss}."
    if falls:
        return (
            "**Whether more recordings would raise the accuracy cannot be told from the last step "
            f"alone; the probabilities still get better.** {step}; {loss}."
        )
    return (
        "**The last quarter of the recordings brought no gain that can be told from chance.** "
        f"{step}; {loss}. More of the same kind may not help; other kinds may."
    )


def _figure(found: LearningFound) -> Figure:
    recordings = [point.recordings for point in found.points]
    accuracies = [point.scored.accuracy for point in found.points]
    with canvas("learning-figure", 55) as drawn:
        left, right = drawn.figure.subplots(1, 2)
        left.plot(recordings, [100 * a.value for a in accuracies], "o-", color=SERIES[0])
        left.fill_between(
            recordings,
            [100 * a.low for a in accuracies],
            [100 * a.high for a in accuracies],
            color=SERIES[0],
            alpha=0.15,
            linewidth=0,
        )
        left.set_ylabel("accuracy, %")
        losses = [point.scored.log_loss for point in found.points]
        right.plot(recordings, losses, "s-", color=SERIES[1])
        right.set_ylabel("log loss, nats")
        for axes in (left, right):
            axes.set_xlabel("recordings learnt from")
            axes.set_xlim(left=0)
            light_grid(axes)
    told = listed(
        [
            f"{point.recordings:.0f} recordings {percent(point.scored.accuracy.value)}%, log loss "
            f"{decimals(point.scored.log_loss)}"
            for point in found.points
        ]
    )
    return Figure(
        "learning-figure",
        drawn.svg,
        "Out-of-fold accuracy, with its 95% interval, and log loss against the number of "
        "recordings that a network learnt from, the mean of the folds. The last point is the "
        "study's own.",
        f"Learning curve: {told}.",
    )
