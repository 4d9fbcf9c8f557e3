"""Each sentence flips when its numbers do."""

import pytest

from auricle.report import curve_ends, sentences
from auricle.report.curve_ends import Ending
from auricle.report.scores import Bounded, ClassScores, McNemar, Pair, ScoreRow


def scores(**values: float) -> dict[str, Bounded]:
    return {name: Bounded(value, value - 0.05, value + 0.05) for name, value in values.items()}


def pair(first: str, second: str, difference: float, p: float) -> Pair:
    ends = (difference - 0.03, difference + 0.03)
    return Pair(first, second, difference, *ends, p, p, McNemar(9, 3, p), "")


def scored(f1: dict[str, float], confusion: list[list[int]]) -> ScoreRow:
    per_class = tuple(ClassScores(name, f, f, f, 0.9, 8) for name, f in f1.items())
    rows = tuple(tuple(line) for line in confusion)
    bounds = Bounded(0.9)
    return ScoreRow(
        *("kfold", "0", "pooled", "out-of-fold", "one network", 16),
        *(bounds, bounds, bounds),
        per_class=per_class,
        confusion=rows,
    )


def ends_at(train: float, val: float, lowest: float) -> Ending:
    return Ending(train, val, lowest, 30, 100)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"a": 0.9, "b": 0.8}, "`a` has the highest accuracy out-of-fold (90.0%), `b` the lowest"),
        ({"a": 0.8, "b": 0.9}, "`b` has the highest accuracy out-of-fold (90.0%), `a` the lowest"),
        ({"a": 0.9, "b": 0.9, "c": 0.8}, "`a` and `b` share the highest"),
        ({"a": 0.9, "b": 0.9}, "All two configurations have the same accuracy out-of-fold, 90.0%"),
        ({"a": 0.90001, "b": 0.9}, "the same accuracy"),
        ({"a": 0.9}, "`a` is right on 90.0% of clips"),
    ],
)
def test_ranking_names_who_is_highest(values: dict[str, float], said: str) -> None:
    assert said in sentences.ranking(scores(**values), "out-of-fold")


def test_differences_are_called_chance_unless_p_says_otherwise() -> None:
    nothing = sentences.told_apart([pair("a", "b", 0.04, 0.2), pair("a", "c", 0.05, 0.1)])
    assert "None of the two pairs can be told apart" in nothing
    assert "0.100 (`a` against `c`)" in nothing
    first = sentences.told_apart([pair("a", "b", 0.04, 0.01), pair("a", "c", 0.05, 0.1)])
    assert "`a` is better than `b` by 4.0 points (p = 0.010)" in first
    assert "The other pair cannot be told apart" in first
    assert "`b` is better than `a`" in sentences.told_apart([pair("a", "b", -0.04, 0.0004)])
    assert "p < 0.001" in sentences.told_apart([pair("a", "b", -0.04, 0.0004)])
    assert sentences.told_apart([]) == ""


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ((0.80, 0.85, 0.90), "rises with the number of heads"),
        ((0.90, 0.85, 0.80), "falls with the number of heads"),
        ((0.80, 0.90, 0.85), "does not follow the number of heads"),
        ((0.80, 0.80, 0.80), "does not depend on the number of heads"),
    ],
)
def test_heads_rise_fall_or_neither(values: tuple[float, ...], said: str) -> None:
    accuracies = {h: Bounded(v) for h, v in zip((1, 2, 4), values, strict=True)}
    assert said in sentences.by_heads(accuracies)
    assert sentences.by_heads({4: Bounded(0.9)}) == ""


def test_gap_names_the_widest_and_the_closest_fit() -> None:
    wide, narrow = ends_at(0.05, 0.45, 0.44), ends_at(0.20, 0.30, 0.30)
    said = curve_ends.gaps({"a": wide, "b": narrow})
    assert "exceeds the training loss by 0.400 for `a` and 0.100 for `b`" in said
    assert "widest for `a`. `a` fits the training clips closest (training loss 0.050)" in said
    assert "widest for `b`. `b` fits" in curve_ends.gaps({"a": narrow, "b": wide})
    assert "validation loss less training loss is -0.050" in curve_ends.gaps(
        {"a": ends_at(0.40, 0.35, 0.35)}
    )


def test_overfitting_is_said_only_where_validation_rose() -> None:
    harmless = curve_ends.overfitting({"a": ends_at(0.1, 0.30, 0.29), "b": ends_at(0.1, 0.3, 0.3)})
    assert "of every configuration ends within 5% of its lowest" in harmless
    rose = curve_ends.overfitting({"a": ends_at(0.1, 0.40, 0.29), "b": ends_at(0.1, 0.3, 0.3)})
    assert "that of `a` was lowest at epoch 30 (0.290) and ended at 0.400" in rose
    assert "Those of the others" in rose
    assert "`b`" not in rose


def test_the_hardest_fold_is_named_if_all_agree() -> None:
    agree = {"a": {"fold-2": 0.9, "fold-3": 0.8}, "b": {"fold-2": 0.9, "fold-3": 0.7}}
    assert "Hardest for every configuration: fold 3" in sentences.fold_spread(agree, 80)
    assert "lie 10.0 to 20.0 points apart" in sentences.fold_spread(agree, 80)
    tied = {"a": {"fold-2": 0.8, "fold-3": 0.8, "fold-4": 0.9}, "b": {"fold-2": 0.9, "fold-3": 0.7}}
    assert "Hardest, or as hard as another, for every configuration: fold 3" in (
        sentences.fold_spread(tied, 80)
    )
    differ = {"a": {"fold-2": 0.9, "fold-3": 0.8}, "b": {"fold-2": 0.7, "fold-3": 0.9}}
    assert "No fold is the hardest for all" in sentences.fold_spread(differ, 80)
    same = {"a": {"fold-2": 0.9, "fold-3": 0.9}}
    assert "All folds have the same accuracy" in sentences.fold_spread(same, 80)


def test_folds_stand_beside_what_chance_would_part() -> None:
    near = {"a": {"fold-2": 0.90, "fold-3": 0.89}}
    assert "of 80 clips each, would lie about" in sentences.fold_spread(near, 80)
    assert "Lowest: fold 3" in sentences.fold_spread(near, 80)
    assert "Hardest: fold 3" in sentences.fold_spread(near, 80_000)


def test_the_range_by_chance_is_that_of_equal_coins() -> None:
    # Two binomials of n trials differ by a normal of twice their variance: median 0.674 sd.
    expected = 0.674 * (2 * 0.9 * 0.1 / 10_000) ** 0.5
    assert sentences.range_by_chance(0.9, 10_000, 2) == pytest.approx(expected, rel=0.05)
    assert sentences.range_by_chance(1.0, 80, 4) == 0


def test_the_weakest_category_is_named() -> None:
    flat = [[8, 0], [0, 8]]
    dog, rain = {"dog": 0.5, "rain": 0.9}, {"dog": 0.9, "rain": 0.4}
    both = sentences.weakest({"a": scored(dog, flat), "b": scored(dog | {"dog": 0.6}, flat)})
    assert "*dog* has the lowest out-of-fold F1 for every configuration (0.500 to 0.600)" in both
    assert "The highest is that of *rain*" in both
    split = sentences.weakest({"a": scored(dog, flat), "b": scored(rain, flat)})
    assert "*dog* for `a` (0.500) and *rain* for `b` (0.400)" in split
    assert sentences.weakest({}) == ""
    of_first = sentences.weakest({"a": scored(dog, flat)}, " (first seed)")
    assert "*dog* has the lowest out-of-fold F1 (first seed) (0.500)" in of_first


def test_the_commonest_confusion_is_named_with_its_reverse() -> None:
    f1 = {"dog": 0.5, "sea_waves": 0.9}
    said = sentences.commonest_confusion(tuple(f1), {"a": scored(f1, [[5, 3], [1, 7]])})
    assert "*dog* heard as *sea waves* (3 of 8)" in said
    assert "The reverse of the first happens 1 time." in said
    said = sentences.commonest_confusion(tuple(f1), {"a": scored(f1, [[8, 0], [2, 6]])})
    assert "*sea waves* heard as *dog* (2 of 8)" in said
    assert "The reverse of the first happens never." in said
    assert "*dog* heard" not in said
    said = sentences.commonest_confusion(tuple(f1), {"a": scored(f1, [[5, 3], [1, 7]])}, " (x)")
    assert "Most frequent out-of-fold (x): " in said
    clean = sentences.commonest_confusion(tuple(f1), {"a": scored(f1, [[8, 0], [0, 8]])})
    assert "No clip was taken for another category" in clean


def test_the_test_fold_is_called_harder_easier_or_neither() -> None:
    high, low = scores(a=0.95, b=0.93), scores(a=0.80, b=0.75)
    harder = sentences.on_test_fold(high, low, 1)
    assert "To the networks that gave the out-of-fold scores, fold 1 is harder than what" in harder
    assert "−15.0 points for `a` and −18.0 for `b`" in harder
    assert "No out-of-fold accuracy lies within" in harder
    assert "`a` is highest on both" in harder
    assert "fold 1 is easier than" in sentences.on_test_fold(low, high, 1)
    near = sentences.on_test_fold(scores(a=0.9, b=0.8), scores(a=0.88, b=0.95), 1)
    assert "neither harder nor easier" in near
    assert "Only the out-of-fold accuracy of `a` lies within" in near
    assert "Highest there: `b`" in near


def test_what_a_refit_gains_is_laid_to_more_and_other_clips() -> None:
    members, refit = scores(a=0.90, b=0.92), scores(a=0.95, b=0.91)
    said = sentences.of_refit(members, refit, 1, ("240", "320"))
    assert "from all 320 development clips, those that gave the out-of-fold scores from 240" in said
    assert "+5.0 points for `a` and −1.0 for `b`" in said
    assert "More clips, other clips and more steps of training are one change" in said
    assert sentences.of_refit(members, {}, 1, ("240", "320")) == ""


def test_few_recordings_are_counted_and_named() -> None:
    said = sentences.few_recordings({"dog": 8, "sea_waves": 2, "rooster": 2}, 1)
    assert (
        "Fold 1 holds 12 recordings, in some categories as few as 2 (sea waves and rooster)" in said
    )
    assert "uncertain by at least what their intervals say" in said
    assert "and even one of 100% would allow 26.5% of errors." in said
    assert "16 recordings, 8 in each category" in sentences.few_recordings({"a": 8, "b": 8}, 1)


def test_averaging_helps_or_does_not() -> None:
    assert "is more accurate" in sentences.averaging({"a": 0.02, "b": 0.01})
    assert "is not more accurate" in sentences.averaging({"a": -0.02, "b": 0.0})
    assert "for some configurations and not for others" in sentences.averaging(
        {"a": -0.02, "b": 0.01}
    )
    assert sentences.averaging({}) == ""


def test_cost_depends_on_who_is_best() -> None:
    size, seconds = {"small": 100, "large": 150}, {"small": 60.0, "large": 120.0}
    paid = sentences.cost(size, seconds, {"small": 0.8, "large": 0.9})
    assert "`large`, has 1.50 times the trainable parameters of the smallest, `small`" in paid
    assert "2.00 times its time for the same fits, for 10.0 points" in paid
    spared = sentences.cost(size, seconds, {"small": 0.9, "large": 0.8})
    assert "The smallest network, `small`, has the highest out-of-fold accuracy" in spared
    assert sentences.cost({"one": 1}, {"one": 1.0}, {"one": 0.5}) == ""


def test_seeds_move_more_or_less_than_configurations_differ() -> None:
    means = {"a": 0.90, "b": 0.86}
    more = sentences.seed_spread({"a": (0.85, 0.93), "b": (0.86, 0.87)}, means)
    assert "by up to 8.0 points (`a`), no less than the configurations differ" in more
    less = sentences.seed_spread({"a": (0.895, 0.905), "b": (0.86, 0.86)}, means)
    assert "1.0 points (`a`), less than the 4.0 points between configurations" in less
    assert sentences.seed_spread({}, means) == ""
