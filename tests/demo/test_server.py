import asyncio
import base64
import io
import json
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from socket import socket
from typing import Any

import numpy as np
import pytest
import soundfile as sf
from benchmarks.demo import crowd
from pydantic import TypeAdapter
from starlette.exceptions import HTTPException
from starlette.requests import Request

from auricle.data.audio import load_wave
from auricle.data.clips import Clip, ClipTable
from auricle.data.store import to_samples
from auricle.demo.about import About, open_model
from auricle.demo.answers import Answer, answer, evidence
from auricle.demo.command import demonstrate, listening
from auricle.demo.guard import SAFE
from auricle.demo.server import sound_in
from auricle.demo.sounds import MOST, of_esc10, sounds_to_try
from auricle.errors import DemoError

Tone = Callable[..., bytes]


def ask(client: Any, content: bytes, **asked: Any) -> dict[str, Any]:
    """An answer that is all that its type says, and nothing else."""
    response = client.post(data=content, params=asked)
    assert response.status_code == 200, response.text
    TypeAdapter(Answer).validate_json(response.content, strict=True, extra="forbid")
    found: dict[str, Any] = response.json()
    return found


def test_it_answers_as_the_model_does(client: Any, attentive: Path, tone: Tone) -> None:
    model, _ = open_model(attentive)
    wave, _ = sf.read(io.BytesIO(tone(1230)), dtype="float32")
    expected, found = model.hear(wave), ask(client, tone(1230))
    assert (found["category"], found["start_s"], found["end_s"]) == (expected.category, 0, 0.3)
    assert found["probabilities"] == pytest.approx(expected.probabilities, abs=1e-5)
    assert found["strangeness"] == pytest.approx(expected.strangeness, rel=1e-4)
    assert found["confidence"] == max(found["probabilities"].values())
    assert found["level_db"] == pytest.approx(20 * np.log10(0.3 / np.sqrt(2)), abs=0.1)
    assert found["events"] == []
    assert found["overview"] is None


def test_a_short_sound_is_answered_by_both_hearings_and_drawn_by_the_first(
    attentive: Path, own_clip: bytes
) -> None:
    model = replace(open_model(attentive)[0], temperature=2.0)  # of no probability all but zero
    wave = sf.read(io.BytesIO(own_clip), dtype="float32")[0][:1_200]
    padded = np.pad(wave, (0, 1_200))
    found, first = (
        answer(model, to_samples(heard), explain=True, decoding_ms=0) for heard in (wave, padded)
    )
    expected = model.hear(wave)
    assert found.probabilities == pytest.approx(expected.probabilities, abs=1e-5)
    assert found.probabilities != pytest.approx(first.probabilities, abs=0.01)
    assert found.strangeness == pytest.approx(expected.strangeness, rel=1e-4)
    assert (found.category, first.category) == ("horn", "unknown")
    assert found.wave == first.wave
    loud = [np.frombuffer(told.spectrum.loudness, np.uint8).astype(int) for told in (found, first)]
    assert np.abs(np.subtract(*loud)).max() <= 1
    assert found.spectrum.attention == pytest.approx(first.spectrum.attention, abs=1e-4)


def test_a_sound_that_is_too_strange_is_unknown_however_sure_its_answer(
    client: Any, tone: Tone, own_clip: bytes
) -> None:
    told = client.get("/about.json").json()
    assert "so is a sound too strange" in told["what_is_unknown"]
    strange, own = ask(client, tone(1230)), ask(client, own_clip)
    assert strange["category"] == "unknown"
    assert strange["confidence"] > told["unknown_below"]
    assert own["category"] == "horn"
    assert own["strangeness"] < told["strange_above"] < strange["strangeness"]
    wave, _ = sf.read(io.BytesIO(own_clip))
    pure, _ = sf.read(io.BytesIO(tone(1230, seconds=0.9)))
    content = io.BytesIO()
    sf.write(content, np.concatenate([np.tile(wave, 3), pure]), 8_000, format="WAV")
    events = ask(client, content.getvalue())["events"]
    assert [event["category"] for event in (events[0], events[-1])] == ["horn", "unknown"]
    assert events[0]["strangeness"] < told["strange_above"] < events[-1]["strangeness"]


def test_it_shows_the_sound_where_it_is(client: Any, tone: Tone) -> None:
    found = ask(client, tone(1230, seconds=0.15), explain=True)
    spectrum = found["spectrum"]
    shape = spectrum["bands"], spectrum["frames"]
    loud = np.frombuffer(base64.b64decode(spectrum["loudness"]), np.uint8).reshape(shape)
    half = shape[1] // 2
    assert loud[:, 1 : half - 1].max() == 255, "the tone is the loudest"
    assert not loud[:, half + 2 :].any(), "after it there is silence"
    band = loud[:, half // 2].argmax()
    mel = 2595 * np.log10(1 + np.array([40, 1230, 4000]) / 700)
    assert band / shape[0] == pytest.approx((mel[1] - mel[0]) / (mel[2] - mel[0]), abs=0.1)
    wave = np.frombuffer(base64.b64decode(found["wave"]), np.int8).reshape(-1, 2)
    assert wave[:195, 1].max() == pytest.approx(0.3 * 127, abs=1)
    assert not wave[205:].any()
    evidence = np.frombuffer(base64.b64decode(spectrum["evidence"]), np.uint8)
    assert (evidence.size, evidence.max()) == (loud.size, 255)
    assert 0 < sum(spectrum["attention"]) < 1
    assert ask(client, tone())["spectrum"]["evidence"] is None


def test_what_is_shown_to_speak_speaks_for_the_whole_networks_answer(
    attentive: Path, tone: Tone
) -> None:
    model, _ = open_model(attentive)
    wave, _ = sf.read(io.BytesIO(tone(1230)), dtype="float32")
    found = answer(model, to_samples(wave), explain=True, decoding_ms=0)
    speaking = [evidence(model, wave, one) for one in np.eye(len(model.categories))]
    assert len({*speaking}) == len(model.categories)
    best = model.categories.index(max(found.probabilities, key=found.probabilities.__getitem__))
    assert found.spectrum.evidence == speaking[best]


def test_a_network_without_attention_shows_none(bundle: Path) -> None:
    model, _ = open_model(bundle)
    model.trained.network.eval()
    samples = np.zeros(2_400, np.int16)
    found = answer(model, samples, explain=False, decoding_ms=0)
    has_encoder = model.trained.recipe.network.encoder.blocks > 0
    assert (found.spectrum.attention is not None) == has_encoder
    assert found.level_db == -120


def test_a_long_sound_is_told_all_along(client: Any, tone: Tone) -> None:
    content = io.BytesIO()
    quiet, _ = sf.read(io.BytesIO(tone(610, seconds=1.0)))
    loud, _ = sf.read(io.BytesIO(tone(1830, seconds=0.4)))
    sf.write(content, np.concatenate([quiet / 20, loud, quiet / 20]), 8_000, format="WAV")
    found = ask(client, content.getvalue())
    assert found["length_s"] == pytest.approx(2.4)
    assert 0.99 <= found["start_s"] <= 1.11, "the loudest stretch is heard"
    assert found["end_s"] - found["start_s"] == pytest.approx(0.3)
    edges = [(event["start_s"], event["end_s"]) for event in found["events"]]
    assert edges[0][0] == 0
    assert edges[-1][1] == pytest.approx(2.4)
    assert all(before[1] == after[0] for before, after in pairwise(edges))
    assert found["overview"]


@pytest.mark.parametrize("kind", ["WAV", "FLAC", "OGG", "MP3", "AIFF"])
def test_the_kind_of_a_file_is_told_by_its_content(client: Any, kind: str) -> None:
    content = io.BytesIO()
    noise = np.random.default_rng(0).normal(0, 0.1, (44_100, 2))
    sf.write(content, noise, 44_100, format=kind)
    response = client.post(files={"file": ("../../x.txt", content.getvalue())})
    assert response.status_code == 200, response.text
    assert response.json()["length_s"] == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize(
    ("content", "status", "said"),
    [
        (b"", 400, "No sound came"),
        (b"no sound at all", 415, "no audio that can be decoded"),
        (b"RIFF\x00\x01\x00\x00WAVE", 415, "cut short"),
        (bytes(2_000_001), 413, "too large: 2 MB is the most"),
    ],
    ids=["empty", "text", "cut", "large"],
)
def test_what_is_no_sound_is_refused_in_a_sentence(
    client: Any, content: bytes, status: int, said: str
) -> None:
    for sent in ({"data": content}, {"files": {"file": ("a.wav", content)}}):
        response = client.post(**sent)  # type: ignore[arg-type]
        assert response.status_code == status, response.text
        assert said in response.json()["problem"]
        assert "upload" not in response.text, "nothing is told of where files are put"


def test_a_body_that_hides_its_length_is_read_no_further() -> None:
    read = 0

    async def receive() -> dict[str, Any]:
        nonlocal read
        read += 1
        return {"type": "http.request", "body": bytes(10_000), "more_body": True}

    async def ask_endlessly() -> None:
        await sound_in(Request({"type": "http", "headers": []}, receive), most=95_000)

    with pytest.raises(HTTPException, match=r"413.*too large"):
        asyncio.run(ask_endlessly())
    assert read == 10


def test_a_sound_may_be_long_and_no_longer(client: Any, tone: Tone) -> None:
    silence = io.BytesIO()
    sf.write(silence, np.zeros(8_000 * 121), 8_000, format="FLAC")
    response = client.post(data=silence.getvalue())
    assert (response.status_code, response.json()) == (
        415,
        {"problem": "This file cannot be used: longer than 2 minutes."},
    )


def test_fifty_at_once_are_all_answered(client: Any, tone: Tone) -> None:
    sounds = [tone(400 + 20 * n) for n in range(50)]
    with ThreadPoolExecutor(50) as pool:
        found = list(pool.map(lambda sound: client.post(data=sound), sounds))
    assert [response.status_code for response in found] == [200] * 50
    alone = [client.post(data=sound).json() for sound in sounds[:3]]
    for response, again in zip(found, alone, strict=False):
        assert response.json()["probabilities"] == again["probabilities"], (
            "answers are not mixed up"
        )


def test_a_crowd_is_counted_and_timed(client: Any, tone: Tone) -> None:
    found = crowd(client.at, [tone(), b"no sound"], visitors=6)
    assert (found["visitors"], found["answered"]) == (6, 3)
    assert 0 < found["median_ms"] <= found["percentile_95_ms"]


def test_every_answer_is_safe_and_needs_nobody_else(client: Any) -> None:
    for place in ("/", "/app.js", "/style.css", "/about.json", "/healthz", "/nowhere"):
        response = client.get(place)
        assert response.headers.items() >= {k.lower(): v for k, v in SAFE.items()}.items()
        assert "unsafe" not in response.headers["content-security-policy"]
    assert client.get("/nowhere").status_code == 404
    assert client.get("/nowhere").json() == {"problem": "Not Found"}
    assert client.get("/app.js").headers["content-type"].startswith("text/javascript")


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "evil.example:80"},
        {"Host": "[127.0.0.1"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
    ],
    ids=str,
)
def test_other_sites_are_refused(client: Any, tone: Tone, headers: dict[str, str]) -> None:
    assert client.post(data=tone(), headers=headers).status_code == 403
    own = {"Host": "localhost:80", "Origin": "http://localhost:80"}
    assert client.post(data=tone(), headers=own).status_code == 200


def test_the_description_is_of_what_the_server_answers(client: Any, tone: Tone) -> None:
    told = client.get("/openapi.json").json()
    assert told["openapi"].startswith("3.1")
    schemas = told["components"]["schemas"]
    assert set(ask(client, tone())) == set(schemas["Answer"]["required"])
    (event, *_) = ask(client, tone(seconds=0.9))["events"]
    assert set(event) == set(schemas["Heard"]["required"])
    assert set(client.get("/about.json").json()) == set(schemas["About"]["required"])
    assert json.dumps(told).count("#/components/schemas/") >= 8
    for refers in json.dumps(told).split("#/components/schemas/")[1:]:
        assert refers.split('"')[0] in schemas
    for place, methods in told["paths"].items():
        for method in methods:
            response = client.request(method, place)
            assert str(response.status_code) in methods[method]["responses"], place
    health = client.get("/healthz").json()
    assert health == {"status": "ok", "model": client.get("/about.json").json()["name"]}


def test_the_page_tells_what_the_bundle_tells(client: Any, attentive: Path) -> None:
    told = TypeAdapter(About).validate_json(client.get("/about.json").content, extra="forbid")
    _, facts = open_model(attentive)
    assert told.categories == facts.categories == ("bell", "horn", "siren")
    assert "transformer encoder of 2 blocks with 2 heads" in told.kind
    (own,) = facts.own_scores
    assert told.scores[0].what == "the sealed test fold"
    assert told.scores[0].accuracy == pytest.approx(100 * own.accuracy)
    assert told.scores[0].low == pytest.approx(100 * (own.low or 0))
    assert "by other networks of its recipe" in told.scores[1].what
    assert "Unknown means unsure or strange, no more" in told.what_passes
    assert "half of the answer rests on the sound’s texture" in told.not_shown
    assert told.step_s * (0.3 // told.step_s) <= 0.3


def test_sounds_to_try_are_synthesised_and_play(client: Any) -> None:
    told = client.get("/about.json").json()
    assert told["sounds_note"].startswith("Synthesised")
    for sound in told["sounds"]:
        response = client.get(f"/{sound['file']}")
        wave, rate_hz = sf.read(io.BytesIO(response.content))
        assert len(wave) / rate_hz == pytest.approx(0.3)
        assert np.abs(wave).max() > 0.01


def test_sounds_of_a_folder_are_those_to_try(bundle: Path, tiny_set: Path, tmp_path: Path) -> None:
    _, facts = open_model(bundle)
    none = replace(facts, learnt=replace(facts.learnt, sealed=(), heard=()))
    found = sounds_to_try(tiny_set, none)
    assert [sound.title for sound in found.sounds[:2]] == ["1 0", "1 1"]
    assert not any(sound.learnt for sound in found.sounds)
    assert "which holds 36" in found.note
    with pytest.raises(DemoError, match="no sound in it"):
        sounds_to_try(tmp_path, facts)


def test_no_sealed_clip_of_a_folder_is_to_be_tried(
    bundle: Path, tiny_set: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, facts = open_model(bundle)
    decoded = []

    def load(file: Path, rate_hz: int) -> Any:
        decoded.append(file.name)
        return load_wave(file, rate_hz)

    monkeypatch.setattr("auricle.demo.sounds.load_wave", load)
    found = sounds_to_try(tiny_set, facts)
    assert len(found.sounds) == MOST
    assert {name[0] for name in decoded} == {"2", "3"}
    assert all(sound.learnt for sound in found.sounds)
    assert "left out are 8 that are sealed" in found.note
    for take in range(2):
        shutil.copy(tiny_set / "bell" / f"1-{take}.wav", tmp_path / f"renamed {take}.wav")
    with pytest.raises(DemoError, match="all its sounds are sealed"):
        sounds_to_try(tmp_path, facts)


def test_no_clip_of_the_sealed_fold_of_esc10_is_to_be_tried(
    bundle: Path, tiny_set: Path, tmp_path: Path
) -> None:
    _, facts = open_model(bundle)
    clips = [Clip(f"{n}/{f}-0.wav", n, f, "") for n in ("bell", "horn") for f in (1, 2, 3)]
    shutil.copytree(tiny_set, tmp_path / "set")
    for clip in clips:
        if clip.fold == 1:
            (tmp_path / "set" / clip.file).unlink()  # to open it would fail
    found = of_esc10(ClipTable("esc10", tmp_path / "set", tuple(clips)), facts, 8_000)
    wave, _ = sf.read(tiny_set / "bell" / "2-0.wav", dtype="int16")
    first, _ = sf.read(io.BytesIO(found.sounds[0].content), dtype="int16")
    np.testing.assert_allclose(first, wave, atol=1)
    assert [sound.learnt for sound in found.sounds] == [True, True]
    assert "shows nothing" in found.note


def test_a_port_that_is_taken_is_told(bundle: Path) -> None:
    with listening("127.0.0.1", 0) as door:
        taken = door.getsockname()[1]
        with pytest.raises(DemoError, match=f"port {taken}: .*choose another"):
            demonstrate(bundle, host="127.0.0.1", port=taken, open_page=False, sounds=None)


def test_the_command_tells_where_the_page_is_and_opens_it(
    bundle: Path, auricle: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    ports: list[int] = []

    def serve(server: Any, sockets: list[socket]) -> None:
        ports.append(sockets[0].getsockname()[1])

    monkeypatch.setattr("webbrowser.open", opened.append)
    monkeypatch.setattr("uvicorn.Server.run", serve)
    told = auricle("demo", bundle, "--port", 0)
    assert (told.code, told.err) == (0, "")
    assert opened == [f"http://127.0.0.1:{ports[0]}/"]
    assert opened[0] in told.out
    told = auricle("demo", bundle, "--port", 0, "--no-open", "--host", "0.0.0.0")
    assert "whoever reaches this machine may use it" in told.err
    assert len(opened) == 1


def test_a_missing_library_is_told_with_its_command(
    bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "uvicorn", None)
    with pytest.raises(DemoError, match=r'run pip install "\.\[demo\]" in auricle\'s folder'):
        demonstrate(bundle, host="127.0.0.1", port=0, open_page=False, sounds=None)


def test_a_sealed_clip_in_another_encoding_is_known_by_its_name(
    bundle: Path, tiny_set: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, facts = open_model(bundle)
    wave, rate_hz = sf.read(tiny_set / "bell" / "2-0.wav")
    sf.write(tmp_path / "1-100032-A-0.flac", wave, rate_hz)
    assert len(sounds_to_try(tmp_path, facts).sounds) == 1
    monkeypatch.setattr("auricle.demo.sounds.published_as", lambda name: facts.learnt.sealed[0])
    with pytest.raises(DemoError, match="all its sounds are sealed"):
        sounds_to_try(tmp_path, facts)
