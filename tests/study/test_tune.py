"""A search in small: two values of a network of a few weights, on tones."""

import csv
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import tomllib

import optuna
import psutil
import pytest
import soundfile as sf
import tomli_w
from benchmarks.services import postgresql, postgresql_programs
from optuna.trial import TrialState

from auricle.data import store as stores
from auricle.study import trials
from auricle.study import tune as tuning
from auricle.study.choice import smallest_of_the_best
from auricle.study.recipe import read_recipe

pytestmark = pytest.mark.usefixtures("undrawn")

TRIALS = 6
LINE = "from auricle.cli import main; main()"
VALUES = """
[values]
"training.learning_rate" = { low = 1e-4, high = 0.1, log = true }
"training.batch" = { choices = [4, 6] }
"""


@pytest.fixture(scope="module")
def space(tiny_plan, tmp_path_factory):
    """The tiny plan's recipe, and what is searched around it."""
    folder = tmp_path_factory.mktemp("space")
    every = tomllib.loads(tiny_plan.read_text(encoding="utf-8"))["every"]
    (folder / "recipe.toml").write_text(tomli_w.dumps({"name": "tones", **every}), encoding="utf-8")
    path = folder / "small.toml"
    recipe = json.dumps(str(folder / "recipe.toml"))
    path.write_text(
        f'name = "small"\nrecipe = {recipe}\nepochs = 2\nclip_s = 0.3\n{VALUES}', encoding="utf-8"
    )
    return path


@pytest.fixture
def search(auricle, space, tiny_set):
    def call(out, *more, trials=TRIALS):
        asked = ("--data", tiny_set, "--out", out)
        asked += ("--trials", trials, "--workers", 1, "--device", "cpu")
        return auricle("tune", space, *asked, *more)

    return call


@pytest.fixture(scope="module")
def found(space, tiny_set, cache, tmp_path_factory):
    """A finished search. Read it, leave it alone."""
    out = tmp_path_factory.mktemp("found") / "small"
    with pytest.MonkeyPatch.context() as monkeypatch:
        for name, value in {
            "AURICLE_CACHE": str(cache),
            "OMP_NUM_THREADS": "1",
            "LOKY_MAX_CPU_COUNT": "1",
        }.items():
            monkeypatch.setenv(name, value)
        asked = ["--data", tiny_set, "--out", out, "--trials", TRIALS, "--workers", 1]
        asked += ["--confirm", 2, "--seeds", 2]
        call = [sys.executable, "-c", LINE, "tune", space, *asked]
        done = subprocess.run(list(map(str, call)), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return out, done.stdout


def rows_of(out):
    with (out / "trials.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_a_search_leaves_its_trials_and_its_best_recipe(found):
    out, said = found
    rows = rows_of(out)
    assert [int(row["trial"]) for row in rows] == list(range(TRIALS))
    best = read_recipe(str(out / "best.toml"))
    assert best.name == "small-tuned"
    assert best.training.epochs == 3  # the recipe's own, not a trial's two
    assert f"{TRIALS} of {TRIALS} done" in said
    assert f"small: {TRIALS} trials of 2 fits, 2 epochs each; about " in said
    assert "best.toml" in said
    assert (out / "report" / "report.pdf").read_bytes().startswith(b"%PDF")


def test_the_recipe_as_it_is_goes_first(found):
    first = rows_of(found[0])[0]
    assert float(first["training.learning_rate"]) == 0.02
    assert first["training.batch"] == "6"
    assert first["state"] == "complete"


def test_a_score_is_that_of_its_out_of_fold_predictions(found, tools):
    import numpy as np

    out, _ = found
    for row in rows_of(out):
        if row["state"] != "complete":
            continue
        losses, hits = [], []
        for file in sorted((out / "trials" / row["fits"]).glob("kfold/fold-*/seed-0/*.npz")):
            kept = np.load(file)
            names = json.loads((file.parent / "fit.json").read_text(encoding="utf-8"))["categories"]
            own = [names.index(name) for name in kept["categories"]]
            probabilities = kept["probabilities"].astype(float)
            losses += list(-np.log(probabilities[np.arange(len(own)), own]))
            hits += list(probabilities.argmax(1) == own)
        assert float(row["score"]) == pytest.approx(np.mean(losses), rel=1e-4)
        assert float(row["accuracy"]) == pytest.approx(np.mean(hits))


def test_the_best_few_are_confirmed_beside_the_recipe_as_it_is(found, tools):
    out, _ = found
    told = json.loads((out / "tuning.json").read_text(encoding="utf-8"))
    names = [each["name"] for each in tools.scores_of(out / "confirm")["configurations"]]
    assert names[0] == "as-it-is"
    assert len(names) == 3
    assert set(told["confirmed"]) == set(names)
    for each in tools.scores_of(out / "confirm")["configurations"]:
        (row,) = (
            row
            for row in each["scores"]
            if (row["strategy"], row["member"], row["seed"]) == ("kfold", "pooled", "mean")
        )
        accuracy = told["confirmed"][each["name"]]["accuracy"]
        assert accuracy == pytest.approx(row["accuracy"]["value"])
    seeds = {name: told["confirmed"][name]["log_losses"] for name in names}
    assert {len(losses) for losses in seeds.values()} == {2}
    least = min(names, key=lambda name: sum(seeds[name]))
    assert told["chosen"] == least  # networks of equal size
    assert set(told["new_seeds"]) == {"best", "as it is"}
    assert [len(scores) for scores in told["new_seeds"].values()] == [3, 3]
    searched = {int(row["trial"]): row for row in rows_of(out)}
    best = searched[told["best_trial"]]
    assert told["new_seeds"]["best"][0] == pytest.approx(float(best["score"]), rel=1e-4)


def test_no_weights_of_trials_are_kept(found):
    assert not list((found[0] / "trials").rglob("*.safetensors"))


def test_a_search_that_goes_on_repeats_nothing(found, search, tmp_path, monkeypatch):
    out = tmp_path / "small"
    assert search(out, "--confirm", 0, trials=3).code == 0
    before = {path: path.stat().st_mtime_ns for path in out.rglob("fit.json")}
    rows = rows_of(out)

    refused = search(out)
    assert refused.code == 1
    assert "go on with --resume" in refused.err
    assert search(out, "--confirm", 0, "--resume").code == 0

    assert {path: path.stat().st_mtime_ns for path in before} == before
    after = rows_of(out)
    assert len(after) == TRIALS
    assert after[:3] == rows


def test_a_search_goes_on_from_where_it_began_without_being_told_so(
    auricle, space, tiny_set, tmp_path
):
    other = tmp_path / "other.toml"
    recipe = space.parent / "recipe.toml"
    other.write_text(recipe.read_text(encoding="utf-8").replace("tones", "other"), encoding="utf-8")
    asked = ("--data", tiny_set, "--out", tmp_path / "run", "--confirm", 0, "--workers", 1)
    begun = auricle("tune", space, *asked, "--trials", 1, "--epochs", 1, "--recipe", other)
    assert begun.code == 0, begun.err
    told = auricle("tune", space, *asked, "--trials", 2, "--resume")
    assert told.code == 0, told.err
    assert len(rows_of(tmp_path / "run")) == 2
    refused = auricle("tune", space, *asked, "--trials", 3, "--resume", "--recipe", recipe)
    assert "another search is here" in refused.err


def test_the_best_recipe_is_a_plan_as_it_is(found, auricle, tiny_set, tmp_path, tools):
    best = found[0] / "best.toml"
    asked = ("--data", tiny_set, "--set", "training.epochs=1", "--device", "cpu", "--workers", 1)
    told = auricle("study", best, *asked, "--out", tmp_path / "run")
    assert told.code == 0, told.err
    assert [each["name"] for each in tools.scores_of(tmp_path / "run")["configurations"]] == [
        "small-tuned"
    ]


def test_a_search_whose_trials_stand_in_a_database_asks_for_it(search, tmp_path):
    database = ("--storage", f"sqlite:///{tmp_path / 'trials.db'}", "--confirm", 0)
    assert search(tmp_path / "run", *database, trials=1).code == 0
    refused = search(tmp_path / "run", "--confirm", 0, "--resume")
    assert refused.code == 1
    assert "keeps its trials elsewhere; give its --storage" in refused.err


def test_a_storage_holds_searches_of_one_name(search, tmp_path):
    database = ("--storage", f"sqlite:///{tmp_path / 'trials.db'}", "--confirm", 0)
    assert search(tmp_path / "one", *database, trials=1).code == 0
    assert search(tmp_path / "two", *database, "--epochs", 1, trials=1).code == 0
    assert len(rows_of(tmp_path / "two")) == 1


def test_trials_of_other_code_are_told(search, tmp_path):
    assert search(tmp_path / "run", "--confirm", 0, trials=1).code == 0
    kept = tmp_path / "run/environment.json"
    told = json.loads(kept.read_text(encoding="utf-8"))
    kept.write_text(json.dumps(told | {"code": "of old"}), encoding="utf-8")
    assert "by other code than today's" in search(tmp_path / "run", "--resume", trials=1).out


def a_search_of(scores):
    """Trials of two values, of which the first alone decides the score."""
    study = optuna.create_study()
    ranges = {key: optuna.distributions.FloatDistribution(0, 1) for key in ("tells", "idle")}
    for at, score in enumerate(scores):
        drawn = {"tells": score, "idle": (0.37 * at) % 1}
        study.add_trial(optuna.trial.create_trial(params=drawn, distributions=ranges, value=score))
    return study


def test_importance_is_told_beside_what_chance_gives(monkeypatch):
    monkeypatch.setattr(trials, "DEALS", 40)
    study = a_search_of([at / 20 for at in range(20)])
    shares, chance = trials.importances(study), trials.importances_by_chance(study)
    assert shares["tells"] > chance["tells"][1] > chance["tells"][0] > 0
    assert shares["idle"] < chance["idle"][1]
    assert sum(shares.values()) == pytest.approx(1)
    few = a_search_of([0.1, 0.2])
    assert trials.importances(few) == trials.importances_by_chance(few) == {}


def test_equal_searches_find_equal_trials(found, search, tmp_path):
    assert search(tmp_path / "again", "--confirm", 0).code == 0
    timeless = [
        [{k: v for k, v in row.items() if k != "seconds"} for row in rows_of(out)]
        for out in (found[0], tmp_path / "again")
    ]
    assert timeless[0] == timeless[1]


def test_a_killed_search_loses_nothing(space, tiny_set, search, tmp_path, cache):
    out = tmp_path / "killed"
    call = [sys.executable, "-c", LINE, "tune", space, "--data", tiny_set, "--out", out]
    call += ["--trials", TRIALS, "--workers", 1, "--epochs", 15, "--confirm", 0, "--device", "cpu"]
    pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(list(map(str, call)), **pipes) as process:
        until = time.monotonic() + 90
        while not list(out.rglob("fit.json")):
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < until
            time.sleep(0.01)
        children = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        process.wait()
        for child in children:
            child.kill()
        psutil.wait_procs(children, timeout=30)
    done = {path: path.stat().st_mtime_ns for path in out.rglob("fit.json")}

    told = search(out, "--epochs", 15, "--confirm", 0, "--resume")

    assert told.code == 0, told.err
    assert len(rows_of(out)) == TRIALS
    assert {path: path.stat().st_mtime_ns for path in done} == done
    first = rows_of(out)[0]
    assert float(first["training.learning_rate"]) == 0.02  # asked for again, as the first was lost


def test_fold_1_is_never_decoded(search, tmp_path, monkeypatch):
    opened = []
    load = stores.load_wave
    monkeypatch.setattr(
        stores,
        "load_wave",
        lambda path, *rest, **more: opened.append(path) or load(path, *rest, **more),
    )
    monkeypatch.setenv("AURICLE_CACHE", str(tmp_path / "cache"))
    assert search(tmp_path / "run", "--confirm", 1, "--seeds", 1, trials=2).code == 0
    assert opened
    assert not [path for path in opened if path.name.startswith("1-")]
    assert not list((tmp_path / "run").rglob("test.npz"))
    assert not list((tmp_path / "run").rglob("test_reads.csv"))


def test_a_trial_that_cannot_be_trained_does_not_stop_the_search(search, tmp_path, monkeypatch):
    real = tuning.run_jobs

    def run_jobs(jobs, workers, console, title, engine):
        bad = {
            job.folder: "the loss is no number" for job in jobs if job.recipe.training.batch == 4
        }
        left = [job for job in jobs if job.folder not in bad]
        return real(left, workers, console, title, engine) | bad

    monkeypatch.setattr(tuning, "run_jobs", run_jobs)
    told = search(tmp_path / "run", "--confirm", 0)
    assert told.code == 0, told.err
    rows = rows_of(tmp_path / "run")
    assert len(rows) == TRIALS
    assert all(row["state"] == "pruned" for row in rows if row["training.batch"] == "4")
    assert "the loss is no number" in told.out


@pytest.fixture
def database():
    """The URL of a PostgreSQL server of its own, from the system's package."""
    programs = postgresql_programs()
    if programs is None and not os.environ.get("CI"):
        pytest.skip("PostgreSQL is not installed here")
    with postgresql(programs) as url:
        yield url


def test_two_tuners_give_out_exactly_as_many_trials_as_asked(space, tiny_set, tmp_path, database):
    url = database
    asked = ["--data", tiny_set, "--trials", TRIALS, "--workers", 1, "--device", "cpu"]
    asked += ["--confirm", 0, "--seeds", 1, "--together", 2, "--storage", url]
    calls = [
        [sys.executable, "-c", LINE, "tune", space, "--out", tmp_path / name, *asked]
        for name in ("one", "other")
    ]
    both = [
        subprocess.Popen(
            list(map(str, call)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for call in calls
    ]
    told = [process.communicate(timeout=200) for process in both]
    assert [process.returncode for process in both] == [0, 0], told
    storage = optuna.storages.RDBStorage(url)
    (study,) = optuna.get_all_study_summaries(storage)
    kept = optuna.load_study(study_name=study.study_name, storage=storage).trials
    storage.remove_session()
    storage.engine.dispose()
    finished = [t for t in kept if t.state in trials.FINISHED]
    assert len(finished) == TRIALS
    assert len({t.user_attrs["owner"]["pid"] for t in finished}) == 2
    assert sum(bool(t.user_attrs.get("as_it_is")) for t in kept) == 1
    assert not [t for t in kept if t.state in (TrialState.RUNNING, TrialState.WAITING)]


def test_a_search_can_be_taken_further_after_it_was_confirmed(search, tmp_path, tools):
    more = ("--confirm", 1, "--seeds", 1, "--resume")
    assert search(tmp_path / "run", *more, trials=2).code == 0
    before = {each["name"] for each in tools.scores_of(tmp_path / "run/confirm")["configurations"]}
    told = search(tmp_path / "run", *more, trials=TRIALS)
    assert told.code == 0, told.err
    after = {each["name"] for each in tools.scores_of(tmp_path / "run/confirm")["configurations"]}
    assert before <= after


def test_other_clips_are_another_search(search, tiny_set, tmp_path, auricle, space):
    assert search(tmp_path / "run", "--confirm", 0, "--seeds", 1, trials=1).code == 0
    other = shutil.copytree(tiny_set, tmp_path / "other")
    changed = next(other.rglob("2-0.wav"))
    wave, rate_hz = sf.read(changed)
    sf.write(changed, wave / 2, rate_hz)
    asked = ("--out", tmp_path / "run", "--trials", 1, "--resume", "--confirm", 0, "--workers", 1)
    refused = auricle("tune", space, "--data", other, *asked)
    assert refused.code == 1
    assert "begun with other clips or folds" in refused.err


def test_a_trial_behind_the_median_of_its_folds_is_stopped():
    study = optuna.create_study(pruner=trials.BehindTheMiddle())
    for half, whole in ((0.1, 0.9), (0.2, 0.5), (0.3, None), (0.4, None)):
        values = {2: half} if whole is None else {2: half, 4: whole}
        state = TrialState.PRUNED if whole is None else TrialState.COMPLETE
        study.add_trial(
            optuna.trial.create_trial(state=state, value=whole, intermediate_values=values)
        )

    def stopped(**values):
        trial = study.ask()
        for step, value in values.items():
            trial.report(value, int(step[1:]))
        return trial.should_prune()

    assert not stopped(_2=9.0)  # of four others the median says too little
    assert not stopped(_2=0.3)  # five others: 0.1, 0.2, 0.3, 0.4, 9.0
    assert stopped(_2=0.31)
    assert not stopped(_2=0.29, _4=0.9)  # two others came as far
    assert not stopped()


def test_a_search_stops_what_falls_behind_and_no_other(search, tmp_path, monkeypatch):
    monkeypatch.setattr(trials, "EARLIEST", 1)
    assert search(tmp_path / "run", "--confirm", 0, "--together", 2, trials=8).code == 0
    rows = rows_of(tmp_path / "run")
    assert {(row["state"], row["folds"]) for row in rows} == {("complete", "2"), ("pruned", "1")}


def test_the_smallest_that_chance_may_have_put_behind_the_best_is_chosen():
    choose = smallest_of_the_best
    losses = {"large": [0.10, 0.14], "small": [0.13, 0.14], "tiny": [0.15, 0.16]}
    sizes = {"large": 900, "small": 300, "tiny": 100}
    # The best: 0.12, give or take 0.028 by its seeds, 0.02 as a mean of two.
    assert choose(losses, sizes) == "small"
    assert choose(losses, sizes, spread=0.01) == "large"
    assert choose(losses, sizes, spread=0.1) == "tiny"
    assert choose(losses, dict.fromkeys(sizes, 500)) == "large"  # of equal ones the better
    assert choose({"one": [0.2], "two": [0.1]}, {"one": 1, "two": 2}) == "two"


def test_a_search_of_nothing_that_can_be_trained_says_why(search, tmp_path, monkeypatch):
    def run_jobs(jobs, workers, console, title, engine):
        return {job.folder: "the loss is no number" for job in jobs}

    monkeypatch.setattr(tuning, "run_jobs", run_jobs)
    refused = search(tmp_path / "run", trials=2)
    assert refused.code == 1
    assert "no trial could be trained on all folds. the loss is no number" in refused.err


def test_a_wrong_call_leaves_the_folder_free(search, auricle, space, tmp_path):
    lost = auricle("tune", space, "--data", tmp_path / "lost", "--out", tmp_path / "run")
    assert lost.code == 1
    assert search(tmp_path / "run", "--confirm", 0, "--seeds", 1, trials=1).code == 0


def test_another_search_in_the_folder_is_left_alone(search, tmp_path):
    assert search(tmp_path / "run", "--confirm", 0, "--seeds", 1, trials=1).code == 0
    refused = search(tmp_path / "run", "--resume", "--epochs", 9)
    assert refused.code == 1
    assert "another search is here" in refused.err


def test_what_cannot_be_searched_is_said_in_one_line(search, tmp_path):
    for more, told in (
        (("--together", 0), "must be positive"),
        (("--hours", 0), "must be positive"),
        (("--storage", "nosuch://host/db"), "--storage"),
    ):
        refused = search(tmp_path / "run", *more)
        assert refused.code == 1
        assert told in refused.err
        assert refused.err.count("\n") == 1


def test_hours_stop_the_search_between_trials(search, tmp_path):
    told = search(tmp_path / "run", "--hours", 1e-6, "--confirm", 0)
    assert told.code == 0
    assert f"0 of {TRIALS} trials are done; go on with --resume" in told.out


def test_a_pid_that_was_given_anew_is_not_the_tuner():
    process = psutil.Process()
    mine = {"host": socket.gethostname(), "pid": process.pid, "seen": 0.0}

    def left_by(owner, **told):
        attributes = ({"owner": owner} if owner else {}) | told
        return optuna.trial.create_trial(value=0.0, user_attrs=attributes)

    assert trials.is_alive(left_by(mine | {"since": process.create_time()}))
    assert not trials.is_alive(left_by(mine | {"since": process.create_time() - 5}))
    elsewhere = {"host": "elsewhere", "pid": 1, "since": 0.0, "seen": time.time() - 5}
    long_ago = time.time() - 2 * trials.SILENT_S
    assert trials.is_alive(left_by(elsewhere))
    assert not trials.is_alive(left_by(elsewhere | {"seen": long_ago}))
    assert trials.is_alive(left_by(elsewhere | {"seen": long_ago}, seen=time.time()))
    assert trials.is_alive(left_by(None))  # given out a moment ago
