"""Notes on a creator without a decision: kept, shown, deleted by their writer, and erased."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import openpyxl
import pytest
from sqlalchemy import select

from durhampulse.desk.people.erasure import erase, everything_about
from durhampulse.desk.review.decisions import REASONS
from durhampulse.desk.review.remarks import add_remark, delete_remark, remarks_of
from durhampulse.desk.store.tables import audit, creator, remark
from durhampulse.exceptions import InputError


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
