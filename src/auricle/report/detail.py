"""The chapter that looks closer: confusions, curves, categories, and pairs of configurations."""

from collections.abc import Iterator, Sequence

from auricle.evaluation.comparison import ALPHA
from auricle.report import plots, rocs
from auricle.report.document import (
    Block,
    Column,
    Either,
    Figure,
    Heading,
    Paragraph,
    Table,
    code,
    plain,
)
from auricle.report.groups import kindness, pairs_that_tell
from auricle.report.headlines import View, views
from auricle.report.scores import Configuration, ScoreRow
from auricle.report.study_files import Study
from auricle.report.wording import (
    category,
    configurations,
    count,
    decimals,
    figures,
    listed,
    points,
    probability,
    worded,
)

A_TABLE_HOLDS = 4  # configurations side by side on paper


def detail(study: Study) -> Iterator[Block]:
    """All of it, as far as the study has it; sections of the chapter of results."""
    yield from pairs(study)
    yield from confusions(study)
    yield from roc(study)
    yield from classes(study)


def confusions(study: Study) -> Iterator[Block]:
    """Who was taken for whom."""
    drawn = [
        _confusion(study.scores.dataset.categories, each.name, rows)
        for each in study.configurations
        if (rows := [(v.title, r) for v in views(study) if (r := v.drawn(each)) and r.confusion])
    ]
    if not drawn:
        return
    yield Heading("Confusion matrices", 2, "confusions")
    yield Paragraph(
        f"In {figures([figure.name for figure in drawn])} rows are what a clip is, columns what it "
        "was heard as; a cell holds the number of clips and is the darker the larger its share of "
        "the row. Out-of-fold matrices are pooled over the development folds." + _first_seed(study)
    )
    yield from drawn


def _confusion(
    names: Sequence[str], configuration: str, rows: Sequence[tuple[str, ScoreRow]]
) -> Figure:
    svg, panels = plots.confusions(configuration, names, rows)
    return Figure(
        f"confusion-{configuration}",
        svg,
        f"{code(configuration)}: confusion matrices, {listed([title for title, _ in rows])}.",
        f"Confusion matrices of {configuration}. "
        + " ".join(f"{title}: {_diagonal(names, row.confusion)}" for title, row in rows),
        floats=True,
        panels=panels,
    )


def _diagonal(names: Sequence[str], matrix: Sequence[Sequence[int]]) -> str:
    right = [
        f"{category(n)} {line[at]} of {sum(line)}"
        for at, (n, line) in enumerate(zip(names, matrix, strict=True))
    ]
    return "right are " + ", ".join(right) + "."


def _first_seed(study: Study) -> str:
    return " They are of the first seed." if study.seeds > 1 else ""


def roc(study: Study) -> Iterator[Block]:
    """How well each class is ranked above the rest."""
    names = study.scores.dataset.categories
    drawn = [
        Figure(
            f"roc-{each.name}",
            rocs.roc_curves(each.name, names, rows),
            f"{code(each.name)}: ROC curves of each category against the rest, "
            f"{listed([title for title, _ in rows])}.",
            f"ROC curves of {each.name}. Areas under them, {_areas(rows)}.",
            floats=True,
        )
        for each in study.configurations
        if (rows := [(v.title, r) for v in views(study) if (r := v.drawn(each)) and r.roc])
    ]
    if not drawn:
        return
    more = ""
    if len(names) > plots.MOST_PANELS:
        more = f" Of the {len(names)} categories the first {plots.MOST_PANELS} are drawn."
    yield Heading("ROC curves", 2, "roc")
    told = (
        ": each category against all others, from probabilities. Scores of different networks do "
        "not pool, so an out-of-fold curve is the mean of the folds' curves (Fawcett, 2006), and "
        "its area the mean of their areas." + _first_seed(study)
    )
    page = Paragraph(f"{figures([figure.name for figure in drawn])}{told}{more}")
    corner = _roc_corner(study)
    yield Either(
        (page, *drawn),
        (
            Paragraph(f"[@{corner.name}]{told} The page beside this paper has them whole."),
            corner,
        ),
    )


def _roc_corner(study: Study) -> Figure:
    """All configurations in one figure, cut to the corner that curves pass through."""
    shown = [
        (view.title, [(c.name, r) for c in study.configurations if (r := view.drawn(c)) and r.roc])
        for view in views(study)
    ]
    rows = [(title, found) for title, found in shown if found]
    names = [name for _, found in rows for name, _ in found]
    lowest = rocs.lowest_areas([row for _, found in rows for _, row in found])
    some = len(lowest) < len(study.scores.dataset.categories)
    return Figure(
        "roc-corner",
        rocs.roc_corner(rows, lowest),
        "The corner that ROC curves pass through"
        + (f", of the {worded(len(lowest))} categories with the smallest areas" if some else "")
        + ": the rest of each square is empty. The farther from the upper left, the worse. "
        + "; ".join(_mean_areas(name, rows) for name in dict.fromkeys(names))
        + ".",
        "The upper left corner of ROC curves, a panel a configuration. "
        + " ".join(
            f"{name}, {title}: areas "
            + ", ".join(
                f"{category(c.category)} {decimals(c.auc)}"
                for c in row.per_class
                if c.category in lowest
            )
            + "."
            for title, found in rows
            for name, row in found
        ),
        floats=True,
    )


def _mean_areas(
    configuration: str, rows: Sequence[tuple[str, Sequence[tuple[str, ScoreRow]]]]
) -> str:
    areas = [
        f"{decimals(row.auc_macro)} {title}"
        for title, found in rows
        for name, row in found
        if name == configuration
    ]
    return f"{code(configuration)}: ROC curves with a mean area of {listed(areas)}"


def _areas(rows: Sequence[tuple[str, ScoreRow]]) -> str:
    return "; ".join(
        f"{title}: " + ", ".join(f"{category(c.category)} {decimals(c.auc)}" for c in row.per_class)
        for title, row in rows
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
            name = f"classes-{view.on}-{at}"
            yield _class_table(view, chunk, name, _first_seed(study).strip())


def _class_table(view: View, chunk: Sequence[Configuration], name: str, note: str) -> Table:
    scored = [(each, view.drawn(each)) for each in chunk]
    rows_of = [(each, row.per_class) for each, row in scored if row and row.per_class]
    columns = [Column("category", align="left"), Column("clips")]
    lines = [[plain(category(c.category)), count(c.support)] for c in rows_of[0][1]]
    for each, found in rows_of:
        columns += [Column(title, each.name) for title in ("P", "R", "F1", "AUC")]
        for line, scores in zip(lines, found, strict=True):
            line += [decimals(x) for x in (scores.precision, scores.recall, scores.f1, scores.auc)]
    return Table(
        name,
        f"Precision (P), recall (R), F1 and one-vs-rest AUC of each category, {view.title}: "
        f"{configurations([each.name for each, _ in rows_of])}.",
        columns,
        lines,
        note=note,
        dense=True,
        view=view.title,
    )


def pairs(study: Study) -> Iterator[Block]:
    """Which differences are more than chance."""
    found = study.scores.comparisons
    if not found:
        return
    first_seed = "first seed" if study.seeds > 1 else ""
    yield Heading("Pairwise comparisons", 2, "pairs")
    yield Paragraph(
        "Two configurations are compared on the same out-of-fold clips. If neither is better, the "
        "sign of what one gains over the other on a recording is arbitrary: p is the share of all "
        "choices of signs that give as large a difference. McNemar's exact test (1947) looks at "
        "the clips that only one of the two got right; it takes siblings for independent"
        + (", and is of the first seed alone, as these clips are." if study.seeds > 1 else ".")
        + (
            f" To ask {worded(len(found))} questions is to have {worded(len(found))} chances to "
            "err, so p is adjusted by Holm's method (1979)."
            if len(found) > 1
            else ""
        )
        + "".join(f" {each}" for each in (pairs_that_tell(study), kindness(study)) if each)
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
            Column("only one right", first_seed, align="center"),
            Column("p, McNemar", first_seed),
            Column("verdict", align="left"),
        ],
        [
            [
                f"{plain(p.first)} − {plain(p.second)}",
                points(p.difference),
                f"[{points(p.low)}, {points(p.high)}]",
                probability(p.p_permutation),
                probability(p.p_holm),
                f"{p.mcnemar.first_only} : {p.mcnemar.second_only}",
                probability(p.mcnemar.p),
                "cannot be told apart" if p.p_holm > ALPHA else f"**{plain(words(p.verdict))}**",
            ]
            for p in found
        ],
        note=_one_each(len(found)),
        dense=True,
    )
    yield Figure(
        "differences",
        plots.differences(found),
        "Differences in out-of-fold accuracy with their 95% intervals; filled diamonds are those "
        f"that chance does not explain (p adjusted by Holm's method at most {ALPHA:g}). "
        f"{_one_each(len(found))}".rstrip(),
        "Differences between pairs of configurations, in percentage points. "
        + " ".join(
            f"{p.first} less {p.second}: {points(p.difference)}, from {points(p.low)} to "
            f"{points(p.high)}."
            for p in found
        ),
    )


def _one_each(pairs: int) -> str:
    """How an interval can leave out zero where a pair cannot be told apart."""
    if pairs < 2:
        return ""
    return (
        f"Intervals are of one comparison each; the adjusted p allows for having asked all "
        f"{worded(pairs)}: an interval may leave out zero where a pair cannot be told apart."
    )


def words(verdict: str) -> str:
    """A verdict without the numbers, which stand beside it."""
    return verdict.partition(" (")[0]
