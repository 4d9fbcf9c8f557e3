"""Laws of the protocol: who learns, who checks, who waits."""

import os
from pathlib import Path

import pytest

from auricle.data.sources import read_data
from auricle.errors import DataError
from auricle.study.protocol import Split, roles_of, splits

ALL = ("kfold", "holdout", "refit", "esc5")
BESIDE = Path(__file__).parents[2] / ".." / "shared" / "esc10"
ESC10 = Path(os.environ.get("AURICLE_DATA") or BESIDE)
FOLD_COUNTS = [3, 4, 5, 10]


def folds_up_to(count):
    return tuple(range(1, count + 1))


def of(strategy, found):
    return [split for split in found if split.strategy == strategy]


def test_kfold_of_five_learns_on_three_and_validates_on_one():
    found = splits(("kfold",), (1, 2, 3, 4, 5))

    assert [(split.training, split.validation) for split in found] == [
        ((3, 4, 5), 2),
        ((2, 4, 5), 3),
        ((2, 3, 5), 4),
        ((2, 3, 4), 5),
    ]
    assert {split.scored for split in found} == {1}


@pytest.mark.parametrize("count", FOLD_COUNTS)
def test_the_first_fold_is_sealed(count):
    folds = folds_up_to(count)

    roles = roles_of(folds)

    assert (roles.test, roles.development) == (1, folds[1:])
    for split in splits(("kfold", "holdout", "refit"), folds):
        assert 1 not in {*split.training, split.validation}
        assert split.scored == 1


@pytest.mark.parametrize("count", FOLD_COUNTS)
def test_no_fit_is_scored_on_what_it_learnt_from(count):
    for split in splits(ALL, folds_up_to(count)):
        assert not {split.validation, split.scored} & set(split.training)


@pytest.mark.parametrize("count", FOLD_COUNTS)
def test_kfold_validates_every_development_fold_once_on_all_the_others(count):
    found = of("kfold", splits(ALL, folds_up_to(count)))

    assert [split.validation for split in found] == list(range(2, count + 1))
    assert all(len(split.training) == count - 2 for split in found)
    assert [split.member for split in found] == [f"fold-{s.validation}" for s in found]


@pytest.mark.parametrize("count", FOLD_COUNTS)
def test_holdout_adds_no_fit(count):
    folds = folds_up_to(count)

    assert splits(("kfold", "holdout"), folds) == splits(("kfold",), folds)
    assert splits(("holdout",), folds) == splits(("kfold",), folds)[:1]


@pytest.mark.parametrize("count", FOLD_COUNTS)
def test_refit_learns_from_all_development_folds(count):
    (refit,) = splits(("refit",), folds_up_to(count))

    assert refit.training == tuple(range(2, count + 1))
    assert refit.validation is None


@pytest.mark.parametrize("count", FOLD_COUNTS)
def test_esc5_scores_every_fold_once_and_shares_the_refit(count):
    folds = folds_up_to(count)

    found = splits(("esc5",), folds)

    assert sorted(split.scored for split in found) == list(folds)
    for split in found:
        assert set(split.training) == set(folds) - {split.scored}
        assert split.validation is None
    assert of("refit", found) == splits(("refit",), folds)


def test_strategies_together_make_each_fit_once():
    found = splits(ALL, (1, 2, 3, 4, 5))

    assert len(found) == len(set(found)) == 4 + 1 + 4


@pytest.mark.parametrize("folds", [(), (1,), (1, 2)])
def test_fewer_than_three_folds_are_refused(folds):
    with pytest.raises(DataError, match="three are needed, to learn, to validate and to test"):
        splits(("kfold",), folds)


def test_a_split_that_leaks_cannot_be_made():
    with pytest.raises(AssertionError):
        Split("kfold", "fold-2", (2, 3), 2, 1)
    with pytest.raises(AssertionError):
        Split("kfold", "fold-2", (1, 3), 2, 1)


def assert_nothing_leaks(table):
    fold_of = {}
    for clip in table.clips:
        assert fold_of.setdefault(clip.recording, clip.fold) == clip.fold
    for split in splits(ALL, table.folds):
        learnt = {clip.recording for clip in table.in_folds(split.training).clips}
        asked = {split.validation, split.scored} - {None}
        scored = {clip.recording for clip in table.in_folds(asked).clips}
        assert learnt
        assert scored
        assert not learnt & scored


def test_no_recording_of_the_synthesised_set_crosses_a_split():
    assert_nothing_leaks(read_data("synth-50"))


def test_no_recording_of_esc10_crosses_a_split():
    if not (ESC10 / "001 - Dog bark").is_dir():
        pytest.skip("needs the real ESC-10: name its folder in AURICLE_DATA")
    table = read_data(ESC10)

    assert len(table.clips) == 400
    assert len({clip.recording for clip in table.clips}) == 304
    assert_nothing_leaks(table)
