"""What a study is said to take before it starts."""

import pytest
from rich.console import Console

from auricle.study import estimate
from auricle.study.prepare import Setting, plan_jobs, prepare


@pytest.fixture
def jobs(settled, tools, tiny_plan, tmp_path):
    """Of each configuration: two fits of kfold, refit, and two more of esc5."""
    plan = tools.plan_of(tiny_plan)
    setting = Setting(run=tmp_path, device="cpu", workers=1, wandb="disabled")
    return plan_jobs(plan, setting, prepare(plan, setting, Console(quiet=True)))


def test_a_step_is_paid_for_every_view_and_a_clip_once_a_fit(monkeypatch, jobs):
    folds = [len(job.split.training) for job in jobs if job.recipe.name == "cnn"]
    assert sorted(folds) == [1, 1, 2, 2, 2]
    batch, epochs, views = 6, 3, 2

    monkeypatch.setattr(estimate, "costs_of", lambda *_: estimate.Costs(batch * 1.0, 0.0))
    learnt = 2 * 12 * sum(folds)
    wanted = epochs * learnt * (views + estimate.SCORING_COST)
    assert estimate.estimate_s(jobs, "cpu", workers=1) == pytest.approx(wanted)

    monkeypatch.setattr(estimate, "costs_of", lambda *_: estimate.Costs(0.0, 1.0))
    validated = 2 * 12 * 2
    assert estimate.estimate_s(jobs, "cpu", workers=1) == learnt + validated
