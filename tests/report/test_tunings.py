"""A search's folder as a report: its own, and a chapter of a study's."""

import csv
import json
import shutil
from dataclasses import replace

import pytest
import tomli_w

from auricle.errors import StudyError
from auricle.report import write_report
from auricle.report.document import Figure, Table
from auricle.report.searches import Axis
from auricle.report.tuning_files import read_tuning
from auricle.report.tunings import tuned, tuning_document
from auricle.study.publish import lay_tuning

RATE, WIDTHS = "training.learning_rate", "network.base.widths"


def write_search(folder, **told):
    """Four trials of two values: the second is the best, the third was stopped."""
    folder.mkdir(parents=True)
    space = {
        "name": "small",
        "recipe": {"name": "cnn"},
        "epochs": 40,
        "clip_s": 5.0,
        "values": {
            RATE: {"low": 1e-3, "high": 1e-2, "log": True},
            WIDTHS: {"choices": [[8, 8, 8], [64, 128, 128]]},
        },
    }
    (folder / "space.toml").write_text(tomli_w.dumps(space), encoding="utf-8")
    with (folder / "trials.csv").open("w", encoding="utf-8", newline="") as stream:
        rows = csv.writer(stream)
        columns = "trial state score accuracy folds seconds parameters_trainable fits problem"
        rows.writerow([*columns.split(), RATE, WIDTHS])
        rows.writerow([0, "complete", 0.40, 0.90, 4, 60, 900, "a", "", 0.003, "[64, 128, 128]"])
        rows.writerow([1, "complete", 0.30, 0.92, 4, 60, 900, "b", "", 0.002, "[8, 8, 8]"])
        rows.writerow([2, "pruned", 0.70, 0.80, 1, 15, 900, "c", "", 0.009, "[8, 8, 8]"])
        rows.writerow([3, "complete", 0.36, 0.91, 4, 60, 500, "d", "", 0.004, "[64, 128, 128]"])
        rows.writerow(
            [4, "pruned", "", "", "", "", "", "", "the loss is no number", 0.01, "[8, 8, 8]"]
        )
    summary = {
        "space": "small",
        "data": "esc10",
        "epochs": 40,
        "best_trial": 1,
        "chosen": "trial-1",
        "parameters": {RATE: 0.002, WIDTHS: [8, 8, 8]},
        "start": {RATE: 0.003, WIDTHS: [64, 128, 128]},
        "importances": {RATE: 0.75, WIDTHS: 0.25},
        "importances_by_chance": {RATE: [0.5, 0.7], WIDTHS: [0.5, 0.7]},
        "new_seeds": {"best": [0.30, 0.33, 0.33], "as it is": [0.40, 0.38, 0.40]},
        "confirmed": {
            "as-it-is": {
                "log_loss": 0.25,
                "accuracy": 0.93,
                "log_losses": [0.24, 0.26],
                "accuracies": [0.925, 0.935],
                "parameters_trainable": 1000,
            },
            "trial-1": {
                "log_loss": 0.21,
                "accuracy": 0.94,
                "log_losses": [0.25, 0.17],
                "accuracies": [0.94, 0.94],
                "parameters_trainable": 2000,
            },
        },
    } | told
    (folder / "tuning.json").write_text(json.dumps(summary), encoding="utf-8")
    environment = {"auricle": "0.1.0", "commit": "abc", "started": "2026-11-25 06:00"}
    (folder / "environment.json").write_text(json.dumps(environment), encoding="utf-8")
    (folder / "best.toml").write_text('name = "small-tuned"\n', encoding="utf-8")
    return folder


@pytest.fixture
def folder(tmp_path):
    return write_search(tmp_path / "small")


def said(blocks):
    return " ".join(str(getattr(block, "text", "")) for block in blocks)


def test_a_search_has_a_paper_and_a_page_of_its_own(folder):
    paper, page = write_report(folder)
    assert paper.read_bytes().startswith(b"%PDF")
    text = page.read_text(encoding="utf-8")
    assert "Tuning of small" in text
    assert "training.learning_rate" in text


def test_luck_is_what_the_same_recipe_loses_with_new_seeds(folder):
    text = said(tuned({"trials.csv": read_tuning(folder)}))
    assert "the same recipe has 0.330 (0.330 to 0.330): 0.030 of the best score was luck" in text
    assert "10.0% of it" in text
    assert "The recipe as it was has 0.390 (0.380 to 0.400) with these seeds" in text
    assert "Seed by seed 0.060 is gained, from +0.050 to +0.070" in text


def test_only_a_search_that_was_confirmed_is_said_to_be(folder, tmp_path):
    confirmed = read_tuning(folder)
    assert "and the best few at full length beside" in said(tuned({"a": confirmed}))
    bare = read_tuning(write_search(tmp_path / "s", confirmed={}))
    assert "at full length" not in said(tuned({"a": bare}))


def test_whether_few_epochs_told_what_many_do_is_said(folder, tmp_path):
    told = json.loads((folder / "tuning.json").read_text(encoding="utf-8"))
    best = f"trial-{told['best_trial']}"
    assert "is the best at full length, too" in said(tuned({"a": read_tuning(folder)}))
    worse = told["confirmed"][best] | {"log_loss": 0.9}
    behind = read_tuning(write_search(tmp_path / "s", confirmed=told["confirmed"] | {best: worse}))
    assert "epochs, comes second of two at full length." in said(tuned({"a": behind}))
    itself = {"as-it-is": told["confirmed"]["as-it-is"], "trial-1": told["confirmed"]["trial-1"]}
    start = write_search(tmp_path / "start", confirmed=itself, best_trial=0, chosen="as-it-is")
    assert "Trial 0, the best with" in said(tuned({"a": read_tuning(start)}))


def test_fits_that_two_trials_share_are_counted_once(tmp_path):
    folder = write_search(tmp_path / "s")
    alone = read_tuning(folder)
    first = alone.trials[0]
    stopped = replace(first, number=5, whole=False, seconds=first.seconds / 2)
    twice = replace(alone, trials=(*alone.trials, stopped))
    assert "with values drawn before" not in said(tuned({"a": alone}))
    assert "1 with values drawn before; their fits took" in said(tuned({"a": twice}))
    took = said(tuned({"a": alone})).split("their fits took ")[1].split(". ")[0]
    assert f"their fits took {took}." in said(tuned({"a": twice}))


def test_trials_that_came_to_no_end_are_counted(folder):
    whole = read_tuning(folder)
    assert "no end" not in said(tuned({"a": whole}))
    later = replace(whole.trials[-1], number=7)
    told = said(tuned({"a": replace(whole, trials=(*whole.trials[:-1], later))}))
    assert "; 3 more trials came to no end; their fits" in told


def test_a_search_that_found_nothing_better_says_so(tmp_path):
    same = {"best": [0.40, 0.39], "as it is": [0.40, 0.38]}
    text = said(tuned({"trials.csv": read_tuning(write_search(tmp_path / "s", new_seeds=same))}))
    assert "the best score was no luck" in text
    assert "nothing is gained, from −0.010 to −0.010" in text


def test_what_was_confirmed_is_told_seed_by_seed(folder, tmp_path):
    text = said(tuned({"trials.csv": read_tuning(folder)}))
    assert "trial-1, which is chosen, has a log loss of 0.210, the recipe as it was one" in text
    assert "of 0.250: +0.040, lower with 1 of 2 seeds. Its accuracy differs by +1.0 points" in text
    kept = read_tuning(write_search(tmp_path / "kept", chosen="as-it-is", parameters={}))
    text = said(tuned({"trials.csv": kept}))
    assert "Those that are better are larger" in text
    assert "The recipe as it was is kept." in text


def test_luck_that_nobody_picked_is_the_seeds(tmp_path):
    seeds = {"best": [0.30, 0.34], "as it is": [0.36, 0.39]}
    text = said(tuned({"trials.csv": read_tuning(write_search(tmp_path / "s", new_seeds=seeds))}))
    assert "0.040 of the best score was luck" in text
    assert "0.030 more than with the searched one, though nobody picked it" in text


def test_a_smaller_network_than_the_best_is_told_where_it_is_chosen(tmp_path):
    search = read_tuning(write_search(tmp_path / "s", chosen="trial-3", confirmed={}))
    text = said(tuned({"trials.csv": search}))
    assert "Chosen is trial 3: its log loss is 0.360" in text
    assert "500 trainable parameters, that of trial 1 900." in text


def test_importance_that_chance_gives_is_told_as_such(folder, tmp_path):
    def caption(**told):
        search = read_tuning(write_search(tmp_path / f"search-{len(told)}", **told))
        figures = [b for b in tuning_document(search).blocks if isinstance(b, Figure)]
        return figures[-1].caption

    assert caption().endswith(f"Beyond it: `{RATE}`.")
    high = {RATE: [0.5, 0.8], WIDTHS: [0.5, 0.7]}
    assert caption(importances_by_chance=high).endswith("No value goes beyond it.")


def test_a_study_says_which_of_its_configurations_are_what_was_found(folder):
    (folder / "best.toml").write_text(
        "[network.base]\nwidths = [8, 8, 8]\n[training]\nlearning_rate = 0.002\n",
        encoding="utf-8",
    )
    found = {"training": {"learning_rate": 0.002}, "network": {"base": {"widths": [8, 8, 8]}}}
    other = found | {"training": {"learning_rate": 0.003}}
    search = {"trials.csv": read_tuning(folder)}
    text = said(tuned(search, [found | {"name": "cnn-tuned"}, other | {"name": "cnn"}]))
    assert "Of the configurations of this study, `cnn-tuned` has the chosen values." in text
    assert "No configuration of this study" in said(tuned(search, [other | {"name": "cnn"}]))
    elsewhere = found | {"network": {"base": {"widths": [8, 8, 8], "kernel": 5}}}
    told = said(tuned(search, [elsewhere | {"name": "on another base"}]))
    assert "No configuration of this study" in told


def test_a_configuration_of_a_kept_recipe_is_not_said_to_be_a_find(tmp_path):
    folder = write_search(tmp_path / "kept", chosen="as-it-is")
    found = {"training": {"learning_rate": 0.003}}
    (folder / "best.toml").write_text("[training]\nlearning_rate = 0.003\n", encoding="utf-8")
    text = said(tuned({"trials.csv": read_tuning(folder)}, [found | {"name": "cnn-tuned"}]))
    assert (
        "The recipe as it was is kept; of the configurations of this study, `cnn-tuned` has it."
        in text
    )


@pytest.mark.parametrize(
    ("share", "heard"), [("", False), ("share = 0.0", False), ("share = 0.5", True)]
)
def test_a_search_without_a_texture_says_so(share, heard, folder):
    (folder / "best.toml").write_text(f"[network.texture]\n{share}\n", encoding="utf-8")
    text = said(tuned({"trials.csv": read_tuning(folder)}))
    assert ("without a texture" in text) is not heard


def test_the_table_says_what_was_searched_and_found(folder):
    tables = [b for b in tuning_document(read_tuning(folder)).blocks if isinstance(b, Table)]
    space, confirmed = tables
    assert list(space.rows[0]) == [
        f"`{RATE}`", "0.001 to 0.01, by ratio", "0.003", "0.002", "0.002", "75.0",
    ]  # fmt: skip
    assert [row[0] for row in confirmed.rows] == ["trial-1", "as-it-is"]  # the lowest loss first


def test_every_picture_is_there_and_can_be_read_aloud(folder):
    figures = [b for b in tuning_document(read_tuning(folder)).blocks if isinstance(b, Figure)]
    kinds = [figure.name.removeprefix("tuning-small-") for figure in figures]
    assert kinds == ["history", "luck", "slices", "parallel", "importances"]
    assert all(figure.alt and figure.svg.startswith("<svg") for figure in figures)


def test_without_importances_or_confirmation_the_rest_is_said(tmp_path):
    folder = write_search(
        tmp_path / "few", importances={}, confirmed={}, chosen="as-it-is", parameters={}
    )
    blocks = tuning_document(read_tuning(folder)).blocks
    assert len([block for block in blocks if isinstance(block, Table)]) == 1
    assert len([block for block in blocks if isinstance(block, Figure)]) == 4


@pytest.mark.parametrize("name", ["trials.csv", "tuning.json", "environment.json", "best.toml"])
def test_an_unfinished_search_is_refused_by_what_is_missing(folder, name):
    (folder / name).unlink()
    with pytest.raises(StudyError, match=f"{name} is missing"):
        write_report(folder)


def test_a_study_tells_of_the_searches_laid_into_it(folder, mission, tmp_path):
    run = shutil.copytree(mission, tmp_path / "run")
    lay_tuning(folder, run)
    _, page = write_report(run)
    text = page.read_text(encoding="utf-8")
    assert "What was searched: small" in text
    assert "PED-ANOVA" in text
    assert 'href="../tuning/small/trials.csv"' in text


def test_only_finished_searches_are_laid_into_finished_studies(folder, mission, tmp_path):
    with pytest.raises(StudyError, match=r"no finished study is here"):
        lay_tuning(folder, tmp_path)
    (folder / "tuning.json").unlink()
    with pytest.raises(StudyError, match=r"no finished search is here"):
        lay_tuning(folder, mission)


def test_choices_stand_in_their_order_and_ranges_from_end_to_end():
    lists = Axis("network.base.widths", {"choices": [[8, 8], [4], 96]})
    assert [lists.place(text) for text in ("[8, 8]", "[4]", "96")] == [0.0, 1.0, 2.0]
    assert (lists.told(0), lists.told(-1)) == ("8·8", "96")
    ratio = Axis("training.learning_rate", {"low": 0.001, "high": 0.1, "log": True})
    assert ratio.height("0.01") == pytest.approx(0.5)
    assert ratio.told(0) == "0.001"
    mixed = Axis("training.precision", {"choices": ["auto", 1]})
    assert [mixed.place(text) for text in ('"auto"', "1")] == [0.0, 1.0]
