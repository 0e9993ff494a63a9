"""A manager's whole acts, in a browser and on either database: import, pipeline, activation."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from durhampulse.desk.models.catalogue import add_model
from durhampulse.desk.server import fill_with_demo
from durhampulse.desk.store.database import open_store
from tests.desk.browsing import (
    STARS,
    entered,
    for_everybody,
    invite,
    open_a_room,
    opened,
    preview_and_activate,
    propose_a_campaign,
)
from tests.desk.conftest import PASSWORD
from tests.desk.running import running_desk

PROFILE = "https://example.com/star-1"


@pytest.mark.slow
def test_manager_confirms_an_unlike_list_twice_and_opens_a_profile(browser, databases, tmp_path):
    path = tmp_path / "stars.csv"
    path.write_text(STARS)
    with entered(browser, databases, tmp_path) as (page, address):
        page.goto(f"{address}/imports")
        page.set_input_files("#file", path)
        page.get_by_role("button", name="Upload").click()
        page.get_by_role("button", name="Looks right").click()
        page.get_by_text("This list is unlike the").wait_for()
        for_everybody(page)
        confirm = page.get_by_role("button", name="Import 60 creators")
        confirm.click()  # held back
        assert page.locator("[name=unlike]:invalid").count() == 1
        page.get_by_label("I know that its recommendations are guesses").check()
        confirm.click()
        page.get_by_role("heading", name="In the list").wait_for()
        page.goto(f"{address}/shortlist?search=STAR-1")
        page.get_by_role("region", name="Lists unlike the training rows").wait_for()
        page.context.route(f"{PROFILE}**", lambda route: route.fulfill(body="A profile"))
        page.keyboard.press("j")
        with page.context.expect_page() as profile:  # of the row that is chosen
            page.keyboard.press("o")
        assert profile.value.url.startswith(PROFILE)
        profile.value.close()
        page.get_by_role("link", name="Star 1", exact=True).click()
        page.get_by_role("heading", name="Star 1").wait_for()
        with page.context.expect_page() as profile:
            page.keyboard.press("o")
        assert profile.value.url == PROFILE
        assert profile.value.evaluate("window.opener") is None


@pytest.mark.slow
def test_manager_records_the_outcomes_of_an_imported_list(browser, databases, tmp_path):
    path = tmp_path / "autumn.csv"
    rows = [f"INF-100{3 + i},5000,5%,1%,Tech,HD,2000,{word}"
            for i, word in enumerate(("Yes", "No", "soon", "Yes"))]  # fmt: skip
    header = STARS.splitlines()[0].replace("Name,Profile,", "")
    path.write_text("\n".join([f"{header},Sponsorship_Status", *rows]))
    with entered(browser, databases, tmp_path) as (page, address):
        page.goto(f"{address}/imports")
        page.set_input_files("#file", path)
        page.get_by_role("button", name="Upload").click()
        page.get_by_role("button", name="Looks right").click()
        held = page.get_by_text("The file also holds outcomes")
        expect(held).to_contain_text("2 got a deal, 1 did not; 1 cell says neither (row 4)")
        page.get_by_label("Then show me what its 3 outcomes would record").check()
        for_everybody(page)
        if page.locator("[name=unlike]").count():
            page.get_by_label("I know that its recommendations are guesses").check()
        page.get_by_role("button", name="Import 4 creators").click()
        page.get_by_role("heading", name="In the list").wait_for()
        for_everybody(page)
        page.get_by_role("link", name="See what its outcomes would record").click()
        expect(page.locator(".facts div", has_text="New outcomes")).to_contain_text("3")
        for_everybody(page)
        page.get_by_role("button", name="Record 3 outcomes").click()
        page.get_by_text("Recorded the outcomes of 3 creators.").wait_for()
        page.goto(f"{address}/shortlist?outcome=deal")
        expect(page.locator(".list tbody th")).to_have_count(2)


@pytest.mark.slow
def test_manager_sees_how_far_creators_came(browser, databases, tmp_path):
    with entered(browser, databases, tmp_path) as (page, address):
        page.goto(f"{address}/queue")
        for _ in range(2):  # one by one
            approve_and_go_on(page)
        page.goto(f"{address}/shortlist?band=no&state=open")
        for box in page.locator("input[name=chosen]").all()[:3]:  # three at once
            box.check()
        page.locator("#bulk [name=decision]").select_option("decline")
        page.locator("#bulk [name=reason]").select_option("Off brand")
        page.get_by_role("button", name="Decide", exact=True).click()
        page.get_by_text("3 decided.").wait_for()
        propose_a_campaign(page, address)
        planned = page.locator("main .plan tbody tr").count()
        page.get_by_role("button", name="Agree on this set").click()
        page.get_by_text("Agreed. Set and figures stand").wait_for()
        page.goto(f"{address}/pipeline?days=0")
        for_everybody(page)
        steps = dict(zip(("Imported", "Decided", "In a campaign", "Agreed", "Outcome"),
                         (597, 5, planned, planned, 0), strict=True))  # fmt: skip
        for step, n in steps.items():
            row = page.get_by_role("row", name=re.compile(f"^{step} "))
            expect(row.first.locator("td").first).to_have_text(str(n))
            expect(page.locator(".flow")).to_contain_text(step)
        effort = page.get_by_role("table", name="Who had to look")
        expect(effort.locator("td")).to_contain_text(["2", "3", "592"])


@pytest.mark.slow
def test_reviewer_sees_what_more_reviews_could_change_and_when_to_stop(
    browser, databases, tmp_path
):
    with entered(browser, databases, tmp_path) as (page, address):
        page.goto(f"{address}/queue")
        worth = page.locator(".worth")
        while "This review could change at most" not in worth.inner_text():
            approve_and_go_on(page)  # whoever has no precedent comes first, and no figure with them

        say_what_is_enough(page, "900")
        expect(worth).to_contain_text("You may stop:")
        say_what_is_enough(page, "0.001")
        expect(worth).to_contain_text("the rest would change fewer than 0.001")
        expect(worth).not_to_contain_text("You may stop:")


def approve_and_go_on(page):
    request = page.locator("#review [name=request_name]").input_value()
    page.keyboard.press("0")
    page.keyboard.press("a")
    expect(page.locator("#review [name=request_name]")).not_to_have_value(request)


def say_what_is_enough(page, deals):
    page.get_by_text("When is it enough?").click()
    page.get_by_label("Stop where all others could change fewer than").fill(deals)
    page.locator(".worth").get_by_role("button", name="Save").click()


@pytest.mark.slow
def test_manager_looks_before_a_model_is_activated(browser, databases, tmp_path, model_folder):
    url = databases.filled(fill_with_demo)
    store = open_store(url)
    add_model(store, model_folder, "test")
    store.close()
    with running_desk(tmp_path, "--store", url) as (address, link, _), opened(browser) as page:
        page.goto(link)
        page.get_by_role("button", name="Open the desk").click()
        page.wait_for_url("**/shortlist")
        propose_a_campaign(page, address)
        before = scores(page, address)
        answers = iter(("dismiss", "accept"))
        page.on("dialog", lambda dialog: getattr(dialog, next(answers))())
        page.goto(f"{address}/model")
        preview_and_activate(page)
        for_everybody(page)
        cells = page.get_by_role("table", name="From answer to answer").locator("tbody td")
        counts = [
            int(text.replace(",", "")) for text in cells.all_inner_texts() if text[0].isdecimal()
        ]
        assert sum(counts) == 597
        page.get_by_role("heading", name="In campaigns").wait_for()
        assert scores(page, address) == before  # the question was declined
        page.goto(f"{address}/model/preview")
        page.get_by_role("button", name="Activate it").click()
        page.get_by_text("creators were scored with it").wait_for()
        assert scores(page, address) != before


def scores(page, address):
    page.goto(f"{address}/shortlist")
    return page.locator(".list tbody .p .n").all_inner_texts()


@pytest.mark.slow
def test_team_and_client_use_what_only_this_desk_has(browser, databases, tmp_path):
    """Another budget, a client's room, second opinions and the list as it was."""
    with entered(browser, databases, tmp_path) as (page, address):
        page.goto(f"{address}/opinions")
        page.get_by_label("Share judged").fill("50%")
        page.get_by_role("button", name="Save", exact=True).click()
        page.get_by_text("The share is kept").wait_for()
        welcome = invite(page, address, "Bo", "reviewer")
        propose_a_campaign(page, address)
        campaign = page.url
        ask_the_client(browser, page)
        page.goto(campaign)
        take_another_budget(page)
        decide_until_one_was_hidden(page, address)
        look_back(page, address)
        with opened(browser) as other:
            give_a_second_opinion(other, welcome, address)


def take_another_budget(page):
    page.get_by_role("link", name="What another budget would bring").click()
    slider, head = page.get_by_role("slider", name="Budget"), page.locator("#trade .lead")
    before = head.inner_text()
    slider.focus()
    page.keyboard.press("Home")
    expect(head).not_to_have_text(before)
    page.get_by_role("button", name=re.compile("^Take ")).click()
    page.get_by_text("The budget is").wait_for()


def ask_the_client(browser, page):
    campaign = page.url
    link = open_a_room(page)
    with opened(browser) as client:
        client.goto(link)
        card = client.locator(".cards > li").first
        with client.expect_response(re.compile("/r/")):
            card.get_by_label("Yes, please").check(force=True)
        client.get_by_text("1 of").wait_for()
        client.get_by_label(re.compile("^Comment on")).first.fill("Warm voice")
        with client.expect_response(lambda a: "Warm" in (a.request.post_data or "")):
            client.get_by_role("button", name="Send my answers").click()
        client.get_by_text("Kept.").wait_for()
        client.reload()
        assert card.get_by_label("Yes, please").is_checked()
    page.goto(campaign)
    page.get_by_role("link", name="1 yes, 0 no of").click()
    expect(page.locator("main")).to_contain_text("Warm voice")


def decide_until_one_was_hidden(page, address):
    page.goto(f"{address}/queue")
    for _ in range(20):
        hidden = page.get_by_text("number is hidden until you have decided").count()
        request = page.locator("#review [name=request_name]").input_value()
        page.keyboard.press("0")
        page.keyboard.press("a")
        expect(page.locator("#review [name=request_name]")).not_to_have_value(request)
        if hidden:
            expect(page.get_by_role("status").first).to_contain_text("The model said")
            return
    raise AssertionError("nobody was drawn")


def look_back(page, address):
    page.goto(f"{address}/shortlist?state=approved")
    page.goto(address + page.locator(".list tbody th a").first.get_attribute("href"))
    page.get_by_role("link", name="The list then").first.click()
    page.get_by_role("heading", name=re.compile("The list as of")).wait_for()
    page.get_by_role("link", name="Back to today").click()
    page.wait_for_url("**/shortlist")


def give_a_second_opinion(page, welcome, address):
    page.goto(welcome)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/shortlist")
    page.goto(f"{address}/opinions")
    page.get_by_role("heading", name="What do you say of").wait_for()
    for_everybody(page)
    page.keyboard.press("d")
    expect(page.get_by_role("status").first).to_contain_text("You: declined.")
    expect(page.locator("#agreed").locator("..")).to_contain_text("you agree on")
    for_everybody(page)
