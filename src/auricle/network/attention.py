"""The transformer encoder, from linear layers, products and a softmax.

    tokens (batch, tokens, width): the class token first, then one token a step of sound
    attention weights (batch, heads, tokens, tokens): who looked at whom, each row summing to one

Source: Vaswani et al. (2017) for attention, Dosovitskiy et al. (2021) for the class token,
Xiong et al. (2020) for normalising before each layer instead of after it.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from auricle.network.base import some_of


@dataclass(frozen=True, kw_only=True)
class EncoderConfig:
    """Sizes of the encoder. No blocks: no encoder, and the head sits on the base.

    `dropout` is the share of what a block adds that training leaves out (Srivastava et al., 2014).
    `position_gain` scales the code of a token's place, which is otherwise as loud as its sound.
    `quiet` is the variance below which normalising leaves a token quiet: without it, silence gets
    as loud as any sound. `attends` and `class_token` are switched off in controls that ask what
    either is worth.
    """

    blocks: int = 0
    heads: int = 1
    expansion: int = 2
    dropout: float = 0.2
    position_gain: float = 0.1
    quiet: float = 0.1
    attends: bool = True
    class_token: bool = True

    def __post_init__(self) -> None:
        """Refuse an encoder that cannot be built."""
        if self.blocks < 0 or self.heads < 1 or self.expansion < 1:
            raise ValueError("blocks must be 0 or more; heads and expansion must be positive")
        if not 0 <= self.dropout < 1:
            raise ValueError("dropout is a share below 1")
        if not (0 <= self.position_gain < math.inf and 0 < self.quiet < math.inf):
            raise ValueError("position_gain is 0 or more, quiet is positive; both are finite")

    @property
    def chooses(self) -> bool:
        """Whether a class token chooses what it looks at, which some controls do not let it."""
        return self.blocks > 0 and self.attends and self.class_token


def attend(query: Tensor, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
    """Mix the values by how well each query fits each key.

    Shapes: three of (batch, heads, tokens, size) -> mixed (batch, heads, tokens, size),
    weights (batch, heads, tokens, tokens).
    Source: Vaswani et al. (2017), equation 1.
    """
    query = query / math.sqrt(query.shape[-1])  # scaling the smaller scales the matches, too
    match = query @ key.mT  # (batch, heads, tokens, tokens)
    weights = match.softmax(dim=-1)  # over the keys: each query spends exactly one
    return weights @ value, weights


class MultiHeadAttention(nn.Module):
    """Several attentions side by side, each in its own slice of the width."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        if width % heads:
            raise ValueError(f"{heads} heads do not divide a width of {width}")
        self.heads = heads
        self.query_key_value = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def forward(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Shapes: (batch, tokens, width) -> the same, weights (batch, heads, tokens, tokens)."""
        batch, count, width = tokens.shape
        split = self.query_key_value(tokens)  # (batch, tokens, 3 * width)
        split = split.reshape(batch, count, 3, self.heads, -1)  # width = heads * size
        query, key, value = split.permute(2, 0, 3, 1, 4)  # each (batch, heads, tokens, size)
        mixed, weights = attend(query, key, value)
        joined = mixed.transpose(1, 2).reshape(batch, count, width)  # heads side by side again
        return self.out(joined), weights


class Averaging(nn.Module):
    """Attention that cannot choose: every token looks everywhere alike. A control."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.value = nn.Linear(width, width)
        self.out = nn.Linear(width, width)

    def forward(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Shapes: (batch, tokens, width) -> the same, weights (batch, 1, tokens, tokens)."""
        batch, count, _ = tokens.shape
        weights = tokens.new_full((batch, 1, count, count), 1 / count)
        return self.out(weights[:, 0] @ self.value(tokens)), weights


class EncoderBlock(nn.Module):
    """Look around, then think: attention and a two-layer perceptron, each added to its input."""

    def __init__(self, config: EncoderConfig, width: int) -> None:
        super().__init__()
        inner = config.expansion * width
        self.before_attention = nn.LayerNorm(width, eps=config.quiet)
        self.attention: MultiHeadAttention | Averaging
        if config.attends:
            self.attention = MultiHeadAttention(width, config.heads)
        else:
            self.attention = Averaging(width)
        self.before_perceptron = nn.LayerNorm(width, eps=config.quiet)
        widen, narrow = nn.Linear(width, inner), nn.Linear(inner, width)
        self.perceptron = nn.Sequential(widen, nn.GELU(), narrow)
        self.drop = nn.Dropout(config.dropout)

    def forward(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Shapes: (batch, tokens, width) -> the same, weights (batch, heads, tokens, tokens)."""
        mixed, weights = self.attention(self.before_attention(tokens))
        tokens = tokens + self.drop(mixed)
        return tokens + self.drop(self.perceptron(self.before_perceptron(tokens))), weights


def positions(count: int, width: int) -> Tensor:
    """(count, width) sines and cosines that tell tokens apart by their place, for any count.

    Attention alone does not see the order of its tokens. Sines stand before cosines here, in turns
    in the source: a linear layer takes either.
    Source: Vaswani et al. (2017), section 3.5.
    """
    place = torch.arange(count)[:, None]
    slowness = 10_000 ** (torch.arange(0, width, 2) / width)
    angle = place / slowness  # (count, width / 2)
    return torch.cat([angle.sin(), angle.cos()], dim=1)[:, :width]


class Encoder(nn.Module):
    """A class token that gathers what the steps of sound have to say."""

    def __init__(self, config: EncoderConfig, width: int, step_dropout: float = 0.0) -> None:
        super().__init__()
        self.class_token = nn.Parameter(torch.randn(width) * 0.02) if config.class_token else None
        self.position_gain, self.step_dropout = config.position_gain, step_dropout
        self.blocks = nn.ModuleList(EncoderBlock(config, width) for _ in range(config.blocks))
        self.after = nn.LayerNorm(width, eps=config.quiet)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Encode a clip into its class token; without one, into the mean of its steps.

        Shapes: (batch, width, steps) -> summary (batch, width), attention weights
        (batch, blocks, heads, 1 + steps, 1 + steps).

        In float32 whatever the base computes in: its products are small, and in bf16 its answers
        were worse.
        """
        with torch.autocast(features.device.type, enabled=False):
            return self.encode(features.float())

    def encode(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """The same, in the precision of the features."""
        steps = features.mT  # (batch, steps, width)
        steps = steps + self.position_gain * positions(*steps.shape[1:]).to(steps)
        if self.training:
            steps = some_of(steps, self.step_dropout)
        tokens = steps
        if self.class_token is not None:
            # It has no place in time.
            first = self.class_token.expand(steps.shape[0], 1, -1)
            tokens = torch.cat([first, steps], dim=1)  # (batch, 1 + steps, width)
        looked = []
        for block in self.blocks:
            tokens, weights = block(tokens)
            looked.append(weights)
        summary = tokens.mean(1) if self.class_token is None else tokens[:, 0]
        return self.after(summary), torch.stack(looked, dim=1)


def last_block(weights: Tensor) -> Tensor:
    """(batch, steps) what the class token looks at in the last block, as a mean over its heads.

    Shapes: weights (batch, blocks, heads, 1 + steps, 1 + steps), as `Encoder` gives them.
    """
    return weights[:, -1, :, 0, 1:].mean(1)
