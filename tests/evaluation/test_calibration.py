import numpy as np
import pytest
from scipy.special import softmax

from auricle.evaluation.calibration import (
    KEPT,
    as_logits,
    calibration,
    cross_fitted,
    fit_temperature,
    reliability,
    scaled,
    threshold,
)


def drawn(temperature: float, clips: int = 20_000) -> tuple[np.ndarray, np.ndarray]:
    """Logits that are `temperature` times too sharp for the truth that was drawn from them."""
    generator = np.random.default_rng(0)
    logits = generator.normal(0, 2, (clips, 5))
    chances = softmax(logits, axis=1).cumsum(1)
    targets = (generator.random((clips, 1)) > chances).sum(1)
    return logits * temperature, targets


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_the_temperature_that_was_put_in_is_found(temperature: float) -> None:
    assert fit_temperature(*drawn(temperature)) == pytest.approx(temperature, rel=0.03)


def test_scaling_improves_every_loss_and_changes_no_answer() -> None:
    logits, targets = drawn(3.0)
    before, after = scaled(logits, 1.0), scaled(logits, fit_temperature(logits, targets))
    assert (before.argmax(1) == after.argmax(1)).all()
    losses = [calibration(p, targets) for p in (before, after)]
    for name in ("nll", "brier", "ece"):
        assert getattr(losses[1], name) < getattr(losses[0], name)
    assert losses[1].ece < 0.02


def test_a_fold_has_no_say_in_its_own_temperature() -> None:
    logits, targets = drawn(2.0, clips=3_000)
    folds = np.repeat([2, 3, 4], 1_000)
    shuffled = targets.copy()
    shuffled[folds == 3] = np.roll(targets[folds == 3], 1)
    kept, changed = (cross_fitted(logits, t, folds) for t in (targets, shuffled))
    assert kept[3] == changed[3]
    assert kept[2] != changed[2]


def test_losses_of_two_clips_by_hand() -> None:
    probabilities = np.array([[0.8, 0.2], [0.7, 0.3]])
    found = calibration(probabilities, np.array([0, 1]))
    assert found.nll == pytest.approx(-(np.log(0.8) + np.log(0.3)) / 2)
    assert found.brier == pytest.approx((2 * 0.2**2 + 2 * 0.7**2) / 2)
    assert found.ece == pytest.approx((0.2 + 0.7) / 2)
    assert [(b.clips, b.accuracy) for b in found.bins] == [(1, 0.0), (1, 1.0)]


def test_probabilities_come_back_from_their_logits_and_zero_stays_finite() -> None:
    probabilities = np.array([[0.7, 0.2, 0.1], [1.0, 0.0, 0.0]])
    logits = as_logits(probabilities)
    assert np.isfinite(logits).all()
    np.testing.assert_allclose(softmax(logits, axis=1), probabilities, atol=1e-12)


def test_a_threshold_keeps_its_share_of_known_clips() -> None:
    scores = np.random.default_rng(0).random(2_000)
    assert (scores >= threshold(scores)).mean() == pytest.approx(KEPT, abs=1e-3)


def test_full_confidence_has_a_bin_and_every_clip_is_in_one() -> None:
    probabilities = np.array([[1.0, 0.0], [0.5, 0.5], [0.95, 0.05]])
    bins = reliability(probabilities, np.array([0, 0, 0]))
    assert sum(b.clips for b in bins) == 3
    assert bins[-1].high == 1.0


def test_a_certain_mistake_costs_much_and_not_infinity() -> None:
    assert np.isfinite(calibration(np.array([[1.0, 0.0]]), np.array([1])).nll)


def test_one_temperature_a_clip() -> None:
    logits = np.array([[2.0, 0.0], [2.0, 0.0]])
    found = scaled(logits, np.array([1.0, 2.0]))
    assert found[0] == pytest.approx(softmax([2.0, 0.0]))
    assert found[1] == pytest.approx(softmax([1.0, 0.0]))
