"""What a manager does, in a real browser against a real process; and that everybody can do it."""

from __future__ import annotations

import contextlib
import re

import openpyxl
import pytest
from playwright.sync_api import expect

from tests.desk.browsing import (
    MESSY,
    entered,
    for_everybody,
    invite,
    opened,
    preview_and_activate,
    propose_a_campaign,
    sign_out,
)
from tests.desk.conftest import PASSWORD
from tests.desk.running import PATIENCE, running_desk


def test_shortlist_weighs_little_and_loads_nothing_foreign(browser, demo, signed_in):
    address, _, _ = demo
    with opened(browser, storage_state=signed_in) as page:
        requests = []
        page.on("requestfinished", lambda request: requests.append(request))  # noqa: PLW0108
        page.goto(address + "/shortlist")
        page.wait_for_load_state("networkidle")
        assert 0 < sum(one.sizes()["responseBodySize"] for one in requests) < 150_000
        assert len(requests) > 5
        requests.clear()
        page.goto(address + "/campaigns")  # style and script are there already
        page.wait_for_load_state("networkidle")
        loaded = [one for one in requests if one.sizes()["responseBodySize"] > 0]
        assert [one.resource_type for one in loaded if "/static/" not in one.url] == ["document"]


def test_manager_works_through_a_day_in_the_browser(browser, demo, signed_in, tmp_path):
    address, _, _ = demo
    with opened(browser, storage_state=signed_in) as page:
        import_a_messy_list(page, address, tmp_path)
        filter_and_open(page, address)
        review_twenty(page, address)
        move_the_sliders(page, address)
        export_and_read_back(page, address, tmp_path)
        plan_a_campaign(page, address)
        link = invite(page, address)
    a_second_user(browser, address, link)


def messy_list(folder):
    path = folder / "Liste für März.csv"
    path.write_text(MESSY, encoding="latin-1")
    return path


def import_a_messy_list(page, address, tmp_path):
    page.goto(address + "/imports")
    page.set_input_files("#file", messy_list(tmp_path))
    page.get_by_role("button", name="Upload").click()
    page.wait_for_url("**/imports/*")
    assert "Liste für März.csv" in page.inner_text("h1")
    assert page.get_by_role("button", name="Looks right").count() == 0
    understand_the_messy_list(page)
    page.get_by_text("This list is unlike the").wait_for()
    page.get_by_label("I know that its recommendations are guesses").check()
    page.get_by_role("button", name=re.compile("^Import [0-9,]+ creator")).click()
    page.get_by_role("heading", name="In the list").wait_for()
    assert "40" in page.inner_text("main")


def understand_the_messy_list(page):
    """Say what the columns are; the preview follows each choice without a further button."""
    roles = {"channel": "Influencer_ID", "growth": "Growth_Rate", "views": "Avg_Views_per_Post"}
    for header, role in roles.items():
        with previewed_again(page):
            page.get_by_label(f"What {header} is").select_option(role)
    with previewed_again(page):
        page.get_by_role("button", name="Read as percent").first.click()
    for header, role in roles.items():
        assert page.get_by_label(f"What {header} is").input_value() == role
    page.get_by_role("button", name="Looks right").click()


@contextlib.contextmanager
def previewed_again(page):
    """Wait until the preview that a choice asks for stands in the page."""
    page.evaluate("document.getElementById('reading').dataset.before = 'yes'")
    yield
    page.wait_for_selector("#reading:not([data-before])")


def filter_and_open(page, address):
    page.goto(address + "/shortlist")
    page.locator(".filters summary", has_text="Filter").click()
    page.get_by_label("Name or identifier").fill("MESSY")
    page.locator("input[name=niche][value=Fashion]").check()
    page.get_by_role("button", name="Show").click()
    names = page.locator(".list tbody th")
    expect(names).to_have_count(40)
    assert "search=MESSY" in page.url
    page.get_by_role("link", name="Followers").click()
    expect(names).to_have_text([f"MESSY-{i}" for i in range(39, -1, -1)])
    page.get_by_label("Tick MESSY-7", exact=True).check()
    page.get_by_text("1 ticked: ").wait_for()
    page.get_by_role("link", name="MESSY-7", exact=True).click()
    page.get_by_role("heading", name="MESSY-7").wait_for()
    page.get_by_role("link", name="Full page").click()
    page.get_by_text("What if a figure were different?").click()
    page.get_by_label("Engagement Rate").fill("6%")
    expect(page.locator("#imagined .figure")).to_contain_text("%")
    page.get_by_label("Engagement Rate").fill("30%")  # nobody the model learned from had that
    expect(page.locator("#imagined")).to_contain_text("could be anything from")
    expect(page.locator("#imagined .figure")).to_have_count(0)


def review_twenty(page, address):
    page.goto(address + "/queue")
    seen = []
    for turn in range(20):
        heading = page.locator("#creator")
        seen.append(heading.inner_text())
        request = page.locator("#review [name=request_name]").input_value()
        if turn == 0:
            page.keyboard.press("a")  # without a reason: said, not sent
            assert page.locator("#review input:invalid").count() > 0
        page.keyboard.press(str(1 + turn % 9))
        page.keyboard.press("atd"[turn % 3])
        page.wait_for_function(
            "old => document.querySelector('#review [name=request_name]')?.value !== old",
            arg=request,
        )
    assert len(set(seen)) == 20
    decided = page.locator("#today")
    expect(decided).to_have_text("20")
    page.keyboard.press("u")
    page.get_by_text(f"{seen[-1]} is open again, with your reason.").wait_for()
    expect(page.locator("#creator")).to_have_text(seen[-1])
    expect(decided).to_have_text("19")
    page.get_by_label("Note").fill("ad")  # keys are text there
    assert page.locator("#creator").inner_text() == seen[-1]
    page.get_by_role("button", name="Give this one back").click()
    page.wait_for_url("**/shortlist")


def move_the_sliders(page, address):
    page.goto(address + "/shortlist", wait_until="networkidle")
    page.locator("#sliders summary").click()
    cells = page.locator("[data-band=yes] td")
    before = int(cells.nth(0).inner_text())
    assert before == int(page.locator("#totals .facts dd").nth(1).inner_text())
    page.locator("#yes-at").fill("90")
    assert int(cells.nth(0).inner_text()) < before
    page.reload()
    page.wait_for_load_state("networkidle")  # no part of the page comes any more
    assert int(page.locator("#totals .facts dd").nth(1).inner_text()) == before
    page.locator("#sliders summary").click()
    page.locator("#yes-at").fill("90")
    page.get_by_role("button", name="See who changes answer").click()
    page.get_by_text("creators would change their answer").wait_for()
    page.get_by_role("button", name="Save for everybody").click()
    page.get_by_text("The thresholds were moved, for everybody.").wait_for()
    page.locator("#totals .facts dd").nth(1).wait_for()
    assert int(page.locator("#totals .facts dd").nth(1).inner_text()) < before


def export_and_read_back(page, address, tmp_path):
    page.goto(address + "/shortlist?state=approved")
    shown = page.locator(".list tbody th").all_inner_texts()
    with page.expect_download() as download:
        page.locator("summary", has_text="Table").click()
        page.get_by_role("link", name="Excel").click()
    path = tmp_path / "shortlist.xlsx"
    download.value.save_as(path)
    rows = list(openpyxl.load_workbook(path)["Decisions"].values)
    assert [row[0] for row in rows[1:]] == shown
    assert {row[rows[0].index("Review")] for row in rows[1:]} == {"approved"}
    assert isinstance(rows[1][1], float)


def plan_a_campaign(page, address):
    propose_a_campaign(page, address)
    names = page.locator("main .plan tbody th a:first-child").all_inner_texts()
    assert 0 < len(names) <= 6
    page.get_by_role("button", name=f"Leave out {names[0]}", exact=True).click()
    page.get_by_text("Left out by hand").wait_for()
    assert names[0] not in page.locator("main .plan tbody th a:first-child").all_inner_texts()
    assert page.get_by_role("heading", name="What a larger budget would add").count() == 1


@pytest.mark.slow
def test_manager_plans_a_campaign_that_stands(browser, demo, signed_in, tmp_path):
    """Brief, set, swap by hand, agreement; then another list, which changes nothing by itself."""
    address, _, _ = demo
    names = "main .plan tbody th a:first-child"
    with opened(browser, storage_state=signed_in) as page:
        propose_a_campaign(page, address)
        where = page.url
        first, *others = page.locator(names).all_inner_texts()
        page.get_by_role("button", name=f"Leave out {first}", exact=True).click()
        page.get_by_text(f"Out: {first}.").wait_for()
        assert {*others} < {*page.locator(names).all_inner_texts()} | {first}
        page.get_by_label("Name or identifier").fill(first)
        page.get_by_role("button", name="Search").click()
        page.get_by_role("button", name=f"Put in {first}", exact=True).click()
        page.get_by_text("by hand").first.wait_for()
        page.get_by_role("button", name="Agree on this set").click()
        page.get_by_text("Agreed. Set and figures stand").wait_for()
        agreed = page.locator("main .plan tbody tr").all_inner_texts()
        assert page.get_by_role("button", name=re.compile("Leave out|Put in")).count() == 0
        for_everybody(page)
        import_worse_figures(page, address, tmp_path, others[0])
        page.goto(where)
        assert page.locator("main .plan tbody tr").all_inner_texts() == agreed
        page.locator("summary", has_text="Open it again").click()
        page.get_by_label("Why open it again").fill("The client asks for more")
        page.get_by_role("button", name="Open again").click()
        page.get_by_text("today's data may propose others").wait_for()
        page.get_by_role("link", name="See what today's data would change").click()
        page.get_by_text("Who would leave").wait_for()
        assert others[0] in page.locator("main table").first.inner_text()
        for_everybody(page)
        page.get_by_role("button", name="Take it over").click()
        page.get_by_text("by today's data").wait_for()
        assert others[0] not in page.locator(names).all_inner_texts()


def import_worse_figures(page, address, folder, identifier):
    path = folder / "new-figures.csv"
    path.write_text("Influencer_ID,Followers,Engagement_Rate,Growth_Rate,Niche,Video_Quality,"
                    f"Avg_Views_per_Post\n{identifier},3000,0.004,-0.01,Tech,SD,150\n")  # fmt: skip
    page.goto(address + "/imports")
    page.set_input_files("#file", path)
    page.get_by_role("button", name="Upload").click()
    page.get_by_role("button", name="Looks right").click()
    place = page.get_by_role("button", name=re.compile("^Import [0-9,]+ creator"))
    place.wait_for()
    if (guesses := page.get_by_label("I know that its recommendations")).count():
        guesses.check()
    place.click()
    page.get_by_role("heading", name="In the list").wait_for()


def a_second_user(browser, address, link):
    with opened(browser) as page:
        page.goto(link)
        for_everybody(page)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url("**/shortlist")
        links = page.locator("header nav a").all_inner_texts()
        assert "Review" not in links
        assert "People" not in links
        assert page.locator("input[name=chosen]").count() == 0
        answer = page.request.get(address + "/queue", max_redirects=0)
        assert answer.status == 403


@pytest.mark.slow
def test_pages_work_without_scripts(browser, demo, signed_in):
    address, _, _ = demo
    with opened(browser, storage_state=signed_in, java_script_enabled=False) as page:
        page.goto(address + "/shortlist")
        page.get_by_role("link", name="Next").click()
        page.wait_for_url("**after=**")
        expect(page.locator(".list tbody tr")).to_have_count(50)
        page.goto(address + "/shortlist")
        page.get_by_role("link", name="Counts").click()
        expect(page.locator("body")).to_contain_text("Deals in the past")
        page.goto(address + "/creators/5")
        page.get_by_text("What if a figure were different?").click()
        page.get_by_label("Followers").fill("90K")
        page.get_by_role("button", name="Ask the model").click()
        expect(page.locator("#imagined .figure")).to_have_count(1)
        page.goto(address + "/queue")
        page.get_by_label("Fits the brand").check()
        page.locator("#review [value=approve]").click()
        expect(page.locator(".toast")).to_contain_text("Approved ")


@pytest.mark.slow
def test_a_note_survives_the_end_of_the_session(browser, tmp_path):
    """The reviewer's session ends in another tab while they write."""
    with running_desk(tmp_path) as (address, link, _), browser.new_context() as context:
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        page.goto(link)
        page.get_by_role("button", name="Open the desk").click()
        page.wait_for_url("**/shortlist")
        page.goto(address + "/people")
        page.locator("form[action='/people'] [name=name]").fill("Rita")
        page.locator("form[action='/people'] select").select_option("reviewer")
        page.get_by_role("button", name="Add", exact=True).click()
        welcome = page.inner_text(".said code")
        sign_out(page)
        page.goto(welcome)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url("**/shortlist")
        page.goto(address + "/creators/5")
        page.get_by_label("Off brand").check()
        page.get_by_label("Note").fill("Seen twice at other brands.")
        other = context.new_page()
        other.goto(address + "/shortlist")
        sign_out(other)
        page.get_by_role("button", name="Decline").click()
        expect(page.locator("main")).to_contain_text("nothing was kept yet")
        page.get_by_label("Name").fill("Rita")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        expect(page.locator("main")).to_contain_text("Seen twice at other brands.")
        expect(page.locator("h1")).to_have_text("Nothing was kept yet")
        page.get_by_role("button", name="Send it now").click()
        page.wait_for_url("**/creators/5")
        expect(page.locator("main")).to_contain_text("Declined by Rita")


@pytest.mark.slow
def test_model_rollback_restores_the_scores(browser, tmp_path, model_folder):
    """The second model waits until somebody activates it, and the first can come back."""
    with running_desk(tmp_path) as (_, _, process):
        process.terminate()
        process.wait(PATIENCE / 1000)
    from durhampulse.desk.models.catalogue import add_model
    from durhampulse.desk.store.database import open_store

    store = open_store(f"sqlite:///{tmp_path / 'durhampulse.db'}")
    add_model(store, model_folder, "test")
    store.close()
    with running_desk(tmp_path) as (address, link, _), opened(browser) as page:
        page.goto(link)
        page.get_by_role("button", name="Open the desk").click()
        page.wait_for_url("**/shortlist")
        page.on("dialog", lambda dialog: dialog.accept())
        first = page.locator(".list tbody .p .n").all_inner_texts()
        page.goto(address + "/model")
        active = (
            page.locator("tr", has=page.get_by_text("active", exact=True)).locator("code").first
        )
        name = active.inner_text()
        preview_and_activate(page)
        expect(active).not_to_have_text(name)
        page.get_by_text("creators were scored with it").wait_for()
        page.goto(address + "/shortlist")
        assert page.locator(".list tbody .p .n").all_inner_texts() != first
        page.goto(address + "/model")
        preview_and_activate(page)
        expect(active).to_have_text(name)
        page.get_by_text("creators were scored with it").wait_for()
        page.goto(address + "/shortlist")
        assert page.locator(".list tbody .p .n").all_inner_texts() == first


@pytest.mark.slow
def test_search_is_a_key_away_on_every_page(browser, demo, signed_in):
    address, _, _ = demo
    with opened(browser, storage_state=signed_in) as page:
        page.goto(address + "/campaigns")
        page.keyboard.press("/")
        page.keyboard.type("nf-1543")
        page.keyboard.press("Enter")
        page.wait_for_url("**/shortlist?search=nf-1543")
        expect(page.locator(".list tbody th")).to_have_text(["INF-1543"])


@pytest.mark.slow
def test_a_manager_takes_back_what_was_done_to_many(browser, databases, tmp_path):
    with entered(browser, databases, tmp_path) as (page, address):
        decline_three_and_undo(page, address)
        record_outcomes_and_undo(page, address, tmp_path)
        import_and_undo(page, address, tmp_path)
        page.goto(address + "/acts")
        expect(page.get_by_text("Undone by demo admin")).to_have_count(3)


def decline_three_and_undo(page, address):
    for box in page.locator("input[name=chosen]").all()[:3]:
        box.check()
    page.locator("#bulk [name=decision]").select_option("decline")
    page.locator("#bulk [name=reason]").select_option("Off brand")
    page.get_by_role("button", name="Decide", exact=True).click()
    page.get_by_text("3 decided.").wait_for()
    page.get_by_role("button", name="Undo", exact=True).click()
    page.get_by_text("3 of 3 creators are as they were before.").wait_for()
    page.goto(address + "/shortlist?state=declined")
    page.get_by_text("No creator matches.").wait_for()


def record_outcomes_and_undo(page, address, tmp_path):
    path = tmp_path / "won.csv"
    path.write_text("Influencer_ID,Sponsorship_Status\nINF-1003,Yes\nINF-1004,No\nINF-1005,soon\n")
    page.goto(address + "/outcomes")
    page.locator("input[type=file]").set_input_files(path)
    page.get_by_role("button", name="See what it would record").click()
    page.get_by_text("'soon' is neither a deal nor none").wait_for()
    new = page.locator(".facts div", has_text="New outcomes")
    expect(new).to_contain_text("2")
    for_everybody(page)
    page.get_by_role("button", name="Record 2 outcomes").click()
    page.get_by_text("Recorded the outcomes of 2 creators.").wait_for()
    page.goto(address + "/shortlist?outcome=deal")
    expect(page.locator(".list tbody th")).to_have_count(1)
    page.goto(address + "/acts")
    page.get_by_role(
        "button", name=f"Undo: Recorded the outcomes of 2 creators from {path.name}"
    ).click()
    page.get_by_text("2 of 2 creators are as they were before.").wait_for()


def import_and_undo(page, address, tmp_path):
    header = "Influencer_ID,Followers,Engagement_Rate,Growth_Rate,Niche,Video_Quality"
    path = tmp_path / "slip.csv"
    path.write_text(f"{header}\nINF-1003,5000,5%,1%,Tech,HD\nSLIP-1,6000,6%,1%,Tech,HD\n")
    page.goto(address + "/imports")
    page.locator("input[type=file]").set_input_files(path)
    page.get_by_role("button", name="Upload").click()
    page.get_by_role("button", name="Looks right: score it").click()
    page.get_by_role("button", name="Back to the columns").click()
    page.get_by_role("button", name="Looks right: score it").click()
    page.get_by_role("button", name=re.compile("^Import [0-9,]+ creator")).click()
    page.get_by_role("heading", name="In the list").wait_for()
    page.goto(address + "/acts")
    page.get_by_role("link", name="See what undoing changes").first.click()
    page.get_by_text("leaves the list again").wait_for()
    for_everybody(page)
    page.get_by_role("button", name="Undo this import").click()
    page.get_by_text("undid this import").wait_for()
    page.goto(address + "/shortlist?search=SLIP")
    page.get_by_text("No creator matches.").wait_for()
