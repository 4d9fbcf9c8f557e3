"""Classes and probabilities of sound files from the weights of a finished fit."""

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from auricle.data.audio import fit_length, load_wave
from auricle.data.store import to_samples
from auricle.errors import AudioError
from auricle.study.fits import best_fit, load_fit
from auricle.training.fit import choose_device, predict
from auricle.training.sounds import Examples

SOME_FAILED = 3


def predict_files(files: Sequence[Path], run: Path, device: str) -> int:
    """Print one line a file: its class, the class's probability, its name.

    A file that cannot be used is told on standard error and does not stop the others; the exit
    code is then 3.
    """
    trained = load_fit(best_fit(run))
    rate_hz = trained.recipe.network.frontend.sample_rate_hz
    code = 0
    for file in files:
        try:
            wave = fit_length(load_wave(file, rate_hz), round(trained.clip_s * rate_hz))
        except AudioError as problem:
            print(f"auricle: {problem}", file=sys.stderr)
            code = SOME_FAILED
            continue
        clip = Examples(to_samples(wave)[None], np.zeros(1, dtype=int), np.zeros(1, dtype=int))
        found = predict(trained.network, clip, choose_device(device))[0]
        best = int(found.argmax())
        print(f"{trained.categories[best]:16} {found[best]:6.1%}  {file}")
    return code
