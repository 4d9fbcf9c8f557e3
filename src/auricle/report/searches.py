"""Figures of a search: its course, its slices, its parallel coordinates, its luck, importances."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator

from auricle.report.drawing import INK, MUTED, PAPER, RULE, SERIES, canvas, light_grid

COLUMNS = 3
WIDE = 50
"""Between ends whose ratio is larger, powers of ten alone have room as labels."""


@dataclass(frozen=True)
class Trial:
    """A row of `trials.csv`. `values` are texts as drawn, by key.

    One that failed has the score of the folds that it had, or none. `fits` names its fits: trials
    that drew the same values share them.
    """

    number: int
    whole: bool
    score: float | None
    accuracy: float | None
    seconds: float
    values: dict[str, str]
    failed: bool = False
    parameters: int = 0
    fits: str = ""


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


@dataclass(frozen=True)
class Axis:
    """Where the values of one key stand: a range as `space.toml` has it, or a list of choices."""

    key: str
    searched: Mapping[str, Any]

    @property
    def short(self) -> str:
        """The key's last part."""
        return self.key.rpartition(".")[2]

    @property
    def choices(self) -> list[str]:
        """Choices as texts in their order; none of a range."""
        return [json.dumps(choice) for choice in self.searched.get("choices", ())]

    @property
    def by_ratio(self) -> bool:
        """Whether the values are spread by their ratio."""
        return bool(self.searched.get("log"))

    @property
    def ends(self) -> tuple[float, float]:
        """The first and the last place."""
        if self.choices:
            return 0.0, float(len(self.choices) - 1)
        return float(self.searched["low"]), float(self.searched["high"])

    def place(self, text: str) -> float:
        """Where a value stands that `trials.csv` has as a text."""
        return float(self.choices.index(text) if self.choices else json.loads(text))

    def height(self, text: str) -> float:
        """Where it stands between the ends, from 0 to 1."""
        low, place, high = self.ends[0], self.place(text), self.ends[1]
        if self.by_ratio:
            low, place, high = log(low), log(place), log(high)
        return (place - low) / (high - low)

    def told(self, end: int) -> str:
        """The value at an end, as a reader knows it."""
        return _plain(self.choices[end]) if self.choices else f"{self.ends[end]:g}"


def _plain(choice: str) -> str:
    return choice.strip("[]").replace(", ", "\N{MIDDLE DOT}").strip('"')


def axes_of(values: Mapping[str, Mapping[str, Any]]) -> list[Axis]:
    """The axes of a space's values."""
    return [Axis(key, searched) for key, searched in values.items()]


def slices(name: str, trials: Sequence[Trial], values: Mapping[str, Mapping[str, Any]]) -> str:
    """A panel a value: log loss of whole trials against it; a tick below for each stopped one."""
    whole = [trial for trial in trials if trial.whole]
    lines = -(-len(values) // COLUMNS)
    scores = scores_of(trials)
    best = scores.index(min(scores))
    with canvas(name, 12 + 44 * lines) as drawn:
        panels = drawn.figure.subplots(lines, COLUMNS, squeeze=False).flatten()
        for panel in panels[len(values) :]:
            panel.set_axis_off()
        for at, (axis, axes) in enumerate(zip(axes_of(values), panels, strict=False)):
            places = [axis.place(trial.values[axis.key]) for trial in whole]
            top = _bounded(axes, scores)
            for place, score in zip(places, scores, strict=True):
                _point(axes, place, score, top, PAPER)
            axes.plot(places[best], scores[best], "o", color=SERIES[1], markersize=4)
            stopped = [axis.place(t.values[axis.key]) for t in trials if not t.whole]
            below = [axes.get_ylim()[0]] * len(stopped)
            axes.plot(stopped, below, "|", color=MUTED, markersize=6, clip_on=False)
            _label(axes, axis)
            axes.set_title(axis.short)
            if at % COLUMNS:
                axes.set_yticklabels([])
            else:
                axes.set_ylabel("log loss")
            light_grid(axes)
    return drawn.svg


def _label(axes: Axes, axis: Axis) -> None:
    low, high = axis.ends
    if axis.choices:
        shown = [_plain(choice) for choice in axis.choices]
        axes.set_xticks(range(len(shown)), shown, rotation=20, ha="right", fontsize=6)
        axes.set_xlim(-0.5, len(shown) - 0.5)
    elif axis.by_ratio:
        axes.set_xscale("log")
        between = (1, 2, 5) if high / low < WIDE else (1,)
        axes.xaxis.set_major_locator(LogLocator(subs=between))
        axes.xaxis.set_major_formatter("{x:g}")
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_xlim(low / 1.1, high * 1.1)
    else:
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=isinstance(axis.searched["low"], int)))
        axes.set_xlim(low - 0.05 * (high - low), high + 0.05 * (high - low))


def parallel(name: str, trials: Sequence[Trial], values: Mapping[str, Mapping[str, Any]]) -> str:
    """A line a whole trial through its values, coloured by its rank."""
    whole = sorted((t for t in trials if t.whole), key=lambda trial: -(trial.score or 0.0))
    columns = axes_of(values)
    with canvas(name, 78) as drawn:
        axes = drawn.figure.subplots()
        for rank, trial in enumerate(whole):
            share = (rank + 1) / len(whole)  # of the best: 1
            line = [axis.height(trial.values[axis.key]) for axis in columns]
            colour = SERIES[1] if rank == len(whole) - 1 else SERIES[0]
            axes.plot(line, color=colour, alpha=0.15 + 0.75 * share**3, linewidth=0.6 + share)
        for at, axis in enumerate(columns):
            axes.axvline(at, color=RULE, linewidth=0.8, zorder=0)
            for end, side, gap in ((0, "top", -0.03), (-1, "bottom", 1.03)):
                axes.text(at, gap, axis.told(end), ha="center", va=side, fontsize=5.8, color=MUTED)
        shown = [axis.short.replace("_", "\n") for axis in columns]
        axes.set_xticks(range(len(columns)), shown, fontsize=6.4)
        axes.tick_params(axis="x", length=0)
        axes.set_yticks([])
        axes.set_xlim(-0.3, len(columns) - 0.7)
        axes.set_ylim(-0.1, 1.1)
        axes.spines[["left", "bottom"]].set_visible(False)
    return drawn.svg


def luck(name: str, seeds: Mapping[str, Sequence[float]]) -> str:
    """A row a recipe: its log loss with the seed of the search, filled, and with others, hollow."""
    with canvas(name, 16 + 9 * len(seeds)) as drawn:
        axes = drawn.figure.subplots()
        for row, scores in enumerate(reversed(list(seeds.values()))):
            searched, *new = scores
            axes.plot(new, [row] * len(new), "o", color=SERIES[0], mfc=PAPER, markersize=4.5)
            axes.plot([np.mean(new)] * 2, [row - 0.25, row + 0.25], color=SERIES[0])
            axes.plot(searched, row, "o", color=SERIES[1], markersize=4.5)
        axes.set_yticks(range(len(seeds)), list(reversed(list(seeds))))
        axes.set_ylim(-0.6, len(seeds) - 0.4)
        axes.tick_params(axis="y", length=0)
        axes.set_xlabel("out-of-fold log loss")
        light_grid(axes, "x")
    return drawn.svg


def importances(
    name: str, shares: Mapping[str, float], by_chance: Mapping[str, Sequence[float]]
) -> str:
    """A bar a value, the longest on top; a mark at what 95 of 100 random deals stay below."""
    ranked = sorted(shares.items(), key=lambda item: item[1])
    with canvas(name, 14 + 6 * len(ranked)) as drawn:
        axes = drawn.figure.subplots()
        axes.barh([key for key, _ in ranked], [100 * s for _, s in ranked], color=SERIES[0])
        for row, (key, share) in enumerate(ranked):
            _, high = by_chance[key]
            axes.plot([100 * high] * 2, [row - 0.4, row + 0.4], color=INK, linewidth=1.2)
            beyond = 100 * max(share, high)
            axes.text(beyond + 0.8, row, f"{100 * share:.0f}", va="center", color=INK)
        axes.set_xlabel("share of importance, %")
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_color(MUTED)
        axes.margins(x=0.08)
    return drawn.svg
