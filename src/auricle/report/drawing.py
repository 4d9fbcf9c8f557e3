"""How every figure looks: one style, vector output, the same bytes for the same numbers.

Colours are those of Okabe and Ito, which colour-blind readers can tell apart; line styles and
markers differ as well, for print without colour. Each ink is a fixed hex value, so that the page
can exchange it for another in the dark.
"""

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

PAGE_MM = 166.0  # width of the text on the printed page

INK, MUTED, RULE, PAPER = "#1c2127", "#5a6572", "#d3d8de", "#fefefe"
ON_PALE = "#1c2126"  # text on a cell that stays pale on a dark page
SERIES = ("#0072b2", "#d55e00", "#009e73", "#b8578f", "#8a6d00", "#3a8fc4")
MARKERS = ("o", "s", "^", "D", "v", "P")
DASHES: tuple[object, ...] = ("-", (0, (5, 1.5)), (0, (1.2, 1.2)), (0, (6, 1.5, 1.2, 1.5)))

STYLE: dict[Any, Any] = {
    "font.family": ["DejaVu Sans"],
    "font.size": 7.5,
    "axes.titlesize": 7.5,
    "axes.titleweight": "bold",
    "axes.labelsize": 7.5,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7,
    "legend.frameon": False,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.edgecolor": MUTED,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": False,
    "grid.color": RULE,
    "grid.linewidth": 0.5,
    "axes.axisbelow": True,
    "lines.linewidth": 1.3,
    "hatch.linewidth": 0.5,
    "figure.constrained_layout.h_pad": 0.02,
    "figure.constrained_layout.w_pad": 0.03,
    "svg.fonttype": "none",
}


class Canvas:
    """A figure being drawn; `svg` is there once it is left."""

    def __init__(self, figure: Figure) -> None:
        self.figure = figure
        self.svg = ""


@contextmanager
def canvas(name: str, height_mm: float, width_mm: float = PAGE_MM) -> Iterator[Canvas]:
    """An empty figure in the common style, turned into SVG at the end of the block."""
    with rc_context(STYLE | {"svg.hashsalt": name}):
        drawn = Canvas(Figure(figsize=(width_mm / 25.4, height_mm / 25.4), layout="constrained"))
        yield drawn
        file = io.StringIO()
        nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        drawn.figure.savefig(file, format="svg", transparent=True, metadata=nothing)
        drawn.svg = _tidy(file.getvalue(), name)


def _tidy(svg: str, name: str) -> str:
    """Only the drawing: no prologue, no comment, and no id that two figures could share."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<!--.*?-->\s*|<metadata>.*?</metadata>\s*", "", svg, flags=re.DOTALL)
    referred = set(re.findall(r'(?:url\(|href=")#([^")]+)', svg))
    svg = re.sub(r' id="([^"]+)"', lambda m: m.group(0) if m.group(1) in referred else "", svg)
    svg = re.sub(r'( id="|url\(#|href="#)', rf"\1{name}-", svg)
    return re.sub(r"\n\s*\n+", "\n", svg).strip()


def bare(axes: Axes) -> None:
    """A panel to put shapes on, without any axis."""
    axes.set_axis_off()


def light_grid(axes: Axes, axis: str = "both") -> None:
    """Faint lines to read values by."""
    axes.grid(visible=True, axis=axis)  # type: ignore[arg-type]
