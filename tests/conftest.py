"""A whole study in small: three categories of tones, three folds, networks of a few weights."""

import csv
import json
import os
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import soundfile as sf
import torch

from auricle.cli import main
from auricle.ship import in_browser
from auricle.study import command
from auricle.study.recipe import Plan

CATEGORIES = ("bell", "horn", "siren")
RATE_HZ = 8_000
SECONDS = 0.3
TAKES = 4  # of a category in a fold, two of each recording

PLAN = """
name = "tiny"
data = '{data}'
clip_s = 0.3
strategies = ["kfold", "holdout", "refit", "esc5"]
test = true
configurations = ["cnn", "transformer-h2"]
[[committees]]
name = "both"
of = ["cnn", "transformer-h2"]

[every.network.frontend]
sample_rate_hz = 8_000
window = 256
hop = 128
bands = 16
high_hz = 4_000.0

[every.network.base]
frames_per_step = 2
frequency_channels = [4, 4]
frequency_kernels = [7, 5]
time_kernels = [1, 3]
widths = [8, 8, 8]

[every.network.texture]
span = 64

[every.training]
epochs = 3
views = 2
batch = 6
learning_rate = 0.02
precision = "float32"

[every.augment]
mixing = 0.0
stretch = 0.0
band_shift = 0.0
equaliser_db = 0.0
masks = 0
"""

Rows = list[dict[str, str]]


@dataclass(frozen=True)
class Outcome:
    """What one call of the command line left."""

    code: int
    out: str
    err: str


Call = Callable[..., Outcome]


def write_set(folder: Path, folds: int = 3) -> Path:
    """Noisy tones of one pitch a category, and the `clips.csv` that says their folds."""
    generator = np.random.default_rng(0)
    time_s = np.arange(round(SECONDS * RATE_HZ)) / RATE_HZ
    rows = []
    for number, category in enumerate(CATEGORIES):
        (folder / category).mkdir(parents=True)
        for fold in range(1, folds + 1):
            for take in range(TAKES):
                hz = 600 * (number + 1) + 10 * fold + 3 * take
                wave = 0.3 * np.sin(2 * np.pi * hz * time_s)
                wave += 0.1 * generator.standard_normal(len(time_s))
                file = f"{category}/{fold}-{take}.wav"
                sf.write(folder / file, wave, RATE_HZ, subtype="PCM_16")
                rows.append((file, category, fold, f"{category}/{fold}-{take // 2}"))
    write_labels(folder, rows)
    return folder


def write_labels(folder: Path, rows: list[tuple[Any, ...]]) -> None:
    with (folder / "clips.csv").open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([("file", "category", "fold", "recording"), *rows])


def rows_of(path: Path) -> Rows:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def scores_of(run: Path) -> dict[str, Any]:
    """`scores.json` as strict JSON."""

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    text = (run / "scores.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text, parse_constant=refuse)
    return found


def timeless(value: Any) -> Any:
    """The same without any training time."""
    if isinstance(value, dict):
        return {key: timeless(v) for key, v in value.items() if key != "train_seconds"}
    return [timeless(v) for v in value] if isinstance(value, list) else value


def plan_of(path: Path, changes: dict[str, Any] | None = None, **asked: Any) -> Plan:
    """A plan as the command line makes it."""
    return command.plan_of(str(path), asked, changes or {})


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest test is alone in its file: begun last, it would keep the other processes idle."""
    items.sort(key=lambda item: "test_tutorial" not in item.nodeid)


@pytest.fixture(scope="session")
def tools() -> SimpleNamespace:
    """What several test files call; a conftest is not imported, a fixture can be asked for."""
    functions = (write_set, write_labels, rows_of, scores_of, timeless, plan_of)
    return SimpleNamespace(**{function.__name__: function for function in functions})


def settle(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    """One thread a fit, whoever asks for how many workers; sounds kept away from the user's."""
    monkeypatch.setenv("AURICLE_CACHE", str(cache))
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "1")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.delenv("AURICLE_DATA", raising=False)


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> None:
    """Equal bits need an equal number of threads, and small networks are fastest on one."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def settled(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settle(monkeypatch, cache)


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """No report: it takes seconds to draw, and most tests do not look at it."""
    monkeypatch.setattr("auricle.report.write_report", lambda *_: ())


@pytest.fixture(scope="session")
def tiny_set(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_set(tmp_path_factory.mktemp("data") / "tones")


@pytest.fixture(scope="session")
def tiny_plan(tiny_set: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("plan") / "tiny.toml"
    path.write_text(PLAN.format(data=tiny_set), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def tiny_study(tiny_plan: Path, cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished study: both architectures, every strategy, two seeds. Read it, leave it alone."""
    folder = tmp_path_factory.mktemp("runs") / "tiny"
    with pytest.MonkeyPatch.context() as monkeypatch:
        settle(monkeypatch, cache)
        command.run(
            plan_of(tiny_plan, seeds=2), out=folder, workers=1, device="cpu", wandb="disabled"
        )
    return folder


@pytest.fixture(scope="session")
def chromium() -> Callable[..., Any]:
    """Starts headless Chromium; where CI runs, it has to be installed."""
    if not in_browser.chromium_program() and not os.environ.get("CI"):
        pytest.skip("chromium is not installed here")
    return in_browser.chromium


@pytest.fixture
def auricle(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """Calls the command line in this process."""

    def call(*arguments: Any) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["auricle", *map(str, arguments)])
        capsys.readouterr()
        with warnings.catch_warnings():
            # cyclopts warns that a test reads sys.argv, and that is what is meant here.
            warnings.filterwarnings("ignore", "Cyclopts application invoked without tokens")
            with pytest.raises(SystemExit) as ended:
                main()
        told = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return Outcome(ended.value.code, told.out, told.err)

    return call
