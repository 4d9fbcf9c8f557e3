"""How the recipe was found: every lever that was tried on the development folds, and its price."""

from collections.abc import Iterator, Mapping, Sequence

from auricle.evaluation.comparison import ALPHA
from auricle.report import plots
from auricle.report.document import (
    Block,
    Bullets,
    Column,
    Either,
    Figure,
    Heading,
    Paragraph,
    Table,
    plain,
)
from auricle.report.scores import Bounded
from auricle.report.study_files import Study
from auricle.report.wording import (
    NOTHING,
    count,
    decimals,
    percent,
    points,
    probability,
    with_interval,
    worded,
)

Row = dict[str, str]


def tried(study: Study) -> Iterator[Block]:
    """The rows of `tried.csv`, section by section; nothing where a study has none."""
    if not study.tried:
        return
    sections = list(dict.fromkeys(row["section"] for row in study.tried))
    yield Heading("How the recipe was found", 1, "tried")
    yield Paragraph(
        "What was tried on the development folds, one change at a time or a few. Every figure is "
        "of out-of-fold predictions, of networks after their last epoch; of a run that was scored "
        "on the test fold too, these are all that is used. Differences are to the first row of a "
        "section, on the same clips, with their interval and the p of a sign-flip permutation by "
        "recording; many rows were tried, so a small p among them is not yet a finding. A row of "
        "one seed is screening."
    )
    found = {title: [r for r in study.tried if r["section"] == title] for title in sections}
    curves = {
        number: _curve(number, title, rows)
        for number, (title, rows) in enumerate(found.items(), 1)
        if rows[0]["curve"] == "1"
    }
    page: list[Block] = [
        Paragraph("The scaled log loss is that after one temperature for all clips.")
    ]
    for number, (title, rows) in enumerate(found.items(), 1):
        page += [
            Heading(plain(title), 2, f"tried-{number}"),
            Paragraph(plain(rows[0]["says"])),
            _table(number, title, rows),
        ]
        if number in curves:
            page.append(curves[number])
        learned = [row for row in rows if row["learned"]]
        if learned:
            page.append(
                Bullets([f"*{plain(row['name'])}*: {plain(row['learned'])}" for row in learned])
            )
    yield Either(page, [_sections(found), *_apart(study.tried), *curves.values()])


def _sections(found: Mapping[str, Sequence[Row]]) -> Table:
    """A line a section: its row of highest accuracy."""
    lines = []
    for title, rows in found.items():
        best = max(rows, key=lambda row: float(row["accuracy"]))
        lines.append(
            [
                plain(title),
                str(len(rows)),
                plain(best["name"]),
                best["seeds"],
                with_interval(_accuracy(best)),
                _difference(best),
            ]
        )
    return Table(
        "tried-sections",
        "What was tried, by section: of its rows, the one of highest out-of-fold accuracy, %, with "
        "95% interval. The highest of many is partly the luckiest.",
        [
            Column("section", align="left", weight=3),
            Column("rows"),
            Column("highest", align="left", weight=3),
            Column("its\nseeds"),
            Column("accuracy, %"),
            Column("less first\nrow, points"),
        ],
        lines,
        note="Every row, and what was learned from it, stands in the study's report.html.",
        dense=True,
    )


def _apart(rows: Sequence[Row]) -> Iterator[Table]:
    """Rows of any section that a test of their own tells from its first, in either direction."""
    told = [row for row in rows if (p := row["less_p_permutation"]) and float(p) <= ALPHA]
    if not told:
        return
    yield Table(
        "tried-apart",
        "What was tried: rows that a test of their own tells from the first of their section, "
        "better or worse, and what was learned.",
        [
            Column("section", align="left", weight=2),
            Column("row", align="left", weight=2),
            Column("less first\nrow, points"),
            Column("p"),
            Column("what was learned", align="left", weight=6),
        ],
        [
            [
                plain(row["section"]),
                plain(row["name"]),
                points(float(row["less_difference"])),
                probability(float(row["less_p_permutation"])),
                plain(row["learned"]),
            ]
            for row in told
        ],
        note=f"p is not adjusted: of {count(sum(bool(r['less_p_permutation']) for r in rows))} "
        "rows that were tested some would come so far by chance.",
        dense=True,
    )


def _table(number: int, title: str, rows: Sequence[Row]) -> Table:
    columns = [
        Column("row", align="left", weight=2),
        Column("differs in", align="left", weight=3),
        Column("seeds"),
        Column("accuracy, %"),
        Column("range\nover seeds"),
        Column("scaled\nlog loss"),
        Column("less first\nrow, points"),
        Column("p"),
        Column("minutes\na fit"),
        Column("parameters"),
    ]
    cells = [_cells(row) for row in rows]
    told = [at for at in range(len(columns)) if any(row[at] != NOTHING for row in cells)]
    return Table(
        f"tried-table-{number}",
        f"{plain(title)}: out-of-fold accuracy, %, with 95% interval, and what each row costs.",
        [columns[at] for at in told],
        [[row[at] for at in told] for row in cells],
        dense=True,
    )


def _cells(row: Row) -> list[str]:
    low, high = (percent(float(row[f"{end}_seed"])) for end in ("low", "high"))
    p = row["less_p_permutation"]
    return [
        plain(row["name"]),
        plain(row["differs"]),
        row["seeds"],
        with_interval(_accuracy(row)),
        f"{low} – {high}" if int(row["seeds"]) > 1 else NOTHING,
        decimals(_figure(row["log_loss_scaled"])),
        _difference(row),
        probability(float(p)) if p else NOTHING,
        f"{float(row['minutes_a_fit']):.1f}",
        count(int(row["parameters"])),
    ]


def _curve(number: int, title: str, rows: Sequence[Row]) -> Figure:
    names = [row["name"] for row in rows]
    minutes = [float(row["minutes_a_fit"]) for row in rows]
    accuracies = [_accuracy(row) for row in rows]
    told = [
        f"{name}: {cost:.1f} minutes, {with_interval(accuracy)}%"
        for name, cost, accuracy in zip(names, minutes, accuracies, strict=True)
    ]
    return Figure(
        f"tried-curve-{number}",
        plots.minutes_against_accuracy(f"tried-curve-{number}", names, minutes, accuracies),
        f"{plain(title)}: out-of-fold accuracy, %, with its 95% interval, against the minutes that "
        "a fit took.",
        f"{worded(len(rows)).capitalize()} points. " + "; ".join(told) + ".",
    )


def _accuracy(row: Row) -> Bounded:
    value, low, high = (float(row[f"accuracy{end}"]) for end in ("", "_low", "_high"))
    return Bounded(value, low, high)


def _figure(text: str) -> float | None:
    return float(text) if text else None


def _difference(row: Row) -> str:
    if not row["less_difference"]:
        return NOTHING
    low, high = (points(float(row[f"less_{end}"])) for end in ("low", "high"))
    return f"{points(float(row['less_difference']))} [{low}, {high}]"
