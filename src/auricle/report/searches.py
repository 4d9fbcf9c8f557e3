"""Figures of a search: its course, its slices, its parallel coordinates, its importances."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator

from auricle.report.drawing import INK, MUTED, PAPER, RULE, SERIES, canvas, light_grid

COLUMNS = 3


@dataclass(frozen=True)
class Trial:
    """A row of `trials.csv`. `values` are texts as drawn, by key; one that failed has no score."""

    number: int
    whole: bool
    score: float | None
    accuracy: float | None
    seconds: float
    values: dict[str, str]


def history(name: str, trials: Sequence[Trial]) -> str:
    """A point a trial, and the least log loss so far as a line."""
    with canvas(name, 62) as drawn:
        axes = drawn.figure.subplots()
        top = _bounded(axes, scores_of(trials))
        for trial in trials:
            if trial.score is not None:
                face = SERIES[0] if trial.whole else PAPER
                _point(axes, trial.number, trial.score, top, face)
        numbers, scores = [trial.number for trial in trials if trial.whole], scores_of(trials)
        least = np.minimum.accumulate(scores)
        axes.step(numbers, least, where="post", color=SERIES[1], linewidth=1.3)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlabel("trial")
        axes.set_ylabel("out-of-fold log loss")
        light_grid(axes)
    return drawn.svg


def scores_of(trials: Sequence[Trial]) -> list[float]:
    """Log losses of the whole trials."""
    return [trial.score for trial in trials if trial.whole and trial.score is not None]


def _point(axes: Axes, place: float, score: float, top: float, face: str) -> None:
    """A trial's score, or an arrow at the upper edge where it lies above the panel."""
    mark, height = ("o", score) if score <= top else ("^", top)
    axes.plot(place, height, mark, color=SERIES[0], mfc=face, markersize=4, clip_on=False)


def _bounded(axes: Axes, scores: Sequence[float]) -> float:
    """Leave room for the middle of the trials; the panel's upper end, which some lie above."""
    low, high = min(scores), float(np.quantile(scores, 0.9))
    room = max(high - low, 1e-3)
    top = high + 0.35 * room
    axes.set_ylim(low - 0.08 * room, top)
    return top


def slices(name: str, trials: Sequence[Trial], by_ratio: Collection[str]) -> str:
    """A panel a value: log loss of whole trials against it; some on an axis of ratios."""
    whole = [trial for trial in trials if trial.whole]
    keys = list(whole[0].values)
    lines = -(-len(keys) // COLUMNS)
    scores = scores_of(trials)
    best = scores.index(min(scores))
    with canvas(name, 12 + 44 * lines) as drawn:
        panels = drawn.figure.subplots(lines, COLUMNS, squeeze=False).flatten()
        for panel in panels[len(keys) :]:
            panel.set_axis_off()
        for at, (key, axes) in enumerate(zip(keys, panels, strict=False)):
            places, labels = placed([trial.values[key] for trial in whole])
            top = _bounded(axes, scores)
            for place, score in zip(places, scores, strict=True):
                _point(axes, place, score, top, PAPER)
            axes.plot(places[best], scores[best], "o", color=SERIES[1], markersize=4)
            _label(axes, labels, key in by_ratio)
            axes.set_title(key.rpartition(".")[2])
            if at % COLUMNS:
                axes.set_yticklabels([])
            else:
                axes.set_ylabel("log loss")
            light_grid(axes)
    return drawn.svg


def placed(texts: Sequence[str]) -> tuple[list[float], list[str] | None]:
    """Where values stand on an axis: numbers where they are, others side by side in their order."""
    values = [json.loads(text) for text in texts]
    if all(isinstance(value, int | float) for value in values):
        return [float(value) for value in values], None
    labels = sorted(set(texts), key=lambda text: (len(json.loads(text)), text))
    return [float(labels.index(text)) for text in texts], labels


def _label(axes: Axes, labels: list[str] | None, by_ratio: bool) -> None:
    if labels is not None:
        shown = [label.strip("[]").replace(", ", "·").strip('"') for label in labels]
        axes.set_xticks(range(len(labels)), shown, rotation=20, ha="right", fontsize=6)
        axes.set_xlim(-0.5, len(labels) - 0.5)
    elif by_ratio:
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_major_formatter("{x:g}")
        axes.xaxis.set_minor_locator(NullLocator())
    else:
        axes.xaxis.set_major_locator(MaxNLocator(5))


def parallel(name: str, trials: Sequence[Trial], by_ratio: Collection[str]) -> str:
    """A line a whole trial through its values, coloured by its rank."""
    whole = sorted((t for t in trials if t.whole), key=lambda trial: -(trial.score or 0.0))
    keys = list(whole[0].values)
    heights = []
    with canvas(name, 74) as drawn:
        axes = drawn.figure.subplots()
        for key in keys:
            places, _ = placed([trial.values[key] for trial in whole])
            if key in by_ratio:
                places = [float(np.log(place)) for place in places]
            low, high = min(places), max(places)
            heights.append([(place - low) / ((high - low) or 1) for place in places])
        for rank in range(len(whole)):
            share = (rank + 1) / len(whole)  # of the best: 1
            line = [height[rank] for height in heights]
            colour = SERIES[1] if rank == len(whole) - 1 else SERIES[0]
            axes.plot(line, color=colour, alpha=0.15 + 0.75 * share**3, linewidth=0.6 + share)
        for at in range(len(keys)):
            axes.axvline(at, color=RULE, linewidth=0.8, zorder=0)
        shown = [key.rpartition(".")[2].replace("_", "\n") for key in keys]
        axes.set_xticks(range(len(keys)), shown, fontsize=6.4)
        axes.set_yticks([0, 1], ["least", "most"])
        axes.set_xlim(-0.2, len(keys) - 0.8)
        axes.spines[["left", "bottom"]].set_visible(False)
    return drawn.svg


def importances(name: str, shares: Mapping[str, float]) -> str:
    """A bar a value, the longest on top."""
    ranked = sorted(shares.items(), key=lambda item: item[1])
    with canvas(name, 14 + 6 * len(ranked)) as drawn:
        axes = drawn.figure.subplots()
        axes.barh([key for key, _ in ranked], [100 * s for _, s in ranked], color=SERIES[0])
        for row, (_, share) in enumerate(ranked):
            axes.text(100 * share + 0.6, row, f"{100 * share:.0f}", va="center", color=INK)
        axes.set_xlabel("share of importance, %")
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_color(MUTED)
        axes.margins(x=0.08)
    return drawn.svg
