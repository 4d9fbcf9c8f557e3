import numpy as np
import pytest

from auricle.ship.events import merged, stretches, windows


def pieces_of(wave: np.ndarray, sizes: list[int]) -> list[np.ndarray]:
    return np.split(wave, np.cumsum(sizes)[:-1])


@pytest.mark.parametrize("sizes", [[25], [1] * 25, [7, 11, 0, 7], [24, 1]])
def test_windows_do_not_depend_on_how_the_wave_comes(sizes: list[int]) -> None:
    wave = np.arange(1, 26, dtype=np.float32)
    found = list(windows(pieces_of(wave, sizes), samples=10, hop=5))
    assert [window[0] for window in found] == [1, 6, 11, 16]
    assert all(len(window) == 10 for window in found)
    assert found[-1].tolist() == list(range(16, 26))


@pytest.mark.parametrize(("length", "count"), [(0, 1), (3, 1), (10, 1), (11, 2), (15, 2), (16, 3)])
def test_every_sample_is_in_a_window_and_the_last_is_filled_up(length: int, count: int) -> None:
    wave = np.arange(1, length + 1, dtype=np.float32)
    found = list(windows([wave], samples=10, hop=5))
    assert len(found) == count
    assert set(wave.tolist()) <= {sample for window in found for sample in window.tolist()}
    assert {len(window) for window in found} == {10}


def test_a_stretch_is_the_mean_of_the_windows_over_it() -> None:
    found = stretches(np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]), overlap=2)
    np.testing.assert_allclose(found, [[1, 0], [0.5, 0.5], [0, 1], [0, 1]])
    np.testing.assert_allclose(stretches(np.array([1.0, 3.0, 3.0]), overlap=2), [1, 2, 3, 3])


def test_neighbours_with_one_answer_are_one_event() -> None:
    found = np.array([[0.9, 0.1], [0.7, 0.3], [0.2, 0.8], [0.45, 0.55], [0.9, 0.1]])
    strangeness = np.array([1.0, 1.5, 1.0, 3.0, 1.0])
    events = merged(found, strangeness, strangeness < 2, hop_s=2.5, length_s=11.0)
    assert [(e.start_s, e.end_s, e.answer) for e in events] == [
        (0.0, 5.0, 0),
        (5.0, 7.5, 1),
        (7.5, 10.0, None),
        (10.0, 11.0, 0),
    ]
    assert events[0].confidence == pytest.approx(0.8)
    np.testing.assert_allclose(events[0].probabilities, [0.8, 0.2])
    assert [event.strangeness for event in events] == [1.25, 1, 3, 1]


def test_stretches_past_the_end_are_no_events() -> None:
    found = np.array([[0.9, 0.1], [0.1, 0.9], [0.1, 0.9]])
    strangeness = np.array([1.0, 9.0, 9.0])
    (event,) = merged(found, strangeness, strangeness < 99, hop_s=2.5, length_s=2.0)
    assert (event.start_s, event.end_s, event.answer) == (0.0, 2.0, 0)
    assert event.strangeness == 1
