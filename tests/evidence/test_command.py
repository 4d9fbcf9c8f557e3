import json
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from auricle.evidence import case as cases
from auricle.evidence import command
from auricle.evidence.command import PARTS
from auricle.study.lock import WHO, alone_in


@pytest.fixture
def asked(tiny_study: Path, tmp_path: Path) -> Path:
    """A copy of the finished study, to be asked."""
    return Path(shutil.copytree(tiny_study, tmp_path / "study"))


def test_an_answer_is_a_file_and_a_section_of_the_report(
    asked: Path, tiny_set: Path, auricle: Any
) -> None:
    told = auricle("evidence", asked, "--data", tiny_set, "--part", "calibration")
    assert told.code == 0, told.err
    found = json.loads((asked / "evidence" / "calibration.json").read_text(encoding="utf-8"))
    assert [each["configuration"] for each in found["configurations"]] == ["cnn", "transformer-h2"]
    assert all(each["sealed_before"] is None for each in found["configurations"])
    page = (asked / "report" / "report.html").read_text(encoding="utf-8")
    assert "Can it be believed?" in page
    unasked = page.split("Not asked of this study: ")[1].split("(")[0]
    assert "<code>robustness</code>" in unasked
    assert "calibration" not in unasked


@pytest.mark.usefixtures("undrawn")
def test_what_is_answered_is_not_asked_again(asked: Path, tiny_set: Path, auricle: Any) -> None:
    answer = asked / "evidence" / "calibration.json"
    auricle("evidence", asked, "--data", tiny_set, "--part", "calibration")
    written = answer.stat().st_mtime_ns
    told = auricle("evidence", asked, "--data", tiny_set, "--part", "calibration")
    assert "answered already" in told.out
    assert answer.stat().st_mtime_ns == written
    auricle("evidence", asked, "--data", tiny_set, "--part", "calibration", "--again")
    assert answer.stat().st_mtime_ns > written


@pytest.mark.usefixtures("undrawn")
def test_the_test_fold_is_opened_only_if_asked_and_that_is_counted(
    asked: Path, tiny_set: Path, auricle: Any, tools: SimpleNamespace, tmp_path: Path
) -> None:
    ledger = tmp_path / "reads.csv"
    before = len(tools.rows_of(asked / "test_reads.csv"))
    without = ("evidence", asked, "--data", tiny_set, "--part", "calibration", "--ledger", ledger)
    assert auricle(*without).code == 0
    assert not ledger.exists()
    assert auricle(*without, "--again", "--test", "--reason", "calibration").code == 0
    assert [row["reason"] for row in tools.rows_of(ledger)] == ["calibration"]
    assert before == 1
    found = json.loads((asked / "evidence" / "calibration.json").read_text(encoding="utf-8"))
    bins = found["configurations"][0]["sealed_after"]["bins"]
    assert sum(b["clips"] for b in bins) == 12  # one fold of the small set


@pytest.mark.usefixtures("undrawn")
def test_without_leave_no_file_of_the_test_fold_is_decoded(
    asked: Path, tiny_set: Path, auricle: Any, tmp_path: Path
) -> None:
    data = Path(shutil.copytree(tiny_set, tmp_path / "data"))
    for file in data.glob("*/1-*.wav"):
        file.write_bytes(b"not a sound")
    told = auricle("evidence", asked, "--data", data / "clips.csv", "--part", "calibration")
    assert told.code == 0, told.err


def test_a_clip_is_put_to_the_network_that_never_heard_it(
    asked: Path, tiny_set: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rich.console import Console

    from auricle.study.prepare import Setting

    case = cases.open_case(asked, Setting(run=asked), Console(), data=str(tiny_set), test=False)
    subject = case.subjects[0]
    seen = []
    for rows, network, waves in subject.batches():
        assert waves.shape == (len(rows), 2400)
        assert waves.dtype == torch.float32
        seen += rows.tolist()
        for fold in {subject.store.clips[row].fold for row in rows}:
            assert subject.networks[fold] is network
            kept = asked / "cnn" / "kfold" / f"fold-{fold}" / "seed-0" / "fit.json"
            assert fold not in json.loads(kept.read_text(encoding="utf-8"))["training_folds"]
    assert sorted(seen) == list(range(len(subject.store.clips)))
    assert {clip.fold for clip in subject.store.clips} == {2, 3}


@pytest.mark.usefixtures("undrawn")
def test_a_copy_without_weights_is_asked_what_needs_none(
    asked: Path, tiny_set: Path, auricle: Any
) -> None:
    for file in asked.rglob("weights.safetensors"):
        file.unlink()
    (asked / "evidence" / "doubts.json").unlink(missing_ok=True)
    told = auricle("evidence", asked, "--data", tiny_set, "--part", "doubts")
    assert told.code == 0, told.err
    assert (asked / "evidence" / "doubts.json").is_file()
    refused = auricle("evidence", asked, "--data", tiny_set, "--part", "heads", "--again")
    assert refused.code == 1
    assert "weights.safetensors: missing" in refused.err


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda run: (run / "scores.json").unlink(), "--resume"),
        (lambda run: (run / "study.toml").unlink(), "study.toml is missing"),
        (lambda run: shutil.rmtree(run / "cnn" / "kfold"), "give the folder of a finished fit"),
    ],
)
def test_a_study_that_cannot_be_asked_is_told(
    asked: Path, tiny_set: Path, auricle: Any, spoil: Any, says: str
) -> None:
    spoil(asked)
    told = auricle("evidence", asked, "--data", tiny_set)
    assert told.code == 1
    assert says in told.err
    assert len(told.err.strip().splitlines()) == 1


@pytest.mark.usefixtures("undrawn")
def test_two_commands_never_ask_one_study_at_a_time(
    asked: Path, tiny_set: Path, auricle: Any
) -> None:
    (asked / "evidence").mkdir()
    with alone_in(asked / "evidence"):
        told = auricle("evidence", asked, "--data", tiny_set, "--part", "calibration")
    assert told.code == 1
    assert "works on this study; wait for it" in told.err
    again = auricle("evidence", asked, "--data", tiny_set, "--part", "calibration")
    assert again.code == 0, again.err
    assert not (asked / "evidence" / WHO).exists()


def test_other_clips_are_refused(asked: Path, tools: SimpleNamespace, auricle: Any, tmp_path: Path):
    other = tools.write_set(tmp_path / "other", folds=4)
    told = auricle("evidence", asked, "--data", other / "clips.csv")
    assert told.code == 1
    assert "other clips or folds" in told.err


def test_the_cost_of_all_controls_is_told_before_the_first_question(
    asked: Path, tiny_set: Path, opened: cases.Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr(opened.console, "print", told.append)
    monkeypatch.setattr(command, "estimate_s", lambda jobs, *_: 60.0 * len(jobs))
    case = replace(opened, run=asked)
    command.tell_cost(case, ["calibration", "learning", "leak"])
    assert told == ["6 fits to train (learning 4, leak 2), 1 at a time; about 6 min"]
    for job in (job for own in PARTS["leak"].jobs(case).values() for job in own):
        job.folder.mkdir(parents=True)
        (job.folder / "fit.json").touch()
    command.tell_cost(case, ["leak"])
    assert len(told) == 1


def test_an_unknown_part_is_told_with_those_that_are(asked: Path, auricle: Any) -> None:
    told = auricle("evidence", asked, "--part", "astrology")
    assert told.code == 1
    assert all(name in told.err for name in PARTS)


def test_a_damaged_answer_is_told_by_its_file(asked: Path, auricle: Any) -> None:
    (asked / "evidence").mkdir()
    (asked / "evidence" / "calibration.json").write_text("{}", encoding="utf-8")
    told = auricle("report", asked)
    assert told.code == 1
    assert "calibration.json" in told.err
    assert f"auricle evidence {asked} --part calibration --again" in told.err
