"""Answers of an earlier edition of a study that fits of the same recipe and seed replaced."""

from collections import Counter
from collections.abc import Iterator

from auricle.report.document import Block, Column, Paragraph, Table, code, plain
from auricle.report.headlines import out_of_fold
from auricle.report.sentences import extremes
from auricle.report.study_files import Study
from auricle.report.wording import configurations, count, listed, percent, plural


def replaced(study: Study) -> Iterator[Block]:
    """Fits that were trained anew, and how many clips they recognised before and now."""
    if not study.replaced:
        return
    yield Paragraph(
        "Answers that an earlier edition of this study held, and that this one has from fits of "
        f"the same recipe and seed, trained anew ([@replaced]). {order_before(study)}".rstrip()
    )
    yield Table(
        "replaced",
        "Fits that were trained anew, and how many clips they recognise.",
        [
            Column("noted", align="left"),
            Column("fit", align="left"),
            Column("seed"),
            Column("clips", align="left"),
            Column("number"),
            Column("before", "recognised"),
            Column("now", "recognised"),
        ],
        [
            [
                plain(row["date"]),
                f"{code(row['configuration'])}, {code(row['strategy'])}, {plain(row['member'])}",
                row["seed"],
                plain(row["on"]),
                count(int(row["clips"])),
                count(int(row["right_before"])),
                count(int(row["right_now"])),
            ]
            for row in study.replaced
        ],
        source="replaced.csv",
    )


def observed(study: Study) -> str:
    """The same in one observation; nothing where no answers were replaced."""
    fits = {(r["configuration"], r["strategy"], r["member"], r["seed"]) for r in study.replaced}
    if not fits:
        return ""
    return (
        f"**Trained anew.** {plural(len(fits), 'fit')} of an earlier edition of this study "
        f"{'was' if len(fits) == 1 else 'were'} trained again, by the same recipe and seed "
        f"([@replaced]). {order_before(study)}"
    ).rstrip()


def order_before(study: Study) -> str:
    """What the replaced answers change out of fold, and whether another one led with them."""
    before, now = accuracies(study)
    changed = [name for name in now if percent(now[name]) != percent(before[name])]
    if not changed:
        return ""
    told = [f"{code(n)} had {percent(before[n])}%, and has {percent(now[n])}%" for n in changed]
    led = led_before(study)
    return f"Out of fold {listed(told)}." + (f" With the earlier answers {led} led." if led else "")


def led_before(study: Study) -> str:
    """Who had the highest accuracy with the answers that were replaced, where that is another."""
    before, now = accuracies(study)
    if not now:
        return ""
    led, leads = (extremes(values)[0] for values in (before, now))
    return "" if led == leads else configurations(led)


def accuracies(study: Study) -> tuple[dict[str, float], dict[str, float]]:
    """Out-of-fold accuracy of each configuration, with the answers that were replaced and now."""
    view = out_of_fold(study)
    if not view:
        return {}, {}
    rows = {c.name: row for c in study.configurations if (row := view.quoted(c))}
    lost: Counter[str] = Counter()
    for fit in study.replaced:
        if (fit["strategy"], fit["on"]) == (view.strategy, view.on):
            lost[fit["configuration"]] += int(fit["right_before"]) - int(fit["right_now"])
    now = {name: row.accuracy.value for name, row in rows.items()}
    answers = {name: row.clips * study.seeds for name, row in rows.items()}
    return {name: now[name] + lost[name] / answers[name] for name in now}, now
