"""From a wave to all that a page shows of it: what it is, how sure that is, where that was seen.

samples (any,) int16 -> its hearings, each as long as a clip (hearings, samples)
  -> of all: probabilities (classes,); of the first: spectrum (bands, frames), attention (steps,)
"""

import math
import time
from dataclasses import dataclass, replace

import numpy as np
import torch
from pydantic import Base64Bytes
from torch import Tensor

from auricle.data.audio import hearings, loudest
from auricle.data.store import FULL_SCALE, to_samples
from auricle.demo.decoding import Samples
from auricle.evaluation.calibration import scaled
from auricle.evidence import pointers
from auricle.evidence.traces import as_bytes
from auricle.network.attention import last_block
from auricle.network.classifier import SoundClassifier
from auricle.network.frontend import decades
from auricle.ship.events import OVERLAP, merged, windows
from auricle.ship.model import Model, as_one, strangeness_of
from auricle.ship.predict import ONE_ANSWER, along, named
from auricle.training.fit import choose_device
from auricle.training.sounds import Array

POINTS = 400
"""Stretches of a drawn wave."""
QUIETEST_DB = -120.0


@dataclass(frozen=True, kw_only=True)
class Heard:
    """A stretch of a sound with one answer; `strangeness` as in `Answer`, a mean over it."""

    start_s: float
    end_s: float
    category: str
    confidence: float
    strangeness: float | None


@dataclass(frozen=True, kw_only=True)
class Spectrum:
    """What the network saw: (bands, frames) bytes, low bands first, 255 where it is loudest.

    `evidence` is the same for what speaks for the answer, by integrated gradients, where that was
    asked for. `attention` is what the class token of an encoder looks at, a share a step. Both are
    of base and head: what the texture makes of the answer has no place in a spectrum.
    """

    bands: int
    frames: int
    loudness: Base64Bytes
    evidence: Base64Bytes | None
    attention: tuple[float, ...] | None


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a sound is; `category` is "unknown" where none is probable enough, or it is too strange.

    `strangeness` is how far its texture lies from that of the nearest category, one being what
    clips do that were learnt; there is none where the network has no texture. Of a sound longer
    than a clip, the loudest stretch was heard, from `start_s` to `end_s`; `events` tells what it is
    all along, and `overview` draws it. A sound shorter than a clip was heard twice, followed by
    silence and repeated; what is drawn is the first. `wave` draws the stretch, `level_db` is its
    level below full scale. Waves are drawn by pairs of signed bytes, lowest and highest.
    """

    category: str
    confidence: float
    probabilities: dict[str, float]
    strangeness: float | None
    start_s: float
    end_s: float
    length_s: float
    level_db: float
    decoding_ms: float
    network_ms: float
    wave: Base64Bytes
    spectrum: Spectrum
    overview: Base64Bytes | None
    events: tuple[Heard, ...]


def answer(model: Model, samples: Samples, *, explain: bool, decoding_ms: float) -> Answer:
    """Hear a sound (samples,) at the model's rate; to explain costs some ten times as much."""
    rate_hz, clip_s = model.sample_rate_hz, model.trained.clip_s
    wave = samples.astype(np.float32) / FULL_SCALE
    length = round(clip_s * rate_hz)
    start = loudest(wave, length)
    clips = hearings(wave, length)
    began = time.perf_counter()
    probabilities, strangeness, spectrum = look(model, clips)
    network_ms = 1000 * (time.perf_counter() - began)
    if explain:
        spectrum = replace(spectrum, evidence=evidence(model, clips[0], probabilities))
    found = model.answer(probabilities, strangeness)
    long = len(wave) > ONE_ANSWER * length
    return Answer(
        category=found.category,
        confidence=found.confidence,
        probabilities=found.probabilities,
        strangeness=found.strangeness,
        start_s=start / rate_hz,
        end_s=min(start + length, len(wave)) / rate_hz,
        length_s=len(wave) / rate_hz,
        level_db=level_db(wave[start : start + length]),
        decoding_ms=decoding_ms,
        network_ms=network_ms,
        wave=outline(clips[0]),
        spectrum=spectrum,
        overview=outline(wave) if long else None,
        events=events(model, wave, length) if long else (),
    )


def look(model: Model, clips: Array) -> tuple[Array, float, Spectrum]:
    """Calibrated probabilities (classes,) and strangeness of a sound, and what was seen of it.

    `clips` are its hearings (hearings, samples), of which the first is shown. Either part of the
    network hears each once.
    """
    network, waves = ready(model, clips)
    with torch.no_grad():
        power = network.frontend.power(waves)
        events, weights = network.classify(power)
        statistics = network.describe(waves)
        logits = network.joined(events, statistics)
        loudness = as_bytes(decibels(network, power[:1]))[0].cpu().numpy()
    shares = scaled(logits.cpu().numpy(), model.temperature)
    strange = strangeness_of(network, statistics, len(waves))
    (probabilities,), (strangeness,) = as_one(shares, strange)
    attention = None
    if weights is not None and network.config.encoder.chooses:
        attention = tuple(last_block(weights)[0].tolist())
    bands, frames = loudness.shape
    return (
        probabilities,
        float(strangeness),
        Spectrum(
            bands=bands,
            frames=frames,
            loudness=loudness.tobytes(),
            evidence=None,
            attention=attention,
        ),
    )


def evidence(model: Model, clip: Array, probabilities: Array) -> bytes:
    """What speaks to base and head for the whole network's answer, as (bands, frames) bytes."""
    network, waves = ready(model, clip[None])
    with torch.no_grad():
        seen, floor = pointers.spectrum_of(network, waves)
    likeliest = torch.tensor([probabilities.argmax()], device=seen.device)
    found = pointers.attribute(network, seen, floor, likeliest)
    return bytes(as_bytes(found.clamp(min=0))[0].cpu().numpy().tobytes())


def ready(model: Model, clips: Array) -> tuple[SoundClassifier, Tensor]:
    """The network where it runs, and clips (batch, samples) as waves there, of the same shape."""
    device = choose_device(model.device)
    waves = torch.from_numpy(to_samples(clips)).to(device).float() / FULL_SCALE
    return model.trained.network.to(device), waves


def decibels(network: SoundClassifier, power: Tensor) -> Tensor:
    """Loudness above the floor below which the network hears nothing, the clip's mean being 0 dB.

    Shapes: (batch, bands, frames) -> the same.
    """
    loud = 10 * decades(power, network.config.frontend.floor_db)
    return loud - loud.amin((1, 2), keepdim=True)


def events(model: Model, wave: Array, length: int) -> tuple[Heard, ...]:
    """What a sound longer than a clip is all along, as `auricle predict` tells it."""
    hop, rate_hz = length // OVERLAP, model.sample_rate_hz
    found = along(model, windows([wave], length, hop))
    spans = merged(*found, model.known(*found), hop / rate_hz, len(wave) / rate_hz)
    return tuple(
        Heard(
            start_s=span.start_s,
            end_s=span.end_s,
            category=named(model, span),
            confidence=span.confidence,
            strangeness=None if math.isnan(span.strangeness) else span.strangeness,
        )
        for span in spans
    )


def outline(wave: Array) -> bytes:
    """Lowest and highest sample of each of POINTS stretches, as signed bytes."""
    edges = np.linspace(0, len(wave), POINTS + 1)[:-1].astype(int)
    ends = [np.minimum.reduceat(wave, edges), np.maximum.reduceat(wave, edges)]
    return bytes(np.rint(127 * np.clip(np.stack(ends, 1), -1, 1)).astype(np.int8).tobytes())


def level_db(wave: Array) -> float:
    """Root mean square below full scale, no less than of one that is all but silent."""
    power = float(np.mean(np.square(wave, dtype=np.float64))) if len(wave) else 0.0
    return max(QUIETEST_DB, 10 * math.log10(power + 1e-300))
