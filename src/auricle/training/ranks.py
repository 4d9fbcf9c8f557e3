"""One fit on many devices: `torchrun` starts a process a device, and each takes a share of a batch.

Nothing has to be asked for: processes that torchrun started find each other, and gradients are
averaged by PyTorch's DistributedDataParallel. The first process leads. It keeps history, checkpoint
and weights; the others follow it from fit to fit.
"""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NoReturn

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from auricle.network.classifier import SoundClassifier
from auricle.training.sounds import Array

PATIENCE = timedelta(days=7)
"""Processes wait for the first one as it decodes clips, scores epochs and writes reports."""


def local_ranks() -> int:
    """How many processes of torchrun share this machine."""
    return int(os.environ.get("LOCAL_WORLD_SIZE", "1")) if dist.is_torchelastic_launched() else 1


@dataclass(frozen=True)
class Ranks:
    """The processes of a fit, and which of them this is."""

    rank: int = 0
    world: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process keeps what is found."""
        return self.rank == 0

    def share(self, rows: Array) -> Array:
        """This process's part of a batch; all of one that is too small to be shared out."""
        return rows if len(rows) < self.world else rows[self.rank :: self.world]

    def weight(self, rows: Array) -> float:
        """What a share's mean counts, so that the mean over processes is that of the batch."""
        return 1.0 if len(rows) < self.world else len(self.share(rows)) * self.world / len(rows)

    def place(self) -> tuple[int, ...]:
        """Tells this process's draws from the others'; nothing for the first."""
        return () if self.leads else (self.rank,)

    def classifier(self, network: SoundClassifier) -> Callable[[Tensor], Tensor]:
        """Powers to logits, in a way that averages gradients over all processes."""
        alone = Classify(network)
        if self.world == 1:
            return alone
        # The texture's weights take no part in it: they are solved, not descended to.
        return DistributedDataParallel(alone, find_unused_parameters=True)

    def mean(self, value: float) -> float:
        """A number averaged over all processes."""
        if self.world == 1:
            return value
        total = torch.tensor(value, dtype=torch.float64)
        dist.all_reduce(total)
        return total.item() / self.world

    def leaders(self, thing: Any) -> Any:
        """What the first process has of something, for all."""
        if self.world == 1:
            return thing
        told = [thing]
        dist.broadcast_object_list(told)
        return told[0]


class Classify(nn.Module):
    """`SoundClassifier.classify` as a module of its own, whose calls can be wrapped."""

    def __init__(self, network: SoundClassifier) -> None:
        super().__init__()
        self.network = network

    def forward(self, power: Tensor) -> Tensor:
        """Shapes: (batch, bands, frames) -> (batch, classes)."""
        logits, _ = self.network.classify(power)
        return logits


def find_ranks() -> Ranks:
    """The processes that torchrun started, joined; this one alone without torchrun."""
    if not dist.is_torchelastic_launched():
        return Ranks()
    if not dist.is_initialized():
        if torch.cuda.is_available():
            torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
        backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
        dist.init_process_group(backend, timeout=PATIENCE)
    return Ranks(dist.get_rank(), dist.get_world_size())


def leave_ranks() -> NoReturn:
    """Part from the other processes, and end this one, which has done all that it had to.

    It ends at once: torch's threads may still want the interpreter, and abort the process if they
    find it half taken down.
    """
    dist.destroy_process_group()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
