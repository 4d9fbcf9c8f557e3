"""What the rooms may hold, read from their source."""

import ast
import sys
from pathlib import Path

import pytest

import auricle

PACKAGE = Path(auricle.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))
NETWORK = sorted((PACKAGE / "network").glob("*.py"))


def imports(module):
    """Every module that is imported anywhere in a file, also inside functions."""
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{module.name}: imports say where from"
            yield str(node.module)


def names(module):
    """Every name that a file's code speaks of; docstrings and comments do not count."""
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.ImportFrom | ast.Import):
            yield from (part for alias in node.names for part in alias.name.split("."))


@pytest.mark.parametrize("module", NETWORK, ids=lambda module: module.stem)
def test_network_imports_torch_and_the_standard_library_alone(module):
    foreign = {
        name
        for name in imports(module)
        if name.split(".")[0] not in {"torch", *sys.stdlib_module_names}
        and not name.startswith("auricle.network")
    }
    assert not foreign


def test_the_package_uses_none_of_torchs_attention():
    ours = {"attention", "transformer"}  # modules of torch.nn and of torch.nn.modules
    assert len(MODULES) > 30
    for module in MODULES:
        found = {name for name in names(module) if name.startswith(("Transformer", "_transformer"))}
        found |= {name for name in names(module) if "multihead" in name.lower().replace("_", "")}
        found |= {name for name in names(module) if "scaled_dot_product" in name}
        found |= {
            name
            for name in imports(module)
            if name.startswith("torch") and ours & set(name.split("."))
        }
        assert found <= {"MultiHeadAttention"}, module  # the one written from scratch


def test_the_search_finds_torchs_attention_where_it_stands(tmp_path):
    guilty = tmp_path / "guilty.py"
    guilty.write_text("import torch\ntorch.nn.functional.scaled_dot_product_attention\n", "utf-8")
    assert "scaled_dot_product_attention" in set(names(guilty))
