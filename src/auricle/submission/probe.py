"""What the handed-in file really builds: `python -m auricle.submission.probe FILE` prints it.

The file is loaded, not run; every network that it configures is built and asked for one gradient.
A process of its own keeps whatever the file does away from the one that asks.
"""

import json
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import nn

NAME = "handed_in"
CLASSES = 10


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
        facts(recipe, module.SoundClassifier(recipe.network, CLASSES)) for recipe in module.RECIPES
    ]


def facts(recipe: Any, network: Any) -> dict[str, Any]:
    """Layers of one network, and what its class token and attention do."""
    samples = round(recipe.network.frontend.sample_rate_hz * 0.5)
    wave = torch.randn(4, samples, generator=torch.Generator().manual_seed(0))
    logits, attention = network(wave)
    logits.square().sum().backward()
    encoder = getattr(network.head, "encoder", None)
    token = getattr(encoder, "class_token", None)
    parameters = [(weight.requires_grad, weight.numel()) for weight in network.parameters()]
    return {
        "name": recipe.name,
        "epochs": recipe.training.epochs,
        "convolutions": sum(isinstance(part, nn.Conv1d) for part in network.base.modules()),
        "base": [[name, list(weight.shape)] for name, weight in network.base.named_parameters()],
        "linear": sum(isinstance(part, nn.Linear) for part in network.head.layers),
        "blocks": len(encoder.blocks) if encoder is not None else 0,
        "heads": attention.shape[2] if attention is not None else 0,
        "rows_sum_to_one": attention is not None
        and bool(torch.allclose(attention.sum(-1), torch.ones(()), atol=1e-4)),
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


if __name__ == "__main__":
    print(json.dumps(facts_of(load_file(Path(sys.argv[1])))))
