"""New views of training clips, made for a whole batch at once.

    power (clips, frames, bands), rows (batch,) -> power (batch, frames, bands), targets
    wave (batch, samples)                       -> wave (batch, samples), targets

Targets are (batch, classes). Frames stand before bands here: a view is made of whole frames, and
the bands of a frame lie side by side in memory. A fixed filter bank lets views be made of powers,
ten times cheaper than of waves; a front-end that learns needs waves. Every draw comes from the
generator that is handed in.

A step waits for its views, so powers are gone over seldom: read once, straight from where they are
kept; then once for what changes a frame, and once for what mixes clips, each a matrix product.
"""

import math
from dataclasses import dataclass

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from auricle.network.frontend import SILENCE


@dataclass(frozen=True, kw_only=True)
class AugmentConfig:
    """How far a view may stray from its clip. Zero turns a part off.

    Views of waves are stretched, shifted and mixed; what is done to bands needs powers. The
    texture hears each clip as it is and once under steady noise, `texture_noise_low_db` or more
    below it.
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
        spans = (self.band_shift, self.equaliser_db, self.masks, self.mask_bands, self.mask_frames)
        if not all(0 <= span < math.inf for span in spans):
            raise ValueError("band_shift, equaliser_db and masks with their spans are 0 or more")
        if not (math.isfinite(self.noise_low_db) and math.isfinite(self.texture_noise_low_db)):
            raise ValueError("noise_low_db and texture_noise_low_db are finite")


def uniform(shape: tuple[int, ...], low: float, high: float, generator: Generator) -> Tensor:
    """Independent draws from [low, high)."""
    return torch.empty(shape).uniform_(low, high, generator=generator)


def loudest_moments(sound: Tensor) -> Tensor:
    """Where each clip has most energy: waves or powers, (clips, moments, ...) -> (clips,)."""
    energy = sound.sum(2) if sound.dim() == 3 else sound.square()
    return energy.argmax(1)


def stretch_and_shift(
    sound: Tensor, rows: Tensor, loudest: Tensor, stretch: float, generator: Generator
) -> Tensor:
    """Play clips faster or slower, as loops that begin anywhere.

    A view of a slowed clip is shorter than the clip. It begins where the clip's loudest moment
    still falls into it, so that no view of a bark is the silence around it.
    Shapes: (clips, moments, ...), (batch,), (batch,) -> (batch, moments, ...): waves or powers.
    """
    batch, moments = len(rows), sound.shape[1]
    speed = torch.exp2(uniform((batch, 1), -1, 1, generator) * math.log2(1 + stretch))
    begin = loudest[:, None] - uniform((batch, 1), 0, 1, generator) * (moments - 1) * speed
    return read_loop(sound, rows, begin + torch.arange(moments) * speed)


def read_loop(sound: Tensor, rows: Tensor, places: Tensor) -> Tensor:
    """Read clips between their moments: what is there is a weighted sum of two neighbours.

    Shapes: (clips, moments, ...), (batch,), (batch, n) -> (batch, n, ...). After the last moment
    of a clip comes its first.
    """
    moments = sound.shape[1]
    below = places.floor()
    share = (places - below)[..., None]
    low = below.remainder(moments).int()
    ends = torch.stack([low, (low + 1).remainder(moments)], dim=-1)  # (batch, n, 2)
    read = F.embedding_bag(
        (ends + rows[:, None, None].int() * moments).flatten(0, 1),  # of all clips' moments
        sound.reshape(len(sound) * moments, -1),
        per_sample_weights=(torch.tensor([1.0, 0.0]) - share).abs_().flatten(0, 1),
        mode="sum",
    )
    return read.reshape(*places.shape, *sound.shape[2:])


def shift_bands(count: int, bands: int, furthest: float, generator: Generator) -> Tensor:
    """Raise or lower each clip along the mel scale by up to `furthest` bands.

    Reading between bands is a product with tents: one of width two stands on each place. What is
    done is given as that matrix, (count, bands, bands), for frames from the left.
    """
    place = torch.arange(bands)
    shift = uniform((count, 1), -furthest, furthest, generator)
    read = (place + shift).clamp(0, bands - 1)  # (count, bands)
    distance = (read[:, None] - place[:, None]).abs_()
    return distance.neg_().add_(1).clamp_(min=0)  # (count, from, to)


def colour(count: int, bands: int, strongest_db: float, generator: Generator) -> Tensor:
    """Give each clip another room and microphone: (count, bands) gains, smooth over the bands."""
    waves = torch.arange(1, 4) * math.pi / bands
    phase = uniform((count, 1, 3), 0, 2 * math.pi, generator)
    angle = torch.arange(bands)[:, None] * waves + phase
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


def loudness(spectrum: Tensor, weighting: Tensor) -> Tensor:
    """Level of clips as an ear weights bands: mean powers (batch, bands), (bands,) -> (batch,).

    Source: Tokozume et al. (2018), section 3.2.
    """
    return spectrum @ weighting + SILENCE


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


def mixing_shares(level: Tensor, other: Tensor, ratio: Tensor) -> Tensor:
    """Two sounds brought to one loudness at once: amplitudes mix as r to 1 - r, powers add.

    As sounds are unrelated, what powers of a batch become is a matrix times what they were.
    Shapes: (batch,), (batch,) the rows of partners, (batch,) -> (batch of views, batch of clips).
    Source: Tokozume et al. (2018), equation 2, carried from amplitudes to powers.
    """
    own, theirs = ratio.square(), (1 - ratio).square()
    shares = torch.diag(own / (own + theirs))
    shares[torch.arange(len(other)), other] += theirs / (own + theirs)
    return shares / level


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
    first = F.one_hot(targets, classes)
    second = F.one_hot(other, classes)
    return first * ratio[:, None] + second * (1 - ratio[:, None])


def add_noise_(
    power: Tensor, level: Tensor, share: float, lowest_db: float, generator: Generator
) -> Tensor:
    """Put steady noise under a share of the clips, in place, from brown to violet.

    The noisy clips of a batch share its grain, not its colour and its distance from their own mean
    power, `level`. Shapes: (batch, frames, bands), (batch,) -> as power.
    """
    noisy = (uniform((len(power),), 0, 1, generator) < share).nonzero()[:, 0]
    level = level[noisy, None, None]
    _, frames, bands = power.shape
    slope = uniform((len(noisy), 1, 1), -2, 2, generator)
    shape = 10 ** (torch.linspace(-1, 1, bands) * slope)  # decades over the bands
    grain = -(1 - uniform((frames, bands), 0, 1, generator)).log()  # exponential, mean one
    ratio = 10 ** (-uniform((len(noisy), 1, 1), lowest_db, lowest_db + 30, generator) / 10)
    strength = ratio * level / shape.mean(2, keepdim=True)
    return power.index_add_(0, noisy, grain * (strength * shape))


def mask(count: int, length: int, masks: int, widest: int, generator: Generator) -> Tensor:
    """What `masks` masks leave of so many moments or bands: (count, length), one where kept.

    Each is up to `widest` wide, and none wider than half of all.

    Source: Park et al. (2019), with silence where they put the mean.
    """
    size = uniform((count, masks, 1), 0, min(widest, length // 2), generator)
    begin = uniform((count, masks, 1), 0, 1, generator) * (length - size)
    place = torch.arange(length)
    return ((place < begin) | (place >= begin + size)).all(1).float()


@torch.autocast("cpu", enabled=False)  # type: ignore[untyped-decorator]
def view_powers(
    power: Tensor,
    rows: Tensor,
    loudest: Tensor,
    targets: Tensor,
    *,
    classes: int,
    weighting: Tensor,
    mixing: float,
    config: AugmentConfig,
    generator: Generator,
) -> tuple[Tensor, Tensor]:
    """Views of some of the clips, in float32 throughout, and what should be heard in them.

    Shapes: power (clips, frames, bands), which a file may hold; rows, their loudest moments and
    their targets (batch,); weighting (bands,) -> (batch, frames, bands) and (batch, classes).
    """
    view = stretch_and_shift(power, rows, loudest, config.stretch, generator)
    count, frames, bands = view.shape
    change = shift_bands(count, bands, config.band_shift, generator)
    change *= colour(count, bands, config.equaliser_db, generator)[:, None]
    moved = view @ change
    spectrum = moved.mean(1)  # (batch, bands)
    other = partners(targets, generator)
    ratio = mixing_ratios(mixing, count, generator)
    shares = mixing_shares(loudness(spectrum, weighting), other, ratio)
    torch.mm(shares, moved.flatten(1), out=view.flatten(1))  # where memory is warm
    level = (shares @ spectrum).mean(1)
    view = add_noise_(view, level, config.noise, config.noise_low_db, generator)
    view *= mask(count, frames, config.masks, config.mask_frames, generator)[..., None]
    view *= mask(count, bands, config.masks, config.mask_bands, generator)[:, None]
    return view, soft_targets(targets, targets[other], ratio, classes)


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
    every = torch.arange(len(wave))
    wave = stretch_and_shift(wave, every, loudest_moments(wave), config.stretch, generator)
    wave = wave * (1 - 2 * torch.randint(2, (len(wave), 1), generator=generator))  # polarity
    other = partners(targets, generator)
    ratio = mixing_ratios(mixing, len(targets), generator)
    level_db = wave_level_db(wave, sample_rate_hz)
    wave = mix_waves(wave, wave[other], (level_db, level_db[other]), ratio)
    return wave, soft_targets(targets, targets[other], ratio, classes)
