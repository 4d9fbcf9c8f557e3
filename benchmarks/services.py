"""Schedulers, workers and databases that are started for a while, on this machine."""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import distributed


@contextmanager
def dask_cluster(workers: int) -> Iterator[str]:
    """A scheduler and its workers, each a process of this machine; the scheduler's address."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as ends:
        file = Path(folder) / "scheduler.json"

        def begin(program: str, *arguments: object) -> None:
            call = [sys.executable, "-m", f"distributed.cli.{program}", "--scheduler-file", file]
            call += ["--no-dashboard", *arguments]
            process = subprocess.Popen(
                list(map(str, call)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            ends.callback(process.wait)
            ends.callback(process.kill)

        begin("dask_scheduler", "--host", "127.0.0.1", "--port", 0)
        while not (file.exists() and file.read_text()):
            time.sleep(0.05)
        for _ in range(workers):
            begin("dask_worker", "--nthreads", 1, "--no-nanny", "--local-directory", folder)
        address = str(json.loads(file.read_text())["address"])
        with distributed.Client(address) as client:
            client.wait_for_workers(workers)
        yield address


def postgresql_programs() -> Path | None:
    """Where the system's package keeps the server's programs; None without it."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else None


@contextmanager
def postgresql(programs: Path) -> Iterator[str]:
    """A PostgreSQL server with a data folder of its own; its URL."""
    # It refuses to run as root: then the user that its package made runs it.
    as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        Path(folder).chmod(0o777)
        data = f"{folder}/data"

        def run(program: str, *arguments: str) -> None:
            call = [*as_user, str(programs / program), *arguments]
            subprocess.run(call, check=True, stdout=subprocess.DEVNULL, cwd="/")

        run("initdb", "-D", data, "-U", "auricle", "-A", "trust")
        options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1"
        run("pg_ctl", "-D", data, "-w", "-l", f"{folder}/log", "-o", options, "start")
        try:
            yield f"postgresql+psycopg://auricle@127.0.0.1:{port}/postgres"
        finally:
            run("pg_ctl", "-D", data, "-m", "immediate", "stop")
