"""The tutorial's commands, run as they stand."""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

ROOT = Path(__file__).parents[1]
TUTORIAL = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
LISTENS = "auricle demo doorbell"


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """A folder to work in, and the environment of its commands."""
    folder = tmp_path_factory.mktemp("tutorial")
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    caches = {"AURICLE_CACHE": str(folder / "cache"), "WANDB_MODE": "disabled", "BROWSER": "true"}
    return folder, os.environ | caches | {"PATH": programs}


@pytest.mark.timeout(600)
def test_every_command_of_the_tutorial_works_in_turn(desk):
    folder, environment = desk
    commands = re.findall(r"^```sh\n(.*?)^```$", TUTORIAL, re.DOTALL | re.MULTILINE)
    assert commands.pop().strip() == LISTENS  # it ends with its visitor alone: see below
    for command in commands:
        done = subprocess.run(
            ["bash", "-euc", command], cwd=folder, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"

    assert (folder / "runs/mine/report/report.html").is_file()
    answers = (folder / "answers.csv").read_text(encoding="utf-8").splitlines()
    assert len(answers) == 1 + 50
    in_python = re.search(r"^```python\n(.*?)^```$", TUTORIAL, re.DOTALL | re.MULTILINE)
    assert in_python
    clip = next((folder / "my-clips").rglob("*.flac")).relative_to(folder)
    code = in_python[1].replace("my-clips/dog/bark-1.wav", clip.as_posix())
    assert clip.as_posix() in code
    said = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert re.fullmatch(r"(unknown|\w+ \(\d+\.\d%\))\n", said.stdout), said.stderr
    assert health_of_the_page(folder, environment)["status"] == "ok"


def health_of_the_page(folder, environment):
    """What the page of the tutorial's last command says of itself, once it listens."""
    page = subprocess.Popen(
        [*LISTENS.split(), "--port", "0"],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        address = re.search(r"http://\S+/", page.stdout.readline())
        assert address
        for _ in range(100):
            try:
                with urlopen(f"{address[0]}healthz", timeout=5) as answer:
                    return json.load(answer)
            except URLError:
                time.sleep(0.1)
        raise AssertionError("the page does not answer")
    finally:
        page.terminate()
        page.communicate()
