"""The page as visitors have it: in Chromium, with a microphone that hears a file."""

import io
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import soundfile as sf
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, Route, expect

HEARD_HZ = 1_830  # by the microphone
KINDS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "phone": {"viewport": {"width": 360, "height": 740}},
}


def give(page: Page, content: bytes, name: str = "given.flac") -> None:
    file = {"name": name, "mimeType": "application/octet-stream", "buffer": content}
    page.locator("#file").set_input_files(file)  # type: ignore[arg-type]


def shown(page: Page) -> dict[str, float]:
    """Percents of the bars, by category."""
    page.locator(".answered").wait_for()
    bars = page.locator("#bars li")
    names, values = bars.locator(".name"), bars.locator(".value")
    percents = [float(value.rstrip("%")) for value in values.all_text_contents()]
    return dict(zip(names.all_text_contents(), percents, strict=True))


def test_a_file_is_answered_as_the_server_answers(
    visit: Callable[..., Page], client: Any, tone: Callable[..., bytes]
) -> None:
    page = visit()
    give(page, tone(1230))
    expected = client.post(data=tone(1230)).json()
    assert shown(page) == pytest.approx(
        {name: 100 * share for name, share in expected["probabilities"].items()}, abs=0.51
    )
    assert page.locator("#what").inner_text() == expected["category"]
    assert page.locator("#asked").inner_text() == "given.flac"
    assert expected["category"] in page.locator("#spoken").inner_text()
    assert "ms" in page.locator("#took").inner_text()
    canvas = page.locator("#spectrum")
    assert canvas.evaluate("it => [it.height, it.width]") == [
        expected["spectrum"][name] for name in ("bands", "frames")
    ]
    page.get_by_role("radio", name="where it looks").check()
    assert page.locator("#stairs path").count() == 1
    assert "rests on the sound’s texture" in page.locator("#looks-note").inner_text()
    page.get_by_role("radio", name="what speaks for the answer").check()
    assert page.locator("#stairs path").count() == 0
    player = page.locator("#player")
    expect(player).to_have_js_property("readyState", 4)
    assert player.evaluate("it => it.duration") == pytest.approx(0.3, abs=0.01)


def test_the_page_says_for_which_reason_a_sound_is_unknown(
    visit: Callable[..., Page], tone: Callable[..., bytes], own_clip: bytes
) -> None:
    def unsure(route: Route) -> None:
        route.fulfill(json=route.fetch().json() | {"category": "unknown"})

    page = visit()
    what, why, spoken = (page.locator(f"#{name}") for name in ("what", "why", "spoken"))
    give(page, own_clip)
    expect(what).to_have_text("horn")
    expect(why).to_be_empty()
    give(page, tone(1230))
    expect(what).to_have_text("unknown")
    expect(why).to_contain_text("It sounds like nothing that it learnt from.")
    expect(spoken).to_have_text("unknown, it sounds like nothing that was learnt")
    page.route("**/api/predict*", unsure)
    give(page, own_clip)
    expect(what).to_have_text("unknown")
    expect(why).to_contain_text("It is too unsure to name one.")
    expect(spoken).to_have_text("unknown, too unsure to name one")


def test_a_file_can_be_dropped(visit: Callable[..., Page], tone: Callable[..., bytes]) -> None:
    page = visit()
    page.evaluate(
        """content => {
          const held = new DataTransfer();
          held.items.add(new File([new Uint8Array(content)], "dropped.flac"));
          dispatchEvent(new DragEvent("drop", { dataTransfer: held, cancelable: true }));
        }""",
        list(tone()),
    )
    assert sum(shown(page).values()) == pytest.approx(100, abs=2)
    assert page.locator("#asked").inner_text() == "dropped.flac"


def test_what_is_no_sound_is_told_and_the_page_goes_on(
    visit: Callable[..., Page], tone: Callable[..., bytes]
) -> None:
    page = visit()
    give(page, b"no sound", "<img src=x>.wav")
    problem = page.get_by_role("alert")
    expect(problem).to_have_text("This file cannot be used: no audio that can be decoded.")
    give(page, bytes(2_000_001))
    expect(problem).to_contain_text("too large")
    give(page, tone(), "<img src=x>.wav")
    shown(page)
    expect(problem).to_be_hidden()
    assert page.locator("#asked").inner_text() == "<img src=x>.wav"
    assert page.locator("#asked img").count() == 0


def test_a_long_file_is_told_all_along_and_heard_from_an_event(
    visit: Callable[..., Page], client: Any, tone: Callable[..., bytes]
) -> None:
    content = tone(1230, seconds=1.5)
    page = visit()
    give(page, content)
    events = page.locator("#events button")
    events.first.wait_for()
    expected = client.post(data=content).json()["events"]
    ends = [re.split(r" s ", text)[-1] for text in events.all_inner_texts()]
    assert [re.split(r"[ ,]", end)[0] for end in ends] == [event["category"] for event in expected]
    page.locator("#player").evaluate("it => (it.play = async () => {})")  # that it stays there
    events.last.click()
    at = page.locator("#player").evaluate("it => it.currentTime")
    assert at == pytest.approx(expected[-1]["start_s"], abs=0.01)
    assert page.locator("#overview .heard").count() == 1


def test_a_short_file_is_said_to_be_heard_twice(
    visit: Callable[..., Page], tone: Callable[..., bytes]
) -> None:
    page = visit()
    for seconds, twice in ((0.2, True), (0.3, False), (0.9, False)):
        give(page, tone(1230, seconds=seconds), f"{seconds}.flac")
        expect(page.locator("#asked")).to_have_text(f"{seconds}.flac")
        expect(page.locator("#took")).to_contain_text("ms")
        assert ("twice: followed by silence" in page.locator("#took").inner_text()) == twice


def test_the_page_says_for_which_reason_an_event_is_unknown(
    visit: Callable[..., Page], tone: Callable[..., bytes]
) -> None:
    told = {
        "too strange": (0.9, 9.0),
        "too unsure": (0.1, 1.0),
        "too strange or unsure": (0.9, 1.0),
    }
    unknown = [
        {
            "start_s": 0,
            "end_s": 1,
            "category": "unknown",
            "confidence": sure,
            "strangeness": strange,
        }
        for sure, strange in told.values()
    ]
    known = {**unknown[0], "category": "horn", "strangeness": 1.0}

    def altered(route: Route) -> None:
        route.fulfill(json=route.fetch().json() | {"events": [*unknown, known]})

    page = visit()
    page.route("**/api/predict*", altered)
    give(page, tone(1230, seconds=1.5))
    rows = page.locator("#events li")
    expect(rows).to_have_text(
        [*(f"0.0 s – 1.0 s unknown, {why}" for why in told), re.compile(r"horn 90%$")]
    )


def test_live_it_hears_the_microphone_and_stops(visit: Callable[..., Page]) -> None:
    page = visit()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.get_by_role("button", name="Go live").click()
    shown(page)
    settings = page.evaluate("opened.getAudioTracks()[0].getSettings()")
    filters = ("echoCancellation", "noiseSuppression", "autoGainControl")
    assert not any(settings[name] for name in filters)
    expect(page.locator("#spoken")).not_to_be_empty()
    loud = page.get_by_role("meter").evaluate("it => Number(it.ariaValueNow)")
    assert loud == pytest.approx(-13, abs=6), "the tone's level"
    assert len([url for url in asked if "predict" in url]) >= 2
    page.get_by_role("button", name="Stop").click()
    count = len(asked)
    page.wait_for_timeout(800)
    assert len(asked) == count, "nothing is asked once it has stopped"
    assert page.get_by_role("meter").is_hidden()


def test_a_recording_is_sent_as_it_was_heard(visit: Callable[..., Page]) -> None:
    page = visit()
    page.get_by_role("button", name="Record").click()
    expect(page.locator("#record")).to_contain_text(re.compile(r"Stop, [1-9]"))
    page.get_by_role("button", name="Stop").click()
    shown(page)
    assert page.locator("#asked").inner_text() == "Your recording"
    sent = page.evaluate("sent.arrayBuffer().then((held) => [...new Uint8Array(held)])")
    wave, rate_hz = sf.read(io.BytesIO(bytes(sent)))
    spectrum = np.abs(np.fft.rfft(wave[-rate_hz // 2 :]))
    assert 2 * spectrum.argmax() == pytest.approx(HEARD_HZ, abs=30)


def test_a_refused_microphone_is_told(visit: Callable[..., Page]) -> None:
    page = visit(microphone=False)
    page.get_by_role("button", name="Go live").click()
    expect(page.get_by_role("alert")).to_contain_text("The microphone was refused")
    assert page.locator("#live").get_attribute("aria-pressed") != "true"


def test_sounds_to_try_are_heard_by_key(visit: Callable[..., Page]) -> None:
    page = visit()
    page.locator("#try button").first.focus()
    page.keyboard.press("Enter")
    shown(page)
    assert page.locator("#asked").inner_text().startswith("Sound to try")
    assert page.evaluate("!document.querySelector('#player').hidden")


@pytest.mark.parametrize("kind", KINDS)
def test_axe_finds_nothing_serious_and_the_page_fits(
    visit: Callable[..., Page], tone: Callable[..., bytes], kind: str
) -> None:
    page = visit(**KINDS[kind])
    give(page, tone(1230, seconds=1.5))
    shown(page)
    page.locator("#events button").first.wait_for()
    found = Axe().run(page, "html", {"resultTypes": ["violations"]}).response["violations"]
    bad = [v for v in found if v["impact"] in ("serious", "critical")]
    assert not bad, [(v["id"], v["nodes"][0]["html"][:200], len(v["nodes"])) for v in bad]
    fits = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    assert page.evaluate(fits), "the page does not scroll sideways"
