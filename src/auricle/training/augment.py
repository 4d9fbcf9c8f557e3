"""New views of training clips, made for a whole batch at once.

    power (batch, frames, bands) -> power of the same shape, and targets (batch, classes)
    wave (batch, samples)        -> wave of the same shape, and targets (batch, classes)

Frames stand before bands here: a view is made of whole frames, and the bands of a frame lie side
by side in memory. A fixed filter bank lets views be made of powers, ten times cheaper than of
waves; a front-end that learns needs waves. Every draw comes from the generator that is handed in.
"""

import math
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

SILENCE = 1e-12


@dataclass(frozen=True, kw_only=True)
class AugmentConfig:
    """How far a view may stray from its clip. Zero turns a part off.

    Views of waves are stretched, shifted and mixed; what is done to bands needs powers. The texture
    hears each clip as it is and once under steady noise, `texture_noise_low_db` or more below it.
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
    texture_noise_low_db: float = 5.0

    def __post_init__(self) -> None:
        """Refuse shares and spans that make no sense."""
        if not (0 <= self.stretch < 1 and 0 <= self.mixing <= 1 and 0 <= self.noise <= 1):
            raise ValueError("stretch must be in [0, 1); mixing and noise are shares in [0, 1]")
        if not 0 <= self.mixing_ends <= 1:
            raise ValueError("mixing_ends is a share of the epochs, in [0, 1]")


def uniform(shape: tuple[int, ...], low: float, high: float, generator: Generator) -> Tensor:
    """Independent draws from [low, high)."""
    return torch.rand(shape, generator=generator) * (high - low) + low


def stretch_and_shift(sound: Tensor, stretch: float, generator: Generator) -> Tensor:
    """Play each clip faster or slower, as a loop that begins anywhere.

    A view of a slowed clip is shorter than the clip. It begins where the clip's loudest moment
    still falls into it, so that no view of a bark is the silence around it.
    Shapes: (batch, moments, ...) -> the same: waves or powers.
    """
    batch, moments = sound.shape[:2]
    energy = sound.sum(2) if sound.dim() == 3 else sound.square()
    loudest = energy.argmax(1, keepdim=True)  # (batch, 1)
    speed = torch.exp2(uniform((batch, 1), -1, 1, generator) * math.log2(1 + stretch))
    begin = loudest - uniform((batch, 1), 0, 1, generator) * (moments - 1) * speed
    return read_loop(sound, begin + torch.arange(moments) * speed)


def read_loop(sound: Tensor, places: Tensor) -> Tensor:
    """Read each clip between its moments: (batch, moments, ...) at (batch, n) -> (batch, n, ...).

    After the last moment comes the first.
    """
    batch, moments = sound.shape[:2]
    below = places.floor()
    share = (places - below).reshape(-1, *[1] * (sound.dim() - 2))
    first = torch.arange(batch)[:, None] * moments  # of each clip, among all clips' moments
    low = below.long().remainder(moments)
    high = (low + 1).remainder(moments)
    rows = sound.flatten(0, 1)  # (batch * moments, ...)
    low_rows = rows.index_select(0, (first + low).flatten())
    high_rows = rows.index_select(0, (first + high).flatten())
    return torch.lerp(low_rows, high_rows, share).reshape(*places.shape, *sound.shape[2:])


def shift_bands(count: int, bands: int, furthest: float, generator: Generator) -> Tensor:
    """Raise or lower each clip along the mel scale by up to `furthest` bands.

    Reading between bands is a product with tents: one of width two stands on each place. What is
    done is given as that matrix, (count, bands, bands), for frames from the left.
    """
    place = torch.arange(bands)
    shift = uniform((count, 1), -furthest, furthest, generator)
    read = (place + shift).clamp(0, bands - 1)  # (count, bands)
    return (1 - (read[:, None] - place[:, None]).abs()).clamp(min=0)  # (count, from, to)


def colour(count: int, bands: int, strongest_db: float, generator: Generator) -> Tensor:
    """Give each clip another room and microphone: (count, bands) gains, smooth over the bands."""
    waves = torch.arange(1, 4) * math.pi / bands
    angle = torch.arange(bands)[:, None] * waves + uniform((count, 1, 3), 0, 2 * math.pi, generator)
    strength = uniform((count, 1, 3), 0, strongest_db / 3, generator)
    gain_db = (angle.cos() * strength).sum(-1)  # (count, bands)
    return 10 ** (gain_db / 10)


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


def loudness(mean_power: Tensor, centres_hz: Tensor) -> Tensor:
    """A-weighted level of clips by the mean power of each band: (batch, bands) -> (batch, 1).

    Source: Tokozume et al. (2018), section 3.2, for weighting the level as an ear does.
    """
    return mean_power @ a_weighting(centres_hz)[:, None] + SILENCE


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
    return torch.addcmul(power * (ratio**2 / loudness), other, (1 - ratio) ** 2 / loudness)


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
    """Put steady noise under a share of the clips, its colour anywhere from brown to violet.

    The noisy clips of a batch share its grain, not its colour and level.
    """
    noisy = (uniform((len(power),), 0, 1, generator) < share).nonzero()[:, 0]
    level = power.index_select(0, noisy).mean((1, 2), keepdim=True)
    _, frames, bands = power.shape
    slope = uniform((len(noisy), 1, 1), -2, 2, generator)
    shape = 10 ** (torch.linspace(-1, 1, bands) * slope)  # decades over the bands
    grain = -(1 - uniform((frames, bands), 0, 1, generator)).log()  # exponential, mean one
    ratio = 10 ** (-uniform((len(noisy), 1, 1), lowest_db, lowest_db + 30, generator) / 10)
    return power.index_add(0, noisy, grain * (ratio * level / shape.mean(2, keepdim=True) * shape))


def mask(count: int, length: int, masks: int, widest: int, generator: Generator) -> Tensor:
    """What `masks` masks leave of so many moments or bands: (count, length), one where kept.

    Each is up to `widest` wide, and none wider than half of all.

    Source: Park et al. (2019), with silence where they put the mean.
    """
    size = uniform((count, masks, 1), 0, min(widest, length // 2), generator)
    begin = uniform((count, masks, 1), 0, 1, generator) * (length - size)
    place = torch.arange(length)
    return ((place < begin) | (place >= begin + size)).all(1).float()


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
    """Views of a batch of powers, and what should be heard in them.

    Pitch, room and level change a frame by a matrix each: their product goes over the powers once.
    """
    count, frames, bands = power.shape
    power = stretch_and_shift(power, config.stretch, generator)
    change = shift_bands(count, bands, config.band_shift, generator)
    change *= colour(count, bands, config.equaliser_db, generator)[:, None]
    mean_power = (power.mean(1, keepdim=True) @ change)[:, 0]  # (batch, bands)
    power = power @ (change / loudness(mean_power, centres_hz)[..., None])
    other = partners(targets, generator)
    ratio = mixing_ratios(mixing, count, generator)
    power = mix_powers(power, power.index_select(0, other), ratio)
    power = add_noise(power, config.noise, config.noise_low_db, generator)
    power *= mask(count, frames, config.masks, config.mask_frames, generator)[..., None]
    power *= mask(count, bands, config.masks, config.mask_bands, generator)[:, None]
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
