"""Sentences that the numbers choose.

Each function looks at figures of the study and returns what they force, or nothing. Two scores
that are written alike are alike here: no sentence calls 92.8 higher than 92.8.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

import numpy as np

from auricle.evaluation.comparison import ALPHA
from auricle.evaluation.intervals import unseen_share
from auricle.report.document import code
from auricle.report.scores import Bounded, Pair, ScoreRow
from auricle.report.wording import (
    category,
    configurations,
    count,
    decimals,
    equals,
    listed,
    percent,
    plural,
    points,
    worded,
)


def alike(scores: Sequence[float]) -> bool:
    """Whether all would be written the same."""
    return len({percent(score) for score in scores}) == 1


def _size(difference: float) -> str:
    """A difference in points without its sign."""
    return percent(abs(difference))


def extremes(
    values: Mapping[str, float], show: Callable[[float], str] = percent
) -> tuple[list[str], list[str]]:
    """Names that share the highest and the lowest of figures as they are written."""
    texts = {name: show(value) for name, value in values.items()}
    top, bottom = max(values.values()), min(values.values())
    highest, lowest = show(top), show(bottom)
    return (
        [name for name, text in texts.items() if text == highest],
        [name for name, text in texts.items() if text == lowest],
    )


def ranking(accuracies: Mapping[str, Bounded], scored_on: str) -> str:
    """Who is highest and lowest."""
    values = {name: score.value for name, score in accuracies.items()}
    if len(values) == 1:
        ((name, value),) = values.items()
        return f"**Accuracy.** {code(name)} is right on {percent(value)}% of clips {scored_on}."
    if alike([*values.values()]):
        return (
            f"**Ranking.** All {worded(len(values))} configurations have the same accuracy "
            f"{scored_on}, {percent(next(iter(values.values())))}%."
        )
    best, worst = extremes(values)
    spread = max(values.values()) - min(values.values())
    return (
        f"**Ranking.** {_have(best)} the highest accuracy {scored_on} "
        f"({percent(values[best[0]])}%), {configurations(worst)} the lowest "
        f"({percent(values[worst[0]])}%): {_size(spread)} points apart."
    )


def _have(names: Sequence[str]) -> str:
    return f"{configurations(names)} {'has' if len(names) == 1 else 'share'}"


def told_apart(pairs: Sequence[Pair]) -> str:
    """Which differences chance does not explain."""
    if not pairs:
        return ""
    clear = [pair for pair in pairs if pair.p_holm <= ALPHA]
    adjusted = " after Holm's adjustment" if len(pairs) > 1 else ""
    if not clear:
        least = min(pairs, key=lambda pair: pair.p_holm)
        which = (
            "The pair cannot" if len(pairs) == 1 else f"None of the {worded(len(pairs))} pairs can"
        )
        return (
            f"**Is it chance?** {which} be told apart out-of-fold: the smallest p{adjusted} is "
            f"{decimals(least.p_holm)} ({code(least.first)} against {code(least.second)}). The "
            "ranking may be chance."
        )
    better = "; ".join(
        f"{code(winner)} is better than {code(loser)} by {_size(pair.difference)} points "
        f"({equals(pair.p_holm)})"
        for pair in clear
        for winner, loser in [_ordered(pair)]
    )
    rest = len(pairs) - len(clear)
    others = (
        f" The other {worded(rest) + ' pairs' if rest > 1 else 'pair'} cannot be told apart."
        if rest
        else ""
    )
    return f"**Is it chance?** Out-of-fold, {better}{adjusted}.{others}"


def _ordered(pair: Pair) -> tuple[str, str]:
    return (pair.first, pair.second) if pair.difference > 0 else (pair.second, pair.first)


def by_heads(accuracies: Mapping[int, Bounded], among: Sequence[str] = ()) -> str:
    """Whether accuracy follows the number of attention heads, `among` some if not all."""
    if len(accuracies) < 2:
        return ""
    heads = sorted(accuracies)
    values = [accuracies[number].value for number in heads]
    told = listed([f"{percent(v)}% with {h}" for h, v in zip(heads, values, strict=True)])
    written = [float(percent(value)) for value in values]
    steps = [later - earlier for earlier, later in pairwise(written)]
    if alike(values):
        course = "does not depend on the number of heads"
    elif all(step > 0 for step in steps):
        course = "rises with the number of heads"
    elif all(step < 0 for step in steps):
        course = "falls with the number of heads"
    else:
        course = "does not follow the number of heads"
    whose = f"Among {configurations(among)}, alike in all else, o" if among else "O"
    return f"**Heads.** {whose}ut-of-fold accuracy {course}: {told}."


def fold_spread(accuracies: Mapping[str, Mapping[str, float]], clips: int) -> str:
    """How much folds of so many clips differ, and whether one is the hardest for all."""
    if not accuracies:
        return ""
    spreads = {n: max(folds.values()) - min(folds.values()) for n, folds in accuracies.items()}
    hardest = [set(extremes(folds)[1]) for folds in accuracies.values()]
    common = sorted(set.intersection(*hardest))
    low, high = min(spreads.values()), max(spreads.values())
    span = _size(high)
    if points(low) != points(high):
        span = f"{_size(low)} to {span}"
    if alike([value for folds in accuracies.values() for value in folds.values()]):
        return "**Folds.** All folds have the same accuracy."
    mean = float(np.mean([value for folds in accuracies.values() for value in folds.values()]))
    by_chance = range_by_chance(mean, clips, max(len(folds) for folds in accuracies.values()))
    text = (
        f"**Folds.** The accuracies of a configuration's folds lie {span} points apart; equally "
        f"hard ones, of {plural(clips, 'clip')} each, would lie about {_size(by_chance)} apart by "
        "chance."
    )
    word = "Hardest" if low > by_chance else "Lowest"
    if common:
        name = common[0].replace("fold-", "fold ")
        for_all = " for every configuration" if len(accuracies) > 1 else ""
        tied = any(len(each) > 1 for each in hardest)
        also = f", or as {'hard' if word == 'Hardest' else 'low'} as another,"
        return f"{text} {word}{also if tied else ''}{for_all}: {name}."
    return f"{text} No fold is the {word.lower()} for all of them."


def range_by_chance(share: float, clips: int, folds: int) -> float:
    """Median range of the shares of right clips in folds that are equally hard.

    Clips are taken for independent, as siblings are not: it is rather too small.
    """
    drawn = np.random.default_rng(0).binomial(clips, share, (10_000, folds)) / clips
    return float(np.median(np.ptp(drawn, axis=1)))


def weakest(rows: Mapping[str, ScoreRow], of: str = "") -> str:
    """The classes with the lowest and the highest F1; `of` says of which seed, among several."""
    if not rows:
        return ""
    low: dict[str, list[str]] = {}
    high: Counter[str] = Counter()
    told = {}
    for name, row in rows.items():
        scores = {c.category: c.f1 for c in row.per_class if c.f1 is not None}
        best, worst = extremes(scores, decimals)
        low.setdefault(worst[0], []).append(name)
        told[name] = scores[worst[0]]
        high.update(best)
    if len(low) == 1:
        ((worst_category, names),) = low.items()
        values = sorted(told[name] for name in names)
        span = decimals(values[0])
        if decimals(values[-1]) != span:
            span += f" to {decimals(values[-1])}"
        for_all = "" if len(rows) == 1 else " for every configuration"
        text = f"*{category(worst_category)}* has the lowest out-of-fold F1{of}{for_all} ({span})."
    else:
        text = (
            f"Which has the lowest out-of-fold F1{of} depends on the configuration: "
            + listed(
                [
                    f"*{category(worst)}* for {configurations(names)} "
                    f"({listed([decimals(told[name]) for name in names])})"
                    for worst, names in low.items()
                ]
            )
            + "."
        )
    always = [name for name, times in high.items() if times == len(rows)]
    if always and not (len(low) == 1 and set(always) & set(low)):
        text += f" The highest is that of {listed([f'*{category(name)}*' for name in always])}."
    return f"**Categories.** {text}"


def commonest_confusion(
    categories: Sequence[str], rows: Mapping[str, ScoreRow], of: str = ""
) -> str:
    """Which category is most often taken for which other; `of` as for `weakest`."""
    matrices = {name: np.array(row.confusion) for name, row in rows.items() if row.confusion}
    if not matrices:
        return ""
    total = np.sum([*matrices.values()], axis=0)
    off = total - np.diag(np.diag(total))
    if not off.any():
        return f"**Confusions.** No clip was taken for another category out-of-fold{of}."
    order = np.argsort(-off, axis=None, kind="stable")[:3]
    found = [np.unravel_index(at, off.shape) for at in order]
    told = listed(
        [
            f"*{category(categories[truth])}* heard as *{category(categories[given])}* "
            f"({off[truth, given]} of {total[truth].sum()})"
            for truth, given in found
            if off[truth, given]
        ]
    )
    together = " over all configurations" if len(matrices) > 1 else ""
    truth, given = found[0]
    back = int(off[given, truth])
    often = "equally often" if back == off[truth, given] else plural(back, "time")
    reverse = f"The reverse of the first happens {often if back else 'never'}."
    return f"**Confusions.** Most frequent out-of-fold{of}{together}: {told}. {reverse}"


def on_test_fold(development: Mapping[str, Bounded], test: Mapping[str, Bounded], fold: int) -> str:
    """How hard the test fold is to the very networks that gave the out-of-fold scores."""
    both = [name for name in development if name in test]
    changes = {name: test[name].value - development[name].value for name in both}
    told = _told_points(changes)
    written = [round(100 * change, 1) for change in changes.values()]
    if all(change < 0 for change in written):
        way = "is harder"
    elif all(change > 0 for change in written):
        way = "is easier"
    else:
        way = "is neither harder nor easier throughout"
    text = (
        f"**Test fold.** To the networks that gave the out-of-fold scores, fold {fold} {way} than "
        f"what they were validated on: their accuracy there differs by {told}."
    )
    inside = [
        name
        for name in both
        if (low := test[name].low) is not None
        and (high := test[name].high) is not None
        and low <= development[name].value <= high
    ]
    if len(inside) == len(both):
        text += " Each out-of-fold accuracy lies within the interval of the one there."
    elif inside:
        text += (
            f" Only the out-of-fold accuracy of {configurations(inside)} lies within the interval "
            "of the one there."
        )
    else:
        text += " No out-of-fold accuracy lies within the interval of the one there."
    if len(both) > 1:
        first = extremes({n: development[n].value for n in both})[0]
        again = extremes({n: test[n].value for n in both})[0]
        same = set(first) & set(again)
        text += (
            f" {configurations(sorted(same))} is highest on both."
            if len(same) == 1
            else f" Highest there: {configurations(again)}."
            if not same
            else ""
        )
        text += " On so few recordings that decides nothing, and it is not tested."
    return text


def of_refit(
    members: Mapping[str, Bounded], refit: Mapping[str, Bounded], fold: int, clips: tuple[str, str]
) -> str:
    """What networks gain on the test fold that learn from all development clips.

    `clips`: how many the members learnt from, and how many there are.
    """
    changes = {n: refit[n].value - members[n].value for n in members if n in refit}
    if not changes:
        return ""
    fewer, all_of_them = clips
    return (
        f"**Refit.** The networks of `refit` learnt from all {all_of_them} development clips, "
        f"those that gave the out-of-fold scores from {fewer}: on fold {fold} their accuracy "
        f"differs from theirs by {_told_points(changes)}. More clips, other clips "
        "and more steps of training are one change here, and cannot be told apart."
    )


def few_recordings(recordings: Mapping[str, int], fold: int) -> str:
    """What intervals on the test fold are worth, from its recordings in each category."""
    fewest = min(recordings.values())
    where = [category(name) for name, number in recordings.items() if number == fewest]
    few = (
        f"{count(fewest)} in each category"
        if len(where) == len(recordings)
        else f"in some categories as few as {count(fewest)} ({listed(where)})"
    )
    number = sum(recordings.values())
    return (
        f"Fold {fold} holds {plural(number, 'recording')}, {few}: scores on it are uncertain by at "
        "least what their intervals say, and even one of 100% would allow "
        f"{percent(unseen_share(number))}% of errors."
    )


def _told_points(changes: Mapping[str, float]) -> str:
    """+1.2 points for a, −0.3 for b."""
    told = [f"{points(change)} for {code(name)}" for name, change in changes.items()]
    return listed([told[0].replace(" for", " points for", 1), *told[1:]])


def averaging(gains: Mapping[str, float]) -> str:
    """Whether the mean of the networks' probabilities beats the mean of their scores."""
    if not gains:
        return ""
    written = [round(100 * gain, 1) for gain in gains.values()]
    if all(gain > 0 for gain in written):
        effect = "is more accurate on the test fold than they are on average"
    elif all(gain <= 0 for gain in written):
        effect = "is not more accurate on the test fold than they are on average"
    else:
        effect = "is more accurate on the test fold for some configurations and not for others"
    return (
        f"**Averaging.** The mean of the k-fold networks' probabilities {effect}: "
        f"{_told_points(gains)}."
    )


def cost(
    size: Mapping[str, int],
    seconds: Mapping[str, float],
    accuracy: Mapping[str, float],
    pairs: Sequence[Pair] = (),
) -> str:
    """What the most accurate configuration costs beside the smallest."""
    if len(size) < 2:
        return ""
    small = min(size, key=lambda name: size[name])
    best = extremes(accuracy)[0]
    if small in best:
        large = max(size, key=lambda name: size[name])
        if size[large] == size[small]:
            return ""
        return (
            f"**Cost.** The smallest network, {code(small)}, has the highest out-of-fold accuracy; "
            f"{code(large)} has {size[large] / size[small]:.2f} times its trainable parameters and "
            f"took {_slower(seconds, large, small)}."
        )
    name = best[0]
    pair = next((pair for pair in pairs if {pair.first, pair.second} == {name, small}), None)
    alike = "; the two cannot be told apart" if pair and pair.p_holm > ALPHA else ""
    return (
        f"**Cost.** The most accurate out-of-fold, {code(name)}, has "
        f"{size[name] / size[small]:.2f} times the trainable parameters of the smallest, "
        f"{code(small)}, and took {_slower(seconds, name, small)}, "
        f"for {_size(accuracy[name] - accuracy[small])} points{alike}."
    )


def _slower(seconds: Mapping[str, float], name: str, other: str) -> str:
    return f"{seconds[name] / seconds[other]:.2f} times its time for the same fits"


def seed_spread(ranges: Mapping[str, tuple[float, float]], means: Mapping[str, float]) -> str:
    """How far seeds alone move the out-of-fold accuracy, beside how far configurations do."""
    if not ranges:
        return ""
    widths = {name: high - low for name, (low, high) in ranges.items()}
    widest = max(widths, key=lambda name: widths[name])
    between = max(means.values()) - min(means.values())
    text = (
        f"**Seeds.** The seed alone moves out-of-fold accuracy by up to {_size(widths[widest])} "
        f"points ({code(widest)})"
    )
    if len(ranges) == 1:
        return f"{text}."
    if widths[widest] >= between:
        return f"{text}, no less than the configurations differ in their means."
    return f"{text}, less than the {_size(between)} points between configurations."
