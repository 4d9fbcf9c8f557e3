"""What a finished fit leaves in its folder: probabilities, and weights that classify again."""

import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.torch import load_file

from auricle.data.clips import Clip
from auricle.errors import StudyError
from auricle.files import replace_bytes
from auricle.network.classifier import SoundClassifier
from auricle.study.recipe import Recipe, from_table
from auricle.training.fit import new_network
from auricle.training.sounds import Array


@dataclass(frozen=True)
class Predictions:
    """Probabilities of scored clips: `clips` in order, `probabilities` (clips, classes)."""

    clips: tuple[Clip, ...]
    probabilities: Array


def save_predictions(path: Path, predictions: Predictions) -> None:
    """Keep probabilities with the clips they are of, readable without this project."""
    content = io.BytesIO()
    np.savez_compressed(
        content,
        files=np.array([clip.file for clip in predictions.clips]),
        categories=np.array([clip.category for clip in predictions.clips]),
        folds=np.array([clip.fold for clip in predictions.clips]),
        recordings=np.array([clip.recording for clip in predictions.clips]),
        probabilities=predictions.probabilities.astype(np.float32),
    )
    replace_bytes(path, content.getvalue())


def load_predictions(path: Path) -> Predictions:
    """Read what `save_predictions` kept."""
    with np.load(path) as kept:
        names = ("files", "categories", "folds", "recordings")
        columns = zip(*(kept[name] for name in names), strict=True)
        clips = tuple(Clip(str(f), str(c), int(n), str(r)) for f, c, n, r in columns)
        return Predictions(clips, kept["probabilities"].astype(np.float64))


@dataclass(frozen=True)
class TrainedNetwork:
    """A network out of a fit's folder, ready to classify, and what it needs for that."""

    network: SoundClassifier
    recipe: Recipe
    categories: tuple[str, ...]
    clip_s: float
    folder: Path
    facts: dict[str, Any]


def load_fit(folder: Path) -> TrainedNetwork:
    """Read a finished fit. Nothing of it is run but its numbers.

    Raises: StudyError if the folder holds no finished fit.
    """
    try:
        facts = json.loads((folder / "fit.json").read_text(encoding="utf-8"))
        weights = load_file(folder / "weights.safetensors")
    except FileNotFoundError as problem:
        raise StudyError(
            f"{folder}: no finished fit here ({Path(problem.filename or '').name} is missing); "
            "give a fit's folder, or a study's"
        ) from problem
    recipe = from_table(Recipe, facts["recipe"], str(folder / "fit.json"))
    categories = tuple(facts["categories"])
    network = new_network(recipe.network, len(categories), seed=0)
    network.load_state_dict(weights)
    return TrainedNetwork(network.eval(), recipe, categories, facts["clip_s"], folder, facts)


def best_fit(run: Path) -> Path:
    """The fit that a study would ship: the best configuration out of fold, trained on most clips.

    A folder that is a fit is itself.
    """
    if (run / "fit.json").exists():
        return run
    try:
        best = json.loads((run / "scores.json").read_text(encoding="utf-8"))["best"]
    except FileNotFoundError as problem:
        raise StudyError(f"{run}: neither a finished study nor a fit is here") from problem
    name: str = best["out_of_fold"]
    found: list[Path] = sorted((run / name).glob("refit/all/seed-*/fit.json"))
    found = found or sorted((run / name).glob("*/*/seed-*/fit.json"))
    if not found:
        raise StudyError(f"{run}: no fit of {name} is left here")
    return found[0].parent
