"""Statistics of a sound's texture, and the linear layer that answers from them.

    wave (batch, samples) -> statistics (batch, count) -> logits (batch, classes)

Rain, fire and surf are heard less by what happens in them than by how all of it is distributed:
listeners tell such sounds apart by averages over time (McDermott and Simoncelli, 2011). Each band's
loudness is followed here in steps of milliseconds, and described by

- its levels: what it stays below for more and more of the time,
- its sharpness: how fast it rises and falls where it does so fastest,
- its modulation: how strongly it beats at each rate, and how purely,
- and how well neighbours and distant bands beat together, at each rate.

None of these is learnt. What is learnt is one linear layer on them: a convex problem, solved once,
on the training clips as they are and under noise. Views that are stretched, cut and mixed, such as
the base learns from, would have other statistics than any clip.
"""

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from auricle.network.frontend import FilterBank, FrontendConfig, decades

LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
"""Shares of the time for which a band stays below a level."""

EVERY = 4
"""Levels are taken from one step in so many: ordering all of them takes time and tells no more."""

STEEPEST = 0.01
"""Share of all steps that are as steep as the one that tells a band's sharpness, or steeper."""

TOGETHER = (2, 8, 16)
"""Distances between the bands whose beats are compared."""

GROUP = 4
"""So many neighbouring bands share a figure for each rate."""

QUIET = 1e-4
"""Modulation that counts as none, in squared decades."""

LEAST_SPREAD = 0.1
"""Variance within a class, as a share of all clips', that each statistic has at least."""

FAR = torch.finfo(torch.float32).max
"""Further than any clip."""


@dataclass(frozen=True, kw_only=True)
class TextureConfig:
    """How a texture is measured, and what its answer counts.

    `share` is its part of the whole network's logits; 0 leaves it out. `prior` is the variance
    that the weights are expected to have before any clip is heard (the inverse of a ridge). Rates
    are told apart in stretches of `span` steps of `hop` samples.
    """

    share: float = 0.5
    prior: float = 1.0
    window: int = 256
    hop: int = 80
    bands: int = 32
    span: int = 1_024

    def __post_init__(self) -> None:
        """Refuse what measures nothing."""
        if not 0 <= self.share < 1:
            raise ValueError("share must be in [0, 1)")
        if self.prior <= 0:
            raise ValueError("prior must be positive")
        if min(self.window, self.hop) < 1 or self.window % 2 or self.span < 16 or self.span % 2:
            raise ValueError("window and span must be even, hop positive, span 16 or more")
        if self.bands % GROUP or self.bands <= max(TOGETHER):
            raise ValueError(f"bands must divide by {GROUP} and exceed {max(TOGETHER)}")


class Texture(nn.Module):
    """The part of a network that judges a sound by its statistics."""

    def __init__(self, config: TextureConfig, frontend: FrontendConfig, classes: int) -> None:
        super().__init__()
        self.config = config
        self.floor_db = frontend.floor_db
        sizes = {"window": config.window, "hop": config.hop, "bands": config.bands}
        self.bank = FilterBank(replace(frontend, kind="fixed", **sizes))
        self.edges = rate_edges(config.span)
        count = self.statistics(torch.zeros(1, config.window)).shape[1]
        self.register_buffer("centre", torch.zeros(count))
        self.register_buffer("scale", torch.ones(count))
        self.register_buffer("typical", torch.zeros(classes, count))
        self.register_buffer("spread", torch.full((count,), FAR))
        self.linear = nn.Linear(count, classes)

    centre: Tensor
    scale: Tensor
    typical: Tensor
    spread: Tensor

    def statistics(
        self, wave: Tensor, alter: Callable[[Tensor], Tensor] = lambda power: power
    ) -> Tensor:
        """Describe waves, whatever their length: (batch, samples) -> (batch, count).

        `alter` gets the bank's powers (batch, bands, steps), and gives others.
        """
        with torch.autocast(wave.device.type, enabled=False):
            power = alter(self.bank.power(wave.float()))
            course = decades(power, self.floor_db)  # (batch, bands, steps)
            rates = self.rates(course)
            parts = [levels(course), sharpness(course), *self.beats(rates), *self.beside(rates)]
            return torch.cat([part.flatten(1) for part in parts], dim=1)

    def rates(self, course: Tensor) -> Tensor:
        """Each band's course as a sum of beats, stretch by stretch.

        Shapes: (batch, bands, steps) -> (batch, bands, stretches, rates, 2). Source: Welch (1967).
        """
        half = self.config.span // 2
        around = F.pad(course - course.mean(-1, keepdim=True), (half, half))
        stretches = around.unfold(-1, self.config.span, half)
        hann = torch.hann_window(self.config.span, device=course.device)
        return torch.view_as_real(torch.fft.rfft(stretches * (hann / hann.norm())))

    def beats(self, rates: Tensor) -> tuple[Tensor, Tensor]:
        """How strongly bands beat at each span of rates, and how far one rate stands out there.

        Shapes: (batch, bands, stretches, rates, 2) -> two of (batch, groups, spans).
        """
        power = rates.square().sum(-1).mean(2)  # (batch, bands, rates)
        batch, _, count = power.shape
        grouped = power.reshape(batch, -1, GROUP, count).mean(2)
        spans = [grouped[..., low:high] for low, high in self.edges]
        strength = torch.stack([span.mean(-1) for span in spans], dim=-1)
        purest = torch.stack([span.amax(-1) for span in spans], dim=-1)
        strength_decades = (strength + QUIET).log10()
        return strength_decades, (purest + QUIET).log10() - strength_decades

    def beside(self, rates: Tensor) -> list[Tensor]:
        """How well bands at each distance beat together, between -1 and 1, at each span of rates.

        Shapes: as `rates` -> one of (batch, groups of pairs, spans) for each distance.
        """
        found = []
        for distance in TOGETHER:
            low, high = rates[:, :-distance:GROUP], rates[:, distance::GROUP]
            spans = []
            for begin, end in self.edges:
                one, other = low[..., begin:end, :], high[..., begin:end, :]
                both = (one * other).sum((-1, -2, -3))
                alone = [beats.square().sum((-1, -2, -3)) + QUIET for beats in (one, other)]
                spans.append(both / (alone[0] * alone[1]).sqrt())
            found.append(torch.stack(spans, dim=-1))
        return found

    def forward(self, statistics: Tensor) -> Tensor:
        """Answer from statistics: (batch, count) -> logits (batch, classes)."""
        with torch.autocast(statistics.device.type, enabled=False):
            logits: Tensor = self.linear((statistics - self.centre) / self.scale)
            return logits

    def strangeness(self, statistics: Tensor) -> Tensor:
        """How far from its nearest class a clip lies, where one is what clips of a class do.

        Shapes: (batch, count) -> (batch,). Nothing is strange to a texture that remembers no clip.
        Source: Lee et al. (2018), equation 2, for Gaussians of one covariance, diagonal here.
        """
        away = ((statistics - self.centre) / self.scale)[:, None] - self.typical
        return (away.square() / self.spread).mean(-1).amin(-1).sqrt()

    @torch.no_grad()
    def remember(self, statistics: Tensor, targets: Tensor) -> None:
        """Keep what clips of each class are like, once weights are solved.

        Shapes: statistics (clips, count), targets (clips,).
        """
        known = (statistics - self.centre) / self.scale
        self.typical.fill_(FAR)  # from a class without clips, whatever comes
        for each, middle in enumerate(self.typical):
            if (targets == each).any():
                middle.copy_(known[targets == each].mean(0))
        within = (known - self.typical[targets]).square().mean(0)
        self.spread.copy_(within.clamp(min=LEAST_SPREAD))

    @torch.no_grad()
    def solve(self, statistics: Tensor, targets: Tensor) -> None:
        """Find the most probable weights: cross-entropy and a Gaussian prior, by L-BFGS.

        Shapes: statistics (clips, count), targets (clips,).
        Source: Nocedal (1980). As the problem is convex, the result depends on no first weights.
        On the processor wherever the clips are: not every device counts in double precision.
        """
        known, targets = statistics.cpu().double(), targets.cpu()
        classes = self.linear.out_features
        centre, scale = known.mean(0), known.std(0, correction=0).clamp(min=1e-6)
        known = (known - centre) / scale
        weight = known.new_zeros((classes, known.shape[1])).requires_grad_()
        bias = known.new_zeros(classes).requires_grad_()
        search = torch.optim.LBFGS([weight, bias], max_iter=200, line_search_fn="strong_wolfe")

        @torch.enable_grad()
        def objective() -> Tensor:
            search.zero_grad()
            ridge = weight.square().sum() / (2 * self.config.prior * len(known))
            loss = F.cross_entropy(F.linear(known, weight, bias), targets) + ridge
            loss.backward()  # type: ignore[no-untyped-call]
            return loss

        search.step(objective)  # type: ignore[no-untyped-call]
        for mine, found in (
            (self.centre, centre),
            (self.scale, scale),
            (self.linear.weight, weight),
            (self.linear.bias, bias),
        ):
            mine.copy_(found.float())


def rate_edges(span: int) -> list[tuple[int, int]]:
    """Where half octaves of rates begin and end, each of one rate or more; none is steady."""
    last = span // 2
    halves = range(math.floor(2 * math.log2(last)) + 1)
    return list(itertools.pairwise(sorted({*(round(2 ** (half / 2)) for half in halves), last})))


def levels(course: Tensor) -> Tensor:
    """What each band stays below for a share of the time.

    Shapes: (batch, bands, steps) -> (batch, bands, levels).
    """
    ordered = course[..., ::EVERY].sort(dim=-1).values
    last = ordered.shape[-1] - 1
    return torch.stack([ordered[..., round(share * last)] for share in LEVELS], dim=-1)


def sharpness(course: Tensor) -> Tensor:
    """How unsteady each band is from step to step, and its fastest rise and fall.

    Shapes: (batch, bands, steps) -> (batch, bands, 3).
    """
    change = course.diff(dim=-1)
    count = max(1, round(STEEPEST * change.shape[-1]))
    rise, fall = (way.topk(count, dim=-1).values[..., -1] for way in (change, -change))
    return torch.stack([change.square().mean(-1).sqrt(), rise, fall], dim=-1)
