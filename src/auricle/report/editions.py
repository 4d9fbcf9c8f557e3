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
            Column("fit", align="left"),
            Column("seed"),
            Column("before", "trained", align="left"),
            Column("now", "trained", align="left"),
            Column("scored", align="left"),
            Column("clips"),
            Column("before", "recognised"),
            Column("now", "recognised"),
        ],
        [
            [
                f"{code(fit.configuration)}, {code(fit.strategy)}, {plain(fit.member)}",
                fit.seed,
                plain(fit.trained_before.replace("T", " ")[:16]),
                plain(fit.trained_now.replace("T", " ")[:16]),
                plain(fit.on),
                count(fit.clips),
                count(fit.right_before),
                count(fit.right_now),
            ]
            for fit in study.replaced
        ],
        source="replaced.csv",
    )


def observed(study: Study) -> str:
    """The same in one observation; nothing where no answers were replaced."""
    fits = {(fit.configuration, fit.strategy, fit.member, fit.seed) for fit in study.replaced}
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
    lost: Counter[str] = Counter()
    for fit in study.replaced:
        # What holdout is scored by is that member of the k-fold networks.
        counts = view.strategy == "kfold" or fit.member == view.member
        if fit.on == view.on and fit.strategy == "kfold" and counts:
            lost[fit.configuration] += fit.right_before - fit.right_now
    before, now = {}, {}
    for each in study.configurations:
        if row := view.quoted(each):
            seeds = sum(of.seed.isdigit() and of.member == view.member
                        for of in each.rows(view.strategy, view.on))  # fmt: skip
            now[each.name] = row.accuracy.value
            before[each.name] = row.accuracy.value + lost[each.name] / (row.clips * seeds)
    return before, now
