"""Past creators most like one: who they are, what became of them, where they lead."""

from __future__ import annotations

from datetime import date
from urllib.parse import parse_qs, urlsplit

from sqlalchemy import select

from durhampulse.desk.models.rules import stored_frame
from durhampulse.desk.outcomes.recording import record, withdraw
from durhampulse.desk.people.erasure import erase
from durhampulse.desk.review.alike import most_alike
from durhampulse.desk.review.page import find_creator
from durhampulse.desk.store.tables import creator


def alike(store, rules, number):
    with store.reading() as db:
        row = find_creator(db, number)
        return most_alike(db, rules, number, stored_frame(rules.scorer, [row]))


def twin_of(store, number):
    """Give another creator the same figures; return their number."""
    with store.writing() as db:
        row = db.execute(select(creator).where(creator.c.id == number)).one()
        names = ("followers", "engagement_rate", "growth_rate", "avg_views", "niche")
        same = {name: getattr(row, name) for name in names if name in creator.c}
        other = number + 1
        db.execute(creator.update().where(creator.c.id == other).values(
            **same, extra=row.extra, name="Twin <b>"))  # fmt: skip
    return other


def test_an_outcome_of_the_desk_is_the_nearest_past_creator(filled, rules):
    other = twin_of(filled, 3)
    before = alike(filled, rules, 3)
    assert len(before) == 12
    assert all(urlsplit(past.link).path == "/creators/3" for past in before)
    record(filled, other, deal=True, on=date(2026, 1, 5), by="ann")
    record(filled, 3, deal=False, on=date(2026, 1, 5), by="ann")  # no precedent of their own
    first, *others = alike(filled, rules, 3)
    assert (first.name, first.link, first.deal) == ("Twin <b>", f"/creators/{other}", True)
    assert [past.figures for past in others] == [past.figures for past in before[:11]]
    withdraw(filled, other, "ann")
    assert alike(filled, rules, 3) == before


def test_erased_creators_are_nobodys_precedent(filled, rules):
    other = twin_of(filled, 3)
    record(filled, other, deal=True, on=date(2026, 1, 5), by="ann")
    with filled.reading() as db:
        name = find_creator(db, other).external_id
    erase(filled, name, "ann")
    assert all(not past.name for past in alike(filled, rules, 3))


def test_page_says_the_decision_and_each_of_twelve_is_a_link(visit, filled):
    other = twin_of(filled, 3)
    record(filled, other, deal=True, on=date(2026, 1, 5), by="ann")
    somebody = visit("viewer")
    page = somebody.get("/creators/3").text
    assert "Of 100 creators like this one" in page
    assert "Twin &lt;b&gt;" in page
    part = page.split('class="like small"')[1].split("</ul>")[0]
    links = [cell.split('"')[0].replace("&amp;", "&") for cell in part.split('href="')[1:]]
    assert len(links) == 12
    assert links[0] == f"/creators/{other}"
    assert somebody.get(links[0]).status_code == 200
    imagined = somebody.get(links[1])  # what the model says of such figures
    assert imagined.status_code == 200
    assert parse_qs(urlsplit(links[1]).query)
    assert "wrong-figure" not in imagined.text
