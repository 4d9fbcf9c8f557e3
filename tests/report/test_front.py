import pytest

from auricle.report.front import in_thousands


@pytest.mark.parametrize(
    ("number", "told"),
    [(999, "999"), (1_000, "1k"), (299_530, "300k"), (548_490, "548k"), (1_083_456, "1,083,456")],
)
def test_numbers_are_rounded_to_thousands_not_cut(number: int, told: str) -> None:
    assert in_thousands(number) == told
