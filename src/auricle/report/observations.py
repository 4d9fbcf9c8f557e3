"""What a study's figures say when read together, sentence by sentence."""

from collections import Counter
from collections.abc import Iterator

from auricle.report import editions
from auricle.report.curve_ends import ending, gaps, overfitting
from auricle.report.groups import but_for_heads, kindness
from auricle.report.headlines import View, out_of_fold, tested
from auricle.report.scores import Bounded
from auricle.report.sentences import (
    averaging,
    by_heads,
    commonest_confusion,
    cost,
    few_recordings,
    fold_spread,
    of_refit,
    on_test_fold,
    ranking,
    seed_spread,
    told_apart,
    weakest,
)
from auricle.report.study_files import Study
from auricle.report.wording import count


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
    if kind := kindness(study):
        yield f"**What was searched.** {kind}"
    if development:
        alike = but_for_heads(study)
        apart_from_others = len(alike) < sum(bool(each.blocks) for each in study.configurations)
        yield by_heads(
            {c.heads: accuracies[c.name] for c in alike},
            [c.name for c in alike] if apart_from_others else (),
        )
    if ends:
        apart = all(fit.apart for fit in study.fits)
        yield gaps(ends, ", base and head without the texture" if apart else "")
        yield overfitting(ends)
    clips = Counter(int(row["fold"]) for row in study.clips)
    smallest = min(clips[fold] for fold in study.scores.dataset.development_folds)
    yield fold_spread(folds_of(study), smallest)
    if development:
        drawn = {c.name: row for c in study.configurations if (row := development.drawn(c))}
        of = " (first seed)" if study.seeds > 1 else ""
        yield weakest({name: row for name, row in drawn.items() if row.per_class}, of)
        yield commonest_confusion(study.scores.dataset.categories, drawn, of)
    if development and test and (there := same_on_test(study, development)):
        fold = study.scores.dataset.test_fold
        yield on_test_fold(accuracies, there, fold)
        refit = quoted(study, View("refit", "all", "test", ""))
        yield of_refit(there, refit, fold, learnt_from(study, development))
    yield averaging(gains(study))
    if development:
        values = {name: score.value for name, score in accuracies.items()}
        sizes = {c.name: c.parameters["total"].trainable for c in study.configurations}
        if len(times := seconds(study)) == len(sizes):
            yield cost(sizes, times, values, study.scores.comparisons)
        yield seed_spread(
            {name: score.range for name, score in accuracies.items() if score.range}, values
        )
    yield editions.observed(study)
    if ", resumed on " in study.environment.get("processor", ""):
        yield (
            "**Machines.** The fits ran on more than one processor ([@environment]), and these do "
            "not round alike: one recipe with one seed gives other weights on each, as another "
            "seed would, and takes another time."
        )


def quoted(study: Study, view: View) -> dict[str, Bounded]:
    """Accuracy of each configuration under a view."""
    return {c.name: row.accuracy for c in study.configurations if (row := view.quoted(c))}


def seconds(study: Study) -> dict[str, float]:
    """Training time of the fits that gave the out-of-fold scores, where it is known."""
    found = {c.name: study.seconds(c.name, "kfold") for c in study.configurations}
    return {name: time_s for name, time_s in found.items() if time_s}


def folds_of(study: Study) -> dict[str, dict[str, float]]:
    """Accuracy of the k-fold members on their own validation folds."""
    members = [f"fold-{fold}" for fold in study.scores.dataset.development_folds]
    found = {
        c.name: {
            member: row.accuracy.value
            for member in members
            if (row := c.quoted("kfold", member, "out-of-fold"))
        }
        for c in study.configurations
    }
    return {name: folds for name, folds in found.items() if len(folds) > 1}


def gains(study: Study) -> dict[str, float]:
    """Test accuracy of the averaged k-fold networks less the mean of theirs."""
    found = {}
    for each in study.configurations:
        mean, mixed = (each.quoted("kfold", member, "test") for member in ("mean", "ensemble"))
        if mean and mixed:
            found[each.name] = mixed.accuracy.value - mean.accuracy.value
    return found


def same_on_test(study: Study, development: View) -> dict[str, Bounded]:
    """Accuracy on the test fold of the networks that gave the out-of-fold scores."""
    member = "mean" if development.strategy == "kfold" else development.member
    return quoted(study, View(development.strategy, member, "test", ""))


def learnt_from(study: Study, development: View) -> tuple[str, str]:
    """Training clips of the networks that gave the out-of-fold scores, and of a refit."""
    clips = Counter(int(row["fold"]) for row in study.clips)
    folds = study.scores.dataset.development_folds
    total = sum(clips[fold] for fold in folds)
    validated = folds if development.strategy == "kfold" else folds[:1]
    sizes = sorted({total - clips[fold] for fold in validated})
    return " to ".join(count(size) for size in dict.fromkeys((sizes[0], sizes[-1]))), count(total)


def on_intervals(study: Study) -> str:
    """What to know of the intervals on the test fold; nothing where it was not read."""
    test, fold = tested(study), study.scores.dataset.test_fold
    if not test or test.strategy == "esc5":
        return ""
    held = {(row["category"], row["recording"]) for row in study.clips if int(row["fold"]) == fold}
    return few_recordings(Counter(name for name, _ in sorted(held)), fold)
