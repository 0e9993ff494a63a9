"""The keyboard and the side panel: a day's work without a mouse, and without another page."""

from __future__ import annotations

import re
import time
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import expect

from durhampulse.desk.people import people
from durhampulse.desk.server import fill_with_demo
from durhampulse.desk.store.database import open_store
from durhampulse.desk.web.keymap import KEYS
from tests.desk.browsing import for_everybody, opened
from tests.desk.conftest import PASSWORD
from tests.desk.running import running_desk

SIZE = {"width": 1280, "height": 800}
REASONS_BY_KEY = {key.act: key.key for key in KEYS if key.act.startswith("reason-")}


def test_a_creator_is_decided_beside_the_list(browser, demo, signed_in):
    """By keys alone; the row says so at once, and what the desk answers then stands."""
    address, _, _ = demo
    with opened(browser, storage_state=signed_in, viewport=SIZE) as page:
        page.goto(address + "/shortlist?state=open")
        rows = page.locator(".list tbody tr")
        in_view = "row => row.getBoundingClientRect().bottom <= innerHeight"
        assert sum(rows.evaluate_all(f"rows => rows.map({in_view})")) >= 14
        first, second = (rows.nth(n).get_attribute("data-name") for n in (0, 1))
        page.keyboard.press("j")
        page.keyboard.press(" ")
        panel = page.get_by_role("complementary", name="Why, beside the list")
        expect(panel.get_by_role("heading", name=first)).to_be_visible()
        page.keyboard.press("j")
        expect(panel.get_by_role("heading", name=second)).to_be_visible()
        page.keyboard.press("a")  # no reason yet: said, not sent
        assert panel.locator("input:invalid").count() > 0
        page.route("**/decide", lambda route: (time.sleep(0.5), route.continue_()))
        state = rows.nth(1).locator(".state").first
        page.keyboard.press("0")
        page.keyboard.press("a")
        assert state.inner_text() == "Approved"  # before the desk has answered
        toast = page.get_by_role("status")
        expect(toast.get_by_role("button", name="Undo")).to_be_visible()
        page.unroute("**/decide")
        page.keyboard.press("u")
        expect(toast).to_contain_text(f"{second} is open again, with your reason.")
        expect(state).to_have_text("Open")
        refuse_a_decision(page, panel, state, second)
        page.keyboard.press("Escape")
        expect(panel).to_be_hidden()
        tick_three(page)
        go_on_from_a_creator(page, address, rows)


def go_on_from_a_creator(page, address, rows):
    """On a creator's page the keys lead to those beside them in the list, and back to it."""
    names = [rows.nth(n).get_attribute("data-name") for n in (0, 1)]
    page.goto(f"{address}/creators/{rows.first.get_attribute('data-id')}")
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_contain_text(names[0])
    expect(page.get_by_role("link", name="Previous")).to_have_count(0)
    page.keyboard.press("j")
    expect(heading).to_contain_text(names[1])
    page.keyboard.press("k")
    expect(heading).to_contain_text(names[0])
    page.get_by_role("link", name="Shortlist").last.click()
    page.wait_for_url("**/shortlist?state=open")


def refuse_a_decision(page, panel, state, name):
    """The desk answers late that a colleague was quicker: row, reason and note come back."""
    answer = {"problem": "Lena approved this creator 1 minute ago.", "way_out": ""}
    page.route("**/decide", lambda route: route.fulfill(json=answer))
    expect(panel.get_by_role("heading", name=name)).to_be_visible()
    panel.get_by_label("Off brand").check()
    panel.get_by_label("Note").fill("too loud")
    panel.get_by_role("button", name="Decline").click()
    expect(page.get_by_role("status")).to_contain_text("Lena approved this creator")
    expect(state).to_have_text("Open")
    expect(panel.get_by_label("Note")).to_have_value("too loud")
    assert panel.get_by_label("Off brand").is_checked()
    page.unroute("**/decide")


def tick_three(page):
    page.keyboard.press("x")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("X")
    expect(page.locator(".list tbody input:checked")).to_have_count(3)


@pytest.mark.slow
def test_keys_panel_and_decision_work_below_a_path(browser, tmp_path):
    with (
        running_desk(tmp_path, "--root-path", "/pulse") as (address, link, _),
        opened(browser, viewport=SIZE) as page,
    ):
        assert address.endswith("/pulse")
        page.goto(link)
        page.get_by_role("button", name="Open the desk").click()
        page.wait_for_url(f"{address}/shortlist")
        page.keyboard.press("j")
        page.keyboard.press(" ")
        panel = page.get_by_role("complementary", name="Why, beside the list")
        expect(panel.get_by_role("button", name="Approve")).to_be_visible()
        page.keyboard.press("0")
        page.keyboard.press("a")
        expect(page.get_by_role("status").get_by_role("button", name="Undo")).to_be_visible()
        page.keyboard.press("u")
        expect(page.get_by_role("status")).to_contain_text("open again")
        page.keyboard.press("Escape")
        page.keyboard.press("?")
        expect(page.get_by_role("dialog")).to_be_visible()
        page.keyboard.press("Escape")
        page.keyboard.press("g")
        page.keyboard.press("r")
        page.wait_for_url(f"{address}/queue")


@pytest.mark.slow
def test_keys_are_shown_changed_and_turned_off(browser, demo, signed_in):
    address, _, _ = demo
    with opened(browser, storage_state=signed_in, viewport=SIZE) as page:
        page.goto(address + "/model")
        page.keyboard.press("?")
        expect(page.get_by_role("dialog", name="Keyboard")).to_contain_text("Next creator")
        for_everybody(page)
        page.keyboard.press("Escape")
        page.keyboard.press("g")
        page.keyboard.press("s")
        page.wait_for_url("**/shortlist")
        page.goto(address + "/keyboard")
        page.get_by_label("Next creator").fill("x")
        page.get_by_role("button", name="Use these keys").click()
        assert page.get_by_label("Tick", exact=True).evaluate("one => !one.validity.valid")
        page.get_by_label("Next creator").fill("n")
        page.get_by_role("button", name="Use these keys").click()
        page.get_by_text("These keys are in force").wait_for()
        page.goto(address + "/shortlist")
        page.keyboard.press("n")
        expect(page.locator(".list tbody tr").first).to_have_attribute("aria-selected", "true")
        page.goto(address + "/keyboard")
        page.get_by_label("Keys are on").uncheck()
        page.goto(address + "/shortlist")
        page.keyboard.press("n")
        expect(page.locator(".list [aria-selected]")).to_have_count(0)
        assert page.locator("[aria-keyshortcuts]").count() == 0


@pytest.mark.slow
def test_link_within_a_page_loads_nothing_and_going_back_does(browser, demo, signed_in):
    address, _, _ = demo
    with opened(browser, storage_state=signed_in, viewport=SIZE) as page:
        page.goto(f"{address}/queue")
        page.evaluate("window.mark = 1")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")  # the link to the content
        page.wait_for_url("**/queue#main")
        page.wait_for_timeout(500)  # in which the page was loaded again
        assert page.evaluate("window.mark") == 1
        page.evaluate("show(document.documentElement.outerHTML, location.origin + '/opinions')")
        assert page.evaluate("[window.mark, location.pathname]") == [1, "/opinions"]
        page.go_back()
        page.wait_for_function("window.mark === undefined")
        page.wait_for_url("**/queue#main")


@pytest.mark.slow
def test_each_key_does_what_stands_there_to_be_pressed_too(browser, demo, signed_in):
    address, _, _ = demo
    allowed = {"permissions": ["clipboard-read", "clipboard-write"], "viewport": SIZE}
    with opened(browser, storage_state=signed_in, **allowed) as page:
        for key in KEYS:
            if key.act.startswith("go-"):
                page.goto(f"{address}/account")
                path = {"go-imports": "/imports"}.get(key.act, f"/{key.act.removeprefix('go-')}")
                expect(page.locator(f".top nav.wide a[href='{path}']")).to_be_visible()
                for letter in key.key:
                    page.keyboard.press(letter)
                page.wait_for_url(f"**{path}")
        page.goto(f"{address}/queue")
        for act in ("approve", "tentative", "decline", "skip", *REASONS_BY_KEY):
            assert page.locator(f"#review [data-key='{act}']").count() == 1, act
        for act, key in REASONS_BY_KEY.items():
            page.keyboard.press(key)
            expect(page.locator(f"#review [data-key='{act}']")).to_be_checked()
        first = page.locator("#creator").inner_text()
        page.keyboard.press("s")
        expect(page.locator("#creator")).not_to_have_text(first)
        second = page.locator("#creator").inner_text()
        page.keyboard.press("9")
        page.keyboard.press("t")
        expect(page.locator("#creator")).not_to_have_text(second)
        expect(page.locator("main")).to_contain_text(f"Undo: marked {second} tentative")
        page.goto(f"{address}/creators/5")
        expect(page.get_by_role("button", name="Copy")).to_be_visible()
        page.keyboard.press("c")
        expect(page.get_by_role("button", name="Copied")).to_be_visible()
        copied = page.evaluate("navigator.clipboard.readText()")
        assert copied.startswith("Of 100 creators like this one")
        assert copied == page.locator("[data-said]").inner_text()
        page.goto(f"{address}/people")
        page.locator("form[action='/people'] [name=name]").fill("Ida")
        page.get_by_role("button", name="Add", exact=True).click()
        page.get_by_role("button", name="Copy").click()
        expect(page.get_by_role("button", name="Copied")).to_be_visible()
        copied = page.evaluate("navigator.clipboard.readText()")
        assert copied.startswith(f"{address}/welcome/")
        assert copied == page.locator("[data-said]").inner_text()


@pytest.mark.slow
def test_times_are_those_of_whoever_looks(browser, demo, signed_in):
    """Auckland is 12 or 13 hours ahead of UTC, in which the page is sent."""
    address, _, _ = demo
    where = {"timezone_id": "Pacific/Auckland", "locale": "en-GB"}
    with opened(browser, storage_state=signed_in, **where) as page:
        page.goto(f"{address}/acts")
        sent = page.request.get(f"{address}/acts").text()
        moment = datetime.fromisoformat(re.search(r'<time datetime="([^"]+)"', sent)[1])
        assert f">{moment:%Y-%m-%d %H:%M} UTC<" in sent  # what stands there without scripts
        there = moment.astimezone(ZoneInfo("Pacific/Auckland"))
        time_shown = page.locator("time").first
        expect(time_shown).to_have_text(re.compile(rf"^(today|yesterday) {there:%H:%M}$"))
        expect(time_shown).to_have_attribute("title", re.compile(rf"{there:%Y}, {there:%H:%M}$"))


def walk_to(page, target, most=150):
    """Press the tabulator until something has the focus."""
    for _ in range(most):
        if target.evaluate("one => one === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"no way to {target}")


@pytest.mark.slow
def test_a_whole_day_goes_without_a_mouse(browser, databases, tmp_path):
    """Sign in, review, undo, search, decide, plan, agree, export and sign out, by keys alone."""
    url = databases.filled(fill_with_demo)
    store = open_store(url)
    with store.writing() as db:
        people.add_person(db, "Kim", "reviewer", "test", PASSWORD)
    store.close()
    with (
        running_desk(tmp_path, "--store", url) as (address, _, _),
        opened(browser, viewport=SIZE) as page,
    ):
        page.add_init_script("addEventListener('mousedown', () => console.error('a mouse'))")
        page.goto(address)
        for text in ("Kim", "\t", PASSWORD, "\n"):
            page.keyboard.type(text) if text.isprintable() else page.keyboard.press(
                {"\t": "Tab", "\n": "Enter"}[text]
            )
        page.wait_for_url("**/shortlist")
        review_and_undo(page)
        search_and_decide(page)
        plan_and_export(page, tmp_path)
        menu = page.locator("details.menu.wide > summary")
        walk_to(page, menu)
        page.keyboard.press("Enter")
        walk_to(page, page.get_by_role("button", name="Sign out"))
        page.keyboard.press("Enter")
        page.wait_for_url("**/sign-in")


def review_and_undo(page):
    page.keyboard.press("g")
    page.keyboard.press("r")
    page.wait_for_url("**/queue")
    first = page.locator("#creator").inner_text()
    page.keyboard.press("0")
    page.keyboard.press("a")
    expect(page.locator("#creator")).not_to_have_text(first)
    page.keyboard.press("u")
    expect(page.locator("#creator")).to_have_text(first)
    expect(page.get_by_role("status").first).to_contain_text("is open again")
    page.keyboard.press("0")
    page.keyboard.press("d")
    expect(page.locator("#creator")).not_to_have_text(first)


def search_and_decide(page):
    page.keyboard.press("/")
    page.keyboard.type("INF-1543")
    page.keyboard.press("Enter")
    page.wait_for_url("**/shortlist?search=INF-1543")
    page.locator(".list tbody tr").first.wait_for()
    page.keyboard.press("j")
    page.keyboard.press(" ")
    panel = page.get_by_role("complementary", name="Why, beside the list")
    expect(panel.get_by_role("heading", name="INF-1543")).to_be_visible()
    page.keyboard.press("1")
    page.keyboard.press("a")
    expect(page.locator(".list tbody .state").first).to_have_text("Approved")
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()


def plan_and_export(page, folder):
    page.keyboard.press("g")
    page.keyboard.press("c")
    page.wait_for_url("**/campaigns")
    for label, text in (("Name", "Spring"), ("Creators, at most", "5"), ("Budget", "2000"),
                        ("Fee of a nano creator", "150"), ("Fee of a micro creator", "600")):  # fmt: skip
        walk_to(page, page.get_by_label(label, exact=label == "Name"))
        page.keyboard.press("ControlOrMeta+a")
        page.keyboard.type(text)
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Spring").wait_for()
    walk_to(page, page.get_by_role("button", name="Agree on this set"))
    page.keyboard.press("Enter")
    page.get_by_text("Agreed. Set and figures stand").wait_for()
    walk_to(page, page.locator("summary", has_text="Export"))
    page.keyboard.press("Enter")
    walk_to(page, page.get_by_role("link", name="CSV"))
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    path = folder / "spring.csv"
    download.value.save_as(path)
    assert 1 < len(path.read_text().splitlines()) <= 6
