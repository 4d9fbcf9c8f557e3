"""More clips, more workers, more devices, more tuners."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from statistics import median

import distributed
import joblib
import numpy as np
import torch
from rich.console import Console

from auricle.data.clips import Clip, ClipTable
from auricle.data.store import open_store
from auricle.data.synth import make_synth
from auricle.study.engine import LOCAL, Engine, run_jobs
from auricle.study.estimate import costs_of
from auricle.study.prepare import Setting, plan_jobs, prepare
from auricle.study.recipe import plan_from, read_recipe
from auricle.training.fit import (
    choose_precision,
    fit,
    new_network,
)
from auricle.training.sounds import Examples
from benchmarks.services import dask_cluster
from benchmarks.timing import (
    CLASSES,
    CPU,
    Figures,
    Sizes,
    in_ms,
    most_anonymous_bytes,
    ratio,
    result,
    seconds,
    spread,
    start,
)


def copied(table: ClipTable, clips: int, folder: Path) -> ClipTable:
    """So many clips: the files of a table over and over, under new names."""
    folder.mkdir()
    found = []
    for number in range(clips):
        clip = table.clips[number % len(table.clips)]
        file = f"{number:06d}{table.path(clip).suffix}"
        shutil.copyfile(table.path(clip), folder / file)
        found.append(Clip(file, clip.category, clip.fold, clip.recording))
    return ClipTable("copies", folder, tuple(found))


def repeated(file: Path, clips: int, longer: Path) -> None:
    """A store of so many rows: those of another one over and over."""
    waves = np.load(file, mmap_mode="r")
    with longer.open("wb") as stream:
        header = {"descr": "<i2", "fortran_order": False, "shape": (clips, waves.shape[1])}
        np.lib.format.write_array_header_1_0(stream, header)
        for begin in range(0, clips, len(waves)):
            stream.write(waves[: clips - begin].data)


def fit_on(file: str, clips: int, epochs: int) -> Figures:
    """Seconds of a fit's epochs after the first, and of what stands beside them."""
    torch.set_num_threads(1)
    recipe = read_recipe("cnn")
    rows = np.arange(clips)
    ends = []
    with tempfile.TemporaryDirectory(dir=Path(file).parent) as folder:
        started = time.perf_counter()
        found = fit(
            new_network(recipe.network, CLASSES, seed=0),
            Examples(np.load(file, mmap_mode="r"), rows, rows % CLASSES),
            None,
            classes=CLASSES,
            config=replace(recipe.training, epochs=epochs, views=1),
            augment=recipe.augment,
            seed=0,
            folder=Path(folder),
            device=CPU,
            each_epoch=lambda row: ends.append(time.perf_counter()),
        )
        whole_s = time.perf_counter() - started
    return {"epochs_s": np.diff(ends).tolist(), "beside_s": whole_s - found.seconds}


def watched_fit(file: Path, clips: int, epochs: int) -> Figures:
    """A fit in a process of its own, and the most anonymous memory that it had."""
    process = start(fit_on, str(file), clips, epochs)
    most = most_anonymous_bytes(process)
    return result(process) | {"anonymous_bytes": most}


def measure_scale(sizes: Sizes) -> Figures:
    few, more, most = sizes.clips
    rate_hz = read_recipe("cnn").network.frontend.sample_rate_hz
    needed = most * sizes.clip_s * rate_hz * 2 * 1.5  # 16 bits a sample, powers and files beside
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if shutil.disk_usage(folder).free < needed:
            raise SystemExit(f"{folder}: {needed / 1e9:.0f} GB are needed; name another in TMPDIR")
        started = time.perf_counter()
        table = make_synth(folder / "synth", clips=few, seconds=sizes.clip_s)
        making_s = (time.perf_counter() - started) / few
        decoding_s, stores = {}, {}
        for clips, files in ((few, table), (more, copied(table, more, folder / "copies"))):
            started = time.perf_counter()
            store = open_store(
                files, sample_rate_hz=rate_hz, seconds=sizes.clip_s, cache=folder / str(clips)
            )
            decoding_s[clips] = (time.perf_counter() - started) / clips
            stores[clips] = Path(store.waves.filename)
            del store
        stores[most] = folder / "waves.npy"
        repeated(stores[more], most, stores[most])
        fits: dict[int, list[Figures]] = {clips: [] for clips in sizes.clips}
        for clips in (*sizes.clips, few):  # once more: a machine that slows down shows
            epochs = sizes.epochs[sizes.clips.index(clips)]
            os.sync()  # no fit waits for what was written before it
            fits[clips].append(watched_fit(stores[clips], clips, epochs))
    epochs_s = {
        clips: [epoch / clips for found in fits[clips] for epoch in found["epochs_s"]]
        for clips in sizes.clips
    }
    rows = [
        {
            "clips": clips,
            "decoding_ms": 1000 * decoding_s[clips] if clips in decoding_s else None,
            "beside_ms": 1000 * median(found["beside_s"] for found in fits[clips]) / clips,
            "epoch_ms": in_ms(epochs_s[clips]),
            "anonymous_gb": max(found["anonymous_bytes"] for found in fits[clips]) / 1e9,
        }
        for clips in sizes.clips
    ]
    return {
        "making_ms": 1000 * making_s,
        "once": "powers and textures",
        "precision": choose_precision("auto", CPU),
        "flatness": median(epochs_s[most]) / median(epochs_s[few]),
        "rows": rows,
    }


def time_fits(engine: str, workers: int, threads: int | None, sizes: Figures) -> Figures:
    """Seconds of the fits of a study; as many threads a fit as a study takes, if not told."""
    console = Console(quiet=True)
    plan = plan_from(
        {
            "name": "speed",
            "data": f"synth-{sizes['study_clips']}",
            "clip_s": sizes["clip_s"],
            "strategies": ["kfold"],
            "configurations": ["cnn"],
        },
        {"training": {"epochs": sizes["study_epochs"]}},
        "benchmarks",
    )
    with tempfile.TemporaryDirectory() as folder, ExitStack() as ends:
        setting = Setting(run=Path(folder), device="cpu", workers=workers, wandb="disabled")
        jobs = plan_jobs(plan, setting, prepare(plan, setting, console))
        jobs = [replace(job, threads=threads or job.threads) for job in jobs]
        warm = joblib.delayed(costs_of)(jobs[0].recipe, CLASSES, 1.0, CPU)
        if engine == "dask":
            whom = Engine("dask", ends.enter_context(dask_cluster(workers)))
            with distributed.Client(whom.address), joblib.parallel_config("dask"):
                joblib.Parallel(n_jobs=workers, batch_size=1)([warm] * workers)
        else:
            whom = LOCAL
            joblib.Parallel(n_jobs=workers, backend="loky")([warm] * workers)
        wall_s = seconds(lambda: run_jobs(jobs, workers, console, engine=whom))
    return {"wall_s": wall_s, "fits": len(jobs), "threads": jobs[0].threads}


def measure_workers(sizes: Sizes) -> Figures:
    ways = {
        "one": ("loky", 1, 1),
        "as_given": ("loky", 1, None),
        "two": ("loky", 2, 1),
        "cluster": ("dask", 2, 1),
    }
    told = {name: getattr(sizes, name) for name in ("study_clips", "study_epochs", "clip_s")}
    found: dict[str, list[Figures]] = {name: [] for name in ways}
    with tempfile.TemporaryDirectory() as cache:
        os.environ["AURICLE_CACHE"] = cache
        for _ in range(sizes.turns):
            for name, way in ways.items():
                found[name].append(result(start(time_fits, *way, told)))
    walls = {name: [run["wall_s"] for run in runs] for name, runs in found.items()}
    rows = [
        {
            "engine": ways[name][0],
            "workers": ways[name][1],
            "threads": found[name][0]["threads"],
            "wall_s": spread(walls[name]),
            "ratio": ratio(walls[name], walls["two"]),
        }
        for name in ways
    ]
    return told | {
        "fits": found["one"][0]["fits"],
        "precision": choose_precision("auto", CPU),
        "rows": rows,
    }


def train_once(processes: int, cores: int, sizes: Sizes) -> Figures:
    """What `auricle train` tells of a fit on so many cores, by one process or several."""
    lines = (
        "import os, sys",
        "cores = sorted(os.sched_getaffinity(0))[: int(sys.argv.pop(1))]",
        "os.sched_setaffinity(0, cores)",
        "from auricle.cli import main",
        "main()",
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        script = folder / "train.py"
        script.write_text("\n".join(lines), "utf-8")
        ranks = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", processes]
        call = [sys.executable, *(ranks if processes > 1 else []), script, cores, "train", "cnn"]
        call += ["--data", f"synth-{sizes.study_clips}", "--strategy", "holdout"]
        call += ["--epochs", sizes.study_epochs, "--workers", 1, "--device", "cpu"]
        call += ["--wandb", "disabled", "--out", folder / "run"]
        subprocess.run(list(map(str, call)), check=True, capture_output=True, cwd=folder)
        (told,) = (folder / "run").rglob("fit.json")
        found: Figures = json.loads(told.read_text("utf-8"))
    return found


def measure_devices(sizes: Sizes) -> Figures:
    ways = {"one": (1, 1), "threads": (1, 2), "torchrun": (2, 2)}
    found: dict[str, list[Figures]] = {name: [] for name in ways}
    with tempfile.TemporaryDirectory() as cache:
        os.environ["AURICLE_CACHE"] = cache
        for _ in range(sizes.turns):
            for name, (processes, cores) in ways.items():
                found[name].append(train_once(processes, cores, sizes))
    train_s = {name: [told["train_seconds"] for told in own] for name, own in found.items()}
    return {
        "clips": sizes.study_clips,
        "epochs": sizes.study_epochs,
        "precision": choose_precision("auto", CPU),
        "rows": [
            {
                "processes": ways[name][0],
                "threads": found[name][0]["threads"],
                "train_s": spread(train_s[name]),
                "ratio": ratio(train_s[name], train_s["one"]),
            }
            for name in ways
        ],
    }
