"""The whole network: front-end, base and head, and beside them the texture.

    wave (batch, samples) -> logits (batch, classes), attention weights or None

One class for both architectures. Without encoder blocks it is a convolutional network with a
fully-connected head; with them, the same base under a transformer encoder and a perceptron head.
Either hears what happens in a sound, and when; beside it the same wave is judged by the statistics
of its texture, and the two are averaged.
"""

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from auricle.network.attention import Encoder, EncoderConfig
from auricle.network.base import Base, BaseConfig, some_of
from auricle.network.frontend import FrontendConfig, make_frontend
from auricle.network.texture import Texture, TextureConfig


@dataclass(frozen=True, kw_only=True)
class NetworkConfig:
    """Everything that fixes the network's shape, but for the number of classes.

    `step_dropout` is the share of a clip's steps that training hides from the head.
    """

    frontend: FrontendConfig = field(default_factory=FrontendConfig)
    base: BaseConfig = field(default_factory=BaseConfig)
    encoder: EncoderConfig = field(default_factory=EncoderConfig)
    step_dropout: float = 0.3
    texture: TextureConfig = field(default_factory=TextureConfig)

    def __post_init__(self) -> None:
        """Refuse parts that do not fit each other."""
        if not 0 <= self.step_dropout < 1:
            raise ValueError("step_dropout is a share below 1")
        if self.encoder.blocks and self.base.width % self.encoder.heads:
            raise ValueError(
                f"{self.encoder.heads} heads do not divide the base's width of {self.base.width}"
            )

    @property
    def step_s(self) -> float:
        """Seconds of sound from one step to the next, as the head gets them."""
        return self.base.hop_frames * self.frontend.hop / self.frontend.sample_rate_hz


class PoolingHead(nn.Module):
    """Architecture 1: mean and peak over time, then fully-connected layers."""

    def __init__(self, width: int, classes: int, step_dropout: float = 0.0) -> None:
        super().__init__()
        self.step_dropout = step_dropout
        self.layers = nn.Sequential(
            nn.Linear(2 * width, width), nn.ReLU(), nn.Linear(width, classes)
        )

    def forward(self, features: Tensor) -> tuple[Tensor, None]:
        """Shapes: (batch, width, steps) -> (batch, classes); there is no attention to show."""
        if self.training:
            features = some_of(features.mT, self.step_dropout).mT
        pooled = torch.cat([features.mean(-1), features.amax(-1)], dim=1)  # (batch, 2 * width)
        return self.layers(pooled), None


class EncoderHead(nn.Module):
    """Architecture 2: transformer encoder, then a perceptron on its class token."""

    def __init__(
        self, config: EncoderConfig, width: int, classes: int, step_dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.encoder = Encoder(config, width, step_dropout)
        self.layers = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.Linear(width, classes))

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Shapes: (batch, width, steps) -> (batch, classes), attention as in `Encoder`."""
        summary, weights = self.encoder(features)
        return self.layers(summary), weights


class SoundClassifier(nn.Module):
    """Waveform to logits, in parts that can be used one by one."""

    def __init__(self, config: NetworkConfig, classes: int) -> None:
        super().__init__()
        self.config = config
        self.frontend = make_frontend(config.frontend)
        self.base = Base(config.base, config.frontend.bands)
        self.head: PoolingHead | EncoderHead
        width = config.base.width
        if config.encoder.blocks:
            self.head = EncoderHead(config.encoder, width, classes, config.step_dropout)
        else:
            self.head = PoolingHead(width, classes, config.step_dropout)
        counts = config.texture.share > 0
        self.texture = Texture(config.texture, config.frontend, classes) if counts else None

    def forward(self, wave: Tensor) -> tuple[Tensor, Tensor | None]:
        """Classify waves.

        Shapes: (batch, samples) at the front-end's rate -> logits (batch, classes), attention
        weights (batch, blocks, heads, 1 + steps, 1 + steps) or None without an encoder.
        """
        logits, weights = self.classify(self.frontend.power(wave))
        return self.joined(logits, self.describe(wave)), weights

    def describe(self, wave: Tensor) -> Tensor | None:
        """Statistics of waves' texture, if it counts: (batch, samples) -> (batch, count)."""
        return None if self.texture is None else self.texture.statistics(wave)

    def joined(self, logits: Tensor, statistics: Tensor | None) -> Tensor:
        """Average what the head and the texture say, in log-probabilities, by the texture's share.

        Shapes: logits (batch, classes), statistics (batch, count) -> (batch, classes).
        """
        if self.texture is None or statistics is None:
            return logits
        events, texture = logits.log_softmax(1), self.texture(statistics).log_softmax(1)
        return torch.lerp(events, texture, self.config.texture.share)

    def classify(self, power: Tensor) -> tuple[Tensor, Tensor | None]:
        """What base and head alone say of powers: (batch, bands, frames) -> as `forward`."""
        logits, weights = self.head(self.base(self.frontend(power)))
        return logits.float(), weights


@dataclass(frozen=True)
class ParameterCount:
    """Parameters of a part: those that training changes and those that it does not."""

    trainable: int
    fixed: int


def count_parameters(network: SoundClassifier) -> dict[str, ParameterCount]:
    """Parameters by part, in the order of the signal, and in `total`."""
    parts: dict[str, nn.Module] = dict(network.named_children())
    counts = {}
    for name, part in [*parts.items(), ("total", network)]:
        sizes = [(weight.requires_grad, weight.numel()) for weight in part.parameters()]
        counts[name] = ParameterCount(
            trainable=sum(size for learns, size in sizes if learns),
            fixed=sum(size for learns, size in sizes if not learns),
        )
    return counts
