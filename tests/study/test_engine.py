"""The same jobs, done by processes of this machine and by a cluster: the same study."""

import csv
import io
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import tomllib

import distributed
import pytest
import tomli_w
from rich.console import Console

from auricle.errors import StudyError
from auricle.study import engine
from auricle.study.engine import Engine, run_jobs

WHERE = ("--no-test", "--strategy", "kfold", "--wandb", "disabled", "--device", "cpu")
DEADLINE_S = 120


def dask(*arguments):
    call = [sys.executable, "-m", "distributed.cli." + arguments[0], *map(str, arguments[1:])]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen(call, **quiet)


def start_worker(scheduler_file, cwd, threads=1):
    asked = ("--scheduler-file", scheduler_file, "--nthreads", threads, "--no-nanny")
    return dask("dask_worker", *asked, "--local-directory", cwd, "--no-dashboard")


@pytest.fixture
def scheduler(tmp_path):
    """A scheduler of its own process: its file, its address, and the processes to end."""
    file = tmp_path / "scheduler.json"
    asked = ("--scheduler-file", file, "--host", "127.0.0.1", "--port", 0, "--no-dashboard")
    processes = [dask("dask_scheduler", *asked)]
    until = time.monotonic() + DEADLINE_S
    while not file.exists() or not file.read_text():
        assert time.monotonic() < until
        time.sleep(0.05)
    yield file, json.loads(file.read_text())["address"], processes
    for process in processes:
        process.kill()
        process.wait()


@pytest.fixture
def cluster(scheduler, tmp_path):
    """The scheduler with two workers, as processes of their own."""
    file, address, processes = scheduler
    workers = [start_worker(file, tmp_path) for _ in range(2)]
    processes += workers
    with distributed.Client(address, timeout=DEADLINE_S) as client:
        client.wait_for_workers(2, timeout=DEADLINE_S)
    return address, workers


@pytest.mark.usefixtures("undrawn")
def test_a_cluster_that_loses_a_worker_gives_the_study_of_one_machine(
    cluster, auricle, tiny_plan, tmp_path, tools
):
    address, workers = cluster
    asked = ("study", tiny_plan, *WHERE, "--epochs", 12)
    far, near = tmp_path / "far", tmp_path / "near"
    line = "from auricle.cli import main; main()"
    call = [*asked, "--out", far, "--engine", "dask", "--address", address]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", line, *map(str, call)], **pipes) as process:
        with distributed.Client(address) as client:
            until = time.monotonic() + DEADLINE_S
            busy = {}
            while not busy:  # in mid-fit: a worker that has a job
                assert process.poll() is None, process.communicate()
                assert time.monotonic() < until
                busy = {who for who, jobs in client.processing().items() if jobs}
                time.sleep(0.05)
            pids = {who: told["pid"] for who, told in client.run(me).items()}
        time.sleep(0.5)
        os.kill(pids[busy.pop()], signal.SIGKILL)
        said = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 0, said
    assert sorted(worker.poll() is None for worker in workers) == [False, True]

    assert auricle(*asked, "--out", near, "--workers", 1).code == 0
    assert tools.timeless(tools.scores_of(far)) == tools.timeless(tools.scores_of(near))
    assert (far / "predictions.csv").read_bytes() == (near / "predictions.csv").read_bytes()
    fits = sorted(path.relative_to(near) for path in near.rglob("weights.safetensors"))
    assert len(fits) == 4
    assert all((far / fit).read_bytes() == (near / fit).read_bytes() for fit in fits)


def me():
    return {"pid": os.getpid()}


def test_workers_need_no_file_of_the_data(tiny_plan, tools, tmp_path):
    """What is sent to a worker is enough: neither clips nor the study's folder are read there."""
    from dataclasses import replace

    from auricle.study.prepare import Setting, plan_jobs, prepare

    plan = tools.plan_of(tiny_plan, test=False, strategies=["kfold"])
    setting = Setting(run=tmp_path / "run", device="cpu", workers=1, wandb="disabled")
    job = plan_jobs(plan, setting, prepare(plan, setting, Console(quiet=True)))[0]
    waves = engine.in_memory(job)
    nowhere = replace(job.table, root=tmp_path / "nowhere")
    there = replace(job, run=tmp_path / "run", launcher=None, table=nowhere, cache=tmp_path / "no")
    at, files = engine.do_elsewhere(7, there, waves)
    assert at == 7
    assert {"fit.json", "weights.safetensors", "predictions.npz", "history.csv"} <= set(files)
    assert not (tmp_path / "run").exists()
    engine.lay_down(files, job.folder)
    run_jobs([job], 1, Console(quiet=True))  # is there already
    assert json.loads((job.folder / "fit.json").read_text(encoding="utf-8"))["learnt"]


def test_a_log_is_told_how_far_the_fits_are(tmp_path, monkeypatch):
    """What does not draw over itself, as `nohup` keeps it, would stay silent for hours."""
    from types import SimpleNamespace

    monkeypatch.setattr(engine, "LOOK_EVERY_S", 0.01)
    monkeypatch.setattr(engine, "LOG_EVERY_S", 0.0)
    recipe = SimpleNamespace(training=SimpleNamespace(epochs=8))
    job = SimpleNamespace(folder=tmp_path, recipe=recipe)
    log = io.StringIO()
    stopped = threading.Event()
    with engine._progress(Console(file=log)) as progress:
        watch = (progress, [job], stopped, "fits")
        watcher = threading.Thread(target=engine._watch, args=watch, daemon=True)
        watcher.start()
        time.sleep(0.05)
        early = log.getvalue()
        (tmp_path / "history.csv").write_text("epoch\n1\n2\n", encoding="utf-8")
        until = time.monotonic() + DEADLINE_S
        while "epochs" not in log.getvalue() and time.monotonic() < until:
            time.sleep(0.01)
        stopped.set()
        watcher.join()
    assert not early  # nothing was known yet
    assert re.match(r"2 of 8 epochs; about \d+ s left\n", log.getvalue())


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (("--engine", "dask"), "--engine dask needs --address"),
        (("--address", "tcp://host:1"), "say --engine dask with it"),
        (("--engine", "dask", "--address", "tcp://127.0.0.1:9"), "no scheduler answers there"),
        (("--engine", "dask", "--address", "nonsense://x"), "no scheduler answers there"),
    ],
)
def test_a_cluster_that_is_not_there_is_told_in_one_line(auricle, tiny_plan, tmp_path, asked, told):
    refused = auricle("study", tiny_plan, "--out", tmp_path / "run", *WHERE, *asked)
    assert refused.code == 1
    assert told in refused.err
    assert refused.err.count("\n") == 1


def test_workers_that_cannot_be_worked_with_are_refused(scheduler, tmp_path):
    file, address, processes = scheduler
    with pytest.raises(StudyError, match="has no workers"):
        Engine("dask", address).workers()
    processes.append(start_worker(file, tmp_path, threads=2))
    with distributed.Client(address) as client:
        client.wait_for_workers(1, timeout=DEADLINE_S)
    with pytest.raises(StudyError, match="--nthreads 1"):
        Engine("dask", address).workers()


def test_workers_of_another_release_are_refused(cluster, monkeypatch):
    monkeypatch.setattr(engine.auricle, "__version__", "9.9.9")
    with pytest.raises(StudyError, match=re.escape("this machine auricle 9.9.9")):
        Engine("dask", cluster[0]).workers()


def test_a_job_whose_worker_dies_is_done_again(tiny_plan, tools, tmp_path, capsys):
    """A process that is killed in mid-fit is noticed; the study ends whole."""
    line = "from auricle.cli import main; main()"
    run = tmp_path / "run"
    call = ["study", tiny_plan, "--out", run, *WHERE, "--epochs", 12, "--workers", 2]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", line, *map(str, call)], **pipes) as process:
        until = time.monotonic() + DEADLINE_S
        while not list(run.rglob("checkpoint.pt")):
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < until
            time.sleep(0.01)
        import psutil

        children = psutil.Process(process.pid).children(recursive=True)
        workers = [c for c in children if "LokyProcess" in " ".join(c.cmdline())]
        workers[0].kill()
        out, err = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 0, err
    assert "A worker died; what it had not finished is done again." in out
    assert len(list(run.rglob("fit.json"))) == 4


def test_workers_that_die_again_and_again_are_told(monkeypatch, tmp_path):
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    class Deadly:
        def __init__(self, **how):
            pass

        def __call__(self, todo):
            raise TerminatedWorkerError("killed")

    class Job:
        folder = tmp_path / "fit"

    rounds = []

    def once(jobs):
        rounds.append(len(jobs))
        return engine.run_here(jobs, 1, tolerant=False)

    monkeypatch.setattr(engine.joblib, "Parallel", Deadly)
    with pytest.raises(StudyError, match="go on with --resume and fewer workers"):
        engine.until_done([Job()], once, Console(quiet=True))
    assert rounds == [1] * (1 + engine.DEATHS)


def test_torchrun_makes_one_fit_of_two_processes(tiny_plan, tools, tmp_path):
    """A whole study under torchrun: the first process keeps it, the other trains along."""
    run = tmp_path / "run"
    script = tmp_path / "script.py"
    script.write_text("from auricle.cli import main\nmain()\n", encoding="utf-8")
    call = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"]
    call += ["--rdzv-backend", "c10d", "--rdzv-endpoint", "127.0.0.1:0", script]
    call += ["study", tiny_plan, "--out", run, *WHERE, "--epochs", 2]
    done = subprocess.run(list(map(str, call)), capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    assert len(list(run.rglob("fit.json"))) == 4
    assert len(tools.scores_of(run)["configurations"]) == 2
    again = subprocess.run(list(map(str, [*call, "--resume"])), capture_output=True, text=True)
    assert again.returncode == 0, again.stderr


@pytest.mark.usefixtures("undrawn")
def test_a_search_on_a_cluster_is_that_of_one_machine(
    cluster, auricle, tiny_plan, tiny_set, tmp_path
):
    every = tomllib.loads(tiny_plan.read_text(encoding="utf-8"))["every"]
    recipe, space = tmp_path / "recipe.toml", tmp_path / "space.toml"
    recipe.write_text(tomli_w.dumps({"name": "tones", **every}), encoding="utf-8")
    values = {"training.learning_rate": {"low": 1e-4, "high": 0.1, "log": True}}
    table = {"name": "one", "recipe": str(recipe), "epochs": 1, "clip_s": 0.3, "values": values}
    space.write_text(tomli_w.dumps(table), encoding="utf-8")
    asked = ("tune", space, "--data", tiny_set, "--trials", 3, "--confirm", 0, "--seeds", 1)
    far, near = tmp_path / "far", tmp_path / "near"
    there = auricle(*asked, "--out", far, "--engine", "dask", "--address", cluster[0])
    here = auricle(*asked, "--out", near, "--workers", 1, "--device", "cpu")
    assert (there.code, here.code) == (0, 0), there.err + here.err

    def found(out):
        with (out / "trials.csv").open(encoding="utf-8", newline="") as stream:
            return [
                {k: v for k, v in row.items() if k != "seconds"} for row in csv.DictReader(stream)
            ]

    assert len(found(far)) == 3
    assert found(far) == found(near)


def test_a_scheduler_that_dies_is_told_in_one_line(
    cluster, scheduler, tiny_plan, tmp_path, monkeypatch
):
    monkeypatch.setenv("DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT", "2s")
    address, _ = cluster
    line = "from auricle.cli import main; main()"
    call = ["study", tiny_plan, "--out", tmp_path / "run", *WHERE, "--epochs", 20]
    call += ["--engine", "dask", "--address", address]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", line, *map(str, call)], **pipes) as process:
        with distributed.Client(address) as client:
            until = time.monotonic() + DEADLINE_S
            while not any(client.processing().values()):
                assert process.poll() is None, process.communicate()
                assert time.monotonic() < until
                time.sleep(0.05)
        scheduler[2][0].kill()
        _, err = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 1
    assert "go on with --resume" in err, err
    assert "Traceback" not in err, err
