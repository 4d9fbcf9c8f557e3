"""Figures of the networks: each layer by layer, and the architectures side by side."""

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import fill
from typing import Any

from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from auricle.report.drawing import INK, MUTED, ON_PALE, bare, canvas
from auricle.report.scores import Configuration, Layer
from auricle.report.wording import count

STATISTICS = "texture.statistics"
"""The layer of a texture that describes a wave."""
TITLES = {"frontend": "front-end", "base": "base", "head": "head", "texture": "texture"}
ROW_MM = 5.9
PAGE_HIGH_MM = 232.0
"""As much of a printed page as is left to a figure by its caption; rows get narrower for it."""
PARTS = {"frontend": "#dfe4ea", "base": "#d6e6f2", "head": "#fbe0cb", "texture": "#dcead6"}


@dataclass(frozen=True)
class Box:
    """Layers that belong together, as one row of a diagram."""

    part: str
    name: str
    kinds: str
    shape: str
    trainable: int
    fixed: int


def boxes(layers: Sequence[Layer]) -> list[Box]:
    """Layers of one sequence (a convolution and its normalisation, a perceptron) put together."""
    groups: list[list[Layer]] = []
    for layer in layers:
        stem, _, last = layer.layer.rpartition(".")
        before = groups[-1][-1] if groups else None
        if (
            before
            and last.isdigit()
            and before.layer.startswith(f"{stem}.")
            and (before.shape == layer.shape or layer.kind == "Linear")
        ):
            groups[-1].append(layer)
        else:
            groups.append([layer])
    names = _names([group[0].layer for group in groups])
    return [
        Box(
            group[0].part,
            name,
            ", ".join(_kind(layer) for layer in group),
            " × ".join(str(size) for size in group[-1].shape),
            sum(layer.trainable for layer in group),
            sum(layer.fixed for layer in group),
        )
        for name, group in zip(names, groups, strict=True)
    ]


def _kind(layer: Layer) -> str:
    if layer.kind == "Linear":
        return f"Linear to {layer.shape[-1]}"
    return f"{layer.kind} ({layer.detail})" if layer.detail else layer.kind


def _names(paths: Sequence[str]) -> list[str]:
    """`base.along_time.2.first.0` -> "along time 2 first": inner numbers count from one."""
    seen: dict[str, list[str]] = {}
    names = []
    for path in paths:
        pieces = path.split(".")
        words = []
        for at, piece in enumerate(pieces[1:], start=1):
            if piece.isdigit():
                if at + 1 < len(pieces) and not pieces[at + 1].isdigit():
                    met = seen.setdefault(".".join(pieces[:at]), [])
                    met += [piece] if piece not in met else []
                    words.append(str(met.index(piece) + 1))
            elif piece != "layers":
                counted = at + 1 < len(pieces) and pieces[at + 1].isdigit()
                words.append((piece.rstrip("s") if counted else piece).replace("_", " "))
        names.append(" ".join(words) or pieces[0])
    return names


def network(configuration: Configuration, samples: str) -> str:
    """The layers from top to bottom, with what comes out of each and what it learns."""
    drawn_boxes = boxes(configuration.layers)
    rows = len(drawn_boxes) + 2.1
    height_mm = min(ROW_MM * rows, PAGE_HIGH_MM)
    with canvas(f"network-{configuration.name}", height_mm) as drawn:
        axes = drawn.figure.subplots()
        bare(axes)
        axes.set_xlim(0, 100)
        axes.set_ylim(len(drawn_boxes) + 1.5, -0.9)
        for x, title in ((79.2, "shape that leaves"), (90, "trainable"), (100, "fixed")):
            axes.text(x, -0.62, title, ha="right", va="center", color=MUTED, fontsize=6.8)
        wave = Box("", "wave", "", samples, 0, 0)
        parts = [box.part for box in drawn_boxes]
        beside = 1 + parts.index("texture") if "texture" in parts else 0
        for down, box in enumerate([wave, *drawn_boxes]):
            _box(axes, down, box)
            if down and down != beside:
                _arrow(axes, (42, down - 0.66), (42, down - 0.34))
        if beside:  # it hears the wave, too, and the head's answer waits for its own
            _way_round(axes, 80, 81.4, (0, beside))
            _way_round(axes, 5, 4.2, (beside - 1, len(drawn_boxes)))
        total = configuration.parameters["total"]
        for x, number in ((90, total.trainable), (100, total.fixed)):
            axes.text(
                x,
                len(drawn_boxes) + 1,
                count(number),
                ha="right",
                va="center",
                size=6.6,
                weight="bold",
            )
        axes.text(79.2, len(drawn_boxes) + 1, "all", ha="right", va="center", fontweight="bold")
        _brackets(axes, parts)
    return drawn.svg


def _box(axes: Axes, down: int, box: Box) -> None:
    axes.add_patch(
        FancyBboxPatch(
            (5, down - 0.34),
            75,
            0.68,
            boxstyle="round,pad=0,rounding_size=0.6",
            mutation_aspect=0.25,
            facecolor=PARTS.get(box.part, "#ffffff"),
            edgecolor=MUTED,
            linewidth=0.5,
        )
    )
    said: dict[str, Any] = {"va": "center_baseline", "color": ON_PALE}
    axes.text(6, down, box.name, fontweight="bold", fontsize=6.6, **said)
    axes.text(37.5, down, box.kinds, fontsize=6.2, **said)
    axes.text(79.2, down, box.shape, ha="right", fontsize=6.8, **said)
    if box.part:
        for x, number in ((90, box.trainable), (100, box.fixed)):
            axes.text(x, down, count(number) if number else "–", ha="right", va="center_baseline")


def _arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    axes.add_patch(
        FancyArrowPatch(
            start, end, arrowstyle="-|>", mutation_scale=5, color=MUTED, shrinkA=0, shrinkB=0
        )
    )


def _way_round(axes: Axes, edge: float, beside: float, rows: tuple[float, float]) -> None:
    """From the edge of one box to that of a lower one, past those between them."""
    above, below = rows
    axes.plot([edge, beside, beside], [above, above, below], color=MUTED, linewidth=0.8)
    _arrow(axes, (beside, below), (edge, below))


def _brackets(axes: Axes, parts: Sequence[str]) -> None:
    for part in dict.fromkeys(part for part in parts if part in TITLES):
        first = parts.index(part) + 1
        last = len(parts) - parts[::-1].index(part)
        axes.plot([3.4, 3.4], [first - 0.34, last + 0.34], color=INK, linewidth=1)
        axes.text(
            2.6,
            (first + last) / 2,
            TITLES[part],
            rotation=90,
            ha="right",
            va="center",
            fontweight="bold",
        )


def overview(groups: Sequence[Sequence[Configuration]]) -> str:
    """One trunk, a head for each group of configurations, and the texture beside them."""
    first = groups[0][0]
    textured = "texture" in first.parameters
    rows = len(groups) + textured
    with canvas("overview", 6 + 24 * rows) as drawn:
        axes = drawn.figure.subplots()
        bare(axes)
        axes.set_xlim(0, 100)
        middle = (len(groups) - 1) / 2
        axes.set_ylim(rows - 0.5, -0.5)
        axes.text(0, middle, "wave", va="center", fontweight="bold")
        _arrow(axes, (5.5, middle), (9.5, middle))
        for x, part in ((10, "frontend"), (37, "base")):
            _part(axes, (x, middle), 22, TITLES[part], _told(first, part), PARTS[part])
        _arrow(axes, (32.3, middle), (36.6, middle))
        width = 32 if textured else 35
        for down, group in enumerate(groups):
            each = group[0]
            kind = "transformer encoder" if each.blocks else "fully-connected head"
            names = fill(", ".join(one.name for one in group), 40)
            _arrow(axes, (59.3, middle), (64.6, down))
            told = f"{_told(each, 'head')}\n{names}"
            _part(axes, (65, down), width, kind, told, PARTS["head"])
        if textured:
            below = len(groups)
            axes.plot([2.5, 2.5, 9], [middle + 0.12, below, below], color=MUTED, linewidth=0.8)
            _arrow(axes, (9, below), (9.5, below))
            _part(axes, (10, below), 49, TITLES["texture"], _heard(first), PARTS["texture"])
            _arrow(axes, (59.3, below), (64.6, below))
            told = "log-probabilities of either head\nand of the texture, averaged"
            _part(axes, (65, below), width, "answer", told, "#ffffff")
            axes.plot([99, 99], [0, below], color=MUTED, linewidth=0.8)
            for down in range(len(groups)):
                axes.plot([65 + width, 99], [down, down], color=MUTED, linewidth=0.8)
            _arrow(axes, (99, below), (65.3 + width, below))
    return drawn.svg


def _heard(configuration: Configuration) -> str:
    """What the texture is, and its parameters."""
    found = next(layer for layer in configuration.layers if layer.layer == STATISTICS)
    told = _told(configuration, "texture")
    return f"{found.shape[0]} statistics of the wave: {found.kind}\n{told}"


def _told(configuration: Configuration, part: str) -> str:
    """What leaves a part, and its parameters."""
    last = [layer for layer in configuration.layers if layer.part == part][-1]
    size = configuration.parameters[part]
    shape = " × ".join(str(number) for number in last.shape)
    logits = " logits" if part in ("head", "texture") else ""
    told = f"gives {shape}{logits}\n{count(size.trainable)} trainable"
    return f"{told}\n{count(size.fixed)} fixed" if size.fixed else told


def _part(
    axes: Axes, at: tuple[float, float], width: float, title: str, told: str, colour: str
) -> None:
    left, middle = at
    axes.add_patch(
        FancyBboxPatch(
            (left, middle - 0.4),
            width,
            0.8,
            boxstyle="round,pad=0,rounding_size=0.8",
            mutation_aspect=0.05,
            facecolor=colour,
            edgecolor=MUTED,
            linewidth=0.6,
        )
    )
    centre = left + width / 2
    axes.text(
        centre, middle - 0.25, title, ha="center", va="center", fontweight="bold", color=ON_PALE
    )
    axes.text(
        centre,
        middle + 0.1,
        told,
        ha="center",
        va="center",
        fontsize=6.5,
        color=ON_PALE,
        linespacing=1.45,
    )
