"""Learning curves, confusion matrices and ROC curves, one file a configuration."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from auricle.training.sounds import Array

COLOURS = ("#0072b2", "#d55e00")  # of Okabe and Ito: told apart without seeing red or green


def save_figure(figure: Figure, file: Path) -> None:
    """Write a figure as a picture."""
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, dpi=150)


def panels_for(count: int) -> tuple[Figure, list[Axes]]:
    """A figure of square panels, two side by side."""
    rows = -(-count // 2)
    figure = Figure(figsize=(11, 5.4 * rows), layout="constrained")
    return figure, [figure.add_subplot(rows, 2, at + 1) for at in range(count)]


def draw_curves(name: str, histories: Mapping[str, Array], file: Path) -> None:
    """Loss and accuracy by epoch: the mean over the k-fold fits, a band between their extremes.

    Of base and head, which the epochs train; where a texture answers beside them, a dotted line is
    of both. `histories` are columns of the fits' histories, each (fits, epochs).
    """
    apart = not np.isnan(histories["train_events_loss"]).all()
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    panels = figure.subplots(1, 2)
    for axes, measure in zip(panels, ("loss", "accuracy"), strict=True):
        for part, title, colour in zip(
            ("train", "val"), ("training", "validation"), COLOURS, strict=True
        ):
            whole = histories[f"{part}_{measure}"]
            lines = histories[f"{part}_events_{measure}"] if apart else whole
            epochs = np.arange(1, lines.shape[1] + 1)
            axes.plot(epochs, lines.mean(0), color=colour, label=title)
            axes.fill_between(epochs, lines.min(0), lines.max(0), color=colour, alpha=0.15)
            if apart:
                label = f"{title}, with texture"
                axes.plot(epochs, whole.mean(0), color=colour, linestyle=":", label=label)
        axes.set(xlabel="epoch", ylabel=measure, ylim=(0, None if measure == "loss" else 1.02))
        axes.legend(fontsize=8)
    of = " of base and head" if apart else ""
    figure.suptitle(f"{name}: learning curves{of}, {len(lines)} folds")
    save_figure(figure, file)


def draw_confusions(
    name: str, categories: Sequence[str], scored: Mapping[str, dict[str, Any]], file: Path
) -> None:
    """A panel a set of answers: what a clip is down, what it was heard as across."""
    figure, panels = panels_for(len(scored))
    for axes, (title, entry) in zip(panels, scored.items(), strict=True):
        matrix = np.array(entry["confusion"])
        share = matrix / np.maximum(matrix.sum(1, keepdims=True), 1)
        axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
        for truth, given in zip(*np.nonzero(matrix), strict=True):
            ink = "white" if share[truth, given] > 0.5 else "black"
            axes.text(given, truth, matrix[truth, given], ha="center", va="center", color=ink)
        places = range(len(categories))
        axes.set_xticks(places, categories, rotation=45, ha="right")
        axes.set_yticks(places, categories)
        axes.set(xlabel="heard as", ylabel="is")
        axes.set_title(f"{title}: {100 * entry['accuracy']['value']:.1f}% of {entry['clips']}")
    figure.suptitle(f"{name}: confusion matrices")
    save_figure(figure, file)


def draw_roc(
    name: str, categories: Sequence[str], scored: Mapping[str, dict[str, Any]], file: Path
) -> None:
    """A panel a set of answers, a line a category: true positives against false ones."""
    figure, panels = panels_for(len(scored))
    colours = matplotlib.colormaps["tab10"]
    for axes, (title, entry) in zip(panels, scored.items(), strict=True):
        axes.plot([0, 1], [0, 1], color="grey", linestyle=":", linewidth=1)
        areas = {each["category"]: each["auc"] for each in entry["per_class"]}
        for curve in entry["roc"]:
            category = curve["category"]
            colour = colours(categories.index(category) % colours.N)
            label = f"{category}, AUC {areas[category]:.3f}"
            axes.plot(curve["fpr"], curve["tpr"], color=colour, label=label)
        axes.set(xlabel="false positive rate", ylabel="true positive rate", title=title)
        axes.set_aspect("equal")
        axes.legend(fontsize=8, loc="lower right")
    figure.suptitle(f"{name}: ROC curves, each category against the rest")
    save_figure(figure, file)
