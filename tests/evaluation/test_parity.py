import numpy as np
import pytest

from auricle.evaluation.parity import Answers, Row, compare, unknown_alike, verdicts

TARGETS = np.arange(80) % 2
REFERENCE = np.where(np.eye(2)[TARGETS] > 0, 0.8, 0.2)


def answers(probabilities: np.ndarray, strangeness: float = np.nan, unknown: int = 0) -> Answers:
    """So many of them are called unknown."""
    return Answers(probabilities, np.full(80, strangeness), np.arange(80) >= unknown)


def row(name: str, probabilities: np.ndarray) -> Row:
    reference, found = answers(REFERENCE), answers(probabilities)
    return compare(name, TARGETS, reference, found, ms_a_clip=1.0, size=10)


def flipped(clips: int) -> np.ndarray:
    """The reference with so many right answers turned wrong."""
    found = REFERENCE.copy()
    found[:clips] = found[:clips, ::-1]
    return found


def test_the_reference_agrees_with_itself_and_is_not_judged() -> None:
    found = row("pytorch", REFERENCE)
    assert (found.largest_difference, found.agreement, found.accuracy) == (0, 1, 1)
    assert found.holds is None
    assert verdicts([found]) == []


@pytest.mark.parametrize(("name", "judged"), [("onnx", True), ("browser", True), ("int8", False)])
def test_float32_may_differ_by_a_ten_thousandth_and_int8_by_more(name: str, judged: bool) -> None:
    near, far = (REFERENCE + np.array([by, -by]) for by in (9e-5, 2e-4))
    assert row(name, near).holds
    assert row(name, far).holds is not judged
    assert row(name, far).largest_difference == pytest.approx(2e-4)


def test_of_eighty_clips_int8_may_lose_two() -> None:
    two, three = row("int8", flipped(2)), row("int8", flipped(3))
    assert (two.lost, two.holds) == (2, True)
    assert (three.lost, three.holds) == (3, False)
    assert three.agreement == pytest.approx(77 / 80)
    assert verdicts([two, three]) == [
        "int8 agrees: of the clips that pytorch gets right it loses 2; 2 may be lost.",
        "int8 DOES NOT AGREE: of the clips that pytorch gets right it loses 3; 2 may be lost.",
    ]


def test_what_is_gained_does_not_pay_for_what_is_lost() -> None:
    ours = flipped(3)
    theirs = REFERENCE.copy()
    theirs[-3:] = theirs[-3:, ::-1]
    found = compare("int8", TARGETS, answers(ours), answers(theirs), ms_a_clip=1.0, size=1)
    assert (found.gained, found.lost, found.holds) == (3, 3, False)
    assert found.accuracy == pytest.approx(77 / 80)


def test_strangeness_and_what_is_unknown_are_told_and_not_judged() -> None:
    one, other = answers(REFERENCE, 2.0, unknown=3), answers(REFERENCE, 2.5, unknown=5)
    found = compare("onnx", TARGETS, one, other, ms_a_clip=1.0, size=1)
    assert (found.strangeness_difference, found.unknown_otherwise) == (0.25, 2)
    assert found.holds
    mute = compare("onnx", TARGETS, one, answers(REFERENCE), ms_a_clip=1.0, size=1)
    assert (mute.strangeness_difference, mute.unknown_otherwise) == (None, 3)
    assert unknown_alike([row("pytorch", REFERENCE), found, mute]) == [
        "onnx differs from pytorch in whether a clip is unknown for 2, strangeness by 25% at most.",
        "onnx differs from pytorch in whether a clip is unknown for 3.",
    ]


def test_a_browser_that_decodes_by_itself_is_told_and_not_judged() -> None:
    assert row("browser-decoded", flipped(40)).holds is None
