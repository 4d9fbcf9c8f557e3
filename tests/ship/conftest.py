import pytest


@pytest.fixture(autouse=True)
def in_small(settled: None) -> None:
    """Studies here run on one thread, with a cache of their own."""
