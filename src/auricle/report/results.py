"""The chapter of results: every score of every configuration, as tables and drawings."""

from collections.abc import Iterator, Sequence

from auricle.report import plots
from auricle.report.document import Block, Column, Figure, Heading, Paragraph, Table, code
from auricle.report.headlines import View, out_of_fold, tested, views
from auricle.report.study_files import Bounded, Configuration, Fit, Study
from auricle.report.wording import (
    NOTHING,
    category,
    configurations,
    count,
    decimals,
    interval,
    listed,
    minutes,
    percent,
    plural,
    points,
    probability,
    with_interval,
    worded,
)

A_TABLE_HOLDS = 4  # configurations side by side on paper


def results(study: Study) -> Iterator[Block]:
    """All of the chapter, as far as the study has it."""
    yield Heading("Results", 1, "results")
    yield from curves(study)
    yield from folds(study)
    yield from comparison(study)
    yield from seeds(study)
    yield from confusions(study)
    yield from roc(study)
    yield from classes(study)
    yield from pairs(study)


def curves(study: Study) -> Iterator[Block]:
    """Learning curves, a figure a configuration, all on one scale of loss."""
    drawn = [(each, _fits_drawn(study, each)) for each in study.configurations]
    top = plots.highest_loss([fit for _, fits in drawn for fit in fits])
    yield Heading("Learning curves", 2, "curves")
    validated = any("kfold" in fit.strategy for _, fits in drawn for fit in fits)
    yield Paragraph(
        "Loss and accuracy are those of the unaltered clips, under the weights that are scored "
        "(the running average), after each epoch. The objective that training minimises, on "
        "augmented and mixed views, is higher and stands in the histories."
        + (" All configurations share one scale of loss." if len(drawn) > 1 else "")
    )
    for each, fits in drawn:
        number = len(fits)
        what = f"the {number} {fits[0].strategy} fits" if number > 1 else "its one fit"
        band = "; the bands reach from the lowest to the highest of them" if number > 1 else ""
        parts = "training (solid) and validation (dashed)" if validated else "training"
        yield Figure(
            f"curves-{each.name}",
            plots.learning_curves(each.name, fits, top),
            f"{code(each.name)}: loss and accuracy by epoch, {parts}, mean of {what}{band}.",
            f"Learning curves of {each.name}: cross-entropy and accuracy over "
            f"{len(fits[0].history['epoch'])} epochs, {parts}. {_ends(fits)}",
        )


def _fits_drawn(study: Study, configuration: Configuration) -> list[Fit]:
    """The fits with a validation fold; without any, those there are."""
    found = study.fits_of(configuration.name, "kfold")
    if not found:
        strategy = next(f.strategy for f in study.fits if f.configuration == configuration.name)
        found = study.fits_of(configuration.name, strategy)
    return found


def _ends(fits: Sequence[Fit]) -> str:
    def mean(column: str) -> float:
        return float(sum(fit.history[column][-1] for fit in fits)) / len(fits)

    text = f"At the last epoch the training loss is {decimals(mean('train_loss'))}"
    validation = mean("val_loss")
    if validation == validation:  # not NaN: a fit without validation has none
        text += f" and the validation loss {decimals(validation)}"
    return text + "."


def folds(study: Study) -> Iterator[Block]:
    """Scores fold by fold: what k-fold validation found."""
    dataset = study.scores.dataset
    members = [f"fold-{fold}" for fold in dataset.development_folds]
    found = [
        (c, {r.member: r for r in c.rows("kfold", "out-of-fold") if r.seed == "0"})
        for c in study.configurations
    ]
    if not any(rows for _, rows in found):
        return
    yield Heading("k-fold validation", 2, "folds")
    yield Paragraph(
        f"Each of the {worded(len(members))} development folds is validated once, by a network "
        "that was trained on the others. The mean of the folds and the pooled score are of the "
        "same predictions; they differ where folds differ in size or, for F1, because a ratio of "
        "sums is no mean of ratios."
    )
    for measure, title in (("accuracy", "accuracy, %"), ("f1_macro", "macro F1")):
        show = percent if measure == "accuracy" else decimals
        rows = []
        for each, scored in found:
            values = [getattr(scored[m], measure).value for m in members if m in scored]
            pooled = getattr(scored["pooled"], measure)
            rows.append(
                [
                    code(each.name),
                    *(
                        show(getattr(scored[m], measure).value) if m in scored else NOTHING
                        for m in members
                    ),
                    show(sum(values) / len(values)),
                    f"{show(min(values))} – {show(max(values))}",
                    show(pooled.value),
                ]
                + ([interval(pooled)] if measure == "accuracy" else [])
            )
        columns = [
            Column("configuration", align="left"),
            *(Column(m.replace("fold-", ""), "validated on fold") for m in members),
            Column("mean", "over folds"),
            Column("range", "over folds"),
            Column("score", "pooled"),
        ]
        if measure == "accuracy":
            columns.append(Column("95% interval", "pooled"))
        clips = found[0][1]["pooled"].clips
        yield Table(
            f"folds-{measure.replace('_', '-')}",
            f"k-fold validation: {title}, of each fold and pooled over {count(clips)} "
            "out-of-fold clips" + (", first seed." if study.plan.get("seeds", 1) > 1 else "."),
            columns,
            rows,
        )


def comparison(study: Study) -> Iterator[Block]:
    """The table that sets all configurations side by side, and the long one under it."""
    shown = views(study)
    yield Heading("All configurations compared", 2, "compared")
    sides = " and ".join(view.title for view in shown)
    yield Paragraph(
        f"[@comparison] is the comparison of this study: {sides}, with what each network costs. "
        "The highest figure of a column is bold; whether it is *better* is another question, "
        "which [@differences-table] answers."
        if study.scores.comparisons
        else f"[@comparison] sets the configurations side by side: {sides}, with what each costs."
    )
    strategies = list(dict.fromkeys(s for c in study.configurations for s in c.train_seconds))
    columns = [Column("configuration", align="left")]
    body = [[code(each.name)] for each in study.configurations]
    for view in shown:
        scored = [view.quoted(each) for each in study.configurations]
        for title, cells in (
            ("accuracy, %", _bold([r and r.accuracy.value for r in scored], percent)),
            ("F1 macro", _bold([r and r.f1_macro.value for r in scored], decimals)),
            ("F1 weighted", _bold([r and r.f1_weighted.value for r in scored], decimals)),
            ("AUC", _bold([r and r.auc_macro for r in scored], decimals)),
        ):
            columns.append(Column(title, view.title))
            for line, cell, row in zip(body, cells, scored, strict=True):
                bounds = interval(row.accuracy) if row and title.startswith("accuracy") else ""
                line.append(f"{cell} {bounds}".strip())
    for kind in ("trainable", "fixed"):
        columns.append(Column(kind, "parameters"))
        for line, each in zip(body, study.configurations, strict=True):
            line.append(count(getattr(each.parameters["total"], kind)))
    for strategy in strategies:
        columns.append(Column(strategy, "training, min"))
        for line, each in zip(body, study.configurations, strict=True):
            line.append(minutes(each.train_seconds.get(strategy)))
    yield Table(
        "comparison",
        "**All configurations.** Accuracy with 95% interval (recordings resampled within "
        "category), macro and weighted F1, macro one-vs-rest AUC, parameters, and training time "
        "of all fits of a strategy.",
        columns,
        body,
        dense=True,
    )
    yield Figure(
        "accuracies",
        plots.accuracies(study.configurations, shown),
        f"Accuracy of each configuration with its 95% interval: {sides}.",
        "Dot plot of accuracies. "
        + " ".join(
            f"{each.name}: "
            + ", ".join(
                f"{v.title} {with_interval(r.accuracy)}%" for v in shown if (r := v.quoted(each))
            )
            + "."
            for each in study.configurations
        ),
    )
    yield _all_scores(study)


def _bold(values: Sequence[float | None], show: object) -> list[str]:
    highest = max((v for v in values if v is not None), default=None)
    texts = [show(v) for v in values]  # type: ignore[operator]
    best = show(highest)  # type: ignore[operator]
    return [
        f"**{t}**" if t == best and len(values) > 1 and highest is not None else t for t in texts
    ]


def _all_scores(study: Study) -> Table:
    """Pooled and single scores of every strategy; those of each fold stand above."""
    rows = []
    for each in study.configurations:
        for row in each.scores:
            if row.member.startswith("fold-") and row.strategy != "holdout":
                continue
            rows.append(
                [
                    code(each.name),
                    row.strategy,
                    "test" if row.on == "test" else "out-of-fold",
                    row.declared
                    + ("" if row.seed in ("0", "mean", "ensemble") else f", seed {row.seed}"),
                    count(row.clips),
                    with_interval(row.accuracy),
                    decimals(row.f1_macro.value),
                    decimals(row.f1_weighted.value),
                    decimals(row.auc_macro),
                    decimals(row.log_loss),
                ]
            )
    return Table(
        "all-scores",
        "Every score of every strategy but for the single folds. A log loss is the mean of "
        "−log of the probability given to the truth, in nats.",
        [
            Column("configuration", align="left"),
            Column("strategy", align="left"),
            Column("scored on", align="left"),
            Column("what was scored", align="left"),
            Column("clips"),
            Column("accuracy, %"),
            Column("F1 macro"),
            Column("F1 weighted"),
            Column("AUC"),
            Column("log loss"),
        ],
        rows,
        dense=True,
    )


def seeds(study: Study) -> Iterator[Block]:
    """Mean and range over seeds, where several were trained."""
    number = int(study.plan.get("seeds", 1))
    if number < 2:
        return
    shown = views(study)
    yield Heading("Seeds", 2, "seeds")
    yield Paragraph(
        f"Every fit was repeated with {worded(number)} seeds. An interval tells how far a score "
        "would move with other recordings; the range over seeds tells how far it moves with other "
        "first weights and another order of clips."
    )
    rows = []
    for each in study.configurations:
        line = [code(each.name)]
        for view in shown:
            mean = each.row(view.strategy, view.member, view.on, "mean")
            ensemble = each.row(view.strategy, view.member, view.on, "ensemble")
            spread = mean.accuracy.range if mean else None
            line += [
                percent(mean.accuracy.value) if mean else NOTHING,
                f"{percent(spread[0])} – {percent(spread[1])}" if spread else NOTHING,
                percent(ensemble.accuracy.value) if ensemble else NOTHING,
            ]
        rows.append(line)
    columns = [Column("configuration", align="left")]
    for view in shown:
        columns += [Column(t, view.title) for t in ("mean", "range", "ensemble")]
    yield Table(
        "seeds-table",
        f"Accuracy over {number} seeds, %: mean, lowest to highest, and that of the averaged "
        "probabilities.",
        columns,
        rows,
    )


def confusions(study: Study) -> Iterator[Block]:
    """Who was taken for whom."""
    names = study.scores.dataset.categories
    yield Heading("Confusion matrices", 2, "confusions")
    yield Paragraph(
        "Rows are what a clip is, columns what it was heard as; a cell holds the number of clips "
        "and is the darker the larger its share of the row. Out-of-fold matrices are pooled over "
        "the development folds." + _first_seed(study)
    )
    for each in study.configurations:
        rows = [(v.title, r) for v in views(study) if (r := v.drawn(each)) and r.confusion]
        if not rows:
            continue
        yield Figure(
            f"confusion-{each.name}",
            plots.confusions(each.name, names, rows),
            f"{code(each.name)}: confusion matrices, {listed([title for title, _ in rows])}.",
            f"Confusion matrices of {each.name}. "
            + " ".join(f"{title}: {_diagonal(names, row.confusion)}" for title, row in rows),
        )


def _diagonal(names: Sequence[str], matrix: Sequence[Sequence[int]]) -> str:
    right = [
        f"{category(n)} {line[at]} of {sum(line)}"
        for at, (n, line) in enumerate(zip(names, matrix, strict=True))
    ]
    return "right are " + ", ".join(right) + "."


def _first_seed(study: Study) -> str:
    return " They are of the first seed." if study.plan.get("seeds", 1) > 1 else ""


def roc(study: Study) -> Iterator[Block]:
    """How well each class is ranked above the rest."""
    names = study.scores.dataset.categories
    yield Heading("ROC curves", 2, "roc")
    more = ""
    if len(names) > plots.MOST_PANELS:
        more = f" Of the {len(names)} categories the first {plots.MOST_PANELS} are drawn."
    yield Paragraph(
        "Each category against all others, from probabilities. Scores of different networks do "
        "not pool, so the out-of-fold curve is the mean of the folds' curves, and its area the "
        "mean of their areas." + _first_seed(study) + more
    )
    for each in study.configurations:
        rows = [(v.title, r) for v in views(study) if (r := v.drawn(each)) and r.roc]
        if not rows:
            continue
        areas = "; ".join(
            f"{title}: "
            + ", ".join(f"{category(c.category)} {decimals(c.auc)}" for c in row.per_class)
            for title, row in rows
        )
        yield Figure(
            f"roc-{each.name}",
            plots.roc_curves(each.name, names, rows),
            f"{code(each.name)}: ROC curves of each category against the rest, "
            f"{listed([title for title, _ in rows])}.",
            f"ROC curves of {each.name}. Areas under them, {areas}.",
        )


def classes(study: Study) -> Iterator[Block]:
    """Precision, recall, F1 and AUC of each class."""
    yield Heading("Category by category", 2, "classes")
    chunks = [
        study.configurations[at : at + A_TABLE_HOLDS]
        for at in range(0, len(study.configurations), A_TABLE_HOLDS)
    ]
    for view in views(study):
        for at, chunk in enumerate(chunks):
            yield _class_table(view, chunk, f"classes-{view.on}-{at}")


def _class_table(view: View, chunk: Sequence[Configuration], name: str) -> Table:
    scored = [(each, view.drawn(each)) for each in chunk]
    rows_of = [(each, row.per_class) for each, row in scored if row and row.per_class]
    columns = [Column("category", align="left"), Column("clips")]
    lines = [[category(c.category), count(c.support)] for c in rows_of[0][1]]
    for each, found in rows_of:
        columns += [Column(title, each.name) for title in ("P", "R", "F1", "AUC")]
        for line, scores in zip(lines, found, strict=True):
            line += [decimals(x) for x in (scores.precision, scores.recall, scores.f1, scores.auc)]
    return Table(
        name,
        f"Precision (P), recall (R), F1 and one-vs-rest AUC of each category: {view.title}.",
        columns,
        lines,
        dense=True,
    )


def pairs(study: Study) -> Iterator[Block]:
    """Which differences are more than chance."""
    found = study.scores.comparisons
    if not found:
        return
    yield Heading("Pairwise comparisons", 2, "pairs")
    yield Paragraph(
        "Two configurations are compared on the same out-of-fold clips. If neither is better, the "
        "sign of what one gains over the other on a recording is arbitrary: p is the share of all "
        "choices of signs that give as large a difference. McNemar's exact test looks at the clips "
        f"that only one of the two got right. {plural(len(found), 'pair')} asked is "
        f"{worded(len(found))} chances to err, so p is adjusted by Holm's method."
        if len(found) > 1
        else "The two configurations are compared on the same out-of-fold clips. If neither is "
        "better, the sign of what one gains over the other on a recording is arbitrary: p is the "
        "share of all choices of signs that give as large a difference. McNemar's exact test looks "
        "at the clips that only one of the two got right."
    )
    yield Table(
        "differences-table",
        "Pairs of configurations: accuracy of the first less that of the second, in percentage "
        "points, on out-of-fold clips.",
        [
            Column("pair", align="left"),
            Column("difference"),
            Column("95% interval"),
            Column("p"),
            Column("p, Holm"),
            Column("only first : only second right", align="center"),
            Column("p, McNemar"),
            Column("verdict", align="left"),
        ],
        [
            [
                f"{code(p.first)} – {code(p.second)}",
                points(p.difference),
                f"[{points(p.low)}, {points(p.high)}]",
                probability(p.p_permutation),
                probability(p.p_holm),
                f"{p.mcnemar.first_only} : {p.mcnemar.second_only}",
                probability(p.mcnemar.p),
                words(p.verdict),
            ]
            for p in found
        ],
        dense=True,
    )
    yield Figure(
        "differences",
        plots.differences(found),
        "Differences in out-of-fold accuracy with their 95% intervals; filled diamonds are those "
        "that chance does not explain (p adjusted by Holm's method at most 0.05).",
        "Differences between pairs of configurations, in percentage points. "
        + " ".join(
            f"{p.first} less {p.second}: {points(p.difference)}, from {points(p.low)} to "
            f"{points(p.high)}."
            for p in found
        ),
    )


def words(verdict: str) -> str:
    """A verdict without the numbers, which stand beside it."""
    return verdict.partition(" (")[0]


def literature(study: Study) -> dict[str, Bounded]:
    """Placeholder."""
    return {}


__all__ = ["configurations", "out_of_fold", "results", "tested"]
