import hashlib
import re
import threading
from collections import Counter
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

import pytest

from auricle.data import esc10
from auricle.data.esc10 import (
    PublishedClip,
    check_esc10,
    fetch_esc10,
    load_published,
    published_as,
    published_takes,
)
from auricle.data.readers import read_clips
from auricle.errors import FetchError

CONTENT = {
    f"00{folder} - Some name/{clip}-{clip}-A.ogg": f"sound {folder} {clip} ".encode() * 5000
    for folder in range(3)
    for clip in range(4)
}
PUBLISHED = tuple(
    PublishedClip(file, 1, "c", "c/1", hashlib.sha256(content).hexdigest(), "a", "CC0", "t")
    for file, content in CONTENT.items()
)
FIRST = PUBLISHED[0].file


@dataclass
class Origin:
    """A web server of the files above; `faults` are what it does with a file, one a request."""

    url: str = ""
    faults: dict[str, list[str]] = field(default_factory=dict)
    requests: Counter[str] = field(default_factory=Counter)


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1")


@pytest.fixture
def origin():
    state = Origin()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            file = unquote(self.path.removeprefix("/pinned/"))
            state.requests[file] += 1
            faults = state.faults.get(file, [])
            fault = faults.pop(0) if faults else ""
            content = CONTENT[file]
            if fault.isdecimal():
                self.send_error(int(fault))
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if fault == "drop":
                content = content[: len(content) // 2]
                self.close_connection = True
            elif fault == "wrong":
                content = content[::-1]
            self.wfile.write(content)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        state.url = f"http://127.0.0.1:{server.server_port}/pinned/"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield state
        server.shutdown()
        thread.join()


def fetch(folder: Path, origin: Origin, **options) -> None:
    fetch_esc10(folder, base_url=origin.url, published=PUBLISHED, pause_s=0.01, **options)


def test_every_file_arrives_whole(tmp_path, origin):
    calls = []

    fetch(tmp_path, origin, progress=lambda *done: calls.append(done))

    assert {file: (tmp_path / file).read_bytes() for file in CONTENT} == CONTENT
    assert sum(path.is_file() for path in tmp_path.rglob("*")) == len(CONTENT)
    assert calls == [(done, 12) for done in range(1, 13)]
    assert set(origin.requests.values()) == {1}


@pytest.mark.parametrize("fault", ["drop", "wrong", "503", "429"])
def test_a_fault_that_passes_is_tried_again(tmp_path, origin, fault):
    origin.faults = {FIRST: [fault, fault]}

    fetch(tmp_path, origin)

    assert (tmp_path / FIRST).read_bytes() == CONTENT[FIRST]
    assert origin.requests[FIRST] == 3


@pytest.mark.parametrize(
    ("fault", "reason", "attempts"),
    [
        ("404", "the server answered 404", 1),
        ("drop", "the connection failed", 4),
        ("wrong", "other bytes came than were published", 4),
        ("500", "the server answered 500", 4),
    ],
)
def test_a_fault_that_stays_is_told(tmp_path, origin, fault, reason, attempts):
    origin.faults = {FIRST: [fault] * 9}

    with pytest.raises(FetchError, match=f"0-0-A.ogg: {reason}.*run the same command again"):
        fetch(tmp_path, origin)

    assert not (tmp_path / FIRST).exists()
    assert origin.requests[FIRST] == attempts
    with pytest.raises(FetchError, match="not the whole ESC-10"):
        check_esc10(tmp_path, PUBLISHED)


def test_a_fetch_goes_on_where_it_stopped(tmp_path, origin):
    last = PUBLISHED[-1].file
    origin.faults = {last: ["404"]}
    with pytest.raises(FetchError):
        fetch(tmp_path, origin, workers=1)
    (tmp_path / FIRST).write_bytes(b"damaged since")
    origin.requests.clear()

    fetch(tmp_path, origin)

    assert origin.requests == {FIRST: 1, last: 1}


def test_no_server_is_told(tmp_path):
    with pytest.raises(FetchError, match="the connection failed"):
        fetch_esc10(tmp_path, base_url="http://127.0.0.1:9/", published=PUBLISHED, pause_s=0.01)


def test_a_place_that_is_no_folder_is_told(tmp_path, origin):
    (tmp_path / "file").write_bytes(b"")

    with pytest.raises(FetchError, match="choose another folder"):
        fetch(tmp_path / "file", origin)


def test_a_copy_that_is_not_whole_does_not_pass(tmp_path, origin):
    fetch(tmp_path, origin)
    (tmp_path / FIRST).unlink()
    (tmp_path / PUBLISHED[1].file).write_bytes(b"")

    with pytest.raises(
        FetchError,
        match=r"not the whole ESC-10, 1 of 12 files missing, 000 .*0-0-A.ogg the first "
        r"and 1 of 12 files with other bytes .*1-1-A.ogg the first; run auricle fetch esc10",
    ):
        check_esc10(tmp_path, PUBLISHED)


def test_the_table_is_that_of_the_paper():
    published = load_published()

    assert len(published) == len({clip.sha256 for clip in published}) == 400
    assert len({clip.recording for clip in published}) == 304
    assert set(Counter((c.category, c.fold) for c in published).values()) == {8}
    assert all(re.fullmatch("[0-9a-f]{64}", clip.sha256) for clip in published)
    assert all(clip.author and clip.title for clip in published)
    assert {clip.licence for clip in published} == {"CC0", "CC-BY", "CC-Sampling+"}


def test_the_credit_counts_every_clip():
    told = esc10.credit()
    assert "Karol J. Piczak, CC BY 3.0" in told
    assert sum(map(int, re.findall(r"(\d+) are CC", told))) == 400


def test_the_attribution_is_up_to_date():
    file = Path(__file__).parents[2] / "ATTRIBUTION.md"

    assert file.read_text(encoding="utf-8") == esc10.write_attribution()


def test_the_real_set_is_whole_and_read_as_the_table_says(esc10_folder):
    check_esc10(esc10_folder)

    told = {(c.file, c.category, c.fold, c.recording) for c in load_published()}
    read = {(c.file, c.category, c.fold, c.recording) for c in read_clips(esc10_folder).clips}
    assert read == told


def test_a_published_clip_is_known_by_its_take_in_any_encoding():
    clip = load_published()[0]
    take = Path(clip.file).stem
    assert published_as(clip.file) == published_as(f"audio/{take}-0.wav") == clip.sha256
    assert published_as(f"{take[:-1]}Z.ogg") is None
    assert published_as("rex.wav") is None
    assert len(published_takes()) == 400
