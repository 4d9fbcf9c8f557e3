"""Files with the same sound are found, listened to once, and grouped."""

import numpy as np
import pytest
import soundfile as sf

from auricle.data import duplicates
from auricle.data.duplicates import Pair, find_duplicates, find_equal, groups_of


@pytest.fixture
def files(tmp_path, write_noise):
    """Two noises, a copy of the first in bytes and one in another format, silence, and no sound."""
    first = write_noise(tmp_path / "0.wav", seed=0)
    (tmp_path / "1.wav").write_bytes(first.read_bytes())
    write_noise(tmp_path / "2.ogg", seed=0)
    write_noise(tmp_path / "3.wav", seed=1)
    sf.write(tmp_path / "4.wav", np.zeros(16000), 16000)
    (tmp_path / "5.wav").write_bytes(b"no sound")
    return [*sorted(tmp_path.glob("*.*")), tmp_path / "6 missing.wav"]


def test_equal_files_are_found_by_their_bytes(files):
    assert find_equal(files) == (Pair(0, 1, equal=True),)


def test_near_duplicates_are_found_by_ear_and_broken_files_are_told(files):
    found = find_duplicates(files)

    equal, near = found.pairs
    assert equal == Pair(0, 1, equal=True)
    assert (near.first, near.second, near.equal) == (0, 2, False)
    assert near.shared_s == pytest.approx(3, abs=0.25)
    assert near.lag_s == pytest.approx(0, abs=0.01)
    assert found.unmarked == (4,)
    assert [number for number, _ in found.broken] == [5, 6]
    assert "no audio that can be decoded" in found.broken[0][1]
    assert str(files[5]) not in found.broken[0][1]


def test_a_set_is_listened_to_once_and_again_when_a_file_changes(
    files, tmp_path, write_noise, monkeypatch
):
    cache, heard = tmp_path / "cache", []
    load = duplicates.load_wave
    monkeypatch.setattr(
        duplicates, "load_wave", lambda file, hz: (heard.append(file), load(file, hz))[1]
    )

    first = find_duplicates(files, cache)
    once = len(heard)
    assert find_duplicates(files, cache) == first
    assert len(heard) == once > 0
    write_noise(files[3], seed=0)
    assert {(pair.first, pair.second) for pair in find_duplicates(files, cache).pairs} == {
        (0, 1),
        (0, 2),
        (0, 3),
    }


def test_a_damaged_answer_is_not_taken(files, tmp_path):
    first = find_duplicates(files, tmp_path / "cache")
    (kept,) = (tmp_path / "cache").iterdir()
    kept.write_text("{", encoding="utf-8")

    assert find_duplicates(files, tmp_path / "cache") == first


def test_progress_counts_what_is_decoded(files):
    told = []

    find_duplicates(files, progress=lambda done, total: told.append((done, total)))

    assert told == [(done, 6) for done in range(1, 7)]


def test_pairs_make_groups():
    pairs = [Pair(0, 2, equal=True), Pair(2, 3, equal=False)]

    assert groups_of(5, pairs).tolist() == [0, 1, 0, 0, 2]
    assert groups_of(2, ()).tolist() == [0, 1]
