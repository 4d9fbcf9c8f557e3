"""A model to ask: `auricle.load("doorbell-bundle").predict("clip.wav")`."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

import auricle
from auricle.data.audio import fit_length, load_wave
from auricle.data.store import to_samples
from auricle.evaluation.calibration import as_logits, scaled
from auricle.ship.bundle import FACTS, Bundle, load_bundle
from auricle.ship.export import calibrated
from auricle.study.fits import TrainedNetwork, best_fit, load_fit, study_of
from auricle.study.recipe import Recipe
from auricle.training.fit import choose_device, predict
from auricle.training.sounds import Array, Examples

UNKNOWN = "unknown"
SHIPPED = Path(auricle.__file__).parent / "models" / "esc10-cnn.zip"
"""The bundle that comes along: a network that learnt from ESC-10 without its test fold."""


@dataclass(frozen=True)
class Prediction:
    """What a sound is, how sure that is, and the probability of every category.

    `category` is "unknown" where the largest probability is below the model's threshold.
    """

    category: str
    confidence: float
    probabilities: dict[str, float]

    def __str__(self) -> str:
        """The answer in one line."""
        return f"{self.category} ({self.confidence:.1%})"


@dataclass(frozen=True)
class Model:
    """A trained network, and what makes its answers ones to rely on."""

    trained: TrainedNetwork
    temperature: float
    unknown_below: float
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

        Raises: AudioError if it cannot be decoded.
        """
        return self.hear(load_wave(Path(file), self.sample_rate_hz))

    def hear(self, wave: Array) -> Prediction:
        """What a wave (samples,) in [-1, 1) at `sample_rate_hz` is."""
        samples = round(self.trained.clip_s * self.sample_rate_hz)
        return self.answer(self.probabilities(to_samples(fit_length(wave, samples))[None])[0])

    def probabilities(self, waves: Array) -> Array:
        """Calibrated probabilities (clips, classes) of stored waves (clips, samples) int16."""
        rows = np.arange(len(waves))
        found = predict(
            self.trained.network, Examples(waves, rows, rows), choose_device(self.device)
        )
        return scaled(as_logits(found), self.temperature)

    def answer(self, probabilities: Array) -> Prediction:
        """An answer from the probabilities (classes,) of one clip."""
        best = int(probabilities.argmax())
        known = probabilities[best] >= self.unknown_below
        return Prediction(
            self.categories[best] if known else UNKNOWN,
            float(probabilities[best]),
            dict(zip(self.categories, probabilities.tolist(), strict=True)),
        )


def load_model(place: str | Path = SHIPPED, device: str = "auto") -> Model:
    """A model out of a bundle, of a study (its best network) or of a fit.

    Raises: AuricleError if there is none, or if it is damaged.
    """
    place = Path(place)
    if is_bundle(place):
        bundle = load_bundle(place)
        temperature, threshold = bundle.facts.temperature, bundle.facts.unknown_below
        return Model(trained_of(bundle, place), temperature or 1.0, threshold or 0.0, device)
    trained = load_fit(best_fit(place))
    found = calibrated(study_of(trained.folder), trained) or (1.0, 0.0)
    return Model(trained, *found, device)


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
