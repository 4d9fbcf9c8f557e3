"""A finished study asked again: scored anew, drawn anew; and what the machine could do."""

import shutil

import numpy as np
import pytest
import soundfile as sf

from auricle.data.audio import content_hash
from auricle.data.clips import ESC10_FOLDERS
from auricle.study.estimate import Costs

FIT = "cnn/kfold/fold-2/seed-0"
CATEGORIES = ("bell", "horn", "siren")


def probabilities(rows):
    return np.array([[float(row[f"p_{name}"]) for name in CATEGORIES] for row in rows])


@pytest.mark.parametrize(
    ("asked", "fold", "on"), [((), "2", "out-of-fold"), (("--folds", 1, "--test"), "1", "test")]
)
def test_weights_scored_again_say_what_the_study_says(
    auricle, study, tiny_set, tmp_path, tools, asked, fold, on
):
    out = tmp_path / "again.csv"
    run = shutil.copytree(study, tmp_path / "run")  # a reading is written into it

    done = auricle("evaluate", run / FIT, "--data", tiny_set, "--out", out, *asked)

    assert done.code == 0, done.err
    key = {"configuration": "cnn", "strategy": "kfold", "seed": "0", "member": "fold-2", "on": on}
    kept = [
        row
        for row in tools.rows_of(study / "predictions.csv")
        if all(row[name] == value for name, value in key.items())
    ]
    again = tools.rows_of(out)
    assert [row["file"] for row in again] == [row["file"] for row in kept]
    assert {row["fold"] for row in again} == {fold}
    assert {name: again[0][name] for name in key} == key
    np.testing.assert_allclose(probabilities(again), probabilities(kept), atol=1e-5)
    right = np.mean([row["prediction"] == row["category"] for row in kept])
    assert f"accuracy     {100 * right:5.1f}" in done.out
    assert f"12 clips of tones, folds [{fold}]" in done.out


def test_folds_that_a_network_learnt_from_are_refused(auricle, study, tiny_set):
    refused = auricle("evaluate", study / FIT, "--data", tiny_set, "--folds", 2, "--folds", 3)

    assert refused.code == 1
    assert "folds [3] trained this network; leave them out" in refused.err
    assert refused.err.count("\n") == 1


@pytest.mark.parametrize("asked", [(FIT, "--folds", 1), ("cnn/refit/all/seed-0",)])
def test_the_sealed_fold_is_refused_unless_it_is_asked_for(auricle, study, tiny_set, asked):
    refused = auricle("evaluate", study / asked[0], "--data", tiny_set, *asked[1:])

    assert refused.code == 1
    assert "this opens the sealed test fold; say --test if that is meant" in refused.err


@pytest.fixture
def encoded_anew(tiny_set, tmp_path, tools):
    """The small set as other files, and as if it were ESC-10: names are those of ESC-50."""
    folder, rows, takes = tmp_path / "anew", [], {}
    (folder / "audio").mkdir(parents=True)
    for number, row in enumerate(tools.rows_of(tiny_set / "clips.csv")):
        name = f"audio/{row['fold']}-{number}-A-{number % 50}.flac"
        sf.write(folder / name, *sf.read(tiny_set / row["file"]))
        rows.append((name, row["category"], row["fold"], row["recording"]))
        takes[f"{number}-A"] = content_hash(tiny_set / row["file"])
    tools.write_labels(folder, rows)
    return folder, takes


def test_clips_of_esc_10_are_known_again_in_other_files(
    auricle, study, encoded_anew, monkeypatch, tmp_path
):
    folder, takes = encoded_anew
    for module in ("data.esc10", "study.evaluate"):
        monkeypatch.setattr(f"auricle.{module}.published_takes", lambda: takes)
    asked = ("evaluate", study / FIT, "--data", folder)

    learnt, sealed, free = (
        auricle(*asked, "--folds", 3),
        auricle(*asked, "--folds", 1),
        auricle(*asked),
    )

    assert "folds [3] trained this network" in learnt.err
    assert "this opens the sealed test fold" in sealed.err
    assert "12 clips of anew, folds [2]" in free.out
    assert "not recognised" not in free.out


def test_that_other_clips_are_not_known_again_in_other_files_is_told(auricle, study, encoded_anew):
    done = auricle("evaluate", study / FIT, "--data", encoded_anew[0], "--folds", 2)

    assert "a copy of one in another encoding is not recognised" in done.out


def test_a_fold_that_the_data_does_not_have_is_refused(auricle, study, tiny_set):
    refused = auricle("evaluate", study / FIT, "--data", tiny_set, "--folds", 7)

    assert refused.code == 1
    assert "no fold [7] here; it has [1, 2, 3]" in refused.err


def test_other_categories_are_refused(auricle, study):
    refused = auricle("evaluate", study / FIT, "--data", "synth-50")

    assert refused.code == 1
    assert "are no categories of this network, which knows bell, horn, siren" in refused.err


def test_a_report_is_drawn_again_without_training(auricle, study, tmp_path, monkeypatch):
    def refuse(*anything, **more):
        raise AssertionError("a report runs no network")

    monkeypatch.setattr("auricle.network.classifier.SoundClassifier.forward", refuse)
    monkeypatch.setattr("auricle.data.store.load_wave", refuse)
    before = {path: path.stat().st_mtime_ns for path in study.rglob("*")}

    done = auricle("report", study, "--out", tmp_path / "drawn")

    assert done.code == 0, done.err
    assert (tmp_path / "drawn" / "report.pdf").read_bytes().startswith(b"%PDF")
    page = (tmp_path / "drawn" / "report.html").read_text(encoding="utf-8")
    assert "transformer-h2" in page
    assert "report.html" in done.out
    assert {path: path.stat().st_mtime_ns for path in study.rglob("*")} == before


def test_a_report_of_an_unfinished_study_is_refused(auricle, study, tmp_path):
    run = shutil.copytree(study, tmp_path / "run")
    (run / "scores.json").unlink()

    refused = auricle("report", run)

    assert refused.code == 1
    assert "scores.json" in refused.err
    assert refused.err.count("\n") == 1


@pytest.fixture
def quick_clock(monkeypatch):
    """The mission's networks are not timed here: that takes seconds."""
    monkeypatch.setattr("auricle.study.estimate.costs_of", lambda *anything: Costs(0.1, 0.01))


def test_doctor_tells_of_the_machine_and_the_data(auricle, quick_clock, tiny_set):
    done = auricle("doctor", "--data", tiny_set)

    assert done.code == 0, done.err
    assert "tones: 36 clips, 3 categories, 3 folds" in " ".join(done.out.split())
    assert "The mission would take about" in done.out
    assert "torch" in done.out


def test_doctor_goes_on_without_data(auricle, quick_clock, monkeypatch, tmp_path):
    monkeypatch.setenv("AURICLE_CACHE", str(tmp_path / "none"))

    done = auricle("doctor")

    assert done.code == 0, done.err
    assert "auricle fetch esc10" in " ".join(done.out.split())
    assert "20 fits of 100 epochs" in " ".join(done.out.split())
    assert len(ESC10_FOLDERS) == 10
