"""One fit: a new network, trained from its first weights to its last epoch.

The loop is plain PyTorch. Whatever is drawn at random comes from generators derived from (seed,
epoch, step), so a fit that was killed goes on from its last whole epoch and ends, on the same
processor with the same torch and thread count, with the very bits of one that was not.
"""

import copy
import math
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Generator, nn
from torch.nn import functional as F

from auricle.errors import AuricleError
from auricle.network.classifier import NetworkConfig, SoundClassifier
from auricle.training.augment import AugmentConfig
from auricle.training.history import Epoch, load_checkpoint, save_checkpoint, write_history
from auricle.training.ranks import find_ranks
from auricle.training.sounds import Array, Examples, Sounds, scoring_batches

DROPOUT = 1
"""Apart from the seed of a step's views, (seed, epoch, step), stands that of its dropout."""


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """How a network is trained. An epoch draws `views` augmented views of every training clip."""

    epochs: int = 100
    views: int = 2
    batch: int = 32
    learning_rate: float = 3e-3
    weight_decay: float = 0.1
    warm_up: float = 0.1
    gradient_norm: float = 2.0
    averaging: float = 0.02
    precision: Literal["auto", "float32", "bf16"] = "auto"

    def __post_init__(self) -> None:
        """Refuse a training that cannot run."""
        if min(self.epochs, self.views, self.batch) < 1:
            raise ValueError("epochs, views and batch must be positive")
        if not 0 < self.learning_rate < math.inf or self.weight_decay < 0:
            raise ValueError("learning_rate must be positive and finite, weight_decay 0 or more")
        if not 0 < self.gradient_norm < math.inf:
            raise ValueError("gradient_norm must be positive and finite")
        if not (0 < self.warm_up < 1 and 0 < self.averaging < 1):
            raise ValueError("warm_up and averaging are shares of the steps, between 0 and 1")


@dataclass(frozen=True)
class Fit:
    """What a fit gives: averaged weights of the last epoch, the history, the seconds it took."""

    network: SoundClassifier
    history: tuple[Epoch, ...]
    seconds: float


def fit(
    network: SoundClassifier,
    training: Examples,
    validation: Examples | None,
    *,
    classes: int,
    config: TrainingConfig,
    augment: AugmentConfig,
    seed: int,
    folder: Path,
    device: torch.device,
    each_epoch: Callable[[Epoch], None] = lambda epoch: None,
) -> Fit:
    """Train a network, from its checkpoint in `folder` if there is one.

    Base and head learn from views, epoch by epoch; the texture is solved before the first one, and
    no gradient of theirs passes through it.

    `history.csv` grows in the folder as epochs end; `each_epoch` is told of every row, including
    those that a resumed fit finds finished. Of several processes (`ranks`) the first does so.
    """
    ranks = find_ranks()
    precision = choose_precision(config.precision, device)
    network = network.to(device)
    heard = Sounds(network, training, device, folder / "training-powers.npy")
    checked = validation and Sounds(network, validation, device, folder / "validation-powers.npy")
    if network.texture is not None:
        heard.solve(network.texture, augment, generator_for(seed))
    average = copy.deepcopy(network)
    optimiser = optimiser_for(network, config)
    steps_an_epoch = math.ceil(len(training) * config.views / config.batch)
    steps = steps_an_epoch * config.epochs
    forget = 1 / max(1.0, config.averaging * steps)
    history, seconds = load_checkpoint(folder, network, average, optimiser)
    for row in history:
        each_epoch(row)
    begun, state = ranks.leaders((len(history), optimiser.state_dict()))
    if not ranks.leads:
        optimiser.load_state_dict(state)
    classify = ranks.classifier(network)

    for epoch in range(begun, config.epochs):
        started = time.perf_counter()
        network.train()
        objective = 0.0
        mixing = relaxed_mixing(epoch, config.epochs, augment)
        for at, batch in enumerate(shuffled(len(training), config, generator_for(seed, epoch))):
            rows = ranks.share(batch)
            step = epoch * steps_an_epoch + at
            for group in optimiser.param_groups:
                group["lr"] = config.learning_rate * one_cycle(step, steps, config.warm_up)
            dropout = seed_for(seed, epoch, at, DROPOUT, *ranks.place())
            with autocast(device, precision), seeded(dropout, device):
                power, wanted = heard.views(
                    network,
                    rows,
                    classes=classes,
                    mixing=mixing,
                    config=augment,
                    generator=generator_for(seed, epoch, at, *ranks.place()),
                )
                logits = classify(power)
            loss = F.cross_entropy(logits, wanted) * ranks.weight(batch)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(network.parameters(), config.gradient_norm)
            optimiser.step()
            average_into(average, network, max(forget, 1 / (step + 1)))
            objective += loss.item() * len(batch)

        objective = ranks.mean(objective)
        if not math.isfinite(objective):
            raise AuricleError(
                f"{folder}: the loss is no number after epoch {epoch + 1}; lower its learning rate"
            )
        if not ranks.leads:
            continue
        row = Epoch(
            epoch=epoch + 1,
            lr=optimiser.param_groups[0]["lr"],
            train_objective=objective / (len(training) * config.views),
            **losses_and_accuracies(average, heard, "train"),
            **(losses_and_accuracies(average, checked, "val") if checked else {}),
        )
        history.append(row)
        seconds += time.perf_counter() - started
        write_history(folder / "history.csv", history)
        save_checkpoint(folder, network, average, optimiser, history, seconds)
        each_epoch(row)
    return Fit(average, tuple(history), seconds)


def new_network(config: NetworkConfig, classes: int, seed: int) -> SoundClassifier:
    """A network whose first weights depend on the seed alone."""
    with seeded(seed, torch.device("cpu")):
        return SoundClassifier(config, classes)


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Let what draws from torch's own generator, such as dropout, draw from this seed."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield


def seed_for(seed: int, *place: int) -> int:
    """A seed of its own for one place in a fit, such as (epoch, step)."""
    state = np.random.SeedSequence(seed, spawn_key=place).generate_state(1, np.uint64)[0]
    return int(state >> np.uint64(1))


def generator_for(seed: int, *place: int) -> Generator:
    """The generator of one place in a fit."""
    return Generator().manual_seed(seed_for(seed, *place))


def shuffled(count: int, config: TrainingConfig, generator: Generator) -> list[Array]:
    """Rows of each step of an epoch: every clip once a view, shuffled view by view."""
    rows = torch.cat([torch.randperm(count, generator=generator) for _ in range(config.views)])
    return [batch.numpy() for batch in torch.split(rows, config.batch)]


def one_cycle(step: int, steps: int, warm_up: float) -> float:
    """Share of the peak learning rate: a cosine up from 1/25, a longer one down to nothing.

    Source: Smith and Topin (2019).
    """
    peak = warm_up * steps
    if step < peak:
        return 1 / 25 + (1 - 1 / 25) * (1 - math.cos(math.pi * step / peak)) / 2
    return (1 + math.cos(math.pi * (step - peak) / (steps - peak))) / 2


def relaxed_mixing(epoch: int, epochs: int, config: AugmentConfig) -> float:
    """Share of mixed views, brought down to none towards the end of training."""
    left = 1 - epoch / epochs
    relaxing = 1 - config.mixing_ends
    return config.mixing * min(1.0, left / relaxing) if relaxing else config.mixing


def optimiser_for(network: nn.Module, config: TrainingConfig) -> torch.optim.AdamW:
    """AdamW that decays matrices and kernels, and leaves biases, gains and the class token alone.

    Source: Loshchilov and Hutter (2019).
    """
    learned = [weight for weight in network.parameters() if weight.requires_grad]
    return torch.optim.AdamW(
        [
            {"params": [w for w in learned if w.dim() > 1], "weight_decay": config.weight_decay},
            {"params": [w for w in learned if w.dim() <= 1], "weight_decay": 0.0},
        ],
        lr=config.learning_rate,
        betas=(0.9, 0.99),
        fused=True,  # all weights in one pass
    )


@torch.no_grad()
def average_into(average: nn.Module, network: nn.Module, share: float) -> None:
    """Move the running average towards the network, batch-norm statistics included."""
    newest = network.state_dict()
    fixed = {name for name, weight in network.named_parameters() if not weight.requires_grad}
    for name, value in average.state_dict().items():
        if name in fixed:
            continue
        if value.is_floating_point():
            value.lerp_(newest[name], share)
        else:
            value.copy_(newest[name])


@torch.no_grad()
def losses_and_accuracies(network: SoundClassifier, sounds: Sounds, name: str) -> dict[str, float]:
    """Cross-entropy in nats and accuracy of a network on clips as they are, in float32.

    Whatever the training is in: losses of training and validation are compared. Keys are columns
    of the history, those of base and head alone among them if there is a texture beside.
    """
    network.eval()
    sums: dict[str, float] = defaultdict(float)
    for rows in scoring_batches(len(sounds)):
        targets = sounds.targets[rows].to(sounds.device)
        events, whole = sounds.logits(network, rows)
        heard = (
            {name: whole} if network.texture is None else {name: whole, f"{name}_events": events}
        )
        for part, logits in heard.items():
            sums[f"{part}_loss"] += F.cross_entropy(logits, targets, reduction="sum").item()
            sums[f"{part}_accuracy"] += (logits.argmax(1) == targets).sum().item()
    return {column: total / len(sounds) for column, total in sums.items()}


def predict(network: SoundClassifier, examples: Examples, device: torch.device) -> Array:
    """(clips, classes) probabilities, in float32 whatever the training was in."""
    network = network.to(device).eval()
    return probabilities_of(network, Sounds(network, examples, device, power_file=None))


@torch.no_grad()
def probabilities_of(network: SoundClassifier, sounds: Sounds) -> Array:
    """The same of sounds that the network is ready for."""
    batches = [sounds.logits(network, rows)[1].softmax(1) for rows in scoring_batches(len(sounds))]
    return torch.cat(batches).cpu().numpy()


def autocast(device: torch.device, precision: str) -> AbstractContextManager[None]:
    """The arithmetic of a forward pass."""
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16")


def choose_device(name: str) -> torch.device:
    """The device asked for; `auto` takes a GPU where there is one.

    Raises: AuricleError if this machine does not have it.
    """
    found = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    here = [kind for kind, present in found.items() if present]
    if name == "auto":
        return torch.device(here[0])
    if name not in here:
        raise AuricleError(f"--device {name}: this machine has {', '.join(here)}")
    return torch.device(name)


def choose_precision(name: str, device: torch.device) -> str:
    """`auto` takes bf16 where the processor multiplies in it, float32 elsewhere."""
    if name != "auto":
        return name
    if device.type == "cuda":
        native = torch.cuda.is_bf16_supported(including_emulation=False)
        return "bf16" if native else "float32"
    multiplies_bf16 = getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
    return "bf16" if device.type == "cpu" and multiplies_bf16() else "float32"
