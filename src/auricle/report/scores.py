"""`scores.json` as records: what was scored, of which network, on which clips.

They are filled and checked by pydantic; a key that is not named here is passed over.
"""

import math
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import BeforeValidator


def _defined(value: Any) -> Any:
    """JSON's NaN stands for a score that is not defined, such as the AUC of a class never met."""
    return None if isinstance(value, float) and math.isnan(value) else value


def _bounded(value: Any) -> Any:
    return {"value": value} if isinstance(value, int | float) else value


Figure = Annotated[float | None, BeforeValidator(_defined)]


@dataclass(frozen=True)
class Bounded:
    """A score with the ends of its 95% interval, and of its range over seeds, where it has them."""

    value: float
    low: Figure = None
    high: Figure = None
    range: tuple[float, float] | None = None


Score = Annotated[Bounded, BeforeValidator(_bounded)]


@dataclass(frozen=True)
class ClassScores:
    """How one category fared against all others."""

    category: str
    precision: Figure
    recall: Figure
    f1: Figure
    auc: Figure
    support: int


@dataclass(frozen=True)
class RocCurve:
    """Corners of one category's curve."""

    category: str
    fpr: tuple[float, ...]
    tpr: tuple[float, ...]


@dataclass(frozen=True)
class ScoreRow:
    """One set of predictions, scored. Means of scores have neither classes nor a confusion."""

    strategy: str
    seed: str
    member: str
    on: str
    declared: str
    clips: int
    accuracy: Score
    f1_macro: Score
    f1_weighted: Score
    auc_macro: Figure = None
    log_loss: Figure = None
    per_class: tuple[ClassScores, ...] = ()
    confusion: tuple[tuple[int, ...], ...] = ()
    roc: tuple[RocCurve, ...] = ()


@dataclass(frozen=True)
class Parameters:
    """Numbers that training moves, and numbers that it leaves alone."""

    trainable: int
    fixed: int


@dataclass(frozen=True)
class Layer:
    """One step of the network; `shape` is what comes out of it, without the batch."""

    part: str
    layer: str
    kind: str
    detail: str
    shape: tuple[int, ...]
    trainable: int
    fixed: int


@dataclass(frozen=True)
class Configuration:
    """A network, its size and its scores."""

    name: str
    architecture: str
    heads: int
    blocks: int
    parameters: dict[str, Parameters]
    layers: tuple[Layer, ...]
    scores: tuple[ScoreRow, ...]

    def rows(self, strategy: str, on: str | None = None) -> list[ScoreRow]:
        """The scores of a strategy, in the order of the file."""
        return [row for row in self.scores if row.strategy == strategy and on in (None, row.on)]

    def row(self, strategy: str, member: str, on: str, seed: str = "0") -> ScoreRow | None:
        """The one score that all four name, if the study has it."""
        found = (row for row in self.rows(strategy, on) if (row.member, row.seed) == (member, seed))
        return next(found, None)

    def quoted(self, strategy: str, member: str, on: str) -> ScoreRow | None:
        """The score to state: of the seeds' mean where there are several, else of the first."""
        mean = self.row(strategy, member, on, "mean")
        return mean or self.row(strategy, member, on)


@dataclass(frozen=True)
class Committee:
    """Configurations whose networks answer together; `parameters` are those of one seed of each."""

    name: str
    of: tuple[str, ...]
    parameters: dict[str, Parameters]
    scores: tuple[ScoreRow, ...]


@dataclass(frozen=True)
class Dataset:
    """What was classified, and how its folds were used."""

    name: str
    categories: tuple[str, ...]
    clips: int
    recordings: int
    folds: tuple[int, ...]
    test_fold: int
    development_folds: tuple[int, ...]
    skipped: int
    ignored: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class McNemar:
    """Clips that only one of two configurations got right."""

    first_only: int
    second_only: int
    p: float


@dataclass(frozen=True)
class Pair:
    """Two configurations on the same out-of-fold clips: accuracy of the first less the second's."""

    first: str
    second: str
    difference: float
    low: float
    high: float
    p_permutation: float
    p_holm: float
    mcnemar: McNemar
    verdict: str


@dataclass(frozen=True)
class Best:
    """Names the study gives its winners; a study of one architecture has no best of the other."""

    out_of_fold: str | None = None
    best_transformer: str | None = None


@dataclass(frozen=True)
class Scores:
    """`scores.json`."""

    format: int
    dataset: Dataset
    test_readings: int
    configurations: tuple[Configuration, ...]
    committees: tuple[Committee, ...] = ()
    esc5: dict[str, dict[str, Bounded]] = field(default_factory=dict)
    comparisons: tuple[Pair, ...] = ()
    best: Best = field(default_factory=Best)
