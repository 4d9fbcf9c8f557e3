"""A trained network as one ONNX file, from the wave to what a page shows of it.

    wave (batch, samples) float32       in [-1, 1), mono, at `sample_rate_hz`
      -> probabilities (batch, classes) calibrated, in the order of `categories`
      -> spectrum (batch, bands, frames) decibels over the clip's mean power, from `floor_db` up
      -> attention (batch, steps)       what the class token looks at; each row sums to less than 1
      -> strangeness (batch,)           how far its texture lies from that of the nearest category

Batch and samples are free. A wave that is shorter than `clip_s` is followed by silence up to there,
so that one sample is enough. `Model.predict` hears it repeated as well, and makes one answer of
both (`ship.model.as_one`); of a longer one it hears the loudest stretch. So should a caller, for
the graph hears all of a wave, once, as one clip.

`attention` is there only for networks whose class token chooses what it looks at: the last block's,
as a mean over its heads (`network.attention.last_block`). Step k covers `step_s` seconds from
k * `step_s` on, frame k those around k * `hop_s`. Bands are even in mel between `low_hz` and
`high_hz`. `strangeness` is there only for networks with a texture (`network.texture`), one being
what clips of a category do.

The file's metadata hold these values and `name`, `format`, `unknown_below` and `strange_above`,
each as JSON: an answer less probable than the one is none of the categories (0 where none was
fitted), nor is a sound that is stranger than the other (null where there is no such limit). What
runs ONNX in a browser does not hand them on: `metadata` gives them to whoever writes a page.
"""

import copy
import io
import json
import logging
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, redirect_stdout
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from auricle.data.store import FULL_SCALE
from auricle.errors import AuricleError, install
from auricle.network.attention import last_block
from auricle.network.classifier import NetworkConfig, SoundClassifier
from auricle.network.frontend import FilterBank, decades
from auricle.ship.bundle import Facts
from auricle.training.sounds import Array

if TYPE_CHECKING:
    import onnx
    import onnx_ir

MODEL, INT8 = "model.onnx", "model.int8.onnx"
WAVE = "wave"
OUTPUTS = {
    "probabilities": ("batch", "classes"),
    "spectrum": ("batch", "bands", "frames"),
    "attention": ("batch", "steps"),
    "strangeness": ("batch",),
}
FORMAT = 2
"""Of the graph's inputs, outputs and metadata. In format 1 there was no strangeness."""

SETTLING = 128
"""So many clips settle the scales of int8."""

TEXTURE_WEIGHT = "network.texture.linear.weight"
"""Of the layer whose input are the texture's statistics."""

FOLDED = 1 << 24
"""Weights of up to so many numbers are worked out at export, not at each start."""


class Heard(nn.Module):
    """What is exported: a network, with its calibration, that takes waves of any length."""

    def __init__(self, network: SoundClassifier, samples: int, temperature: float) -> None:
        super().__init__()
        self.network, self.samples, self.temperature = network, samples, temperature

    def forward(self, wave: Tensor) -> tuple[Tensor, ...]:
        """Shapes: (batch, any) -> the outputs that stand at the top of this file."""
        config = self.network.config
        missing = torch.sym_max(self.samples - wave.shape[1], 0)  # type: ignore[no-untyped-call]
        wave = F.pad(wave, (0, missing))
        power = self.network.frontend.power(wave)  # (batch, bands, frames)
        events, weights = self.network.classify(power)
        statistics, texture = self.network.describe(wave), self.network.texture
        logits = self.network.joined(events, statistics)
        found = [(logits / self.temperature).softmax(1)]
        found.append(10 * decades(power, config.frontend.floor_db))
        if weights is not None and config.encoder.chooses:
            found.append(last_block(weights))
        if texture is not None and statistics is not None:
            found.append(texture.strangeness(statistics))
        return tuple(found)


def outputs_of(config: NetworkConfig) -> list[str]:
    """Names of the outputs that a network has, in their order."""
    left_out = {"attention": not config.encoder.chooses, "strangeness": not config.texture.share}
    return [name for name in OUTPUTS if not left_out.get(name)]


def to_onnx(network: SoundClassifier, facts: Facts) -> bytes:
    """The content of `model.onnx`; equal networks give equal bytes.

    Raises: AuricleError if what writes ONNX is not installed.
    """
    need("onnx", "onnxscript")
    heard = Heard(light_copy(network), samples_of(facts), facts.temperature or 1.0).eval()
    free = {0: torch.export.Dim("batch", min=1), 1: torch.export.Dim("samples", min=1)}
    example = torch.zeros(2, example_samples(network.config, samples_of(facts)))
    with hushed():
        program = torch.onnx.export(
            heard,
            (example,),
            input_names=[WAVE],
            output_names=outputs_of(network.config),
            dynamic_shapes=(free,),
            dynamo=True,
            optimize=False,
            verbose=False,
            custom_translation_table={round: rounded, torch.ops.aten.mean.dim: exact_mean},
        )
        assert program is not None
        fold(program.model)
    content: bytes = tidied(program.model_proto, facts).SerializeToString(deterministic=True)
    return content


def rounded(number: Any, digits: None) -> Any:
    """The integer that Python rounds to, halves to even: the exporter has no rule for it."""
    import onnx
    from onnxscript.onnx_opset import opset18

    return opset18.Cast(opset18.Round(number), to=onnx.TensorProto.INT64)


def exact_mean(values: Any, axes: Any, keepdim: bool = False) -> Any:
    """The mean in 64 bits: in 32, a runtime may lose what a band that hardly moves rests on."""
    import onnx
    from onnxscript.onnx_opset import opset18

    graph: Any = opset18  # whose operators are typed more narrowly than they are
    wide = graph.Cast(values, to=onnx.TensorProto.DOUBLE)
    mean = graph.ReduceMean(wide, graph.Constant(value_ints=axes), keepdims=keepdim)
    return graph.CastLike(mean, values)


def fold(model: "onnx_ir.Model") -> None:
    """Work out what depends on no wave, and put normalisation into the convolution before it.

    Rules that take tiny numbers for zero, as an exporter's own do, would let silence be divided by
    its level.
    """
    from onnx_ir.passes.common import DeduplicateInitializersPass, LiftConstantsToInitializersPass
    from onnxscript import optimizer, rewriter
    from onnxscript.rewriter.rules.common import fuse_batchnorm_into_conv_rule

    optimizer.inline(model)
    optimizer.fold_constants(model, input_size_limit=FOLDED, output_size_limit=FOLDED)
    LiftConstantsToInitializersPass(lift_all_constants=True, size_limit=0)(model)
    rewriter.rewrite(model, [fuse_batchnorm_into_conv_rule])
    optimizer.remove_unused_nodes(model)
    DeduplicateInitializersPass()(model)


def samples_of(facts: Facts) -> int:
    """How many samples a clip has."""
    return round(facts.clip_s * facts.network.frontend.sample_rate_hz)


def light_copy(network: SoundClassifier) -> SoundClassifier:
    """The same network without what its fixed filter banks keep and do not use.

    Their waves and their window are one: of the kernels, the first is the window itself.
    """
    light = copy.deepcopy(network).cpu()
    for bank in light.modules():
        if isinstance(bank, FilterBank) and bank.config.kind == "fixed":
            bank.kernels = nn.Parameter(bank.kernels[:1].detach().clone(), requires_grad=False)
    return light


def example_samples(config: NetworkConfig, samples: int) -> int:
    """A length at which every cut and every rounding of the base happens.

    What does not happen while the network is followed may be left out of the graph for good.
    """
    step = config.base.hop_frames
    frames = samples // config.frontend.hop // step * step + step + config.base.frames_per_step + 1
    return frames * config.frontend.hop


def tidied(model: "onnx.ModelProto", facts: Facts) -> "onnx.ModelProto":
    """The graph with the names of this file, and without the places of the source it came from."""
    graph = model.graph
    for part in (model, graph, *graph.node, *graph.input, *graph.output, *graph.initializer):
        del part.metadata_props[:]
        part.doc_string = ""
    del graph.value_info[:]
    graph.name = facts.name
    for output in graph.output:
        for axis, name in zip(output.type.tensor_type.shape.dim, OUTPUTS[output.name], strict=True):
            if axis.dim_param:
                axis.dim_param = name
    for key, value in metadata(facts).items():
        model.metadata_props.add(key=key, value=json.dumps(value, ensure_ascii=False))
    return model


def metadata(facts: Facts) -> dict[str, Any]:
    """What a caller has to know of a graph."""
    frontend = facts.network.frontend
    return {
        "format": FORMAT,
        "name": facts.name,
        "categories": facts.categories,
        "sample_rate_hz": frontend.sample_rate_hz,
        "clip_s": facts.clip_s,
        "unknown_below": facts.unknown_below or 0.0,
        "strange_above": facts.strange_above,
        "hop_s": frontend.hop / frontend.sample_rate_hz,
        "step_s": facts.network.step_s,
        "floor_db": frontend.floor_db,
        "low_hz": frontend.low_hz,
        "high_hz": frontend.high_hz,
    }


def to_int8(model: bytes, waves: Array) -> bytes:
    """The same graph with 8 bits a weight; `waves` (clips, samples) int16 settle all scales.

    Convolutions and layers with weights of their own are quantised, each channel by itself. What
    spectrum, strangeness and the texture's statistics rest on is not, as 8 bits hold no power, nor
    attention, whose products are of two things that change. Scales span all values that were met:
    cutting the rarest loses about as few clips, but foreign sounds, which go beyond them, are then
    answered otherwise.

    Raises: AuricleError if what quantises is not installed.
    """
    need("onnx", "onnxruntime")
    import onnx
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static

    graph = onnx.load_from_string(model)
    rows = np.unique(np.linspace(0, len(waves) - 1, SETTLING).round().astype(int))
    with hushed(), TemporaryDirectory() as folder:
        quantize_static(
            graph,
            Path(folder) / INT8,
            Settling(waves[row] for row in rows),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=["Conv", "Gemm", "MatMul"],
            nodes_to_exclude=kept_exact(graph.graph),
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )
        return (Path(folder) / INT8).read_bytes()


class Settling:
    """Clips one by one, as a quantiser asks for them."""

    def __init__(self, waves: Iterable[Array]) -> None:
        self.left = iter(waves)

    def get_next(self) -> dict[str, Array] | None:
        """The next wave (1, samples), while there is one."""
        wave = next(self.left, None)
        return None if wave is None else {WAVE: as_wave(wave)}


def as_wave(stored: Array) -> Array:
    """A stored wave (samples,) int16 as the graph takes it: (1, samples) float32."""
    wave: Array = stored[None].astype(np.float32) / np.float32(FULL_SCALE)
    return wave


def kept_exact(graph: "onnx.GraphProto") -> list[str]:
    """Names of the nodes that stay in float32: see `to_int8`."""
    weights = {weight.name for weight in graph.initializer}
    made_by = {name: node for node in graph.node for name in node.output}
    of_texture = (node for node in graph.node if TEXTURE_WEIGHT in node.input)
    found, asked = set(), ["spectrum", "strangeness", *(node.input[0] for node in of_texture)]
    while asked:
        node = made_by.get(asked.pop())
        if node and node.name not in found:
            found.add(node.name)
            asked.extend(node.input)
    products = (node for node in graph.node if node.op_type == "MatMul")
    return [*found, *(node.name for node in products if not weights & {*node.input})]


def need(*libraries: str) -> None:
    """Refuse to go on without the libraries of an extra.

    Raises: AuricleError with the command that installs them.
    """
    try:
        for name in libraries:
            import_module(name)
    except ModuleNotFoundError as problem:
        raise AuricleError(f"ONNX needs {problem.name}; {install('onnx')}") from problem


@contextmanager
def hushed() -> Iterator[None]:
    """Keep to themselves what exporters print, log and warn of: it is for those who write them."""
    before = logging.root.manager.disable
    logging.disable(logging.ERROR)
    try:
        with warnings.catch_warnings(), redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
