"""How fast the project is: `docs/speed.json` holds the figures, `docs/speed.md` shows them.

    python -m benchmarks                        every section, on a machine that does nothing else
    python -m benchmarks --only encoder start   some sections; the others keep their figures
    python -m benchmarks --page                 the page anew, from the figures that are there
    python -m benchmarks --quick --out FOLDER   tiny sizes, to see that it runs

What is compared is timed in turns, within one run: whatever slows the machine slows both. A ratio
is worked out turn by turn; its median stands with the least and the greatest. Each section runs
in a process of its own, on one thread unless it says otherwise.
"""

import argparse
import copy
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import distributed
import joblib
import numpy as np
import psutil
import soundfile as sf
import torch
from jinja2 import Environment, StrictUndefined
from rich.console import Console
from torch import Tensor, nn
from torch.nn import functional as F
from torch.profiler import ProfilerActivity, profile, record_function
from torch.utils.flop_counter import FlopCounterMode

from auricle.data.audio import load_wave
from auricle.data.clips import Clip, ClipTable
from auricle.data.store import open_store
from auricle.data.synth import make_clip, make_synth
from auricle.files import replace_text
from auricle.network.attention import EncoderBlock
from auricle.network.base import AlongRows, Base, ResidualBlock
from auricle.ship.bundle import (
    FORMAT,
    WEIGHTS,
    Facts,
    Learnt,
    hashes,
    weights_file,
    write_bundle,
)
from auricle.study.engine import LOCAL, Engine, run_jobs
from auricle.study.environment import describe_environment
from auricle.study.estimate import costs_of
from auricle.study.recipe import Recipe, plan_from, read_recipe
from auricle.study.run import Setting, plan_jobs, prepare
from auricle.training.fit import (
    DROPOUT,
    autocast,
    average_into,
    choose_precision,
    fit,
    generator_for,
    new_network,
    optimiser_for,
    seed_for,
    seeded,
)
from auricle.training.sounds import Examples, Sounds

ROOT = Path(__file__).parents[1]
CPU = torch.device("cpu")
CLASSES = 10
STEPS = 5  # that clips of noise are enough for
LOOK_S = 0.05  # between two looks at the memory of a fit
RECIPES = ("cnn", "transformer-h4")
PRECISIONS = ("float32", "bf16")
PHASES = ("views", "forward", "backward", "update")

Figures = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """How much is measured."""

    repeats: int = 21
    least_s: float = 0.02  # of one timing: what is shorter is done several times
    batch: int = 32
    clip_s: float = 5.0
    products: tuple[int, ...] = (512, 768, 1024, 1536, 2048)
    tokens: tuple[int, ...] = (33, 126)
    heads: tuple[int, ...] = (1, 2, 4)
    clips: tuple[int, ...] = (400, 4_000, 20_000)
    epochs: tuple[int, ...] = (8, 2, 2)  # of the fits on so many clips
    study_clips: int = 200
    study_epochs: int = 12
    turns: int = 2
    recordings_s: tuple[float, ...] = (600.0, 3_600.0)
    visitors: int = 50
    crowds: int = 7
    recipes: tuple[str, ...] = RECIPES


FULL = Sizes()
QUICK = Sizes(
    repeats=3, least_s=0.001, batch=4, clip_s=1.0, products=(64, 128), tokens=(5,), heads=(2,),
    clips=(50, 100, 200), epochs=(2, 2, 2), study_clips=50, study_epochs=1, turns=1,
    recordings_s=(10.0, 30.0), visitors=4, crowds=2,
)  # fmt: skip


@dataclass(frozen=True)
class Bar:
    """What a figure must reach, or aims at."""

    kind: str
    least: float | None = None
    most: float | None = None
    scale: float = 1
    unit: str = ""

    def met(self, value: float) -> bool:
        """Whether a figure is within the bar, its ends included."""
        above = self.least is None or value >= self.least
        return above and (self.most is None or value <= self.most)

    def judge(self, value: float) -> str:
        """`must be at most 1: met`."""
        limits = {"at least": self.least, "at most": self.most}
        said = " and ".join(
            f"{word} {limit * self.scale:g}{self.unit}"
            for word, limit in limits.items()
            if limit is not None
        )
        return f"{self.kind} be {said}: {'met' if self.met(value) else '**not met**'}"


BARS = {
    "views": Bar("must", most=0.1, scale=100, unit="%"),
    "encoder": Bar("must", most=1.0),
    "anonymous_gb": Bar("must", most=1.5, unit=" GB"),
    "flatness": Bar("must", least=0.85, most=1.15),
    "workers": Bar("must", least=1.7),
    "realtime": Bar("must", least=200.0, unit=" x"),
    "mission": Bar("must", most=30.0, unit=" minutes"),
}


# Timing


def spread(values: Iterable[float]) -> Figures:
    """The median of some figures, the least and the greatest, and how many they are."""
    found = list(values)
    return {"median": median(found), "low": min(found), "high": max(found), "count": len(found)}


def in_ms(times_s: Iterable[float]) -> Figures:
    """Spread of times in milliseconds."""
    return spread(1000 * time_s for time_s in times_s)


def ratio(times: Sequence[float], others: Sequence[float]) -> Figures:
    """Spread of the ratio of two that were timed in turns."""
    return spread(time_s / other_s for time_s, other_s in zip(times, others, strict=True))


def seconds(run: Callable[[], object], times: int = 1) -> float:
    """Seconds that one run takes."""
    started = time.perf_counter()
    for _ in range(times):
        run()
    return (time.perf_counter() - started) / times


def in_turns(
    runs: Mapping[str, Callable[[], object]], repeats: int, least_s: float = 0.0
) -> dict[str, list[float]]:
    """Seconds of each run, one after the other and again; who is first changes every time."""
    times = {}
    for name, run in runs.items():
        run()  # what is made once is made here
        times[name] = max(1, math.ceil(least_s / seconds(run)))
    taken: dict[str, list[float]] = {name: [] for name in runs}
    for repeat in range(repeats):
        for name in list(runs)[:: -1 if repeat % 2 else 1]:
            taken[name].append(seconds(runs[name], times[name]))
    return taken


# Processes of their own


def start(function: str, *arguments: Any) -> subprocess.Popen[str]:
    """Run a function of this module in a process of its own; its result is the last line."""
    code = (
        "import json, sys; from benchmarks import speed; name, arguments = json.loads(sys.argv[1]);"
        "print(json.dumps(getattr(speed, name)(*arguments)))"
    )
    return subprocess.Popen(
        [sys.executable, "-c", code, json.dumps([function, arguments])],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def result(process: subprocess.Popen[str]) -> Any:
    """What a process gives back once it has ended."""
    text, _ = process.communicate()
    if process.returncode:
        raise SystemExit(f"a measuring process ended with exit code {process.returncode}")
    return json.loads(text.splitlines()[-1])


def anonymous_bytes(pid: int) -> int:
    """Memory of a process that is its own, in memory or swapped out: no mapped file counts."""
    text = Path(f"/proc/{pid}/status").read_text()
    facts = dict(line.split(":", 1) for line in text.splitlines())  # without these once it ends
    return sum(
        1024 * int(facts[name].split()[0]) for name in ("RssAnon", "VmSwap") if name in facts
    )


# A training step


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


# The base, as sheets and moment by moment


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


# The encoder block and torch's


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


# From 400 clips to 20,000


def copied(table: ClipTable, clips: int, folder: Path) -> ClipTable:
    """So many clips: the files of a table over and over, under new names."""
    folder.mkdir()
    found = []
    for number in range(clips):
        clip = table.clips[number % len(table.clips)]
        file = f"{number:06d}{table.path(clip).suffix}"
        shutil.copyfile(table.path(clip), folder / file)
        found.append(Clip(file, clip.category, clip.fold, clip.recording))
    return ClipTable("copies", folder, tuple(found))


def repeated(file: Path, clips: int, longer: Path) -> None:
    """A store of so many rows: those of another one over and over."""
    waves = np.load(file, mmap_mode="r")
    with longer.open("wb") as stream:
        header = {"descr": "<i2", "fortran_order": False, "shape": (clips, waves.shape[1])}
        np.lib.format.write_array_header_1_0(stream, header)
        for begin in range(0, clips, len(waves)):
            stream.write(waves[: clips - begin].data)


def fit_on(file: str, clips: int, epochs: int) -> Figures:
    """Seconds of a fit's epochs after the first, and of what stands beside them."""
    torch.set_num_threads(1)
    recipe = read_recipe("cnn")
    rows = np.arange(clips)
    ends = []
    with tempfile.TemporaryDirectory(dir=Path(file).parent) as folder:
        started = time.perf_counter()
        found = fit(
            new_network(recipe.network, CLASSES, seed=0),
            Examples(np.load(file, mmap_mode="r"), rows, rows % CLASSES),
            None,
            classes=CLASSES,
            config=replace(recipe.training, epochs=epochs, views=1),
            augment=recipe.augment,
            seed=0,
            folder=Path(folder),
            device=CPU,
            each_epoch=lambda row: ends.append(time.perf_counter()),
        )
        whole_s = time.perf_counter() - started
    return {"epochs_s": np.diff(ends).tolist(), "beside_s": whole_s - found.seconds}


def most_anonymous_bytes(process: subprocess.Popen[str]) -> int:
    """The most anonymous memory that a process has until it ends."""
    most = 0
    while process.poll() is None:
        most = max(most, anonymous_bytes(process.pid))
        time.sleep(LOOK_S)
    return most


def watched_fit(file: Path, clips: int, epochs: int) -> Figures:
    """A fit in a process of its own, and the most anonymous memory that it had."""
    process = start("fit_on", str(file), clips, epochs)
    most = most_anonymous_bytes(process)
    return result(process) | {"anonymous_bytes": most}


def measure_scale(sizes: Sizes) -> Figures:
    if sys.platform != "linux":
        raise SystemExit("scale reads memory from /proc: measure it on Linux, or name others")
    few, more, most = sizes.clips
    rate_hz = read_recipe("cnn").network.frontend.sample_rate_hz
    needed = most * sizes.clip_s * rate_hz * 2 * 1.5  # 16 bits a sample, powers and files beside
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if shutil.disk_usage(folder).free < needed:
            raise SystemExit(f"{folder}: {needed / 1e9:.0f} GB are needed; name another in TMPDIR")
        started = time.perf_counter()
        table = make_synth(folder / "synth", clips=few, seconds=sizes.clip_s)
        making_s = (time.perf_counter() - started) / few
        decoding_s, stores = {}, {}
        for clips, files in ((few, table), (more, copied(table, more, folder / "copies"))):
            started = time.perf_counter()
            store = open_store(
                files, sample_rate_hz=rate_hz, seconds=sizes.clip_s, cache=folder / str(clips)
            )
            decoding_s[clips] = (time.perf_counter() - started) / clips
            stores[clips] = Path(store.waves.filename)
            del store
        stores[most] = folder / "waves.npy"
        repeated(stores[more], most, stores[most])
        fits: dict[int, list[Figures]] = {clips: [] for clips in sizes.clips}
        for clips in (*sizes.clips, few):  # once more: a machine that slows down shows
            epochs = sizes.epochs[sizes.clips.index(clips)]
            os.sync()  # no fit waits for what was written before it
            fits[clips].append(watched_fit(stores[clips], clips, epochs))
    epochs_s = {
        clips: [epoch / clips for found in fits[clips] for epoch in found["epochs_s"]]
        for clips in sizes.clips
    }
    rows = [
        {
            "clips": clips,
            "decoding_ms": 1000 * decoding_s[clips] if clips in decoding_s else None,
            "beside_ms": 1000 * median(found["beside_s"] for found in fits[clips]) / clips,
            "epoch_ms": in_ms(epochs_s[clips]),
            "anonymous_gb": max(found["anonymous_bytes"] for found in fits[clips]) / 1e9,
        }
        for clips in sizes.clips
    ]
    return {
        "making_ms": 1000 * making_s,
        "once": "powers and textures",
        "precision": choose_precision("auto", CPU),
        "flatness": median(epochs_s[most]) / median(epochs_s[few]),
        "rows": rows,
    }


# Two workers


@contextmanager
def dask_cluster(workers: int) -> Iterator[str]:
    """A scheduler and its workers, each a process of this machine; the scheduler's address."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as ends:
        file = Path(folder) / "scheduler.json"

        def begin(program: str, *arguments: object) -> None:
            call = [sys.executable, "-m", f"distributed.cli.{program}", "--scheduler-file", file]
            call += ["--no-dashboard", *arguments]
            process = subprocess.Popen(
                list(map(str, call)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            ends.callback(process.wait)
            ends.callback(process.kill)

        begin("dask_scheduler", "--host", "127.0.0.1", "--port", 0)
        while not (file.exists() and file.read_text()):
            time.sleep(0.05)
        for _ in range(workers):
            begin("dask_worker", "--nthreads", 1, "--no-nanny", "--local-directory", folder)
        address = str(json.loads(file.read_text())["address"])
        with distributed.Client(address) as client:
            client.wait_for_workers(workers)
        yield address


def time_fits(engine: str, workers: int, threads: int | None, sizes: Figures) -> Figures:
    """Seconds of the fits of a study; as many threads a fit as a study takes, if not told."""
    console = Console(quiet=True)
    plan = plan_from(
        {
            "name": "speed",
            "data": f"synth-{sizes['study_clips']}",
            "clip_s": sizes["clip_s"],
            "strategies": ["kfold"],
            "configurations": ["cnn"],
        },
        {"training": {"epochs": sizes["study_epochs"]}},
        "benchmarks",
    )
    with tempfile.TemporaryDirectory() as folder, ExitStack() as ends:
        setting = Setting(run=Path(folder), device="cpu", workers=workers, wandb="disabled")
        jobs = plan_jobs(plan, setting, prepare(plan, setting, console))
        jobs = [replace(job, threads=threads or job.threads) for job in jobs]
        warm = joblib.delayed(costs_of)(jobs[0].recipe, CLASSES, 1.0, CPU)
        if engine == "dask":
            whom = Engine("dask", ends.enter_context(dask_cluster(workers)))
            with distributed.Client(whom.address), joblib.parallel_config("dask"):
                joblib.Parallel(n_jobs=workers, batch_size=1)([warm] * workers)
        else:
            whom = LOCAL
            joblib.Parallel(n_jobs=workers, backend="loky")([warm] * workers)
        wall_s = seconds(lambda: run_jobs(jobs, workers, console, engine=whom))
    return {"wall_s": wall_s, "fits": len(jobs), "threads": jobs[0].threads}


def measure_workers(sizes: Sizes) -> Figures:
    ways = {
        "one": ("loky", 1, 1),
        "as_given": ("loky", 1, None),
        "two": ("loky", 2, 1),
        "cluster": ("dask", 2, 1),
    }
    told = {name: getattr(sizes, name) for name in ("study_clips", "study_epochs", "clip_s")}
    found: dict[str, list[Figures]] = {name: [] for name in ways}
    with tempfile.TemporaryDirectory() as cache:
        os.environ["AURICLE_CACHE"] = cache
        for _ in range(sizes.turns):
            for name, way in ways.items():
                found[name].append(result(start("time_fits", *way, told)))
    walls = {name: [run["wall_s"] for run in runs] for name, runs in found.items()}
    rows = [
        {
            "engine": ways[name][0],
            "workers": ways[name][1],
            "threads": found[name][0]["threads"],
            "wall_s": spread(walls[name]),
            "ratio": ratio(walls[name], walls["two"]),
        }
        for name in ways
    ]
    return told | {
        "fits": found["one"][0]["fits"],
        "precision": choose_precision("auto", CPU),
        "rows": rows,
    }


# Starting, decoding, predicting


def measure_start(sizes: Sizes) -> Figures:
    commands = {
        "`auricle --help`": "from auricle.cli import app; app(['--help'])",
        "`python -c 'import auricle.training.fit'`": "import auricle.training.fit",
    }

    def run(code: str) -> None:
        asked = [sys.executable, "-c", code]
        subprocess.run(asked, stdout=subprocess.DEVNULL, check=True)

    taken = in_turns({name: partial(run, code) for name, code in commands.items()}, sizes.repeats)
    rate_hz = 44_100
    wave = make_clip(0, 0, 0, np.arange(round(sizes.clip_s * rate_hz)) / rate_hz, 0)
    recipes = {name: read_recipe(name).network for name in RECIPES}
    to_hz = recipes["cnn"].frontend.sample_rate_hz
    heard = torch.randn(1, round(sizes.clip_s * to_hz))
    networks = {name: new_network(config, CLASSES, 0).eval() for name, config in recipes.items()}
    with tempfile.TemporaryDirectory() as folder, torch.no_grad():
        file = Path(folder) / "clip.ogg"
        sf.write(file, wave, rate_hz)
        taken |= in_turns(
            {f"decoding and resampling, {rate_hz:,} Hz Ogg": lambda: load_wave(file, to_hz)}
            | {
                f"one prediction, {name}": lambda name=name: networks[name](heard)[0].softmax(1)
                for name in RECIPES
            }
            | {"of each, describing the texture": lambda: networks["cnn"].describe(heard)},
            sizes.repeats,
            sizes.least_s,
        )
    rows = [{"what": name, "ms": in_ms(times)} for name, times in taken.items()]
    return {"clip_s": sizes.clip_s, "rows": rows}


# Long recordings


def make_recording(file: Path, seconds: float, clip_s: float) -> None:
    """Made sounds one after the other, in a FLAC file: so long, and silence nowhere."""
    rate_hz = 44_100
    time_s = np.arange(round(clip_s * rate_hz)) / rate_hz
    some = np.concatenate([make_clip(kind, 0, 0, time_s, 0) for kind in range(CLASSES)])
    with sf.SoundFile(file, "w", rate_hz, 1) as sound:
        left = round(seconds * rate_hz)
        while left > 0:
            sound.write(some[:left])
            left -= len(some)


def untrained_bundle(recipe: Recipe, folder: Path, clip_s: float) -> None:
    """A bundle as `auricle export` makes one: what was learnt changes no time."""
    categories = tuple(f"sound {number}" for number in range(CLASSES))
    weights = {WEIGHTS: weights_file(new_network(recipe.network, CLASSES, seed=0))}
    learnt = Learnt(
        data="none", clips=0, folds=(), configuration=recipe.name, strategy="refit", seed=0,
        epochs=0, heard=(), sealed=(),
    )  # fmt: skip
    facts = Facts(
        format=FORMAT, name="untrained", categories=categories, network=recipe.network,
        clip_s=clip_s, temperature=None, unknown_below=None, learnt=learnt, scores=(),
        versions={}, sha256=hashes(weights),
    )  # fmt: skip
    write_bundle(folder, facts, weights)


def measure_listening(sizes: Sizes) -> Figures:
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for seconds in sizes.recordings_s:
            make_recording(folder / f"{seconds:g}.flac", seconds, sizes.clip_s)
        for recipe in map(read_recipe, sizes.recipes):
            untrained_bundle(recipe, folder / recipe.name, sizes.clip_s)
            for seconds in sizes.recordings_s:
                asked = [f"{seconds:g}.flac", "--model", recipe.name, "--format", "csv"]
                code = "from auricle.cli import main; main()"
                with (folder / "events.csv").open("w") as events:
                    started = time.perf_counter()
                    process = subprocess.Popen(
                        [sys.executable, "-c", code, "predict", *asked],
                        cwd=folder,
                        stdout=events,
                        text=True,
                    )
                    most = most_anonymous_bytes(process)
                    took_s = time.perf_counter() - started
                if process.returncode:
                    raise SystemExit(f"auricle predict ended with {process.returncode}")
                told = (folder / "events.csv").read_text("utf-8").splitlines()
                rows.append(
                    {
                        "recipe": recipe.name,
                        "recording_s": seconds,
                        "took_s": took_s,
                        "realtime": seconds / took_s,
                        "anonymous_gb": most / 1e9,
                        "events": len(told) - 1,
                    }
                )
    return {"rows": rows}


# Visitors of the demo


def measure_demo(sizes: Sizes) -> Figures:
    from benchmarks.demo import visited  # what it loads would count as memory of a fit

    rows = []
    for recipe in map(read_recipe, sizes.recipes):
        with tempfile.TemporaryDirectory() as folder:
            bundle = Path(folder) / recipe.name
            untrained_bundle(recipe, bundle, sizes.clip_s)
            crowds = visited(bundle, sizes.visitors, sizes.crowds)
        answered = min(found["answered"] for found in crowds)
        if answered < sizes.visitors:
            raise SystemExit(f"of {sizes.visitors} uploads at once {answered} were answered")
        waits = ("median_ms", "percentile_95_ms")
        rows.append(
            {"recipe": recipe.name}
            | {wait: spread(found[wait] for found in crowds) for wait in waits}
        )
    return {"clip_s": sizes.clip_s, "visitors": sizes.visitors, "rows": rows}


# The fits of a study

FIRST_SEED = "seed-0"


def read_mission(run: Path) -> Figures:
    """What the fits of a study's first seed took, from its folder, and how well they did.

    Fits under `esc5` are left out: they are no part of the mission's twenty.
    """
    environment = json.loads((run / "environment.json").read_text("utf-8"))
    fits: dict[str, list[Figures]] = {}
    for told in sorted(run.glob(f"*/*/*/{FIRST_SEED}/fit.json")):
        if told.parents[2].name in ("kfold", "refit"):
            fits.setdefault(told.parents[3].name, []).append(json.loads(told.read_text("utf-8")))
    scores = json.loads((run / "scores.json").read_text("utf-8"))
    pooled = {
        each["name"]: next(
            row["accuracy"]["value"]
            for row in each["scores"]
            if (row["strategy"], row["member"], row["seed"]) == ("kfold", "pooled", "0")
        )
        for each in scores["configurations"]
    }
    minutes = {name: [fit["train_seconds"] / 60 for fit in own] for name, own in fits.items()}
    workers = environment["workers"]
    return {
        "commit": environment["commit"],
        "quick": False,
        "workers": workers,
        "fits": sum(map(len, fits.values())),
        "minutes": sum(map(sum, minutes.values())) / workers,
        "rows": [
            {
                "configuration": name,
                "fits": len(own),
                "minutes": spread(own),
                "accuracy": pooled[name],
            }
            for name, own in minutes.items()
        ],
    }


# All of it

SECTIONS: dict[str, Callable[[Sizes], Figures]] = {
    "step": measure_step,
    "layout": measure_layout,
    "encoder": measure_encoder,
    "scale": measure_scale,
    "workers": measure_workers,
    "start": measure_start,
    "listening": measure_listening,
    "demo": measure_demo,
}


def section(name: str, quick: bool) -> Figures:
    """The figures of a section, on one thread."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    return SECTIONS[name](QUICK if quick else FULL)


def measure(name: str, quick: bool, before: Figures) -> Figures:
    """Measure a section; of those measured before, on this very machine, keep the others."""
    machine = describe_environment()
    del machine["packages"]
    commit = machine.pop("commit")
    found = before["sections"] if before.get("machine") == machine else {}
    busy = psutil.cpu_percent(interval=2) / 100
    print(f"{name} ...", end=" ", file=sys.stderr, flush=True)
    started = time.perf_counter()
    figures = result(start("section", name, quick))
    took_s = time.perf_counter() - started
    print(f"{took_s:.0f} s", file=sys.stderr)
    about = {"commit": commit, "quick": quick, "busy_before": busy, "took_s": took_s}
    found = rounded(found | {name: about | figures})
    return {
        "machine": machine,
        "sections": in_order(found),
    }


def in_order(sections: Figures) -> Figures:
    """Sections as the page has them."""
    return {name: sections[name] for name in (*SECTIONS, "mission") if name in sections}


def rounded(figures: Any) -> Any:
    """Four digits of every figure: more would be noise."""
    if isinstance(figures, dict):
        return {name: rounded(value) for name, value in figures.items()}
    if isinstance(figures, list | tuple):
        return [rounded(value) for value in figures]
    return float(f"{figures:.4g}") if isinstance(figures, float) else figures


# The page

TEMPLATE = """\
{% macro runs(found) %}median of {{ found.count }}, with the least and the greatest{% endmacro -%}
# How fast it is

Made by `python -m benchmarks` from [speed.json](speed.json).

{{ machine.processor }}, {{ machine.cores }} cores, {{ machine.memory_gib }} GiB of memory,
{{ machine.platform }}; Python {{ machine.python }}, torch {{ machine.torch }}, \
auricle {{ machine.auricle }} at {{ commits }}.
{% if quick -%}
**Tiny sizes, to see that it runs: these figures say nothing.**
{% endif -%}
{% if busy < 0.05 -%}
Nothing else ran{{ ", but beside the mission's fits" if "mission" in sections }}: before each \
section,
all processes together took {{ share(busy) }} of the processors or less.
{%- else -%}
**Other processes took up to {{ share(busy) }} of the processors before a section began: read the
figures as rough.**
{%- endif %}
Times are medians, with the least and the greatest in brackets. What is compared was timed in turns
within one run, and a ratio worked out for each turn. One thread, unless a section says otherwise.
{% if "step" in sections %}{% set found = sections.step %}
## Where a training step goes

A step of each recipe on {{ found.rows[0].batch }} clips of noise of {{ found.clip_s }} s, as \
`training.fit` does
it, after another such step: drawing views (reading powers from their file, augmentation), forward,
backward, update (clipping, AdamW, averaging). In ms, {{ runs(found.rows[0].step_ms) }}, and as a \
share of the step.

| recipe | precision | step | views | forward | backward | update | views' share |
| --- | --- | --- | --- | --- | --- | --- | --- |
{% for row in found.rows -%}
| {{ row.recipe }} | {{ row.precision }} | {{ cell(row.step_ms) }} \
{% for phase in phases %}| {{ cell(row.phases_ms[phase]) }}, {{ share(row.phases_share[phase]) }} \
{% endfor %}| {{ judge("views", row.phases_share.views) }} |
{% endfor %}
What forward and backward reach, against the fastest product of two square matrices
({{ found.rows[0].product_size }} rows a side in {{ found.rows[0].precision }}), timed before each \
step. Only products
and convolutions count as work, two operations a multiply-add; the time is that of all operations.

| recipe | precision | GFLOP a step | GFLOP/s | matrix product, GFLOP/s | of it |
| --- | --- | --- | --- | --- | --- |
{% for row in found.rows -%}
| {{ row.recipe }} | {{ row.precision }} | {{ number(row.gflop) }} | {{ cell(row.gflop_s) }} | \
{{ cell(row.product_gflop_s) }}, side {{ row.product_size }} | {{ cell(row.of_product) }} |
{% endfor %}
The same steps under torch's profiler, which makes many small operations look dearer than they are:
share of the time by kind of operation. Reading is that of powers, which NumPy does between them;
the rest is pooling, sums, random numbers and the like.

| recipe | precision | {{ found.rows[0].kinds_share | join(" | ") }} |
| --- | --- |{% for kind in found.rows[0].kinds_share %} --- |{% endfor %}
{% for row in found.rows -%}
| {{ row.recipe }} | {{ row.precision }} | \
{{ row.kinds_share.values() | map("share") | join(" | ") }} |
{% endfor -%}
{% endif %}{% if "layout" in sections %}{% set found = sections.layout %}
## Sheets with their channels last, against moment by moment

The base forward and backward on {{ found.batch }} spectra, as it is and written with `nn.Conv1d` \
and
`nn.BatchNorm1d` on a batch of moments, with the same weights; in float32 both give the same
features within a thousandth. In ms, {{ runs(found.rows[0].ratio) }}.

| precision | ours | moment by moment | ratio |
| --- | --- | --- | --- |
{% for row in found.rows -%}
| {{ row.precision }} | {{ cell(row.ours_ms) }} | {{ cell(row.theirs_ms) }} | \
{{ cell(row.ratio) }} |
{% endfor -%}
{% endif %}{% if "encoder" in sections %}{% set found = sections.encoder %}
## Our encoder block, against torch's

`EncoderBlock`, which gives back its attention weights, against `nn.TransformerEncoderLayer` \
(`norm_first`,
GELU), both without dropout, with the same weights and the same output, on a batch of \
{{ found.batch }} in training mode.
Ours in ms and the ratio to theirs, {{ runs(found.rows[0].forward.ratio) }}. At most \
{{ bars.encoder.most | int }} is reached in
{{ reached }} of {{ 2 * found.rows | length }} ratios.

| precision | tokens | heads | forward, ours | ratio | and backward, ours | ratio | the worse |
| --- | --- | --- | --- | --- | --- | --- | --- |
{% for row in found.rows -%}
| {{ row.precision }} | {{ row.tokens }} | {{ row.heads }} | {{ cell(row.forward.ours_ms) }} | \
{{ cell(row.forward.ratio) }} | {{ cell(row.forward_backward.ours_ms) }} | \
{{ cell(row.forward_backward.ratio) }} | \
{{ judge("encoder", [row.forward.ratio.median, row.forward_backward.ratio.median] | max) }} |
{% endfor -%}
{% endif %}{% if "scale" in sections %}{% set found = sections.scale %}{% set rows = found.rows %}\
{% set once = found.once | default("powers") %}
## More clips

Milliseconds a clip. Decoding: FLAC files at 16 kHz into the store, in as many threads as `auricle`
takes; the {{ count(rows[1].clips) }} files are copies of the {{ count(rows[0].clips) }} that were \
made ({{ number(found.making_ms) }} ms a clip to make), and
the store of {{ count(rows[2].clips) }} repeats the rows of the one before. Fits of the cnn in \
{{ found.precision }}, one view an epoch
and no validation, each in a process of its own. {{ once | capitalize }} are worked out once \
(checkpoints are in that
column too); an epoch is one after the first, with the scoring of its clips. Anonymous memory is the
most that a look every {{ look_ms }} ms found; mapped files do not count, whose pages the \
system may take
back.

| clips | decoding | {{ once }}, once | an epoch | anonymous memory | |
| --- | --- | --- | --- | --- | --- |
{% for row in rows -%}
| {{ count(row.clips) }} | {{ number(row.decoding_ms) if row.decoding_ms else "-" }} | \
{{ number(row.beside_ms) }} | {{ cell(row.epoch_ms) }} | {{ number(row.anonymous_gb) }} GB | \
{{ judge("anonymous_gb", row.anonymous_gb) }} |
{% endfor %}
An epoch's time a clip at {{ count(rows[-1].clips) }} clips is {{ number(found.flatness) }} times \
that at {{ count(rows[0].clips) }}: {{ judge("flatness", found.flatness) }}.
{% endif %}{% if "workers" in sections %}{% set found = sections.workers %}
## Two workers

The {{ found.fits }} fits of the cnn under `kfold` on {{ found.study_clips }} made clips, \
epochs: {{ found.study_epochs }}, {{ found.precision }}, as
`auricle study` runs them, in turns (rounds: {{ found.rows[0].wall_s.count }}). The clock runs \
from the first fit's beginning to
the last one's end: data are prepared and workers started before, nothing is tracked, freed memory
is kept by all. First one worker of one thread; then what `--workers 1` gives, all cores to one fit;
then `--workers 2`; then two workers of a Dask cluster on this machine, which are sent the waves and
send back what a fit leaves.

| engine | workers | threads each | seconds | times that of two workers | |
| --- | --- | --- | --- | --- | --- |
{% for row in found.rows -%}
| {{ row.engine | default("loky") }} | {{ row.workers }} | {{ row.threads }} | \
{{ cell(row.wall_s) }} | {{ cell(row.ratio) }} | \
{{ judge("workers", row.ratio.median) if loop.first else "" }} |
{% endfor -%}
{% endif %}{% if "start" in sections %}{% set found = sections.start %}
## Starting, decoding, predicting

Whole commands; a synthesised clip of {{ found.clip_s }} s from its Ogg file to what a network \
hears; one
wave of that length to probabilities, in float32. In ms, {{ runs(found.rows[0].ms) }}.

| what | median | least | greatest |
| --- | --- | --- | --- |
{% for row in found.rows -%}
| {{ row.what }} | {{ number(row.ms.median) }} | {{ number(row.ms.low) }} | \
{{ number(row.ms.high) }} |
{% endfor -%}
{% endif %}{% if "listening" in sections %}{% set found = sections.listening %}
## Long recordings

`auricle predict` as a whole command, all cores, from the file to its events: made sounds one \
after the
other in a FLAC file at 44.1 kHz, heard by an untrained network in windows that overlap by half. \
Each once.

| recipe | minutes of sound | seconds taken | times real time | | anonymous memory | events |
| --- | --- | --- | --- | --- | --- | --- |
{% for row in found.rows -%}
| {{ row.recipe }} | {{ number(row.recording_s / 60) }} | {{ number(row.took_s) }} | \
{{ number(row.realtime) }} | \
{{ judge("realtime", row.realtime) if row.recording_s >= 3600 else "" }} | \
{{ number(row.anonymous_gb) }} GB | {{ count(row.events) }} |
{% endfor -%}
{% endif %}{% if "demo" in sections %}{% set found = sections.demo %}
## Visitors of the demo

{{ found.visitors }} uploads at once to the server of `auricle demo`, all cores: made sounds of \
{{ found.clip_s }} s in FLAC, heard by an
untrained network; those who ask run in the server's process. Such crowds come one after the \
other. In ms
from asking to the whole answer, {{ runs(found.rows[0].median_ms) }}.

| recipe | half of them wait less than | 95 of 100 wait less than |
| --- | --- | --- |
{% for row in found.rows -%}
| {{ row.recipe }} | {{ cell(row.median_ms) }} | {{ cell(row.percentile_95_ms) }} |
{% endfor -%}
{% endif %}{% if "mission" in sections %}{% set found = sections.mission %}
## The mission's fits

The {{ found.fits }} fits of a study of ESC-10 with one seed, as `auricle study` trained them, \
{{ found.workers }} at a time; what else ran beside them can only have made them slower.
Minutes of one fit beside another one: median, least and greatest;
accuracy is out of fold, one seed.

| configuration | fits | minutes a fit | accuracy |
| --- | --- | --- | --- |
{% for row in found.rows -%}
| {{ row.configuration }} | {{ row.fits }} | {{ cell(row.minutes) }} | {{ share(row.accuracy) }} |
{% endfor %}
All of them, the sum over the workers: {{ number(found.minutes) }} minutes: \
{{ judge("mission", found.minutes) }}.
{% endif %}"""


def number(value: float) -> str:
    """Three digits, as people write them."""
    digits = 0 if value >= 100 else 1 if value >= 10 else 2 if value >= 1 else 3
    return f"{value:,.{digits}f}"


def share(value: float) -> str:
    """`9.6%`."""
    return f"{100 * value:.1f}%"


def cell(found: Figures) -> str:
    """`1.23 (1.20-1.31)`."""
    return f"{number(found['median'])} ({number(found['low'])}-{number(found['high'])})"


def page(results: Figures) -> str:
    """The page, as Markdown."""
    sections = results["sections"]
    encoder = sections.get("encoder", {"rows": []})["rows"]
    ratios = [row[way]["ratio"] for row in encoder for way in ("forward", "forward_backward")]
    environment = Environment(undefined=StrictUndefined, keep_trailing_newline=True)
    environment.filters["share"] = share
    environment.globals |= {
        "number": number,
        "cell": cell,
        "share": share,
        "count": lambda value: f"{value:,}",
        "judge": lambda name, value: BARS[name].judge(value),
    }
    return environment.from_string(TEMPLATE).render(
        results,
        phases=PHASES,
        look_ms=round(1000 * LOOK_S),
        bars=BARS,
        reached=sum(BARS["encoder"].met(found["median"]) for found in ratios),
        commits=", ".join(dict.fromkeys(found["commit"] for found in sections.values())),
        busy=max((found.get("busy_before", 0.0) for found in sections.values()), default=0.0),
        quick=any(found["quick"] for found in sections.values()),
    )


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure how fast the project is, and write speed.json and speed.md.",
        epilog="Run it on a machine that does nothing else. Section scale needs about 10 GB of "
        "disk for a few minutes, where TMPDIR says.",
    )
    parser.add_argument(
        "--only", nargs="+", metavar="NAME", choices=SECTIONS, default=list(SECTIONS),
        help=f"measure these sections, keep the others: {', '.join(SECTIONS)}",
    )  # fmt: skip
    parser.add_argument(
        "--study", type=Path, help="measure nothing: read what the fits of this study took"
    )
    parser.add_argument("--page", action="store_true", help="measure nothing: the page anew")
    parser.add_argument("--quick", action="store_true", help="tiny sizes, to see that it runs")
    parser.add_argument(
        "--out", type=Path, default=ROOT / "docs", help="folder of both files; docs unless told"
    )
    asked = parser.parse_args(arguments)
    if asked.quick and asked.out == ROOT / "docs":
        parser.error("--quick measures nothing worth keeping: give another folder with --out")
    figures = asked.out / "speed.json"
    results: Figures = json.loads(figures.read_text("utf-8")) if figures.is_file() else {}
    if asked.study:
        results["sections"] = in_order(
            results["sections"] | {"mission": rounded(read_mission(asked.study))}
        )
        replace_text(figures, json.dumps(results, indent=1) + "\n")
    for name in () if asked.page or asked.study else asked.only:
        results = measure(name, asked.quick, results)
        replace_text(figures, json.dumps(results, indent=1) + "\n")
    if not results:
        raise SystemExit(f"{figures}: not there; measure first, without --page")
    replace_text(asked.out / "speed.md", page(results))
    print(asked.out / "speed.md")
