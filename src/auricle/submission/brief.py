"""What the brief asks for: its numbers, and one demand of it with what was found."""

from dataclasses import dataclass

EPOCHS = 100
FOLDS = 4
HEADS = (1, 2, 4)


@dataclass(frozen=True)
class Item:
    """One demand of the brief: whether it holds, and what was found."""

    name: str
    holds: bool
    told: str
