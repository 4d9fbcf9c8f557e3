"""What a fit remembers: its history, and the checkpoint from which a killed one goes on."""

import io
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import torch
from torch import nn

from auricle.files import csv_text, replace_bytes, replace_text

CHECKPOINT = "checkpoint.pt"


@dataclass(frozen=True)
class Epoch:
    """A row of the history. Losses are in nats; without validation its columns are empty.

    `events_` is said of base and head alone, which the epochs train; empty where they are all
    there is.
    """

    epoch: int
    lr: float
    train_objective: float
    train_loss: float
    train_accuracy: float
    val_loss: float | None = None
    val_accuracy: float | None = None
    train_events_loss: float | None = None
    train_events_accuracy: float | None = None
    val_events_loss: float | None = None
    val_events_accuracy: float | None = None


def write_history(path: Path, history: list[Epoch]) -> None:
    """Rows of epochs as CSV; numbers in full, so that equal files mean equal runs."""
    names = [field.name for field in fields(Epoch)]
    rows = ([getattr(row, name) for name in names] for row in history)
    replace_text(path, csv_text(names, rows))


def save_checkpoint(
    folder: Path,
    network: nn.Module,
    average: nn.Module,
    optimiser: torch.optim.Optimizer,
    history: list[Epoch],
    seconds: float,
) -> None:
    """Keep all that the next epoch depends on."""
    content = io.BytesIO()
    state = {
        "network": network.state_dict(),
        "average": average.state_dict(),
        "optimiser": optimiser.state_dict(),
        "history": [asdict(row) for row in history],
        "seconds": seconds,
    }
    torch.save(state, content)
    replace_bytes(folder / CHECKPOINT, content.getvalue())


def load_checkpoint(
    folder: Path, network: nn.Module, average: nn.Module, optimiser: torch.optim.Optimizer
) -> tuple[list[Epoch], float]:
    """Put back what `save_checkpoint` kept; an empty history if there is nothing kept."""
    path = folder / CHECKPOINT
    if not path.exists():
        return [], 0.0
    state = torch.load(path, weights_only=True, map_location="cpu")
    network.load_state_dict(state["network"])
    average.load_state_dict(state["average"])
    optimiser.load_state_dict(state["optimiser"])
    return [Epoch(**row) for row in state["history"]], state["seconds"]
