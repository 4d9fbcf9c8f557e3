"""From a study to a bundle: its best network, with all that a user of it has to know."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

import auricle
from auricle.data.sources import cache_folder
from auricle.data.store import WaveStore, open_store
from auricle.errors import DataError, StudyError
from auricle.evaluation.calibration import as_logits, fit_temperature, scaled, threshold
from auricle.ship.bundle import (
    CARD,
    FORMAT,
    WEIGHTS,
    Facts,
    Learnt,
    Score,
    earlier_in,
    hashes,
    weights_file,
    write_bundle,
)
from auricle.ship.card import card
from auricle.ship.onnx import INT8, MODEL, to_int8, to_onnx
from auricle.study.environment import source_commit
from auricle.study.evaluate import contents_of, table_for
from auricle.study.fits import (
    Predictions,
    TrainedNetwork,
    best_fit,
    load_fit,
    load_predictions,
    study_of,
)
from auricle.study.recipe import Table
from auricle.study.scores import pooled, targets_of

EXPECTED = ("kfold", "pooled", "out-of-fold")
"""The score of a recipe, by other networks than the one that ships."""


def export(
    run: Path,
    out: Path | None,
    name: str | None,
    *,
    onnx: bool = False,
    data: str | None = None,
    labels: Table | None = None,
    say: Callable[[str], None] = lambda told: None,
) -> Path:
    """Make a bundle of a study's best network, or of a fit, and say where it is.

    With `onnx` the network is in it as ONNX too: in float32, and in int8, whose scales are settled
    on clips that it learnt from. `data` and `labels` say where these are; without them int8 is
    left out, and `say` is told.

    Raises: StudyError if there is no finished fit with its weights, DataError for other clips,
        BundleError where something else than a bundle is.
    """
    trained = load_fit(best_fit(run))
    facts = described(trained, name)
    calibrated = facts.unknown_below is not None
    if calibrated and facts.strange_above is None and facts.network.texture.share:
        say(by_probability_alone(study_of(trained.folder)))
    place = out or Path(f"{facts.name}-bundle")
    earlier_in(place)  # refused now, not after the work
    files = {WEIGHTS: weights_file(trained.network)}
    if onnx:
        say(f"{MODEL}: made of the network, which takes a while")
        files[MODEL] = to_onnx(trained.network, facts)
        if waves := settling(trained, data, labels or {}, say):
            files[INT8] = to_int8(files[MODEL], waves.waves)
    files[CARD] = card(facts, files).encode()
    write_bundle(place, facts_with(facts, files), files)
    return place


def described(trained: TrainedNetwork, name: str | None = None) -> Facts:
    """What a bundle tells of a fit, but for the hashes of its files."""
    study = study_of(trained.folder)
    return Facts(
        format=FORMAT,
        name=name or f"{trained.facts['data']}-{trained.recipe.name}".lower(),
        categories=trained.categories,
        network=trained.recipe.network,
        clip_s=trained.clip_s,
        **vars(limits_of(study, trained)),
        learnt=learnt_from(trained),
        scores=scores_of(study, trained),
        versions={
            "auricle": auricle.__version__,
            "commit": source_commit(),
            "torch": torch.__version__,
        },
        sha256={},
    )


def settling(
    trained: TrainedNetwork, data: str | None, labels: Table, say: Callable[[str], None]
) -> WaveStore | None:
    """The clips that a network learnt from, to settle int8 on; nothing if they are not here.

    Raises: DataError or StudyError if `data` names others.
    """
    try:
        table = table_for(trained, data, labels)
    except (DataError, StudyError) as problem:
        if data:
            raise
        say(f"{INT8}: left out, for its scales are settled on clips; {problem}")
        return None
    learnt = set(trained.facts["learnt"]) - set(trained.facts["sealed"])
    kept = [clip for clip, content in contents_of(table).items() if content & learnt]
    if not kept:
        raise StudyError(f"{table.root}: no clip that this network learnt from is here")
    say(f"{INT8}: settled on {len(kept)} clips of {table.name} that the network learnt from")
    return open_store(
        replace(table, clips=tuple(kept)),
        sample_rate_hz=trained.recipe.network.frontend.sample_rate_hz,
        seconds=trained.clip_s,
        cache=cache_folder(),
    )


def facts_with(facts: Facts, files: dict[str, bytes]) -> Facts:
    """The facts with the hashes of the files beside them."""
    return Facts(**{**vars(facts), "sha256": hashes(files)})


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How sure a network is to say it is, and from where on it names no category: see `Facts`."""

    temperature: float | None = None
    unknown_below: float | None = None
    strange_above: float | None = None
    unknown_passed: float | None = None
    untaught_passed: float | None = None


def limits_of(study: Path, trained: TrainedNetwork) -> Limits:
    """Those of a fit, from the same configuration's out-of-fold predictions; none without these.

    Where the study was asked what foreign sounds pass for (`unknown`), both limits are those that
    were found there together.
    """
    seed = f"seed-{trained.facts.get('seed', 0)}"
    files = sorted((study / trained.recipe.name).glob(f"kfold/*/{seed}/predictions.npz"))
    if not files:
        return Limits()
    found: Predictions = pooled([load_predictions(file) for file in files])
    logits = as_logits(found.probabilities)
    temperature = fit_temperature(logits, targets_of(found.clips, trained.categories))
    refusals = refusals_of(study, trained.recipe.name)
    if both := refusals.get("both"):
        below, above, passed = (both[key] for key in ("below", "above", "accepted"))
    else:
        below, above = threshold(scaled(logits, temperature).max(1)), None
        passed = refusals.get("probability", {}).get("accepted")
    return Limits(
        temperature=temperature,
        unknown_below=below,
        strange_above=above,
        unknown_passed=passed,
        untaught_passed=untaught(study, trained.recipe.name, "both" if both else "probability"),
    )


def refusals_of(study: Path, configuration: str) -> dict[str, dict[str, Any]]:
    """What the study found of foreign sounds, by the score that refuses them; none if not asked."""
    file = study / "evidence" / "unknown.json"
    if not file.is_file():
        return {}
    asked = json.loads(file.read_text(encoding="utf-8"))["configurations"]
    return {
        refusal["score"]: refusal
        for own in asked
        if own["configuration"] == configuration
        for refusal in own["refusals"]
    }


def untaught(study: Path, configuration: str, rule: str) -> float | None:
    """The share of sounds of an untaught category that pass by a rule; none if not asked."""
    file = study / "evidence" / "strangers.json"
    if not file.is_file():
        return None
    found = json.loads(file.read_text(encoding="utf-8"))
    if found["configuration"] != configuration:
        return None
    shares = {told["rule"]: told["accepted"]["value"] for told in found["together"]}
    return shares.get(rule)


def by_probability_alone(study: Path) -> str:
    """What is told of a network with a texture that has no limit to what is strange to it."""
    return (
        "unknown: told by probability alone; how strange a sound is becomes a second reason after "
        f"auricle evidence {study} --part unknown"
    )


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
    """How it fared, from `scores.json`; nothing for a fit that stands alone.

    First the network itself on the test fold; then its recipe out of fold, by other networks, with
    every seed that there is.
    """
    file = study / "scores.json"
    if not file.is_file():
        return ()
    found = json.loads(file.read_text(encoding="utf-8"))
    own = next(c for c in found["configurations"] if c["name"] == trained.recipe.name)
    itself = (trained.facts["strategy"], trained.facts["member"], "test")
    entries = [
        entry
        for key in (itself, EXPECTED)
        for entry in own["scores"]
        if (entry["strategy"], entry["member"], entry["on"]) == key
    ]
    seeds = {"test": str(trained.facts["seed"]), "out-of-fold": str(trained.facts["seed"])}
    if any(entry["seed"] == "mean" for entry in entries):
        seeds["out-of-fold"] = "mean"
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
        for entry in entries
        if entry["seed"] == seeds[entry["on"]]
    )
