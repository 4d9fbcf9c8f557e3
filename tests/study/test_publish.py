"""A study made light enough for version control: what goes along, and what is never harmed."""

import json
import shutil

import pytest

from auricle.errors import StudyError
from auricle.report import write_report
from auricle.study.publish import note_url, publish


@pytest.fixture
def run(study, tmp_path):
    return shutil.copytree(study, tmp_path / "run")


def files_of(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_what_was_found_goes_along_and_weights_do_not(run, tmp_path):
    publish(run, tmp_path / "light")

    light = files_of(tmp_path / "light")
    assert {"scores.json", "comparison.csv", "predictions.csv", "study.toml"} <= light
    assert "cnn/kfold/fold-2/seed-0/history.csv" in light
    assert not [file for file in light if file.endswith((".safetensors", ".pt"))]
    assert light - {"published.txt"} < files_of(run)


def test_pictures_of_clips_go_along_and_their_sounds_do_not(run, tmp_path):
    (run / "report").mkdir()
    (run / "evidence").mkdir()
    (run / "report" / "listen.html").write_text("sounds", encoding="utf-8")
    (run / "evidence" / "looking.npz").write_bytes(b"pictures")

    publish(run, tmp_path / "light")

    light = files_of(tmp_path / "light")
    assert "evidence/looking.npz" in light
    assert "report/listen.html" not in light


def test_the_report_can_be_drawn_from_what_was_published(run, tmp_path):
    publish(run, tmp_path / "light")

    pages = write_report(tmp_path / "light")

    assert all(page.stat().st_size > 10_000 for page in pages)


def test_publishing_again_replaces_the_study_and_leaves_what_others_put_there(run, tmp_path):
    light = tmp_path / "light"
    (run / "evidence").mkdir()
    (run / "evidence" / "leak.json").write_text("{}", encoding="utf-8")
    publish(run, light)
    for name in ("README.txt", "tried.csv", "evidence/mine.json"):
        (light / name).write_text("mine", encoding="utf-8")
    (run / "evidence" / "leak.json").unlink()

    publish(run, light)

    for name in ("README.txt", "tried.csv", "evidence/mine.json"):
        assert (light / name).read_text(encoding="utf-8") == "mine"
    assert not (light / "evidence" / "leak.json").exists()
    assert (light / "scores.json").read_bytes() == (run / "scores.json").read_bytes()


def test_a_copy_that_does_not_list_its_files_keeps_what_was_tried(run, tmp_path):
    light = tmp_path / "light"
    publish(run, light)
    (light / "published.txt").unlink()
    (light / "parity.json").write_text("of an earlier study", encoding="utf-8")
    (light / "tried.csv").write_text("mine", encoding="utf-8")

    publish(run, light)

    assert (light / "tried.csv").read_text(encoding="utf-8") == "mine"
    assert not (light / "parity.json").exists()


def test_a_list_of_files_never_leads_out_of_its_folder(run, tmp_path):
    light = tmp_path / "light"
    publish(run, light)
    (tmp_path / "thesis.csv").write_text("years of work", encoding="utf-8")
    (light / "published.txt").write_text("../thesis.csv\n", encoding="utf-8")

    publish(run, light)

    assert (tmp_path / "thesis.csv").exists()


@pytest.mark.parametrize("place", [".", "light", ".."])
def test_a_study_is_never_published_over_itself(run, place):
    before = files_of(run)

    with pytest.raises(StudyError, match="publish beside the study"):
        publish(run, run / place)

    assert files_of(run) == before


def test_a_published_study_is_not_published_over_itself(run, tmp_path):
    light = tmp_path / "light"
    publish(run, light)
    before = files_of(light)

    with pytest.raises(StudyError, match="publish beside the study"):
        publish(light, light)

    assert files_of(light) == before


@pytest.mark.parametrize("kind", ["file", "folder", "study"])
def test_what_is_there_is_left_alone(run, study, tmp_path, kind):
    place = tmp_path / "place"
    if kind == "file":
        place.write_text("years of work", encoding="utf-8")
    elif kind == "folder":
        place.mkdir()
        (place / "thesis.csv").write_text("years of work", encoding="utf-8")
    else:
        shutil.copytree(study, place)
    before = files_of(place) if place.is_dir() else place.read_text(encoding="utf-8")

    with pytest.raises(StudyError, match="place: "):
        publish(run, place)

    assert (files_of(place) if place.is_dir() else place.read_text(encoding="utf-8")) == before


def test_the_report_links_the_runs_once_it_is_told_where_they_are(run):
    address = "https://wandb.example/team/auricle-tones"
    told = json.loads((run / "wandb.json").read_text(encoding="utf-8"))
    (run / "wandb.json").write_text(json.dumps(told | {"mode": "offline"}), encoding="utf-8")

    note_url(run, address)

    _, page = write_report(run)
    assert address in page.read_text(encoding="utf-8")
    with pytest.raises(StudyError, match="give the address"):
        note_url(run, "javascript:alert(1)")
