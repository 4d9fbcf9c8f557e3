import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

WriteTone = Callable[..., Path]


@pytest.fixture
def write_tone() -> WriteTone:
    """Writes a sine of level 0.5; the name's suffix chooses the format."""
    encodings = {".ogg": "VORBIS", ".opus": "OPUS", ".mp3": "MPEG_LAYER_III"}

    def write(
        file: Path, hz: float = 440, rate_hz: int = 16000, seconds: float = 1, channels: int = 1
    ) -> Path:
        time_s = np.arange(round(seconds * rate_hz)) / rate_hz
        wave = 0.5 * np.sin(2 * np.pi * hz * time_s)
        file.parent.mkdir(parents=True, exist_ok=True)
        suffix = file.suffix
        container = {".ogg": "OGG", ".opus": "OGG", ".oga": "OGG"}.get(suffix, suffix[1:].upper())
        sf.write(
            file,
            np.repeat(wave[:, None], channels, axis=1),
            rate_hz,
            format=container,
            subtype=encodings.get(suffix, "PCM_16"),
        )
        return file

    return write


@pytest.fixture
def write_noise() -> WriteTone:
    """Writes three seconds of noise; equal seeds are the same sound, the suffix is the format."""

    def write(file: Path, seed: int) -> Path:
        wave = 0.1 * np.random.default_rng(seed).standard_normal(3 * 16000)
        sf.write(file, wave, 16000)
        return file

    return write


@pytest.fixture
def class_folders(tmp_path: Path, write_tone: WriteTone) -> Path:
    """Three folders of seven tones each, no two tones alike."""
    for number, category in enumerate(("bell", "horn", "siren")):
        for clip in range(7):
            hz = 200 + 300 * number + 20 * clip
            write_tone(tmp_path / "set" / category / f"{clip}.wav", hz=hz, seconds=0.1)
    return tmp_path / "set"


@pytest.fixture(scope="session")
def esc10_folder() -> Path:
    """The real ESC-10, where this machine has it."""
    beside = Path(__file__).parents[2] / ".." / "shared" / "esc10"
    folder = Path(os.environ.get("AURICLE_DATA") or beside)
    if not (folder / "001 - Dog bark").is_dir():
        pytest.skip("needs the real ESC-10: name its folder in AURICLE_DATA")
    return folder
