"""New views of training clips, made for a whole batch at once.

    power (batch, bands, frames) -> power of the same shape, and targets (batch, classes)
    wave (batch, samples)        -> wave of the same shape, and targets (batch, classes)

A fixed filter bank lets views be made of powers, ten times cheaper than of waves; a front-end that
learns needs waves. Every draw comes from the generator that is handed in.
"""

import math
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

SILENCE = 1e-12


@dataclass(frozen=True, kw_only=True)
class AugmentConfig:
    """How far a view may stray from its clip. Zero turns a part off.

    Views of waves are stretched, shifted and mixed; what is done to bands needs powers.
    """

    stretch: float = 0.25
    band_shift: float = 3.0
    equaliser_db: float = 6.0
    mixing: float = 0.7
    mixing_ends: float = 0.9
    noise_low_db: float = 20.0
    noise: float = 0.3
    masks: int = 2
    mask_bands: int = 8
    mask_frames: int = 25

    def __post_init__(self) -> None:
        """Refuse shares and spans that make no sense."""
        if not (0 <= self.stretch < 1 and 0 <= self.mixing <= 1 and 0 <= self.noise <= 1):
            raise ValueError("stretch must be in [0, 1); mixing and noise are shares in [0, 1]")
        if not 0 <= self.mixing_ends <= 1:
            raise ValueError("mixing_ends is a share of the epochs, in [0, 1]")


def uniform(shape: tuple[int, ...], low: float, high: float, generator: Generator) -> Tensor:
    """Independent draws from [low, high)."""
    return torch.rand(shape, generator=generator) * (high - low) + low


def interpolate(values: Tensor, places: Tensor) -> Tensor:
    """Read rows between their samples: (batch, ..., n) at (batch, m) places in [0, n - 1]."""
    below = places.floor().clamp(0, values.shape[-1] - 1)
    share = (places - below).to(values.dtype)
    above = (below + 1).clamp(max=values.shape[-1] - 1)
    shape = (len(values), *[1] * (values.dim() - 2), -1)
    target = (*values.shape[:-1], places.shape[-1])
    low = values.gather(-1, below.long().reshape(shape).expand(target))
    high = values.gather(-1, above.long().reshape(shape).expand(target))
    return torch.lerp(low, high, share.reshape(shape).expand(target))


def stretch_and_shift(sound: Tensor, stretch: float, generator: Generator) -> Tensor:
    """Play each clip faster or slower, as a loop that begins anywhere.

    A view of a slowed clip is shorter than the clip. It begins where the clip's loudest moment
    still falls into it, so that no view of a bark is the silence around it.
    Shapes: (batch, ..., moments) -> the same.
    """
    batch, moments = len(sound), sound.shape[-1]
    energy = sound if sound.dim() == 3 else sound.square()[:, None]
    loudest = energy.sum(1).argmax(-1, keepdim=True)  # (batch, 1)
    speed = torch.exp2(uniform((batch, 1), -1, 1, generator) * math.log2(1 + stretch))
    begin = loudest - uniform((batch, 1), 0, 1, generator) * (moments - 1) * speed
    places = begin + torch.arange(moments) * speed  # (batch, moments)
    loop = torch.cat([sound, sound[..., :1]], dim=-1)  # after the last moment comes the first
    return interpolate(loop, places.remainder(moments))


def shift_bands(power: Tensor, furthest: float, generator: Generator) -> Tensor:
    """Raise or lower each clip along the mel scale by up to `furthest` bands."""
    bands = power.shape[1]
    shift = uniform((len(power), 1), -furthest, furthest, generator)
    places = (torch.arange(bands) + shift).clamp(0, bands - 1)
    return interpolate(power.mT, places).mT


def colour(power: Tensor, strongest_db: float, generator: Generator) -> Tensor:
    """Give each clip another room and microphone: a smooth gain over the bands."""
    batch, bands, _ = power.shape
    waves = torch.arange(1, 4) * math.pi / bands
    angle = torch.arange(bands)[:, None] * waves + uniform((batch, 1, 3), 0, 2 * math.pi, generator)
    strength = uniform((batch, 1, 3), 0, strongest_db / 3, generator)
    gain_db = (angle.cos() * strength).sum(-1, keepdim=True)  # (batch, bands, 1)
    return power * 10 ** (gain_db / 10)


def a_weighting(frequency_hz: Tensor) -> Tensor:
    """How much of a power at this frequency an ear takes in. Source: IEC 61672-1, annex E."""
    square = frequency_hz.double().square()
    response = (
        12194**2
        * square**2
        / (
            (square + 20.6**2)
            * ((square + 107.7**2) * (square + 737.9**2)).sqrt()
            * (square + 12194**2)
        )
    )
    return (response.square() * 10**0.2).float()


def equal_loudness(power: Tensor, centres_hz: Tensor) -> Tensor:
    """Bring clips to one A-weighted level: (batch, bands, frames), (bands,) -> the same shape.

    Source: Tokozume et al. (2018), section 3.2, for weighting the level as an ear does.
    """
    weighted = power.mean(-1) @ a_weighting(centres_hz)  # (batch,)
    return power / (weighted[:, None, None] + SILENCE)


def partners(targets: Tensor, generator: Generator) -> Tensor:
    """For each clip of a batch another one, of another class.

    Where the batch has no other class it may be any clip, itself included: the label stays right.
    """
    preference = torch.rand((len(targets), len(targets)), generator=generator)
    preference += (targets[:, None] != targets).float()
    return preference.argmax(1)


def mixing_ratios(share: float, count: int, generator: Generator) -> Tensor:
    """(count,) ratio of each clip in its view; one where it stays unmixed."""
    ratio = uniform((count,), 0, 1, generator)
    mixed = uniform((count,), 0, 1, generator) < share
    return torch.where(mixed, ratio, 1.0)


def mix_powers(power: Tensor, other: Tensor, ratio: Tensor) -> Tensor:
    """Two sounds of one loudness at once: amplitudes mix as r to 1 - r, unrelated powers add.

    Source: Tokozume et al. (2018), equation 2, carried from amplitudes to powers.
    """
    ratio = ratio[:, None, None]
    loudness = ratio**2 + (1 - ratio) ** 2
    return (power * ratio**2 + other * (1 - ratio) ** 2) / loudness


def mix_waves(
    wave: Tensor, other: Tensor, level_db: tuple[Tensor, Tensor], ratio: Tensor
) -> Tensor:
    """Mix waves of different levels so that r is what an ear hears of the first.

    Source: Tokozume et al. (2018), equation 2, levels A-weighted.
    """
    louder = 10 ** ((level_db[0] - level_db[1]) / 20)
    gain = (1 / (1 + louder * (1 - ratio) / ratio.clamp(min=1e-6)))[:, None]
    return (gain * wave + (1 - gain) * other) / (gain**2 + (1 - gain) ** 2).sqrt()


def soft_targets(targets: Tensor, other: Tensor, ratio: Tensor, classes: int) -> Tensor:
    """(batch, classes) labels in the ratio of the mix."""
    first = torch.nn.functional.one_hot(targets, classes)
    second = torch.nn.functional.one_hot(other, classes)
    return first * ratio[:, None] + second * (1 - ratio[:, None])


def add_noise(power: Tensor, share: float, lowest_db: float, generator: Generator) -> Tensor:
    """Put steady noise under a share of the clips, its colour anywhere from brown to violet."""
    batch, bands, frames = power.shape
    slope = uniform((batch, 1, 1), -2, 2, generator)
    shape = torch.linspace(-1, 1, bands)[:, None] * slope  # decades over the bands
    noise = 10**shape / (10**shape).mean(1, keepdim=True)
    noise = noise * torch.empty(batch, bands, frames).exponential_(generator=generator)
    ratio = 10 ** (-uniform((batch, 1, 1), lowest_db, lowest_db + 30, generator) / 10)
    ratio = ratio * (uniform((batch, 1, 1), 0, 1, generator) < share)
    return power + noise * ratio * power.mean((1, 2), keepdim=True)


def mask(power: Tensor, axis: int, widest: int, generator: Generator) -> Tensor:
    """Silence one stretch of bands (axis 1) or frames (axis 2), `widest` or half of all at most.

    Source: Park et al. (2019), with silence where they put the mean.
    """
    batch, length = len(power), power.shape[axis]
    size = uniform((batch, 1), 0, min(widest, length // 2), generator)
    begin = uniform((batch, 1), 0, 1, generator) * (length - size)
    place = torch.arange(length)
    kept = (place < begin) | (place >= begin + size)  # (batch, length)
    return power * (kept[:, :, None] if axis == 1 else kept[:, None, :])


def view_powers(
    power: Tensor,
    targets: Tensor,
    *,
    classes: int,
    centres_hz: Tensor,
    mixing: float,
    config: AugmentConfig,
    generator: Generator,
) -> tuple[Tensor, Tensor]:
    """Views of a batch of powers, and what should be heard in them."""
    power = stretch_and_shift(power, config.stretch, generator)
    power = shift_bands(power, config.band_shift, generator)
    power = equal_loudness(colour(power, config.equaliser_db, generator), centres_hz)
    other = partners(targets, generator)
    ratio = mixing_ratios(mixing, len(targets), generator)
    power = mix_powers(power, power[other], ratio)
    power = add_noise(power, config.noise, config.noise_low_db, generator)
    for _ in range(config.masks):
        power = mask(power, 1, config.mask_bands, generator)
        power = mask(power, 2, config.mask_frames, generator)
    return power, soft_targets(targets, targets[other], ratio, classes)


def wave_level_db(wave: Tensor, sample_rate_hz: int) -> Tensor:
    """(batch,) A-weighted levels of (batch, samples)."""
    frequency_hz = torch.fft.rfftfreq(wave.shape[-1], 1 / sample_rate_hz)
    power = torch.view_as_real(torch.fft.rfft(wave)).square().sum(-1)
    return 10 * torch.log10(power @ a_weighting(frequency_hz) / wave.shape[-1] ** 2 + SILENCE)


def view_waves(
    wave: Tensor,
    targets: Tensor,
    *,
    classes: int,
    sample_rate_hz: int,
    mixing: float,
    config: AugmentConfig,
    generator: Generator,
) -> tuple[Tensor, Tensor]:
    """Views of a batch of waves, and what should be heard in them."""
    wave = stretch_and_shift(wave, config.stretch, generator)
    wave = wave * (1 - 2 * torch.randint(2, (len(wave), 1), generator=generator))  # polarity
    other = partners(targets, generator)
    ratio = mixing_ratios(mixing, len(targets), generator)
    level_db = wave_level_db(wave, sample_rate_hz)
    wave = mix_waves(wave, wave[other], (level_db, level_db[other]), ratio)
    return wave, soft_targets(targets, targets[other], ratio, classes)
