"""Clients' rooms: what a link opens and what it does not, and what becomes of the answers."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, insert, select, text, update

from durhampulse.desk.campaigns import rooms
from durhampulse.desk.campaigns.rooms import Answer, RoomWish
from durhampulse.desk.outcomes.recording import outcome_table
from durhampulse.desk.people.erasure import erase, everything_about
from durhampulse.desk.store.bulk import insert_one
from durhampulse.desk.store.tables import audit, creator, outcome, review, room, room_card
from durhampulse.desk.web.access import COOKIE
from durhampulse.desk.web.colour import contrast, readable_on
from durhampulse.exceptions import InputError
from tests.desk.routes import OPEN, filled_in, routes
from tests.desk.versions import newest_store, older_store

EIGHT = (*range(3, 11),)
WISH = {"name": "Spring: eight", "client": "Halden & Mire", "colour": "#ffe08a", "days": 7,
        "shows": ["followers", "niche"], "creators": EIGHT}  # fmt: skip


@pytest.fixture
def opened(filled):
    """A room with eight cards: its number and the token of its link."""
    return rooms.make_room(filled, RoomWish(**WISH), "ann")


@pytest.mark.parametrize(
    ("field", "value"),
    [("name", " "), ("client", "x" * 101), ("colour", "red"), ("colour", "#12345g"), ("days", 0),
     ("days", 91), ("shows", ["email"]), ("shows", ["probability"])],
)  # fmt: skip
def test_room_that_cannot_be_is_refused_at_its_field(field, value):
    with pytest.raises(InputError) as caught:
        RoomWish(**{**WISH, field: value})
    assert caught.value.field == field


@pytest.mark.parametrize("n", [0, 5, 31])
def test_room_holds_six_to_thirty_cards(n):
    with pytest.raises(InputError, match="6 to 30"):
        RoomWish(**{**WISH, "creators": range(n)})


def test_creator_named_twice_has_one_card():
    with pytest.raises(InputError, match="not 5"):
        RoomWish(**{**WISH, "creators": [1, 2, 3, 4, 5, 5]})


def test_room_of_somebody_erased_meanwhile_is_refused(filled):
    with filled.reading() as db:
        name = db.scalar(select(creator.c.external_id).where(creator.c.id == EIGHT[0]))
    erase(filled, name, "ann")
    with pytest.raises(InputError, match="not there any more") as caught:
        rooms.make_room(filled, RoomWish(**WISH), "ann")
    assert caught.value.field == "source"
    with filled.reading() as db:
        assert rooms.rooms(db) == []


def test_order_of_cards_is_drawn_for_each_room(filled):
    """An order by probability would tell how the model ranks those whose number is hidden."""
    orders = set()
    for _ in range(10):
        number, _ = rooms.make_room(filled, RoomWish(**WISH), "ann")
        with filled.reading() as db:
            cards = rooms.cards_of(db, rooms.find_room(db, number))
        orders.add(tuple(card["creator_id"] for card in cards))
    assert {tuple(sorted(order)) for order in orders} == {EIGHT}
    assert len(orders) > 5  # of 8! = 40,320 that could be drawn


def test_rooms_of_earlier_versions_get_a_drawn_order_too(store_url):
    """Versions before 0032 kept cards by probability: 0 to 9 here, one of 10! orders."""
    now = datetime.now(UTC)
    with older_store("0030", store_url) as db:
        db.execute(insert(creator), [{"external_id": str(at), "flags": 0, "lottery": 0.5,
                                      "state": "open", "run_id": 1} for at in range(10)])  # fmt: skip
        numbers = db.scalars(select(creator.c.id).order_by(creator.c.id)).all()
        for at in range(2):
            values = {"digest": str(at), "name": "Spring", "client": "Acme", "colour": "#ffe08a",
                      "shows": [], "by": "ann", "at": now, "expires_at": now}  # fmt: skip
            opened = insert_one(db, room, **values)
            db.execute(insert(room_card), [
                {"room_id": opened, "creator_id": number, "place": place, "pitch": f"of {number}",
                 "comment": ""} for place, number in enumerate(numbers)
            ])  # fmt: skip
    with newest_store(store_url) as db:
        shown = [rooms.cards_of(db, row) for row in rooms.rooms(db)]
        places = db.scalars(select(room_card.c.place).order_by(room_card.c.place)).all()
    orders = [[card["creator_id"] for card in cards] for cards in shown]
    assert [sorted(order) for order in orders] == [[*numbers]] * 2
    assert [*numbers] not in orders
    assert orders[0] != orders[1]
    assert places == sorted([*range(10)] * 2)
    assert all(card["pitch"] == f"of {card['creator_id']}" for cards in shown for card in cards)


def test_answers_are_listed_by_name_and_not_by_probability(visit, opened, filled):
    with filled.writing() as db:
        for number, name in zip(EIGHT, ("Zoë", "ada", "Mo", "Bo", "Kai", "Lu", "Nia", "Eva"),
                                strict=True):  # fmt: skip
            db.execute(update(creator).where(creator.c.id == number).values(name=name))
    page = visit("reviewer").get(f"/rooms/{opened[0]}").text
    names = re.findall(r'<th scope="row"><a [^>]*>([^<]+)</a>', page)
    assert names == ["ada", "Bo", "Eva", "Kai", "Lu", "Mo", "Nia", "Zoë"]


def test_room_is_offered_sets_that_fit_it_first(visit):
    ann = visit("reviewer")
    for name, number in (("Fits", 6), ("Small", 5)):
        ann.post("/campaigns", data={"name": name, "number": number, "fee nano": "1",
                                     "csrf": ann.csrf})  # fmt: skip
    page = ann.get("/rooms").text
    assert re.findall(r"<option value=\"[^\"]+\"[^>]*>([^<]+)</option>", page) == [
        "Fits, 6",
        "Small, 5 (too few)",
    ]


def test_only_the_hash_of_a_link_is_kept(filled, opened):
    number, token = opened
    assert len(token) >= 43  # 256 bits
    with filled.reading() as db:
        kept = db.execute(select(room)).one()
        assert token not in repr(tuple(kept))
        assert rooms.open_room(db, token).id == number
        for other in ("", token[:-1], kept.digest, token + "x"):
            assert rooms.open_room(db, other) is None


def test_link_ends_by_its_day_and_by_hand(filled, opened):
    number, token = opened
    past = {"expires_at": datetime.now(UTC) - timedelta(seconds=1)}
    with filled.writing() as db:
        db.execute(update(room).values(**past))
    with filled.reading() as db:
        assert rooms.open_room(db, token) is None
    with pytest.raises(InputError, match="closed"):
        rooms.answer(filled, token, {3: Answer(True)})
    with filled.writing() as db:
        db.execute(update(room).values(expires_at=datetime.now(UTC) + timedelta(days=1)))
    rooms.answer(filled, token, {3: Answer(True, "Lovely")})
    rooms.revoke(filled, number, "ann")
    with filled.reading() as db:
        assert rooms.open_room(db, token) is None
        assert [row.comment for row in rooms.client_answers(db, 3)] == ["Lovely"]  # evidence stays


def test_card_holds_nothing_of_a_creator_that_was_not_chosen(filled, opened, visit):
    _, token = opened
    carried = [["handle", "Handle", "@lena.secret"], ["email", "Mail", "lena@example.org"]]
    with filled.writing() as db:
        db.execute(update(creator).where(creator.c.id == 3).values(carried=carried, name="Lena"))
        row = db.execute(select(creator).where(creator.c.id == 3)).one()
    page = visit().get(f"/r/{token}").text
    assert "Lena" in page
    assert row.niche in page
    for hidden in ("@lena.secret", "lena@example.org", row.external_id, "engagement",
                   f"{100 * row.probability:.0f}%", "Yes from", "Maybe"):  # fmt: skip
        assert hidden not in page


def test_link_opens_its_own_room_and_no_other_route_of_the_desk(app, visit, opened, desk):
    _, token = opened
    _, other = rooms.make_room(desk.store, RoomWish(**WISH), "ann")
    client = visit()
    client.get(f"/r/{token}")
    ways = ({}, {"cookie": f"{COOKIE}={token}"}, {"authorization": f"Bearer {token}"},
            {"referer": f"http://testserver/r/{token}"})  # fmt: skip
    walked = 0
    for method, path in routes(app):
        if path in OPEN:
            continue
        for headers in ways:
            answer = client.request(method, filled_in(path), headers=headers)
            walked += 1
            assert answer.status_code in (303, 401), (method, path)
            if answer.status_code == 303:
                assert answer.headers["location"].startswith("/sign-in"), path
    assert walked > 300
    for path in ("/creators/3", f"/r/{token}/../{other[:-1]}", f"/r/{token}/creators/3"):
        assert client.get(path).status_code in (303, 404)
    assert client.get(f"/welcome/{token}").status_code == 422  # it is no link of that kind


def test_pages_of_a_room_are_not_kept_and_not_passed_on(visit, opened):
    _, token = opened
    client = visit()
    for path in (f"/r/{token}", f"/r/{token}/colour.css"):
        headers = client.get(path).headers
        assert headers["cache-control"] == "no-store"
        assert headers["referrer-policy"] == "no-referrer"
        assert "noindex" in headers["x-robots-tag"]
        assert "unsafe" not in headers["content-security-policy"]
    assert client.get(f"/r/{token}/colour.css").text == (
        ":root { --client: #ffe08a; --on-client: #000000; }"
    )


def test_answers_come_back_as_evidence_and_never_as_labels(visit, opened, filled):
    number, token = opened
    with filled.reading() as db:
        before = db.execute(select(creator).order_by(creator.c.id)).all()
    client = visit()
    form = {"liked-3": "yes", "comment-3": "We <b>love</b> it", "liked-4": "no", "liked-999": "yes"}
    assert client.post(f"/r/{token}", data=form).status_code == 303
    part = client.post(f"/r/{token}", data=form, headers={"hx-request": "true"})
    assert part.text == "2 of 8 answered. Kept."
    again = client.get(f"/r/{token}").text
    assert re.search(r'name="liked-3" value="yes" checked', again)
    with filled.reading() as db:
        assert db.execute(select(creator).order_by(creator.c.id)).all() == before
        for table in (outcome, review):
            assert db.scalar(select(func.count()).select_from(table)) == 0
        assert outcome_table(db).empty
        acts = db.execute(select(audit.c.who, audit.c.act, audit.c.detail)
                          .where(audit.c.subject == f"room {number}")).all()  # fmt: skip
    assert [(row.who, row.act) for row in acts] == [
        ("ann", "room opened"), ("a client", "room answered"),
    ]  # fmt: skip
    assert "love" not in repr(acts)
    page = visit("viewer").get("/creators/3").text
    assert "We &lt;b&gt;love&lt;/b&gt; it" in page
    assert "Halden &amp; Mire" in page


def test_foreign_sites_and_floods_are_refused(visit, opened, desk, monkeypatch):
    _, token = opened
    client = visit()
    foreign = {"sec-fetch-site": "cross-site", "origin": "https://evil.example"}
    assert client.post(f"/r/{token}", data={}, headers=foreign).status_code == 403
    monkeypatch.setattr("durhampulse.desk.web.rooms._SAVES", 2)
    monkeypatch.setattr("durhampulse.desk.web.rooms._WRONG", 3)
    saves = [client.post(f"/r/{token}", data={"liked-3": "yes"}).status_code for _ in range(3)]
    assert saves == [303, 303, 429]
    tries = [client.get(f"/r/{'x' * 43}").status_code for _ in range(5)]
    assert tries == [404, 404, 404, 429, 429]
    assert client.get(f"/r/{token}").status_code == 200


def test_room_is_made_of_a_campaign_and_listed_with_it(visit):
    ann = visit("reviewer")
    brief = {"name": "Spring", "number": "8", "fee nano": "100", "csrf": ann.csrf}
    campaign = ann.post("/campaigns", data=brief).headers["location"]
    at = campaign.rpartition("/")[2]
    form = {"csrf": ann.csrf, "name": "Eight", "client": "Halden", "colour": "#2f5d8a",
            "source": f"campaign-{at}", "days": "7", "shows": ["niche"]}  # fmt: skip
    page = ann.post("/rooms", data=form).text
    link = re.search(r"http://testserver(/r/[\w-]{43})", page)[1]
    assert link not in ann.get("/rooms").text  # shown once
    assert visit().get(link).text.count("Rather not") == 8
    room_page = "/rooms/1"
    assert f'href="{room_page}">0 yes, 0 no of 8' in ann.get(campaign).text
    cards = re.findall(r'name="(pitch-\d+)"', ann.get(room_page).text)
    assert len(cards) == 8
    sent = {"csrf": ann.csrf, cards[0]: "Calm & tidy"}
    assert ann.post(room_page, data=sent).status_code == 303
    assert "Calm &amp; tidy" in visit().get(link).text
    ann.post(f"{room_page}/close", data={"csrf": ann.csrf})
    assert visit().get(link).status_code == 404


def test_erasure_takes_cards_and_clears_what_is_written_elsewhere(filled, opened):
    _, token = opened
    rooms.answer(filled, token, {3: Answer(True, "Good"), 4: Answer(False, "Rather Lena Prost")})
    with filled.writing() as db:
        db.execute(update(creator).where(creator.c.id == 3).values(name="Lena Prost"))
        name = db.scalar(select(creator.c.external_id).where(creator.c.id == 3))
    with filled.reading() as db:
        assert len(everything_about(db, name)["room_card"]) == 1
    receipt = erase(filled, name, "ann")
    assert receipt["rows"]["room_card"] == 1
    with filled.reading() as db:
        assert db.scalar(select(func.count()).where(room_card.c.creator_id == 3)) == 0
        comment = db.scalar(select(room_card.c.comment).where(room_card.c.creator_id == 4))
    assert comment == "Rather [erased]"


def test_any_colour_can_be_read_on():
    """WCAG 2.2, 1.4.3: text of any size has a contrast of 4.5 or more."""
    steps = range(0, 256, 15)
    for red in steps:
        for green in steps:
            for blue in steps:
                colour = f"#{red:02x}{green:02x}{blue:02x}"
                assert contrast(readable_on(colour), colour) >= 4.5


def test_migration_makes_rooms_and_keeps_creators(store_url):
    with older_store("0025", store_url) as db:
        db.execute(text("INSERT INTO person (name, role, active, created_at)"
                        " VALUES ('ann', 'reviewer', true, '2026-01-01')"))  # fmt: skip
    with newest_store(store_url) as db:
        assert db.scalars(text("SELECT name FROM person")).all() == ["ann"]
