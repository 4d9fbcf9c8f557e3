"""Figures of the data: folds and their roles, sounds of each class."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from auricle.report.drawing import INK, ON_PALE, bare, canvas
from auricle.report.scores import Dataset
from auricle.report.study_files import Pictures
from auricle.report.wording import category

MOST_PANELS = 20
ROLES = {
    "train": ("#d6e6f2", ""),
    "validate": ("#f6c7a0", "///"),
    "test": ("#7fc7b0", ""),
}


def fold_roles(dataset: Dataset, strategies: Sequence[str], test: bool) -> str:
    """A row a fit, a column a fold: what each fold was to each network."""
    rows = list(fit_roles(dataset, strategies, test))
    folds = dataset.folds
    with canvas("roles", 12 + 5.6 * len(rows)) as drawn:
        axes = drawn.figure.subplots()
        bare(axes)
        for down, (_, roles) in enumerate(rows):
            for across, fold in enumerate(folds):
                role = roles.get(fold)
                if role is None:
                    continue
                colour, hatch = ROLES[role]
                axes.add_patch(
                    Rectangle(
                        (across + 0.02, down + 0.06),
                        0.96,
                        0.88,
                        facecolor=colour,
                        hatch=hatch,
                        edgecolor="#ffffff",
                        linewidth=0,
                    )
                )
                axes.text(
                    across + 0.5,
                    down + 0.52,
                    role,
                    ha="center",
                    va="center",
                    color=ON_PALE,
                    fontsize=6.8,
                    fontweight="normal" if role == "train" else "bold",
                )
        for down, (label, _) in enumerate(rows):
            axes.text(-0.06, down + 0.52, label, ha="right", va="center", fontsize=7)
        for across, fold in enumerate(folds):
            axes.text(across + 0.5, -0.15, f"fold {fold}", ha="center", va="bottom", weight="bold")
        axes.set_xlim(-1.9, len(folds))
        axes.set_ylim(len(rows), -0.7)
    return drawn.svg


def fit_roles(
    dataset: Dataset, strategies: Sequence[str], test: bool
) -> list[tuple[str, dict[int, str]]]:
    """What each fold is to each fit: a label and, by fold, one of `ROLES`."""
    development = dataset.development_folds
    tested = {dataset.test_fold: "test"} if test else {}
    rows: list[tuple[str, dict[int, str]]] = []
    shared = {"holdout"} & {*strategies}
    if {"kfold", "holdout"} & {*strategies}:
        for fold in development if "kfold" in strategies else development[:1]:
            roles = {f: "validate" if f == fold else "train" for f in development}
            first = fold == development[0]
            names = [name for name in ("kfold",) if name in strategies]
            names += ["holdout"] if shared and first else []
            rows.append((f"{' = '.join(names)}, validates on {fold}", roles | tested))
    if "refit" in strategies:
        name = "refit = esc5, 1" if "esc5" in strategies else "refit"
        rows.append((name, dict.fromkeys(development, "train") | tested))
    if "esc5" in strategies:
        for fold in dataset.folds:
            if fold == dataset.test_fold and "refit" in strategies:
                continue
            roles = {f: "test" if f == fold else "train" for f in dataset.folds}
            rows.append((f"esc5, {fold}", roles))
    return rows


def class_pictures(pictures: Pictures) -> str:
    """A clip of each category: its envelope above its spectrum."""
    shown = range(min(len(pictures.categories), MOST_PANELS))
    columns = min(5, len(shown))
    lines = -(-len(shown) // columns)
    loudest = float(np.nanmax(pictures.spectra))
    with canvas("pictures", 10 + 39 * lines) as drawn:
        grid = drawn.figure.add_gridspec(
            2 * lines, columns, height_ratios=[1, 1.9] * lines, hspace=0.04
        )
        for at in shown:
            line, column = divmod(at, columns)
            wave = drawn.figure.add_subplot(grid[2 * line, column])
            spectrum = drawn.figure.add_subplot(grid[2 * line + 1, column])
            _envelope(wave, pictures.waves[at], pictures.seconds)
            wave.set_title(category(pictures.categories[at]))
            _spectrum(spectrum, pictures, at, loudest)
            if column:
                spectrum.set_yticklabels([])
            else:
                spectrum.set_ylabel("kHz")
            if at + columns < len(shown):
                spectrum.set_xticklabels([])
            else:
                spectrum.set_xlabel("s")
    return drawn.svg


def _envelope(axes: Axes, wave: np.ndarray, seconds: float) -> None:
    peak = float(np.abs(wave).max()) or 1.0
    time_s = np.linspace(0, seconds, len(wave))
    axes.fill_between(time_s, wave[:, 0] / peak, wave[:, 1] / peak, color=INK, linewidth=0.2)
    axes.set_xlim(0, seconds)
    axes.set_ylim(-1.05, 1.05)
    bare(axes)


SHOWN_DB = 70
"""From the loudest to the darkest shade of a spectrogram."""


def _spectrum(axes: Axes, pictures: Pictures, at: int, loudest_db: float) -> None:
    axes.imshow(
        pictures.spectra[at],
        origin="lower",
        aspect="auto",
        extent=(0, pictures.seconds, 0, 1),
        cmap="cividis",
        vmin=loudest_db - SHOWN_DB,
        vmax=loudest_db,
        interpolation="none",
    )
    low, high = _mel(pictures.low_hz), _mel(pictures.high_hz)
    ticks_hz = [hz for hz in (500, 2000, 8000) if pictures.low_hz < hz < pictures.high_hz]
    axes.set_yticks(
        [(_mel(hz) - low) / (high - low) for hz in ticks_hz], [f"{hz / 1000:g}" for hz in ticks_hz]
    )


def _mel(frequency_hz: float) -> float:
    return 2595 * float(np.log10(1 + frequency_hz / 700))
