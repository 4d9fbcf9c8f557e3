from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def in_small(settled: None) -> None:
    """Studies here run on one thread, with a cache of their own."""


@pytest.fixture(scope="session")
def study(tiny_study: Path) -> Path:
    return tiny_study
