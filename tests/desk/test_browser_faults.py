"""Pages that only a fault brings up: axe's rules however they are looked at."""

from __future__ import annotations

import contextlib
import errno
from dataclasses import replace

import pytest
from starlette.testclient import TestClient

from durhampulse.desk.web.app import create_desk
from durhampulse.desk.web.exposure import Exposure
from tests.desk.browsing import look_at

pytestmark = pytest.mark.slow
HERE = "http://testserver"
FAULTS = {
    500: (ValueError("worn out"), "The desk failed here; its log says why."),
    507: (OSError(errno.ENOSPC, "No space left on device"), "Nothing was changed"),
}


@contextlib.contextmanager
def answered_by(browser, client):
    """Give a page whose requests an application of this process answers."""

    def answer(route):
        asked = route.request
        reply = client.request(
            asked.method, asked.url, content=asked.post_data_buffer, headers=asked.headers
        )
        headers = {name: value for name, value in reply.headers.items()
                   if name not in ("content-encoding", "content-length")}  # fmt: skip
        route.fulfill(status=reply.status_code, headers=headers, body=reply.content)

    with browser.new_context(reduced_motion="reduce") as context:
        page = context.new_page()
        page.route("**/*", answer)
        yield page
        page.goto("about:blank")


@pytest.mark.parametrize("status", FAULTS)
def test_fault_is_told_on_a_page_for_everybody(browser, app, visit, monkeypatch, status):
    fault, words = FAULTS[status]

    def fail(*_values, **_named):
        raise fault

    cookies = visit("reviewer").cookies
    client = TestClient(app, raise_server_exceptions=False, follow_redirects=False, cookies=cookies)
    with answered_by(browser, client) as page:
        page.goto(f"{HERE}/creators/3")
        form = page.locator("form[action='/creators/3/remark']").first
        form.evaluate("form => form.closest('details')?.setAttribute('open', '')")
        form.locator("[name=text]").fill("Asked for a rate card")
        with monkeypatch.context() as faulty:
            faulty.setattr("durhampulse.desk.web.creators.add_remark", fail)
            form.locator("button").first.click()
            page.get_by_role("alert").get_by_text(words).wait_for()
            page.get_by_text("Asked for a rate card").wait_for()  # to copy
            look_at(page, f"{status} after a form")
            faulty.setattr("durhampulse.desk.web.creators.creator_page", fail)
            assert page.goto(f"{HERE}/creators/3").status == status
            look_at(page, f"{status} instead of a page")
        page.get_by_role("link", name="Try again").click()
        page.get_by_role("heading", level=1).first.wait_for()


def test_desk_that_is_asked_under_another_name_says_where_it_is(browser, desk):
    away = replace(desk, exposure=Exposure.read("https://desk.example/"))
    client = TestClient(create_desk(away), base_url=HERE, follow_redirects=False)
    with answered_by(browser, client) as page:
        assert page.goto(f"{HERE}/shortlist").status == 421
        link = page.get_by_role("link", name="Open it there")
        assert link.get_attribute("href") == "https://desk.example/"
        look_at(page, "421")
