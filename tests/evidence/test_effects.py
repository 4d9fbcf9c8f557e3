import numpy as np
import pytest

from auricle.evaluation.intervals import Interval
from auricle.evidence.effects import Effect, Heard, adjusted


def an_effect(difference: float, p: float) -> Effect:
    heard = Heard(clips=8, accuracy=Interval(0.5, 0.4, 0.6), log_loss=1.0)
    return Effect(heard=heard, difference=Interval(difference, -1.0, 1.0), p=p, p_holm=p)


def test_a_family_is_adjusted_as_one() -> None:
    found = adjusted([an_effect(-0.2, 0.02), an_effect(-0.3, 0.03), an_effect(0.4, 0.001)])
    assert [each.p_holm for each in found] == pytest.approx([0.04, 0.04, 0.003])
    assert [each.p for each in found] == [0.02, 0.03, 0.001]
    assert [each.told_apart for each in found] == [True, True, True]
    assert [each.worse for each in found] == [True, True, False]
    assert not np.any([each.told_apart for each in adjusted([an_effect(-0.2, 0.03)] * 3)])
