from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from auricle.evidence.case import Case, open_case
from auricle.study.run import Setting


@pytest.fixture(autouse=True)
def in_small(settled: None) -> None:
    """Studies here run on one thread, with a cache of their own."""


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
