"""How fast the project is: `docs/speed.json` holds the figures, `docs/speed.md` shows them.

    python -m benchmarks                        every section, on a machine that does nothing else
    python -m benchmarks --only encoder start   some sections; the others keep their figures
    python -m benchmarks --page                 the page anew, from the figures that are there
    python -m benchmarks --quick --out FOLDER   tiny sizes, to see that it runs

What is compared is timed in turns, within one run: whatever slows the machine slows both. A ratio
is worked out turn by turn; its median stands with the least and the greatest. Each section runs
in a process of its own, on one thread unless it says otherwise.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import psutil
import torch

from auricle.files import replace_text
from auricle.study.environment import describe_environment
from benchmarks.page import write_page
from benchmarks.scaling import measure_devices, measure_scale, measure_workers
from benchmarks.services import postgresql_programs
from benchmarks.timing import FULL, QUICK, ROOT, Figures, Sizes, result, spread, start
from benchmarks.training import measure_encoder, measure_layout, measure_step
from benchmarks.tuners import measure_tuners
from benchmarks.using import measure_demo, measure_listening, measure_start

FIRST_SEED = "seed-0"
SECTIONS: dict[str, Callable[[Sizes], Figures]] = {
    "step": measure_step,
    "layout": measure_layout,
    "encoder": measure_encoder,
    "scale": measure_scale,
    "workers": measure_workers,
    "devices": measure_devices,
    "tuners": measure_tuners,
    "start": measure_start,
    "listening": measure_listening,
    "demo": measure_demo,
}


def read_mission(run: Path) -> Figures:
    """What the fits of a study's first seed took, from its folder, and how well they did.

    Fits under `esc5` are left out: they are no part of the mission's twenty.
    """
    environment = json.loads((run / "environment.json").read_text("utf-8"))
    fits: dict[str, list[Figures]] = {}
    for told in sorted(run.glob(f"*/*/*/{FIRST_SEED}/fit.json")):
        if told.parents[2].name in ("kfold", "refit"):
            fits.setdefault(told.parents[3].name, []).append(json.loads(told.read_text("utf-8")))
    scores = json.loads((run / "scores.json").read_text("utf-8"))
    pooled = {
        each["name"]: next(
            row["accuracy"]["value"]
            for row in each["scores"]
            if (row["strategy"], row["member"], row["seed"]) == ("kfold", "pooled", "0")
        )
        for each in scores["configurations"]
    }
    minutes = {name: [fit["train_seconds"] / 60 for fit in own] for name, own in fits.items()}
    workers = environment["workers"]
    return {
        "commit": environment["commit"],
        "quick": False,
        "workers": workers,
        "fits": sum(map(len, fits.values())),
        "minutes": sum(map(sum, minutes.values())) / workers,
        "rows": [
            {
                "configuration": name,
                "fits": len(own),
                "minutes": spread(own),
                "accuracy": pooled[name],
            }
            for name, own in minutes.items()
        ],
    }


def lacking(name: str) -> str:
    """What a section needs that this machine does not have."""
    if name in ("scale", "devices", "listening") and sys.platform != "linux":
        return "Linux, to read memory and to choose cores"
    if name == "tuners" and postgresql_programs() is None:
        return "PostgreSQL"
    return ""


def section(name: str, quick: bool) -> Figures:
    """The figures of a section, on one thread."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    return SECTIONS[name](QUICK if quick else FULL)


def measure(name: str, quick: bool, before: Figures) -> Figures:
    """Measure a section; of those measured before, on this very machine, keep the others."""
    machine = describe_environment()
    del machine["packages"]
    commit = machine.pop("commit")
    found = before["sections"] if before.get("machine") == machine else {}
    busy = psutil.cpu_percent(interval=2) / 100
    print(f"{name} ...", end=" ", file=sys.stderr, flush=True)
    started = time.perf_counter()
    figures = result(start(section, name, quick))
    took_s = time.perf_counter() - started
    print(f"{took_s:.0f} s", file=sys.stderr)
    about = {"commit": commit, "quick": quick, "busy_before": busy, "took_s": took_s}
    found = rounded(found | {name: about | figures})
    return {
        "machine": machine,
        "sections": in_order(found),
    }


def in_order(sections: Figures) -> Figures:
    """Sections as the page has them."""
    return {name: sections[name] for name in (*SECTIONS, "mission") if name in sections}


def rounded(figures: Any) -> Any:
    """Four digits of every figure: more would be noise."""
    if isinstance(figures, dict):
        return {name: rounded(value) for name, value in figures.items()}
    if isinstance(figures, list | tuple):
        return [rounded(value) for value in figures]
    return float(f"{figures:.4g}") if isinstance(figures, float) else figures


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure how fast the project is, and write speed.json and speed.md.",
        epilog="Run it on a machine that does nothing else. Section scale needs about 10 GB of "
        "disk for a few minutes, where TMPDIR says.",
    )
    parser.add_argument(
        "--only", nargs="+", metavar="NAME", choices=SECTIONS, default=list(SECTIONS),
        help=f"measure these sections, keep the others: {', '.join(SECTIONS)}",
    )  # fmt: skip
    parser.add_argument(
        "--study", type=Path, help="measure nothing: read what the fits of this study took"
    )
    parser.add_argument("--page", action="store_true", help="measure nothing: the page anew")
    parser.add_argument("--quick", action="store_true", help="tiny sizes, to see that it runs")
    parser.add_argument(
        "--out", type=Path, default=ROOT / "docs", help="folder of both files; docs unless told"
    )
    asked = parser.parse_args(arguments)
    if asked.quick and asked.out == ROOT / "docs":
        parser.error("--quick measures nothing worth keeping: give another folder with --out")
    figures = asked.out / "speed.json"
    results: Figures = json.loads(figures.read_text("utf-8")) if figures.is_file() else {}
    if asked.study:
        results["sections"] = in_order(
            results["sections"] | {"mission": rounded(read_mission(asked.study))}
        )
        replace_text(figures, json.dumps(results, indent=1) + "\n")
    for name in () if asked.page or asked.study else asked.only:
        if needed := lacking(name):
            print(f"{name}: left out, it needs {needed}", file=sys.stderr)
            continue
        results = measure(name, asked.quick, results)
        replace_text(figures, json.dumps(results, indent=1) + "\n")
    if not results:
        raise SystemExit(f"{figures}: not there; measure first, without --page")
    replace_text(asked.out / "speed.md", write_page(results))
    print(asked.out / "speed.md")
