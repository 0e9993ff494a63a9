"""The outcomes of an imported list: counted, shown on request, recorded by a person alone."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import select

from durhampulse.desk.imports import intake
from durhampulse.desk.imports.labelled import LabelColumn
from durhampulse.desk.imports.uploaded import clear_orphans
from durhampulse.desk.outcomes.recording import record
from durhampulse.desk.store.tables import audit, creator, outcome, outcome_file
from tests.desk.sent import HEADER, RIGHT, choose, csv_of, send, settled, upload_of

WORDS = ("Yes", "No", "Yes", "perhaps", "", "No")
"""Of six creators, in rows 2 to 7 of the file: two deals, two without, a riddle, a blank."""
DAY = "2026-05-01"


def checked(who, desk, words=WORDS, **choices):
    """Bring a list with outcomes, and check it; give its page."""
    rows = [f"INF-100{3 + i},5000,70,0.05,0.01,Tech,HD,2000,{word}" for i, word in enumerate(words)]
    where = send(who, csv_of(rows, HEADER + ",Sponsorship_Status"))
    choose(who, where, **RIGHT, **choices)
    choose(who, where, "check")
    row = settled(desk, where)
    assert row.state == "checked", row.problem
    return where


def confirmed(who, desk, where, **sent):
    """Confirm a checked list as its page has it; give the page that comes."""
    form = {"csrf": who.csrf, "unlike": "true", **sent}
    answer = who.post(f"{where}/confirm", data=form)
    assert answer.status_code == 303, answer.text
    assert settled(desk, where).state == "done"
    return who.get(where).text


def recorded(desk):
    """Return creator to the outcome that stands and its day."""
    o = outcome.c
    with desk.store.reading() as db:
        rows = db.execute(
            select(creator.c.external_id, o.deal, o.on)
            .join(creator, creator.c.id == o.creator_id)
            .where(o.replaced_at.is_(None))
        )
        return {name: (deal, on.isoformat()) for name, deal, on in rows}


def ticks(page):
    """Return how the box that asks for the outcomes stands, wherever the page has it."""
    return re.findall(
        r'<input type="checkbox" name="outcomes" value="true" form="confirm"([^>]*)>', page
    )


def waiting(desk):
    with desk.store.reading() as db:
        return db.execute(select(outcome_file)).all()


def test_checked_import_says_which_outcomes_its_file_holds(visit, desk):
    ann = visit("reviewer")
    page = ann.get(checked(ann, desk)).text
    text = re.sub(r"<[^>]+>", "", page)
    assert "2 got a deal, 2 did not; 1 cell says neither (row 5)." in text
    assert "Then show me what its 4 outcomes would record" in text
    assert ticks(page) == [""]  # off unless somebody ticks it


def test_checked_import_says_how_many_outcomes_contradict_what_is_known(visit, desk):
    ann = visit("reviewer")
    with desk.store.reading() as db:
        numbers = dict(db.execute(select(creator.c.external_id, creator.c.id)).all())
    for name, deal in (("INF-1003", False), ("INF-1004", False), ("INF-1008", True)):
        record(desk.store, numbers[name], deal=deal, on=date(2026, 4, 1), by="ann")
    text = re.sub(r"<[^>]+>", "", ann.get(checked(ann, desk)).text)
    assert "2 got a deal, 2 did not; 2 are other than recorded so far; 1 cell says neither" in text


def test_outcomes_left_alone_leave_no_file(visit, desk):
    ann = visit("reviewer")
    where = checked(ann, desk)
    page = confirmed(ann, desk, where)
    assert "The import left them alone" in page
    assert (recorded(desk), waiting(desk)) == ({}, [])
    assert not Path(upload_of(desk, where).path).exists()


def test_outcomes_asked_for_are_recorded_by_a_second_press_alone(visit, desk):
    ann = visit("reviewer")
    where = checked(ann, desk)
    page = confirmed(ann, desk, where, outcomes="true", on=DAY)
    link = re.search(r'href="(/outcomes/files/\d+)"', page)[1]
    shown = ann.get(link).text
    assert "Record 4 outcomes" in shown
    assert "&#39;perhaps&#39; is neither a deal nor none" in shown
    assert recorded(desk) == {}
    path = Path(upload_of(desk, where).path)
    clear_orphans(desk.store, path.parent)
    assert path.exists()

    ann.post(f"{link}/record", data={"csrf": ann.csrf})
    assert recorded(desk) == {
        "INF-1003": (True, DAY), "INF-1004": (False, DAY), "INF-1005": (True, DAY),
        "INF-1008": (False, DAY),
    }  # fmt: skip
    assert not path.exists()
    assert link not in ann.get(where).text
    with desk.store.reading() as db:
        acts = db.scalars(select(audit.c.act).where(audit.c.who == ann.who)).all()
    assert {"import confirmed", "outcomes uploaded", "outcomes recorded"} <= {*acts}


def test_outcomes_are_read_by_the_choices_of_the_import(visit, desk):
    ann = visit("reviewer")
    words = {"deal_is": "Booked", "no_deal_is": "Passed"}
    where = checked(ann, desk, ("Booked", "Passed", "Thinking"), **words)
    page = confirmed(ann, desk, where, outcomes="true", on=DAY)
    link = re.search(r'href="(/outcomes/files/\d+)"', page)[1]
    ann.post(f"{link}/record", data={"csrf": ann.csrf})
    assert recorded(desk) == {"INF-1003": (True, DAY), "INF-1004": (False, DAY)}


def test_outcomes_that_are_not_understood_are_not_offered(visit, desk):
    ann = visit("reviewer")
    where = checked(ann, desk, ("Thinking", "Perhaps", "Yes"))
    page = ann.get(where).text
    assert ticks(page) == []
    assert "is called under" in page
    form = {"csrf": ann.csrf, "unlike": "true", "outcomes": "true", "on": DAY}
    answer = ann.post(f"{where}/confirm", data=form)
    assert answer.status_code == 422
    assert "cannot be taken over" in answer.text
    assert upload_of(desk, where).state == "checked"


@pytest.mark.parametrize("on", ["soon", "2999-01-01"])
def test_wrong_day_of_outcomes_comes_back_at_its_field(visit, desk, on):
    ann = visit("reviewer")
    where = checked(ann, desk)
    form = {"csrf": ann.csrf, "unlike": "true", "outcomes": "true", "on": on}
    answer = ann.post(f"{where}/confirm", data=form)
    assert answer.status_code == 422
    assert re.search(r'<input[^>]*name="on"[^>]*aria-invalid="true"', answer.text)
    assert ticks(answer.text) == [" checked"]
    assert upload_of(desk, where).state == "checked"


def test_import_that_fails_leaves_no_outcomes_either(visit, desk, monkeypatch):
    """They begin to wait in the transaction that puts the list in place."""
    ann = visit("reviewer")
    where = checked(ann, desk)

    def stop(*_, **__):
        raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr(intake, "remember", stop)
        form = {"csrf": ann.csrf, "unlike": "true", "outcomes": "true", "on": DAY}
        ann.post(f"{where}/confirm", data=form)
        row = settled(desk, where)
    assert (row.state, waiting(desk)) == ("checked", [])
    assert Path(row.path).exists()
    confirmed(ann, desk, where, outcomes="true", on=DAY)
    assert [file.path for file in waiting(desk)] == [row.path]


def test_file_of_outcomes_that_cannot_be_read_can_be_discarded(visit, desk):
    ann = visit("reviewer")
    confirmed(ann, desk, where := checked(ann, desk), outcomes="true", on=DAY)
    Path(upload_of(desk, where).path).write_bytes(b"")
    link = f"/outcomes/files/{waiting(desk)[0].id}"
    page = ann.get(link)
    assert page.status_code == 422
    assert f'action="{link}/drop"' in page.text
    ann.post(f"{link}/drop", data={"csrf": ann.csrf})
    assert waiting(desk) == []


def test_viewers_see_the_counts_and_no_way_to_record(visit, desk):
    ann, vic = visit("reviewer"), visit("viewer")
    where = checked(ann, desk)
    assert f'action="{where}/confirm"' not in vic.get(where).text
    form = {"csrf": vic.csrf, "outcomes": "true", "on": DAY}
    assert vic.post(f"{where}/confirm", data=form).status_code == 403
    confirmed(ann, desk, where, outcomes="true", on=DAY)
    page = vic.get(where).text
    assert "None is recorded yet" in page
    assert "/outcomes/files/" not in page


def test_outcomes_of_a_file_too_large_to_be_read_whole_are_counted_and_not_offered():
    parts = [{"deals": 3, "none": 4, "other": 2, "unclear": 1, "unclear_rows": [9]},
             {"deals": 1, "none": 0, "other": 1, "unclear": 1, "unclear_rows": [5_002]}]  # fmt: skip
    column = LabelColumn(header="Won", rule=None)
    held = column.summary(parts, n_bytes=64 << 20)
    assert held == {"header": "Won", "deals": 4, "none": 4, "other": 3, "unclear": 2,
                    "unclear_rows": [9, 5_002], "small": True, "offered": True}  # fmt: skip
    above = column.summary(parts, n_bytes=(64 << 20) + 1)
    assert above == {**held, "small": False, "offered": False}


def test_page_of_a_file_that_is_gone_records_no_other(visit, desk):
    """Two people: the one looks at a file, which the other discards, and brings another."""
    ann, bea = visit("reviewer"), visit("admin")
    places = []
    for deal in (0, 1):
        file = {"file": ("won.csv", f"id,deal\nINF-1003,{deal}\n".encode())}
        sent = bea.post("/outcomes", data={"csrf": bea.csrf, "on": DAY}, files=file)
        places.append(sent.headers["location"])
        if not deal:
            assert ann.get(places[0]).status_code == 200
            bea.post(f"{places[0]}/drop", data={"csrf": bea.csrf})
    answer = ann.post(f"{places[0]}/record", data={"csrf": ann.csrf})
    assert answer.status_code == 404
    assert recorded(desk) == {}
    assert [row.id for row in waiting(desk)] == [int(places[1].rpartition("/")[2])]
