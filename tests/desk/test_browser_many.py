"""A manager ticks over pages, decides about all that match, and takes it back."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.desk.browsing import for_everybody, opened


@pytest.mark.slow
def test_manager_decides_about_all_that_match_and_takes_it_back(browser, demo, signed_in):
    address, _, _ = demo
    with opened(browser, storage_state=signed_in) as page:
        tick_over_pages(page, address)
        decide_about_all(page, address)


def tick_over_pages(page, address):
    page.goto(f"{address}/shortlist?band=no&state=open")
    boxes = page.locator(".list tbody input[name=chosen]")
    boxes.nth(2).click()
    boxes.nth(6).click(modifiers=["Shift"])
    expect(page.locator(".list tbody input:checked")).to_have_count(5)
    page.get_by_text("5 ticked: ").wait_for()
    page.get_by_role("link", name="Next").click()
    page.wait_for_url("**after=**")
    page.get_by_text("5 ticked: ").wait_for()
    page.locator(".list tbody input[name=chosen]").nth(0).click()
    page.get_by_text("6 ticked: ").wait_for()
    page.get_by_role("link", name="Followers").first.click()  # another order, the same ticks
    page.get_by_text("6 ticked: ").wait_for()
    choose(page, "approve", "Track record")
    page.get_by_role("button", name="Decide", exact=True).click()
    expect(page.locator(".said")).to_contain_text("6 decided.")
    expect(page.locator(".ticked")).to_have_text("")
    for_everybody(page)


def choose(page, decision, reason):
    bulk = page.locator("#bulk")
    bulk.get_by_label("Decision").select_option(decision)
    bulk.get_by_label("Reason").select_option(reason)


def decide_about_all(page, address):
    page.goto(f"{address}/shortlist?band=no&state=open")
    button = page.get_by_role("button", name=re.compile(r"Decide about all \d+ that match"))
    n = int(re.search(r"\d+", button.inner_text())[0])
    choose(page, "decline", "Off brand")
    button.click()
    confirm = page.get_by_role("button", name=f"Decline {n} creators")
    confirm.wait_for()
    for_everybody(page)
    confirm.click()
    page.get_by_role("heading", name=f"Declined {n} creators").wait_for()
    for_everybody(page)
    page.once("dialog", lambda asked: asked.accept())
    page.get_by_role("button", name=f"Undo all {n}").click()
    expect(page.locator(".said")).to_contain_text(f"{n} of {n} creators are as they were before")
    page.goto(f"{address}/shortlist/facets?band=no")
    review = page.get_by_role("navigation", name="Review", exact=True)
    expect(review).to_contain_text(f"open {n}")
    page.goto(f"{address}/lists")
    for_everybody(page)
