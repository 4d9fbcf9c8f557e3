"""Figures of ROC curves: all of a configuration, and the corner where those of all part."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as MatplotlibFigure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from auricle.report.drawing import DASHES, INK, PAPER, RULE, SERIES, canvas, light_grid
from auricle.report.plots import MOST_PANELS
from auricle.report.scores import ScoreRow
from auricle.report.wording import category, decimals


def roc_curves(name: str, categories: Sequence[str], rows: Sequence[tuple[str, ScoreRow]]) -> str:
    """A panel a category: true positives against false ones, a line a set of predictions."""
    shown = list(categories)[:MOST_PANELS]
    columns = min(5, len(shown))
    lines = -(-len(shown) // columns)
    with canvas(f"roc-{name}", 10 + 31 * lines) as drawn:
        panels = drawn.figure.subplots(
            lines, columns, squeeze=False, sharex=True, sharey=True
        ).ravel()
        for at, (axes, shown_category) in enumerate(zip(panels, shown, strict=False)):
            axes.plot([0, 1], [0, 1], color=RULE, linewidth=0.7)
            for series, (title, row) in enumerate(rows):
                curve = next((c for c in row.roc if c.category == shown_category), None)
                scores = next((c for c in row.per_class if c.category == shown_category), None)
                if curve is None:
                    continue
                axes.plot(
                    curve.fpr,
                    curve.tpr,
                    color=SERIES[series],
                    linestyle=DASHES[series],
                    linewidth=1.2,
                    label=title,
                    clip_on=False,
                )
                axes.text(
                    0.97,
                    0.06 + 0.15 * (len(rows) - 1 - series),
                    f"AUC {decimals(scores.auc if scores else None)}",
                    ha="right",
                    color=SERIES[series],
                    fontsize=6.8,
                    bbox={"facecolor": PAPER, "alpha": 0.8, "linewidth": 0, "pad": 0.8},
                )
            axes.set_title(category(shown_category), fontsize=7.2)
            axes.set_xlim(0, 1)
            axes.set_ylim(0, 1)
            axes.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
            axes.set_yticks([0, 0.5, 1], ["0", "0.5", "1"])
            axes.set_box_aspect(1)
            axes.tick_params(labelbottom=at >= len(shown) - columns)
        for axes in panels[len(shown) :]:
            axes.set_visible(False)
        _frame(drawn.figure, panels[0], len(rows))
    return drawn.svg


IN_A_CORNER = 6
"""Curves that one small panel holds, those with the smallest areas."""
CORNERS_ACROSS = 4


def lowest_areas(rows: Sequence[ScoreRow]) -> list[str]:
    """The categories with the smallest areas under ROC curves, as means over some scores."""
    areas: dict[str, list[float]] = {}
    for row in rows:
        for scores in row.per_class:
            if scores.auc is not None:
                areas.setdefault(scores.category, []).append(scores.auc)
    return sorted(areas, key=lambda name: float(np.mean(areas[name])))[:IN_A_CORNER]


def roc_corner(
    rows: Sequence[tuple[str, Sequence[tuple[str, ScoreRow]]]], categories: Sequence[str]
) -> str:
    """A row of panels a view, a panel a configuration, a line a category, all to one scale."""
    panels = [(f"{name}\n{title}", row) for title, found in rows for name, row in found]
    across = min(CORNERS_ACROSS, max(len(found) for _, found in rows))
    down = -(-len(panels) // across)
    curves = [c for _, row in panels for c in row.roc if c.category in categories]
    below = [f for c in curves for f, t in zip(c.fpr, c.tpr, strict=True) if t < 1]
    right = min(1.0, max(0.05, 0.05 * np.ceil(20 * max(below, default=0.0) + 1e-9)))
    left = [max(t for f, t in zip(c.fpr, c.tpr, strict=True) if f == 0) for c in curves]
    bottom = min(0.9, 0.1 * np.floor(10 * min(left, default=0.0)))
    with canvas("roc-corner", 14 + 44 * down) as drawn:
        grid = drawn.figure.subplots(down, across, squeeze=False, sharex=True, sharey=True).ravel()
        for axes, (title, row) in zip(grid, panels, strict=False):
            for at, name in enumerate(categories):
                curve = next((c for c in row.roc if c.category == name), None)
                if curve:
                    axes.plot(
                        curve.fpr,
                        curve.tpr,
                        color=SERIES[at],
                        linestyle=DASHES[at % len(DASHES)],
                        linewidth=1.2,
                        label=category(name),
                    )
            axes.set_title(title, fontsize=7)
            axes.set_xlim(-0.01 * right, right)
            axes.set_ylim(bottom, 1 + 0.02 * (1 - bottom))
            light_grid(axes)
        for axes in grid[len(panels) :]:
            axes.set_visible(False)
        _frame(drawn.figure, grid[0], 3)
    return drawn.svg


def _frame(figure: MatplotlibFigure, first: Axes, across: int) -> None:
    """What the panels have in common: names of the rates, and the lines' legend."""
    figure.supxlabel("false positive rate", fontsize=7.5, color=INK)
    figure.supylabel("true positive rate", fontsize=7.5, color=INK)
    engine = figure.get_layout_engine()
    assert isinstance(engine, ConstrainedLayoutEngine)
    engine.set(wspace=0.06)
    handles, labels = first.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=across)
