"""What a finished study leaves, worked out again from its predictions."""

import json
import platform
import tomllib
from collections import defaultdict
from itertools import product
from statistics import mean

import numpy as np
import pytest
from sklearn import metrics

COMPARISON = [
    "configuration", "strategy", "seed", "member", "on", "clips", "accuracy", "accuracy_low",
    "accuracy_high", "f1_macro", "f1_weighted", "auc_macro", "networks",
    "parameters_trainable", "parameters_fixed", "train_seconds", "declared",
]  # fmt: skip
CONFIGURATIONS = ("cnn", "transformer-h2")
CATEGORIES = ("bell", "horn", "siren")
KEY = ("configuration", "strategy", "seed", "member", "on")
A_SEED = {
    ("kfold", "fold-2", "out-of-fold"),
    ("kfold", "fold-3", "out-of-fold"),
    ("kfold", "pooled", "out-of-fold"),
    ("kfold", "fold-2", "test"),
    ("kfold", "fold-3", "test"),
    ("kfold", "ensemble", "test"),
    ("holdout", "fold-2", "out-of-fold"),
    ("holdout", "fold-2", "test"),
    ("refit", "all", "test"),
    ("esc5", "fold-1", "test"),
    ("esc5", "fold-2", "test"),
    ("esc5", "fold-3", "test"),
    ("esc5", "pooled", "test"),
}
MEAN_OF_FITS = ("kfold", "mean", "test")
OF_A_COMMITTEE = {
    ("kfold", "pooled", "out-of-fold"),
    ("kfold", "ensemble", "test"),
    ("holdout", "fold-2", "out-of-fold"),
    ("holdout", "fold-2", "test"),
    ("refit", "all", "test"),
}


def key_of(row):
    return tuple(row[name] for name in KEY)


@pytest.fixture(scope="module")
def compared(study, tools):
    """Rows of comparison.csv by their key."""
    return {key_of(row): row for row in tools.rows_of(study / "comparison.csv")}


@pytest.fixture(scope="module")
def predicted(study, tools):
    """Rows of predictions.csv by the key of their score."""
    found = defaultdict(list)
    for row in tools.rows_of(study / "predictions.csv"):
        found[key_of(row)].append(row)
    return dict(found)


@pytest.fixture(scope="module")
def clips(study, tools):
    return {row["file"]: row for row in tools.rows_of(study / "clips.csv")}


def probabilities(rows):
    """(clips, classes) of rows of predictions.csv."""
    return np.array([[float(row[f"p_{name}"]) for name in CATEGORIES] for row in rows])


def truth(rows):
    return [CATEGORIES.index(row["category"]) for row in rows]


def test_every_file_that_others_read_is_there(study):
    wanted = {
        "study.toml", "environment.json", "clips.csv", "skipped.csv", "ignored.csv", "scores.json",
        "comparison.csv", "predictions.csv", "test_reads.csv", "pictures.npz", "wandb.json",
    }  # fmt: skip

    assert wanted <= {path.name for path in study.iterdir()}
    assert not list(study.rglob("*.part"))


def test_the_columns_are_those_that_were_promised(study):
    header = (study / "comparison.csv").read_text(encoding="utf-8").splitlines()[0]
    assert header.split(",") == COMPARISON

    header = (study / "predictions.csv").read_text(encoding="utf-8").splitlines()[0]
    asked = [*KEY, "file", "fold", "category", "prediction", *(f"p_{c}" for c in CATEGORIES)]
    assert header.split(",") == asked


def test_a_row_tells_how_many_networks_answered(compared):
    heard = {key[1:]: row["networks"] for key, row in compared.items() if key[0] == "cnn"}
    assert heard["kfold", "0", "pooled", "out-of-fold"] == "1"
    assert heard["kfold", "0", "ensemble", "test"] == "2"
    assert heard["refit", "0", "all", "test"] == "1"
    assert heard["kfold", "ensemble", "ensemble", "test"] == "4"


def test_every_strategy_has_its_rows_for_every_seed_their_mean_and_their_ensemble(compared):
    wanted = {
        (configuration, strategy, seed, member, on)
        for configuration, seed in product(CONFIGURATIONS, ("0", "1", "mean", "ensemble"))
        for strategy, member, on in A_SEED | ({MEAN_OF_FITS} if seed != "ensemble" else set())
    } | {("both", strategy, "ensemble", member, on) for strategy, member, on in OF_A_COMMITTEE}

    assert set(compared) == wanted


def test_a_scored_clip_is_a_row_of_the_predictions(compared, predicted):
    scored = {key for key in compared if "mean" not in key}

    assert set(predicted) == scored
    for key in scored:
        assert len(predicted[key]) == int(compared[key]["clips"])
        assert len({row["file"] for row in predicted[key]}) == len(predicted[key])


def test_scores_are_those_of_the_predictions(compared, predicted):
    for key, rows in predicted.items():
        targets = truth(rows)
        answers = [CATEGORIES.index(row["prediction"]) for row in rows]
        assert answers == probabilities(rows).argmax(1).tolist()
        for name, value in {
            "accuracy": metrics.accuracy_score(targets, answers),
            "f1_macro": metrics.f1_score(targets, answers, average="macro", zero_division=0),
            "f1_weighted": metrics.f1_score(targets, answers, average="weighted", zero_division=0),
        }.items():
            assert float(compared[key][name]) == pytest.approx(value, abs=1e-5), (key, name)


def test_areas_under_roc_curves_are_those_of_each_fold_averaged(compared, predicted):
    for key, rows in predicted.items():
        areas = []
        for fold in sorted({row["fold"] for row in rows}):
            same = [row for row in rows if row["fold"] == fold]
            p = probabilities(same)
            areas.append(
                metrics.roc_auc_score(truth(same), p / p.sum(1, keepdims=True), multi_class="ovr")
            )
        assert float(compared[key]["auc_macro"]) == pytest.approx(mean(areas), abs=1e-4), key


def test_probabilities_sum_to_one(predicted):
    for rows in predicted.values():
        np.testing.assert_allclose(probabilities(rows).sum(1), 1, atol=1e-5)


def test_intervals_hold_their_scores(compared):
    for row in compared.values():
        low, value, high = (float(row[f"accuracy{end}"]) for end in ("_low", "", "_high"))
        assert 0 <= low <= value <= high <= 1


def test_the_tiny_networks_disagree(predicted):
    """Or else the tests of means and ensembles would show nothing."""
    key = ("cnn", "kfold", "0", "pooled", "out-of-fold")
    other = ("cnn", "kfold", "1", "pooled", "out-of-fold")

    assert len({row["prediction"] for row in predicted[key]}) > 1
    assert np.abs(probabilities(predicted[key]) - probabilities(predicted[other])).max() > 0.01


@pytest.mark.parametrize("configuration", CONFIGURATIONS)
def test_kfold_pooled_has_every_development_clip_once(predicted, clips, configuration):
    rows = predicted[configuration, "kfold", "0", "pooled", "out-of-fold"]
    development = [file for file, clip in clips.items() if clip["role"] == "development"]

    assert sorted(row["file"] for row in rows) == sorted(development)
    for fold in ("2", "3"):
        own = predicted[configuration, "kfold", "0", f"fold-{fold}", "out-of-fold"]
        assert {row["fold"] for row in own} == {fold}
        pooled = [row for row in rows if row["fold"] == fold]
        np.testing.assert_array_equal(probabilities(pooled), probabilities(own))


def test_what_is_scored_on_test_is_the_test_fold(predicted, clips):
    sealed = sorted(file for file, clip in clips.items() if clip["role"] == "test")

    assert {clips[file]["fold"] for file in sealed} == {"1"}
    for key, rows in predicted.items():
        if key[1] != "esc5" and key[4] == "test":
            assert sorted(row["file"] for row in rows) == sealed
        elif key[4] == "out-of-fold":
            assert not {row["file"] for row in rows} & set(sealed)


@pytest.mark.parametrize(("configuration", "seed"), list(product(CONFIGURATIONS, "01")))
def test_the_ensemble_of_kfold_is_the_mean_of_its_networks(predicted, configuration, seed):
    together = predicted[configuration, "kfold", seed, "ensemble", "test"]
    single = [predicted[configuration, "kfold", seed, f"fold-{k}", "test"] for k in (2, 3)]

    wanted = np.mean([probabilities(rows) for rows in single], axis=0)
    np.testing.assert_allclose(probabilities(together), wanted, atol=1e-5)


def test_the_ensemble_of_seeds_is_the_mean_of_their_probabilities(predicted):
    for configuration, (strategy, member, on) in product(CONFIGURATIONS, A_SEED):
        together = predicted[configuration, strategy, "ensemble", member, on]
        single = [predicted[configuration, strategy, seed, member, on] for seed in "01"]

        assert [row["file"] for row in together] == [row["file"] for row in single[0]]
        wanted = np.mean([probabilities(rows) for rows in single], axis=0)
        np.testing.assert_allclose(probabilities(together), wanted, atol=1e-5)


@pytest.mark.parametrize("on", ["out-of-fold", "test"])
def test_holdout_is_the_member_of_kfold_that_validates_first(predicted, compared, on):
    def without_strategy(row):
        return {name: value for name, value in row.items() if name != "strategy"}

    for configuration, seed in product(CONFIGURATIONS, ("0", "1", "ensemble")):
        held = (configuration, "holdout", seed, "fold-2", on)
        same = (configuration, "kfold", seed, "fold-2", on)
        assert without_strategy(compared[held]) == without_strategy(compared[same])
        assert [without_strategy(row) for row in predicted[held]] == [
            without_strategy(row) for row in predicted[same]
        ]


def test_the_first_member_of_esc5_is_the_refit(predicted):
    for configuration, seed in product(CONFIGURATIONS, "01"):
        refit = predicted[configuration, "refit", seed, "all", "test"]
        first = predicted[configuration, "esc5", seed, "fold-1", "test"]
        np.testing.assert_array_equal(probabilities(refit), probabilities(first))


def test_esc5_scores_every_clip_of_the_set_once(predicted, clips):
    rows = predicted["cnn", "esc5", "0", "pooled", "test"]

    assert sorted(row["file"] for row in rows) == sorted(clips)
    for fold in "123":
        assert {r["fold"] for r in predicted["cnn", "esc5", "0", f"fold-{fold}", "test"]} == {fold}


def test_the_three_figures_of_esc5_are_of_all_folds_of_those_that_chose_and_of_the_other(
    study, tools, predicted
):
    found = tools.scores_of(study)["esc5"]
    for configuration in CONFIGURATIONS:
        rows = [row for s in "01" for row in predicted[configuration, "esc5", s, "pooled", "test"]]
        parts = {"all": "123", "development": "23", "test": "1"}
        for name, folds in parts.items():
            right = [row["prediction"] == row["category"] for row in rows if row["fold"] in folds]
            assert found[configuration][name]["value"] == pytest.approx(mean(right))


def test_a_mean_row_is_the_mean_of_scores_with_their_range(study, tools, compared):
    found = tools.scores_of(study)
    entries = {
        (each["name"], entry["strategy"], entry["seed"], entry["member"], entry["on"]): entry
        for each in found["configurations"] + found["committees"]
        for entry in each["scores"]
    }
    assert set(entries) == set(compared)
    for key, entry in entries.items():
        configuration, strategy, seed, member, on = key
        if seed == "mean":
            parts = [(configuration, strategy, s, member, on) for s in "01"]
        elif member == "mean":
            parts = [(configuration, strategy, seed, f"fold-{k}", on) for k in (2, 3)]
        else:
            assert "range" not in entry["accuracy"]
            continue
        accuracies = [entries[part]["accuracy"]["value"] for part in parts]
        assert entry["accuracy"]["value"] == pytest.approx(mean(accuracies))
        assert entry["accuracy"]["range"] == [min(accuracies), max(accuracies)]
        assert entry["accuracy"]["low"] <= entry["accuracy"]["value"] <= entry["accuracy"]["high"]
        assert not {"confusion", "roc", "per_class"} & set(entry)


def test_confusion_and_scores_of_classes_are_those_of_the_predictions(study, tools, predicted):
    for configuration in tools.scores_of(study)["configurations"]:
        for entry in configuration["scores"]:
            key = (configuration["name"], *(entry[name] for name in KEY[1:]))
            if key not in predicted:
                continue
            rows = predicted[key]
            answers = [CATEGORIES.index(row["prediction"]) for row in rows]
            wanted = metrics.confusion_matrix(truth(rows), answers, labels=range(3))
            assert entry["confusion"] == wanted.tolist()
            assert [of["category"] for of in entry["per_class"]] == list(CATEGORIES)
            assert [of["support"] for of in entry["per_class"]] == wanted.sum(1).tolist()
            recalls = np.diag(wanted) / wanted.sum(1)
            assert [of["recall"] for of in entry["per_class"]] == pytest.approx(recalls.tolist())


def test_curves_stand_where_one_set_of_networks_is_scored(study, tools):
    with_curves = {
        (entry["strategy"], entry["member"], entry["on"])
        for entry in tools.scores_of(study)["configurations"][0]["scores"]
        if "roc" in entry
    }

    assert with_curves == {
        ("kfold", "pooled", "out-of-fold"),
        ("kfold", "ensemble", "test"),
        ("holdout", "fold-2", "test"),
        ("refit", "all", "test"),
        ("esc5", "pooled", "test"),
    }


def test_the_data_is_described_as_it_was_used(study, tools, clips):
    data = tools.scores_of(study)["dataset"]

    assert data["name"] == "tones"
    assert data["categories"] == list(CATEGORIES)
    assert (data["clips"], data["recordings"]) == (len(clips), 18) == (36, 18)
    assert (data["folds"], data["test_fold"], data["development_folds"]) == ([1, 2, 3], 1, [2, 3])
    assert (data["skipped"], data["ignored"], data["notes"]) == (0, 0, [])


def test_parameters_are_counted_by_part(study, tools):
    for configuration in tools.scores_of(study)["configurations"]:
        parts = dict(configuration["parameters"])
        total = parts.pop("total")
        for kind in ("trainable", "fixed"):
            assert total[kind] == sum(part[kind] for part in parts.values())
            assert total[kind] == sum(layer[kind] for layer in configuration["layers"])
    cnn, transformer = tools.scores_of(study)["configurations"]
    assert (cnn["architecture"], transformer["architecture"]) == ("cnn", "transformer")
    assert (cnn["heads"], transformer["heads"], transformer["blocks"]) == (0, 2, 2)
    assert cnn["parameters"]["base"] == transformer["parameters"]["base"]


def test_training_time_counts_every_fit_of_a_strategy_once(study, tools):
    seconds = defaultdict(float)
    for path in study.glob("cnn/*/*/*/fit.json"):
        fit = json.loads(path.read_text(encoding="utf-8"))
        seconds[fit["strategy"]] += fit["train_seconds"]
        if fit["member"] == "fold-2" and fit["strategy"] == "kfold":
            seconds["holdout"] += fit["train_seconds"]
    seconds["esc5"] += seconds["refit"]

    found = tools.scores_of(study)["configurations"][0]["train_seconds"]

    assert found == pytest.approx(dict(seconds), abs=0.11)


def test_both_configurations_are_compared_over_the_development_clips(study, tools, predicted):
    (found,) = tools.scores_of(study)["comparisons"]

    assert (found["first"], found["second"]) == CONFIGURATIONS
    right = {
        (name, seed): np.array(
            [
                row["prediction"] == row["category"]
                for row in predicted[name, "kfold", seed, "pooled", "out-of-fold"]
            ]
        )
        for name, seed in product(CONFIGURATIONS, "01")
    }
    means = [np.mean([right[name, "0"], right[name, "1"]]) for name in CONFIGURATIONS]
    assert found["difference"] == pytest.approx(means[0] - means[1])
    first, second = right["cnn", "0"], right["transformer-h2", "0"]
    assert found["mcnemar"]["first_only"] == int((first & ~second).sum())
    assert found["mcnemar"]["second_only"] == int((second & ~first).sum())
    assert found["p_holm"] == found["p_permutation"]  # one pair: nothing to correct


def test_the_test_fold_was_read_once(study, tools):
    (reading,) = tools.rows_of(study / "test_reads.csv")

    assert list(reading) == ["date", "commit", "recipe_hash", "reason"]
    assert tools.scores_of(study)["test_readings"] == 1


def test_every_fit_leaves_its_weights_its_history_and_its_recipe(study, tools):
    folders = sorted(path.parent for path in study.rglob("fit.json"))

    assert len(folders) == 2 * 2 * (2 + 1 + 2)
    for folder in folders:
        names = {path.name for path in folder.iterdir()}
        kept = {"fit.json", "history.csv", "recipe.toml", "weights.safetensors", "test.npz"}
        if "kfold" in folder.parts:
            kept.add("predictions.npz")
        assert names == kept
        history = tools.rows_of(folder / "history.csv")
        assert [row["epoch"] for row in history] == ["1", "2", "3"]
        assert all(bool(row["val_loss"]) == ("kfold" in folder.parts) for row in history)


def test_the_last_epoch_is_what_is_scored(study, tools, compared):
    for fold in (2, 3):
        history = tools.rows_of(study / f"cnn/kfold/fold-{fold}/seed-0/history.csv")
        scored = compared["cnn", "kfold", "0", f"fold-{fold}", "out-of-fold"]
        assert float(history[-1]["val_accuracy"]) == pytest.approx(
            float(scored["accuracy"]), abs=1e-5
        )


def test_a_fit_says_what_it_learnt_from(study):
    text = (study / "cnn/kfold/fold-3/seed-1/fit.json").read_text(encoding="utf-8")

    fit = json.loads(text)

    assert (fit["training_folds"], fit["validation_fold"], fit["seed"]) == ([2], 3, 1)
    assert (fit["epochs"], fit["views"], fit["threads"]) == (3, 2, 1)


def test_nothing_written_tells_a_place_or_a_machine(study, tiny_set):
    secret = [str(study.parent), str(tiny_set.parent), platform.node()]
    for path in study.rglob("*"):
        if path.suffix in {".json", ".toml", ".csv"}:
            text = path.read_text(encoding="utf-8")
            assert not [word for word in secret if word and word in text], path.name


def test_the_plan_that_was_run_can_be_run_again(study, tiny_plan, tools):
    kept, asked = tools.plan_of(study / "study.toml"), tools.plan_of(tiny_plan, seeds=2)

    assert tomllib.loads((study / "study.toml").read_text(encoding="utf-8"))["data"] == "tones"
    assert kept.configurations == asked.configurations
    assert (kept.strategies, kept.seeds, kept.test) == (asked.strategies, 2, True)


def test_there_is_a_picture_of_a_development_clip_of_each_class(study, clips):
    with np.load(study / "pictures.npz") as kept:
        assert kept["categories"].tolist() == list(CATEGORIES)
        assert {clips[file]["role"] for file in kept["files"]} == {"development"}
        assert kept["spectra"].shape[:2] == (3, 16)
        assert np.isfinite(kept["spectra"]).all()
        assert kept["waves"].shape == (3, 500, 2)


def test_the_best_configuration_is_one_of_those_compared(study, tools):
    best = tools.scores_of(study)["best"]

    assert best["out_of_fold"] in CONFIGURATIONS
    assert best["best_transformer"] == "transformer-h2"
