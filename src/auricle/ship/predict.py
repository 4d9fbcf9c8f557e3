"""Classes and probabilities of sound files, by a bundle or by the weights of a finished fit."""

import sys
from collections.abc import Sequence
from pathlib import Path

from auricle.errors import AudioError
from auricle.ship.model import load_model

SOME_FAILED = 3


def predict_files(files: Sequence[Path], model: Path, device: str) -> int:
    """Print one line a file: its class, the class's probability, its name.

    A file that cannot be used is told on standard error and does not stop the others; the exit
    code is then 3.
    """
    asked = load_model(model, device)
    code = 0
    for file in files:
        try:
            found = asked.predict(file)
        except AudioError as problem:
            print(f"auricle: {problem}", file=sys.stderr)
            code = SOME_FAILED
            continue
        print(f"{found.category:16} {found.confidence:6.1%}  {file}")
    return code
