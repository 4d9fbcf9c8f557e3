"""What a study's figures say when read together, sentence by sentence."""

from collections.abc import Iterator

from auricle.report.curve_ends import ending, gaps, overfitting
from auricle.report.headlines import View, out_of_fold, tested
from auricle.report.scores import Bounded
from auricle.report.sentences import (
    averaging,
    by_heads,
    commonest_confusion,
    cost,
    fold_spread,
    on_test_fold,
    ranking,
    seed_spread,
    told_apart,
    weakest,
)
from auricle.report.study_files import Study


def observations(study: Study) -> list[str]:
    """All that is observed, in the order of the results."""
    return [sentence for sentence in _sentences(study) if sentence]


def _sentences(study: Study) -> Iterator[str]:
    development, test = out_of_fold(study), tested(study)
    ends = {
        c.name: ending(f) for c in study.configurations if (f := study.fits_of(c.name, "kfold"))
    }
    view = development or test
    accuracies = quoted(study, view) if view else {}
    if view:
        yield ranking(accuracies, "out-of-fold" if development else f"on {view.title}")
    yield told_apart(study.scores.comparisons)
    if development:
        yield by_heads({c.heads: accuracies[c.name] for c in study.configurations if c.blocks})
    if ends:
        yield gaps(ends)
        yield overfitting(ends)
    yield fold_spread(folds_of(study))
    if development:
        drawn = {c.name: row for c in study.configurations if (row := development.drawn(c))}
        yield weakest({name: row for name, row in drawn.items() if row.per_class})
        yield commonest_confusion(study.scores.dataset.categories, drawn)
    if development and test and test.strategy != "esc5":
        yield on_test_fold(accuracies, quoted(study, test), study.scores.dataset.test_fold)
    yield averaging(gains(study))
    if development:
        values = {name: score.value for name, score in accuracies.items()}
        sizes = {c.name: c.parameters["total"].trainable for c in study.configurations}
        yield cost(sizes, seconds(study), values)
        yield seed_spread(
            {name: score.range for name, score in accuracies.items() if score.range}, values
        )


def quoted(study: Study, view: View) -> dict[str, Bounded]:
    """Accuracy of each configuration under a view."""
    return {c.name: row.accuracy for c in study.configurations if (row := view.quoted(c))}


def seconds(study: Study) -> dict[str, float]:
    """Training time of each configuration, all its fits together."""
    return {
        each.name: sum(fit.train_seconds for fit in study.fits if fit.configuration == each.name)
        for each in study.configurations
    }


def folds_of(study: Study) -> dict[str, dict[str, float]]:
    """Accuracy of each k-fold member of the first seed on its own validation fold."""
    found = {
        c.name: {
            row.member: row.accuracy.value
            for row in c.rows("kfold", "out-of-fold")
            if row.member.startswith("fold-") and row.seed == "0"
        }
        for c in study.configurations
    }
    return {name: folds for name, folds in found.items() if len(folds) > 1}


def gains(study: Study) -> dict[str, float]:
    """Test accuracy of the averaged k-fold networks less the mean of theirs."""
    found = {}
    for each in study.configurations:
        mean, mixed = (each.row("kfold", member, "test") for member in ("mean", "ensemble"))
        if mean and mixed:
            found[each.name] = mixed.accuracy.value - mean.accuracy.value
    return found
