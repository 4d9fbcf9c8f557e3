"""A folder that is no finished study is refused by the name of what is missing."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from auricle.errors import StudyError
from auricle.report import write_report
from auricle.report.study_files import read_study


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, write: Callable[..., Path]) -> Path:
    return write(
        tmp_path_factory.mktemp("small") / "study",
        dataset="mine",
        categories=("bell", "door"),
        names=("cnn",),
        strategies=("kfold",),
        test=False,
        per_fold=4,
    )


@pytest.fixture
def small(whole: Path, tmp_path: Path) -> Path:
    """A study of one's own, to damage."""
    return shutil.copytree(whole, tmp_path / "study")


def test_reads_what_was_written(mission: Path) -> None:
    study = read_study(mission)
    assert study.configurations[0].name == "cnn"
    assert len(study.fits) == 20
    assert len(study.fits_of("cnn", "kfold")) == 4
    assert study.strategies_fitted == ["kfold", "refit"]
    assert study.seconds("cnn", "kfold") == 4 * study.fits_of("cnn", "kfold")[0].train_seconds
    assert np.isnan(study.fits_of("cnn", "refit")[0].history["val_loss"]).all()
    assert study.pictures.waves.shape[2] == 2


@pytest.mark.parametrize(
    "name",
    [
        *("scores.json", "study.toml", "environment.json", "clips.csv", "pictures.npz"),
        "predictions.csv",
        *("skipped.csv", "ignored.csv", "unusual.csv", "cnn/kfold/fold-3/seed-0/history.csv"),
    ],
)
def test_a_missing_file_is_named(small: Path, name: str) -> None:
    (small / name).unlink()
    with pytest.raises(StudyError, match=rf"{Path(name).name} is missing.*--resume"):
        write_report(small)
    assert not (small / "report").exists()


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="no such folder"):
        write_report(tmp_path / "nowhere")


def test_a_configuration_without_fits_is_named(small: Path) -> None:
    shutil.rmtree(small / "cnn")
    with pytest.raises(StudyError, match=r"cnn has no fit\.json"):
        write_report(small)


@pytest.mark.parametrize(
    ("name", "content", "found"),
    [
        ("scores.json", "{", "scores.json: cannot be read"),
        ("scores.json", '{"format": 1}', "dataset: Field required"),
        ("environment.json", "[]", "environment.json: cannot be read"),
        ("environment.json", '{"python": "3.11"}', "environment.json: cannot be read"),
        ("study.toml", "name =", "study.toml: cannot be read"),
        ("study.toml", 'name = "x"', "no name or no configuration in it"),
        ("pictures.npz", "no archive", "pictures.npz: cannot be read"),
        ("predictions.csv", "file,fold\na,1\n", "no column category"),
        ("evidence/looking.npz", "no archive", "looking.npz: cannot be read"),
        ("cnn/kfold/fold-3/seed-0/history.csv", "epoch,lr\n", "no epoch in it"),
    ],
)
def test_a_damaged_file_is_named(small: Path, name: str, content: str, found: str) -> None:
    (small / name).parent.mkdir(exist_ok=True)
    (small / name).write_text(content, encoding="utf-8")
    with pytest.raises(StudyError, match=found):
        write_report(small)


def test_gradients_of_other_bands_than_their_spectra_are_refused(
    small: Path, look: Callable[..., Path]
) -> None:
    file = look(small, ("cnn",))
    with np.load(file) as held:
        kept = dict(held)
    kept["gradient_cnn"] = kept["gradient_cnn"][:, :-1]
    np.savez(file, **kept)
    with pytest.raises(StudyError, match=r"looking\.npz.* other bands .* --part looking --again"):
        read_study(small)


def test_another_format_is_refused(small: Path) -> None:
    scores = json.loads((small / "scores.json").read_text(encoding="utf-8"))
    (small / "scores.json").write_text(json.dumps(scores | {"format": 2}), encoding="utf-8")
    with pytest.raises(StudyError, match="this auricle reads format 1"):
        write_report(small)


def test_scores_that_are_not_defined_are_left_open(small: Path) -> None:
    text = (small / "scores.json").read_text(encoding="utf-8")
    scores = json.loads(text)
    scores["configurations"][0]["scores"][0]["auc_macro"] = float("nan")
    (small / "scores.json").write_text(json.dumps(scores), encoding="utf-8")
    assert read_study(small).configurations[0].scores[0].auc_macro is None
