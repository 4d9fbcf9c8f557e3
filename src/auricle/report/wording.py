"""Numbers and lists as the report writes them, the same everywhere."""

from collections.abc import Sequence

from auricle.evaluation.intervals import Interval
from auricle.report.document import code
from auricle.report.scores import Bounded

NOTHING = "–"
SEALED = "Each time that the test fold was opened for this is a row of [@readings]."


def percent(share: float | None) -> str:
    """0.928 -> 92.8 (the column or the sentence says that it is percent)."""
    return NOTHING if share is None else f"{round(100 * share, 6):.1f}"  # ties however they came


def points(share: float) -> str:
    """0.012 -> +1.2, for differences between percentages."""
    return f"{round(100 * share, 6):+z.1f}".replace("-", "−")


def signed(difference: float) -> str:
    """-0.0123 -> −0.012, for differences between losses."""
    return f"{round(difference, 6):+z.3f}".replace("-", "−")


def decimals(value: float | None) -> str:
    """0.9912 -> 0.991, for F1, AUC and losses."""
    return NOTHING if value is None else f"{value:.3f}"


def with_interval(score: Bounded | Interval) -> str:
    """92.8 [90.1, 95.0]; without an interval the score alone."""
    return " ".join(part for part in (percent(score.value), interval(score)) if part)


def interval(score: Bounded | Interval) -> str:
    """[90.1, 95.0], or nothing."""
    if score.low is None or score.high is None:
        return ""
    return f"[{percent(score.low)},\u00a0{percent(score.high)}]"


def change(difference: Interval) -> str:
    """+1.2 [-0.3, +2.7]: a difference between percentages, in points, with its interval."""
    ends = f"[{points(difference.low)},\u00a0{points(difference.high)}]"
    return f"{points(difference.value)} {ends}"


def log_losses(difference: Interval | None) -> str:
    """-0.012 [-0.030, +0.005], for differences between log losses."""
    if difference is None:
        return NOTHING
    ends = f"[{signed(difference.low)},\u00a0{signed(difference.high)}]"
    return f"{signed(difference.value)} {ends}"


def allowed_loss(difference: Interval) -> str:
    """The loss, in points and without a sign, that an interval does not rule out."""
    return percent(max(0.0, -difference.low))


def probability(p: float) -> str:
    """A p-value to three decimals."""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def equals(p: float) -> str:
    """The p-value in a sentence: "p = 0.041"."""
    return f"p {probability(p)}" if p < 0.001 else f"p = {probability(p)}"


def count(number: float) -> str:
    """1083456 -> 1,083,456."""
    return f"{number:,.0f}"


def plural(number: int, one: str, many: str = "") -> str:
    """1 clip, 2 clips."""
    return f"{count(number)} {one if number == 1 else many or one + 's'}"


def minutes(seconds: float | None) -> str:
    """Training time, in minutes with one decimal."""
    return NOTHING if seconds is None else f"{seconds / 60:.1f}"


def duration(seconds: float) -> str:
    """How long something took, in the unit that suits it."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def listed(words: Sequence[str]) -> str:
    """a, b and c."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 2 else words)


def category(name: str) -> str:
    """sea_waves -> sea waves."""
    return name.replace("_", " ")


def configurations(names: Sequence[str]) -> str:
    """Configurations by the names that stand in the files."""
    return listed([code(name) for name in names])


def figures(names: Sequence[str]) -> str:
    """References to drawings: [@a] to [@z]."""
    ends = dict.fromkeys((names[0], names[-1]))
    return (" and " if len(names) == 2 else " to ").join(f"[@{name}]" for name in ends)


def worded(number: int) -> str:
    """Small numbers in words."""
    words = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
    return words[number] if 0 <= number < len(words) else count(number)


def ordinal(number: int) -> str:
    """Small numbers as places: 2 -> second."""
    words = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth")
    return words[number - 1] if number <= len(words) else f"{count(number)}th"
