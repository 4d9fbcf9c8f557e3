"""The page as files: it answers as the server does, and needs nothing but a static host."""

import base64
import io
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest
import soundfile as sf
from playwright.sync_api import Page, expect

from auricle.demo.page import page_files
from auricle.demo.web import write_web
from auricle.errors import FetchError
from auricle.ship import ort_web

Sounds = dict[str, bytes]


class Quiet(SimpleHTTPRequestHandler):
    """A static host that knows nothing of us."""

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002
        pass


@pytest.fixture(scope="module")
def folder(attentive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    try:
        ort_web.ort_web()
    except FetchError as problem:
        pytest.skip(str(problem))
    return write_web(attentive, tmp_path_factory.mktemp("web") / "page", ort=None, sounds=None)


@pytest.fixture(scope="module")
def host(folder: Path) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder))
    Thread(target=server.serve_forever).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def sounds(tone: Callable[..., bytes], own_clip: bytes) -> Sounds:
    """Short, long, of another rate and two channels, and of two kinds one after the other.

    Those without noise are strange to the network; one is its own, and one the half of that, of
    which it would say something else if it heard silence after it alone.
    """
    generator = np.random.default_rng(0)
    wide, changing = io.BytesIO(), io.BytesIO()
    time_s = np.arange(22_050) / 44_100
    stereo = np.sin(2 * np.pi * np.outer(time_s, [700, 1900]))
    stereo *= 0.2 * np.hanning(len(time_s))[:, None]  # of one loudest stretch, whoever resamples
    sf.write(wide, stereo, 44_100, format="WAV")
    tones = [sf.read(io.BytesIO(tone(hz, seconds=0.7)))[0] for hz in (610, 1830)]
    brief, own = io.BytesIO(), sf.read(io.BytesIO(own_clip))[0]
    sf.write(brief, own[:1_200], 8_000, format="FLAC", subtype="PCM_16")
    noise = generator.normal(0, 0.05, 11_200)
    sf.write(changing, np.concatenate(tones) + noise, 8_000, format="FLAC", subtype="PCM_16")
    return {
        "short": tone(1230, seconds=0.11),
        "clip": tone(1830),
        "wide": wide.getvalue(),
        "changing": changing.getvalue(),
        "own": own_clip,
        "brief": brief.getvalue(),
    }


ASK = """async (contents) => {
  const { listen } = await import("./listener.js");
  const about = await (await fetch("about.json")).json();
  const hear = await listen(about);
  const found = {};
  for (const [name, content] of Object.entries(contents)) {
    const { spectrum, ...told } = await hear(new Blob([new Uint8Array(content)]));
    found[name] = { ...told, attention: spectrum.attention, loudness: [...spectrum.loudness] };
    for (const drawn of ["wave", "overview"]) found[name][drawn] = told[drawn] && [...told[drawn]];
  }
  return found;
}"""


def test_it_answers_as_the_server_does(
    visit: Callable[..., Page], host: str, client: Any, sounds: Sounds
) -> None:
    page = visit(at=host)
    found = page.evaluate(ASK, {name: list(content) for name, content in sounds.items()})
    called = {name: here["category"] for name, here in found.items()}
    assert (called["clip"], called["own"], called["brief"]) == ("unknown", "horn", "horn")
    for name, content in sounds.items():
        here, there = found[name], client.post(data=content).json()
        assert here["category"] == there["category"], name
        by = 0.2 if name == "wide" else 1e-3  # Chromium resamples with a shorter filter
        assert here["strangeness"] == pytest.approx(there["strangeness"], rel=by), name
        shares = here["probabilities"], there["probabilities"]
        assert max(shares[0], key=shares[0].get) == max(shares[1], key=shares[1].get), name
        assert shares[0] == pytest.approx(shares[1], abs=0.02), name
        assert here["attention"] == pytest.approx(there["spectrum"]["attention"], abs=0.02), name
        for key in ("start_s", "end_s", "length_s"):
            assert here[key] == pytest.approx(there[key], abs=0.004), (name, key)
        duller_db = 0.6 if name == "wide" else 0.05
        assert here["level_db"] == pytest.approx(there["level_db"], abs=duller_db), name
        assert [tuple(event.items())[:3] for event in here["events"]] == [
            tuple(event.items())[:3] for event in there["events"]
        ], name
        strange = [[event["strangeness"] for event in told["events"]] for told in (here, there)]
        assert strange[0] == pytest.approx(strange[1], rel=by), name
    exact = client.post(data=sounds["clip"]).json()
    for drawn in ("wave", "loudness"):
        given = exact["wave"] if drawn == "wave" else exact["spectrum"]["loudness"]
        expected = np.frombuffer(base64.b64decode(given), np.uint8)
        found_here = np.array(found["clip"][drawn]).astype(np.uint8)
        difference = (found_here - expected).view(np.int8)
        assert np.abs(difference.astype(int)).max() <= 2, drawn


def test_it_is_the_same_page(visit: Callable[..., Page], host: str, sounds: Sounds) -> None:
    page = visit(at=host)
    page.locator("#try button").first.click()
    page.locator(".answered").wait_for()
    page.get_by_role("radio", name="where it looks").check()
    assert page.locator("#stairs path").count() == 1
    assert page.get_by_role("radio", name="what speaks for the answer").count() == 0
    page.get_by_role("button", name="Go live").click()
    expect(page.locator("#spoken")).not_to_have_text("")
    expect(page.locator("#asked")).to_contain_text("Live")
    page.get_by_role("button", name="Stop").click()
    file = {"name": "bad.wav", "mimeType": "audio/wav", "buffer": b"no sound"}
    page.locator("#file").set_input_files(file)  # type: ignore[arg-type]
    expect(page.get_by_role("alert")).to_contain_text("no audio that this browser can decode")


def test_nothing_may_leave_the_page_and_no_clip_is_in_it(folder: Path) -> None:
    page = (folder / "index.html").read_text(encoding="utf-8")
    head = page[: page.index("<script")]
    assert "Content-Security-Policy" in head
    assert "connect-src 'self';" in head
    assert "'unsafe-inline'" not in head
    files = {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}
    own = {*page_files("onnx"), "about.json", "model.onnx"}
    other = {name for name in files - own if not name.startswith(("sounds/", "ort/"))}
    assert own <= files
    assert not other
    assert "Synthesised" in (folder / "about.json").read_text(encoding="utf-8")


def test_what_else_is_in_the_folder_is_left_alone(
    attentive: Path, tmp_path: Path, auricle: Any
) -> None:
    (tmp_path / "thesis.txt").write_text("mine", encoding="utf-8")
    told = auricle("export", attentive, "--web", tmp_path)
    assert (told.code, told.out) == (1, "")
    assert "something else is here" in told.err
    assert [file.name for file in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_runtime_that_is_not_the_one_meant_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(FetchError, match="another file"):
        ort_web.unpacked(b"another archive")
    with pytest.raises(FetchError, match="is not in it"):
        ort_web.ort_web(tmp_path)
    monkeypatch.setenv("AURICLE_CACHE", str(tmp_path / "empty"))
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(FetchError, match=r"npm is not installed.*--ort-web"):
        ort_web.ort_web()
