"""What every section measures with: turns, spreads, and processes of their own."""

import json
import math
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import torch

ROOT = Path(__file__).parents[1]
CPU = torch.device("cpu")
CLASSES = 10
LOOK_S = 0.05  # between two looks at the memory of a fit
RECIPES = ("cnn", "transformer-h4")
PRECISIONS = ("float32", "bf16")

Figures = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """How much is measured."""

    repeats: int = 21
    least_s: float = 0.02  # of one timing: what is shorter is done several times
    batch: int = 32
    clip_s: float = 5.0
    products: tuple[int, ...] = (512, 768, 1024, 1536, 2048)
    tokens: tuple[int, ...] = (33, 126)
    heads: tuple[int, ...] = (1, 2, 4)
    clips: tuple[int, ...] = (400, 4_000, 20_000)
    epochs: tuple[int, ...] = (8, 2, 2)  # of the fits on so many clips
    study_clips: int = 200
    study_epochs: int = 12
    turns: int = 2
    trials: int = 40
    recordings_s: tuple[float, ...] = (600.0, 3_600.0)
    visitors: int = 50
    crowds: int = 7
    recipes: tuple[str, ...] = RECIPES


FULL = Sizes()
QUICK = Sizes(
    repeats=3, least_s=0.001, batch=4, clip_s=1.0, products=(64, 128), tokens=(5,), heads=(2,),
    clips=(50, 100, 200), epochs=(2, 2, 2), study_clips=50, study_epochs=1, turns=1, trials=7,
    recordings_s=(10.0, 30.0), visitors=4, crowds=2,
)  # fmt: skip


def spread(values: Iterable[float]) -> Figures:
    """The median of some figures, the least and the greatest, and how many they are."""
    found = list(values)
    return {"median": median(found), "low": min(found), "high": max(found), "count": len(found)}


def in_ms(times_s: Iterable[float]) -> Figures:
    """Spread of times in milliseconds."""
    return spread(1000 * time_s for time_s in times_s)


def ratio(times: Sequence[float], others: Sequence[float]) -> Figures:
    """Spread of the ratio of two that were timed in turns."""
    return spread(time_s / other_s for time_s, other_s in zip(times, others, strict=True))


def seconds(run: Callable[[], object], times: int = 1) -> float:
    """Seconds that one run takes."""
    started = time.perf_counter()
    for _ in range(times):
        run()
    return (time.perf_counter() - started) / times


def in_turns(
    runs: Mapping[str, Callable[[], object]], repeats: int, least_s: float = 0.0
) -> dict[str, list[float]]:
    """Seconds of each run, one after the other and again; who is first changes every time."""
    times = {}
    for name, run in runs.items():
        run()  # what is made once is made here
        times[name] = max(1, math.ceil(least_s / seconds(run)))
    taken: dict[str, list[float]] = {name: [] for name in runs}
    for repeat in range(repeats):
        for name in list(runs)[:: -1 if repeat % 2 else 1]:
            taken[name].append(seconds(runs[name], times[name]))
    return taken


def start(function: Callable[..., object], *arguments: Any) -> subprocess.Popen[str]:
    """Run a function of a module in a process of its own; its result is the last line."""
    code = (
        "import json, sys; from importlib import import_module;"
        "module, name, arguments = json.loads(sys.argv[1]);"
        "print(json.dumps(getattr(import_module(module), name)(*arguments)))"
    )
    asked = [function.__module__, function.__name__, arguments]
    return subprocess.Popen(
        [sys.executable, "-c", code, json.dumps(asked)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def result(process: subprocess.Popen[str]) -> Any:
    """What a process gives back once it has ended."""
    text, _ = process.communicate()
    if process.returncode:
        raise SystemExit(f"a measuring process ended with exit code {process.returncode}")
    return json.loads(text.splitlines()[-1])


def anonymous_bytes(pid: int) -> int:
    """Memory of a process that is its own, in memory or swapped out: no mapped file counts."""
    text = Path(f"/proc/{pid}/status").read_text()
    facts = dict(line.split(":", 1) for line in text.splitlines())  # without these once it ends
    return sum(
        1024 * int(facts[name].split()[0]) for name in ("RssAnon", "VmSwap") if name in facts
    )


def most_anonymous_bytes(process: subprocess.Popen[str]) -> int:
    """The most anonymous memory that a process has until it ends."""
    most = 0
    while process.poll() is None:
        most = max(most, anonymous_bytes(process.pid))
        time.sleep(LOOK_S)
    return most
