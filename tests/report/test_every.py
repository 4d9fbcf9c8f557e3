"""What the page's script is given."""

import base64
import json
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from auricle.evaluation.intervals import Interval
from auricle.evidence.looking import Looked, LookingFound, Planted, Pointer
from auricle.report import every
from auricle.report.every import by_mistakes, explored
from auricle.report.html import script_data
from auricle.report.study_files import read_study


@pytest.fixture(scope="module")
def run(
    tmp_path_factory: pytest.TempPathFactory,
    write: Callable[..., Path],
    look: Callable[..., Path],
) -> Path:
    study = write(
        tmp_path_factory.mktemp("every") / "study",
        categories=("bell", "door", "glass"),
        names=("dull", "dull-h4"),
        strategies=("kfold", "refit", "esc5"),
        per_fold=4,
    )
    look(study, ("dull", "dull-h4"))
    return study


def test_every_whole_set_of_answers_is_told_once(run: Path) -> None:
    data = explored(read_study(run), {})
    views = ["out-of-fold (kfold)", "test fold 1 (refit)", "test fold 1 (kfold)"]
    assert data["views"] == [*views, "all folds (esc5)"]
    told = [(each["view"], each["configuration"], each["seed"]) for each in data["sets"]]
    assert sorted(told) == [(v, c, "0") for v in range(4) for c in ("dull", "dull-h4")]
    assert [len(each["clips"]) for each in data["sets"]] == [48, 48, 12, 12, 12, 12, 60, 60]


def test_percents_are_those_of_the_file(run: Path) -> None:
    study = read_study(run)
    data = explored(study, {})
    first = data["sets"][0]
    row = next(row for row in study.predictions if row["member"] == "pooled")
    place = [file for file, _, _ in data["clips"]].index(row["file"])
    at = first["clips"].index(place)
    percents = np.frombuffer(base64.b64decode(first["percents"]), np.uint8).reshape(48, 3)
    shares = [float(row[f"p_{name}"]) for name in ("bell", "door", "glass")]
    assert percents[at].tolist() == [round(100 * share) for share in shares]
    assert data["categories"][first["answers"][at]] == row["prediction"]


def test_mistakes_come_first_and_the_test_fold_never(run: Path) -> None:
    study = read_study(run)
    missed: dict[str, int] = {}
    for row in study.predictions:
        if (row["member"], row["on"]) == ("pooled", "out-of-fold"):
            wrong = row["prediction"] != row["category"]
            missed[row["file"]] = missed.get(row["file"], 0) + wrong
    found = [missed[file] for file in by_mistakes(study)]
    assert found == sorted(missed.values(), reverse=True)
    assert found[0] == 2
    assert not [file for file in by_mistakes(study) if "/1-" in file]


def test_pictures_fill_the_page_to_its_bound(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = read_study(run)
    assert len(explored(study, {})["pictures"]["of"]) == 48
    monkeypatch.setattr(every, "MOST_PICTURES", 20_000)
    packed = explored(study, {})["pictures"]["of"]
    assert 0 < len(packed) < 48
    assert sum(map(len, packed.values())) <= 20_000
    places = [file for file, _, _ in explored(study, {})["clips"]]
    assert [places[at] for at in packed] == by_mistakes(study)[: len(packed)]


def test_a_picture_unpacks_to_what_was_looked_at(run: Path) -> None:
    study = read_study(run)
    looking = study.looking
    assert looking
    data = explored(study, {})
    place, packed = next(iter(data["pictures"]["of"].items()))
    row = looking.files.index(data["clips"][place][0])
    values = np.frombuffer(zlib.decompress(base64.b64decode(packed)), np.uint8)
    bands, frames, points = 12, 20, 16
    sizes = [bands * frames, 2 * points, bands * frames, bands * frames, frames]
    spectrum, wave, first, _, attention = np.split(values, np.cumsum(sizes)[:-1])
    assert np.abs(spectrum - looking.spectra[row].ravel().astype(int)).max() < 4
    assert np.abs(wave.view(np.int8) / 127 - looking.envelopes[row].ravel()).max() < 0.01
    assert np.abs(first - looking.gradients["dull"][row].ravel().astype(int)).max() < 8
    assert attention.argmax() == looking.attention["dull-h4"][row].argmax()
    assert attention.max() == 255


def test_pointers_that_failed_their_test_are_named_to_the_page(run: Path) -> None:
    holds, fails = Interval(0.1, 0.05, 0.15), Interval(-0.1, -0.2, -0.05)

    def pointer(name: str, over: Interval) -> Pointer:
        return Pointer(
            name=name, planted=Planted(chance=0.1, found=holds, off_s=0.1), muted=(),
            over_elsewhere=holds, over_drawn=over, over_loudest=over,
        )  # fmt: skip

    def looked(name: str, attention: str | None, *pointers: Pointer) -> Looked:
        return Looked(
            configuration=name, event_s=0.5, named=0.5, unexplained=0.0, pointers=pointers,
            attention=attention,
        )  # fmt: skip

    found = LookingFound(
        configurations=(
            looked("dull", None, pointer("gradient", fails)),
            looked(
                "dull-h4",
                "rollout",
                pointer("gradient", holds),
                pointer("last block", holds),
                pointer("rollout", fails),
            ),
        ),
        shown="dull-h4", pictures=(), seconds=5.0, low_hz=40.0, high_hz=16_000.0,
    )  # fmt: skip
    study = replace(read_study(run), evidence={"looking": found})
    assert explored(study, {})["pictures"]["failed"] == {
        "gradient": ["dull"],
        "attention": ["dull-h4"],
    }


def test_a_study_without_that_evidence_says_how_to_get_it(run: Path) -> None:
    study = replace(read_study(run), looking=None)
    assert explored(study, {})["pictures"] is None
    assert "evidence RUN --part looking" in every.explorer(study, {}).text


@pytest.mark.parametrize("name", ["</script><b>", "<!--", "a & b", "é"])
def test_no_name_ends_the_script_that_holds_it(name: str) -> None:
    text = script_data({"name": name})
    assert "<" not in text
    told: dict[str, Any] = json.loads(text)
    assert told == {"name": name}
