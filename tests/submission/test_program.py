"""The one file: it stands alone, it reads well, and it does what the package does."""

import ast
import csv
import io
import os
import re
import subprocess
import sys
import tomllib
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np
import pytest
import torch

from auricle.network.classifier import SoundClassifier
from auricle.study.fits import load_fit
from auricle.study.recipe import Recipe, from_table
from auricle.submission.program import LIBRARIES, PYTHON, write_program

HERE = Path(__file__).parents[2]

# A study is trained first, and then the file: on a busy machine that takes its time.
pytestmark = pytest.mark.timeout(900)

ALLOWED = {"torch", "numpy", "soundfile", "soxr", "sklearn", "matplotlib", "wandb"}

ALONE = """
import builtins, runpy, sys

file, allowed = sys.argv[1], set(sys.argv[2].split(","))
original = builtins.__import__

def guarded(name, globals=None, locals=None, fromlist=(), level=0):
    top = name.partition(".")[0]
    asks = (globals or {}).get("__file__") == file and not level
    if top == "auricle" or (asks and top not in allowed | set(sys.stdlib_module_names)):
        raise ImportError(f"{name} is not in an empty environment")
    return original(name, globals, locals, fromlist, level)

builtins.__import__ = guarded
sys.argv = [file, *sys.argv[3:]]
runpy.run_path(file, run_name="__main__")
"""


def run_alone(file, *arguments):
    """Run the file in a Python of its own, to which this project and most packages are unknown."""
    command = [sys.executable, "-I", "-c", ALONE, str(file), ",".join(ALLOWED)]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "WANDB_MODE": "offline"}
    return subprocess.run(
        [*command, *map(str, arguments)], env=environment, capture_output=True, text=True
    )


def table(file):
    with file.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture(scope="module")
def results(program_file, tiny_esc, tmp_path_factory):
    """What the file leaves when it runs alone, test fold and search included."""
    out = tmp_path_factory.mktemp("results")
    ended = run_alone(program_file, "--data", tiny_esc, "--out", out, "--test", "--tune", 2)
    assert ended.returncode == 0, ended.stderr
    (out / "said.txt").write_text(ended.stdout, encoding="utf-8")
    return out


def test_it_imports_what_the_course_allows_and_nothing_else(program_file):
    tree = ast.parse(program_file.read_text(encoding="utf-8"))
    tops = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            tops |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            tops.add(str(node.module).split(".")[0])
    assert tops - set(sys.stdlib_module_names) == ALLOWED
    assert len(LIBRARIES) == len(ALLOWED)


def test_the_versions_that_it_asks_for_are_those_of_the_project(program_file):
    project = tomllib.loads((HERE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert {f"{name}{version}" for name, version in LIBRARIES.items()} <= {*project["dependencies"]}
    assert project["requires-python"] == PYTHON
    head = " ".join(ast.get_docstring(ast.parse(program_file.read_text("utf-8"))).split())
    assert f"Python {PYTHON}, torch {LIBRARIES['torch']}, " in head
    assert f"wandb {LIBRARIES['wandb']}." in head


def test_it_speaks_of_no_file_and_no_option_that_it_has_not(program, program_file):
    text = program_file.read_text(encoding="utf-8")
    for elsewhere in (
        "AURICLE_",
        "docs/",
        ".html",
        ".md",
        ".toml",
    ):
        assert elsewhere not in text
    with pytest.raises(SystemExit), redirect_stdout(io.StringIO()) as said:
        program.main((), 0.3, ["--help"])
    told = {*re.findall(r"(?<![\w-])--[a-z][a-z-]+", text)}
    assert told <= {*re.findall(r"--[a-z][a-z-]+", said.getvalue())}
    speaks = [line for line in text.splitlines() if "auricle" in line]
    assert len(speaks) == 1  # what it was made with
    assert not re.findall(r"training\.(?!learning_rate\b|weight_decay\b|epochs\b)\w+['\"`]", text)


def test_it_opens_with_the_network_and_its_configurations(program_file):
    text = program_file.read_text(encoding="utf-8")
    order = (
        "class MelSpectrum",
        "class Base(",
        "class MultiHeadAttention",
        "RECIPES = (",
        "def fit(",
    )
    places = [text.index(each) for each in (*order, "def load_wave(", "def replace_bytes(")]
    assert places == sorted(places)


def test_every_import_stands_once_and_at_the_head(program_file):
    tree = ast.parse(program_file.read_text(encoding="utf-8"))
    head = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    everywhere = [n for n in ast.walk(tree) if isinstance(n, ast.Import | ast.ImportFrom)]
    assert len(head) == len(everywhere)
    bound = [alias.asname or alias.name for node in head for alias in node.names]
    assert len(bound) == len(set(bound))


def test_it_is_formatted_and_free_of_what_a_linter_finds(program_file):
    formatted = ["ruff", "format", "--isolated", "--line-length=99", "--check", program_file]
    subprocess.run([sys.executable, "-m", *formatted], check=True)
    rules = ["ruff", "check", "--isolated", "--line-length=99", "--select=E,F,W,I,N,B,C4"]
    rules += ["--ignore=N812", "--config=lint.isort.no-lines-before=[]", program_file]
    subprocess.run([sys.executable, "-m", *rules], check=True)


def test_the_networks_give_the_logits_of_the_packages_from_the_same_weights(
    program, tiny_study, study
):
    wave = torch.randn(3, 2400, generator=torch.Generator().manual_seed(0))
    assert [recipe.name for recipe in program.RECIPES] == ["cnn", "transformer-h2"]
    for recipe in program.RECIPES:
        kept = load_fit(tiny_study / recipe.name / "kfold" / "fold-2" / "seed-0")
        theirs = program.SoundClassifier(recipe.network, 3)
        assert not isinstance(theirs, SoundClassifier)
        theirs.load_state_dict(kept.network.state_dict())
        ours, attention = kept.network.eval()(wave)
        same, same_attention = theirs.eval()(wave)
        assert torch.equal(ours, same)
        assert (attention is None) == (same_attention is None)
        if attention is not None:
            assert torch.equal(attention, same_attention)


def test_every_value_of_the_studys_recipes_is_that_of_the_file(program, study):
    for recipe, told in zip(program.RECIPES, study.plan["configurations"], strict=True):
        ours = from_table(Recipe, told, "study.toml")
        assert repr(recipe) == repr(ours)


def test_the_same_seed_gives_the_history_of_the_package(results, tiny_study):
    compared = sorted(tiny_study.glob("*/*/*/seed-0/history.csv"))
    compared = [file for file in compared if "esc5" not in file.parts]
    assert len(compared) == 6  # two configurations, two folds and the refit
    for file in compared:
        assert file.read_bytes() == (results / file.relative_to(tiny_study)).read_bytes()


def test_the_scores_are_those_of_the_study(results, tiny_study):
    key = ("configuration", "strategy", "member", "on")
    scored = ("accuracy", "accuracy_low", "f1_macro", "f1_weighted", "auc_macro")
    ours = {
        tuple(row[name] for name in key): row
        for row in table(tiny_study / "comparison.csv")
        if row["seed"] == "0" and row["strategy"] != "esc5"
    }
    found = [row for row in table(results / "comparison.csv") if "searched" not in row[key[0]]]
    assert {tuple(row[name] for name in key) for row in found} == {*ours}
    for row in found:
        same = ours[tuple(row[name] for name in key)]
        for name in (*scored, "parameters_trainable", "parameters_fixed", "clips"):
            if row[name] or same[name]:
                assert float(row[name]) == pytest.approx(float(same[name]), abs=1e-5), (row, name)


def test_it_draws_and_prints_everything_that_is_asked_for(results):
    for name in ("cnn", "transformer-h2"):
        for kind in ("curves", "confusion", "roc"):
            assert (results / "plots" / f"{kind}-{name}.png").stat().st_size > 5_000
    said = (results / "said.txt").read_text(encoding="utf-8")
    assert "36 clips of 3 categories in 3 folds, from 18 recordings; on cpu" in said
    assert "F1 macro" in said
    assert "epoch 3 of 3, base and head; training loss " in said
    assert "; with the texture " in said
    assert said.count("confusion matrix:") == 2 * 4 + said.count("searched-1, kfold, out") * 4
    parts = {(row["configuration"], row["part"]) for row in table(results / "parameters.csv")}
    assert ("transformer-h2", "head") in parts


def test_every_fit_is_a_run_of_weights_and_biases_epoch_by_epoch(results):
    fits = sorted(results.glob("cnn/*/*/seed-0"))
    assert len(fits) == 3
    for fit in fits:
        (run,) = fit.glob("wandb/offline-run-*/run-*.wandb")
        assert run.read_bytes().count(b"train/accuracy") >= 3  # epochs


def test_the_search_keeps_a_row_a_trial_and_never_hears_the_test_fold(results):
    rows = table(results / "trials.csv")
    assert [row["recipe"] for row in rows] == ["cnn"] * 2 + ["transformer-h2"] * 2
    assert len({row["learning_rate"] for row in rows[:2]}) == 2
    assert not list((results / "tuning").glob("*/refit"))
    configurations = {row["configuration"] for row in table(results / "comparison.csv")}
    for name in ("cnn", "transformer-h2"):
        own = [row for row in rows if row["recipe"] == name]
        best = min(own, key=lambda row: float(row["log_loss"]))
        assert (f"{name}-searched-1" in configurations) == (best["trial"] == "1")


def test_clips_are_decoded_once_for_all_that_is_trained(results):
    stores = [file for file in results.rglob("*.npy") if file.name.startswith("waves-")]
    assert len(stores) == 2  # development folds, test fold
    assert {file.parent for file in stores} == {results / "waves"}


def test_a_search_of_more_trials_goes_on(program, tiny_esc, tmp_path, capsys):
    asked = ["--data", str(tiny_esc), "--out", str(tmp_path), "--only", "cnn", "--epochs", "1"]
    asked += ["--wandb", "disabled", "--tune"]
    assert program.main(program.RECIPES, program.CLIP_S, [*asked, "2"]) == 0
    before = table(tmp_path / "trials.csv")
    begun = {file: file.stat().st_mtime_ns for file in tmp_path.rglob("weights.pt")}
    assert program.main(program.RECIPES, program.CLIP_S, [*asked, "4"]) == 0
    after = table(tmp_path / "trials.csv")
    assert [row["trial"] for row in after] == ["0", "1", "2", "3"]
    assert after[:2] == before
    assert {file: file.stat().st_mtime_ns for file in begun} == begun
    drawn = [value for row in after for value in [*row.values()][2:]]
    assert max(map(len, drawn)) <= 11  # 0.30000000000000004 is 0.3
    with pytest.raises(SystemExit):
        program.main(program.RECIPES, program.CLIP_S, [*asked, "1"])
    assert "1 searches nothing" in capsys.readouterr().err


def test_base_and_head_can_be_trained_alone(program, tiny_esc, tmp_path, capsys):
    asked = ["--data", str(tiny_esc), "--out", str(tmp_path), "--only", "cnn", "--epochs", "1"]
    asked += ["--wandb", "disabled", "--without-texture"]
    assert program.main(program.RECIPES, program.CLIP_S, asked) == 0
    parts = {(row["configuration"], row["part"]) for row in table(tmp_path / "parameters.csv")}
    assert parts == {
        ("cnn-without-texture", part) for part in ("frontend", "base", "head", "total")
    }
    said = capsys.readouterr().out
    assert "epoch 1 of 1; training loss " in said
    assert "with the texture" not in said


def test_curves_are_of_what_learns_and_dotted_of_the_whole(program, tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(program, "save_figure", lambda figure, file: drawn.append(figure))
    whole, learns = np.full((2, 3), 1.0), np.array([[0.1, 0.5, 0.7], [0.3, 0.5, 0.9]])
    parts = ("train", "val")
    columns = {f"{part}_{name}": whole for part in parts for name in ("loss", "accuracy")}
    columns |= {f"{part}_events_{name}": learns for part in parts for name in ("loss", "accuracy")}
    program.draw_curves("cnn", columns, tmp_path)
    for axes in drawn[0].axes:
        lines = {line.get_label(): line for line in axes.lines}
        assert lines["training"].get_ydata().tolist() == learns.mean(0).tolist()
        assert lines["training, with texture"].get_ydata().tolist() == [1.0, 1.0, 1.0]
        assert lines["validation, with texture"].get_linestyle() == ":"
    for part in parts:
        columns |= {f"{part}_events_{name}": whole * np.nan for name in ("loss", "accuracy")}
    program.draw_curves("cnn", columns, tmp_path)
    for axes in drawn[1].axes:
        assert [line.get_label() for line in axes.lines] == ["training", "validation"]


def test_an_end_of_an_interval_that_is_nothing_is_printed_as_nothing(program):
    score = {"value": 0.1, "low": 0.0, "high": None}
    entry = {"strategy": "kfold", "on": "test", "member": "mean", "seed": "0", "auc_macro": None}
    entry |= {"accuracy": score, "f1_macro": score}
    size = {"total": {"trainable": 1, "fixed": 0}}
    lines = list(program.lines_of([{"name": "cnn", "parameters": size, "scores": [entry]}]))
    assert "10.0 [  0.0,   nan]" in lines[-2]


def test_without_test_the_test_fold_is_not_decoded(program, tiny_esc, tmp_path, capsys):
    for file in (tiny_esc / "audio").glob("*-1-*.wav"):
        assert file.name.split("-")[1] == "1"
    broken = tmp_path / "ESC-50"
    copy_without_sound(tiny_esc, broken, fold="1")
    arguments = ["--data", broken, "--out", tmp_path / "out", "--quick", "--only", "cnn"]
    arguments = [str(each) for each in (*arguments, "--wandb", "disabled")]
    assert program.main(program.RECIPES, program.CLIP_S, arguments) == 0
    strategies = {row["on"] for row in table(tmp_path / "out" / "comparison.csv")}
    assert strategies == {"out-of-fold"}
    other = [*arguments, "--epochs", "2"]
    other.remove("--quick")
    assert program.main(program.RECIPES, program.CLIP_S, other) == 1
    assert "begun with other values" in capsys.readouterr().err
    assert program.main(program.RECIPES, program.CLIP_S, [*arguments, "--test"]) == 1
    assert "empty, 0 bytes" in capsys.readouterr().err


def copy_without_sound(source, folder, fold):
    """The same set, the files of one fold empty."""
    for file in source.rglob("*"):
        if file.is_file():
            place = folder / file.relative_to(source)
            place.parent.mkdir(parents=True, exist_ok=True)
            empty = file.suffix == ".wav" and file.name.split("-")[1] == fold
            place.write_bytes(b"" if empty else file.read_bytes())


def test_what_a_user_can_mend_is_told_in_one_line(program, tmp_path, capsys):
    assert program.main(program.RECIPES, 0.3, ["--data", str(tmp_path)]) == 1
    told = capsys.readouterr().err
    assert told.startswith("error: ")
    assert "neither ESC-10" in told
    assert told.count("\n") == 1


def test_a_study_of_an_older_release_gives_todays_configurations_and_says_so(study):
    from dataclasses import replace

    older = {**study.plan["configurations"][0], "network": {"base": {"width": 64}}}
    strange = replace(study, plan={**study.plan, "configurations": [older]})
    program = write_program(strange, name="Ada", roll="X1")
    assert program.strange
    assert "older release" in program.text
    assert [recipe.name for recipe in program.recipes][1:] == [
        f"transformer-h{heads}" for heads in (1, 2, 4)
    ]
    assert {recipe.training.epochs for recipe in program.recipes} == {100}
