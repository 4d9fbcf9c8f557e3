"""Sounds to try: files of a folder, clips of a fetched ESC-10, or synthesised ones.

No clip of the sealed test fold is among them, and those that the network learnt from say so.
"""

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile as sf

from auricle.data.audio import SUFFIXES, Wave, content_hash, load_wave
from auricle.data.clips import ESC10_FOLDERS, ClipTable, is_esc10
from auricle.data.esc10 import published_as
from auricle.data.readers import read_clips
from auricle.data.sources import esc10_folder
from auricle.data.synth import VOICES, make_clip
from auricle.errors import DemoError
from auricle.ship.bundle import Facts

MOST = 12
SYNTH_HZ = 16_000
SEED = 1
"""Of synthesised sounds. The set that is trained on has another, so that no network heard these."""


@dataclass(frozen=True, kw_only=True)
class Sound:
    """A sound to try, as FLAC; `learnt` if the network was trained on this very clip."""

    title: str
    content: bytes
    learnt: bool = False


@dataclass(frozen=True, kw_only=True)
class Sounds:
    """Sounds to try, and what is to be said of them all."""

    note: str
    sounds: tuple[Sound, ...]


def sounds_to_try(folder: Path | None, facts: Facts, *, published: bool = True) -> Sounds:
    """The sounds of a folder, if one is given; else clips of ESC-10; else synthesised ones.

    Clips of ESC-10 are taken where the model learnt from it, a copy is here and `published` allows
    it: a page that is given away may not hold them.

    Raises:
        DemoError: no sound in the folder.
        AudioError: one of them cannot be decoded.
    """
    rate_hz = facts.network.frontend.sample_rate_hz
    if folder:
        return of_folder(folder, facts, rate_hz)
    if published and facts.learnt.data == "esc10" and is_esc10(place := esc10_folder()):
        return of_esc10(read_clips(place), facts, rate_hz)
    return synthesised(facts)


def of_folder(folder: Path, facts: Facts, rate_hz: int) -> Sounds:
    """The first files of a folder; a clip that is sealed is left out, whatever it is called."""
    if not folder.is_dir():
        raise DemoError(f"{folder}: no such folder; name one with sounds to try")
    named = sorted(file for file in folder.rglob("*") if file.suffix.lower() in SUFFIXES)
    if not named:
        raise DemoError(f"{folder}: no sound in it; name a folder of wav, flac, ogg or mp3 files")
    sealed, heard = frozenset(facts.learnt.sealed), frozenset(facts.learnt.heard)
    found: list[Sound] = []
    left_out = 0
    for file in named:
        content = content_hash(file)
        if {content, published_as(file.name)} & sealed:
            left_out += 1
        else:
            wave = flac(load_wave(file, rate_hz), rate_hz)
            found.append(Sound(title=words(file.stem), content=wave, learnt=content in heard))
        if len(found) == MOST:
            break
    if not found:
        raise DemoError(f"{folder}: all its sounds are sealed, to test with; name another folder")
    note = f"Sounds out of the folder “{folder.name}”"
    more = f", which holds {len(named)}" if len(named) > len(found) else ""
    closed = f"; left out are {left_out} that are sealed, to test with" if left_out else ""
    return Sounds(note=f"{note}{more}{closed}.", sounds=tuple(found))


def of_esc10(table: ClipTable, facts: Facts, rate_hz: int) -> Sounds:
    """One clip a category, of the folds that are not sealed; one that was not learnt from if any.

    The first fold is the sealed one, and is not decoded.
    """
    heard = frozenset(facts.learnt.heard)
    open_folds = table.in_folds(table.folds[1:])

    def first_of(category: str) -> Sound:
        files = [open_folds.path(c) for c in open_folds.clips if c.category == category]
        file = next((file for file in files if content_hash(file) not in heard), files[0])
        return Sound(
            title=words(category),
            content=flac(load_wave(file, rate_hz), rate_hz),
            learnt=content_hash(file) in heard,
        )

    sounds = tuple(map(first_of, table.categories))
    told = (
        " The network was trained on them, so that it names them right shows nothing."
        if all(sound.learnt for sound in sounds)
        else ""
    )
    return Sounds(note=f"Clips of ESC-10, K. J. Piczak, CC BY 3.0.{told}", sounds=sounds)


def synthesised(facts: Facts) -> Sounds:
    """One sound a voice of the synthesiser, of a room that no set to train on has."""
    time_s = np.arange(round(facts.clip_s * SYNTH_HZ)) / SYNTH_HZ
    own = {voice.__name__ for voice in VOICES} == set(facts.categories)

    def sound(voice: int) -> Sound:
        wave = make_clip(voice, 0, 0, time_s, SEED).astype(np.float32)
        title = VOICES[voice].__name__ if own else [*ESC10_FOLDERS.values()][voice]
        return Sound(title=words(title), content=flac(wave, SYNTH_HZ))

    note = (
        "Synthesised, like those that the network learnt from, but none of them."
        if own
        else "Synthesised, each somewhat like what its button says. The network learnt from other "
        "sounds; to call these unknown is no mistake."
    )
    return Sounds(note=note, sounds=tuple(map(sound, range(len(VOICES)))))


def flac(wave: Wave, rate_hz: int) -> bytes:
    """A wave (samples,) as a file that browsers play."""
    content = io.BytesIO()
    sf.write(content, wave, rate_hz, format="FLAC", subtype="PCM_16")
    return content.getvalue()


def words(name: str) -> str:
    """A name as it is read."""
    return name.replace("_", " ").replace("-", " ")
