"""Bad input through the command line: one line that names the file and the mend, and exit 1."""

import errno
import shutil

import numpy as np
import pytest
import soundfile as sf

RATE_HZ = 8_000


@pytest.fixture
def own_set(tiny_set, tmp_path):
    return shutil.copytree(tiny_set, tmp_path / "tones")


@pytest.fixture
def refuse(auricle, tiny_plan, tmp_path):
    """Asks for a study that cannot be; gives back the line that says why."""

    def call(*arguments):
        asked = ("--no-test", "--strategy", "kfold", "--wandb", "disabled")
        told = auricle("study", tiny_plan, "--out", tmp_path / "run", *asked, *arguments)
        assert told.code == 1, told
        assert told.err.startswith("auricle: ")
        assert told.err.count("\n") == 1
        assert "Traceback" not in told.err
        assert not list(tmp_path.rglob("history.csv"))
        return told.err

    return call


def write_tone(file, seconds=0.3, rate_hz=RATE_HZ, channels=1):
    time_s = np.arange(round(seconds * rate_hz)) / rate_hz
    wave = 0.3 * np.sin(2 * np.pi * 700 * time_s)
    sf.write(file, np.repeat(wave[:, None], channels, axis=1), rate_hz, subtype="PCM_16")


def write_nan(file):
    sf.write(file, np.full(2400, np.nan, dtype=np.float32), RATE_HZ, subtype="FLOAT")


def cut(file):
    file.write_bytes(file.read_bytes()[:1000])


BROKEN = {
    "missing": (lambda file: file.unlink(), "no such file"),
    "empty": (lambda file: file.write_bytes(b""), "empty, 0 bytes; export it again"),
    "truncated": (cut, "cut short, 1000 of"),
    "no audio": (lambda file: file.write_bytes(b"a letter" * 99), "no audio that can be decoded"),
    "nan": (write_nan, "samples that are NaN"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_file_is_named_with_its_mend(refuse, own_set, kind):
    file = own_set / "horn" / "2-1.wav"
    damage, told = BROKEN[kind]
    damage(file)

    line = refuse("--data", own_set)

    assert told in line
    assert "horn/2-1.wav" in line
    assert "--skip-bad" in line


@pytest.mark.usefixtures("undrawn")
def test_skip_bad_leaves_broken_files_out_and_names_them(
    auricle, tiny_plan, own_set, tmp_path, tools
):
    for take, kind in enumerate(("empty", "no audio", "nan")):
        BROKEN[kind][0](own_set / "bell" / f"2-{take}.wav")
    BROKEN["missing"][0](own_set / "siren" / "1-0.wav")
    run = tmp_path / "run"
    asked = ("--workers", 1, "--wandb", "disabled", "--epochs", 1, "--strategy", "holdout")

    done = auricle(
        "study", tiny_plan, "--data", own_set, "--skip-bad", "--test", "--out", run, *asked
    )

    assert done.code == 0, done.err
    skipped = {row["file"]: row["reason"] for row in tools.rows_of(run / "skipped.csv")}
    assert set(skipped) == {"bell/2-0.wav", "bell/2-1.wav", "bell/2-2.wav", "siren/1-0.wav"}
    assert "NaN" in skipped["bell/2-2.wav"]
    assert all(file in done.out for file in skipped)
    assert tools.scores_of(run)["dataset"]["skipped"] == 4
    assert tools.scores_of(run)["dataset"]["clips"] == 32
    used = {row["file"] for row in tools.rows_of(run / "clips.csv")}
    scored = {row["file"] for row in tools.rows_of(run / "predictions.csv")}
    assert not (used | scored) & set(skipped)


def test_skip_bad_does_not_hide_that_a_fold_has_lost_a_class(refuse, own_set):
    for file in (own_set / "bell").glob("2-*.wav"):
        file.write_bytes(b"")

    assert "fold 2 has no clip of bell" in refuse("--data", own_set, "--skip-bad")


def test_a_folder_that_is_not_there_is_refused(refuse, tmp_path):
    assert "no such file or folder; give a folder of clips" in refuse("--data", tmp_path / "lost")


def test_esc10_that_was_not_fetched_is_refused(refuse, monkeypatch, tmp_path):
    monkeypatch.setenv("AURICLE_CACHE", str(tmp_path / "cache"))

    assert "run auricle fetch esc10" in refuse("--data", "esc10")


def test_a_folder_without_a_sound_is_refused(refuse, tmp_path):
    (tmp_path / "letters" / "mail").mkdir(parents=True)
    (tmp_path / "letters" / "mail" / "one.txt").write_text("hello", encoding="utf-8")

    assert "no clip in it; audio files end in" in refuse("--data", tmp_path / "letters")


def test_a_class_with_fewer_recordings_than_folds_is_refused(refuse, tmp_path):
    for category, takes in (("bell", range(6)), ("horn", range(6, 9))):
        (tmp_path / "few" / category).mkdir(parents=True)
        for take in takes:
            wave = np.random.default_rng(take).uniform(-0.3, 0.3, 2400)
            sf.write(tmp_path / "few" / category / f"{take}.wav", wave, RATE_HZ)

    line = refuse("--data", tmp_path / "few")

    assert "category horn: 3 recordings for 5 folds; add recordings" in line


LABELS = {
    "missing fold": (
        lambda fold, recording: (4 if fold == 3 else fold, recording),
        "fold 3 is mis",
    ),
    "two folds": (lambda fold, recording: (fold, "same"), "recording same stands in folds 1 "),
    "one fold": (lambda fold, recording: (1, recording), "folds [1]: three are needed"),
    "no number": (lambda fold, recording: ("x", recording), "fold 'x' is no number from 1 up"),
}


@pytest.mark.parametrize("kind", LABELS)
def test_folds_on_which_no_honest_score_can_be_had_are_refused(refuse, own_set, tools, kind):
    change, told = LABELS[kind]
    rows = tools.rows_of(own_set / "clips.csv")
    tools.write_labels(
        own_set,
        [
            (row["file"], row["category"], *change(int(row["fold"]), row["recording"]))
            for row in rows
        ],
    )

    assert told in refuse("--data", own_set)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (("--set", "training.view=2"), "unknown key training.view; did you mean views?"),
        (("--set", "training.views=two"), "training.views"),
        (("--set", "training.views"), "write KEY=VALUE"),
        (("--set", "network.encoder.heads=3"), "3 heads do not divide the base's width of 8"),
        (("--epochs", 0), "epochs, views and batch must be positive"),
        (("--seeds", 0), "seeds"),
        (("--workers", 0), "--workers 0: at least one"),
        (("--strategy", "refit"), "ask for it with --test"),
        (("--column-file", "name"), "both --column-file and --column-category"),
        (("--device", "mps"), "--device mps: this machine has"),
    ],
)
def test_what_cannot_be_run_is_refused(refuse, asked, told):
    assert told in refuse(*asked)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("study", "misson"), "no such plan; did you mean mission?"),
        (("study", "lost.toml"), "lost.toml: no such file"),
        (("train", "cn"), "no such recipe; did you mean cnn?"),
        (("report", "lost"), "lost"),
        (("evaluate", "lost"), "lost: neither a finished study nor a fit is here"),
        (
            ("predict", "a.wav", "--model", "lost"),
            "lost: neither a finished study nor a fit is here",
        ),
    ],
)
def test_what_is_not_there_is_named(auricle, tmp_path, monkeypatch, arguments, told):
    monkeypatch.chdir(tmp_path)

    refused = auricle(*arguments)

    assert refused.code == 1
    assert told in refused.err
    assert refused.err.count("\n") == 1


def test_a_folder_that_holds_other_files_is_not_written_to(refuse, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "thesis.tex").write_text("years of work", encoding="utf-8")

    assert "there is something else here; give an empty folder with --out" in refuse()
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["thesis.tex"]


def test_a_file_is_no_folder_for_a_study(refuse, tmp_path):
    (tmp_path / "run").write_text("years of work", encoding="utf-8")

    assert "run: there is something else here" in refuse()
    assert (tmp_path / "run").read_text(encoding="utf-8") == "years of work"


@pytest.mark.parametrize("resume", ["--resume", "--no-resume"])
def test_another_study_in_the_folder_is_left_alone(auricle, study, tiny_plan, resume):
    before = {path: path.stat().st_mtime_ns for path in study.rglob("*")}

    refused = auricle("study", tiny_plan, "--out", study, "--epochs", 9, resume)

    assert refused.code == 1
    assert "another study is here; give another folder with --out" in refused.err
    assert {path: path.stat().st_mtime_ns for path in study.rglob("*")} == before


def test_a_refused_study_leaves_its_folder_free(refuse, own_set, tmp_path):
    (own_set / "horn" / "2-1.wav").write_bytes(b"")

    refuse("--data", own_set)

    assert "empty, 0 bytes" in refuse("--data", own_set)  # not: something else is here


@pytest.mark.usefixtures("undrawn")
def test_a_full_disk_is_told_in_one_line_and_the_study_goes_on(
    auricle, tiny_plan, tmp_path, monkeypatch, tools
):
    from auricle.training import history

    room = [3]  # checkpoints

    def fill(path, content):
        room[0] -= 1
        if room[0] < 0:
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        written(path, content)

    written = history.replace_bytes
    asked = ("study", tiny_plan, "--out", tmp_path / "run", "--strategy", "kfold", "--no-test")
    asked += ("--workers", 1, "--wandb", "disabled", "--epochs", 2)
    with monkeypatch.context() as full:
        full.setattr(history, "replace_bytes", fill)
        stopped = auricle(*asked)
    ended = auricle(*asked, "--resume")

    assert stopped.code == 1
    assert "checkpoint.pt: No space left on device; free some space" in stopped.err
    assert "checkpoint.pt" in stopped.err
    assert stopped.err.count("\n") == 1
    assert ended.code == 0, ended.err
    assert "1 of 4 fits are there already" in ended.out
    assert tools.scores_of(tmp_path / "run")["configurations"]


@pytest.mark.usefixtures("undrawn")
def test_sounds_of_any_rate_length_and_channel_count_are_learnt_from(
    auricle, tiny_plan, own_set, tmp_path, tools
):
    write_tone(own_set / "bell" / "2-0.wav", channels=8)
    write_tone(own_set / "bell" / "2-1.wav", rate_hz=192_000)
    write_tone(own_set / "horn" / "2-0.wav", seconds=0.1)
    write_tone(own_set / "horn" / "2-1.wav", seconds=60)
    sf.write(own_set / "siren" / "2-0.wav", np.zeros(2400), RATE_HZ)
    sf.write(own_set / "siren" / "3-0.wav", np.zeros(2399), RATE_HZ)
    asked = ("--workers", 1, "--wandb", "disabled", "--epochs", 1, "--strategy", "kfold")

    done = auricle(
        "study", tiny_plan, "--data", own_set, "--no-test", "--out", tmp_path / "run", *asked
    )

    assert done.code == 0, done.err
    rows = tools.rows_of(tmp_path / "run" / "predictions.csv")
    probabilities = [float(row["p_bell"]) for row in rows]
    assert np.isfinite(probabilities).all()
    assert {"bell/2-0.wav", "horn/2-1.wav", "siren/3-0.wav"} <= {row["file"] for row in rows}
    assert not tools.rows_of(tmp_path / "run" / "skipped.csv")
    remarks = {r["file"]: r["remark"] for r in tools.rows_of(tmp_path / "run" / "unusual.csv")}
    assert "8 channels, mixed to one" in remarks["bell/2-0.wav"]
    assert "192,000 Hz" in remarks["bell/2-1.wav"]
    assert "0.1 s, padded" in remarks["horn/2-0.wav"]
    assert "60 s, cut to its loudest" in remarks["horn/2-1.wav"]
    assert "silent" in remarks["siren/3-0.wav"]
    assert "listed in unusual.csv" in done.out


@pytest.mark.usefixtures("undrawn")
def test_a_study_does_not_go_on_with_other_sounds(auricle, tiny_plan, own_set, tmp_path):
    asked = ("study", tiny_plan, "--data", own_set, "--out", tmp_path / "run", "--no-test")
    asked += ("--strategy", "holdout", "--workers", 1, "--wandb", "disabled", "--epochs", 1)
    assert auricle(*asked).code == 0
    wave, rate_hz = sf.read(own_set / "horn" / "3-1.wav")
    sf.write(own_set / "horn" / "3-1.wav", wave / 2, rate_hz)

    refused = auricle(*asked, "--resume")

    assert refused.code == 1
    assert "trained on other sounds than" in refused.err


def test_a_file_in_two_folds_is_refused_under_any_name(refuse, own_set):
    shutil.copy(own_set / "horn" / "2-1.wav", own_set / "horn" / "3-1.wav")

    told = refuse("--data", own_set)

    assert "horn/2-1.wav and horn/3-1.wav are the same file, in folds 2 and 3" in told
