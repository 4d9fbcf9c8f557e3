"""Classes and probabilities of sound files, by a network that was never trained."""

import json

import numpy as np
import pytest
import soundfile as sf
import torch
from safetensors.torch import save_file

from auricle.data.audio import fit_length, load_wave
from auricle.errors import RecipeError, StudyError
from auricle.network.attention import EncoderConfig
from auricle.network.base import BaseConfig
from auricle.network.classifier import NetworkConfig
from auricle.network.frontend import FrontendConfig
from auricle.ship.predict import predict_files
from auricle.study.recipe import Recipe, to_table
from auricle.training.fit import new_network

CATEGORIES = ("bell", "horn", "siren")
CLIP_S = 0.3
RATE_HZ = 8_000
NETWORK = NetworkConfig(
    frontend=FrontendConfig(sample_rate_hz=RATE_HZ, window=256, hop=128, bands=16, high_hz=4_000.0),
    base=BaseConfig(
        frequency_channels=(4, 4), frequency_kernels=(5, 3), time_kernels=(1, 3), widths=(8, 8, 8)
    ),
    encoder=EncoderConfig(blocks=2, heads=2),
)


def write_fit(folder, seed=0):
    """A fit's folder, as far as a prediction needs it."""
    network = new_network(NETWORK, len(CATEGORIES), seed).eval()
    facts = {"recipe": to_table(Recipe(name="transformer", network=NETWORK))}
    facts |= {"categories": CATEGORIES, "clip_s": CLIP_S}
    folder.mkdir(parents=True)
    save_file(network.state_dict(), folder / "weights.safetensors")
    (folder / "fit.json").write_text(json.dumps(facts), encoding="utf-8")
    return network


@pytest.fixture
def sound(tmp_path):
    def write(name, seconds=CLIP_S, rate_hz=RATE_HZ, channels=1):
        time_s = np.arange(round(seconds * rate_hz)) / rate_hz
        wave = 0.3 * np.sin(2 * np.pi * 900 * time_s)
        sf.write(tmp_path / name, np.repeat(wave[:, None], channels, axis=1), rate_hz)
        return tmp_path / name

    return write


def told(text):
    """(category, percent, file) of each line."""
    lines = [line.split(maxsplit=2) for line in text.splitlines()]
    return [(category, float(share.rstrip("%")), file) for category, share, file in lines]


@torch.no_grad()
def asked_of(network, file):
    """Probabilities (classes,) of the network itself."""
    wave = fit_length(load_wave(file, RATE_HZ), round(CLIP_S * RATE_HZ))
    logits, _ = network(torch.from_numpy(wave)[None])
    return logits.softmax(1)[0].numpy()


def test_each_file_is_told_its_class_and_probability(tmp_path, sound, capsys):
    network = write_fit(tmp_path / "fit")
    files = [
        sound("one.wav"),
        sound("short.flac", seconds=0.05),
        sound("long.wav", seconds=2.0),
        sound("eight.wav", channels=8, rate_hz=48_000),
    ]

    code = predict_files(files, tmp_path / "fit", "cpu")

    found = told(capsys.readouterr().out)
    assert code == 0
    assert [file for _, _, file in found] == [str(file) for file in files]
    for file, (category, percent, _) in zip(files, found, strict=True):
        wanted = asked_of(network, file)
        assert category == CATEGORIES[wanted.argmax()]
        assert percent == pytest.approx(100 * wanted.max(), abs=0.1)


def test_files_that_fail_do_not_stop_the_others_but_change_the_code(tmp_path, sound, capsys):
    write_fit(tmp_path / "fit")
    good, last = sound("good.wav"), sound("last.wav")
    letter = tmp_path / "letter.wav"
    letter.write_text("no sound at all", encoding="utf-8")

    code = predict_files(
        [tmp_path / "lost.wav", good, letter, tmp_path, last], tmp_path / "fit", "cpu"
    )

    printed = capsys.readouterr()
    assert code == 3
    assert [file for _, _, file in told(printed.out)] == [str(good), str(last)]
    problems = printed.err.splitlines()
    assert len(problems) == 3
    assert all(line.startswith("auricle: ") for line in problems)
    assert "lost.wav: no such file" in problems[0]
    assert "letter.wav: no audio" in problems[1]


def write_study(folder, best):
    folder.mkdir(exist_ok=True)
    (folder / "scores.json").write_text(
        json.dumps({"best": {"out_of_fold": best, "best_transformer": None}}), encoding="utf-8"
    )


@pytest.mark.parametrize("with_refit", [True, False])
def test_a_study_predicts_by_its_best_configuration_trained_on_most_clips(
    tmp_path, sound, capsys, with_refit
):
    file = sound("one.wav")
    run = tmp_path / "run"
    write_fit(run / "other" / "refit" / "all" / "seed-0", seed=1)
    chosen = write_fit(run / "best" / "kfold" / "fold-2" / "seed-0", seed=2)
    if with_refit:
        chosen = write_fit(run / "best" / "refit" / "all" / "seed-0", seed=3)
    write_study(run, "best")

    predict_files([file], run, "cpu")

    ((category, percent, _),) = told(capsys.readouterr().out)
    wanted = asked_of(chosen, file)
    assert category == CATEGORIES[wanted.argmax()]
    assert percent == pytest.approx(100 * wanted.max(), abs=0.1)


def test_a_folder_without_weights_is_refused(tmp_path, sound):
    run = tmp_path / "run"
    with pytest.raises(StudyError, match="neither a finished study nor a fit is here"):
        predict_files([sound("one.wav")], run, "cpu")
    write_study(run, "best")
    with pytest.raises(StudyError, match="no fit of best is left here"):
        predict_files([sound("one.wav")], run, "cpu")
    write_fit(run / "best" / "refit" / "all" / "seed-0")
    (run / "best" / "refit" / "all" / "seed-0" / "weights.safetensors").unlink()
    with pytest.raises(
        StudyError, match=r"weights\.safetensors: missing; give the folder of a finished fit"
    ):
        predict_files([sound("one.wav")], run, "cpu")


def test_a_recipe_of_another_version_is_refused(tmp_path, sound):
    write_fit(tmp_path / "fit")
    facts = json.loads((tmp_path / "fit" / "fit.json").read_text(encoding="utf-8"))
    facts["recipe"]["network"]["base"]["depth"] = 3
    (tmp_path / "fit" / "fit.json").write_text(json.dumps(facts), encoding="utf-8")

    with pytest.raises(RecipeError, match=r"fit\.json: unknown key network\.base\.depth"):
        predict_files([sound("one.wav")], tmp_path / "fit", "cpu")
