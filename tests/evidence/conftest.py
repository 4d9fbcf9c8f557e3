import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from auricle.evidence.case import Case, open_case
from auricle.evidence.command import gather
from auricle.study.prepare import Setting


@pytest.fixture(autouse=True)
def in_small(settled: None) -> None:
    """Studies here run on one thread, with a cache of their own."""


@pytest.fixture(scope="session")
def spoilt_set(tiny_set: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small set with a test fold that nobody can decode: whoever opens it is found out."""
    data = Path(shutil.copytree(tiny_set, tmp_path_factory.mktemp("spoilt") / "tones"))
    for file in data.glob("*/1-*.wav"):
        file.write_bytes(b"not a sound")
    return data / "clips.csv"


@pytest.fixture(scope="session")
def answered(
    tiny_study: Path, spoilt_set: Path, cache: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The small study with every question answered that trains networks."""
    run = Path(shutil.copytree(tiny_study, tmp_path_factory.mktemp("asked") / "tiny"))
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("AURICLE_CACHE", str(cache))
        monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "1")
        monkeypatch.setenv("OMP_NUM_THREADS", "1")
        gather(
            run,
            ["architecture", "learning", "strangers", "leak"],
            Setting(run=run, workers=1, device="cpu"),
            data=str(spoilt_set),
            test=False,
            again=False,
        )
    return run


@pytest.fixture(scope="session")
def opening(tiny_study: Path, tiny_set: Path, cache: Path) -> Callable[[], Case]:
    """Opens the finished study for questions; its networks are one's own to change."""

    def call() -> Case:
        with pytest.MonkeyPatch.context() as monkeypatch:
            monkeypatch.setenv("AURICLE_CACHE", str(cache))
            return open_case(
                tiny_study,
                Setting(run=tiny_study),
                Console(quiet=True),
                data=str(tiny_set),
                test=False,
            )

    return call


@pytest.fixture
def opened(opening: Callable[[], Case]) -> Case:
    """The finished study, opened for one test."""
    return opening()
