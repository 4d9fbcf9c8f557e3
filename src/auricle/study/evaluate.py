"""The weights of a fit scored on labelled clips, of its own data set or of another."""

from pathlib import Path

import numpy as np
from rich.console import Console

from auricle.data.sources import cache_folder, read_data
from auricle.data.store import open_store
from auricle.errors import DataError, StudyError
from auricle.evaluation.intervals import score_intervals
from auricle.evaluation.metrics import score
from auricle.files import replace_text
from auricle.study.fits import Predictions, best_fit, load_fit
from auricle.study.protocol import roles_of
from auricle.study.scores import ONE, Scored, recordings_of, targets_of
from auricle.study.summary import predictions_csv
from auricle.training.fit import choose_device, predict
from auricle.training.sounds import Examples


def evaluate_fit(
    fit: Path,
    *,
    data: str | None,
    folds: list[int] | None,
    out: Path | None,
    test: bool,
    device: str,
) -> None:
    """Print accuracy, F1 and AUC with intervals, and write the probabilities if asked.

    Raises: DataError if the clips have other categories, StudyError for a fold that the network
    learnt from, or for the sealed test fold unless `test` opens it.
    """
    trained = load_fit(best_fit(fit))
    facts = trained.facts
    table = read_data(data)
    strange = set(table.categories) - set(trained.categories)
    if strange:
        raise DataError(
            f"{table.root}: {', '.join(sorted(strange))} are no categories of this network, which "
            f"knows {', '.join(trained.categories)}"
        )
    chosen = tuple(folds) if folds else _default_folds(table.folds, facts["training_folds"])
    if table.name == facts["data"]:
        learnt = sorted(set(chosen) & set(facts["training_folds"]))
        if learnt:
            raise StudyError(
                f"{trained.folder}: folds {learnt} trained this network; leave them out"
            )
        if roles_of(table.folds).test in chosen and not test:
            raise StudyError("this opens the sealed test fold; say --test if that is meant")
    part = table.in_folds(chosen)
    if not part.clips:
        raise DataError(
            f"{table.root}: no clips in folds {list(chosen)}; it has {list(table.folds)}"
        )
    store = open_store(
        part,
        sample_rate_hz=trained.recipe.network.frontend.sample_rate_hz,
        seconds=trained.clip_s,
        cache=cache_folder(),
    )
    rows = np.arange(len(store.clips))
    probabilities = predict(
        trained.network, Examples(store.waves, rows, rows), choose_device(device)
    )
    targets = targets_of(store.clips, trained.categories)
    found = score(targets, probabilities)
    intervals = score_intervals(targets, probabilities, recordings_of(store.clips))
    say = Console().print
    say(f"{trained.recipe.name} on {found.clips} clips of {table.name}, folds {list(chosen)}")
    for name in ("accuracy", "f1_macro", "f1_weighted"):
        of = getattr(intervals, name)
        say(f"{name:12} {100 * of.value:5.1f}  [{100 * of.low:.1f}, {100 * of.high:.1f}]")
    say(f"{'auc_macro':12} {found.auc_macro:5.3f}")
    if out:
        scored = Scored(
            trained.recipe.name,
            facts["strategy"],
            str(facts["seed"]),
            facts["member"],
            "test" if roles_of(table.folds).test in chosen else "out-of-fold",
            ONE,
            Predictions(store.clips, probabilities),
            facts["train_seconds"],
        )
        replace_text(out, predictions_csv([scored], trained.categories))
        say(f"{out}")


def _default_folds(folds: tuple[int, ...], training: list[int]) -> tuple[int, ...]:
    """Development folds that the network has not learnt from, or all if it learnt from none."""
    left = tuple(fold for fold in roles_of(folds).development if fold not in training)
    return left or (roles_of(folds).test,)
