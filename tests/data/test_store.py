import errno
import pickle
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from auricle.data import store as store_module
from auricle.data.audio import fit_length, load_wave
from auricle.data.readers import read_clips
from auricle.data.store import FULL_SCALE, open_store
from auricle.errors import AudioError, DataError

SIZE = {"sample_rate_hz": 8000, "seconds": 0.25}


@pytest.fixture
def table(class_folders):
    return read_clips(class_folders)


def forbid_decoding(monkeypatch):
    def refuse(*_):
        raise AssertionError("decoded")

    monkeypatch.setattr(store_module, "load_wave", refuse)


def test_rows_are_the_waves_of_the_clips(table, tmp_path):
    store = open_store(table, **SIZE, cache=tmp_path)

    assert store.clips == table.clips
    assert store.waves.shape == (21, 2000)
    assert store.waves.dtype == np.int16
    assert isinstance(store.waves, np.memmap)
    assert not store.waves.flags.writeable
    for row, clip in enumerate(table.clips):
        wave = fit_length(load_wave(table.path(clip), 8000), 2000)
        np.testing.assert_allclose(store.waves[row] / FULL_SCALE, wave, atol=0.51 / FULL_SCALE)


def test_what_is_louder_than_full_scale_is_clipped(table, tmp_path, monkeypatch):
    monkeypatch.setattr(store_module, "load_wave", lambda *_: np.float32([2, 1, 0, -1, -2]))

    store = open_store(table, **SIZE, cache=tmp_path)

    assert store.waves[0, :5].tolist() == [32767, 32767, 0, -32768, -32768]


def test_clips_are_decoded_once(table, tmp_path, monkeypatch):
    calls = []
    first = open_store(
        table, **SIZE, cache=tmp_path, progress=lambda *progress: calls.append(progress)
    )
    forbid_decoding(monkeypatch)

    again = open_store(table, **SIZE, cache=tmp_path)

    assert calls == [(done, 21) for done in range(1, 22)]
    assert np.array_equal(first.waves, again.waves)


def test_a_fold_that_is_not_asked_for_is_not_decoded(table, tmp_path, monkeypatch):
    decoded = []

    def watch(file, rate_hz):
        decoded.append(file)
        return load_wave(file, rate_hz)

    monkeypatch.setattr(store_module, "load_wave", watch)
    open_store(table.in_folds({2, 3, 4, 5}), **SIZE, cache=tmp_path)

    sealed = {table.path(clip) for clip in table.in_folds({1}).clips}
    assert sealed
    assert not sealed & set(decoded)


def test_a_changed_file_or_setting_is_decoded_anew(table, tmp_path, write_tone):
    before = open_store(table, **SIZE, cache=tmp_path)
    write_tone(table.path(table.clips[0]), hz=1000, seconds=0.1)

    after = open_store(table, **SIZE, cache=tmp_path)

    assert not np.array_equal(before.waves[0], after.waves[0])
    assert np.array_equal(before.waves[1:], after.waves[1:])
    shorter = open_store(table, sample_rate_hz=8000, seconds=0.1, cache=tmp_path)
    assert shorter.waves.shape == (21, 800)


@pytest.mark.parametrize("kept", [0, 50, 5000])
def test_a_damaged_store_is_built_anew(table, tmp_path, kept):
    good = np.array(open_store(table, **SIZE, cache=tmp_path).waves)
    (file,) = tmp_path.glob("waves-*.npy")
    file.write_bytes(file.read_bytes()[:kept])

    assert np.array_equal(open_store(table, **SIZE, cache=tmp_path).waves, good)


def test_a_store_goes_to_a_worker_as_its_path(table, tmp_path):
    store = open_store(table, **SIZE, cache=tmp_path)

    pickled = pickle.dumps(store)

    assert len(pickled) < store.waves.nbytes / 10
    back = pickle.loads(pickled)  # noqa: S301
    assert isinstance(back.waves, np.memmap)
    assert np.array_equal(back.waves, store.waves)
    assert back.clips == store.clips


def test_builders_at_the_same_time_do_no_harm(table, tmp_path):
    with ThreadPoolExecutor(4) as pool:
        stores = list(pool.map(lambda _: open_store(table, **SIZE, cache=tmp_path), range(8)))

    assert all(np.array_equal(store.waves, stores[0].waves) for store in stores)
    assert sorted(file.suffix for file in tmp_path.iterdir() if file.is_file()) == [
        ".json",
        ".npy",
    ]


def test_a_bad_file_stops_the_store_and_leaves_nothing(table, tmp_path):
    table.path(table.clips[3]).write_bytes(b"")

    with pytest.raises(AudioError, match=r"bell/3\.wav: empty, 0 bytes.*--skip-bad"):
        open_store(table, **SIZE, cache=tmp_path / "cache")
    assert not list((tmp_path / "cache").iterdir())


def test_skip_bad_leaves_files_out_and_tells_why(table, tmp_path, monkeypatch):
    table.path(table.clips[3]).write_bytes(b"")
    table.path(table.clips[20]).unlink()

    store = open_store(table, **SIZE, cache=tmp_path, skip_bad=True)

    assert store.waves.shape == (19, 2000)
    assert store.clips == tuple(c for i, c in enumerate(table.clips) if i not in (3, 20))
    assert [file for file, _ in store.skipped] == ["bell/3.wav", "siren/6.wav"]
    assert store.skipped[0][1].startswith("empty, 0 bytes")
    assert str(tmp_path) not in "".join(reason for _, reason in store.skipped)
    forbid_decoding(monkeypatch)
    assert open_store(table, **SIZE, cache=tmp_path, skip_bad=True).skipped == store.skipped
    with pytest.raises(AudioError, match=r"bell/3\.wav: empty"):
        open_store(table, **SIZE, cache=tmp_path)


def test_nothing_but_bad_files_is_refused(table, tmp_path):
    for clip in table.clips:
        table.path(clip).write_bytes(b"")

    with pytest.raises(DataError, match="none of its 21 clips can be decoded"):
        open_store(table, **SIZE, cache=tmp_path, skip_bad=True)


def test_a_full_disk_is_told_with_the_way_out(table, tmp_path, monkeypatch):
    def fill(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(store_module, "_write_header", fill)

    with pytest.raises(DataError, match=r"No space left.*another folder for the cache"):
        open_store(table, **SIZE, cache=tmp_path / "cache")
    assert not list((tmp_path / "cache").iterdir())


def test_memory_does_not_grow_with_the_number_of_clips(class_folders, tmp_path, write_tone):
    def peak_bytes(clips: int) -> int:
        cache = tmp_path / f"cache-{clips}"
        part = read_clips(class_folders)
        part = type(part)("many", part.root, tuple(part.clips[:10]) * (clips // 10))
        tracemalloc.start()
        open_store(part, sample_rate_hz=8000, seconds=2.0, cache=cache)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    few, many = peak_bytes(100), peak_bytes(600)

    assert many < few + 500 * 6_000  # a clip's name and hash; its row would take 32,000 bytes more
