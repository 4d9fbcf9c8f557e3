"""The notebook to share on Colab: it installs, fetches the data, runs the file, shows the plots."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from typing import Any

from auricle.data.esc10 import COMMIT, load_published
from auricle.submission.program import LIBRARIES

ARCHIVE = f"https://github.com/karolpiczak/ESC-10/archive/{COMMIT}.zip"
"""The whole set at the commit whose files are known by their hashes."""

SAVED_AS = "%%writefile {file}"
"""First line of the cell that carries the file."""

PARAMETERS = "parameters"
"""Tag of the cell that holds what may be changed."""

SETTINGS = """\
EPOCHS = 100  # of every fit
TRIALS = 0  # of a search before it, for each architecture: none, or 2 and more
WANDB = "offline"  # "online" asks for a key and sends every epoch at once
DATA = "ESC-10"  # fetched if it is not there
ARCHIVE = "{archive}"
SHA256 = "{digest}"
"""

INSTALL = """\
import importlib.util
import subprocess
import sys

assert sys.version_info >= (3, 11), "the file needs Python 3.11"
needed = {needed}
wanted = ["{wandb}"]  # in this version, whichever is here
wanted += [name for module, name in needed.items() if not importlib.util.find_spec(module)]
subprocess.run([sys.executable, "-m", "pip", "install", "-q", *wanted], check=True)
"""

FETCH = """\
import io
import urllib.request
import zipfile
from hashlib import sha256
from pathlib import Path

if not Path(DATA).exists():
    with urllib.request.urlopen(ARCHIVE) as answer:
        zipfile.ZipFile(io.BytesIO(answer.read())).extractall("unpacked")
    next(Path("unpacked").iterdir()).rename(DATA)
sounds = [path for path in Path(DATA).rglob("*") if path.suffix in (".ogg", ".wav")]
hashes = {path.relative_to(DATA).as_posix(): sha256(path.read_bytes()) for path in sounds}
lines = [f"{hashes[name].hexdigest()} {name}" for name in sorted(hashes)]
found = sha256("\\n".join(lines).encode()).hexdigest()
assert found == SHA256, f"these are not the published sounds ({len(sounds)} files, {found})"
print(len(sounds), "sounds, as they were published")
"""

RUN = """\
if WANDB == "online":
    import wandb

    wandb.login()
options = f"--data '{{DATA}}' --epochs {{EPOCHS}} --wandb {{WANDB}} --out results --test"
if TRIALS:
    options += f" --tune {{TRIALS}}"
!{{sys.executable}} '{file}' {{options}}
assert _exit_code == 0, "the run did not end well; its last lines say why"
"""

SHOW = """\
from IPython.display import Image, display

for plot in sorted(Path("results/plots").glob("*.png")):
    display(Image(plot))
"""


def digest_of(files: Iterable[tuple[str, str]]) -> str:
    """One hash for a set of files, given as (name, SHA-256)."""
    lines = [f"{found} {name}" for name, found in sorted(files)]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def write_notebook(program: str, *, name: str, roll: str) -> str:
    """The notebook as text; it carries the file that it runs."""
    content = {
        "cells": [
            {**cell, "id": f"cell-{number}"}
            for number, cell in enumerate(cells(program, name=name, roll=roll))
        ],
        "metadata": {
            "colab": {"provenance": []},
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def cells(program: str, *, name: str, roll: str) -> Iterator[dict[str, Any]]:
    """The cells in order."""
    digest = digest_of((clip.file, clip.sha256) for clip in load_published())
    modules = {
        library.replace("scikit-learn", "sklearn"): f"{library}{version}"
        for library, version in LIBRARIES.items()
    }
    tracker = modules.pop("wandb")
    yield words(
        f"# Environmental sounds told apart\n\n{name}, roll number {roll}.\n\nA 1-D convolutional "
        "network, and the same network under a transformer encoder written from scratch, each "
        "averaged with a linear layer on statistics of the sound's texture, on ESC-10: trained, "
        "validated (k = 4), tested and drawn. *Runtime, Run all* does everything; a GPU is used "
        "where there is one."
    )
    yield code(SETTINGS.format(archive=ARCHIVE, digest=digest), PARAMETERS)
    yield words("## What it needs, and the sounds")
    yield code(INSTALL.format(needed=json.dumps(modules, indent=4), wandb=tracker))
    yield code(FETCH)
    yield words("## The file that is handed in")
    yield code(f"{SAVED_AS.format(file=f'{roll}.py')}\n{program}")
    yield words("## All of it: every epoch, every score")
    yield code(RUN.format(file=f"{roll}.py"))
    yield words("## Learning curves, confusion matrices, ROC curves")
    yield code(SHOW)


def words(text: str) -> dict[str, Any]:
    """A cell of Markdown."""
    return {"cell_type": "markdown", "metadata": {}, "source": lines_of(text)}


def code(text: str, *tags: str) -> dict[str, Any]:
    """A cell of Python."""
    return {
        "cell_type": "code",
        "metadata": {"tags": list(tags)} if tags else {},
        "source": lines_of(text.rstrip("\n")),
        "execution_count": None,
        "outputs": [],
    }


def lines_of(text: str) -> list[str]:
    """Text as notebooks keep it."""
    return text.splitlines(keepends=True)
