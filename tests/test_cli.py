"""The command line itself: help that comes at once, exit codes, and no logic."""

import errno
import os
import subprocess
import sys
import time

import pytest

from auricle import __version__
from auricle.cli import app, main
from auricle.errors import AuricleError
from auricle.evidence.command import PARTS

COMMANDS = (
    "fetch",
    "audit",
    "study",
    "train",
    "tune",
    "evaluate",
    "evidence",
    "export",
    "report",
    "predict",
    "parity",
    "demo",
    "submit",
    "doctor",
)
HELP_S = 0.5


def run(monkeypatch, command):
    """`main` with what it would do put in its place."""
    monkeypatch.setattr("auricle.cli.app", command)
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code


def call(*arguments):
    """A command in this process: its exit code."""
    with pytest.raises(SystemExit) as ended:
        app([*arguments], exit_on_error=True)
    return ended.value.code


def test_help_answers_at_once(record_property, capsys):
    line = "import sys; sys.argv = ['auricle', '--help']; from auricle.cli import main; main()"
    seconds = []
    for _ in range(5):
        started = time.perf_counter()
        done = subprocess.run([sys.executable, "-c", line], capture_output=True, text=True)
        seconds.append(time.perf_counter() - started)
        assert done.returncode == 0, done.stderr
    with capsys.disabled():
        print(f" [auricle --help: {min(seconds):.2f} s] ", end="")

    assert all(command in done.stdout for command in COMMANDS)
    assert min(seconds) < HELP_S


def test_help_loads_nothing_heavy():
    line = (
        "import sys; from auricle.cli import app\n"
        "try: app(['study', '--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'numpy', 'sklearn', 'matplotlib', 'wandb', 'pydantic', 'soundfile'}\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)"
    )

    done = subprocess.run([sys.executable, "-c", line], capture_output=True, text=True, check=True)

    assert done.stderr.strip() == "[]"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(command, capsys):
    app([command, "--help"], result_action="return_value")

    told = capsys.readouterr().out
    assert "example" in told.lower()
    assert f"auricle {command}" in told


def test_the_questions_of_evidence_are_named_in_its_help(capsys):
    app(["evidence", "--help"], result_action="return_value")
    told = " ".join(capsys.readouterr().out.replace("│", " ").split())
    names = [*PARTS]
    assert f"There are {', '.join(names[:-1])} and {names[-1]}." in told


def test_there_are_no_commands_but_those_that_work(capsys):
    app(["--help"], result_action="return_value")

    lines = capsys.readouterr().out.splitlines()
    found = {line.split()[1] for line in lines if line.startswith("│ ") and line[2].isalpha()}
    assert found == set(COMMANDS)


def test_the_version_is_told(capsys):
    app(["--version"], result_action="return_value")

    assert capsys.readouterr().out.strip() == __version__


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("studdy",), "study"),
        (("study", "--sedes", "3"), "--seeds"),
        (("study", "--seeds", "three"), "three"),
        (("study", "--strategy", "loo"), "loo"),
        (("train",), "recipe"),
        (("predict",), "files"),
        (("fetch", "imagenet"), "imagenet"),
    ],
)
def test_a_wrong_call_is_told_and_exits_with_2(arguments, told, capsys):
    assert call(*arguments) == 2
    assert told.lower() in capsys.readouterr().err.lower()


def raising(problem):
    def command():
        raise problem

    return command


def test_a_mistake_is_told_in_one_line(monkeypatch, capsys):
    code = run(monkeypatch, raising(AuricleError("a.wav: empty; export it again")))

    assert code == 1
    assert capsys.readouterr().err == "auricle: a.wav: empty; export it again\n"


def test_a_full_disk_is_told_with_its_file(monkeypatch, capsys):
    full = OSError(errno.ENOSPC, "No space left on device", "run/scores.json")

    code = run(monkeypatch, raising(full))

    told = capsys.readouterr().err
    assert code == 1
    assert told.startswith("auricle: run/scores.json: No space left on device; free some space")
    assert told.count("\n") == 1


def test_a_stop_by_the_user_says_how_to_go_on(monkeypatch, capsys):
    assert run(monkeypatch, raising(KeyboardInterrupt())) == 130
    assert "--resume" in capsys.readouterr().err


@pytest.mark.parametrize("bug", [ValueError("a bug"), OSError(errno.EIO, "broken disk")])
def test_a_bug_keeps_its_traceback(monkeypatch, bug):
    monkeypatch.setattr("auricle.cli.app", raising(bug))

    with pytest.raises(type(bug)) as raised:
        main()
    assert raised.value is bug


@pytest.mark.parametrize(("answer", "code"), [(None, 0), (0, 0), (3, 3)])
def test_the_exit_code_is_that_of_the_command(monkeypatch, answer, code):
    assert run(monkeypatch, lambda: answer) == code


def test_a_full_disk_of_no_name_is_told_without_one(monkeypatch, capsys):
    assert run(monkeypatch, raising(OSError(errno.EDQUOT, "Disk quota exceeded"))) == 1
    assert capsys.readouterr().err.startswith("auricle: Disk quota exceeded; free some space")


def test_a_name_of_any_letters_is_told_where_output_has_few():
    asked = [sys.executable, "-c", "from auricle.cli import main; main()", "audit", "日本"]
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    told = subprocess.run(asked, env=environment, capture_output=True, timeout=60)
    assert told.returncode == 1
    assert told.stderr.decode().startswith("auricle: 日本: no such file or folder")
