"""Does an export answer as the network that it was made of? The certificate, `parity.json`.

Conventions: `targets` (clips,) category indices. Every row is held against the first, which is the
trained network itself.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import numpy as np

from auricle.evaluation.metrics import Array

FORMAT = 1
REFERENCE = "pytorch"

LARGEST_DIFFERENCE = 1e-4
"""By how much a probability may differ where the arithmetic is float32 too."""

LEAST_STRANGENESS = 1e-6
"""Below it there is none, as to a network that remembers no clip."""

LOST_OF = 40
"""Of so many clips one may be lost to int8: two of eighty."""

Bar = Literal["largest_difference", "lost"]
BARS: dict[str, Bar] = {
    "onnx": "largest_difference",
    "int8": "lost",
    "browser": "largest_difference",
}
"""What a row is judged by; one that is not here is told and not judged."""


@dataclass(frozen=True)
class Answers:
    """What one way to answer says of clips.

    `probabilities` (clips, classes); `strangeness` (clips,), not a number where it tells none;
    `known` (clips,), whether the model's limits let a clip pass for one of its categories.
    """

    probabilities: Array
    strangeness: Array
    known: Array


@dataclass(frozen=True, kw_only=True)
class Row:
    """One way to answer.

    `largest_difference` is that of any probability from the reference's, `agreement` the share of
    clips with the reference's answer, `lost` how many it answers right and this one wrong, `gained`
    the reverse. `ms_a_clip` is the median, from samples to probabilities, on one thread. `bound` is
    the most that is allowed of what `BARS` names, and `holds` whether it is kept.
    `strangeness_difference` is the largest share by which any strangeness differs, if both tell
    one, `unknown_otherwise` how many clips one of the two calls unknown and the other not.
    """

    name: str
    accuracy: float
    largest_difference: float
    agreement: float
    lost: int
    gained: int
    ms_a_clip: float
    bytes: int
    bound: float | None
    holds: bool | None
    strangeness_difference: float | None = None
    unknown_otherwise: int | None = None


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """`parity.json`: which model, on which clips, by what, and how each way to answer fared.

    `learnt` of the `clips` trained the network: its accuracy on these says nothing of others.
    `left_out` says why rows are missing, and `sha256` names the files that were tried.
    """

    format: int
    model: str
    data: str
    on: Literal["test", "development"]
    clips: int
    learnt: int
    rows: tuple[Row, ...]
    left_out: tuple[str, ...]
    sha256: dict[str, str]
    versions: dict[str, str]

    @property
    def holds(self) -> bool:
        """Whether every row that is judged keeps its bound."""
        return all(row.holds is not False for row in self.rows)


def compare(
    name: str,
    targets: Array,
    reference: Answers,
    found: Answers,
    *,
    ms_a_clip: float,
    size: int,
) -> Row:
    """Hold one way to answer against the reference."""
    theirs, probabilities = reference.probabilities, found.probabilities
    right, ours = probabilities.argmax(1) == targets, theirs.argmax(1) == targets
    row = {
        "largest_difference": float(np.abs(probabilities - theirs).max()),
        "lost": int((ours & ~right).sum()),
    }
    bar = BARS.get(name)
    bound = None if bar is None else bound_of(bar, len(targets))
    apart = np.abs(found.strangeness - reference.strangeness)
    apart = float((apart / np.maximum(reference.strangeness, LEAST_STRANGENESS)).max())
    return Row(
        name=name,
        accuracy=float(right.mean()),
        agreement=float((probabilities.argmax(1) == theirs.argmax(1)).mean()),
        largest_difference=row["largest_difference"],
        lost=int(row["lost"]),
        gained=int((right & ~ours).sum()),
        ms_a_clip=ms_a_clip,
        bytes=size,
        bound=bound,
        holds=None if bar is None or bound is None else bool(row[bar] <= bound),
        strangeness_difference=None if math.isnan(apart) else apart,
        unknown_otherwise=int((found.known != reference.known).sum()),
    )


def bound_of(bar: Bar, clips: int) -> float:
    """The most that is allowed on so many clips."""
    return LARGEST_DIFFERENCE if bar == "largest_difference" else max(1, clips // LOST_OF)


def verdicts(rows: Sequence[Row], called: Mapping[str, str] = MappingProxyType({})) -> list[str]:
    """A sentence for each row that is judged; `called` has other names for rows."""

    def verdict(row: Row) -> str:
        if BARS[row.name] == "largest_difference":
            found = f"its probabilities differ by {in_full(row.largest_difference)} at most"
            allowed = f"{in_full(row.bound or 0)} is allowed"
        else:
            reference = called.get(REFERENCE, REFERENCE)
            found = f"of the clips that {reference} gets right it loses {row.lost}"
            allowed = f"{row.bound:.0f} may be lost"
        agrees = "agrees" if row.holds else "DOES NOT AGREE"
        return f"{called.get(row.name, row.name)} {agrees}: {found}; {allowed}."

    return [verdict(row) for row in rows if row.holds is not None]


def unknown_alike(
    rows: Sequence[Row], called: Mapping[str, str] = MappingProxyType({})
) -> list[str]:
    """A sentence for each row but the reference, on what it calls unknown and how strange."""
    reference = called.get(REFERENCE, REFERENCE)
    found = []
    for row in rows:
        if row.name == REFERENCE or row.unknown_otherwise is None:
            continue
        apart = row.strangeness_difference
        strange = "" if apart is None else f", strangeness by {in_full(100 * apart)}% at most"
        found.append(
            f"{called.get(row.name, row.name)} differs from {reference} in whether a clip is "
            f"unknown for {row.unknown_otherwise}{strange}."
        )
    return found


def in_full(value: float) -> str:
    """A small number to two digits that count, without an exponent: 0.0000011."""
    return np.format_float_positional(value, precision=2, fractional=False, trim="-")
