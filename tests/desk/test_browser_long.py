"""Long names, missing figures and wrong fields: nothing is cut off, pushed aside or below the fold."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.desk.browsing import opened
from tests.desk.running import PATIENCE

pytestmark = pytest.mark.slow
WINDOW = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}
NAME = "Dr. Maximiliane-Konstanze Freifrau von und zu Hohenlohe-Waldenburg-Schillingsfürst"
WORD = "Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichensammlerin"
LIST = f"""Influencer_ID,Name,Handle,Followers,Engagement_Rate,Growth_Rate,Niche,Video_Quality,\
Avg_Views_per_Post,Fee (EUR)
LONG-1,"{NAME}",@{"maximiliane_konstanze_" * 3},12500,4.1%,1.2%,Fashion,HD,2100,1250
LONG-2,"👩🏽‍🎤✨ Luna ✨",@luna,8400,6.2%,,Beauty,4K,,
LONG-3,"{WORD}",@donau,3300,9.9%,2.0%,,,900,80
LONG-4,"محمد الأمين بن عبد الله بن عبد الرحمن الأنصاري صانع المحتوى",@amin,22000,,,Travel,HD,3100,400
LONG-5,"שירה בת-אל כהן-לוי מזרחי אברמוביץ יוצרת תוכן לאוכל ובישול",@shira,5100,8%,2%,Food,HD,2900,200
"""
BRIEF = {"number": "6", "budget": "1400", "currency": "EUR", "fee nano": "150", "fee micro": "600"}


def beyond(page):
    """Give by how many pixels a page is wider than the window, at both sizes."""
    found = []
    for size in (WINDOW, PHONE):
        page.set_viewport_size(size)
        found.append(page.evaluate("document.documentElement.scrollWidth - innerWidth"))
    page.set_viewport_size(WINDOW)
    return found


@pytest.fixture(scope="module")
def imported(browser, demo, signed_in):
    """Where a list of long names was imported and planned with: pages by name."""
    address, _, _ = demo
    pages = {}
    with opened(browser, storage_state=signed_in, viewport=WINDOW) as page:
        page.goto(f"{address}/imports")
        name = f"A list of the spring, second version (final) of {NAME}.csv"
        file = {"name": name, "mimeType": "text/csv", "buffer": LIST.encode()}
        page.locator("input[type=file]").set_input_files(file)
        page.get_by_role("button", name="Upload").click()
        page.wait_for_url("**/imports/*")
        pages["columns"] = beyond(page)
        act = page.get_by_role("button", name="Looks right")
        expect(act).to_be_in_viewport()  # whatever is odd about the file stands below it
        act.click()
        page.get_by_role("button", name=re.compile("^Import ")).click()
        page.get_by_text("See them in the shortlist").wait_for()
        pages["import"] = beyond(page)
        csrf = page.locator("input[name=csrf]").first.get_attribute("value")
        for n in (1, 2):
            form = {"csrf": csrf, "name": f"{n} {NAME}", **BRIEF}
            sent = page.request.post(f"{address}/campaigns", form=form, timeout=PATIENCE)
            assert sent.status == 200
        pages["campaign"] = sent.url
        page.get_by_text("See them in the shortlist").click()
        pages["shortlist"] = page.url
        creators = page.locator(".list tbody th a:first-child")
        pages["creators"] = [address + a.get_attribute("href") for a in creators.all()]
    return pages


def test_pages_with_long_names_stay_within_the_window(browser, demo, signed_in, imported):
    address, _, _ = demo
    assert (imported["columns"], imported["import"]) == ([0, 0], [0, 0])
    assert len(imported["creators"]) == 5
    with opened(browser, storage_state=signed_in, viewport=WINDOW) as page:
        campaign = imported["campaign"]
        lists = ("/campaigns", "/imports", "/lists", "/rooms", "/queue")
        for where in (*imported["creators"], imported["shortlist"], campaign,
                      f"{campaign}/frontier?wait=true", *(address + path for path in lists)):  # fmt: skip
            page.goto(where)
            page.wait_for_load_state("networkidle")
            assert beyond(page) == [0, 0], where


_CUT_AT_THE_BEGINNING = """names => names.filter(name => {
    if (!name.offsetParent) return false;
    const first = document.createRange(), text = name.firstChild;
    first.setStart(text, 0);
    first.setEnd(text, [...new Intl.Segmenter().segment(text.data)][0].segment.length);
    const box = name.closest('th, small, .who > span').getBoundingClientRect();
    const letter = first.getBoundingClientRect();
    return letter.left < box.left - 1 || letter.right > box.right + 1;
}).map(name => name.textContent)"""
"""The names whose first letter lies outside of the box that cuts them off."""


def test_name_that_is_cut_off_keeps_its_beginning(browser, demo, signed_in, imported):
    """Also where it is read from right to left."""
    with opened(browser, storage_state=signed_in, viewport=WINDOW) as page:
        page.goto(imported["campaign"])
        csrf = page.locator("input[name=csrf]").first.get_attribute("value")
        for where in imported["creators"]:
            number = where.rpartition("/")[2]
            form = {"csrf": csrf, "creator_id": number, "choice": "in", "sure": "true"}
            page.request.post(f"{imported['campaign']}/choose", form=form, timeout=PATIENCE)
        beginnings = 0
        for size in (WINDOW, PHONE):
            page.set_viewport_size(size)
            for where in (imported["shortlist"], imported["campaign"], *imported["creators"]):
                page.goto(where)
                names = page.locator(".who a:first-child, .who small, .end th")
                assert names.evaluate_all(_CUT_AT_THE_BEGINNING) == [], where
                beginnings += names.filter(visible=True).count()
        assert beginnings >= 4 * len(imported["creators"])  # in list and campaign, at both sizes


def test_steps_of_a_creator_have_one_height_whatever_the_name(browser, demo, signed_in, imported):
    with opened(browser, storage_state=signed_in, viewport=WINDOW) as page:
        for where in imported["creators"]:
            page.goto(where)
            rows = page.locator(".merged tbody tr")
            heights = [row.bounding_box()["height"] for row in rows.all()]
            assert max(heights) - min(heights) <= 1, where


def test_message_stands_below_its_field_and_above_the_next(browser, demo, signed_in):
    address, _, _ = demo
    with browser.new_context(storage_state=signed_in, viewport=WINDOW) as context:
        page = context.new_page()
        page.goto(f"{address}/campaigns")
        form = page.locator("main form[action='/campaigns']")
        form.locator("[name=name]").fill("Spring")
        form.locator("[name=number]").fill("many")
        form.get_by_role("button", name="Propose creators").click()
        message = page.locator(".wrong")
        expect(message).to_contain_text("'many' is not a number.")
        assert message.inner_text().startswith("'many'")  # whose field it is at, one sees
        field, text, following = (
            page.locator(f"main form[action='/campaigns'] {what}").bounding_box()
            for what in ("[name=number]", ".wrong", "[name=budget]")
        )
        assert field["y"] + field["height"] <= text["y"] <= following["y"]


def test_moments_that_come_later_are_local_too(browser, demo, signed_in, imported):
    """Other budgets are asked for once the page is there."""
    with opened(browser, storage_state=signed_in, viewport=WINDOW) as page:
        page.goto(f"{imported['campaign']}/frontier")
        page.locator("#budgets [name=at]").wait_for()
        moment = page.locator("#budgets time")
        expect(moment).to_contain_text("today")
