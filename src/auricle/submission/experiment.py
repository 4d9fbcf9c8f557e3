"""What all fits of the experiment share; one fit, and what its network answers."""

import datetime
import io
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch

from auricle.data.clips import ClipTable
from auricle.data.store import WaveStore, open_store
from auricle.errors import AuricleError
from auricle.evaluation.metrics import score
from auricle.files import replace_bytes, replace_text
from auricle.network.classifier import SoundClassifier, count_parameters
from auricle.study.fits import Predictions
from auricle.study.job import clear, examples_in
from auricle.study.protocol import Roles, Split, roles_of
from auricle.study.recipe import Recipe
from auricle.study.scores import Member
from auricle.training.fit import fit, new_network, predict
from auricle.training.history import Epoch
from auricle.training.tracking import Mode, RunName, Tracker

PROJECT = "esc10"
"""Of Weights & Biases, where every fit is a run."""
SAID_EVERY = 10


@dataclass(frozen=True)
class Experiment:
    """What all fits share."""

    table: ClipTable
    clip_s: float
    out: Path
    cache: Path
    device: torch.device
    wandb: Mode
    skip_bad: bool

    @property
    def roles(self) -> Roles:
        """The test fold and the development folds."""
        return roles_of(self.table.folds)

    def waves(self, recipe: Recipe, *, test: bool = False) -> WaveStore:
        """The development clips, or the test clips, decoded; the others' files are not opened."""
        return open_store(
            self.table.in_folds((self.roles.test,) if test else self.roles.development),
            sample_rate_hz=recipe.network.frontend.sample_rate_hz,
            seconds=self.clip_s,
            cache=self.cache,
            skip_bad=self.skip_bad,
        )

    def folder(self, recipe: Recipe, split: Split, seed: int) -> Path:
        """Where a fit's files go."""
        return self.out / recipe.name / split.strategy / split.member / f"seed-{seed}"


def train(experiment: Experiment, recipe: Recipe, split: Split, seed: int) -> None:
    """One fit: a new network, trained to its last epoch, its weights kept in the fit's folder.

    Raises: AuricleError where a fit with other values was begun.
    """
    folder = experiment.folder(recipe, split, seed)
    begun, values = folder / "recipe.txt", f"{recipe}\n{len(experiment.table.clips)} clips\n"
    if begun.exists() and begun.read_text(encoding="utf-8") != values:
        raise AuricleError(f"{folder}: begun with other values or clips; give another --out")
    replace_text(begun, values)
    if (folder / "weights.pt").exists():
        return
    store = experiment.waves(recipe)
    categories = experiment.table.categories
    training = examples_in(store, split.training, categories)
    validation = examples_in(store, (split.validation,), categories) if split.validation else None
    network = new_network(recipe.network, len(categories), seed)
    told = {
        "training_folds": split.training,
        "validation_fold": split.validation,
        "seed": seed,
        "parameters": asdict(count_parameters(network)["total"]),
        **asdict(recipe),
    }
    run_name = RunName(
        project=PROJECT,
        group=recipe.name,
        job_type=split.strategy,
        name=f"{recipe.name}/{split.strategy}/{split.member}/seed-{seed}",
    )
    with Tracker(experiment.wandb, run_name, told, folder) as tracker:

        def each_epoch(row: Epoch) -> None:
            tracker.log(row)
            if row.epoch % SAID_EVERY == 0 or row.epoch == recipe.training.epochs:
                say_epoch(row, recipe.training.epochs)

        result = fit(
            network,
            training,
            validation,
            classes=len(categories),
            config=recipe.training,
            augment=recipe.augment,
            seed=seed,
            folder=folder,
            device=experiment.device,
            each_epoch=each_epoch,
        )
        if validation:
            found = predict(result.network, validation, experiment.device)
            scores = score(validation.targets, found)
            tracker.summarise(
                {
                    "final/accuracy": scores.accuracy,
                    "final/f1_macro": scores.f1_macro,
                    "final/auc_macro": scores.auc_macro,
                }
            )
    content = io.BytesIO()
    kept = {"weights": result.network.cpu().state_dict(), "seconds": result.seconds}
    torch.save(kept, content)
    replace_bytes(folder / "weights.pt", content.getvalue())
    clear(folder)


def say_epoch(row: Epoch, epochs: int) -> None:
    """A line on an epoch."""
    apart = row.train_events_loss is not None  # base and head, which learn, and not the texture
    said = [f"  epoch {row.epoch} of {epochs}{', base and head' if apart else ''}"]
    for title, part in (("training", "train"), ("validation", "val")):
        loss, accuracy = (
            getattr(row, f"{part}_events_{measure}" if apart else f"{part}_{measure}")
            for measure in ("loss", "accuracy")
        )
        if loss is not None:
            said.append(f"{title} loss {loss:.3f}, accuracy {accuracy:.1%}")
    if apart and row.val_accuracy is not None:
        said.append(f"with the texture {row.val_accuracy:.1%}")
    print("; ".join(said))


def answers(
    experiment: Experiment, recipe: Recipe, split: Split, seed: int, *, test: bool
) -> Member:
    """What a trained network says of its validation fold, and of the test fold if that is open."""
    folder = experiment.folder(recipe, split, seed)
    # Not safetensors: the file runs where only torch and its few companions are. No code is read.
    kept = torch.load(folder / "weights.pt", weights_only=True, map_location="cpu")
    network = SoundClassifier(recipe.network, len(experiment.table.categories))
    network.load_state_dict(kept["weights"])

    def heard(fold: int) -> Predictions:
        store = experiment.waves(recipe, test=fold == experiment.roles.test)
        examples = examples_in(store, (fold,), experiment.table.categories)
        found = predict(network, examples, experiment.device)
        clips = tuple(store.clips[row] for row in examples.rows)
        return Predictions(clips, found.astype(np.float64))

    return Member(
        recipe.name,
        split.strategy,
        split.member,
        seed,
        kept["seconds"],
        heard(split.validation) if split.validation else None,
        heard(split.scored) if test else None,
    )


def note_reading(experiment: Experiment) -> None:
    """Write down that the test fold is opened: who reads it often enough chooses by it."""
    ledger = experiment.out / "test_reads.csv"
    before = ledger.read_text(encoding="utf-8") if ledger.exists() else "date,reason\n"
    replace_text(ledger, f"{before}{datetime.date.today().isoformat()},--test\n")
    print(f"fold {experiment.roles.test} is opened; readings so far are in {ledger}")
