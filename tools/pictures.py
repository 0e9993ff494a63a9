"""Make the pictures of README and docs from a demo desk: ``python tools/pictures.py [FOLDER]``.

It starts the desk on a database of its own, works a little in it, and shoots four pages, each light
and dark, 1280 by 800 pixels. It needs Chromium and the extras ``desk`` and ``test``.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

FOLDER = Path(__file__).parents[1] / "docs" / "images"
FEES = {"nano": "150", "micro": "600", "mid": "2500"}


def main(folder: Path) -> None:
    """Write the pictures into a folder."""
    with tempfile.TemporaryDirectory() as place:
        command = [Path(sys.executable).with_name("durhampulse"), "desk", "--port", "0"]
        desk = subprocess.Popen(  # noqa: S603
            command, cwd=place, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        try:
            shoot(_link(desk), folder)
        finally:
            desk.terminate()
            desk.wait()


def _link(desk: subprocess.Popen[str]) -> str:
    for line in desk.stdout or ():
        if match := re.search(r"http\S+/welcome/\S+", line):
            return match[0]
    raise SystemExit("The desk did not start.")


def shoot(link: str, folder: Path) -> None:
    """Sign in by a link, make a campaign, and write the pictures."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"))
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.goto(link)
        page.get_by_role("button", name="Open the desk").click()
        page.wait_for_url("**/shortlist")
        address = link.partition("/welcome")[0]
        campaign = _campaign(page, address)
        for ending in ("", "-dark"):
            page.emulate_media(color_scheme="dark" if ending else "light")
            for name, where in (("shortlist", "/shortlist"), ("queue", "/queue"),
                               ("creator", "/creators/297"), ("campaign", campaign)):  # fmt: skip
                page.goto(f"{address}{where}")
                page.wait_for_load_state("networkidle")
                if name == "shortlist":
                    page.locator(".list tbody tr").nth(2).click()
                    page.locator("#panel h2").wait_for()
                    page.mouse.move(800, 20)
                if name == "queue" and not ending:
                    _skip_the_hidden(page)
                    page.goto(f"{address}{where}")
                page.wait_for_timeout(400)  # what slides has arrived
                path = folder / f"{name}{ending}.png"
                page.screenshot(path=path)
                Image.open(path).convert("RGB").quantize(256, kmeans=4).save(path, optimize=True)
        browser.close()


def _skip_the_hidden(page: Page) -> None:
    """Leave for later who has no precedent, or was drawn to be judged without the number."""
    while not page.locator("#card .saying").count():
        before = page.locator("#creator").inner_text()
        page.keyboard.press("s")
        page.wait_for_function(
            "b => document.querySelector('#creator')?.innerText !== b", arg=before
        )


def _campaign(page: Page, address: str) -> str:
    """Return the path of a campaign that is proposed."""
    page.goto(f"{address}/campaigns")
    form = page.locator("main form[action='/campaigns']")
    brief = {"name": "Spring launch", "number": "12", "budget": "2200", "currency": "EUR"}
    for name, text in brief.items():
        form.locator(f"input[name={name}]").fill(text)
    for tier, fee in FEES.items():
        page.get_by_label(f"Fee of a {tier} creator").fill(fee)
    form.get_by_role("button", name="Propose creators").click()
    page.wait_for_url("**/campaigns/*")
    return page.url.removeprefix(address)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else FOLDER)
