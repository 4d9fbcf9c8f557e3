"""Figures of results: accuracies, learning curves, confusions, ROC curves, differences."""

from collections.abc import Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator, NullLocator

from auricle.evaluation.comparison import ALPHA
from auricle.report.document import Panel
from auricle.report.drawing import (
    DASHES,
    INK,
    MARKERS,
    MUTED,
    ON_PALE,
    PAPER,
    RULE,
    SERIES,
    canvas,
    light_grid,
)
from auricle.report.headlines import View
from auricle.report.scores import Bounded, Configuration, Pair, ScoreRow
from auricle.report.study_files import Fit
from auricle.report.wording import category, percent

MOST_PANELS = 20
TALLEST_MM = 225


def accuracies(configurations: Sequence[Configuration], views: Sequence[View]) -> str:
    """A row a configuration: its accuracies with their intervals."""
    with canvas("accuracies", 16 + min(11 * len(configurations), 38)) as drawn:
        axes = drawn.figure.subplots()
        for at, view in enumerate(views):
            shift = 0.17 * (2 * at - len(views) + 1)
            for row, each in enumerate(configurations):
                score = view.quoted(each)
                if score is None:
                    continue
                accuracy = score.accuracy
                place = row + shift
                if accuracy.low is not None and accuracy.high is not None:
                    ends = [100 * accuracy.low, 100 * accuracy.high]
                    axes.plot(ends, [place] * 2, color=SERIES[at], linewidth=1.6)
                axes.plot(
                    100 * accuracy.value,
                    place,
                    MARKERS[at],
                    color=SERIES[at],
                    markersize=5.5,
                    markerfacecolor=SERIES[at] if at == 0 else PAPER,
                    markeredgewidth=1.3,
                    label=view.title if row == 0 else None,
                )
                right = accuracy.value if accuracy.high is None else accuracy.high
                axes.annotate(
                    percent(accuracy.value),
                    (100 * right, place),
                    xytext=(5, 0),
                    textcoords="offset points",
                    va="center_baseline",
                    color=SERIES[at],
                    fontsize=6.8,
                )
        axes.set_yticks(range(len(configurations)), [each.name for each in configurations])
        axes.set_ylim(len(configurations) - 0.4, -0.6)
        axes.set_xlabel("accuracy, %, with 95% interval")
        axes.spines["left"].set_visible(False)
        axes.tick_params(axis="y", length=0, labelsize=7.5)
        light_grid(axes, "x")
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=len(views))
    return drawn.svg


def beside_published(
    known: Sequence[tuple[str, float]], ours: Sequence[tuple[str, Bounded]]
) -> str:
    """A row a system, the lowest first: what others published, in per cent, and ours."""
    rows: list[tuple[str, float, Bounded | None]] = [(name, value, None) for name, value in known]
    rows += [(name, 100 * score.value, score) for name, score in ours]
    rows.sort(key=lambda row: row[1])
    with canvas("published", 12 + 5.2 * len(rows)) as drawn:
        axes = drawn.figure.subplots()
        for place, (_, value, score) in enumerate(rows):
            colour, right = (SERIES[0], value) if score else (MUTED, value)
            if score and score.low is not None and score.high is not None:
                axes.plot([100 * score.low, 100 * score.high], [place] * 2, color=colour)
                right = 100 * score.high
            axes.plot(value, place, "o" if score else "s", color=colour, markersize=5)
            axes.annotate(
                f"{value:.4g}" if score is None else percent(score.value),
                (right, place),
                xytext=(5, 0),
                textcoords="offset points",
                va="center_baseline",
                color=colour,
                fontsize=6.8,
            )
        axes.set_yticks(range(len(rows)), [name for name, *_ in rows])
        for label, (*_, score) in zip(axes.get_yticklabels(), rows, strict=True):
            label.set_color(SERIES[0] if score else INK)
        axes.set_ylim(-0.6, len(rows) - 0.4)
        axes.set_xlim(right=101)
        axes.set_xlabel("accuracy, %")
        axes.spines["left"].set_visible(False)
        axes.tick_params(axis="y", length=0)
        light_grid(axes, "x")
    return drawn.svg


WHOLE = DASHES[2]
PARTS = {"train": "training", "val": "validation"}


def learning_curves(name: str, fits: Sequence[Fit], top_loss: float) -> str:
    """Loss and accuracy by epoch: the mean of the fits, and the band between their extremes.

    Of what the epochs train; where a texture answers beside it, a dotted line is of both.
    """
    apart = all(fit.apart for fit in fits)
    with canvas(f"curves-{name}", 58 if apart else 54) as drawn:
        losses, hits = drawn.figure.subplots(1, 2)
        for axes, measure, scale in ((losses, "loss", 1), (hits, "accuracy", 100)):
            for at, (part, title) in enumerate(PARTS.items()):
                lines = _stacked([fit.trained(part, measure) for fit in fits]) * scale
                if np.isnan(lines).all():
                    continue
                epochs = np.arange(1, lines.shape[1] + 1)
                axes.fill_between(
                    epochs, lines.min(0), lines.max(0), color=SERIES[at], alpha=0.16, linewidth=0
                )
                axes.plot(
                    epochs, lines.mean(0), color=SERIES[at], linestyle=DASHES[at], label=title
                )
                if apart:
                    whole = _stacked([fit.history[f"{part}_{measure}"] for fit in fits]) * scale
                    axes.plot(
                        epochs,
                        whole.mean(0),
                        color=SERIES[at],
                        linestyle=WHOLE,
                        linewidth=1.0,
                        label=f"{title}, with texture",
                    )
            axes.set_xlabel("epoch")
            axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
            axes.margins(x=0.01)
            light_grid(axes)
        losses.set_ylabel("cross-entropy, nats")
        losses.set_ylim(0, top_loss)
        losses.legend(loc="upper right")
        hits.set_ylabel("accuracy, %")
        hits.set_ylim(0, 102)
        hits.legend(loc="lower right")
    return drawn.svg


def _stacked(curves: Sequence[np.ndarray]) -> np.ndarray:
    """(fits, epochs), as far as all fits go."""
    shortest = min(map(len, curves))
    return np.stack([curve[:shortest] for curve in curves])


def highest_loss(fits: Sequence[Fit]) -> float:
    """Top of the loss axis that all configurations share, so that their curves compare."""
    curves = [fit.trained(part, "loss") for fit in fits for part in PARTS]
    values = [np.nanmax(curve) for curve in curves if not np.isnan(curve).all()]
    return 1.05 * float(np.percentile(values, 90))


def confusions(
    name: str, categories: Sequence[str], rows: Sequence[tuple[str, ScoreRow]]
) -> tuple[str, list[Panel]]:
    """A panel a set of predictions: truth down, prediction across, number of clips in the cell.

    The drawing, and where in it each matrix stands.
    """
    across = len(categories) <= MOST_PANELS
    shape = (1, len(rows)) if across else (len(rows), 1)
    height = 72 if across else min(150 * len(rows), TALLEST_MM)
    with canvas(f"confusion-{name}", height) as drawn:
        panels = drawn.figure.subplots(*shape, squeeze=False).ravel()
        for at, (axes, (title, row)) in enumerate(zip(panels, rows, strict=True)):
            _confusion(axes, categories, np.array(row.confusion))
            axes.set_title(f"{title}: {percent(row.accuracy.value)}% of {row.clips} right")
            if across and at:
                axes.set_yticklabels([])
                axes.set_ylabel("")
    boxes = [axes.get_position() for axes in panels]  # final once it is drawn
    return drawn.svg, [
        Panel(name, title, box.x0, 1 - box.y1, box.width, box.height)
        for box, (title, _) in zip(boxes, rows, strict=True)
    ]


def _confusion(axes: Axes, categories: Sequence[str], matrix: np.ndarray) -> None:
    share = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    colours = colormaps["Blues"]
    size = len(categories)
    for truth, given in zip(*np.nonzero(matrix), strict=True):
        colour = colours(0.06 + 0.86 * share[truth, given])
        axes.add_patch(Rectangle((given - 0.5, truth - 0.5), 1, 1, facecolor=colour, linewidth=0))
        if size <= MOST_PANELS:
            axes.text(
                given,
                truth,
                str(matrix[truth, given]),
                ha="center",
                va="center_baseline",
                fontsize=7 if size <= 12 else 5.5,
                color="#ffffff" if share[truth, given] > 0.55 else ON_PALE,
                fontweight="bold" if truth == given else "normal",
            )
    for line in range(size + 1):
        axes.axhline(line - 0.5, color=RULE, linewidth=0.4, zorder=0)
        axes.axvline(line - 0.5, color=RULE, linewidth=0.4, zorder=0)
    names = [category(name) for name in categories]
    small = 7 if size <= MOST_PANELS else 5
    axes.set_xticks(range(size), names, rotation=55, ha="right", rotation_mode="anchor", size=small)
    axes.set_yticks(range(size), names, size=small)
    axes.tick_params(length=0, pad=2)
    axes.set_xlim(-0.5, size - 0.5)
    axes.set_ylim(size - 0.5, -0.5)
    axes.set_aspect("equal")
    axes.set_xlabel("heard as")
    axes.set_ylabel("is")
    for spine in axes.spines.values():
        spine.set_visible(False)


def differences(pairs: Sequence[Pair]) -> str:
    """A row a pair: how much more often the first was right, with its interval."""
    with canvas("differences", 16 + 7 * len(pairs)) as drawn:
        axes = drawn.figure.subplots()
        axes.axvline(0, color=MUTED, linewidth=0.8)
        for row, pair in enumerate(pairs):
            told_apart = pair.p_holm <= ALPHA
            colour = SERIES[1] if told_apart else SERIES[0]
            axes.plot([100 * pair.low, 100 * pair.high], [row, row], color=colour, linewidth=1.6)
            axes.plot(
                100 * pair.difference,
                row,
                "D" if told_apart else "o",
                color=colour,
                markersize=5,
                markerfacecolor=colour if told_apart else PAPER,
                markeredgewidth=1.3,
            )
        axes.set_yticks(range(len(pairs)), [f"{pair.first} less {pair.second}" for pair in pairs])
        axes.set_ylim(len(pairs) - 0.4, -0.6)
        widest = 1.1 * 100 * max(max(abs(pair.low), abs(pair.high)) for pair in pairs)
        axes.set_xlim(-max(widest, 1), max(widest, 1))
        axes.set_xlabel("difference in out-of-fold accuracy, percentage points, with 95% interval")
        axes.spines["left"].set_visible(False)
        axes.tick_params(axis="y", length=0)
        light_grid(axes, "x")
    return drawn.svg


def minutes_against_accuracy(
    name: str, labels: Sequence[str], minutes: Sequence[float], accuracies: Sequence[Bounded]
) -> str:
    """A point a row: what its fits took, what it scored, and the interval of the score."""
    with canvas(name, 76) as drawn:
        axes = drawn.figure.subplots()
        for label, cost, accuracy in zip(labels, minutes, accuracies, strict=True):
            if accuracy.low is not None and accuracy.high is not None:
                ends = [100 * accuracy.low, 100 * accuracy.high]
                axes.plot([cost] * 2, ends, color=RULE, linewidth=1.6, zorder=1)
            axes.plot(cost, 100 * accuracy.value, "o", color=SERIES[0], markersize=5)
            axes.annotate(
                label,
                (cost, 100 * accuracy.value),
                xytext=(5, 3),
                textcoords="offset points",
                fontsize=6.8,
            )
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(MaxNLocator(8))
        axes.xaxis.set_major_formatter("{x:g}")
        axes.xaxis.set_minor_locator(NullLocator())
        axes.margins(x=0.15)
        axes.set_xlabel("minutes a fit")
        axes.set_ylabel("out-of-fold accuracy, %")
        light_grid(axes)
    return drawn.svg
