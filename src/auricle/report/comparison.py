"""All configurations in one table, and who answers together."""

from collections.abc import Callable, Iterator, Sequence

from auricle.evaluation.intervals import Interval
from auricle.report.document import Block, Column, Heading, Paragraph, Table, code, plain
from auricle.report.groups import kindness, one_texture
from auricle.report.headlines import out_of_fold, views
from auricle.report.observations import on_intervals
from auricle.report.scores import ScoreRow
from auricle.report.study_files import Study
from auricle.report.wording import (
    count,
    decimals,
    interval,
    listed,
    minutes,
    percent,
    plural,
    with_interval,
    worded,
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
    strategies, alone = study.strategies_fitted, events_alone(study)
    columns = [Column("configuration", align="left")]
    body = [[plain(each.name)] for each in study.configurations]
    for view in shown:
        scored = [view.quoted(each) for each in study.configurations]
        accuracies = [row.accuracy if row else None for row in scored]
        columns.append(Column("accuracy, %", view.title, "center", 1))
        best = _bold([each.value if each else None for each in accuracies], percent)
        for line, cell, accuracy in zip(body, best, accuracies, strict=True):
            line.append(f"{cell}\n{interval(accuracy)}" if accuracy else cell)
        for title, values in (
            ("F1\nmacro", [row.f1_macro.value if row else None for row in scored]),
            ("AUC", [row.auc_macro if row else None for row in scored]),
        ):
            columns.append(Column(title, view.title))
            for line, cell in zip(body, _bold(values, decimals), strict=True):
                line.append(cell)
        if view.on == "out-of-fold" and alone:
            columns.append(Column("accuracy, %", ALONE, "center", 1))
            best = _bold([score.value if score else None for score in alone], percent)
            for line, cell, score in zip(body, best, alone, strict=True):
                line.append(f"{cell}\n{interval(score)}" if score else cell)
    for kind in ("trainable", "fixed"):
        columns.append(Column(kind, "parameters"))
        for line, each in zip(body, study.configurations, strict=True):
            line.append(count(getattr(each.parameters["total"], kind)))
    for strategy in strategies:
        columns.append(Column(strategy, "training, min"))
        for line, each in zip(body, study.configurations, strict=True):
            line.append(minutes(study.seconds(each.name, strategy)))
    yield Table(
        "comparison",
        "**All configurations.** Accuracy with 95% interval (recordings resampled within "
        "category), macro F1, macro one-vs-rest AUC, parameters, and training time "
        "of all fits of a strategy"
        + (", of `esc5` beside that of `refit`." if {"esc5", "refit"} <= {*strategies} else ".")
        + (
            f" {ALONE.capitalize()}: what is right out-of-fold without the texture"
            + (", which is the same in all of them" if one_texture(study) else "")
            + " (from `evidence/texture.json`)."
            if alone
            else ""
        ),
        columns,
        body,
        note=" ".join(said for said in (on_intervals(study), kindness(study)) if said),
        dense=True,
        source="comparison.csv",
    )
    if study.scores.committees:
        yield Paragraph(committees(study))
    yield _all_scores(study)


ALONE = "base and head alone"


def events_alone(study: Study) -> list[Interval | None]:
    """Out-of-fold accuracy of each configuration without its texture, where that was asked."""
    found = study.evidence.get("texture")
    asked = {of.configuration: of.events.accuracy for of in found.configurations} if found else {}
    return [asked.get(each.name) for each in study.configurations] if asked else []


def committees(study: Study) -> str:
    """Who answers together, what that costs, and what the best answers with all its seeds."""
    told = "; ".join(
        f"{code(each.name)} is {listed([code(name) for name in each.of])}, "
        f"{count(study.seeds * each.parameters['total'].trainable)} trainable parameters in its "
        f"{plural(study.seeds * len(each.of), 'network')}"
        for each in study.scores.committees
    )
    return (
        "Networks can also answer together, as a committee: the mean of the probabilities of every "
        f"seed. {told}.{_together(study)} It costs as many times the training and the answer as it "
        "has networks; [@all-scores] has its scores at the end. No network answers for a clip that "
        "it learnt from."
    )


def _together(study: Study) -> str:
    """Out-of-fold accuracy of the committees, beside that of the best configuration's seeds."""
    view = out_of_fold(study)
    best = next((c for c in study.configurations if c.name == study.scores.best.out_of_fold), None)
    if view is None or best is None:
        return ""
    key = (view.strategy, view.member, view.on, "ensemble")
    alone = best.row(*key)
    shared = [
        (each, row)
        for each in study.scores.committees
        for row in each.scores
        if (row.strategy, row.member, row.on, row.seed) == key
    ]
    if alone is None or not shared:
        return ""
    told = listed([f"{code(c.name)} is right on {with_interval(r.accuracy)}%" for c, r in shared])
    return (
        f" Out-of-fold {told}; the {worded(study.seeds)} seeds of {code(best.name)}, the "
        "configuration of highest out-of-fold accuracy, answer together on their own: "
        f"{with_interval(alone.accuracy)}%."
    )


def _bold(values: Sequence[float | None], show: Callable[[float | None], str]) -> list[str]:
    """Figures as text, the highest of several in bold."""
    best = show(max((value for value in values if value is not None), default=None))
    texts = [show(value) for value in values]
    marked = len(set(texts)) > 1
    return [f"**{text}**" if marked and text == best else text for text in texts]


def _all_scores(study: Study) -> Table:
    """Pooled and single scores of every strategy; those of each fold stand above."""
    rows: list[list[str]] = []
    breaks = []
    for each in study.configurations:
        breaks.append(len(rows))
        for row in each.scores:
            single = row.member.startswith("fold-") and row.strategy != "holdout"
            averaged = each.row(row.strategy, row.member, row.on, "mean") not in (None, row)
            if single or (averaged and row.seed != "ensemble"):
                continue
            rows.append(_cells(each.name, row))
    for committee in study.scores.committees:
        breaks.append(len(rows))
        rows += [_cells(committee.name, row) for row in committee.scores]
    return Table(
        "all-scores",
        "Scores of all strategies; those of single folds, and of single seeds where there are "
        "several, are left out. A log loss is the mean of −log of the probability given to the "
        "truth, in nats.",
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
        breaks=breaks[1:],
        source="comparison.csv",
    )


OVER_SEEDS = {
    "ensemble": ", each of networks averaged",
    "mean": ", each the mean of networks' scores",
}
"""What a mean over seeds is a mean of, where one seed has several networks for a clip."""


def _cells(name: str, row: ScoreRow) -> list[str]:
    of = OVER_SEEDS.get(row.member, "") if row.seed == "mean" else ""
    seed = "" if row.seed in ("0", "mean", "ensemble") else f", seed {row.seed}"
    return [
        plain(name),
        row.strategy,
        "test" if row.on == "test" else "out-of-fold",
        row.declared + of + seed,
        count(row.clips),
        with_interval(row.accuracy),
        decimals(row.f1_macro.value),
        decimals(row.f1_weighted.value),
        decimals(row.auc_macro),
        decimals(row.log_loss),
    ]
