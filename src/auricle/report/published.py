"""The protocol of the literature, and what others published under it."""

import csv
import io
from collections.abc import Iterator
from importlib.resources import files

from auricle.report import plots
from auricle.report.document import Block, Column, Figure, Heading, Paragraph, Table, code, plain
from auricle.report.study_files import Study
from auricle.report.wording import listed, percent, with_interval, worded

TOLD_IN_FULL = 2
"""Configurations whose three figures a sentence has room for."""


def packaged(name: str) -> list[dict[str, str]]:
    """A table that comes with the package."""
    text = (files("auricle.report") / name).read_text(encoding="utf-8")
    return list(csv.DictReader(io.StringIO(text)))


def on_every_fold(study: Study) -> str:
    """What the protocol of the literature gave; nothing if it was not run.

    In its three figures where there is room for them, which the section has in any case.
    """
    dataset, found = study.scores.dataset, study.scores.esc5
    development = f"{dataset.development_folds[0]}–{dataset.development_folds[-1]}"
    parts = [
        f"{code(name)} {percent(part['all'].value)}%"
        + (
            f" ({percent(part['development'].value)} on folds {development}, "
            f"{percent(part['test'].value)} on fold {dataset.test_fold})"
            if len(found) <= TOLD_IN_FULL
            else ""
        )
        for name, part in found.items()
    ]
    if not parts:
        return ""
    chosen = ""
    if len(found) > TOLD_IN_FULL and dataset.name == "esc10":
        chosen = f"; recipes were chosen on folds {development}"
    return (
        f"With every fold tested in turn ([@esc5]{chosen}), as in the literature: {listed(parts)}."
    )


def _each_fold(study: Study, name: str) -> list[str]:
    """Accuracy under `esc5` on each fold, of the seeds' mean where there are several."""
    configuration = next(each for each in study.configurations if each.name == name)
    folds = [f"fold-{fold}" for fold in study.scores.dataset.folds]
    rows = [configuration.quoted("esc5", fold, "test") for fold in folds]
    return [percent(row.accuracy.value if row else None) for row in rows]


def published(study: Study) -> Iterator[Block]:
    """The protocol of the literature, as three figures, and what was published under it."""
    found = study.scores.esc5
    known = packaged("literature.csv") if study.scores.dataset.name == "esc10" else []
    if found:
        dataset = study.scores.dataset
        yield Heading("Every fold tested", 2, "esc5")
        development = f"folds {dataset.development_folds[0]}–{dataset.development_folds[-1]}"
        chosen = dataset.name == "esc10"
        yield Paragraph(
            f"Under `esc5` each of the {worded(len(dataset.folds))} folds is tested by a network "
            f"trained on the others. Three figures are given: all folds, {development}"
            f"{' (the recipe was chosen on them)' if chosen else ''} and fold {dataset.test_fold}"
            f"{' (it was not)' if chosen else ''}."
        )
        yield Table(
            "esc5-table",
            "Accuracy under `esc5`, %, with 95% interval.",
            [
                Column("configuration", align="left"),
                Column("all folds"),
                Column(development),
                Column(f"fold {dataset.test_fold}"),
                *(Column(str(fold), "tested on fold") for fold in dataset.folds),
            ],
            [
                [
                    plain(name),
                    *(with_interval(parts[p]) for p in ("all", "development", "test")),
                    *_each_fold(study, name),
                ]
                for name, parts in found.items()
            ],
            source="scores.json",
        )
    if not known:
        return
    yield Heading("Published accuracies", 2, "literature")
    ours = (
        "Of this study's figures only those of `esc5` are obtained as most of these are."
        if found
        else "**No score of this study is comparable with them**: its strategies train on fewer "
        "clips or test on one fold alone. `auricle study` with `--strategy esc5` gives scores that "
        "are."
    )
    yield Paragraph(
        "A selection of what others report on ESC-10, trained from scratch, and what people score "
        "who listen. " + ours
    )
    rows = [
        [
            plain(r["system"]),
            plain(r["reference"]),
            r["accuracy"],
            plain(r["obtained"]),
        ]
        for r in known
    ]
    rows += [
        [f"**{plain(name)}**", "this study", with_interval(parts["all"]), "`esc5`, last epoch"]
        for name, parts in found.items()
    ]
    if found:
        yield Figure(
            "published",
            plots.beside_published(
                [(r["system"].partition(" (")[0], float(r["accuracy"])) for r in known],
                [(f"{name}, this study", parts["all"]) for name, parts in found.items()],
            ),
            "Published accuracies (squares) and those of this study under `esc5`, with 95% "
            "interval. What each rests on is said in the table below.",
            "Dot plot of accuracies: "
            + "; ".join(f"{r['system']} {r['accuracy']}%" for r in known)
            + "; "
            + "; ".join(f"{n}, this study, {with_interval(p['all'])}%" for n, p in found.items())
            + ".",
            source="scores.json",
        )
    yield Table(
        "literature-table",
        "Published accuracies on ESC-10, %, and how each was obtained."
        + ("" if found else " No score of this study is comparable with them."),
        [
            Column("system", align="left"),
            Column("source", align="left"),
            Column("accuracy"),
            Column("how obtained", align="left"),
        ],
        rows,
    )
