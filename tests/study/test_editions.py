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


def change(fit, **facts):
    told = json.loads((fit / "fit.json").read_text(encoding="utf-8"))
    (fit / "fit.json").write_text(json.dumps(told | facts), encoding="utf-8")


def train_anew(fit, started):
    """Every answer of a fit goes to the next category; how many were right before."""
    found = load_predictions(fit / "predictions.npz")
    categories = json.loads((fit / "fit.json").read_text(encoding="utf-8"))["categories"]
    turned = np.zeros_like(found.probabilities)
    truth = [categories.index(clip.category) for clip in found.clips]
    turned[np.arange(len(truth)), (np.array(truth) + 1) % turned.shape[1]] = 1
    save_predictions(fit / "predictions.npz", Predictions(found.clips, turned))
    change(fit, started=started)
    return int((found.probabilities.argmax(axis=1) == truth).sum())


def test_a_fit_that_was_trained_anew_is_counted_once(run, published, tools):
    right = train_anew(run / FIT, "later")
    note_replaced(run, published)
    note_replaced(run, published)
    validated, tested = tools.rows_of(run / REPLACED)
    fit = {"configuration": "cnn", "strategy": "kfold", "member": "fold-2", "seed": "0"}
    clips = {"on": "out-of-fold", "clips": "12", "right_before": str(right), "right_now": "0"}
    assert (fit | clips).items() <= validated.items()
    assert validated["trained_now"] == "later"
    assert tested["on"] == "test"
    assert tested["right_before"] == tested["right_now"]


def test_what_was_replaced_before_stays_told_even_by_a_study_that_lost_it(run, published, tools):
    train_anew(run / FIT, "later")
    note_replaced(run, published)
    publish(run, published)
    (run / REPLACED).unlink()
    train_anew(run / FIT, "last")
    note_replaced(run, published)
    assert [row["trained_now"] for row in tools.rows_of(run / REPLACED)] == [
        *("later", "later"),
        *("last", "last"),
    ]


def test_fits_of_one_training_and_of_other_recipes_are_not_counted(run, published):
    note_replaced(run, published)
    train_anew(run / FIT, "later")
    told = json.loads((run / FIT / "fit.json").read_text(encoding="utf-8"))
    told["recipe"]["training"]["learning_rate"] *= 2
    change(run / FIT, recipe=told["recipe"])
    note_replaced(run, published)
    assert not (run / REPLACED).exists()


def test_a_folder_that_is_no_copy_leaves_no_trace(run, published, auricle):
    train_anew(run / FIT, "later")
    (published / "study.toml").unlink()
    refused = auricle("report", run, "--publish", published)
    assert refused.code == 1
    assert "no published study is here" in refused.err
    assert not (run / REPLACED).exists()


def test_publishing_counts_before_the_report_is_drawn(run, published, auricle, monkeypatch):
    drawn = []
    monkeypatch.setattr(
        "auricle.report.write_report", lambda run, out: drawn.append(read_study(run).replaced) or ()
    )
    train_anew(run / FIT, "later")
    assert auricle("report", run, "--publish", published).code == 0
    assert [len(rows) for rows in drawn] == [2]
    assert (published / REPLACED).is_file()
