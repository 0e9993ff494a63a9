"""A manager looks after creators in a browser, on either database: owner, reminder, hand-over, note."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from durhampulse.desk.store import clock
from tests.desk.browsing import entered, for_everybody, propose_a_campaign


@pytest.mark.slow
def test_manager_is_reminded_and_is_done_with_it(browser, databases, tmp_path):
    with entered(browser, databases, tmp_path) as (page, address):
        page.goto(f"{address}/creators/5")
        form = page.locator("form[action='/creators/5/owner']")
        form.get_by_label("Remind on").fill(clock.today().isoformat())
        form.get_by_label("What for").fill("Ask for the new rate")
        form.get_by_role("button", name="Save").click()
        page.get_by_text(re.compile("looks after INF-1005")).first.wait_for()
        for_everybody(page)
        page.get_by_role("link", name=re.compile("^Today")).click()
        page.get_by_role("cell", name="Ask for the new rate").wait_for()
        for_everybody(page)
        page.get_by_role("button", name=re.compile("^Done: ")).click()
        page.get_by_role("heading", name="Nothing waits for you today.").wait_for()
        page.get_by_role("button", name="Undo").click()
        page.get_by_role("cell", name="Ask for the new rate").wait_for()
        page.get_by_role("button", name=re.compile("in a week$")).click()
        page.get_by_role("heading", name="Coming").wait_for()
        page.goto(f"{address}/creators/6")
        page.locator("summary", has_text="Only remind me").click()
        form = page.locator("form[action='/creators/6/reminders']")
        form.get_by_label("Remind me on").fill(clock.today().isoformat())
        form.get_by_label("What for").fill("See her new series")
        form.get_by_role("button", name="Keep").click()
        page.get_by_role("button", name=re.compile("^Done: your reminder")).wait_for()
        for_everybody(page)
        page.get_by_role("link", name=re.compile("^Today")).click()
        page.get_by_role("cell", name="See her new series").wait_for()
        page.get_by_role("button", name=re.compile("^Done: ")).click()
        page.get_by_role("heading", name="Nothing waits for you today.").wait_for()


@pytest.mark.slow
def test_manager_hands_over_those_ticked_and_finds_her_own(browser, databases, tmp_path):
    with entered(browser, databases, tmp_path) as (page, address):
        page.goto(f"{address}/shortlist")
        ticks = page.locator(".list [name=chosen]")
        ticks.nth(0).check()
        ticks.nth(2).check()
        page.locator(".bulk summary", has_text="Owner").click()
        menu = page.locator(".bulk details[open]")
        menu.get_by_label("Owner").select_option(index=1)
        for_everybody(page)
        menu.get_by_role("button", name="Hand over", exact=True).click()
        page.get_by_text("Handed over 2 creators.").wait_for()
        page.get_by_role("link", name="Mine", exact=True).click()
        expect(page.locator(".list tbody tr")).to_have_count(2)
        for_everybody(page)
        page.goto(f"{address}/acts")
        page.get_by_role("button", name=re.compile("^Undo: Handed 2 creators")).click()
        page.get_by_text("2 of 2 creators are as they were before.").wait_for()
        page.goto(f"{address}/shortlist")
        expect(page.get_by_role("link", name="Mine", exact=True)).to_have_count(0)


@pytest.mark.slow
def test_manager_ticks_off_what_is_delivered(browser, databases, tmp_path):
    with entered(browser, databases, tmp_path) as (page, address):
        propose_a_campaign(page, address)
        page.get_by_role("button", name="Agree on this set").click()
        form = page.locator("form[action$='/deliverables']")
        form.get_by_label("What").fill("One reel")
        form.get_by_role("button", name="Add").click()
        page.get_by_text("1 of 1 open.").wait_for()
        for_everybody(page)
        page.get_by_role("button", name=re.compile("^Done: One reel")).click()
        page.get_by_text("None of 1 open.").wait_for()
        page.get_by_role("button", name="Undo").click()
        page.get_by_text("1 of 1 open.").wait_for()
        form.get_by_label("What").fill("Two stories")
        form.get_by_label("Due").fill(clock.today().isoformat())
        form.get_by_role("button", name="Add").click()
        page.get_by_text("2 of 2 open.").wait_for()
        page.get_by_role("link", name=re.compile("^Today")).click()
        page.get_by_role("cell", name="Two stories", exact=True).wait_for()
        for_everybody(page)
        page.get_by_role("button", name=re.compile("^Done: Two stories")).click()
        page.get_by_role("heading", name="Nothing waits for you today.").wait_for()
        page.get_by_role("button", name="Undo").click()
        page.get_by_role("cell", name="Two stories", exact=True).wait_for()
