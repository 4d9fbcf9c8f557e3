import numpy as np
import torch
from benchmarks.several_views import TURNS, at_speed, turned

from auricle.study.fits import load_predictions
from benchmarks import ablation, several_views

POWER = torch.rand(2, 40, 3, generator=torch.Generator().manual_seed(0))


def test_one_speed_and_one_turn_are_the_clip_as_it_is() -> None:
    torch.testing.assert_close(at_speed(POWER, 1.0), POWER, rtol=0, atol=1e-6)
    assert torch.equal(turned(POWER, 0), POWER)


def test_a_turn_moves_a_clip_and_loses_nothing() -> None:
    quarter = turned(POWER, 1)
    assert torch.equal(quarter, POWER.roll(40 // TURNS, dims=1))
    assert torch.equal(quarter.sort(1).values, POWER.sort(1).values)


def test_a_slowed_clip_still_holds_its_loudest_moment() -> None:
    for loudest in (0, 17, 39):
        power = torch.full((1, 40, 3), 0.1)
        power[:, loudest] = 1.0
        assert at_speed(power, 0.8).max() > 0.5


def test_each_network_answers_for_its_own_fold_as_it_did_when_it_hears_clips_once(
    tiny_study, tiny_set, tmp_path, monkeypatch
) -> None:
    monkeypatch.setattr(several_views, "WAYS", {"once": (lambda power: power,)})
    several_views.main([str(tiny_study), "--data", str(tiny_set), "--out", str(tmp_path)])
    made = sorted(tmp_path.glob("*/kfold/*/seed-*/predictions.npz"))
    asked = sorted(tiny_study.glob("*/kfold/*/seed-*/predictions.npz"))
    assert len(made) == len(asked) > 0
    for ours, theirs in zip(made, asked, strict=True):
        again, first = load_predictions(ours), load_predictions(theirs)
        assert again.clips == first.clips
        np.testing.assert_allclose(again.probabilities, first.probabilities, atol=1e-5)
    rows = {line["row"] for line in ablation.lines_of(tmp_path)}
    assert rows == {f"{path.parents[3].name}-once" for path in asked}
