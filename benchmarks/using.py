"""Starting, decoding, predicting, long recordings, and visitors of the demo."""

import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import numpy as np
import soundfile as sf
import torch

from auricle.data.audio import load_wave
from auricle.data.synth import make_clip
from auricle.ship.bundle import (
    FORMAT,
    WEIGHTS,
    Facts,
    Learnt,
    hashes,
    weights_file,
    write_bundle,
)
from auricle.study.recipe import Recipe, read_recipe
from auricle.training.fit import (
    new_network,
)
from benchmarks.timing import (
    CLASSES,
    RECIPES,
    Figures,
    Sizes,
    in_ms,
    in_turns,
    most_anonymous_bytes,
    spread,
)


def measure_start(sizes: Sizes) -> Figures:
    commands = {
        "`auricle --help`": "from auricle.cli import app; app(['--help'])",
        "`python -c 'import auricle.training.fit'`": "import auricle.training.fit",
    }

    def run(code: str) -> None:
        asked = [sys.executable, "-c", code]
        subprocess.run(asked, stdout=subprocess.DEVNULL, check=True)

    taken = in_turns({name: partial(run, code) for name, code in commands.items()}, sizes.repeats)
    rate_hz = 44_100
    wave = make_clip(0, 0, 0, np.arange(round(sizes.clip_s * rate_hz)) / rate_hz, 0)
    recipes = {name: read_recipe(name).network for name in RECIPES}
    to_hz = recipes["cnn"].frontend.sample_rate_hz
    heard = torch.randn(1, round(sizes.clip_s * to_hz))
    networks = {name: new_network(config, CLASSES, 0).eval() for name, config in recipes.items()}
    with tempfile.TemporaryDirectory() as folder, torch.no_grad():
        file = Path(folder) / "clip.ogg"
        sf.write(file, wave, rate_hz)
        taken |= in_turns(
            {f"decoding and resampling, {rate_hz:,} Hz Ogg": lambda: load_wave(file, to_hz)}
            | {
                f"one prediction, {name}": lambda name=name: networks[name](heard)[0].softmax(1)
                for name in RECIPES
            }
            | {"of each, describing the texture": lambda: networks["cnn"].describe(heard)},
            sizes.repeats,
            sizes.least_s,
        )
    rows = [{"what": name, "ms": in_ms(times)} for name, times in taken.items()]
    return {"clip_s": sizes.clip_s, "rows": rows}


def make_recording(file: Path, seconds: float, clip_s: float) -> None:
    """Made sounds one after the other, in a FLAC file: so long, and silence nowhere."""
    rate_hz = 44_100
    time_s = np.arange(round(clip_s * rate_hz)) / rate_hz
    some = np.concatenate([make_clip(kind, 0, 0, time_s, 0) for kind in range(CLASSES)])
    with sf.SoundFile(file, "w", rate_hz, 1) as sound:
        left = round(seconds * rate_hz)
        while left > 0:
            sound.write(some[:left])
            left -= len(some)


def untrained_bundle(recipe: Recipe, folder: Path, clip_s: float) -> None:
    """A bundle as `auricle export` makes one: what was learnt changes no time."""
    categories = tuple(f"sound {number}" for number in range(CLASSES))
    weights = {WEIGHTS: weights_file(new_network(recipe.network, CLASSES, seed=0))}
    learnt = Learnt(
        data="none", clips=0, folds=(), configuration=recipe.name, strategy="refit", seed=0,
        epochs=0, heard=(), sealed=(),
    )  # fmt: skip
    facts = Facts(
        format=FORMAT, name="untrained", categories=categories, network=recipe.network,
        clip_s=clip_s, temperature=None, unknown_below=None, learnt=learnt, scores=(),
        versions={}, sha256=hashes(weights),
    )  # fmt: skip
    write_bundle(folder, facts, weights)


def measure_listening(sizes: Sizes) -> Figures:
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for seconds in sizes.recordings_s:
            make_recording(folder / f"{seconds:g}.flac", seconds, sizes.clip_s)
        for recipe in map(read_recipe, sizes.recipes):
            untrained_bundle(recipe, folder / recipe.name, sizes.clip_s)
            for seconds in sizes.recordings_s:
                asked = [f"{seconds:g}.flac", "--model", recipe.name, "--format", "csv"]
                code = "from auricle.cli import main; main()"
                with (folder / "events.csv").open("w") as events:
                    started = time.perf_counter()
                    process = subprocess.Popen(
                        [sys.executable, "-c", code, "predict", *asked],
                        cwd=folder,
                        stdout=events,
                        text=True,
                    )
                    most = most_anonymous_bytes(process)
                    took_s = time.perf_counter() - started
                if process.returncode:
                    raise SystemExit(f"auricle predict ended with {process.returncode}")
                told = (folder / "events.csv").read_text("utf-8").splitlines()
                rows.append(
                    {
                        "recipe": recipe.name,
                        "recording_s": seconds,
                        "took_s": took_s,
                        "realtime": seconds / took_s,
                        "anonymous_gb": most / 1e9,
                        "events": len(told) - 1,
                    }
                )
    return {"rows": rows}


def measure_demo(sizes: Sizes) -> Figures:
    from benchmarks.demo import visited  # a server, which no other section needs

    rows = []
    for recipe in map(read_recipe, sizes.recipes):
        with tempfile.TemporaryDirectory() as folder:
            bundle = Path(folder) / recipe.name
            untrained_bundle(recipe, bundle, sizes.clip_s)
            crowds = visited(bundle, sizes.visitors, sizes.crowds)
        answered = min(found["answered"] for found in crowds)
        if answered < sizes.visitors:
            raise SystemExit(f"of {sizes.visitors} uploads at once {answered} were answered")
        waits = ("median_ms", "percentile_95_ms")
        rows.append(
            {"recipe": recipe.name}
            | {wait: spread(found[wait] for found in crowds) for wait in waits}
        )
    return {"clip_s": sizes.clip_s, "visitors": sizes.visitors, "rows": rows}
