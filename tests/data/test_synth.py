from collections import Counter

import numpy as np
import pytest
import soundfile as sf
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import PredefinedSplit, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from auricle.data.audio import load_wave
from auricle.data.synth import VOICES, make_synth
from auricle.errors import DataError


@pytest.fixture(scope="module")
def synth(tmp_path_factory):
    return make_synth(tmp_path_factory.mktemp("synth") / "set", clips=200, seconds=2.0)


def test_ten_classes_in_five_equal_folds(synth):
    assert synth.categories == tuple(sorted(voice.__name__ for voice in VOICES))
    assert set(Counter((c.category, c.fold) for c in synth.clips).values()) == {4}
    assert not synth.notes


def test_recordings_have_several_takes_and_stay_in_a_fold(synth):
    takes = Counter(clip.recording for clip in synth.clips)

    assert set(takes.values()) == {2}
    assert len({(c.recording, c.fold) for c in synth.clips}) == len(takes)


def test_sounds_are_heard_and_not_clipped(synth):
    for clip in synth.clips[::7]:
        info = sf.info(synth.path(clip))
        wave = load_wave(synth.path(clip), info.samplerate)
        assert info.duration == 2.0
        assert 0.01 < np.abs(wave).max() < 1.0


def test_the_same_bytes_on_every_run_and_in_a_larger_set(tmp_path, synth):
    again = make_synth(tmp_path / "again", clips=50, seconds=2.0)

    for clip in again.clips:
        assert again.path(clip).read_bytes() == (synth.root / clip.file).read_bytes()


def test_another_seed_sounds_different(tmp_path, synth):
    other = make_synth(tmp_path / "other", clips=50, seconds=2.0, seed=1)

    assert all(
        other.path(clip).read_bytes() != (synth.root / clip.file).read_bytes()
        for clip in other.clips
    )


def test_a_set_is_made_once(tmp_path):
    calls = []
    settings = {"clips": 50, "seconds": 0.5}
    first = make_synth(tmp_path / "set", **settings, progress=lambda *done: calls.append(done))

    again = make_synth(tmp_path / "set", **settings, progress=lambda *done: calls.append(done))

    assert first == again
    assert calls == [(done, 50) for done in range(1, 51)]
    assert [folder.name for folder in tmp_path.iterdir()] == ["set"]


def test_any_rate_and_length(tmp_path):
    table = make_synth(tmp_path / "set", clips=50, seconds=0.3, sample_rate_hz=44100)

    assert sf.info(table.path(table.clips[0])).frames == 13230


def test_too_few_clips_are_refused(tmp_path):
    with pytest.raises(DataError, match="49 clips are too few; 50 give each class one a fold"):
        make_synth(tmp_path / "set", clips=49)


def test_a_folder_with_something_else_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("precious", encoding="utf-8")

    with pytest.raises(DataError, match="holds something else; delete it or choose another"):
        make_synth(tmp_path, clips=50)
    assert [file.name for file in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_mean_spectrum_does_not_name_the_class(synth):
    """Far from chance, far from solved: there is something to learn in time."""
    spectra, categories, folds = [], [], []
    edges = np.geomspace(2, 256, 31).astype(int)
    for clip in synth.clips:
        frames = load_wave(synth.path(clip), 16000)[: 62 * 512].reshape(62, 512)
        power = np.abs(np.fft.rfft(frames * np.hanning(512))) ** 2
        bands = np.add.reduceat(power, np.unique(edges), axis=1)
        spectra.append(np.log(bands + 1e-6 * bands.max()).mean(0))
        categories.append(clip.category)
        folds.append(clip.fold)
    linear = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=2000))

    accuracy = cross_val_score(linear, spectra, categories, cv=PredefinedSplit(folds)).mean()

    assert 0.25 < accuracy < 0.75
