"""A training step, the layout of its convolutions, and an encoder block against torch's."""

import copy
import math
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.profiler import ProfilerActivity, profile, record_function
from torch.utils.flop_counter import FlopCounterMode

from auricle.network.attention import EncoderBlock
from auricle.network.base import AlongRows, Base, ResidualBlock
from auricle.study.recipe import Recipe, read_recipe
from auricle.training.fit import (
    DROPOUT,
    autocast,
    average_into,
    generator_for,
    new_network,
    optimiser_for,
    seed_for,
    seeded,
)
from auricle.training.sounds import Examples, Sounds
from benchmarks.timing import (
    CLASSES,
    CPU,
    PRECISIONS,
    RECIPES,
    Figures,
    Sizes,
    in_ms,
    in_turns,
    ratio,
    seconds,
    spread,
)

STEPS = 5  # that clips of noise are enough for
PHASES = ("views", "forward", "backward", "update")
WHOLE = "whole"  # what the profiler calls the steps together: its own time is between operations
KINDS = {
    "convolution": "convolution mkldnn_convolution",
    "batch norm": "native_batch_norm",
    "matrix product": "addmm baddbmm bmm linear matmul mm",
    "elementwise": "abs add addcdiv addcmul bernoulli bitwise_or clamp clamp_min cos div dropout "
    "exp floor ge gelu lerp log log10 lt mul ne neg pow reciprocal relu remainder rsub sin sqrt "
    "sub threshold where",
    "copies, layout": "_to_copy cat clone contiguous copy fill index index_copy index_select stack "
    "to zero",
    "Python, reading": f"{WHOLE} Optimizer.step#AdamW.step Optimizer.zero_grad#AdamW.zero_grad",
}
"""Operations of torch's by what they are about; `_backward` and a last `_` are left off."""
OTHER = "the rest"


def noise_examples(recipe: Recipe, clips: int, clip_s: float) -> Examples:
    """Clips of noise, their categories in turn."""
    rows = np.arange(clips)
    samples = round(clip_s * recipe.network.frontend.sample_rate_hz)
    noise = np.random.default_rng(0).integers(-1000, 1000, (clips, samples), dtype=np.int16)
    return Examples(noise, rows, rows % CLASSES)


class TrainingStep:
    """A step of `training.fit`, of base and head, cut into phases that are timed one by one."""

    def __init__(self, recipe: Recipe, precision: str, sizes: Sizes, folder: Path) -> None:
        self.recipe, self.precision = recipe, precision
        self.batch = min(recipe.training.batch, sizes.batch)
        self.network = new_network(recipe.network, CLASSES, seed=0).train()
        self.average = copy.deepcopy(self.network)
        self.optimiser = optimiser_for(self.network, recipe.training)
        examples = noise_examples(recipe, STEPS * self.batch, sizes.clip_s)
        self.sounds = Sounds(self.network, examples, CPU, folder / "powers.npy")
        self.steps = 0
        for _ in range(3):
            self.run()

    def views(self) -> None:
        """Draw the step's views."""
        generator = generator_for(0, self.steps)
        rows = torch.randperm(len(self.sounds), generator=generator)[: self.batch].numpy()
        with autocast(CPU, self.precision):
            self.power, self.wanted = self.sounds.views(
                self.network,
                rows,
                classes=CLASSES,
                mixing=self.recipe.augment.mixing,
                config=self.recipe.augment,
                generator=generator,
            )

    def forward(self) -> None:
        """From views to the loss."""
        seed = seed_for(0, self.steps, DROPOUT)
        with autocast(CPU, self.precision), seeded(seed, CPU):
            logits, _ = self.network.classify(self.power)
        self.loss = F.cross_entropy(logits, self.wanted)

    def backward(self) -> None:
        """From the loss to gradients."""
        self.optimiser.zero_grad()
        self.loss.backward()

    def update(self) -> None:
        """Clip the gradients, move the weights and their average."""
        norm = self.recipe.training.gradient_norm
        nn.utils.clip_grad_norm_(self.network.parameters(), norm)
        self.optimiser.step()
        average_into(self.average, self.network, 0.01)
        self.loss.item()
        self.steps += 1

    def run(self) -> dict[str, float]:
        """Seconds of each phase."""
        return {name: seconds(getattr(self, name)) for name in PHASES}


def count_flop(run: Callable[[], object]) -> int:
    """Floating-point operations of the products and convolutions in a run: two a multiply-add."""
    with FlopCounterMode(display=False) as counter:
        run()
    return int(counter.get_total_flops())


def product_of(size: int, precision: str) -> Callable[[], Tensor]:
    """A product of two square matrices."""
    kind = torch.bfloat16 if precision == "bf16" else torch.float32
    left, right = (torch.randn(size, size).to(kind) for _ in range(2))
    return partial(torch.mm, left, right, out=torch.empty(size, size, dtype=kind))


def fastest_product(precision: str, sizes: Sizes) -> tuple[int, Callable[[], Tensor]]:
    """The size at which square matrices are multiplied at the highest rate, and that product."""
    products = {str(size): product_of(size, precision) for size in sizes.products}
    taken = in_turns(products, 3, sizes.least_s)
    best = min(products, key=lambda size: min(taken[size]) / int(size) ** 3)
    return int(best), products[best]


def kind_of(operation: str) -> str:
    """The kind of an operation that the profiler names."""
    name = operation.removeprefix("aten::").removeprefix("_foreach_")
    name = name.removesuffix("_backward").removesuffix("_")
    return next((kind for kind, names in KINDS.items() if name in names.split()), OTHER)


def shares_by_kind(run: Callable[[], object], repeats: int) -> dict[str, float]:
    """Share of a run's time by kind of operation, as the profiler sees it."""
    with profile(activities=[ProfilerActivity.CPU]) as found, record_function(WHOLE):
        for _ in range(repeats):
            run()
    times = dict.fromkeys([*KINDS, OTHER], 0.0)
    for event in found.key_averages():
        times[kind_of(event.key)] += event.self_cpu_time_total
    return {kind: time_us / sum(times.values()) for kind, time_us in times.items()}


def step_row(name: str, precision: str, sizes: Sizes) -> Figures:
    """Where the time of a recipe's step goes, and how far it is from a matrix product."""
    with tempfile.TemporaryDirectory() as folder:
        step = TrainingStep(read_recipe(name), precision, sizes, Path(folder))
        size, product = fastest_product(precision, sizes)
        times = math.ceil(sizes.least_s / seconds(product))
        step.views()
        flop = count_flop(lambda: (step.forward(), step.backward()))
        taken, products = [], []
        for _ in range(sizes.repeats):
            products.append(seconds(product, times))
            step.run()  # as in training, a step finds in the caches what a step left there
            taken.append(step.run())
        kinds = shares_by_kind(step.run, min(5, sizes.repeats))
    phases = {phase: in_ms(run[phase] for run in taken) for phase in PHASES}
    whole = sum(figures["median"] for figures in phases.values())
    rates = [flop / (run["forward"] + run["backward"]) / 1e9 for run in taken]
    best = [2 * size**3 / time_s / 1e9 for time_s in products]
    return {
        "recipe": name,
        "precision": precision,
        "batch": step.batch,
        "step_ms": in_ms(sum(run.values()) for run in taken),
        "phases_ms": phases,
        "phases_share": {phase: found["median"] / whole for phase, found in phases.items()},
        "gflop": flop / 1e9,
        "gflop_s": spread(rates),
        "product_size": size,
        "product_gflop_s": spread(best),
        "of_product": ratio(rates, best),
        "kinds_share": kinds,
    }


def measure_step(sizes: Sizes) -> Figures:
    rows = [step_row(name, kind, sizes) for name in RECIPES for kind in PRECISIONS]
    return {"clip_s": sizes.clip_s, "rows": rows}


def plain(layers: nn.Sequential) -> nn.Sequential:
    """A convolution and what follows as layers of one dimension, on the same weights."""
    ours, norm, *rest = layers
    convolution = nn.Conv1d(
        ours.in_channels, ours.out_channels, ours.kernel_size, ours.stride, ours.padding, bias=False
    )
    convolution.weight = ours.weight
    flat = nn.BatchNorm1d(norm.num_features)
    flat.weight, flat.bias = norm.weight, norm.bias
    return nn.Sequential(convolution, flat, *rest)


class MomentByMoment(nn.Module):
    """The base as one would write it first: moments, or bands, are a batch of 1-D signals.

    Its features of a moment stand channel by channel, the base's band by band; the weights of the
    layer that reads them are put in that order once.
    """

    def __init__(self, base: Base) -> None:
        super().__init__()
        self.frames_per_step = base.along_frequency.frames_per_step
        layers = base.along_frequency.layers
        self.along_frequency = nn.Sequential(*map(plain, layers))
        self.along_bands = [isinstance(layer[0], AlongRows) for layer in layers]
        self.into_width = plain(base.into_width)
        channels = layers[-1][0].out_channels
        weight = base.into_width[0].weight.detach().unflatten(1, (-1, channels))
        self.into_width[0].weight = nn.Parameter(weight.transpose(1, 2).flatten(1, 2))
        self.along_time = nn.Sequential()
        for layer in base.along_time:
            if isinstance(layer, ResidualBlock):
                block = copy.deepcopy(layer)
                block.first, block.second = plain(layer.first), plain(layer.second)
                if isinstance(layer.shortcut, nn.Sequential):
                    block.shortcut = plain(layer.shortcut)
                self.along_time.append(block)
            else:
                self.along_time.append(nn.MaxPool1d(2, ceil_mode=True))

    def forward(self, spectrum: Tensor) -> Tensor:
        """Shapes: (batch, bands, frames) -> (batch, width, steps)."""
        batch, bands, frames = spectrum.shape
        steps = frames // self.frames_per_step
        moments = spectrum[:, :, : steps * self.frames_per_step].mT  # (batch, frames, bands)
        signals = moments.reshape(batch * steps, self.frames_per_step, bands)
        for layer, along_bands in zip(self.along_frequency, self.along_bands, strict=True):
            if along_bands:
                signals = turned(layer(turned(signals, batch)), batch)
            else:
                signals = layer(signals)
        features = signals.reshape(batch, steps, -1).mT
        features = torch.relu(self.into_width(features))  # (batch, width, steps)
        return self.along_time(features)


def turned(signals: Tensor, batch: int) -> Tensor:
    """(batch * steps, channels, bands) -> (batch * bands, channels, steps), and back."""
    return signals.unflatten(0, (batch, -1)).permute(0, 3, 2, 1).flatten(0, 1)


def output_of(module: nn.Module, given: Tensor, precision: str) -> Tensor:
    """What a module makes of its input; attention weights beside it are left there."""
    with autocast(CPU, precision):
        made = module(given)
    return made[0] if isinstance(made, tuple) else made


def there_and_back(module: nn.Module, given: Tensor, push: Tensor, precision: str) -> None:
    """Forward and backward through a module."""
    module.zero_grad()
    given.grad = None
    made = output_of(module, given, precision)
    made.backward(push.to(made.dtype))


def measure_layout(sizes: Sizes) -> Figures:
    network = new_network(read_recipe("cnn").network, CLASSES, seed=0)
    samples = round(sizes.clip_s * network.config.frontend.sample_rate_hz)
    with torch.no_grad():
        power = network.frontend.power(torch.randn(sizes.batch, samples))
        spectrum = network.frontend(power.mT.contiguous().mT)  # as a view is laid out
    ours, theirs = network.base, MomentByMoment(network.base)
    features = ours(spectrum).detach()
    torch.testing.assert_close(theirs(spectrum), features, rtol=1e-3, atol=1e-3)
    push = torch.randn_like(features)
    rows = []
    for precision in PRECISIONS:
        taken = in_turns(
            {
                "ours": partial(there_and_back, ours, spectrum, push, precision),
                "theirs": partial(there_and_back, theirs, spectrum, push, precision),
            },
            sizes.repeats,
            sizes.least_s,
        )
        rows.append({"precision": precision} | compared(taken))
    return {"batch": sizes.batch, "clip_s": sizes.clip_s, "rows": rows}


def compared(taken: Mapping[str, Sequence[float]]) -> Figures:
    """Ours and theirs in milliseconds, and their ratio."""
    return {
        "ours_ms": in_ms(taken["ours"]),
        "theirs_ms": in_ms(taken["theirs"]),
        "ratio": ratio(taken["ours"], taken["theirs"]),
    }


def torch_layer(block: EncoderBlock, width: int, heads: int) -> nn.TransformerEncoderLayer:
    """The layer of torch's that does what our block does without dropout, on the same weights."""
    narrow, _, wide = block.perceptron
    layer = nn.TransformerEncoderLayer(
        width,
        heads,
        narrow.out_features,
        dropout=0,
        layer_norm_eps=block.before_attention.eps,
        activation="gelu",
        batch_first=True,
        norm_first=True,
    )
    attention = block.attention
    layer.self_attn.in_proj_weight = attention.query_key_value.weight
    layer.self_attn.in_proj_bias = attention.query_key_value.bias
    layer.self_attn.out_proj = attention.out
    layer.linear1, layer.linear2 = narrow, wide
    layer.norm1, layer.norm2 = block.before_attention, block.before_perceptron
    return layer


def encoder_row(tokens: int, heads: int, precision: str, sizes: Sizes) -> Figures:
    """Our block against torch's layer, on as many tokens and with as many heads."""
    config = read_recipe("transformer-h4").network
    width = config.base.width
    ours = EncoderBlock(replace(config.encoder, heads=heads, dropout=0), width)
    theirs = torch_layer(ours, width, heads)
    given = torch.randn(sizes.batch, tokens, width, requires_grad=True)
    made = output_of(ours, given, "float32").detach()
    torch.testing.assert_close(output_of(theirs, given, "float32"), made, rtol=0, atol=1e-4)
    push = torch.randn_like(made)
    both = {"ours": ours, "theirs": theirs}
    there = {name: partial(output_of, part, given, precision) for name, part in both.items()}
    back = {
        name: partial(there_and_back, part, given, push, precision) for name, part in both.items()
    }
    return {
        "tokens": tokens,
        "heads": heads,
        "precision": precision,
        "forward": compared(in_turns(there, sizes.repeats, sizes.least_s)),
        "forward_backward": compared(in_turns(back, sizes.repeats, sizes.least_s)),
    }


def measure_encoder(sizes: Sizes) -> Figures:
    rows = [
        encoder_row(tokens, heads, precision, sizes)
        for precision in PRECISIONS
        for tokens in sizes.tokens
        for heads in sizes.heads
    ]
    return {"batch": sizes.batch, "rows": rows}
