from dataclasses import replace

import pytest

from auricle.evaluation.calibration import Calibration, Reliability
from auricle.evidence.calibration import Calibrated, CalibrationFound
from auricle.report.answers.calibration import LEAST, merged, section
from auricle.report.document import Figure, Paragraph, Table


def bins(*clips: int) -> tuple[Reliability, ...]:
    width = 1 / len(clips)
    return tuple(
        Reliability(at * width, (at + 1) * width, number, (at + 0.5) * width, 1.0 * (at % 2))
        for at, number in enumerate(clips)
    )


@pytest.mark.parametrize(
    ("clips", "left"),
    [
        ((1, 4, 2, 30, 200), [37, 200]),
        ((12, 30, 3), [12, 33]),
        ((3, 2), [5]),
        ((20,), [20]),
    ],
)
def test_small_bins_are_merged_with_their_neighbours(clips: tuple[int, ...], left: list[int]):
    found = merged(bins(*clips))
    assert [each.clips for each in found] == left
    for of in ("confidence", "accuracy"):
        whole = sum(getattr(each, of) * each.clips for each in bins(*clips))
        assert sum(getattr(each, of) * each.clips for each in found) == pytest.approx(whole)


def test_the_figure_counts_its_clips_and_the_text_says_how_short_ones_were_heard() -> None:
    of = Calibration(nll=0.2, brier=0.1, ece=0.02, bins=bins(1, 4, 2, 30, 283))
    cnn = Calibrated(
        configuration="cnn", temperature=0.7, by_fold={2: 0.7}, before=of, after=of,
        sealed_before=None, sealed_after=None,
    )  # fmt: skip
    blocks = list(section(CalibrationFound((cnn,))))
    (figure,) = (block for block in blocks if isinstance(block, Figure))
    assert ">37<" in figure.svg
    assert ">283<" in figure.svg
    assert f"fewer than {LEAST}" in figure.caption
    (text,) = (block.text for block in blocks if isinstance(block, Paragraph))
    assert "hears it a second time" in text
    assert "its Brier score goes from 0.100 to 0.100." in text


def test_readings_of_the_test_fold_are_led_to_where_it_was_opened() -> None:
    of = Calibration(nll=0.2, brier=0.1, ece=0.02, bins=bins(12, 30))
    closed = Calibrated(
        configuration="cnn", temperature=0.7, by_fold={2: 0.7}, before=of, after=of,
        sealed_before=None, sealed_after=None,
    )  # fmt: skip
    for each, told in ((closed, False), (replace(closed, sealed_before=of, sealed_after=of), True)):
        (table,) = (b for b in section(CalibrationFound((each,))) if isinstance(b, Table))
        assert ("[@readings]" in table.note) == told
