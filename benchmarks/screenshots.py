"""Pictures of the page of `auricle demo`, in `docs/`: light, dark, and on a phone.

    python -m benchmarks.screenshots MODEL [--out docs]

All sounds are synthesised. Chromium takes the pictures, through Playwright.
"""

import argparse
import io
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Page

from auricle.files import replace_bytes
from auricle.ship.in_browser import chromium
from benchmarks.demo import served

ROOT = Path(__file__).parents[1]
COLOURS = 128  # of a picture: as many as the eye asks for, at a third of the bytes
PICTURES: dict[str, dict[str, Any]] = {
    "light": {"viewport": {"width": 1180, "height": 880}, "color_scheme": "light"},
    "dark": {"viewport": {"width": 1180, "height": 880}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 1180}, "color_scheme": "light"},
}


def surest(page: Page) -> int:
    """The place of the sound to try that is named with most confidence."""
    found: int = page.evaluate(
        """async () => {
          const { sounds } = await (await fetch("about.json")).json();
          const sure = [];
          for (const { file } of sounds) {
            const body = await (await fetch(file)).blob();
            const response = await fetch("api/predict", { method: "POST", body });
            const { category, confidence } = await response.json();
            sure.push(category === "unknown" ? 0 : confidence);
          }
          return sure.indexOf(Math.max(...sure));
        }"""
    )
    return found


def take(page: Page, at: str, sound: int | None) -> bytes:
    """A picture of the page with its answer to a sound to try."""
    page.goto(at)
    page.locator("main").wait_for()
    sound = surest(page) if sound is None else sound
    page.locator("#try button").nth(sound).click()
    page.locator(".answered").wait_for()
    page.wait_for_timeout(1500)  # that the cursor is on its way
    taken = Image.open(io.BytesIO(page.screenshot())).convert("RGB").quantize(COLOURS)
    content = io.BytesIO()
    taken.save(content, "PNG", optimize=True)
    return content.getvalue()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path, help="a bundle, a study or a fit")
    parser.add_argument("--out", type=Path, default=ROOT / "docs")
    parser.add_argument("--sound", type=int, help="which sound to try; the surest if none")
    arguments = parser.parse_args()
    quiet = ("--mute-audio", "--autoplay-policy=no-user-gesture-required")
    with served(arguments.model) as at, chromium(*quiet) as browser:
        for name, kind in PICTURES.items():
            page = browser.new_context(**kind).new_page()
            file = arguments.out / f"demo-{name}.png"
            replace_bytes(file, take(page, at, arguments.sound))
            print(file)


if __name__ == "__main__":
    main()
