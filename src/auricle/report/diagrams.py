"""Figures of what was done: folds and their roles, sounds of each class, the networks."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Rectangle

from auricle.report.drawing import INK, MUTED, ON_PALE, PALE, RULE, bare, canvas
from auricle.report.study_files import Configuration, Dataset, Layer, Pictures
from auricle.report.wording import category, count

MOST_PANELS = 20
ROLES = {
    "train": ("#d6e6f2", ""),
    "validate": ("#f6c7a0", "////"),
    "test": ("#7fc7b0", "...."),
}
PARTS = {"frontend": "#dfe4ea", "base": "#d6e6f2", "head": "#fbe0cb"}


def fold_roles(dataset: Dataset, strategies: Sequence[str], test: bool) -> str:
    """A row a fit, a column a fold: what each fold was to each network."""
    rows = list(_fit_roles(dataset, strategies, test))
    folds = dataset.folds
    with canvas("folds", 12 + 5.6 * len(rows)) as drawn:
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


def _fit_roles(
    dataset: Dataset, strategies: Sequence[str], test: bool
) -> list[tuple[str, dict[int, str]]]:
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
    with canvas("classes", 10 + 39 * lines) as drawn:
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


def _spectrum(axes: Axes, pictures: Pictures, at: int, loudest_db: float) -> None:
    axes.imshow(
        pictures.spectra[at],
        origin="lower",
        aspect="auto",
        extent=(0, pictures.seconds, 0, 1),
        cmap="cividis",
        vmin=loudest_db - 70,
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


def network(configuration: Configuration) -> str:
    """The layers from top to bottom, with what comes out of each and what it learns."""
    layers = configuration.layers
    with canvas(f"network-{configuration.name}", 14 + 8.6 * (len(layers) + 1)) as drawn:
        axes = drawn.figure.subplots()
        bare(axes)
        axes.set_xlim(0, 100)
        axes.set_ylim(len(layers) + 1, -0.75)
        for x, title, align in (
            (13, "layer", "left"),
            (73, "comes out", "right"),
            (86, "trainable", "right"),
            (99.5, "fixed", "right"),
        ):
            axes.text(x, -0.3, title, ha=align, va="center", color=MUTED, fontsize=7)
        _box(axes, 0, "#ffffff", "wave", "", "samples")
        for down, layer in enumerate(layers, start=1):
            _layer(axes, down, layer)
        _brackets(axes, layers)
    return drawn.svg


def _layer(axes: Axes, down: int, layer: Layer) -> None:
    detail = ", ".join(part for part in (layer.kind, layer.detail) if part)
    shape = " × ".join(str(size) for size in layer.shape)
    _box(axes, down, PARTS.get(layer.part, PALE), layer.layer, detail, shape)
    for x, number in ((86, layer.trainable), (99.5, layer.fixed)):
        axes.text(x, down, count(number) if number else "–", ha="right", va="center")
    axes.add_patch(
        FancyArrowPatch(
            (40, down - 0.68), (40, down - 0.32), arrowstyle="-|>", mutation_scale=5, color=MUTED
        )
    )


def _box(axes: Axes, down: int, colour: str, name: str, detail: str, shape: str) -> None:
    axes.add_patch(
        FancyBboxPatch(
            (12, down - 0.32),
            62,
            0.64,
            boxstyle="round,pad=0,rounding_size=0.6",
            mutation_aspect=0.12,
            facecolor=colour,
            edgecolor=MUTED,
            linewidth=0.5,
        )
    )
    axes.text(13, down, name, va="center", fontweight="bold", fontsize=7, color=ON_PALE)
    axes.text(35, down, detail, va="center", fontsize=6.6, color=ON_PALE)
    axes.text(73, down, shape, ha="right", va="center", fontsize=7, color=ON_PALE)


def _brackets(axes: Axes, layers: Sequence[Layer]) -> None:
    parts = [layer.part for layer in layers]
    for part in dict.fromkeys(parts):
        first = parts.index(part) + 1
        last = len(parts) - parts[::-1].index(part)
        axes.plot([9, 9], [first - 0.32, last + 0.32], color=INK, linewidth=1)
        axes.text(
            7.5,
            (first + last) / 2,
            part,
            rotation=90,
            ha="right",
            va="center",
            fontweight="bold",
        )


__all__ = ["RULE", "class_pictures", "fold_roles", "network"]
