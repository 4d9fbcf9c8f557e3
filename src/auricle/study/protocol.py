"""Who learns, who checks and who waits: the folds of every fit.

    fold 1 ........ test: sealed, opened only where testing is asked for
    folds 2 to n .. development: each validates in turn (`kfold`), all teach (`refit`)

Folds are taken whole, and no recording stands in two of them, so none stands on two sides of a fit.
"""

from dataclasses import dataclass
from typing import Literal

from auricle.errors import DataError

FitStrategy = Literal["kfold", "refit", "esc5"]


@dataclass(frozen=True)
class Roles:
    """The test fold, and the folds on which everything is chosen."""

    test: int
    development: tuple[int, ...]


@dataclass(frozen=True)
class Split:
    """The folds of one fit. `scored` is the fold it may be tested on."""

    strategy: FitStrategy
    member: str
    training: tuple[int, ...]
    validation: int | None
    scored: int

    def __post_init__(self) -> None:
        """Hold the one rule that everything rests on."""
        assert {self.validation, self.scored}.isdisjoint(self.training)


def roles_of(folds: tuple[int, ...]) -> Roles:
    """The first fold is the test fold, the rest are development.

    Raises: DataError with fewer than three folds: one to test, one to validate, one to learn from.
    """
    if len(folds) < 3:
        needed = "three are needed, to learn, to validate and to test"
        mend = "give parts of what is learnt from numbers of their own, 1 being the test's"
        raise DataError(f"folds {list(folds)}: {needed}; {mend}")
    return Roles(folds[0], folds[1:])


def splits(strategies: tuple[str, ...], folds: tuple[int, ...]) -> list[Split]:
    """The fits that some strategies need, each once.

    `holdout` is the member of `kfold` that validates on the first development fold, and the first
    of `esc5` is `refit`.
    """
    roles = roles_of(folds)
    found: list[Split] = []
    for fold in roles.development:
        if "kfold" in strategies or ("holdout" in strategies and fold == roles.development[0]):
            others = tuple(other for other in roles.development if other != fold)
            found.append(Split("kfold", f"fold-{fold}", others, fold, roles.test))
    if {"refit", "esc5"} & set(strategies):
        found.append(Split("refit", "all", roles.development, None, roles.test))
    if "esc5" in strategies:
        for fold in roles.development:
            others = tuple(other for other in folds if other != fold)
            found.append(Split("esc5", f"fold-{fold}", others, None, fold))
    return found
