"""Takes the pictures of the README and the documentation from a desk that runs.

``make pictures`` starts a desk on its simulated list as a newcomer would, opens it in Chromium
and writes ``docs/images``. Look at them before they are committed.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright
from tests.desk.test_browser import propose_a_campaign, running_desk

FOLDER = Path(__file__).parents[1] / "docs" / "images"
SIZE = {"width": 1280, "height": 800}
COLOURS = 128
CHROMIUM = "/usr/bin/chromium"
SKIPPED = 10
"""Creators, at most, who come first in the queue and have no number to show."""


def shortlist(page: Page, address: str) -> None:
    """Open the shortlist with why and the decision beside it."""
    page.goto(address + "/shortlist")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("Space")
    page.get_by_role("button", name="Approve").first.wait_for()


def queue(page: Page, address: str) -> None:
    """Open the review queue at the first creator who has a probability."""
    page.goto(address + "/queue")
    for _ in range(SKIPPED):
        if page.get_by_text("Of 100 creators like this one").count():
            break
        page.keyboard.press("s")  # skips
        page.wait_for_timeout(1_000)
    page.goto(address + "/shortlist")
    page.goto(address + "/queue")  # without the notice of what was skipped


def creator(page: Page, address: str) -> None:
    """Open the page of a creator."""
    page.goto(address + "/creators/5")


def campaign(page: Page, address: str) -> None:
    """Propose a campaign and open its page."""
    propose_a_campaign(page, address)


PICTURES: tuple[Callable[[Page, str], None], ...] = (shortlist, queue, creator, campaign)


def main() -> None:
    """Write each picture under the name of its function, in few colours."""
    with (
        tempfile.TemporaryDirectory() as folder,
        running_desk(Path(folder)) as (address, link, _),
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport=SIZE)
        page.set_default_timeout(120_000)
        page.goto(link)
        page.get_by_role("button", name="Open the desk").click()
        page.wait_for_url("**/shortlist")
        for show in PICTURES:
            show(page, address)
            page.mouse.move(0, 0)
            page.wait_for_load_state("networkidle")
            page.wait_for_timeout(500)  # marks slide into place
            picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
            picture.quantize(COLOURS).save(FOLDER / f"{show.__name__}.png", optimize=True)
        browser.close()


if __name__ == "__main__":
    main()
