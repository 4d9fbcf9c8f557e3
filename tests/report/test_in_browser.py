"""The page as readers have it: in Chromium, by pointer and by keys, in light, dark and small."""

import csv
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile as sf
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page
from rich.console import Console

from auricle.report.chapters import make_document
from auricle.report.document import Document
from auricle.report.every import every_answer
from auricle.report.html import set_page
from auricle.report.listen import write_listening
from auricle.report.study_files import read_study

CATEGORIES = ("sea_bell", "door", "glass")
NAMES = ("dull", "dull-h4")  # of little skill, so that there is something to see
VIEW = ("kfold", "pooled", "out-of-fold")
TEST = ("refit", "all", "test")
RATE_HZ = 8_000

Rows = list[dict[str, str]]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, write: Callable[..., Path], look: Any) -> Path:
    study = write(
        tmp_path_factory.mktemp("browser") / "study",
        categories=CATEGORIES,
        names=NAMES,
        seeds=2,
        per_fold=6,
    )
    look(study, NAMES)
    return study


@pytest.fixture(scope="module")
def answers(run: Path) -> Rows:
    with (run / "predictions.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture(scope="module")
def report(run: Path) -> Path:
    page = run / "report" / "report.html"
    page.parent.mkdir()
    page.write_text(set_page(make_document(read_study(run))), encoding="utf-8")
    return page


@pytest.fixture(scope="module")
def browser(chromium: Callable[..., Any]) -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Open a page; at the end nothing may have gone wrong on it, nor anything been asked for."""
    contexts, wrong = [], []

    def opened(file: Path, **kinds: Any) -> Page:
        context = browser.new_context(viewport=kinds.pop("viewport", None), **kinds)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda said: wrong.append(said.text))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda asked: wrong.append(asked.url) if outside(asked.url) else None)
        page.goto(file.as_uri())
        return page

    def outside(url: str) -> bool:
        return not url.startswith(("file:", "data:", "blob:"))

    yield opened
    for context in contexts:
        context.close()
    assert wrong == []


@pytest.fixture
def page(visit: Callable[..., Page], report: Path) -> Page:
    return visit(report)


def chosen(answers: Rows, view: tuple[str, str, str] = VIEW, **asked: str) -> Rows:
    """The rows of `predictions.csv` that filters leave, found without the page."""
    names = {"is": "category", "heard": "prediction"}
    return [
        row
        for row in answers
        if (row["strategy"], row["member"], row["on"]) == view
        and all(row[names.get(key, key)] == value for key, value in asked.items())
    ]


def tally(rows: Rows) -> str:
    right = sum(row["category"] == row["prediction"] for row in rows)
    files = len({row["file"] for row in rows})
    return (
        f"{len(rows)} answers on {files} clips: {right} right, {len(rows) - right} wrong, "
        f"accuracy {100 * right / len(rows):.1f}%"
    )


def told(page: Page) -> str:
    return page.locator(".tally").inner_text()


def choose(page: Page, **filters: str) -> None:
    for name, label in filters.items():
        page.locator(f"[name='{name}']").select_option(label=label.replace("_", " "))


def names(page: Page) -> list[str]:
    """The files whose rows are shown."""
    return page.locator(".answers tbody th button:not(.play)").all_text_contents()


def test_it_begins_with_the_best_configuration_out_of_fold(page: Page, answers: Rows) -> None:
    assert told(page) == tally(chosen(answers, configuration="dull", seed="0"))
    assert page.locator(".tally").get_attribute("role") == "status"
    assert all("/1-" not in name for name in names(page))


@pytest.mark.parametrize(
    "filters",
    [
        {"fold": "3"},
        {"is": "sea_bell"},
        {"configuration": "dull-h4", "seed": "1", "heard": "door"},
        {"configuration": "dull-h4", "is": "door", "fold": "5"},
    ],
    ids=str,
)
def test_filters_count_as_the_file_does(page: Page, answers: Rows, filters: dict[str, str]) -> None:
    choose(page, **filters)
    expected = chosen(answers, **({"configuration": "dull", "seed": "0"} | filters))
    assert told(page) == tally(expected)
    assert sorted(names(page)) == sorted(row["file"] for row in expected)


def test_all_configurations_and_seeds_count_together(page: Page, answers: Rows) -> None:
    page.locator("[name='configuration']").select_option("")
    page.locator("[name='seed']").select_option("")
    everything = chosen(answers)
    assert told(page) == tally(everything)
    shown = page.locator(".answers tbody tr")
    assert shown.count() == 40
    page.locator(".more").click()
    assert shown.count() == 80
    assert page.locator(":focus").inner_text() == names(page)[40].replace("/", "/\n", 1)


def test_right_wrong_never_right_and_names(page: Page, answers: Rows) -> None:
    own = chosen(answers, configuration="dull", seed="0")
    wrong = [row for row in own if row["category"] != row["prediction"]]
    choose(page, answer="wrong")
    assert told(page) == tally(wrong)
    ever = {row["file"] for row in chosen(answers) if row["category"] == row["prediction"]}
    never = [row for row in own if row["file"] not in ever]
    assert never, "the made-up study has a clip that nobody hears right"
    choose(page, answer="never right")
    assert sorted(names(page)) == sorted(row["file"] for row in never)
    page.get_by_role("button", name="Reset").click()
    page.locator("[name='file']").fill("DOOR/2")
    assert told(page) == tally([row for row in own if "door/2" in row["file"]])
    page.locator("[name='file']").fill("no such name")
    assert told(page) == "No answer is like that."


def test_the_test_fold_is_shown_where_it_is_asked_for_alone(page: Page, answers: Rows) -> None:
    choose(page, view="test fold 1 (refit)")
    assert told(page) == tally(chosen(answers, TEST, configuration="dull", seed="0"))
    assert all("/1-" in name for name in names(page))


def test_a_committee_is_shown_with_the_seeds_it_has(page: Page, answers: Rows) -> None:
    choose(page, configuration="everyone")
    assert told(page) == tally(chosen(answers, configuration="everyone"))


def test_a_cell_of_a_confusion_matrix_leads_to_exactly_its_clips(page: Page, answers: Rows) -> None:
    figure = page.locator("#confusion-dull-h4")
    rows = chosen(answers, configuration="dull-h4", seed="0")
    wrong = next(row for row in rows if row["category"] != row["prediction"])
    own = [r for r in rows if all(r[key] == wrong[key] for key in ("category", "prediction"))]
    is_, heard = (wrong[key].replace("_", " ") for key in ("category", "prediction"))
    clips = f"{len(own)} clip{'s' * (len(own) > 1)}"
    cell = figure.get_by_role("button", name=f"{is_} heard as {heard}: {clips}").first
    number = figure.locator("svg text", has_text=str(len(own)))
    boxes = [number.nth(at).bounding_box() for at in range(number.count())]
    around = cell.bounding_box()
    assert around
    assert any(box and inside(box, around) for box in boxes), "the cell lies upon its number"
    cell.click()
    assert sorted(names(page)) == sorted(row["file"] for row in own)
    assert page.locator(".tally").evaluate("it => it === document.activeElement")


def inside(inner: dict[str, float], outer: dict[str, float]) -> bool:
    x, y = inner["x"] + inner["width"] / 2, inner["y"] + inner["height"] / 2
    across = outer["x"] <= x <= outer["x"] + outer["width"]
    return across and outer["y"] <= y <= outer["y"] + outer["height"]


def test_cells_are_gone_through_by_arrow_keys_and_are_one_stop(page: Page) -> None:
    cells = page.locator("#confusion-dull .matrix").first.locator("button")
    assert cells.locator("nth=0").get_attribute("tabindex") == "0"
    cells.first.focus()
    page.keyboard.press("ArrowRight")
    assert cells.nth(1).evaluate("it => it === document.activeElement")
    assert [cells.nth(at).get_attribute("tabindex") for at in (0, 1)] == ["-1", "0"]


def test_a_category_of_a_table_leads_to_its_clips(page: Page, answers: Rows) -> None:
    page.locator("table[data-view*='test'] .lead", has_text="glass").click()
    assert told(page) == tally(chosen(answers, TEST, seed="0", **{"is": "glass"}))


def test_columns_sort_both_ways_and_say_so(page: Page, answers: Rows) -> None:
    own = chosen(answers, configuration="dull", seed="0")
    given = {row["file"]: round(100 * float(row[f"p_{row['category']}"])) for row in own}
    assert [given[name] for name in names(page)] == sorted(given[name] for name in names(page))
    heading = page.locator("th", has=page.locator("[data-key='file']"))
    heading.locator("button").click()
    assert heading.get_attribute("aria-sort") == "ascending"
    assert names(page) == sorted(given)[:40]
    heading.locator("button").click()
    assert heading.get_attribute("aria-sort") == "descending"
    assert names(page) == sorted(given, reverse=True)[:40]


def test_cards_are_opened_gone_through_and_closed_by_keys(page: Page, answers: Rows) -> None:
    first, second = names(page)[:2]
    page.locator(".answers tbody th button").first.focus()
    page.keyboard.press("Enter")
    card = page.locator("dialog")
    card.locator("canvas").wait_for()
    assert card.locator("h3").text_content() == first
    row = next(r for r in chosen(answers, configuration="dull", seed="0") if r["file"] == first)
    verdict = card.locator(".verdict").inner_text()
    sure = 100 * float(row["p_" + row["prediction"]])
    assert f"heard {row['prediction'].replace('_', ' ')}, {sure:.0f}% sure" in verdict
    page.keyboard.press("ArrowRight")
    page.wait_for_function(
        "name => document.querySelector('dialog h3').textContent === name", arg=second
    )
    page.keyboard.press("Escape")
    assert not card.is_visible()
    assert page.locator(":focus").text_content() == second


def test_a_card_draws_the_clip_and_what_speaks_for_the_answer(page: Page, run: Path) -> None:
    page.locator(".answers tbody th button").first.click()
    card = page.locator("dialog")
    canvas = card.locator("canvas")
    canvas.wait_for()
    card.get_by_role("radio", name="attention of dull-h4").check()
    assert card.locator(".track .hill").count() == card.locator(".spectrogram .hill").count() == 1
    card.get_by_role("radio", name="nothing").check()
    assert card.locator(".hill").count() == 0
    plain = pixels(canvas)
    with np.load(run / "evidence" / "looking.npz") as held:
        place = held["files"].tolist().index(names(page)[0])
        loud = held["spectra"][place].astype(float)
    seen = plain[..., :3].sum(2)
    assert np.corrcoef(loud.ravel(), seen.ravel())[0, 1] > 0.95, "loud is bright, low is low"
    card.get_by_role("radio", name="gradient of dull-h4").check()
    assert not np.array_equal(pixels(canvas), plain)
    assert "what the gradient of dull-h4 marks" in (canvas.get_attribute("aria-label") or "")
    assert card.locator(".track .hill").count() == card.locator(".hill").count() == 1
    assert card.locator("thead code").all_inner_texts() == [*NAMES]


def test_a_card_shows_at_once_what_the_network_it_is_of_looked_at(page: Page) -> None:
    card = page.locator("dialog")
    for name, shown in (("dull-h4", "attention of dull-h4"), ("dull", "nothing")):
        page.locator("[name='configuration']").select_option(label=name)
        page.locator(".answers tbody th button").first.click()
        card.locator("canvas").wait_for()
        assert card.get_by_role("radio", name=shown).is_checked()
        page.keyboard.press("Escape")


def pixels(canvas: Locator) -> np.ndarray:
    """(bands, frames, 4) what is drawn, low bands first."""
    drawn = canvas.evaluate(
        """it => {
          const copy = new OffscreenCanvas(it.width, it.height);
          const context = copy.getContext("2d", { willReadFrequently: true });
          context.drawImage(it, 0, 0);
          return [it.height, it.width, ...context.getImageData(0, 0, it.width, it.height).data];
        }"""
    )
    return np.array(drawn[2:]).reshape(*drawn[:2], 4)[::-1]


def test_a_card_without_pictures_has_probabilities(
    visit: Callable[..., Page], run: Path, tmp_path: Path
) -> None:
    blocks = list(every_answer(replace(read_study(run), looking=None)))
    file = tmp_path / "report.html"
    file.write_text(set_page(Document("bare", "", "", "", blocks)), encoding="utf-8")
    page = visit(file)
    page.locator(".answers tbody th button").first.click()
    assert page.locator("dialog tbody tr").count() >= 2
    assert page.locator("dialog canvas").count() == 0


COLOURS = "color-contrast"  # the slowest rule: it is put to each set of colours once


@pytest.mark.parametrize(
    ("kind", "asked"),
    [
        ({"color_scheme": "light"}, {}),
        ({"color_scheme": "dark"}, {"runOnly": [COLOURS]}),
        ({"viewport": {"width": 390, "height": 800}}, {"rules": {COLOURS: {"enabled": False}}}),
    ],
    ids=["light", "dark", "phone"],
)
def test_axe_finds_nothing_serious(
    visit: Callable[..., Page], report: Path, kind: dict[str, Any], asked: dict[str, Any]
) -> None:
    page = visit(report, **kind)
    find_nothing_serious(page, **asked)
    page.locator(".answers tbody th button").first.click()
    page.locator("dialog canvas").wait_for()
    find_nothing_serious(page, "dialog")
    fits = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    assert page.evaluate(fits), "the page does not scroll sideways"


def test_the_caption_of_a_wide_table_stays_in_sight(
    visit: Callable[..., Page], report: Path
) -> None:
    page = visit(report, viewport={"width": 390, "height": 800})
    table = page.locator("#comparison")
    assert table.evaluate("box => box.scrollWidth > box.clientWidth + 100")
    table.evaluate("box => { box.scrollLeft = 150; }")
    caption = page.locator("#comparison caption > span").bounding_box()
    assert caption
    assert caption["x"] >= 0
    assert caption["x"] + caption["width"] <= 390


def find_nothing_serious(page: Page, part: str = "html", **asked: Any) -> None:
    found = Axe().run(page, part, {"resultTypes": ["violations"]} | asked).response["violations"]
    bad = [v for v in found if v["impact"] in ("serious", "critical")]
    assert not bad, [(v["id"], v["nodes"][0]["html"][:200], len(v["nodes"])) for v in bad]


def test_without_scripts_the_page_says_where_the_answers_are(
    visit: Callable[..., Page], report: Path
) -> None:
    page = visit(report, java_script_enabled=False)
    assert page.locator("noscript a").get_attribute("href") == "../predictions.csv"
    assert not page.locator(".explorer").is_visible()


def test_sounds_of_the_page_to_listen_with_play(
    visit: Callable[..., Page], run: Path, tmp_path: Path
) -> None:
    time_s = np.arange(RATE_HZ // 2) / RATE_HZ
    for file in {row["file"] for row in chosen_files(run)}:
        (tmp_path / file).parent.mkdir(exist_ok=True)
        sf.write(tmp_path / file, 0.3 * np.sin(2 * np.pi * 500 * time_s), RATE_HZ)
    quiet = Console(quiet=True)
    page = visit(write_listening(run, tmp_path, data=str(tmp_path), most_mb=0.1, console=quiet))
    sounding = page.locator(".answers tbody tr", has=page.locator(".play"))
    assert 0 < sounding.count() < page.locator(".answers tbody tr").count()
    sounding.first.locator("th button:not(.play)").click()
    audio = page.locator("dialog audio")
    audio.wait_for()
    page.wait_for_function("document.querySelector('dialog audio').duration > 0")
    assert audio.evaluate("it => it.duration") == pytest.approx(5, abs=0.1)
    find_nothing_serious(page, "dialog")


def chosen_files(run: Path) -> Rows:
    """Clips of the development folds."""
    with (run / "clips.csv").open(encoding="utf-8", newline="") as stream:
        return [row for row in csv.DictReader(stream) if row["role"] == "development"]
