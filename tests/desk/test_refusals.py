"""Why rows of an import were refused, as its page says it."""

from __future__ import annotations

import re

from sqlalchemy import func

from durhampulse.desk.imports.refusals import Refused, reasons_of
from durhampulse.desk.store.tables import refused, upload
from tests.desk.conftest import bring
from tests.desk.lists import ROW, write_list


def refuse(store, *reasons):
    """Refuse a row of the first upload for each reason instead of its own, from row 2 on."""
    with store.writing() as db:
        number = db.scalar(upload.select().with_only_columns(func.min(upload.c.id)))
        db.execute(refused.delete().where(refused.c.upload_id == number))
        for row, reason in enumerate(reasons, 2):
            values = {"upload_id": number, "row": row, "external_id": "x", "reason": reason}
            db.execute(refused.insert().values(**values))
        return reasons_of(db, number)


def test_page_says_each_reason_once_with_its_first_rows(visit, filled, catalogue, tmp_path):
    """On a phone one reason stood there twenty times, row by row."""
    wrong = [f"b{i},-5,0.05,0.01,Tech,HD,1" for i in range(20)]
    rows = [ROW.format("a"), *wrong, ROW.format("a"), ROW.format("c"), ROW.format("c"), "d,1,2"]
    row = bring(filled, catalogue, write_list(tmp_path, *rows), confirm=False)
    page = visit("reviewer").get(f"/imports/{row.id}").text
    section = page.split('<h2 id="refused">')[1].split("</section>")[0]
    assert re.findall(r"<li[^>]*>(.*?)</li>", section) == [
        "Followers cannot be -5: 20 rows (3, 4, 5 …)",
        "The creator stands in an earlier row already: 2 rows (23, 25)",
        "3 cells where the header has 7: row 26",
    ]
    assert f'href="/imports/{row.id}/refused"' in section


def test_reasons_beyond_ten_are_counted_together(filled):
    reasons = [f"Followers cannot be -{i}" for i in range(13)]
    counted = refuse(filled, *reasons, reasons[12])
    assert counted[0] == Refused(reasons[12], 2, (14, 15))
    assert [reason.reason for reason in counted[1:10]] == reasons[:9]
    assert counted[10:] == [Refused("other reasons", 3, ())]


def test_upload_without_refusals_has_no_reasons(filled, catalogue, tmp_path):
    bring(filled, catalogue, write_list(tmp_path, "b,-5,0.05,0.01,Tech,HD,1"), confirm=False)
    assert refuse(filled) == []
