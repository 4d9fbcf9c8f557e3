"""The chapter of results: every score of every configuration, as tables and drawings."""

from collections.abc import Iterator, Sequence

from auricle.report import plots
from auricle.report.comparison import comparison
from auricle.report.document import Block, Column, Figure, Heading, Paragraph, Table, code, plain
from auricle.report.headlines import textured, views
from auricle.report.scores import Configuration
from auricle.report.study_files import Fit, Study
from auricle.report.wording import (
    NOTHING,
    count,
    decimals,
    figures,
    interval,
    percent,
    with_interval,
    worded,
)


def results(study: Study) -> Iterator[Block]:
    """All of the chapter, as far as the study has it."""
    yield Heading("Results", 1, "results")
    yield from curves(study)
    yield from folds(study)
    yield from members_tested(study)
    yield from comparison(study)
    yield from seeds(study)


def curves(study: Study) -> Iterator[Block]:
    """Learning curves, a figure a configuration, all on one scale of loss."""
    drawn = [(each, _fits_drawn(study, each)) for each in study.configurations]
    top = plots.highest_loss([fit for _, fits in drawn for fit in fits])
    yield Heading("Learning curves", 2, "curves")
    yield Paragraph(
        f"{figures([f'curves-{each.name}' for each, _ in drawn])}: loss and accuracy are those of "
        "the unaltered clips, under the weights that are scored (the running average), after each "
        "epoch. The objective that training minimises, on augmented and mixed views, is higher; it "
        "stands in the histories."
        + _beside_texture(study)
        + (" All configurations share one scale of loss." if len(drawn) > 1 else "")
    )
    for each, fits in drawn:
        several = len(fits) > 1
        mean = (
            f"mean of the {worded(len(fits))} `{fits[0].strategy}` fits" if several else "one fit"
        )
        band = "; bands reach from the lowest to the highest of them" if several else ""
        validated = fits[0].strategy == "kfold"
        parts = "training (solid) and validation (dashed)" if validated else "training"
        if all(fit.apart for fit in fits):
            parts += ", of base and head; dotted, of the whole network"
        yield Figure(
            f"curves-{each.name}",
            plots.learning_curves(each.name, fits, top),
            f"{code(each.name)}: loss and accuracy by epoch, {parts}, {mean}{band}.",
            f"Learning curves of {each.name}: cross-entropy and accuracy over "
            f"{len(fits[0].history['epoch'])} epochs, {parts}. {_ends(fits)}",
            floats=True,
            source=f"{each.name}/{fits[0].strategy}/",
        )


def _beside_texture(study: Study) -> str:
    """Why accuracies begin high."""
    if not textured(study):
        return ""
    text = (
        " The texture is solved on the training clips before the first epoch and answers with "
        "base and head from then on: "
    )
    if all(fit.apart for fit in study.fits):
        return (
            text + "what both say together (dotted) begins high. What the epochs train, base and "
            "head alone, is drawn with a band."
        )
    return (
        text + "training accuracy begins high, and what falls from there is what base and head "
        "learn."
    )


def _fits_drawn(study: Study, configuration: Configuration) -> list[Fit]:
    """The fits with a validation fold; without any, those there are."""
    found = study.fits_of(configuration.name, "kfold")
    if not found:
        strategy = next(f.strategy for f in study.fits if f.configuration == configuration.name)
        found = study.fits_of(configuration.name, strategy)
    return found


def _ends(fits: Sequence[Fit]) -> str:
    def mean(part: str) -> float:
        return float(sum(fit.trained(part, "loss")[-1] for fit in fits)) / len(fits)

    text = f"At the last epoch the training loss is {decimals(mean('train'))}"
    validation = mean("val")
    if validation == validation:  # not NaN: a fit without validation has none
        text += f" and the validation loss {decimals(validation)}"
    return text + "."


def folds(study: Study) -> Iterator[Block]:
    """Scores fold by fold: what k-fold validation found."""
    dataset = study.scores.dataset
    members = [f"fold-{fold}" for fold in dataset.development_folds]
    found = [
        (c, {m: r for m in (*members, "pooled") if (r := c.quoted("kfold", m, "out-of-fold"))})
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
                    plain(each.name),
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
            f"out-of-fold clips{_over_seeds(study)}.",
            columns,
            rows,
        )


def members_tested(study: Study) -> Iterator[Block]:
    """The test fold, scored by each of the k-fold networks and by all of them together."""
    fold = study.scores.dataset.test_fold
    members = [f"fold-{each}" for each in study.scores.dataset.development_folds]
    rows = []
    for each in study.configurations:
        scored = [each.quoted("kfold", m, "test") for m in (*members, "mean", "ensemble")]
        shown = [percent(row.accuracy.value) if row else NOTHING for row in scored[:-1]]
        together = scored[-1]
        if together:
            rows.append([plain(each.name), *shown, with_interval(together.accuracy)])
    if not rows:
        return
    yield Table(
        "members",
        f"Test fold {fold}: accuracy, %, of each of the k-fold networks, the mean of their scores, "
        f"and that of their averaged probabilities{_over_seeds(study)}.",
        [
            Column("configuration", align="left"),
            *(Column(m.replace("fold-", ""), "network that validates on") for m in members),
            Column("mean", "together"),
            Column("averaged", "together"),
        ],
        rows,
    )


def _over_seeds(study: Study) -> str:
    return f", means over {worded(study.seeds)} seeds" if study.seeds > 1 else ""


def seeds(study: Study) -> Iterator[Block]:
    """Mean and range over seeds, where several were trained."""
    number = study.seeds
    if number < 2:
        return
    shown = views(study)
    yield Heading("Seeds", 2, "seeds")
    yield Paragraph(
        f"Every fit was repeated with {worded(number)} seeds. An interval tells how far a score "
        "would move with other recordings; the range over seeds tells how far it moves when all "
        "that is drawn is drawn anew: first weights, the order of clips, views, and what dropout "
        "leaves out."
    )
    rows = []
    for each in study.configurations:
        line = [plain(each.name)]
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
