"""The section on the data set itself: leaks, classes, and what gives a class away unheard."""

from collections.abc import Iterator, Sequence

from auricle.evidence.audit import SPREAD, Audit, ClassFacts
from auricle.evidence.findings import WORDS, Finding, findings, is_above, shortcut_words
from auricle.evidence.predictors import Shortcuts
from auricle.report.document import (
    Block,
    Bullets,
    Column,
    Figure,
    Heading,
    Paragraph,
    Table,
    code,
    plain,
)
from auricle.report.drawing import INK, SERIES, canvas, light_grid
from auricle.report.wording import (
    NOTHING,
    category,
    count,
    listed,
    percent,
    plural,
    with_interval,
)

DRAWN_CLASSES = 50
"""More do not fit on a page."""

MEDIAN = SPREAD.index(50)

DRAWN = (("level_db", "level, dBFS", 1.0), ("bandwidth_hz", "bandwidth, kHz", 1e-3))
"""Measures that are drawn: name, axis, and the factor to its unit."""


def section(found: Audit) -> Iterator[Block]:
    """What is the data like?"""
    yield Heading("What is the data like?", 2, "audit")
    yield Paragraph(
        f"{_compared(found)} were compared with each other, to see whether a "
        "sound stands in two folds: by their bytes, and by an acoustic fingerprint (Wang, 2003), "
        "which knows a sound again at another level, shifted, cut or encoded anew. What they are "
        f"like was measured without fold {found.test_fold}, the test fold. {_verdict(found)}"
    )
    if said := findings(found):
        yield Bullets([_bullet(each) for each in said])
    if found.by_author:
        yield Paragraph(_authors(found))
    yield _classes(found)
    if len(found.classes) <= DRAWN_CLASSES:
        yield _figure(found)
    if found.shortcuts:
        yield Paragraph(
            "How a clip was recorded can give its class away: a random forest was shown nothing "
            "but these numbers, each fold by one that learnt from the others. "
            f"{shortcut_words(found.shortcuts)}"
        )
        yield _shortcuts(found.shortcuts)


def _compared(found: Audit) -> str:
    if found.test_fold in found.compared:
        return "All files, those of the test fold too,"
    return "The files of the development folds, as the test fold stays closed,"


def _verdict(found: Audit) -> str:
    if found.leaks:
        return f"**A sound stands in two folds.** {_touched(found)}"
    near = [each for each in found.matches if len({*each.folds}) == 1]
    inside = f" ({plural(len(near), 'pair')} inside one)" if near else ""
    return f"No sound and no recording was found in two folds{inside}."


def _touched(found: Audit) -> str:
    """How many development clips share a sound with one that their networks learnt from."""
    shared = [*found.across(equal=True), *found.across(equal=False)]
    files = {
        file
        for pair in shared
        if found.test_fold not in pair.folds
        for file in (pair.first, pair.second)
    }
    if found.recordings_astray:
        return "Scores on these folds can be better than they should be:"
    clips = sum(
        number
        for each in found.classes
        for fold, number in each.by_fold.items()
        if fold != found.test_fold
    )
    touched = f"{count(len(files))} of {plural(clips, 'development clip')}"
    if not files:
        return f"It touches no out-of-fold score ({touched}), but those on the test fold:"
    return (
        f"That touches {touched}, whose answers can be better than they should be, and leaves "
        "the others as they are:"
    )


def _bullet(finding: Finding) -> str:
    return f"{plain(finding.what)} {plain(finding.do)}"


def _authors(found: Audit) -> str:
    """Whether authors who stand in several folds flatter the scores, as far as can be seen."""
    first = found.by_author[0]
    told = listed(
        [
            f"{code(each.configuration)} has {with_interval(each.met)}% right of the first and "
            f"{with_interval(each.new)}% of the second"
            for each in found.by_author
        ]
    )
    return (
        f"Of the development clips {count(first.met_clips)} are of an author of whom a network "
        f"that scores them learnt other clips, and {count(first.new_clips)} of one whom it never "
        f"met. Out of fold, first seed, {told}. The two differ in their classes, too: this would "
        "show a large advantage, not a small one."
    )


def _classes(found: Audit) -> Table:
    return Table(
        "audit-classes",
        "The classes: clips and recordings of all folds, and medians of the development folds.",
        [
            Column("class", align="left"),
            Column("clips"),
            Column("recordings"),
            *([Column("authors")] if _has_authors(found) else []),
            *([Column("rate, kHz")] if _has_rates(found) else []),
            Column("length, s", "median"),
            Column("level, dBFS", "median"),
            Column("silence, %", "median"),
            Column("bandwidth, kHz", "median"),
            Column("clipped, ‰", "95th percentile"),
        ],
        [
            _row(each, authors=_has_authors(found), rates=_has_rates(found))
            for each in found.classes
        ],
        note="The level is the root mean square against full scale. Silence is the share of a clip "
        "that is 60 dB weaker than its loudest moment. 99% of the power lie below the bandwidth. "
        "Clipped are samples at full scale, in a thousand: one clip in twenty has more of them. "
        f"{_rates(found)}",
        dense=True,
    )


def _has_authors(found: Audit) -> bool:
    """Whether authors are known class by class."""
    return any(each.authors for each in found.classes)


def _has_rates(found: Audit) -> bool:
    """Whether rates are known class by class; files of before they were asked have none."""
    return any(each.rates_hz for each in found.classes)


def _row(each: ClassFacts, *, authors: bool, rates: bool) -> list[str]:
    head = [plain(category(each.category)), str(each.clips), str(each.recordings)]
    if authors:
        head.append(str(each.authors))
    if not each.spread:
        return [*head, *[NOTHING] * (5 + rates)]
    if rates:
        head.append(" / ".join(f"{rate / 1000:g}" for rate in each.rates_hz) or NOTHING)
    median = {name: values[MEDIAN] for name, values in each.spread.items()}
    return [
        *head,
        f"{median['length_s']:.1f}",
        _signed(median["level_db"]),
        percent(median["silence"]),
        f"{median['bandwidth_hz'] / 1000:.1f}",
        f"{1000 * each.spread['clipped'][-1]:.2f}" if "clipped" in each.spread else NOTHING,
    ]


def _rates(found: Audit) -> str:
    """At which rates the clips were stored, and from how many people they come."""
    rates = listed(
        [
            f"{plural(clips, 'clip')} at {count(rate)} Hz"
            for rate, clips in sorted(found.rates_hz.items())
        ]
    )
    authors = f"; {plural(found.authors, 'author')} in all" if found.authors else ""
    return f"Stored: {rates}{authors}."


def _signed(value: float) -> str:
    return f"{value:.0f}".replace("-", "−")


def _shortcuts(found: Shortcuts) -> Table:
    rows = [
        [
            listed([WORDS[name] for name in each.measures]),
            percent(each.accuracy.value),
            f"[{percent(each.accuracy.low)},\u00a0{percent(each.accuracy.high)}]",
            "yes" if is_above(each, found.chance) else "no",
        ]
        for each in found.found
    ]
    return Table(
        "audit-shortcuts",
        "How often numbers alone name the class, out of fold; naming the largest class would be "
        f"right in {percent(found.chance)}% of the clips.",
        [
            Column("known", align="left"),
            Column("accuracy, %"),
            Column("95% interval"),
            Column("above chance"),
        ],
        rows,
        note="Silence and bandwidth follow from the kind of sound as well, level and length from "
        "how it was recorded and cut.",
        breaks=[len(rows) - 1],
    )


def _figure(found: Audit) -> Figure:
    shown = [each for each in found.classes if each.spread]
    with canvas("audit-figure", 18 + 4.5 * len(shown)) as drawn:
        panels = drawn.figure.subplots(1, len(DRAWN), sharey=True)
        for axes, (name, label, factor) in zip(panels, DRAWN, strict=True):
            for row, each in enumerate(shown):
                low, quarter, median, three, high = (factor * v for v in each.spread[name])
                axes.plot([low, high], [row, row], color=SERIES[0], linewidth=0.8)
                axes.plot([quarter, three], [row, row], color=SERIES[0], linewidth=3.5, alpha=0.5)
                axes.plot([median], [row], color=INK, marker="o", markersize=3)
            axes.set_xlabel(label)
            light_grid(axes, "x")
        panels[0].set_yticks(range(len(shown)), [category(each.category) for each in shown])
        panels[0].invert_yaxis()
    return Figure(
        "audit-figure",
        drawn.svg,
        "Level and bandwidth of the development clips by class: the dot is the median, the thick "
        "line holds half of the clips, the thin line nine of ten. Classes that do not overlap can "
        "be told apart by this alone.",
        f"Ranges of level and bandwidth by class. Medians: {_told(shown)}.",
        floats=True,
    )


def _told(shown: Sequence[ClassFacts]) -> str:
    return "; ".join(
        f"{category(each.category)} {_signed(each.spread['level_db'][MEDIAN])} dB, "
        f"{each.spread['bandwidth_hz'][MEDIAN] / 1000:.1f} kHz"
        for each in shown
    )
