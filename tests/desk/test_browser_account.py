"""One's own account in a real browser: the second factor, sessions, keys; everybody can do it."""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import expect

from durhampulse.desk.people.totp import STEP_SECONDS, code_at
from tests.desk.browsing import look_at, opened, sign_out
from tests.desk.conftest import PASSWORD


def sign_in(page, address):
    page.goto(address + "/sign-in")
    page.get_by_label("Name").fill("Ada")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


@pytest.mark.slow
def test_pages_of_ones_own_account_pass_axe(browser, demo, signed_in):
    address, _, _ = demo
    with opened(browser, storage_state=signed_in) as page:
        page.goto(address + "/people")
        page.locator("form[action='/people'] [name=name]").fill("Ada")
        page.get_by_role("button", name="Add", exact=True).click()
        welcome = page.inner_text(".said code")
        look_at(page, "people")
        page.locator("form[action='/keys'] [name=name]").fill("CRM")
        page.locator("form[action='/keys'] button").click()
        page.get_by_text("it is shown this once").wait_for()
        look_at(page, "a new key")
    with opened(browser) as page:
        page.goto(welcome)
        look_at(page, "invitation")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url("**/shortlist")
        page.goto(address + "/account")
        look_at(page, "account")
        page.get_by_role("button", name="Set it up").click()
        page.get_by_role("heading", name="Set up your second factor").wait_for()
        look_at(page, "second factor")
        secret = page.locator("ol.numbered code").inner_text().replace(" ", "")
        page.get_by_role("textbox", name="Code").fill(
            code_at(secret, int(time.time()) // STEP_SECONDS)
        )
        page.get_by_role("button", name="Use this app").click()
        page.get_by_role("heading", name="Keep these recovery codes").wait_for()
        look_at(page, "recovery codes")
        recovery = page.locator(".codes code").first.inner_text()
        page.get_by_role("link", name="I have kept them").click()
        expect(page.get_by_role("button", name="New recovery codes")).to_be_visible()
        look_at(page, "account with it")
        sign_out(page)
        sign_in(page, address)
        page.get_by_role("heading", name="The code of your app").wait_for()
        look_at(page, "its code")
        page.get_by_role("textbox", name="Code").fill(recovery)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url("**/shortlist")
        page.goto(address + "/keyboard")
        look_at(page, "keyboard")
