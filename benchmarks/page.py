"""The page, as its figures make it, and what each figure must reach."""

from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, StrictUndefined

from benchmarks.timing import LOOK_S, Figures
from benchmarks.training import PHASES

TEMPLATE = Path(__file__).with_name("speed.md.jinja")


@dataclass(frozen=True)
class Bar:
    """What a figure must reach, or aims at."""

    kind: str
    least: float | None = None
    most: float | None = None
    scale: float = 1
    unit: str = ""

    def met(self, value: float) -> bool:
        """Whether a figure is within the bar, its ends included."""
        above = self.least is None or value >= self.least
        return above and (self.most is None or value <= self.most)

    def judge(self, value: float) -> str:
        """`must be at most 1: met`."""
        limits = {"at least": self.least, "at most": self.most}
        said = " and ".join(
            f"{word} {limit * self.scale:g}{self.unit}"
            for word, limit in limits.items()
            if limit is not None
        )
        return f"{self.kind} be {said}: {'met' if self.met(value) else '**not met**'}"


BARS = {
    "views": Bar("must", most=0.1, scale=100, unit="%"),
    "encoder": Bar("must", most=1.0),
    "anonymous_gb": Bar("must", most=1.5, unit=" GB"),
    "flatness": Bar("must", least=0.85, most=1.15),
    "workers": Bar("must", least=1.7),
    "realtime": Bar("must", least=200.0, unit=" x"),
    "mission": Bar("must", most=30.0, unit=" minutes"),
}


def number(value: float) -> str:
    """Three digits, as people write them."""
    digits = 0 if value >= 100 else 1 if value >= 10 else 2 if value >= 1 else 3
    return f"{value:,.{digits}f}"


def share(value: float) -> str:
    """`9.6%`."""
    return f"{100 * value:.1f}%"


def cell(found: Figures) -> str:
    """`1.23 (1.20-1.31)`."""
    return f"{number(found['median'])} ({number(found['low'])}-{number(found['high'])})"


def write_page(results: Figures) -> str:
    """The page, as Markdown."""
    sections = results["sections"]
    encoder = sections.get("encoder", {"rows": []})["rows"]
    ratios = [row[way]["ratio"] for row in encoder for way in ("forward", "forward_backward")]
    environment = Environment(undefined=StrictUndefined, keep_trailing_newline=True)
    environment.filters["share"] = share
    environment.globals |= {
        "number": number,
        "cell": cell,
        "share": share,
        "count": lambda value: f"{value:,}",
        "judge": lambda name, value: BARS[name].judge(value),
    }
    return environment.from_string(TEMPLATE.read_text("utf-8")).render(
        results,
        phases=PHASES,
        look_ms=round(1000 * LOOK_S),
        bars=BARS,
        reached=sum(BARS["encoder"].met(found["median"]) for found in ratios),
        commits=", ".join(dict.fromkeys(found["commit"] for found in sections.values())),
        busy=max((found.get("busy_before", 0.0) for found in sections.values()), default=0.0),
        quick=any(found["quick"] for found in sections.values()),
    )
