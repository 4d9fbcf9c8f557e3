"""From a sound file to one wave: decoded, mixed to mono, resampled, and refused when it is broken.

libsndfile reads most files that were cut short without a word, so wholeness is checked here:
a RIFF or AIFF file tells its own size, an Ogg stream marks its last page, an MP3 counts its frames
in its first one. FLAC alone fails by itself.
"""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import soundfile as sf
import soxr
from numpy.typing import NDArray

from auricle.errors import AudioError

Wave = NDArray[np.float32]

SUFFIXES = frozenset({".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff"})
"""Names of files that are taken for audio; a file with another one is never a clip."""

MEND = "export it again"

_BLOCK_FRAMES = 1 << 18  # read in blocks: ten minutes of 8 channels at 192 kHz are 3.7 GB at once
_UNKNOWN_SIZE = 0x7FFFF000  # from here on a RIFF size says "still streaming", not a length
_OGG_PAGE_BYTES = 65307  # the largest page there can be: 27 + 255 + 255 * 255
_MP3_FRAME = 1152
_MP3_HEAD = 64  # a frame's header, up to 32 bytes about its sides, then the name of the count
_SHORTEST_S = 0.001


def load_wave(file: Path, sample_rate_hz: int) -> Wave:
    """Decode a whole file into what a network hears: (samples,) float32, mono, at one rate.

    Channels are averaged, levels kept (full scale is 1). Any rate, channel count and length.

    Raises:
        AudioError: missing, empty, cut short, not audio, or with samples that are no numbers.
    """
    return np.concatenate([*stream_wave(file, sample_rate_hz)])


def stream_wave(file: Path, sample_rate_hz: int) -> Iterator[Wave]:
    """Decode as `load_wave`, piece by piece: a long recording need not be held whole."""
    with open_sound(file) as sound:
        resampler = soxr.ResampleStream(sound.samplerate, sample_rate_hz, 1, dtype="float32")
        for block in read_blocks(sound):
            yield resampler.resample_chunk(block.mean(axis=1))
        yield resampler.resample_chunk(np.zeros(0, np.float32), last=True)


def seconds_of(file: Path) -> float:
    """How long a sound says that it is, without decoding it.

    Raises: AudioError as `load_wave` for what shows without decoding.
    """
    with open_sound(file) as sound:
        return float(sound.frames / sound.samplerate)


@contextmanager
def open_sound(file: Path) -> Iterator[sf.SoundFile]:
    """Open a sound file to be read here; whatever is wrong with it is told as an AudioError."""
    try:
        if not file.stat().st_size:
            raise AudioError(f"{file}: empty, 0 bytes; {MEND}")
        _refuse_cut(file)
        with sf.SoundFile(file) as sound:
            yield sound
    except FileNotFoundError:
        raise AudioError(f"{file}: no such file; bring it back") from None
    except UnicodeEncodeError:
        raise AudioError(f"{str(file)!r}: its name is no UTF-8; rename it") from None
    except OSError as error:
        raise AudioError(f"{file}: cannot be read ({error.strerror}); {MEND}") from error
    except sf.LibsndfileError as error:
        reason = (
            "cut short" if "lost sync" in str(error) or "psf_fseek" in str(error) else "no audio"
        )
        raise AudioError(f"{file}: {reason} that can be decoded; {MEND}") from error


def read_blocks(sound: sf.SoundFile) -> Iterator[Wave]:
    """Read a sound piece by piece, (frames, channels) each, full scale being 1.

    Raises: AudioError for no samples, samples that are no numbers, or fewer than promised.
    """
    frames = 0
    while len(block := sound.read(_BLOCK_FRAMES, dtype="float32", always_2d=True)):
        if not np.isfinite(block).all():
            raise AudioError(f"{sound.name}: samples that are NaN or infinite; {MEND}")
        yield block
        frames += len(block)
    if not frames:
        raise AudioError(f"{sound.name}: empty, 0 samples; {MEND}")
    if frames < _SHORTEST_S * sound.samplerate:
        raise AudioError(f"{sound.name}: too short, {frames} of its samples; {MEND}")
    # Only a counted MP3 promises more frames than it holds; others trim the count in silence.
    short = sound.format == "MP3" and frames < sound.frames - 2 * _MP3_FRAME
    if short and _is_counted(Path(sound.name)):
        raise AudioError(f"{sound.name}: cut short, {frames} of {sound.frames} samples; {MEND}")


def _refuse_cut(file: Path) -> None:
    """Raise an AudioError where the container itself tells that its end is missing."""
    with file.open("rb") as stream:
        size = os.fstat(stream.fileno()).st_size
        head = stream.read(8)
        if head[:4] in (b"RIFF", b"FORM"):
            told = 8 + int.from_bytes(head[4:], "little" if head[:4] == b"RIFF" else "big")
            # One byte of grace: some writers count the last chunk's padding and leave it out.
            if size + 1 < told < _UNKNOWN_SIZE:
                raise AudioError(f"{file}: cut short, {size} of {told} bytes; {MEND}")
        elif head[:4] == b"OggS":
            stream.seek(max(0, size - _OGG_PAGE_BYTES))
            if not _ends_with_last_page(stream.read()):
                raise AudioError(f"{file}: cut short, its last Ogg page is missing; {MEND}")


def _ends_with_last_page(tail: bytes) -> bool:
    """Whether the end of an Ogg file holds a whole page flagged as the stream's last.

    Source: RFC 3533, section 6.
    """
    page = tail[tail.rfind(b"OggS") :]
    if len(page) < 27:
        return False
    segments = page[26]
    is_last = bool(page[5] & 4)
    return is_last and len(page) >= 27 + segments + sum(page[27 : 27 + segments])


def _is_counted(file: Path) -> bool:
    """Whether an MP3 begins with a Xing or Info frame, so that its length is no guess."""
    with file.open("rb") as stream:
        tag = stream.read(10)
        if tag[:3] == b"ID3":  # its size is in four bytes of seven bits
            size = sum(byte << (7 * place) for place, byte in enumerate(reversed(tag[6:10])))
            stream.seek(10 + size + 10 * bool(tag[5] & 0x10))
        else:
            stream.seek(0)
        head = stream.read(1 << 16)
    first = head[max(0, head.find(b"\xff")) :][:_MP3_HEAD]
    return b"Xing" in first or b"Info" in first


def fit_length(wave: Wave, samples: int) -> Wave:
    """Give a wave the length a network takes: the loudest stretch of it, or zeros after its end.

    Shapes: (any,) -> (samples,). The stretch with most energy is found to 1% of its length.
    """
    if len(wave) <= samples:
        return np.pad(wave, (0, samples - len(wave)))
    start = loudest(wave, samples)
    return wave[start : start + samples]


def hearings(wave: Wave, samples: int) -> Wave:
    """What a model hears of a sound: (any,) -> (hearings, samples), what is drawn of it first.

    One as long as a clip or longer is heard once, by `fit_length`. A shorter one is heard twice:
    followed by silence, which shows when it happens, and again and again until the clip is full,
    which shows its texture, of which silence is no part.
    """
    clip = fit_length(wave, samples)
    return np.stack([clip] if len(wave) >= samples else [clip, np.resize(wave, samples)])


def loudest(wave: Wave, samples: int) -> int:
    """The sample at which the stretch with most energy begins; 0 in a wave that is no longer."""
    if len(wave) <= samples:
        return 0
    hop = max(1, samples // 100)
    energy = np.add.reduceat(np.square(wave), np.arange(0, len(wave), hop))  # (hops,)
    before = np.concatenate([[0.0], np.cumsum(energy, dtype=np.float64)])  # (hops + 1,)
    span = -(-samples // hop)
    start = int(np.argmax(before[span:] - before[:-span])) * hop
    return min(start, len(wave) - samples)


def remark(file: Path, clip_s: float) -> str:
    """What is unusual about a sound that is used all the same; nothing if it is as most are."""
    about = sf.info(file)
    found = []
    if about.channels > 2:
        found.append(f"{about.channels} channels, mixed to one")
    if not 16_000 <= about.samplerate <= 48_000:
        found.append(f"{about.samplerate:,} Hz")
    if about.duration < clip_s / 2:
        found.append(f"{about.duration:.2g} s, padded with silence")
    if about.duration > clip_s * 2:
        found.append(f"{about.duration:.0f} s, cut to its loudest stretch")
    if about.format == "MP3" and not _is_counted(file):
        found.append("an MP3 that does not count its frames: its end may be left out")
    return "; ".join(found)


def content_hash(file: Path) -> str:
    """SHA-256 of a file's bytes; the empty string where there is no file to read."""
    try:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError:
        return ""


def decoding_threads() -> int:
    """How many files are decoded at a time: decoders leave Python's lock alone."""
    return min(4, os.cpu_count() or 1)
