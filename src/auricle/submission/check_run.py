"""Fits, epochs, folds, scores and searches of the study that the report tells of."""

from collections.abc import Callable, Iterator

from auricle.report.scores import ScoreRow
from auricle.report.study_files import Study
from auricle.report.tuning_files import Tuning
from auricle.submission.brief import EPOCHS, FOLDS, HEADS, Item


def check_run(study: Study) -> Iterator[Item]:
    """Fits, epochs, folds and scores."""
    named = ", ".join
    names = [each.name for each in study.configurations]
    heads = sorted({each.heads for each in study.configurations if each.blocks})
    cnn = [each.name for each in study.configurations if not each.blocks]
    yield Item(
        "run: both architectures, with 1, 2 and 4 heads",
        bool(cnn) and {*HEADS} <= {*heads},
        f"{named(names)}; heads {named(map(str, heads)) or 'none'}",
    )
    epochs = sorted({len(fit.history["epoch"]) for fit in study.fits})
    yield Item("run: 100 epochs of every fit", epochs == [EPOCHS], f"{named(map(str, epochs))}")
    mode, url = study.tracking.get("mode"), study.tracking.get("url")
    yield Item(
        "run: accuracy and loss per epoch on Weights & Biases",
        mode in ("online", "offline") and bool(url),
        url
        or {
            "offline": "logged offline: send the runs with wandb sync, then auricle report RUN "
            "--wandb-url URL",
            "online": "sent, but the study does not know where to: auricle report RUN "
            "--wandb-url URL",
        }.get(str(mode), "not logged"),
    )
    folds = study.scores.dataset.development_folds
    lacking = [
        f"{each.name} on fold {fold}"
        for each in study.configurations
        for fold in folds
        if each.row("kfold", f"fold-{fold}", "out-of-fold") is None
    ]
    yield Item(
        "run: k-fold validation, k = 4",
        len(folds) == FOLDS and not lacking,
        f"k = {len(folds)}" + (f", without {named(lacking)}" if lacking else ""),
    )
    yield from check_scores(study)
    yield from check_tuning(study)


def check_scores(study: Study) -> Iterator[Item]:
    """Every metric of every configuration, out of fold and on the test fold."""
    wanted: dict[str, Callable[[ScoreRow], object]] = {
        "accuracy": lambda row: row.accuracy.value is not None,
        "F1": lambda row: row.f1_macro.value is not None,
        "ROC and AUC": lambda row: row.roc and row.auc_macro is not None,
        "confusion matrix": lambda row: row.confusion,
    }
    planned = [name for name in study.plan.get("strategies", ()) if name != "esc5"]
    split = [name for name in planned if name != "kfold"]
    for place, on, strategies in (
        ("k-fold validation", "out-of-fold", ["kfold"]),
        ("the test split", "test", planned if split else [*planned, "holdout"]),
    ):
        lacking = [
            f"{each.name}, {strategy}: {measure}"
            for each in study.configurations
            for strategy in strategies
            for measure, holds in wanted.items()
            if not any(holds(row) for row in each.rows(strategy, on))
        ]
        yield Item(
            f"run: accuracy, F1, ROC-AUC, confusion matrix of each in {place}",
            not lacking,
            ", ".join(lacking)
            or f"{len(study.configurations)} configurations, by {', '.join(strategies)}",
        )
    sizes = [
        f"{each.name} {total.trainable:,} + {total.fixed:,}"
        for each in study.configurations
        if (total := each.parameters.get("total"))
    ]
    yield Item(
        "run: trainable and non-trainable parameters",
        len(sizes) == len(study.configurations),
        ", ".join(sizes),
    )


def check_tuning(study: Study) -> Iterator[Item]:
    """A search for each architecture, of trials that differ."""
    for number, (title, encoder) in enumerate((("CNN", False), ("transformer", True)), 1):
        own = [each for each in study.tunings if of_encoder(each) == encoder and searched(each)]
        yield Item(
            f"run: hyper-parameter tuning of architecture {number}, the {title}",
            bool(own),
            ", ".join(f"{each.name}, {len(each.trials)} trials" for each in own)
            or "no search of it is laid here: auricle report RUN --tuning SEARCH",
        )


def of_encoder(tuning: Tuning) -> bool:
    """Whether a search trained networks with an encoder."""
    blocks: int = tuning.best["network"]["encoder"]["blocks"]
    return blocks > 0


def searched(tuning: Tuning) -> bool:
    """Whether two trials or more ran over all folds with different values."""
    return len({tuple(trial.values.items()) for trial in tuning.whole}) > 1
