"""`auricle audit`: leaks that were put in are found and named; a clean set is called clean."""

import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import soundfile as sf

from auricle.evidence.audit import of_authors
from auricle.evidence.calibration import logits_of
from auricle.evidence.case import Case


@pytest.fixture(autouse=True)
def few_trees(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing here is about the forest."""
    monkeypatch.setattr("auricle.evidence.predictors.TREES", 3)


def plant(source: Path, target: Path) -> None:
    """The same sound, 12 dB down, shifted by 0.05 s, in another format."""
    wave, rate_hz = sf.read(source)
    shifted = np.concatenate([np.zeros(round(0.05 * rate_hz)), 10 ** (-12 / 20) * wave])
    target.unlink()
    sf.write(target, shifted[: len(wave)], rate_hz, subtype="PCM_24")


@pytest.fixture
def rich_set(tmp_path: Path, tools: SimpleNamespace) -> Path:
    """Three seconds of noise a clip, long enough to be known again in a part."""
    folder, rows = tmp_path / "weather", []
    generator = np.random.default_rng(0)
    for category in ("rain", "wind"):
        (folder / category).mkdir(parents=True)
        for fold in (1, 2, 3):
            for take in range(3):
                file = f"{category}/{fold}-{take}.wav"
                sf.write(folder / file, 0.1 * generator.standard_normal(24000), 8000)
                rows.append((file, category, fold, file))
    tools.write_labels(folder, rows)
    return folder


def test_a_clean_set_is_told_and_left_as_files(
    tiny_set: Path, auricle: Any, tools: SimpleNamespace, tmp_path: Path
) -> None:
    told = auricle("audit", tiny_set, "--out", tmp_path / "audit")

    assert told.code == 0, told.err
    assert "No sound and no recording was found in two folds." in told.out
    assert "LEAK" not in told.out
    rows = tools.rows_of(tmp_path / "audit" / "audit.csv")
    assert len(rows) == 36
    assert {row["fold"] for row in rows if not row["level_db"]} == {"1"}  # the test fold
    assert not tools.rows_of(tmp_path / "audit" / "duplicates.csv")
    found = json.loads((tmp_path / "audit" / "audit.json").read_text(encoding="utf-8"))
    assert [each["category"] for each in found["classes"]] == ["bell", "horn", "siren"]
    assert sum(found["rates_hz"].values()) == 24
    assert [sum(each["rates_hz"].values()) for each in found["classes"]] == [8, 8, 8]
    assert not any(each["authors"] for each in found["classes"])


def test_two_folds_are_enough_to_find_a_leak(
    rich_set: Path, auricle: Any, tools: SimpleNamespace
) -> None:
    plant(rich_set / "rain" / "2-1.wav", rich_set / "rain" / "1-0.wav")
    rows = [tuple(row.values()) for row in tools.rows_of(rich_set / "clips.csv")]
    tools.write_labels(rich_set, [row for row in rows if row[2] != "3"])

    told = auricle("audit", rich_set)

    assert told.code == 1, told.err
    assert {"rain/1-0.wav", "rain/2-1.wav"} <= {*told.out.replace(",", " ").split()}
    assert "Shortcuts were not looked for: that takes two folds beside" in told.out


def test_authors_in_two_folds_are_told_where_a_column_names_them(
    rich_set: Path, auricle: Any, tools: SimpleNamespace, tmp_path: Path
) -> None:
    labels = tmp_path / "labels.csv"
    rows = [
        f"{row['file']},{row['category']},{row['fold']},{'ann' if row['fold'] == '1' else 'bo'}"
        for row in tools.rows_of(rich_set / "clips.csv")
    ]
    labels.write_text("\n".join(("path,class,fold,by", *rows)), encoding="utf-8")
    asked = ("--root", rich_set, "--column-file", "path", "--column-category", "class")
    asked += ("--column-fold", "fold", "--out", tmp_path / "audit")

    told = auricle("audit", labels, *asked, "--column-author", "by")
    nameless = auricle("audit", labels, *asked[:-2])

    assert told.code == 0, told.err  # it is no leak: the recordings are others
    assert "Authors stand in two folds or more: 1 of 2, such as bo." in told.out
    assert "uthor" not in nameless.out
    rows = tools.rows_of(tmp_path / "audit" / "audit.csv")
    assert {(row["fold"], row["author"]) for row in rows} == {
        ("1", "ann"),
        ("2", "bo"),
        ("3", "bo"),
    }


@pytest.mark.parametrize("fold", [1, 3])
def test_a_near_duplicate_in_another_fold_is_a_leak_and_both_files_are_named(
    rich_set: Path, auricle: Any, tools: SimpleNamespace, tmp_path: Path, fold: int
) -> None:
    plant(rich_set / "rain" / "2-1.wav", rich_set / "rain" / f"{fold}-0.wav")

    told = auricle("audit", rich_set, "--out", tmp_path / "audit")

    assert told.code == 1
    assert "LEAK" in told.out
    assert "rain/2-1.wav" in told.out
    assert f"rain/{fold}-0.wav" in told.out
    (row,) = tools.rows_of(tmp_path / "audit" / "duplicates.csv")
    assert {row["first"], row["second"]} == {"rain/2-1.wav", f"rain/{fold}-0.wav"}
    assert (row["equal"], abs(round(float(row["lag_s"]), 3))) == ("False", 0.05)


def test_equal_files_in_two_folds_are_a_leak(rich_set: Path, auricle: Any) -> None:
    shutil.copy(rich_set / "rain" / "1-0.wav", rich_set / "rain" / "2-2.wav")

    told = auricle("audit", rich_set)

    assert told.code == 1
    assert "The same file stands in two folds: rain/1-0.wav (fold 1) and rain/2-2.wav" in told.out


def test_equal_files_are_told_where_no_recordings_are_named(rich_set: Path, auricle: Any) -> None:
    shutil.copy(rich_set / "rain" / "1-0.wav", rich_set / "rain" / "2-2.wav")
    rows = (rich_set / "clips.csv").read_text(encoding="utf-8").splitlines()
    short = "\n".join(row.rpartition(",")[0] for row in rows)
    (rich_set / "clips.csv").write_text(short, encoding="utf-8")

    told = auricle("audit", rich_set)

    assert told.code == 1
    assert "The same file stands in two folds" in told.out


def test_a_recording_in_two_folds_is_told_and_refused_by_who_trains(
    rich_set: Path, auricle: Any, tmp_path: Path
) -> None:
    labels = (rich_set / "clips.csv").read_text(encoding="utf-8")
    spoilt = labels.replace(",2,rain/2-0.wav", ",2,rain/1-0.wav")
    (rich_set / "clips.csv").write_text(spoilt, encoding="utf-8")

    told = auricle("audit", rich_set)

    assert told.code == 1
    assert not told.err
    assert "The same recording stands in two folds: rain/1-0.wav" in told.out
    refused = auricle("train", "cnn", "--data", rich_set, "--out", tmp_path / "run")
    assert "stands in folds" in refused.err


def test_the_same_sound_in_one_fold_is_a_note(rich_set: Path, auricle: Any) -> None:
    plant(rich_set / "rain" / "2-1.wav", rich_set / "wind" / "2-0.wav")

    told = auricle("audit", rich_set)

    assert told.code == 0, told.out
    assert "The same sound has two classes: rain/2-1.wav (rain) and wind/2-0.wav" in told.out
    assert "The same sound counts as two recordings, in one fold" in told.out


def test_folds_that_are_made_here_have_no_near_duplicate_across_them(
    rich_set: Path, auricle: Any
) -> None:
    plant(rich_set / "rain" / "2-1.wav", rich_set / "rain" / "1-0.wav")
    (rich_set / "clips.csv").unlink()

    told = auricle("audit", rich_set)

    assert told.code == 0, told.out
    assert "near-duplicates were looked for" in told.out
    assert "1 near-duplicate." in told.out


def test_bad_files_are_told_by_name(rich_set: Path, auricle: Any) -> None:
    (rich_set / "rain" / "2-1.wav").write_bytes(b"no sound")
    sf.write(rich_set / "wind" / "1-1.wav", np.zeros(8000), 8000)

    told = auricle("audit", rich_set)

    assert told.code == 0, told.err
    assert "Not every file can be used: rain/2-1.wav" in told.out
    assert "Not every file holds a sound: wind/1-1.wav" in told.out


def test_a_set_that_cannot_be_decoded_is_refused(rich_set: Path, auricle: Any) -> None:
    for file in rich_set.glob("*/*.wav"):
        file.write_bytes(b"no sound")

    told = auricle("audit", rich_set)

    assert told.code == 1
    assert "0 clips can be decoded" in told.err


def test_the_test_fold_leaves_no_trace_in_what_is_measured(
    rich_set: Path, auricle: Any, tmp_path: Path
) -> None:
    """Leaks are looked for everywhere; how the test fold sounds is nowhere told."""
    auricle("audit", rich_set, "--out", tmp_path / "before")
    for number, file in enumerate(sorted(rich_set.glob("*/1-*.wav"))):
        noise = np.random.default_rng(100 + number).standard_normal(8000)
        sf.write(file, 0.001 * noise, 4000)
    auricle("audit", rich_set, "--out", tmp_path / "after")

    before, after = ((tmp_path / n / "audit.json").read_bytes() for n in ("before", "after"))
    assert before == after


def test_a_study_is_audited_without_its_sealed_fold(
    tiny_study: Path, spoilt_set: Path, auricle: Any, tmp_path: Path
) -> None:
    asked = shutil.copytree(tiny_study, tmp_path / "study")

    told = auricle("evidence", asked, "--data", spoilt_set, "--part", "audit")

    assert told.code == 0, told.err
    found = json.loads((asked / "evidence" / "audit.json").read_text(encoding="utf-8"))
    assert (found["clips"], found["recordings"], found["test_fold"]) == (36, 18, 1)
    assert (found["compared"], found["broken"]) == ([2, 3], {})
    page = (asked / "report" / "report.html").read_text(encoding="utf-8")
    assert "What is the data like?" in page
    assert "the test fold stays closed" in page


@pytest.mark.usefixtures("undrawn")
def test_where_testing_is_asked_for_all_sounds_are_compared(
    tiny_study: Path, tiny_set: Path, auricle: Any, tmp_path: Path
) -> None:
    asked = shutil.copytree(tiny_study, tmp_path / "study")

    told = auricle("evidence", asked, "--data", tiny_set, "--part", "audit", "--test")

    assert told.code == 0, told.err
    found = json.loads((asked / "evidence" / "audit.json").read_text(encoding="utf-8"))
    assert found["compared"] == [1, 2, 3]


def test_accuracy_is_told_by_whether_the_author_was_met(opened: Case) -> None:
    subject = opened.subjects[0]
    clips = subject.store.clips
    assert of_authors(subject, {}) is None  # each file an author of its own
    everywhere = {clip.file: "one and the same" for clip in clips}
    assert of_authors(subject, everywhere) is None
    bells = {clip.file: "ringer" for clip in clips if clip.category == "bell"}
    found = of_authors(subject, bells)
    assert found
    assert (found.met_clips, found.new_clips) == (8, 16)
    right = logits_of(subject).argmax(1) == subject.targets
    met = np.array([clip.category == "bell" for clip in clips])
    assert found.met.value == pytest.approx(right[met].mean())
    assert found.new.value == pytest.approx(right[~met].mean())
