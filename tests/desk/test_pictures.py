"""Creators' pictures: pages load them from where the list says, on desks that were told to."""

from __future__ import annotations

from dataclasses import replace

import pytest
from playwright.sync_api import expect
from sqlalchemy import select, update

from durhampulse.desk.campaigns import rooms
from durhampulse.desk.campaigns.rooms import RoomWish
from durhampulse.desk.people import people
from durhampulse.desk.server import fill_with_demo
from durhampulse.desk.store.carried import picture_of
from durhampulse.desk.store.database import open_store
from durhampulse.desk.store.tables import creator
from durhampulse.desk.web.app import create_desk
from durhampulse.desk.web.exposure import Exposure
from tests.desk.browsing import look_at, sign_in, visiting
from tests.desk.conftest import PASSWORD
from tests.desk.running import running_desk

PLACE = "https://pictures.example/"
DOT = ('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9">'
       '<rect width="9" height="9" fill="#c35a1c"/></svg>')  # fmt: skip


@pytest.fixture(params=[False, True], ids=["not shown", "shown"])
def shown(request):
    return request.param


@pytest.fixture
def app(desk, shown):
    give_pictures(desk.store)
    return create_desk(replace(desk, exposure=Exposure(pictures=shown)))


def give_pictures(store):
    """Have a list say where each creator's picture is."""
    with store.writing() as db:
        for number in db.scalars(select(creator.c.id)).all():
            values = {"name": f"Kim {chr(65 + number % 26)}. Vale",
                      "carried": [["picture", "Photo", f"{PLACE}{number}.svg"]]}  # fmt: skip
            db.execute(update(creator).where(creator.c.id == number).values(**values))


def room_of(store):
    wish = RoomWish(name="Spring", client="Acme", colour="#a8480f", days=7, shows=["picture"],
                    creators=[*range(3, 11)])  # fmt: skip
    return rooms.make_room(store, wish, "ann")[1]


def test_pictures_stand_on_every_page_of_a_creator_where_they_are_shown(visit, desk, shown):
    ann = visit("reviewer")
    made = ann.post("/campaigns", data={"csrf": ann.csrf, "name": "Spring", "number": "5"})
    client, room = visit(), f"/r/{room_of(desk.store)}"
    for who, path in ((ann, "/shortlist"), (ann, "/creators/3"), (ann, "/creators/3/panel"),
                      (ann, "/queue"), (ann, made.headers["location"]), (client, room)):  # fmt: skip
        page = who.get(path)
        assert page.status_code == 200, path
        assert (f'<img src="{PLACE}' in page.text) is shown, path
        assert "Kim" in page.text, path
        policy = page.headers["content-security-policy"]
        assert ("img-src 'self' data: https:;" in policy) is shown, path
        assert "script-src 'self';" in policy, path


def test_room_offers_pictures_where_they_are_shown(visit, shown):
    assert ('name="shows" value="picture"' in visit("reviewer").get("/rooms").text) is shown


@pytest.mark.parametrize(
    "text",
    ["http://a.example/1.jpg", "javascript:alert(1)", "data:image/svg+xml,x", "//a.example/1.jpg", ""],
)  # fmt: skip
def test_only_an_address_by_tls_is_a_picture(text):
    assert picture_of([["link", "Profile", f"{PLACE}3"], ["picture", "Photo", text]]) == ""


@pytest.mark.slow
def test_picture_that_does_not_come_leaves_the_initials(browser, tmp_path):
    url = f"sqlite:///{tmp_path / 'team.db'}"
    store = open_store(url)
    fill_with_demo(store)
    give_pictures(store)
    with store.writing() as db:
        people.add_person(db, "Kim", "admin", "test", PASSWORD)
    store.close()
    asked = []

    def answer(route):
        asked.append(route.request)
        if int(route.request.url.removeprefix(PLACE).removesuffix(".svg")) % 2:
            route.fulfill(body=DOT, content_type="image/svg+xml")
        else:
            route.fulfill(status=404, body="")

    with (
        running_desk(tmp_path, "--store", url, "--pictures") as (address, _, _),
        visiting(browser) as page,
    ):
        page.route(f"{PLACE}**", answer)
        page.goto(f"{address}/sign-in")
        sign_in(page, "Kim")
        page.wait_for_url("**/shortlist")
        page.wait_for_load_state("networkidle")
        widths = page.locator(".list .avatar img").evaluate_all(
            "all => all.filter(one => one.complete).map(one => [one.src, one.naturalWidth])"
        )
        assert {width for _, width in widths} == {0, 9}
        with_picture = page.locator(".avatar", has=page.locator("img")).first
        assert with_picture.bounding_box()["width"] == 28
        lost = next(src for src, width in widths if not width)
        number = lost.removeprefix(PLACE).removesuffix(".svg")
        avatar = page.locator(f".list tr[data-id='{number}'] .avatar")
        seen = avatar.screenshot()
        avatar.locator("img").evaluate("one => one.remove()")
        assert avatar.screenshot() == seen
        assert all("referer" not in request.headers for request in asked)
        look_at(page, "a shortlist with pictures")
        page.goto(f"{address}/creators/3")
        expect(page.locator(".avatar.big img")).to_have_js_property("naturalWidth", 9)
        look_at(page, "a creator with a picture")
