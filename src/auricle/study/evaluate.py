"""The weights of a fit scored on labelled clips, of its own data set or of another."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from auricle.data.audio import content_hash
from auricle.data.clips import Clip, ClipTable
from auricle.data.esc10 import published_as, published_takes
from auricle.data.readers import Columns
from auricle.data.sources import cache_folder, is_path, read_data
from auricle.data.store import open_store
from auricle.errors import DataError, StudyError
from auricle.evaluation.intervals import score_intervals
from auricle.evaluation.metrics import score
from auricle.files import replace_text
from auricle.study.fits import Predictions, TrainedNetwork, study_of
from auricle.study.ledger import note_reading
from auricle.study.recipe import Table
from auricle.study.scores import ONE, Scored, recordings_of, targets_of
from auricle.study.summary import predictions_csv
from auricle.training.fit import choose_device, predict
from auricle.training.sounds import Examples


def evaluate_fit(
    trained: TrainedNetwork,
    *,
    data: str | None,
    labels: Table,
    folds: Sequence[int] | None,
    out: Path | None,
    test: bool,
    ledger: Path | None,
    device: str,
) -> None:
    """Print accuracy, F1 and AUC with intervals, and write the probabilities if asked.

    `labels` are the columns, root and subset of a CSV, as a plan's table has them.

    Raises: DataError if the clips have other categories, StudyError for clips that the network
    learnt from, or for those of the sealed test fold unless `test` opens it.
    """
    table = table_for(trained, data, labels)
    part, opened = choose_clips(table, trained, folds, test)
    if opened:
        study = study_of(trained.folder)
        run = study if (study / "study.toml").is_file() else trained.folder
        note_reading(run, (trained.recipe,), "auricle evaluate", ledger)
    store = open_store(
        part,
        sample_rate_hz=trained.recipe.network.frontend.sample_rate_hz,
        seconds=trained.clip_s,
        cache=cache_folder(),
    )
    rows = np.arange(len(store.clips))
    examples = Examples(store.waves, rows, rows)
    found = Predictions(store.clips, predict(trained.network, examples, choose_device(device)))
    tell(trained, table.name, found)
    if out:
        replace_text(out, predictions_csv([named(trained, found, opened)], trained.categories))
        print(out)


def table_for(trained: TrainedNetwork, data: str | None, labels: Table) -> ClipTable:
    """The labelled clips that are meant: those that a network was trained for unless others are.

    Raises: StudyError if nobody says where they are, DataError if they have other categories.
    """
    told = trained.facts["data"]
    if data is None and is_path(told):
        raise StudyError(f"{trained.folder}: trained on {told}; say with --data where that is")
    table = read_data(
        data or told,
        columns=Columns(**labels["columns"]) if "columns" in labels else None,
        root=Path(labels["root"]) if "root" in labels else None,
        subset=labels.get("subset"),
    )
    strange = set(table.categories) - set(trained.categories)
    if strange:
        raise DataError(
            f"{table.root}: {', '.join(sorted(strange))} are no categories of this network, which "
            f"knows {', '.join(trained.categories)}"
        )
    return table


def contents_of(table: ClipTable) -> dict[Clip, set[str]]:
    """By what each clip is known: what is in its file, whatever that is called.

    Clips of ESC-10 are known by their published names too, whatever they are encoded as.
    """
    return {
        clip: {content_hash(table.path(clip)), *filter(None, [published_as(clip.file)])}
        for clip in table.clips
    }


def choose_clips(
    table: ClipTable, trained: TrainedNetwork, folds: Sequence[int] | None, test: bool
) -> tuple[ClipTable, bool]:
    """The clips to score, and whether sealed ones are among them.

    Clips are known as `contents_of` tells. Without `folds`, all that the network did not learn
    from.
    """
    missing = sorted(set(folds or ()) - set(table.folds))
    if missing:
        raise DataError(f"{table.root}: no fold {missing} here; it has {list(table.folds)}")
    asked = table.in_folds(folds) if folds else table
    contents = contents_of(asked)
    if not {"learnt", "sealed"} <= trained.facts.keys():
        raise StudyError(f"{trained.folder}: fit.json does not say what it learnt; train it again")
    learnt, sealed = set(trained.facts["learnt"]), set(trained.facts["sealed"])
    heard = {clip.fold for clip, content in contents.items() if content & learnt}
    if folds and heard:
        raise StudyError(
            f"{trained.folder}: clips of folds {sorted(heard)} trained this network; leave them out"
        )
    kept = {clip: content for clip, content in contents.items() if not content & learnt}
    closed = [clip for clip, content in kept.items() if content & sealed]
    if closed and not test:
        if folds or len(closed) == len(kept):
            raise StudyError("this opens the sealed test fold; say --test if that is meant")
        kept = {clip: content for clip, content in kept.items() if not content & sealed}
    if not kept:
        raise StudyError(f"{table.root}: this network learnt from all of these clips")
    part = ClipTable(table.name, table.root, tuple(kept))
    return part, bool(closed) and test


def tell(trained: TrainedNetwork, data: str, found: Predictions) -> None:
    """Print the scores of some clips."""
    targets = targets_of(found.clips, trained.categories)
    scores = score(targets, found.probabilities)
    intervals = score_intervals(targets, found.probabilities, recordings_of(found.clips))
    folds = sorted({clip.fold for clip in found.clips})
    say = Console(markup=False, highlight=False).print
    say(f"{trained.recipe.name} on {scores.clips} clips of {data}, folds {folds}")
    for name in ("accuracy", "f1_macro", "f1_weighted"):
        of = getattr(intervals, name)
        say(f"{name:12} {100 * of.value:5.1f}  [{100 * of.low:.1f}, {100 * of.high:.1f}]")
    say(f"{'auc_macro':12} {scores.auc_macro:5.3f}")
    by_name = all(published_as(clip.file) for clip in found.clips)
    if not (by_name and {*trained.facts["learnt"]} <= {*published_takes().values()}):
        say(
            "Clips that it learnt from are known by their files' bytes: a copy of one in another "
            "encoding is not recognised.",
            soft_wrap=True,
        )


def named(trained: TrainedNetwork, found: Predictions, opened: bool) -> Scored:
    """Predictions under the key of the fit that made them."""
    facts: dict[str, Any] = trained.facts
    return Scored(
        configuration=trained.recipe.name,
        strategy=facts["strategy"],
        seed=str(facts["seed"]),
        member=facts["member"],
        on="test" if opened else "out-of-fold",
        declared=ONE,
        predictions=found,
        train_seconds=facts["train_seconds"],
    )
