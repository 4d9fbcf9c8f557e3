"""What the page tells of a model: what it knows, how good it is, and what it was taught."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib import colormaps
from pydantic import Base64Bytes

import auricle
from auricle.data.audio import SUFFIXES
from auricle.data.esc10 import credit
from auricle.demo.decoding import Limits
from auricle.demo.sounds import Sounds
from auricle.network.classifier import count_parameters
from auricle.ship.bundle import Facts, Score, load_bundle
from auricle.ship.card import what_is_unknown, what_passes
from auricle.ship.export import described
from auricle.ship.model import Model, is_bundle, load_model


@dataclass(frozen=True, kw_only=True)
class Told:
    """One score in words: `what` was scored, percent correct, and the ends of its 95% interval."""

    what: str
    accuracy: float
    low: float | None
    high: float | None
    clips: int


@dataclass(frozen=True, kw_only=True)
class ToTry:
    """A sound to try: its address on the page, and its name."""

    file: str
    title: str
    learnt: bool


@dataclass(frozen=True, kw_only=True)
class About:
    """`about.json`; `colours` are 256 of red, green and blue, for a spectrogram.

    A step of attention takes `step_s` of sound. A sound is unknown if its largest probability is
    below `unknown_below`, or its strangeness above `strange_above`. `not_shown` says what no
    picture of an answer shows.
    """

    name: str
    kind: str
    categories: tuple[str, ...]
    clip_s: float
    sample_rate_hz: int
    low_hz: float
    high_hz: float
    step_s: float
    unknown_below: float
    strange_above: float | None
    what_is_unknown: str
    what_passes: str
    not_shown: str
    learnt: str
    scores: tuple[Told, ...]
    licence: str
    most_bytes: int
    most_s: float
    formats: tuple[str, ...]
    sounds_note: str
    sounds: tuple[ToTry, ...]
    colours: Base64Bytes
    version: str


def open_model(place: Path, device: str = "cpu") -> tuple[Model, Facts]:
    """A model and what is told of it, out of a bundle, a study or a fit.

    Raises: AuricleError if there is none, or if it is damaged.
    """
    model = load_model(place, device)
    return model, load_bundle(place).facts if is_bundle(place) else described(model.trained)


def about(model: Model, facts: Facts, sounds: Sounds, limits: Limits) -> About:
    """All that the page tells, from what a bundle says of itself."""
    frontend = facts.network.frontend
    return About(
        name=facts.name,
        kind=kind(model, facts),
        categories=facts.categories,
        clip_s=facts.clip_s,
        sample_rate_hz=frontend.sample_rate_hz,
        low_hz=frontend.low_hz,
        high_hz=frontend.high_hz,
        step_s=facts.network.step_s,
        unknown_below=model.unknown_below,
        strange_above=facts.strange_above,
        what_is_unknown=what_is_unknown(facts),
        what_passes=what_passes(facts),
        not_shown=not_shown(facts),
        learnt=learnt(facts),
        scores=tuple(scores(facts)),
        licence=licence(facts.learnt.data),
        most_bytes=limits.upload_bytes,
        most_s=limits.sound_s,
        formats=tuple(sorted(SUFFIXES)),
        sounds_note=sounds.note,
        sounds=tuple(
            ToTry(file=address(at), title=sound.title, learnt=sound.learnt)
            for at, sound in enumerate(sounds.sounds)
        ),
        colours=(255 * colormaps["magma"](np.arange(256))[:, :3]).astype(np.uint8).tobytes(),
        version=auricle.__version__,
    )


def address(at: int) -> str:
    """Where on the page a sound to try stands."""
    return f"sounds/{at}.flac"


def kind(model: Model, facts: Facts) -> str:
    """What sort of network it is."""
    encoder = facts.network.encoder
    count = count_parameters(model.trained.network)["total"].trainable
    heads = "1 head" if encoder.heads == 1 else f"{encoder.heads} heads"
    under = (
        f" under a transformer encoder of {encoder.blocks} blocks with {heads}"
        if encoder.blocks
        else ""
    )
    beside = (
        ", beside it a layer that judges a sound’s texture" if facts.network.texture.share else ""
    )
    return f"a 1-D convolutional network{under}{beside}, with {count:,} trained numbers"


def not_shown(facts: Facts) -> str:
    """The part of an answer that has no place in a picture, in a sentence."""
    share = facts.network.texture.share
    if not share:
        return ""
    part = "half" if share == 0.5 else f"{share:.0%}"
    return (
        "This is the part that hears what happens, and when; "
        f"{part} of the answer rests on the sound’s texture, which has no place in the picture."
    )


def learnt(facts: Facts) -> str:
    """What it was taught, in a sentence."""
    told = facts.learnt
    return (
        f"It learnt from {told.clips} clips of {told.data}, in {told.epochs} epochs. It hears "
        f"{facts.clip_s:g} seconds at a time, at {facts.network.frontend.sample_rate_hz:,} Hz; "
        "a shorter sound it hears twice, followed by silence and repeated."
    )


def licence(data: str) -> str:
    """Whose the sounds are that it was taught with."""
    return credit() if data == "esc10" else "Its sounds are those of whoever trained it."


def scores(facts: Facts) -> Iterator[Told]:
    """Each score that the bundle carries, the network's own first."""
    for score in sorted(facts.scores, key=lambda score: score not in facts.own_scores):
        yield Told(
            what=where(score, own=score in facts.own_scores),
            accuracy=100 * score.accuracy,
            low=None if score.low is None else 100 * score.low,
            high=None if score.high is None else 100 * score.high,
            clips=score.clips,
        )


def where(score: Score, *, own: bool) -> str:
    """On what was scored, and by whom if not by the network itself."""
    if own:
        return "the sealed test fold"
    if score.on == "test":
        return "the sealed test fold, by another network of its recipe"
    return "clips not learnt from, fold by fold, by other networks of its recipe"
