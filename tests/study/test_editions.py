"""Answers that an earlier edition had otherwise are counted, and those of other recipes are not."""

import json
import shutil

import numpy as np
import pytest

from auricle.report.study_files import read_study
from auricle.study.editions import REPLACED, note_replaced
from auricle.study.fits import Predictions, load_predictions, save_predictions
from auricle.study.publish import publish

FIT = "cnn/kfold/fold-2/seed-0"


@pytest.fixture
def run(study, tmp_path):
    return shutil.copytree(study, tmp_path / "run")


@pytest.fixture
def published(run, tmp_path):
    publish(run, tmp_path / "light")
    return tmp_path / "light"


def answer_wrongly(folder, name="predictions.npz"):
    """Every answer of a fit goes to the next category; how many were right before."""
    found = load_predictions(folder / name)
    facts = json.loads((folder / "fit.json").read_text(encoding="utf-8"))
    turned = np.zeros_like(found.probabilities)
    truth = [facts["categories"].index(clip.category) for clip in found.clips]
    turned[np.arange(len(truth)), (np.array(truth) + 1) % turned.shape[1]] = 1
    save_predictions(folder / name, Predictions(found.clips, turned))
    return int((found.probabilities.argmax(axis=1) == truth).sum())


def change_recipe(fit):
    facts = json.loads(fit.read_text(encoding="utf-8"))
    facts["recipe"]["training"]["learning_rate"] *= 2
    fit.write_text(json.dumps(facts), encoding="utf-8")


def test_a_fit_that_was_trained_anew_is_counted_once(run, published, tools):
    right = answer_wrongly(run / FIT)
    note_replaced(run, published)
    note_replaced(run, published)
    (row,) = tools.rows_of(run / REPLACED)
    del row["date"]
    fit = {"configuration": "cnn", "strategy": "kfold", "member": "fold-2", "seed": "0"}
    clips = {"on": "out-of-fold", "clips": "12", "right_before": str(right), "right_now": "0"}
    assert row == fit | clips


def test_what_was_replaced_before_stays_told(run, published, tools):
    answer_wrongly(run / FIT)
    note_replaced(run, published)
    publish(run, published)
    answer_wrongly(run / FIT, "test.npz")
    note_replaced(run, published)
    assert [row["on"] for row in tools.rows_of(run / REPLACED)] == ["out-of-fold", "test"]


def test_equal_answers_and_other_recipes_are_not_counted(run, published):
    note_replaced(run, published)
    answer_wrongly(run / FIT)
    change_recipe(run / FIT / "fit.json")
    note_replaced(run, published)
    assert not (run / REPLACED).exists()


def test_publishing_counts_before_the_report_is_drawn(run, published, auricle, monkeypatch):
    drawn = []
    monkeypatch.setattr(
        "auricle.report.write_report", lambda run, out: drawn.append(read_study(run).replaced) or ()
    )
    answer_wrongly(run / FIT)
    assert auricle("report", run, "--publish", published).code == 0
    assert [len(rows) for rows in drawn] == [1]
    assert (published / REPLACED).is_file()
