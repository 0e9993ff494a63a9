"""Notes on a creator without a decision: kept, shown, deleted by their writer, and erased."""

from __future__ import annotations

import io
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import openpyxl
import pytest
from sqlalchemy import select
from sqlalchemy import text as statement

from durhampulse.desk.people.erasure import erase, everything_about
from durhampulse.desk.review.decisions import REASONS
from durhampulse.desk.review.remarks import (
    add_remark,
    delete_remark,
    named_in,
    remarks_of,
)
from durhampulse.desk.store import clock
from durhampulse.desk.store.tables import audit, claim, creator, mention, person, remark
from durhampulse.exceptions import InputError
from tests.desk.versions import newest_store, older_store


def test_a_note_is_shown_on_every_page_of_a_creator_and_erased_with_them(visit, desk):
    ann = visit("reviewer")
    with desk.store.reading() as db:
        name = db.scalar(select(creator.c.external_id).where(creator.c.id == 3))
    for text in ("Asked for a rate card", "<b>Answers</b> on Mondays"):
        sent = {"csrf": ann.csrf, "text": text}
        assert ann.post("/creators/3/remark", data=sent).headers["location"] == "/creators/3"
    page = ann.get("/creators/3").text
    assert page.index("&lt;b&gt;Answers") < page.index("Asked for a rate card")
    listed = ann.get(f"/shortlist?search={name}").text
    assert "&lt;b&gt;Answers&lt;/b&gt; on Mondays" in listed
    assert "Asked for" not in listed
    with desk.store.reading() as db:
        assert [row["by"] for row in everything_about(db, name)["remark"]] == [ann.who, ann.who]
        acts = db.execute(select(audit).where(audit.c.subject == "creator 3")).all()
    assert [row.act for row in acts] == ["note written", "note written"]
    assert "rate card" not in str(acts)
    erase(desk.store, name, "ada")
    with desk.store.reading() as db:
        assert db.execute(select(remark)).all() == []


def test_only_its_writer_deletes_a_note(filled):
    add_remark(filled, 3, "Asked for a rate card", "ann")
    with filled.reading() as db:
        (row,) = remarks_of(db, 3)
    for number, who in ((3, "bob"), (4, "ann")):
        with pytest.raises(InputError, match="not yours"):
            delete_remark(filled, row.id, number, who)
    delete_remark(filled, row.id, 3, "ann")
    with filled.reading() as db:
        assert remarks_of(db, 3) == []


def test_number_of_a_deleted_note_is_not_given_again(filled):
    """Or a page of before would mark another note as seen, by a press on what it shows."""
    first = add_remark(filled, 3, "Answer them", "ann").id
    delete_remark(filled, first, 3, "ann")
    assert add_remark(filled, 3, "Call them today", "ann").id != first


@pytest.mark.parametrize("text", ["", "  \n", "x" * 2001])
def test_a_note_has_some_words(filled, text):
    with pytest.raises(InputError, match="note"):
        add_remark(filled, 3, text, "ann")


def test_a_note_needs_a_creator(filled):
    with pytest.raises(InputError, match="no such creator"):
        add_remark(filled, 999_999, "Hello", "ann")


def test_the_search_stands_on_every_page(visit):
    for path in ("/shortlist", "/creators/3", "/queue", "/imports", "/campaigns", "/model"):
        assert 'role="search"' in visit("reviewer").get(path).text


def test_a_workbook_says_all_that_people_know_of_a_creator(visit, desk):
    ann = visit("reviewer")
    values = {"fee": 900.0, "currency": "EUR", "deal": True, "growth_rate": 0.02}
    with desk.store.writing() as db:
        db.execute(creator.update().where(creator.c.id == 3).values(**values))
        name = db.scalar(select(creator.c.external_id).where(creator.c.id == 3))
    add_remark(desk.store, 3, "Asked for a rate card", "ann")
    made = {"csrf": ann.csrf, "decision": "approve", "reason": REASONS[0], "note": "Good fit",
            "request_name": "a" * 12, "seen": "0"}  # fmt: skip
    assert ann.post("/creators/3/decide", data=made).status_code == 303
    before = datetime.now(UTC)
    answer = ann.get(f"/shortlist/export/xlsx?state=approved&search={name}")
    file_names = {
        f'attachment; filename="shortlist-approved-search-{day:%Y-%m-%d}.xlsx"'
        for day in (before, datetime.now(UTC))  # midnight may be between them
    }
    assert answer.headers["content-disposition"] in file_names
    sheet = openpyxl.load_workbook(io.BytesIO(answer.content))["Decisions"]
    heads, row = ([cell.value for cell in cells] for cells in sheet.iter_rows())
    cells = dict(zip(heads, row, strict=True))
    expected = {
        "Review": "approved", "Reviewer": ann.who, "Reason": REASONS[0], "Review Note": "Good fit",
        "Latest Note": "Asked for a rate card", "Outcome": "deal", "Growth Rate": 0.02,
        "Fee Amount": 900, "Fee Currency": "EUR",
    }  # fmt: skip
    assert {head: cells[head] for head in expected} == expected
    formats = dict(zip(heads, [cell.number_format for cell in sheet[2]], strict=True))
    # Scores are cut to four digits: one digit less would show 79.99% as 80%, which is a Yes.
    assert (formats["Predicted Sponsorship"], formats["Growth Rate"]) == ("0.00%", "0.0%")
    assert sheet.auto_filter.ref


def named(client, text):
    return client.post("/creators/3/remark", data={"csrf": client.csrf, "text": text})


def test_whom_a_note_names_finds_it_under_today_until_seen(visit, desk):
    ann, bob, eva = visit("reviewer"), visit("reviewer"), visit("admin")
    named(ann, f"@{bob.who} <i>more</i>, or @{bob.who.upper()}? @nobody of the desk")
    notice = ann.get("/creators/3").text
    assert f"Your note is kept. {bob.who} finds it under Today." in notice
    assert f"<strong>@{bob.who}</strong> &lt;i&gt;more&lt;/i&gt;" in notice
    page = bob.get("/today").text
    assert "<b>1</b> note to you" in page
    assert "&lt;i&gt;more&lt;/i&gt;" in page
    for other in (ann, eva):
        assert "&lt;i&gt;more" not in other.get("/today").text
    (number,) = re.findall(r'name="note" value="([0-9]+)"', page)
    sent = {"csrf": bob.csrf, "note": number}
    assert ann.post("/today/seen", data={**sent, "csrf": ann.csrf}).status_code == 422  # not hers
    assert bob.post("/today/seen", data=sent).headers["location"] == "/today"
    after = bob.get("/today").text
    assert "&lt;i&gt;more" not in after
    assert f'action="/today/unseen?note={number}"' in after
    bob.post(f"/today/unseen?note={number}", data={"csrf": bob.csrf})
    assert "&lt;i&gt;more" in bob.get("/today").text
    named(bob, "Done")  # an answer
    assert "&lt;i&gt;more" not in bob.get("/today").text


def test_who_cannot_look_or_writes_is_not_named(visit, desk):
    ann, viewer, gone = visit("reviewer"), visit("viewer"), visit("reviewer")
    with desk.store.writing() as db:
        db.execute(person.update().where(person.c.name == gone.who).values(active=False))
    text = f"@{ann.who} @{viewer.who} @{gone.who} x@{ann.who}"
    assert add_remark(desk.store, 3, text, ann.who).names == ()


def test_the_longest_name_is_meant_and_letters_may_differ():
    people = ["Ann", "Ann Lee", "Özlem (PR)", "\u0645\u064a\u0627"]
    text = "@ann\n lee, @ANN! @\u0645\u064a\u0627: ask @özlem (pr). x@Ann @Anna @@Ann @Ann_"
    assert named_in(text, people) == ["Ann Lee", "Ann", "\u0645\u064a\u0627", "Özlem (PR)"]
    assert named_in("@ann", []) == []


def test_a_note_goes_with_those_it_names(visit, desk):
    ann, bob = visit("reviewer"), visit("reviewer")
    kept = add_remark(desk.store, 3, f"@{bob.who} look", ann.who)
    add_remark(desk.store, 4, f"@{bob.who} look again", ann.who)
    delete_remark(desk.store, kept.id, 3, ann.who)
    with desk.store.reading() as db:
        assert db.scalars(select(mention.c.creator_id)).all() == [4]
        name = db.scalar(select(creator.c.external_id).where(creator.c.id == 4))
    assert erase(desk.store, name, "ada")["rows"]["mention"] == 1


def test_mentions_of_whom_somebody_judges_unseen_wait(visit, desk):
    ann, bob = visit("reviewer"), visit("reviewer")
    add_remark(desk.store, 3, f"@{bob.who} I say no", ann.who)
    with desk.store.writing() as db:
        db.execute(creator.update().where(creator.c.id == 3).values(lottery=0.5))
        number = db.scalar(select(person.c.id).where(person.c.name == bob.who))
        until = clock.now() + timedelta(minutes=9)
        row = {"creator_id": 3, "person_id": number, "why": "maybe", "expires_at": until}
        db.execute(claim.insert().values(row))
    page = bob.get("/today").text
    assert "I say no" not in page
    assert "1 more waits until you have decided" in page


def test_migration_keeps_notes_and_makes_room_for_whom_they_name(store_url):
    with older_store("0039", store_url) as db:
        db.execute(statement("INSERT INTO creator (id, external_id, flags, lottery, state, run_id)"
                        " VALUES (1, 'a', 0, 0.5, 'open', 1)"))  # fmt: skip
        db.execute(statement("INSERT INTO remark (creator_id, text, by, at)"
                        " VALUES (1, 'Hello @Ann', 'bob', '2026-01-01')"))  # fmt: skip
    with newest_store(store_url) as db:
        (kept,) = remarks_of(db, 1)
        assert (kept.text, kept.names) == ("Hello @Ann", ())  # who was named then saw it or not


def test_note_that_a_program_sends_twice_at_a_time_is_kept_once(filled):
    def send(_):
        return add_remark(filled, 1, "Asks for a rate.", "Ann", through="crm")

    with ThreadPoolExecutor(4) as pool:
        kept = [*pool.map(send, range(8))]
    assert len({note.id for note in kept}) == 1
    assert sum(note.new for note in kept) == 1
