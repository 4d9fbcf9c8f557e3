"""The machine and the versions a study ran with; nothing that names a person or a place."""

import ast
import hashlib
import os
import platform
import subprocess
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil
import torch

import auricle

PACKAGES = (
    "joblib", "matplotlib", "numpy", "optuna", "safetensors", "scikit-learn", "scipy", "soundfile",
    "soxr", "torch", "typst", "wandb",
)  # fmt: skip


def describe_environment() -> dict[str, Any]:
    """Facts for `environment.json`."""
    return {
        "auricle": auricle.__version__,
        "commit": source_commit(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "platform": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": os.cpu_count() or 1,
        "memory_gib": round(psutil.virtual_memory().total / 2**30),
        "packages": {name: version for name in PACKAGES if (version := _version(name))},
    }


def source_commit() -> str:
    """The commit of the source that runs, or the release where there is no source.

    It ends in `-dirty` where files of the package are not as they were committed.
    """
    package = Path(__file__).parents[1]
    if not (package.parents[1] / ".git").exists():
        return f"release {auricle.__version__}"
    try:
        commit = _git(package, "rev-parse", "--short=12", "HEAD")
        changed = _git(package, "status", "--porcelain", "--untracked-files=no", "--", ".")
    except (OSError, subprocess.CalledProcessError):
        return f"release {auricle.__version__}"
    return f"{commit}-dirty" if changed else commit


LEARNS = ("network/*.py", "training/augment.py", "training/fit.py", "training/sounds.py")
"""The files of the package that say how a network learns, and from what."""


@cache
def learning_code() -> str:
    """A short name for the code that trains: comments and docstrings do not change it."""
    package = Path(__file__).parents[1]
    files = sorted(file for pattern in LEARNS for file in package.glob(pattern))
    meant = [meaning(file.read_text(encoding="utf-8")) for file in files]
    return hashlib.sha256("".join(meant).encode()).hexdigest()[:12]


def meaning(source: str) -> str:
    """A source as it is run: its tree without comments and docstrings."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):  # a string that stands alone is said, not done
            node.body = [  # type: ignore[attr-defined]
                part
                for part in body
                if not (
                    isinstance(part, ast.Expr)
                    and isinstance(part.value, ast.Constant)
                    and isinstance(part.value.value, str)
                )
            ]
    return ast.dump(tree)


def _git(folder: Path, *asked: str) -> str:
    command = ["git", "-C", str(folder), "--no-optional-locks", *asked]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _processor() -> str:
    capabilities = getattr(torch.cpu, "get_capabilities", dict[str, str])()
    name = capabilities.get("cpu_name") or platform.processor() or platform.machine()
    return f"{name} ({torch.backends.cpu.get_cpu_capability()})"
