import numpy as np
import pytest
import soundfile as sf
import soxr

from auricle.data.audio import fit_length, hearings, load_wave, remark
from auricle.errors import AudioError

RATE_HZ = 32000
ENCODED = ("wav", "flac", "ogg", "opus", "mp3", "aiff")


def peak_hz(wave, rate_hz=RATE_HZ):
    spectrum = np.abs(np.fft.rfft(wave * np.hanning(len(wave)), 1 << 20))
    return spectrum.argmax() * rate_hz / (1 << 20)


def rms(wave):
    middle = wave[len(wave) // 10 : -len(wave) // 10]
    return float(np.sqrt(np.mean(middle.astype(np.float64) ** 2)))


@pytest.mark.parametrize("rate_hz", [8000, 11025, 16000, 22050, 32000, 44100, 48000, 96000, 192000])
def test_a_tone_keeps_its_pitch_level_and_length_from_any_rate(tmp_path, write_tone, rate_hz):
    wave = load_wave(write_tone(tmp_path / "a.wav", hz=440, rate_hz=rate_hz), RATE_HZ)

    assert wave.dtype == np.float32
    assert len(wave) == RATE_HZ
    assert peak_hz(wave) == pytest.approx(440, abs=0.1)
    assert rms(wave) == pytest.approx(0.5 / np.sqrt(2), rel=0.002)


@pytest.mark.parametrize("suffix", ENCODED)
def test_every_format_sounds_the_same(tmp_path, write_tone, suffix):
    file = write_tone(tmp_path / f"a.{suffix}", hz=440, rate_hz=48000, seconds=2)

    wave = load_wave(file, RATE_HZ)

    assert peak_hz(wave) == pytest.approx(440, abs=0.1)
    assert rms(wave) == pytest.approx(0.5 / np.sqrt(2), rel=0.01)


def test_a_tone_above_the_new_nyquist_does_not_fold_back(tmp_path, write_tone):
    file = write_tone(tmp_path / "a.wav", hz=20000, rate_hz=48000)

    assert rms(load_wave(file, RATE_HZ)) < 0.5 / 1000


def test_stereo_becomes_its_mean(tmp_path):
    rng = np.random.default_rng(0)
    sides = rng.uniform(-0.5, 0.5, (4000, 2)).astype(np.float32)
    sf.write(tmp_path / "a.wav", sides, RATE_HZ, subtype="FLOAT")

    np.testing.assert_allclose(load_wave(tmp_path / "a.wav", RATE_HZ), sides.mean(1), atol=1e-7)


def test_reading_in_blocks_changes_nothing(tmp_path):
    rng = np.random.default_rng(0)
    whole = rng.uniform(-0.5, 0.5, 700_001).astype(np.float32)
    sf.write(tmp_path / "a.wav", whole, 44100, subtype="FLOAT")

    blocks = load_wave(tmp_path / "a.wav", RATE_HZ)

    np.testing.assert_allclose(blocks, soxr.resample(whole, 44100, RATE_HZ), atol=1e-5)


@pytest.mark.parametrize(
    ("seconds", "rate_hz", "channels"),
    [(0.1, 44100, 1), (600, 8000, 1), (1, 48000, 8), (0.001, 192000, 2)],
)
def test_any_length_and_channel_count_is_read(tmp_path, write_tone, seconds, rate_hz, channels):
    file = write_tone(
        tmp_path / "a.wav", seconds=seconds, rate_hz=rate_hz, channels=channels, hz=100
    )

    assert load_wave(file, 16000).shape == (round(16000 * seconds),)


def test_silence_is_a_sound(tmp_path):
    sf.write(tmp_path / "a.wav", np.zeros(8000), 8000)

    assert not load_wave(tmp_path / "a.wav", 8000).any()


@pytest.mark.parametrize("kept", [0.9, 0.5, 0.2, 0.05])
@pytest.mark.parametrize("suffix", ENCODED)
def test_a_file_cut_short_is_refused(tmp_path, write_tone, suffix, kept):
    file = write_tone(tmp_path / f"a.{suffix}", rate_hz=48000, seconds=3)
    whole = file.read_bytes()
    file.write_bytes(whole[: int(kept * len(whole))])

    with pytest.raises(AudioError, match=rf"a\.{suffix}: (cut short|no audio).*; export it again$"):
        load_wave(file, RATE_HZ)


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "opus", "aiff"])
def test_a_file_that_lacks_its_last_bytes_is_refused(tmp_path, write_tone, suffix):
    file = write_tone(tmp_path / f"a.{suffix}", rate_hz=48000)
    file.write_bytes(file.read_bytes()[:-7])

    with pytest.raises(AudioError, match="cut short"):
        load_wave(file, RATE_HZ)


def test_a_wav_of_a_stream_that_told_no_size_is_read(tmp_path, write_tone):
    file = write_tone(tmp_path / "a.wav")
    content = bytearray(file.read_bytes())
    content[4:8] = b"\xff\xff\xff\xff"
    file.write_bytes(content)

    assert len(load_wave(file, 16000)) == 16000


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(AudioError, match=r"a\.wav: no such file; bring it back"):
        load_wave(tmp_path / "a.wav", RATE_HZ)


@pytest.mark.parametrize(
    ("content", "reason"), [(b"", "empty, 0 bytes"), (b"no sound " * 999, "no audio")]
)
@pytest.mark.parametrize("suffix", ["wav", "ogg", "flac"])
def test_a_file_without_audio_is_refused(tmp_path, content, reason, suffix):
    file = tmp_path / f"a.{suffix}"
    file.write_bytes(content)

    with pytest.raises(AudioError, match=rf"a\.{suffix}: {reason}.*; export it again$"):
        load_wave(file, RATE_HZ)


def test_a_file_without_samples_is_refused(tmp_path):
    sf.write(tmp_path / "a.wav", np.zeros(0), 8000)

    with pytest.raises(AudioError, match=r"a\.wav: empty, 0 samples"):
        load_wave(tmp_path / "a.wav", RATE_HZ)


@pytest.mark.parametrize("poison", [np.nan, np.inf])
def test_samples_that_are_no_numbers_are_refused(tmp_path, poison):
    wave = np.zeros(8000)
    wave[5000] = poison
    sf.write(tmp_path / "a.wav", wave, 8000, subtype="FLOAT")

    with pytest.raises(AudioError, match=r"a\.wav: samples that are NaN or infinite"):
        load_wave(tmp_path / "a.wav", RATE_HZ)


def test_a_short_wave_is_padded_after_its_end():
    wave = np.ones(3, np.float32)

    assert fit_length(wave, 5).tolist() == [1, 1, 1, 0, 0]
    assert fit_length(wave, 3).tolist() == [1, 1, 1]


def test_a_short_wave_is_heard_before_silence_and_again_and_again():
    assert hearings(np.arange(1, 4, dtype=np.float32), 8).tolist() == [
        [1, 2, 3, 0, 0, 0, 0, 0],
        [1, 2, 3, 1, 2, 3, 1, 2],
    ]
    assert hearings(np.ones(7, np.float32), 8).shape == (2, 8)


@pytest.mark.parametrize("samples", [8, 9, 20])
def test_a_wave_that_fills_a_clip_is_heard_once(samples):
    wave = np.random.default_rng(0).standard_normal(samples).astype(np.float32)

    (heard,) = hearings(wave, 8)

    assert np.array_equal(heard, fit_length(wave, 8))


def test_an_empty_wave_is_silence_however_often_it_is_heard():
    found = hearings(np.zeros(0, np.float32), 8)

    assert found.shape[1:] == (8,)
    assert not found.any()


@pytest.mark.parametrize("start", [0, 1234, 5000, 9000])
def test_a_long_wave_is_cut_to_where_it_sounds(start):
    wave = np.zeros(10_000, np.float32)
    wave[start : start + 1000] = 0.5

    fitted = fit_length(wave, 1000)

    assert fitted.shape == (1000,)
    assert fitted.sum() > 0.98 * 500


@pytest.mark.parametrize("samples", [1, 7, 99, 101, 250])
def test_any_length_can_be_cut_from_any_other(samples):
    wave = np.random.default_rng(0).standard_normal(251).astype(np.float32)

    fitted = fit_length(wave, samples)

    starts = [i for i in range(252 - samples) if np.array_equal(wave[i : i + samples], fitted)]
    assert len(starts) == 1


def test_a_few_samples_are_no_sound(tmp_path):
    sf.write(tmp_path / "a.wav", np.zeros(1), 192_000)

    with pytest.raises(AudioError, match="too short, 1 of its samples"):
        load_wave(tmp_path / "a.wav", RATE_HZ)


def test_an_mp3_without_a_count_of_its_frames_is_unusual(tmp_path, write_tone):
    counted = write_tone(tmp_path / "a.mp3", hz=440, rate_hz=44_100, seconds=2)
    assert remark(counted, clip_s=2.0) == ""
    content = counted.read_bytes()
    title = b"General Information"
    tag = b"ID3\x03\x00\x00\x00\x00\x00" + bytes([len(title)]) + title
    bare = tmp_path / "bare.mp3"
    bare.write_bytes(tag + content.replace(b"Info", b"....").replace(b"Xing", b"...."))
    assert "does not count its frames" in remark(bare, clip_s=2.0)
    tagged = tmp_path / "tagged.mp3"
    tagged.write_bytes(tag + content)
    assert remark(tagged, clip_s=2.0) == ""
