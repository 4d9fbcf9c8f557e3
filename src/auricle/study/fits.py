"""What a finished fit leaves in its folder: probabilities, and weights that classify again."""

import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.torch import load_file

from auricle.data.clips import Clip
from auricle.errors import StudyError
from auricle.files import replace_bytes
from auricle.network.classifier import SoundClassifier
from auricle.study.recipe import Recipe, from_table, to_table
from auricle.training.fit import new_network
from auricle.training.sounds import Array

WEIGHTS = "weights.safetensors"


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

    Raises: StudyError if the folder holds no finished fit, or a damaged one.
    """
    told, stored = folder / "fit.json", folder / WEIGHTS
    for file in (told, stored):
        if not file.is_file():
            raise StudyError(f"{file}: missing; give the folder of a finished fit or study")
    try:
        facts = json.loads(told.read_text(encoding="utf-8"))
        recipe = from_table(Recipe, facts["recipe"], str(told))
        if to_table(recipe) != facts["recipe"]:  # a default of today is not what these learnt with
            raise StudyError(f"{told}: trained by another release; use that one, or train again")
        categories, clip_s = tuple(facts["categories"]), float(facts["clip_s"])
    except (ValueError, KeyError, TypeError) as problem:
        raise StudyError(f"{told}: damaged ({problem}); train this fit again") from problem
    network = new_network(recipe.network, len(categories), seed=0)
    try:
        network.load_state_dict(load_file(stored))
    except (SafetensorError, RuntimeError) as problem:
        said = str(problem).splitlines()[0]
        raise StudyError(f"{stored}: not the weights of this fit ({said})") from problem
    return TrainedNetwork(network.eval(), recipe, categories, clip_s, folder, facts)


def study_of(fit: Path) -> Path:
    """The study that a fit's folder stands in: above configuration, strategy, member and seed."""
    above = fit.resolve().parents
    return above[min(3, len(above) - 1)]


def best_fit(run: Path) -> Path:
    """The fit that a study would ship: the best configuration out of fold, trained on most clips.

    A folder that is a fit is itself.

    Raises: StudyError if no fit can be told to be the best.
    """
    if (run / "fit.json").exists():
        return run
    try:
        found = json.loads((run / "scores.json").read_text(encoding="utf-8"))
    except FileNotFoundError as problem:
        raise StudyError(f"{run}: neither a finished study nor a fit is here") from problem
    name: str | None = found["best"]["out_of_fold"]
    if name is None:
        raise StudyError(f"{run}: nothing was validated here; give the folder of one of its fits")
    fits: list[Path] = sorted((run / name).glob("refit/all/seed-*/fit.json"))
    fits = fits or sorted((run / name).glob("*/*/seed-*/fit.json"))
    if not fits:
        raise StudyError(f"{run}: no fit of {name} is left here")
    return fits[0].parent
