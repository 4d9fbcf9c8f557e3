"""What searches were worth: what they found, against the best that none of them touched."""

import re
from collections.abc import Iterator
from typing import Any

from auricle.evaluation.comparison import ALPHA
from auricle.evaluation.intervals import Interval
from auricle.report.document import Block, Column, Heading, Paragraph, Table, code, plain
from auricle.report.groups import grouped, searched
from auricle.report.headlines import View, out_of_fold
from auricle.report.scores import Configuration, Pair
from auricle.report.study_files import Study
from auricle.report.wording import change, count, decimals, listed, probability


def gained(study: Study) -> Iterator[Block]:
    """Each find against the best of its kind that no search has touched; nothing without finds."""
    view = out_of_fold(study)
    pairs = list(_rivals(study, view)) if view else []
    if not view or not pairs:
        return
    yield Heading("What the searches gained", 2, "searches-gained")
    told = [_verdict(pairs), _base_alone(study, pairs), _machines(study)]
    yield Paragraph(" ".join(sentence for sentence in told if sentence))
    yield Table(
        "searches-gained-table",
        f"What searches found, against the best of its kind that none has touched: {view.title}.",
        [
            Column("found", align="left"),
            Column("against", align="left"),
            Column("accuracy, points", "gained"),
            Column("p (Holm)", "gained"),
            Column("found", "log loss"),
            Column("against", "log loss"),
            Column("found", "trainable"),
            Column("against", "trainable"),
        ],
        [
            [
                code(found.name),
                code(rival.name),
                *_points(pair, found),
                *(decimals(_log_loss(view, each)) for each in (found, rival)),
                *(count(each.parameters["total"].trainable) for each in (found, rival)),
            ]
            for found, rival, pair in pairs
        ],
        note="p as in [@differences-table], over all pairs of the study.",
        source="scores.json",
    )


Rivals = tuple[Configuration, Configuration, Pair]


def _rivals(study: Study, view: View) -> Iterator[Rivals]:
    """A find, the most accurate other configuration of its kind of head, and how they compare."""
    finds = searched(study)
    for found in study.configurations:
        others = [
            (row.accuracy.value, other)
            for other in study.configurations
            if other.name not in finds
            and bool(other.blocks) == bool(found.blocks)
            and (row := view.quoted(other))
        ]
        if found.name not in finds or not others or not view.quoted(found):
            continue
        rival = max(others, key=lambda each: each[0])[1]
        for pair in study.scores.comparisons:
            if {pair.first, pair.second} == {found.name, rival.name}:
                yield found, rival, pair


def _log_loss(view: View, each: Configuration) -> float | None:
    row = view.quoted(each)
    return row.log_loss if row else None


def _points(pair: Pair, found: Configuration) -> tuple[str, str]:
    """How much more accurate the find is, with its interval, and p."""
    gain = Interval(pair.difference, pair.low, pair.high)
    if pair.first != found.name:
        gain = Interval(-pair.difference, -pair.high, -pair.low)
    return change(gain), probability(pair.p_holm)


def _verdict(pairs: list[Rivals]) -> str:
    told = [
        f"{code(found.name)} is {word} than {code(rival.name)}"
        for found, rival, pair in pairs
        if pair.p_holm <= ALPHA
        for word in ["better" if (pair.difference > 0) == (pair.first == found.name) else "worse"]
    ]
    verdict = (
        f"In accuracy, beyond chance, {listed(told)}"
        if told
        else "In accuracy, nothing that they found can be told apart from the best that no search "
        "has touched"
    )
    return f"The searches minimised log loss. {verdict} ([@searches-gained-table])."


def _base_alone(study: Study, pairs: list[Rivals]) -> str:
    """Which finds differ from their rival in front-end and base alone."""

    def rest(recipe: dict[str, Any]) -> dict[str, Any]:
        for part in ("frontend", "base"):
            recipe.get("network", {}).pop(part, None)
        return recipe

    alone = [(f.name, r.name) for f, r, _ in pairs if len(grouped(study, [f, r], rest)) == 1]
    if not alone:
        return ""
    named = listed([f"{code(found)} differs from {code(rival)}" for found, rival in alone])
    return (
        f"{named} in front-end and base alone: this is what these, as they were found, are worth "
        "at full length."
    )


def _machines(study: Study) -> str:
    """Why a recipe with a seed may have another score in a search than in the study."""
    there = {str(each.environment.get("processor", "")) for each in study.tunings if not each.kept}
    named = str(study.environment.get("processor", ""))
    here = re.split(", (?:resumed|scored anew) on ", named)
    if there == {*here} or not all([*there, *here]):
        return ""
    return (
        f"The searches ran on {plain(listed(sorted(there)))}, the fits of the study on "
        f"{plain(listed(here))}: with one seed, a recipe has other weights on another processor, "
        "and a score in a search and one in the study then differ as if by a seed."
    )
