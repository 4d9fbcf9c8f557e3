"""Classes and probabilities of sound files, by a network that was never trained."""

import csv
import io
import json
import os
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import soundfile as sf
import torch
from safetensors.torch import save_file

from auricle.data.audio import load_wave
from auricle.errors import AudioError, RecipeError, StudyError
from auricle.network.attention import EncoderConfig
from auricle.network.base import BaseConfig
from auricle.network.classifier import NetworkConfig
from auricle.network.frontend import FrontendConfig
from auricle.ship.model import load_model
from auricle.ship.predict import as_text, events_in, predict_files
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
    lines = [line.rsplit("  ", 1)[0].split(maxsplit=2) for line in text.splitlines()]
    return [(category, float(share.rstrip("%")), file) for category, share, file in lines]


@torch.no_grad()
def asked_of(network, file):
    """Probabilities (classes,) of the network itself; a short sound is heard twice."""
    wave, samples = load_wave(file, RATE_HZ), round(CLIP_S * RATE_HZ)
    heard = [np.pad(wave, (0, max(0, samples - len(wave))))[:samples], np.resize(wave, samples)]
    logits, _ = network(torch.from_numpy(np.stack(heard)))
    return logits.log_softmax(1).mean(0).softmax(0).numpy()


def test_each_file_is_told_its_class_and_probability(tmp_path, sound, capsys):
    network = write_fit(tmp_path / "fit")
    files = [
        sound("one.wav"),
        sound("short.flac", seconds=0.05),
        sound("longer.wav", seconds=0.4),
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


def test_the_command_and_the_model_agree_about_a_short_sound(tmp_path, sound, capsys):
    write_fit(tmp_path / "fit")
    file = sound("short.flac", seconds=0.05)

    predict_files([file], tmp_path / "fit", "cpu", "jsonl")

    told_of = json.loads(capsys.readouterr().out)
    wanted = load_model(tmp_path / "fit", "cpu").predict(file)
    assert told_of["probabilities"] == pytest.approx(wanted.probabilities, abs=1e-6)
    assert told_of["strangeness"] == pytest.approx(wanted.strangeness, abs=1e-4)
    assert told_of["end_s"] == 0.05


def test_files_that_fail_do_not_stop_the_others_but_change_the_code(tmp_path, sound, capsys):
    write_fit(tmp_path / "fit")
    good, last = sound("good.wav"), sound("last.wav")
    letter = tmp_path / "letter.wav"
    letter.write_text("no sound at all", encoding="utf-8")

    code = predict_files([tmp_path / "lost.wav", good, letter, last], tmp_path / "fit", "cpu")

    printed = capsys.readouterr()
    assert code == 3
    assert [file for _, _, file in told(printed.out)] == [str(good), str(last)]
    problems = printed.err.splitlines()
    assert len(problems) == 2
    assert all(line.startswith("auricle: ") for line in problems)
    assert "lost.wav: no such file" in problems[0]
    assert "letter.wav: no audio" in problems[1]


def test_a_folder_without_sounds_is_refused_before_anything_is_heard(tmp_path, sound, capsys):
    write_fit(tmp_path / "fit")
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "letter.txt").write_text("no sound", encoding="utf-8")

    with pytest.raises(
        AudioError, match=r"letters: no sound file in it \(.*\.wav\); name a folder"
    ):
        predict_files([sound("good.wav"), tmp_path / "letters"], tmp_path / "fit", "cpu", "csv")

    assert capsys.readouterr().out == ""


def test_it_ends_quietly_once_nobody_reads_on(tmp_path, sound):
    write_fit(tmp_path / "fit")
    reading, writing = os.pipe()
    os.close(reading)
    asked = ("predict", sound("one.wav"), sound("two.wav"), "--model", tmp_path / "fit")
    program = "from auricle.cli import main; main()"

    ended = subprocess.run(
        [sys.executable, "-c", program, *map(str, asked)],
        stdout=writing, stderr=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip

    os.close(writing)
    assert (ended.returncode, ended.stderr) == (141, "")


def test_worker_processes_print_what_one_does_in_the_same_order(tmp_path, sound, capsys):
    write_fit(tmp_path / "fit")
    files = [sound(f"{number}.wav", 0.5 + number) for number in range(5)]
    asked = ([*files[:3], tmp_path / "lost.wav", *files[3:]], tmp_path / "fit", "cpu", "csv")

    codes, printed = [], []
    for workers in (1, 2):
        codes.append(predict_files(*asked, workers=workers))
        printed.append(capsys.readouterr())

    assert codes == [3, 3]
    assert printed[0] == printed[1]
    assert len(printed[0].out.splitlines()) == 1 + len(files)


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


@pytest.fixture
def model(tmp_path):
    write_fit(tmp_path / "fit")
    return tmp_path / "fit"


@pytest.fixture
def evening(tmp_path):
    """Two seconds of a low tone, then two of noise: longer than a clip."""
    time_s = np.arange(2 * RATE_HZ) / RATE_HZ
    noise = np.random.default_rng(0).normal(0, 0.2, 2 * RATE_HZ)
    wave = np.concatenate([0.3 * np.sin(2 * np.pi * 300 * time_s), noise])
    sf.write(tmp_path / "evening.wav", wave, RATE_HZ)
    return tmp_path / "evening.wav"


def test_a_long_recording_is_told_as_events_that_cover_it(model, evening, capsys):
    assert predict_files([evening], model, "cpu", "jsonl") == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [event["start_s"] for event in events] == [0, *(e["end_s"] for e in events[:-1])]
    assert events[-1]["end_s"] == 4.0
    assert all(a["prediction"] != b["prediction"] for a, b in pairwise(events))
    for event in events:
        assert sum(event["probabilities"].values()) == pytest.approx(1, abs=1e-4)
        assert event["confidence"] == max(event["probabilities"].values())


def test_events_are_what_the_network_says_of_their_windows(model, evening, capsys):
    network = write_fit(model.parent / "same")
    predict_files([evening], model, "cpu", "jsonl")
    first = json.loads(capsys.readouterr().out.splitlines()[0])
    wave, _ = sf.read(evening, dtype="float32")
    hop = round(CLIP_S * RATE_HZ) // 2
    with torch.no_grad():
        waves = torch.from_numpy(np.stack([wave[at : at + 2 * hop] for at in (0, hop)]))
        shares = network(waves)[0].softmax(1).numpy()
    heard = [shares[0], shares.mean(0)]  # of the first stretch and of the second
    if first["end_s"] == pytest.approx(hop / RATE_HZ):
        assert first["prediction"] == CATEGORIES[heard[0].argmax()]
    else:
        assert CATEGORIES[heard[0].argmax()] == CATEGORIES[heard[1].argmax()]
        assert first["prediction"] == CATEGORIES[heard[0].argmax()]


def test_a_stretch_that_is_too_strange_is_unknown_however_sure_its_answer(model, evening):
    asked = load_model(model, "cpu")
    texture = asked.trained.network.texture
    tone = load_wave(evening, RATE_HZ)[: 2 * RATE_HZ].reshape(-1, 2_000)  # its first two seconds
    with torch.no_grad():
        statistics = texture.statistics(torch.from_numpy(tone))
    texture.remember(statistics, torch.zeros(len(tone), dtype=torch.int64))
    everywhere = events_in(asked, evening)
    assert None not in [event.answer for event in everywhere]

    found = events_in(replace(asked, strange_above=5.0), evening)

    assert [event.answer is None for event in found] == [False, True]
    assert found[0].strangeness < 5 < found[1].strangeness
    lines = [as_text(asked, "evening.wav", event) for event in found]
    assert ["%" in line for line in lines] == [True, False]  # unknown is nothing to be sure of
    assert lines[1].split()[:2] == ["unknown", "evening.wav"]
    assert found[0].end_s == pytest.approx(2.0, abs=CLIP_S)
    assert found[1].end_s == 4.0


def test_the_three_forms_tell_the_same(model, evening, capsys):
    told_as = {}
    for form in ("csv", "jsonl", "audacity"):
        predict_files([evening], model, "cpu", form)
        told_as[form] = capsys.readouterr().out
    rows = list(csv.DictReader(io.StringIO(told_as["csv"])))
    objects = [json.loads(line) for line in told_as["jsonl"].splitlines()]
    labels = [line.split("\t") for line in told_as["audacity"].splitlines()]
    assert list(rows[0]) == [
        "file", "start_s", "end_s", "prediction", "confidence", "p_bell", "p_horn", "p_siren",
        "strangeness",
    ]  # fmt: skip
    assert len(rows) == len(objects) == len(labels)
    for row, told_object, label in zip(rows, objects, labels, strict=True):
        assert label == [row["start_s"], row["end_s"], row["prediction"]]
        assert row["prediction"] == told_object["prediction"]
        assert float(row["p_horn"]) == pytest.approx(told_object["probabilities"]["horn"])
        assert float(row["strangeness"]) == told_object["strangeness"]


def test_folders_and_patterns_are_the_files_in_them(model, sound, tmp_path, capsys):
    (tmp_path / "in" / "deep").mkdir(parents=True)
    names = ["in/b.wav", "in/a.flac", "in/deep/c.wav", "in/.hidden.wav"]
    for name in names:
        sound(name)
    (tmp_path / "in" / "notes.txt").write_text("no sound", encoding="utf-8")
    predict_files([tmp_path / "in"], model, "cpu")
    wanted = [str(tmp_path / name) for name in ("in/a.flac", "in/b.wav", "in/deep/c.wav")]
    assert [file for *_, file in told(capsys.readouterr().out)] == wanted
    predict_files([f"{tmp_path}/in/*.wav"], model, "cpu")
    assert [file for *_, file in told(capsys.readouterr().out)] == [str(tmp_path / "in/b.wav")]
    assert predict_files([f"{tmp_path}/none/*.wav"], model, "cpu") == 3
    assert "no such file" in capsys.readouterr().err


def test_a_sound_can_come_on_standard_input(model, sound, monkeypatch, capsys):
    class Pipe:
        buffer = io.BytesIO(sound("piped.wav").read_bytes())

    monkeypatch.setattr("sys.stdin", Pipe())
    assert predict_files(["-"], model, "cpu") == 0
    assert [file for *_, file in told(capsys.readouterr().out)] == ["-"]
