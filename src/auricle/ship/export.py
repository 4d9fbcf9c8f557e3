"""From a study to a bundle: its best network, with all that a user of it has to know."""

import json
from pathlib import Path
from typing import Any

import torch

import auricle
from auricle.errors import StudyError
from auricle.evaluation.calibration import as_logits, fit_temperature, scaled, threshold
from auricle.ship.bundle import (
    CARD,
    FORMAT,
    WEIGHTS,
    Facts,
    Learnt,
    Score,
    hashes,
    weights_file,
    write_bundle,
)
from auricle.ship.card import card
from auricle.ship.onnx import MODEL, to_onnx
from auricle.study.environment import source_commit
from auricle.study.fits import (
    Predictions,
    TrainedNetwork,
    best_fit,
    load_fit,
    load_predictions,
    study_of,
)
from auricle.study.scores import pooled, targets_of

TOLD = {
    ("kfold", "pooled", "out-of-fold"),
    ("refit", "all", "test"),
    ("holdout", None, "test"),
}
"""Which scores a bundle carries."""


def export(run: Path, out: Path | None, name: str | None, *, onnx: bool = False) -> Path:
    """Make a bundle of a study's best network, or of a fit, and say where it is.

    With `onnx` the network is in it once more, for what runs without Python.

    Raises: StudyError if there is no finished fit with its weights.
    """
    trained = load_fit(best_fit(run))
    facts = described(trained, name)
    files = {WEIGHTS: weights_file(trained.network)}
    if onnx:
        files[MODEL] = to_onnx(trained.network, facts)
    files[CARD] = card(facts, files).encode()
    place = out or Path(f"{facts.name}-bundle")
    write_bundle(place, facts_with(facts, files), files)
    return place


def described(trained: TrainedNetwork, name: str | None = None) -> Facts:
    """What a bundle tells of a fit, but for the hashes of its files."""
    study = study_of(trained.folder)
    calibration = calibrated(study, trained)
    return Facts(
        format=FORMAT,
        name=name or f"{trained.facts['data']}-{trained.recipe.name}".lower(),
        categories=trained.categories,
        network=trained.recipe.network,
        clip_s=trained.clip_s,
        temperature=calibration and calibration[0],
        unknown_below=calibration and calibration[1],
        learnt=learnt_from(trained),
        scores=scores_of(study, trained),
        versions={
            "auricle": auricle.__version__,
            "commit": source_commit(),
            "torch": torch.__version__,
        },
        sha256={},
    )


def facts_with(facts: Facts, files: dict[str, bytes]) -> Facts:
    """The facts with the hashes of the files beside them."""
    return Facts(**{**vars(facts), "sha256": hashes(files)})


def calibrated(study: Path, trained: TrainedNetwork) -> tuple[float, float] | None:
    """Temperature and unknown threshold from the same configuration's out-of-fold predictions."""
    seed = f"seed-{trained.facts.get('seed', 0)}"
    files = sorted((study / trained.recipe.name).glob(f"kfold/*/{seed}/predictions.npz"))
    if not files:
        return None
    found: Predictions = pooled([load_predictions(file) for file in files])
    logits = as_logits(found.probabilities)
    temperature = fit_temperature(logits, targets_of(found.clips, trained.categories))
    return temperature, threshold(scaled(logits, temperature).max(1))


def learnt_from(trained: TrainedNetwork) -> Learnt:
    """Where the weights come from, as `fit.json` tells."""
    facts = trained.facts
    try:
        return Learnt(
            data=facts["data"],
            clips=len(facts["learnt"]),
            folds=tuple(facts["training_folds"]),
            configuration=facts["configuration"],
            strategy=facts["strategy"],
            seed=facts["seed"],
            epochs=facts["epochs"],
            heard=tuple(facts["learnt"]),
            sealed=tuple(content for content in facts["sealed"] if content not in facts["learnt"]),
        )
    except KeyError as problem:
        raise StudyError(f"{trained.folder}: fit.json lacks {problem}; train it again") from problem


def scores_of(study: Path, trained: TrainedNetwork) -> tuple[Score, ...]:
    """How its configuration fared, from `scores.json`; nothing for a fit that stands alone."""
    file = study / "scores.json"
    if not file.is_file():
        return ()
    found = json.loads(file.read_text(encoding="utf-8"))
    own = next(c for c in found["configurations"] if c["name"] == trained.recipe.name)
    seed = str(trained.facts["seed"])
    return tuple(
        Score(
            strategy=entry["strategy"],
            on=entry["on"],
            declared=entry["declared"],
            clips=entry["clips"],
            accuracy=entry["accuracy"]["value"],
            low=entry["accuracy"].get("low"),
            high=entry["accuracy"].get("high"),
        )
        for entry in own["scores"]
        if entry["seed"] == seed and told(entry)
    )


def told(entry: dict[str, Any]) -> bool:
    """Whether a bundle carries a score."""
    keys = {(entry["strategy"], member, entry["on"]) for member in (entry["member"], None)}
    return bool(keys & TOLD)
