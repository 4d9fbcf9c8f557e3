import json
from dataclasses import replace

import pytest
import torch
from benchmarks.page import BARS, cell, write_page
from torch import nn

from auricle.network.base import AlongLast, Base, BaseConfig
from auricle.study import trials
from auricle.study.recipe import read_recipe
from auricle.study.space import read_space
from benchmarks import speed, timing, training, tuners, using

TINY = replace(timing.QUICK, repeats=2, batch=2, clip_s=0.5, products=(16, 32), heads=(1, 2))
MACHINE = {
    "auricle": "1",
    "python": "3",
    "torch": "2",
    "platform": "here",
    "processor": "fast",
    "cores": 2,
    "memory_gib": 4,
}
ABOUT = {"commit": "abc", "quick": False, "busy_before": 0.01, "took_s": 1.0}


def results_of(**sections):
    return {
        "machine": MACHINE,
        "sections": {name: ABOUT | figures for name, figures in sections.items()},
    }


def times(median):
    return {"median": median, "low": median - 0.5, "high": median + 0.5, "count": 21}


@pytest.mark.parametrize("precision", timing.PRECISIONS)
def test_shares_of_a_step_sum_to_one(precision):
    row = training.step_row("cnn", precision, TINY)
    for shares in (row["phases_share"], row["kinds_share"]):
        assert sum(shares.values()) == pytest.approx(1)
        assert all(0 <= share < 1 for share in shares.values())
    assert row["kinds_share"]["convolution"] > 0
    assert row["step_ms"]["low"] >= max(phase["low"] for phase in row["phases_ms"].values())
    assert row["product_size"] in TINY.products
    json.dumps(row)


@pytest.mark.parametrize("name", timing.RECIPES)
def test_a_step_learns_as_a_fit_does(name, tmp_path):
    step = training.TrainingStep(read_recipe(name), "float32", TINY, tmp_path)
    weights = [weight.detach().clone() for weight in step.network.parameters()]
    averages = [weight.detach().clone() for weight in step.average.parameters()]
    step.run()
    learned = [
        weight.requires_grad and not name.startswith("texture.")  # that is solved, not descended to
        for name, weight in step.network.named_parameters()
    ]
    for before, now in ((weights, step.network), (averages, step.average)):
        moved = [not torch.equal(*pair) for pair in zip(before, now.parameters(), strict=True)]
        assert moved == learned


def test_operations_of_a_known_layer():
    layer = nn.Linear(8, 16, bias=False)
    given = torch.randn(4, 8)
    forward = 2 * 4 * 8 * 16  # a multiply-add is two
    assert training.count_flop(lambda: layer(given)) == forward
    assert training.count_flop(lambda: layer(given).sum().backward()) == 2 * forward  # of weights
    convolution = nn.Conv1d(3, 5, 7, bias=False)
    along_signal = 2 * 2 * 5 * 14 * 3 * 7
    assert training.count_flop(lambda: convolution(torch.randn(2, 3, 20))) == along_signal
    along_rows = AlongLast(3, 5, 7, bias=False)
    assert training.count_flop(lambda: along_rows(torch.randn(2, 3, 4, 20))) == 4 * along_signal


@pytest.mark.parametrize("precision", timing.PRECISIONS)
def test_moment_by_moment_is_the_same_network(precision):
    torch.manual_seed(0)
    base = Base(BaseConfig(), bands=20)
    other = training.MomentByMoment(base)
    assert {type(layer) for layer in other.modules()} & {nn.Conv2d, nn.BatchNorm2d} == set()
    spectrum = torch.randn(2, 20, 24)
    wanted = training.output_of(base, spectrum, precision).detach()
    close = 1e-3 if precision == "float32" else 0.2  # few moments: normalising magnifies
    found = training.output_of(other, spectrum, precision)
    torch.testing.assert_close(found, wanted, rtol=0, atol=close)


def test_the_encoder_is_measured_against_the_same_layer():
    found = training.measure_encoder(TINY)  # asserts that both give the same
    assert [(row["precision"], row["heads"]) for row in found["rows"]] == [
        ("float32", 1),
        ("float32", 2),
        ("bf16", 1),
        ("bf16", 2),
    ]
    assert "## Our encoder block" in write_page(results_of(encoder=found))


def test_turns_alternate():
    order = []
    taken = timing.in_turns({name: lambda name=name: order.append(name) for name in "ab"}, 3)
    assert "".join(order[4:]) == "abbaab"  # after a warm-up and a first timing of each
    assert {name: len(times) for name, times in taken.items()} == {"a": 3, "b": 3}
    assert timing.ratio([1.0, 4.0, 9.0], [2.0, 2.0, 3.0]) == {
        "median": 2.0,
        "low": 0.5,
        "high": 3.0,
        "count": 3,
    }


@pytest.mark.parametrize(
    ("name", "value", "met"),
    [
        ("views", 0.1, True),
        ("views", 0.11, False),
        ("encoder", 1.0, True),
        ("encoder", 1.01, False),
        ("flatness", 0.8, False),
        ("flatness", 1.1, True),
        ("workers", 1.69, False),
        ("workers", 1.7, True),
    ],
)
def test_bars_are_judged_by_their_figures(name, value, met):
    judged = BARS[name].judge(value)
    assert judged.startswith("must be at")
    assert judged.endswith(": met" if met else ": **not met**")


def test_the_page_says_what_the_figures_say():
    rows = [
        {"engine": "loky", "workers": 1, "threads": 1, "wall_s": times(40.0), "ratio": times(1.9)},
        {"engine": "loky", "workers": 1, "threads": 2, "wall_s": times(30.0), "ratio": times(1.4)},
        {"engine": "loky", "workers": 2, "threads": 1, "wall_s": times(21.0), "ratio": times(1.0)},
        {"engine": "dask", "workers": 2, "threads": 1, "wall_s": times(22.0), "ratio": times(1.1)},
    ]
    workers = {"fits": 4, "study_clips": 9, "study_epochs": 3, "precision": "bf16", "rows": rows}
    page = write_page(results_of(workers=workers))
    assert (
        "| loky | 1 | 1 | 40.0 (39.5-40.5) | 1.90 (1.40-2.40) | must be at least 1.7: met |" in page
    )
    assert "Nothing else ran" in page
    assert "## More clips" not in page
    rows[0]["ratio"] = times(1.5)
    busy = results_of(workers=workers | {"busy_before": 0.5, "quick": True})
    page = write_page(busy)
    assert "at least 1.7: **not met**" in page
    assert "up to 50.0% of the processors" in page
    assert "these figures say nothing" in page


def test_a_fit_by_two_processes_stands_beside_that_of_one():
    rows = [
        {"processes": 1, "threads": 1, "train_s": times(40.0), "ratio": times(1.0)},
        {"processes": 2, "threads": 1, "train_s": times(30.0), "ratio": times(0.75)},
    ]
    devices = {"clips": 200, "epochs": 12, "precision": "bf16", "rows": rows}
    page = write_page(results_of(devices=devices))
    assert "| 2 | 1 | 30.0 (29.5-30.5) | 0.750 (0.250-1.25) |" in page


def test_each_trial_of_a_search_is_timed_and_kept(tmp_path):
    taken = tuners.trials_s(None, tmp_path, turn=0, count=3)
    assert len(taken) == 3
    assert all(time_s > 0 for time_s in taken)
    space = read_space("cnn")
    kept = trials.open_study(space, "turn 0", trials.open_storage(None, tmp_path)).trials
    assert [trial.value for trial in kept] == [1, 1 / 2, 1 / 3]
    assert [list(trial.intermediate_values) for trial in kept] == [[2, 4]] * 3
    of_tuners = {"trials": 3, "turns": 1, "rows": [{"store": "a file", "ms": timing.in_ms(taken)}]}
    assert "| a file | " in write_page(results_of(tuners=of_tuners))


def test_sections_not_measured_keep_their_figures(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(
        speed, "describe_environment", lambda: MACHINE | {"commit": "abc", "packages": {}}
    )
    monkeypatch.setattr(speed, "start", lambda *arguments, **named: None)
    monkeypatch.setattr(speed.psutil, "cpu_percent", lambda interval: 0.0)
    monkeypatch.setattr(speed, "write_page", lambda results: "\n".join(results["sections"]))
    for value, name in enumerate(["start", "layout", "start"]):
        monkeypatch.setattr(speed, "result", lambda process, value=value: {"value": value})
        speed.main(["--only", name, "--out", str(tmp_path)])
    assert (tmp_path / "speed.md").read_text() == "layout\nstart"
    sections = json.loads((tmp_path / "speed.json").read_text())["sections"]
    assert {name: found["value"] for name, found in sections.items()} == {"layout": 1, "start": 2}
    monkeypatch.setitem(MACHINE, "processor", "another")
    speed.main(["--only", "layout", "--out", str(tmp_path)])
    assert (tmp_path / "speed.md").read_text() == "layout"


def test_a_section_that_lacks_something_is_left_out_with_a_word(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(speed, "postgresql_programs", lambda: None)
    with pytest.raises(SystemExit, match="measure first"):
        speed.main(["--only", "tuners", "--out", str(tmp_path)])
    assert "tuners: left out, it needs PostgreSQL" in capsys.readouterr().err


def test_a_page_of_nothing_is_refused(tmp_path):
    with pytest.raises(SystemExit, match="measure first"):
        speed.main(["--page", "--out", str(tmp_path)])


def test_a_smoke_run_does_not_replace_the_figures(capsys):
    with pytest.raises(SystemExit):
        speed.main(["--quick"])
    assert "another folder" in capsys.readouterr().err


def test_the_page_is_the_one_that_its_figures_make():
    docs = timing.ROOT / "docs"
    results = json.loads((docs / "speed.json").read_text(encoding="utf-8"))
    assert write_page(results) == (docs / "speed.md").read_text(encoding="utf-8")


def test_recordings_are_heard_whole_and_the_hour_is_judged():
    found = using.measure_listening(replace(TINY, recordings_s=(2.0, 5.0), recipes=("cnn",)))
    assert [row["recording_s"] for row in found["rows"]] == [2.0, 5.0]
    for row in found["rows"]:
        assert row["realtime"] == pytest.approx(row["recording_s"] / row["took_s"])
        assert row["anonymous_gb"] > 0.05
        assert row["events"] >= 1
    hour = found["rows"][0] | {"recording_s": 3600.0, "took_s": 10.0, "realtime": 360.0}
    page = write_page(results_of(listening={"rows": [found["rows"][0], hour]}))
    assert page.count("must be at least 200 x: met") == 1
    assert "not met" not in page


def test_visitors_are_timed_crowd_by_crowd():
    found = using.measure_demo(replace(TINY, recipes=("cnn",)))
    (row,) = found["rows"]
    assert row["median_ms"]["count"] == row["percentile_95_ms"]["count"] == TINY.crowds
    for wait in ("low", "median", "high"):
        assert 0 < row["median_ms"][wait] <= row["percentile_95_ms"][wait]
    page = write_page(results_of(demo=found))
    assert f"{TINY.visitors} uploads at once" in page
    cells = [cell(row[wait]) for wait in ("median_ms", "percentile_95_ms")]
    assert f"| cnn | {' | '.join(cells)} |" in page


def test_the_fits_of_a_study_are_added_up_over_its_workers(tiny_study, tmp_path, capsys):
    found = speed.read_mission(tiny_study)
    told = [
        json.loads(path.read_text())
        for strategy in ("kfold", "refit")
        for path in tiny_study.glob(f"*/{strategy}/*/seed-0/fit.json")
    ]
    workers = json.loads((tiny_study / "environment.json").read_text())["workers"]
    assert found["fits"] == len(told) == sum(row["fits"] for row in found["rows"])
    assert found["minutes"] == pytest.approx(sum(f["train_seconds"] for f in told) / 60 / workers)

    first = results_of(encoder={"rows": []})
    del first["sections"]["encoder"]
    (tmp_path / "speed.json").write_text(json.dumps(first), encoding="utf-8")
    speed.main(["--study", str(tiny_study), "--out", str(tmp_path)])
    page = (tmp_path / "speed.md").read_text(encoding="utf-8")
    for row in found["rows"]:
        assert f"| {row['configuration']} | {row['fits']} |" in page
    assert "must be at most 30 minutes: met" in page
