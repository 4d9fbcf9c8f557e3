"""A model to ask: `auricle.load("doorbell-bundle").predict("clip.wav")`."""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

import auricle
from auricle.data.audio import hearings, load_wave
from auricle.data.folds import UNKNOWN
from auricle.data.store import to_samples
from auricle.evaluation.calibration import as_logits, scaled
from auricle.network.classifier import SoundClassifier
from auricle.ship.bundle import FACTS, Bundle, Facts, load_bundle
from auricle.ship.export import Limits, limits_of
from auricle.study.fits import TrainedNetwork, best_fit, load_fit, study_of
from auricle.study.recipe import Recipe
from auricle.training.fit import choose_device, probabilities_of
from auricle.training.sounds import Array, Examples, Sounds

SHIPPED = Path(auricle.__file__).parent / "models" / "esc10.zip"
"""The bundle that comes along: a network that learnt from ESC-10 without its test fold."""


@dataclass(frozen=True)
class Prediction:
    """What a sound is, how sure that is, and the probability of every category.

    `category` is "unknown" where the largest probability is below what the model asks for, or where
    `strangeness` is above what it allows: how far the sound's texture lies from that of its nearest
    category, one being what clips do that were learnt. It is 0 to a model from before it was
    measured, and there is none to one without a texture.
    """

    category: str
    confidence: float
    probabilities: dict[str, float]
    strangeness: float | None

    def __str__(self) -> str:
        """The answer in one line; how sure of what it does not name is left out."""
        return UNKNOWN if self.category == UNKNOWN else f"{self.category} ({self.confidence:.1%})"


@dataclass(frozen=True)
class Model:
    """A trained network, and what makes its answers ones to rely on."""

    trained: TrainedNetwork
    temperature: float
    unknown_below: float
    strange_above: float = math.inf
    device: str = "auto"

    @property
    def categories(self) -> tuple[str, ...]:
        """What it can tell apart."""
        return self.trained.categories

    @property
    def sample_rate_hz(self) -> int:
        """Of the waves that it takes."""
        return self.trained.recipe.network.frontend.sample_rate_hz

    def predict(self, file: str | Path) -> Prediction:
        """What a sound file is; of one longer than a clip, its loudest stretch is heard.

        One shorter than a clip is heard twice, followed by silence and repeated.

        Raises: AudioError if it cannot be decoded.
        """
        return self.hear(load_wave(Path(file), self.sample_rate_hz))

    def hear(self, wave: Array) -> Prediction:
        """What a wave (samples,) in [-1, 1) at `sample_rate_hz` is."""
        shares, strangeness = self.recognise(wave)
        return self.answer(shares[0], float(strangeness[0]))

    def recognise(self, wave: Array) -> tuple[Array, Array]:
        """Calibrated probabilities and strangeness of one sound, however short, by its hearings.

        Shapes: (any,) -> (1, classes), (1,).
        """
        samples = round(self.trained.clip_s * self.sample_rate_hz)
        return as_one(*self.judge(to_samples(hearings(wave, samples))))

    def judge(self, waves: Array) -> tuple[Array, Array]:
        """Calibrated probabilities and strangeness of stored waves, described once for both.

        Shapes: (clips, samples) int16 -> (clips, classes), (clips,). Strangeness is not a number
        where the network has no texture.
        """
        rows, device = np.arange(len(waves)), choose_device(self.device)
        network = self.trained.network.to(device).eval()
        sounds = Sounds(network, Examples(waves, rows, rows), device, power_file=None)
        shares = scaled(as_logits(probabilities_of(network, sounds)), self.temperature)
        return shares, strangeness_of(network, sounds.statistics, len(waves))

    def known(self, probabilities: Array, strangeness: Array) -> Array:
        """Whether sounds are of a category: of one that is probable enough, and not too strange.

        Shapes: (clips, classes), (clips,) -> (clips,).
        """
        unsure = probabilities.max(1) < self.unknown_below
        known: Array = ~(unsure | (strangeness > self.strange_above))
        return known

    def answer(self, probabilities: Array, strangeness: float) -> Prediction:
        """An answer from what was found of one clip, probabilities being (classes,)."""
        best = int(probabilities.argmax())
        (known,) = self.known(probabilities[None], np.array([strangeness]))
        return Prediction(
            self.categories[best] if known else UNKNOWN,
            float(probabilities[best]),
            dict(zip(self.categories, probabilities.tolist(), strict=True)),
            None if math.isnan(strangeness) else strangeness,
        )


def as_one(probabilities: Array, strangeness: Array) -> tuple[Array, Array]:
    """What all hearings of one sound say together: log-probabilities averaged, least strangeness.

    Shapes: (hearings, classes), (hearings,) -> (1, classes), (1,).
    """
    logits = as_logits(probabilities).mean(0, keepdims=True)
    return scaled(logits, temperature=1.0), strangeness.min(keepdims=True)


@torch.no_grad()
def strangeness_of(network: SoundClassifier, statistics: Tensor | None, clips: int) -> Array:
    """How strange clips are (clips,), by their texture's statistics (clips, count) if any count."""
    if network.texture is None or statistics is None:
        return np.full(clips, np.nan)
    return network.texture.strangeness(statistics).cpu().numpy().astype(float)


def load_model(place: str | Path = SHIPPED, device: str = "auto") -> Model:
    """A model out of a bundle, of a study (its best network) or of a fit.

    Raises: AuricleError if there is none, or if it is damaged.
    """
    place = Path(place)
    if is_bundle(place):
        bundle = load_bundle(place)
        return with_limits(trained_of(bundle, place), bundle.facts, device)
    trained = load_fit(best_fit(place))
    return with_limits(trained, limits_of(study_of(trained.folder), trained), device)


def with_limits(trained: TrainedNetwork, limits: Limits | Facts, device: str) -> Model:
    """A model that is as sure as it may say; where a limit is missing, no sound exceeds it."""
    above = limits.strange_above
    return Model(
        trained,
        temperature=limits.temperature or 1.0,
        unknown_below=limits.unknown_below or 0.0,
        strange_above=math.inf if above is None else above,
        device=device,
    )


def is_bundle(place: Path) -> bool:
    """Whether a path looks like a bundle rather than a study or a fit."""
    return (place / FACTS).is_file() or place.suffix == ".zip"


def open_trained(place: Path) -> TrainedNetwork:
    """The network of a bundle, of a study (its best one) or of a fit."""
    return load_model(place).trained


def trained_of(bundle: Bundle, place: Path) -> TrainedNetwork:
    """A bundle as if it were a fit: `facts` are those that a fit's `fit.json` has too."""
    facts, learnt = bundle.facts, bundle.facts.learnt
    return TrainedNetwork(
        network=bundle.network,
        recipe=Recipe(name=learnt.configuration, network=facts.network),
        categories=facts.categories,
        clip_s=facts.clip_s,
        folder=place if place.is_dir() else place.parent,
        facts={
            "data": learnt.data,
            "learnt": list(learnt.heard),
            "sealed": list(learnt.sealed),
            "strategy": learnt.strategy,
            "member": "all" if learnt.strategy == "refit" else learnt.strategy,
            "seed": learnt.seed,
            "train_seconds": 0.0,
        },
    )
