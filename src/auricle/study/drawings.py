"""What the report draws without running a network: a picture of each class, a table of layers."""

import dataclasses
import io
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from auricle.data.clips import ClipTable
from auricle.data.store import FULL_SCALE, open_store
from auricle.files import replace_bytes
from auricle.network.base import AlongRows
from auricle.network.classifier import NetworkConfig, SoundClassifier
from auricle.network.frontend import FilterBank, FrontendConfig
from auricle.network.texture import TextureConfig
from auricle.training.sounds import Array

ENVELOPE_POINTS = 500
RANGE_DB = 80.0
STATISTICS = "levels, sharpness, beats"


def save_pictures(
    path: Path, table: ClipTable, config: FrontendConfig, clip_s: float, cache: Path
) -> None:
    """Spectrogram and envelope of one clip a class, that of middling level, for `pictures.npz`."""
    rate_hz = config.sample_rate_hz
    store = open_store(table, sample_rate_hz=rate_hz, seconds=clip_s, cache=cache)
    bank = FilterBank(dataclasses.replace(config, kind="fixed"))
    categories, files, spectra, envelopes = [], [], [], []
    for category in table.categories:
        rows = [row for row, clip in enumerate(store.clips) if clip.category == category]
        if not rows:
            continue
        levels = [float(np.square(store.waves[row], dtype=np.float64).mean()) for row in rows]
        middle = rows[int(np.argsort(levels)[len(rows) // 2])]  # of middling level
        wave = store.waves[middle].astype(np.float32) / FULL_SCALE
        with torch.no_grad():
            power = bank.power(torch.from_numpy(wave)[None])[0].numpy()
        decibel = 10 * np.log10(power + 1e-12)
        categories.append(category)
        files.append(store.clips[middle].file)
        spectra.append(np.maximum(decibel, decibel.max() - RANGE_DB))
        envelopes.append(envelope(wave))
    content = io.BytesIO()
    np.savez_compressed(
        content,
        categories=np.array(categories),
        files=np.array(files),
        spectra=np.array(spectra, dtype=np.float32),
        waves=np.array(envelopes, dtype=np.float32),
        seconds=clip_s,
        low_hz=config.low_hz,
        high_hz=config.high_hz,
    )
    replace_bytes(path, content.getvalue())


def envelope(wave: Array) -> Array:
    """Lowest and highest sample of each stretch: (samples,) -> (ENVELOPE_POINTS, 2)."""
    points = wave[: len(wave) // ENVELOPE_POINTS * ENVELOPE_POINTS].reshape(ENVELOPE_POINTS, -1)
    return np.stack([points.min(1), points.max(1)], axis=1)


def layers_of(config: NetworkConfig, classes: int, clip_s: float) -> list[dict[str, Any]]:
    """Each layer of a network in the order of the signal, with the shape that leaves it.

    The texture, which hears the wave as the front-end does, stands after the head, and last how
    the two are joined. Shapes are of one clip, the batch left out; along frequency, of one step.
    """
    with torch.random.fork_rng(devices=[]):
        network = SoundClassifier(config, classes).eval()
    rows: list[dict[str, Any]] = []

    def note(name: str, layer: nn.Module, output: Any) -> None:
        shape = list(output[0].shape if isinstance(output, tuple) else output.shape)
        if len(shape) == 4:  # (batch, channels, steps side by side or 1, length)
            del shape[2]
        weights = list(layer.parameters())
        rows.append(
            {
                "part": name.split(".")[0],
                "layer": name,
                "kind": _kind(layer),
                "detail": _detail(layer),
                "shape": shape[1:] if len(shape) > 1 else shape,
                "trainable": sum(w.numel() for w in weights if w.requires_grad),
                "fixed": sum(w.numel() for w in weights if not w.requires_grad),
            }
        )

    wave = torch.zeros(1, round(clip_s * config.frontend.sample_rate_hz))
    with torch.no_grad():
        power = network.frontend.power(wave)
        note("frontend", network.frontend, power)
        told = _bank(config.frontend.kind, config.frontend)
        rows[-1] |= {"layer": "frontend.power", "kind": "filter bank", "detail": told}
        normalised = sum(w.numel() for w in network.frontend.normalise.parameters())
        rows[-1]["trainable"] -= normalised
        hooks = [
            layer.register_forward_hook(
                lambda layer, _, output, name=name: note(name, layer, output)
            )
            for name, layer in network.named_modules()
            if name
            and not isinstance(layer, nn.Dropout)
            and (not list(layer.children()) or name.endswith(".attention"))
            and ".attention." not in name
        ]
        logits, _ = network.classify(power)
        if network.texture is not None:
            bank = network.texture.bank
            note("texture.bank", bank, bank.power(wave))
            told = _bank("fixed", config.texture)
            rows[-1] |= {"layer": "texture.power", "kind": "filter bank", "detail": told}
            statistics = network.texture.statistics(wave)
            rows.append(_row("texture.statistics", STATISTICS, "", statistics.shape[1]))
            network.joined(logits, statistics)  # the texture's own layer is noted on the way
            told = f"{1 - config.texture.share:g} head, {config.texture.share:g} texture"
            rows.append(_row("joined", "mean of log-probabilities", told, classes))
    for hook in hooks:
        hook.remove()
    token = sum(
        weight.numel()
        for name, weight in network.named_parameters()
        if name.endswith("class_token")
    )
    if token:
        first = next(row for row, entry in enumerate(rows) if ".blocks.0." in entry["layer"])
        rows.insert(first, _token_row(token, rows[first]["shape"]))
    return rows


def _row(layer: str, kind: str, detail: str, size: int) -> dict[str, Any]:
    """What is no layer of its own, and has no parameters."""
    said = {"part": layer.split(".")[0], "layer": layer, "kind": kind, "detail": detail}
    return said | {"shape": [size], "trainable": 0, "fixed": 0}


def _token_row(size: int, shape: list[int]) -> dict[str, Any]:
    return {
        "part": "head",
        "layer": "head.encoder.class_token",
        "kind": "class token",
        "detail": "put first, positions added to the rest",
        "shape": shape,
        "trainable": size,
        "fixed": 0,
    }


def _bank(kind: str, config: FrontendConfig | TextureConfig) -> str:
    return f"{kind}, window {config.window}, hop {config.hop}"


def _kind(layer: nn.Module) -> str:
    if isinstance(layer, nn.Conv1d):
        return "Conv1d"  # along frequency or along time: its path says which
    if isinstance(layer, (nn.BatchNorm1d, nn.BatchNorm2d, nn.MaxPool2d)):
        return type(layer).__name__[:-2]  # the axes it counts are those in memory
    return type(layer).__name__


def _detail(layer: nn.Module) -> str:
    if isinstance(layer, AlongRows):  # among those along frequency
        return f"kernel {layer.kernel_size[0]}, along time"
    if isinstance(layer, nn.Conv1d):
        return f"kernel {layer.kernel_size[0]}, stride {layer.stride[0]}"
    if isinstance(layer, nn.MaxPool2d):
        return f"{np.prod(layer.kernel_size)} to 1"
    heads = getattr(layer, "heads", None)
    return f"{heads} head{'s' if heads != 1 else ''}" if heads else ""
