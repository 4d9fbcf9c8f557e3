"""The notebook to be shared: it runs from its first cell to its last, on made sounds."""

import hashlib
import json
import shutil

import nbclient
import nbformat
import pytest

from auricle.data.esc10 import load_published
from auricle.submission.notebook import FETCH, digest_of, write_notebook
from auricle.submission.program import LIBRARIES

# A study is trained first, and then the file: on a busy machine that takes its time.
pytestmark = pytest.mark.timeout(900)

ROLL = "B21EX042"


@pytest.fixture
def notebook(program_file):
    text = write_notebook(program_file.read_text("utf-8"), name="Ada Example", roll=ROLL)
    return nbformat.reads(text, as_version=4)


def test_it_fetches_runs_and_shows_everything(
    notebook, program_file, tiny_esc, tmp_path, monkeypatch
):
    nbformat.validate(notebook)
    (install,) = (c for c in notebook.cells if "pip" in c.source and "-q" in c.source)
    assert f'wanted = ["wandb{LIBRARIES["wandb"]}"]' in install.source
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    archive = shutil.make_archive(
        str(tmp_path / "sounds"), "zip", root_dir=tiny_esc.parent, base_dir=tiny_esc.name
    )
    sounds = [
        (file.relative_to(tiny_esc).as_posix(), hashlib.sha256(file.read_bytes()).hexdigest())
        for file in tiny_esc.rglob("*.wav")
    ]
    settings = {
        "EPOCHS": 1,
        "TRIALS": 0,
        "WANDB": "disabled",
        "DATA": "ESC-50",
        "ARCHIVE": f"file://{archive}",
        "SHA256": digest_of(sounds),
    }
    (cell,) = (c for c in notebook.cells if "parameters" in c.metadata.get("tags", ()))
    before = {line.partition(" =")[0] for line in cell.source.splitlines()}
    assert before == {*settings}
    cell.source = "\n".join(f"{name} = {value!r}" for name, value in settings.items())
    here = tmp_path / "colab"
    here.mkdir()
    nbclient.NotebookClient(
        notebook, timeout=250, resources={"metadata": {"path": str(here)}}
    ).execute()
    assert (here / f"{ROLL}.py").read_text("utf-8").strip() == program_file.read_text(
        "utf-8"
    ).strip()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    shown = [output for output in outputs if "image/png" in output.get("data", {})]
    assert len(shown) == 6  # curves, confusions and ROC of two configurations
    said = "".join(output.get("text", "") for output in outputs)
    assert "36 sounds, as they were published" in said
    assert "F1 macro" in said


def test_other_sounds_than_the_published_ones_are_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ESC-10").mkdir()
    (tmp_path / "ESC-10" / "a.ogg").write_bytes(b"other bytes")
    with pytest.raises(AssertionError, match=r"not the published sounds \(1 files"):
        exec(FETCH, {"DATA": "ESC-10", "ARCHIVE": "", "SHA256": digest_of([("a.ogg", "0")])})


def test_the_published_sounds_are_known_by_one_hash(notebook):
    clips = [(clip.file, clip.sha256) for clip in load_published()]
    text = json.dumps(notebook)
    assert digest_of(clips) in text
    assert digest_of(reversed(clips)) == digest_of(clips)
    assert digest_of([*clips[1:], (clips[0][0], clips[1][1])]) not in text
