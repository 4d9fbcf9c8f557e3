"""What a network answers when it hears a clip in several ways and averages: rows for the journal.

    python -m benchmarks.several_views runs/mission --data DATA --out runs/mission-views
    python -m benchmarks.ablation add runs/mission-views

Of a study with weights, each `kfold` network hears the clips of its own validation fold, which it
never trained on: slower and faster ("speeds"), or as loops that begin elsewhere ("turns"). Base and
head hear every way, the texture the clip as it is: loops of it would alter its statistics. The
probabilities of all ways are averaged. Nothing is trained, and no clip of the test fold is decoded.
"""

import argparse
import json
import shutil
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from auricle.data.audio import fit_length, load_wave
from auricle.data.store import FULL_SCALE, to_samples
from auricle.study.fits import Predictions, load_fit, load_predictions, save_predictions
from auricle.training.augment import loudest_moments, read_loop

SPEEDS = (0.87, 0.93, 1.0, 1.07, 1.15)
TURNS = 5

View = Callable[[Tensor], Tensor]


def at_speed(power: Tensor, speed: float) -> Tensor:
    """Clips played slower or faster: (batch, frames, bands) -> the same.

    A faster clip begins again at its end; of a slower one the stretch with the loudest moment in
    its middle is heard, as far as the clip reaches.
    """
    batch, frames, _ = power.shape
    latest = max(0.0, (frames - 1) * (1 - speed))
    loudest = loudest_moments(power)[:, None]
    begin = (loudest - (frames - 1) * speed / 2).clamp(0, latest)
    places = begin + torch.arange(frames) * speed
    return read_loop(power, torch.arange(batch), places)


def turned(power: Tensor, turn: int) -> Tensor:
    """Clips as loops that begin elsewhere: (batch, frames, bands) -> the same."""
    return power.roll(power.shape[1] * turn // TURNS, dims=1)


WAYS: dict[str, tuple[View, ...]] = {
    "speeds": tuple(partial(at_speed, speed=speed) for speed in SPEEDS),
    "turns": tuple(partial(turned, turn=turn) for turn in range(TURNS)),
}


@torch.no_grad()
def heard_in_several_ways(folder: Path, data: Path) -> dict[str, Predictions]:
    """Predictions of a fit for its validation clips, by the way of hearing them."""
    fit = load_fit(folder)
    clips = load_predictions(folder / "predictions.npz").clips
    rate_hz = fit.recipe.network.frontend.sample_rate_hz
    length = round(fit.clip_s * rate_hz)
    files = [next(data.rglob(clip.file)) for clip in clips]
    samples = [to_samples(fit_length(load_wave(file, rate_hz), length)) for file in files]
    waves = np.stack(samples).astype(np.float32) / FULL_SCALE  # rounded as they are in training
    network, heard = fit.network, torch.from_numpy(waves)
    power, statistics = network.frontend.power(heard).mT, network.describe(heard)

    def answer(view: View) -> Tensor:
        logits, _ = network.classify(view(power).mT)
        return network.joined(logits, statistics).softmax(1)

    return {
        way: Predictions(clips, torch.stack([*map(answer, views)]).mean(0).numpy())
        for way, views in WAYS.items()
    }


def main(arguments: Iterable[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, help="a study's folder, with the weights of its fits")
    parser.add_argument("--data", type=Path, required=True, help="the folder of its clips")
    parser.add_argument("--out", type=Path, required=True, help="where the rows' folders go")
    asked = parser.parse_args(arguments and list(arguments))
    asked.out.mkdir(parents=True, exist_ok=True)
    shutil.copy(asked.run / "environment.json", asked.out)
    for weights in sorted(asked.run.glob("*/kfold/*/seed-*/weights.safetensors")):
        configuration, *member = weights.parent.relative_to(asked.run).parts
        for way, predictions in heard_in_several_ways(weights.parent, asked.data).items():
            folder = asked.out.joinpath(f"{configuration}-{way}", *member)
            folder.mkdir(parents=True, exist_ok=True)
            save_predictions(folder / "predictions.npz", predictions)
            shutil.copy(weights.parent / "fit.json", folder)
        print(json.dumps([configuration, *member]), flush=True)


if __name__ == "__main__":
    main()
