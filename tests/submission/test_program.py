"""The one file: it stands alone, it reads well, and it does what the package does."""

import ast
import csv
import os
import subprocess
import sys

import pytest
import torch

from auricle.network.classifier import SoundClassifier
from auricle.study.fits import load_fit
from auricle.study.recipe import Recipe, from_table
from auricle.submission.program import LIBRARIES, write_program

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


def test_every_import_stands_once_and_at_the_head(program_file):
    tree = ast.parse(program_file.read_text(encoding="utf-8"))
    head = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    everywhere = [n for n in ast.walk(tree) if isinstance(n, ast.Import | ast.ImportFrom)]
    assert len(head) == len(everywhere)
    bound = [alias.asname or alias.name for node in head for alias in node.names]
    assert len(bound) == len(set(bound))


def test_it_is_formatted_and_free_of_what_a_linter_finds(program_file):
    formatted = ["ruff", "format", "--isolated", "--line-length=100", "--check", program_file]
    subprocess.run([sys.executable, "-m", *formatted], check=True)
    rules = ["ruff", "check", "--isolated", "--line-length=100", "--select=E,F,W,I,N,B,C4"]
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
        weights = kept.network.state_dict()
        for known in ("texture.typical", "texture.spread"):  # of unknown sounds, which it has not
            weights.pop(known)
        theirs.load_state_dict(weights)
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
