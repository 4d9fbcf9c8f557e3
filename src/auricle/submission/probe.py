"""What the handed-in file really builds: `python -m auricle.submission.probe FILE` prints it.

The file is loaded, not run; every network that it configures is built, answers once, and is asked
for one gradient.
A process of its own keeps whatever the file does away from the one that asks.
"""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

NAME = "handed_in"
CLASSES = 10


class Kernels(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """The kernels of all convolutions that torch runs meanwhile, each (out, in, ...)."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.shapes: list[tuple[int, ...]] = []

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Any = None
    ) -> Any:
        """Note a convolution, and let it run as all else."""
        if func.overloadpacket is torch.ops.aten.convolution:
            self.shapes.append(tuple(args[1].shape))
        return func(*args, **(kwargs or {}))


def load_file(file: Path) -> ModuleType:
    """The file as a module that has run nothing."""
    spec = spec_from_file_location(NAME, file)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[NAME] = module
    spec.loader.exec_module(module)
    return module


def facts_of(module: ModuleType) -> list[dict[str, Any]]:
    """What there is to know of each configuration."""
    return [
        facts(recipe, module.SoundClassifier(recipe.network, CLASSES)) | {"clip_s": module.CLIP_S}
        for recipe in module.RECIPES
    ]


def facts(recipe: Any, network: Any) -> dict[str, Any]:
    """Layers of one network, and what its class token and attention do."""
    samples = round(recipe.network.frontend.sample_rate_hz * 0.5)
    wave = torch.randn(4, samples, generator=torch.Generator().manual_seed(0))
    with torch.no_grad(), Kernels() as ran:
        network.base(network.frontend(network.frontend.power(wave)))
    axes = [sum(size > 1 for size in shape[2:]) for shape in ran.shapes]
    logits, attention = network(wave)
    logits.square().sum().backward()
    encoder = getattr(network.head, "encoder", None)
    token = getattr(encoder, "class_token", None)
    parameters = [(weight.requires_grad, weight.numel()) for weight in network.parameters()]
    return {
        "name": recipe.name,
        "recipe": asdict(recipe),
        "epochs": recipe.training.epochs,
        "along_one_axis": axes.count(1),
        "along_more": sum(count > 1 for count in axes),
        "base": [[name, list(weight.shape)] for name, weight in network.base.named_parameters()],
        "linear": sum(isinstance(part, nn.Linear) for part in network.head.layers),
        "blocks": len(encoder.blocks) if encoder is not None else 0,
        "heads": attention.shape[2] if attention is not None else 0,
        "rows_sum_to_one": attention is not None
        and bool(torch.allclose(attention.sum(-1), torch.ones(()), atol=1e-4)),
        "attention_differs": attention is not None and differs(attention),
        "token_learns": isinstance(token, nn.Parameter)
        and token.grad is not None
        and bool(token.grad.any()),
        "built_in": sorted(
            type(part).__name__
            for part in network.modules()
            if type(part).__module__.startswith("torch.nn")
            and type(part).__name__.startswith(("Multihead", "Transformer"))
        ),
        "trainable": sum(size for learns, size in parameters if learns),
        "fixed": sum(size for learns, size in parameters if not learns),
    }


def differs(attention: Tensor) -> bool:
    """Whether every head of every block looks elsewhere in one clip than in another.

    Shapes: (clips, blocks, heads, tokens, tokens).
    """
    spread = (attention - attention.mean(0)).abs().amax((0, -2, -1))  # (blocks, heads)
    return bool((spread * attention.shape[-1] > 1e-4).all())  # of an even share


if __name__ == "__main__":
    print(json.dumps(facts_of(load_file(Path(sys.argv[1])))))
