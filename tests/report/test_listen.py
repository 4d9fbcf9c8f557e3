"""The page with sounds: what it holds, what it may not, and that it stays where it was made."""

import csv
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile as sf
from rich.console import Console

from auricle.errors import StudyError
from auricle.report.every import by_mistakes
from auricle.report.listen import encoded, write_listening
from auricle.report.study_files import read_study

RATE_HZ = 8_000
QUIET = Console(quiet=True)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, write: Callable[..., Path]) -> Path:
    return write(
        tmp_path_factory.mktemp("listen") / "study",
        categories=("bell", "door"),
        names=("dull",),
        strategies=("kfold", "refit"),
        per_fold=2,
    )


@pytest.fixture(scope="module")
def clips(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sounds of the development clips: to decode one of the test fold would fail."""
    folder = tmp_path_factory.mktemp("clips")
    time_s = np.arange(RATE_HZ // 2) / RATE_HZ
    with (run / "clips.csv").open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            if row["role"] == "development":
                (folder / row["file"]).parent.mkdir(exist_ok=True)
                sf.write(folder / row["file"], 0.3 * np.sin(2e3 * np.pi * time_s), RATE_HZ)
    return folder


def held(page: Path) -> dict[str, Any]:
    """The data of a page, as its script reads it."""
    found = re.search(r'id="explorer-data">(.*?)</script>', page.read_text(encoding="utf-8"))
    assert found
    told: dict[str, Any] = json.loads(found[1])
    return told


def test_all_development_clips_are_in_it_and_no_other(
    run: Path, clips: Path, tmp_path: Path
) -> None:
    page = write_listening(run, tmp_path, data=str(clips), most_mb=25, console=QUIET)
    data = held(page)
    sounding = {data["clips"][int(at)][0] for at in data["sounds"]}
    assert sounding == set(by_mistakes(read_study(run)))
    assert not [file for file in sounding if "/1-" in file]
    assert any("/1-" in file for file, _, _ in data["clips"])
    said = page.read_text(encoding="utf-8")
    assert "for your own use" in said
    assert "CC BY 3.0 as a set" in said


def test_its_sounds_stay_below_the_bound_and_mistakes_come_first(
    run: Path, clips: Path, tmp_path: Path
) -> None:
    most_mb = 0.05
    page = write_listening(run, tmp_path, data=str(clips), most_mb=most_mb, console=QUIET)
    data = held(page)
    order = by_mistakes(read_study(run))
    assert 0 < len(data["sounds"]) < len(order)
    assert sum(map(len, data["sounds"].values())) <= most_mb * 1e6
    names = [data["clips"][int(at)][0] for at in data["sounds"]]
    assert names == order[: len(names)]


def test_a_clip_sounds_as_the_networks_hear_it(tmp_path: Path) -> None:
    time_s = np.arange(3 * RATE_HZ) / RATE_HZ
    loud_late = np.where(time_s < 2, 0.01, 0.5) * np.sin(2 * np.pi * 1000 * time_s)
    sf.write(tmp_path / "in.wav", loud_late, RATE_HZ)
    (tmp_path / "out.ogg").write_bytes(encoded(tmp_path / "in.wav", clip_s=1.0))
    wave, rate_hz = sf.read(tmp_path / "out.ogg")
    assert len(wave) == pytest.approx(rate_hz, abs=10)
    assert np.sqrt(np.mean(wave**2)) == pytest.approx(0.5 / np.sqrt(2), rel=0.05)
    pitch_hz = np.argmax(np.abs(np.fft.rfft(wave))) * rate_hz / len(wave)
    assert pitch_hz == pytest.approx(1000, abs=2)


def test_a_folder_without_the_clips_is_refused(run: Path, tmp_path: Path) -> None:
    with pytest.raises(StudyError, match=r"bell/2-00\.wav is not in it; name .* --data"):
        write_listening(run, tmp_path, data=str(tmp_path), most_mb=25, console=QUIET)
    assert not (tmp_path / "listen.html").exists()


def test_what_is_published_holds_no_sound(
    run: Path, clips: Path, tmp_path: Path, auricle: Callable[..., Any]
) -> None:
    told = auricle("report", run, "--listen", "--data", clips, "--publish", tmp_path / "light")
    assert told.code == 0, told.err
    page = run / "report" / "listen.html"
    assert str(page) in told.out.replace("\n", "")
    beginning = next(iter(held(page)["sounds"].values()))[:40]
    published = [path for path in (tmp_path / "light").rglob("*") if path.is_file()]
    assert "report.html" in {path.name for path in published}
    assert "listen.html" not in {path.name for path in published}
    assert not {path.suffix for path in published} & {".ogg", ".wav", ".opus", ".flac", ".mp3"}
    assert not [path for path in published if beginning.encode() in path.read_bytes()]
