"""Pages that only an act, a mistake or an empty desk brings up: axe's rules however they are looked at."""

from __future__ import annotations

import contextlib
import re
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect
from sqlalchemy import func, select, update

from durhampulse.desk.models.catalogue import add_model
from durhampulse.desk.people import people
from durhampulse.desk.server import fill_with_demo
from durhampulse.desk.store.database import open_store
from durhampulse.desk.store.tables import creator, kept_count, session
from tests.desk.browsing import look_at, propose_a_campaign, sign_in, signed_in_as, visiting
from tests.desk.conftest import DEMO, PASSWORD
from tests.desk.running import running_desk

pytestmark = pytest.mark.slow
EMPTY = ("/shortlist", "/queue", "/opinions", "/campaigns", "/rooms", "/imports", "/outcomes",
         "/acts", "/lists", "/pipeline", "/then", "/model", "/people", "/audit", "/hooks",
         "/shortlist/totals", "/thresholds")  # fmt: skip
COUNTED = ("/shortlist", "/shortlist/totals", "/queue", "/pipeline")


@pytest.fixture(scope="module")
def team(tmp_path_factory):
    """A desk with the demo's list, an admin, a reviewer and a viewer: its store and address."""
    folder = tmp_path_factory.mktemp("team")
    store = open_store(f"sqlite:///{folder / 'team.db'}")
    fill_with_demo(store)
    with store.writing() as db:
        for name, role in (("Kim", "admin"), ("Bo", "reviewer"), ("Vi", "viewer")):
            people.add_person(db, name, role, "test", PASSWORD)
    with running_desk(folder, "--store", f"sqlite:///{folder / 'team.db'}") as (address, _, _):
        yield store, address
    store.close()


def age_sessions(store, **columns):
    with store.writing() as db:
        db.execute(update(session).values(**columns))


def make_a_key(page, address, name):
    page.goto(f"{address}/people")
    page.locator("form[action='/keys'] [name=name]").fill(name)
    page.locator("form[action='/keys'] button").click()


def test_password_is_asked_again_and_a_form_comes_back_after_the_end_of_a_session(browser, team):
    store, address = team
    now = datetime.now(UTC)
    with signed_in_as(browser, address, "Kim") as page:
        age_sessions(store, confirmed_at=now - timedelta(minutes=16))
        make_a_key(page, address, "CRM")
        page.get_by_role("heading", name="Your password again").wait_for()
        look_at(page, "password again")
        page.get_by_label("Password").fill("not this one")
        page.get_by_role("button", name="Go on").click()
        page.locator("#wrong").wait_for()
        look_at(page, "a wrong password")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Go on").click()
        page.locator(".said code").wait_for()
        look_at(page, "a new key")
        page.goto(f"{address}/lists")
        page.get_by_label("Name", exact=True).last.fill("Spring picks")
        age_sessions(store, expires_at=now - timedelta(minutes=1))
        page.get_by_role("button", name="Make a list").click()
        page.get_by_text("nothing was kept yet").wait_for()
        look_at(page, "signing in once more")
        sign_in(page, "Kim")
        page.get_by_role("heading", name="Nothing was kept yet").wait_for()
        page.get_by_text("Spring picks").wait_for()
        look_at(page, "sending it again")
        page.get_by_role("button", name="Send it now").click()
        page.get_by_role("link", name="Spring picks").wait_for()


def test_decision_beside_the_list_comes_back_after_the_end_of_a_session(browser, team):
    store, address = team
    past = datetime.now(UTC) - timedelta(minutes=1)
    with signed_in_as(browser, address, "Bo") as page:
        page.goto(f"{address}/shortlist?state=open&sort=name")
        row = page.locator(".list tbody tr[data-id]").first
        number = row.get_attribute("data-id")
        row.locator("[data-open]").click()
        page.locator("#decide [name=reason]").first.check(force=True)
        page.locator("#decide [name=note]").fill("Asked twice, no answer")
        age_sessions(store, expires_at=past)
        page.locator("#decide").get_by_role("button", name="Decline").click()
        page.get_by_text("nothing was kept yet").wait_for()
        page.wait_for_load_state("networkidle")  # the next creator's panel needs a sign-in too
        look_at(page, "signing in for a decision beside the list")
        sign_in(page, "Bo")
        page.get_by_role("heading", name="Nothing was kept yet").wait_for()
        page.get_by_text("Asked twice, no answer").wait_for()
        page.get_by_role("button", name="Send it now").click()
        page.wait_for_url(f"**/creators/{number}")
        expect(page.locator(".timeline")).to_contain_text("Asked twice, no answer")


def test_panel_that_needs_a_sign_in_leads_back_to_the_filtered_list(browser, team):
    store, address = team
    past = datetime.now(UTC) - timedelta(minutes=1)
    with signed_in_as(browser, address, "Bo") as page:
        page.goto(f"{address}/shortlist?state=open&sort=name")
        page.wait_for_load_state("networkidle")
        age_sessions(store, expires_at=past)
        page.locator(".list tbody [data-open]").first.click()
        page.wait_for_url("**/sign-in?next=*")
        sign_in(page, "Bo")
        page.wait_for_url("**/shortlist?state=open&sort=name")


def test_each_wrong_figure_is_marked_while_it_is_typed(browser, team):
    _, address = team
    with signed_in_as(browser, address, "Vi") as page:
        page.goto(f"{address}/creators/5")
        page.get_by_text("What if a figure were different?").click()
        followers, rate = page.get_by_label("Followers"), page.get_by_label("Engagement Rate")
        followers.fill("lots")
        rate.fill("0.05")
        page.get_by_role("button", name="Ask the model").click()
        for field, message in ((followers, "'lots' is not"), (rate, "may be 5% or 0.05%")):
            expect(field).to_have_attribute("aria-invalid", "true")
            expect(field).to_have_accessible_description(re.compile(message))
        look_at(page, "two wrong figures")
        rate.press("End")
        rate.press_sequentially("%")
        expect(rate).not_to_have_attribute("aria-invalid", "true")
        expect(rate).to_be_focused()
        expect(rate).to_have_value("0.05%")
        expect(followers).to_have_value("lots")
        expect(followers).to_have_attribute("aria-invalid", "true")
        followers.fill("12000")
        expect(page.locator("#imagined .warning")).to_have_count(0)
        expect(page.locator("#ask [aria-invalid]")).to_have_count(0)


def test_erasure_and_what_is_refused(browser, team):
    _, address = team
    with signed_in_as(browser, address, "Kim") as page, signed_in_as(browser, address, "Bo") as bo:
        page.goto(f"{address}/creators/300")
        name = page.locator("h1").inner_text().split()[0]
        page.locator("#rights").click()
        page.get_by_label("Write the identifier").fill(name)
        page.get_by_role("button", name="Erase for good").click()
        page.get_by_role("heading", name=re.compile("^Receipt")).wait_for()
        look_at(page, "receipt")
        page.goto(f"{address}/creators/300")
        page.get_by_role("heading", name="There is no such creator").wait_for()
        look_at(page, "404")
        bo.goto(f"{address}/queue")
        held = bo.locator("#review [name=creator]").input_value()
        page.goto(f"{address}/creators/{held}")
        look_at(page, "a creator whom a colleague holds")
        page.locator("#decision [name=reason]").first.check(force=True)
        with page.expect_response(re.compile("/decide$")) as answer, page.expect_navigation():
            page.get_by_role("button", name="Approve").click()
        assert answer.value.status == 409
        look_at(page, "409")
        page.goto(f"{address}/queue")
        with page.expect_navigation(wait_until="networkidle"):
            page.get_by_role("button", name="Give this one back").click()
        look_at(page, "given back")


def test_what_a_viewer_and_a_stranger_see(browser, team):
    _, address = team
    with signed_in_as(browser, address, "Vi") as page:
        for path in ("/shortlist", "/creators/5", "/campaigns", "/imports", "/rooms", "/model"):
            page.goto(address + path)
            page.wait_for_load_state("networkidle")
            look_at(page, f"{path} for a viewer")
        answer = page.goto(f"{address}/people")
        assert answer.status == 403
        look_at(page, "403")
    with visiting(browser) as page:
        page.goto(f"{address}/sign-in")
        page.get_by_label("Name").fill("Vi")
        page.get_by_label("Password").fill("not this one")
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("alert").wait_for()
        look_at(page, "a sign-in that failed")
        for path in ("/welcome/nonsense", f"/r/{'x' * 43}"):
            page.goto(address + path)
            look_at(page, path)


def test_client_sees_a_room_before_and_after_answering(browser, team):
    _, address = team
    with signed_in_as(browser, address, "Bo") as page, visiting(browser) as client:
        csrf = page.locator("input[name=csrf]").first.get_attribute("value")
        brief = {"csrf": csrf, "name": "Spring", "number": "6", "fee nano": "100"}
        page.request.post(f"{address}/campaigns", form=brief)
        page.goto(f"{address}/rooms")
        page.get_by_label("What the client reads at the top").fill("Who feels right?")
        page.get_by_label("Client", exact=True).fill("Acme")
        page.get_by_role("button", name="Open the room").click()
        link = page.get_by_text(re.compile("/r/")).inner_text()
        look_at(page, "a room's link, shown once")
        client.goto(re.search(r"http://\S+/r/[\w-]+", link)[0])
        look_at(client, "the room")
        with client.expect_response(re.compile("/r/")):
            client.locator(".cards > li").first.get_by_label("Yes, please").check(force=True)
        client.get_by_text("1 of 6 answered").wait_for()
        client.get_by_role("button", name="Send my answers").click()
        client.get_by_text("Kept.").wait_for()
        look_at(client, "the room, answered")


def test_first_admin_and_an_empty_desk(browser, tmp_path):
    url = f"sqlite:///{tmp_path / 'new.db'}"
    store = open_store(url)
    add_model(store, DEMO / "model", "test")
    store.close()
    with running_desk(tmp_path, "--store", url) as (address, link, _), visiting(browser) as page:
        page.goto(link)
        look_at(page, "the first admin")
        page.get_by_label("Your name").fill("Kim")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url("**/shortlist")
        for path in EMPTY:
            page.goto(address + path)
            page.wait_for_load_state("networkidle")
            look_at(page, f"{path}, empty")


def test_reasons_further_down_come_after_the_page(browser, team):
    _, address = team
    with signed_in_as(browser, address, "Vi") as page:
        asked = []
        page.route("**/shortlist/reasons?*", lambda route: asked.append(route))  # noqa: PLW0108
        page.goto(f"{address}/shortlist?sort=followers")
        waiting = page.locator(".list .reason").get_by_text("Its reason follows.")
        waiting.first.wait_for()
        look_at(page, "reasons to come")
        asked[0].continue_()
        expect(waiting).to_have_count(0)
        texts = page.locator(".list .reason").all_inner_texts()
        assert len(texts) == 50
        assert all(len(text) > 5 for text in texts)
        look_at(page, "reasons that came")


@contextlib.contextmanager
def with_a_long_list(browser, folder, url):
    """Give a store whose list counts as long, where its desk is, and a page with an admin."""
    store = open_store(url)
    fill_with_demo(store)
    with store.writing() as db:
        people.add_person(db, "Kim", "admin", "test", PASSWORD)
        last = db.scalar(select(func.max(creator.c.id)))
        db.execute(update(creator).where(creator.c.id == last).values(id=20_001))
    with (
        running_desk(folder, "--store", url) as (address, _, _),
        signed_in_as(browser, address, "Kim") as page,
    ):
        yield store, address, page
    store.close()


def test_what_would_change_of_a_campaign_comes_after_its_page(browser, tmp_path, store_url):
    with with_a_long_list(browser, tmp_path, store_url) as (store, address, page):
        propose_a_campaign(page, address)
        campaign, first = page.url, page.locator("a[href^='/creators/']").first
        gone = int(first.get_attribute("href").rpartition("/")[2])
        with store.writing() as db:
            db.execute(update(creator).where(creator.c.id == gone).values(state="declined"))
        asked = []
        page.route("**/difference?wait=true", lambda route: asked.append(route))  # noqa: PLW0108
        page.goto(f"{campaign}/difference")
        page.get_by_role("status").get_by_text("The best set of today is looked for.").wait_for()
        look_at(page, "what would change, being looked for")
        asked[0].continue_()
        page.get_by_role("heading", name="Today's data would swap 1 of Spring").wait_for()
        look_at(page, "what would change")
        page.get_by_role("button", name="Take it over").click()
        page.wait_for_url(campaign)
        assert page.locator(f"a[href='/creators/{gone}']").count() == 0


def keep_as_it_is(route):
    """Answer with a page that does not load itself again while a test looks at it."""
    answer = route.fetch()
    headers = {name: text for name, text in answer.headers.items() if name != "refresh"}
    route.fulfill(response=answer, headers=headers)


def test_long_list_that_another_desk_counts(browser, tmp_path, store_url):
    counting = re.compile("[Cc]ounting")
    with with_a_long_list(browser, tmp_path, store_url) as (store, address, page):
        page.route(lambda url: urlsplit(url).path in COUNTED, keep_as_it_is)
        for path in COUNTED:
            page.goto(address + path)
            for _ in range(100):
                if not page.get_by_text(counting).count():
                    break
                page.wait_for_timeout(200)
                page.goto(address + path)
        hour = datetime.now(UTC) + timedelta(hours=1)
        with store.writing() as db:
            db.execute(update(kept_count).values(counted_at=None, due_at=None, lease_until=hour))
        for path in COUNTED:
            page.goto(address + path)
            page.get_by_text(counting).first.wait_for()
            look_at(page, f"{path}, being counted")


def test_door_of_the_demo(browser, tmp_path):
    with running_desk(tmp_path) as (_, link, _), visiting(browser) as page:
        page.goto(link)
        look_at(page, "a desk to try")


def test_what_is_shown_where_the_store_fails(browser, tmp_path):
    url = f"sqlite:///{tmp_path / 'team.db'}"
    store = open_store(url)
    fill_with_demo(store)
    with store.writing() as db:
        people.add_person(db, "Kim", "admin", "test", PASSWORD)
    with (
        running_desk(tmp_path, "--store", url) as (address, _, _),
        signed_in_as(browser, address, "Kim") as page,
    ):
        page.goto(f"{address}/lists")
        page.locator("form[action='/lists'] [name=name]").fill("Spring picks")
        with store.writing() as db:
            db.exec_driver_sql("ALTER TABLE creator_list RENAME TO gone")
        page.locator("form[action='/lists'] button").click()
        page.get_by_role("heading", name="The store does not answer right now.").wait_for()
        page.get_by_text("Spring picks").wait_for()
        look_at(page, "a form that the store did not take")
        assert page.goto(f"{address}/lists").status == 503
        look_at(page, "a page that the store did not give")
        with store.writing() as db:
            db.exec_driver_sql("ALTER TABLE gone RENAME TO creator_list")
        page.get_by_role("link", name="Try again").click()
        page.get_by_role("heading", name="Lists").first.wait_for()
    store.close()
