"""The trend of a score: never across two models, and the same on every page and in the export."""

from __future__ import annotations

import io
import re

import openpyxl
import pytest
from sqlalchemy import delete, event, insert, select, update

from durhampulse.desk.shortlist.trend import Trend, trends
from durhampulse.desk.store import clock
from durhampulse.desk.store.tables import creator, model, model_file, run, score
from durhampulse.scoring.record import UNLIKE_BIT


def scored(db, number, version, *values, applied=True, flags=0):
    """Add a run by a model with a score of one creator: probability, low and high end."""
    now = clock.now()
    if db.scalar(select(model.c.version).where(model.c.version == version)) is None:
        added = {"name": version, "origin": "test", "added_at": now, "added_by": "test"}
        db.execute(insert(model).values(version=version, **added))
        file = {"name": "manifest.json", "content": b"{}"}
        db.execute(insert(model_file).values(version=version, **file))
    made = {"kind": "import", "model_version": version, "by": "test", "at": now}
    values = values or (None, None, None)
    numbers = dict(zip(("probability", "low", "high"), values, strict=True))
    [run_id] = db.execute(insert(run).values(**made, applied_at=now if applied else None)
                          .returning(run.c.id)).one()  # fmt: skip
    db.execute(insert(score).values(creator_id=number, run_id=run_id, flags=flags, **numbers))
    if applied:
        latest = {**numbers, "flags": flags, "run_id": run_id}
        db.execute(update(creator).where(creator.c.id == number).values(**latest))


def trend_of(store, number, version="a"):
    with store.reading() as db:
        return trends(db, version, [number]).get(number)


@pytest.mark.parametrize(
    ("before", "low", "high", "now", "expected"),
    [
        (0.61, 0.45, 0.75, 0.66, "rising"),  # 5 points, within the range before
        (0.83, 0.70, 0.92, 0.78, "falling"),
        (0.61, 0.45, 0.75, 0.65, "steady"),
        (0.61, 0.45, 0.75, 0.61, "steady"),
        (0.97, 0.95, 0.99, 0.94, "falling"),  # 3 points, out of the range before
        (0.02, 0.00, 0.04, 0.05, "rising"),
        (0.02, 0.00, 0.04, 0.039, "steady"),
        (0.005, 0.0, 0.006, 0.009, "steady"),  # out of it, but no figure of a page shows it
    ],
)
def test_change_is_named_from_five_points_on_or_out_of_the_likely_range(
    before, low, high, now, expected
):
    assert Trend.between(before, low, high, now) == Trend(expected, before)


def test_trend_is_since_the_score_before_of_the_same_model(filled):
    with filled.writing() as db:
        scored(db, 3, "a", 0.30, 0.20, 0.40)
        scored(db, 3, "a", 0.50, 0.40, 0.60)
        scored(db, 3, "b", 0.90, 0.80, 0.95)
    assert trend_of(filled, 3, "b") == Trend("another model before", None)
    with filled.writing() as db:
        scored(db, 3, "a", 0.70, 0.60, 0.80)
    assert trend_of(filled, 3) == Trend("rising", 0.50)


def test_scores_that_are_no_numbers_or_were_never_in_place_are_no_ground(filled):
    with filled.writing() as db:
        scored(db, 3, "a", 0.30, 0.20, 0.40)
        scored(db, 3, "a", 0.90, 0.80, 0.95, applied=False)
        scored(db, 4, "a", 0.30, 0.20, 0.40, flags=UNLIKE_BIT)
        scored(db, 4, "a", 0.50, 0.40, 0.60)
        scored(db, 5, "a", 0.30, 0.20, 0.40)
        scored(db, 5, "a")
    assert trend_of(filled, 3) == Trend("another model before", None)  # the demo's own
    assert trend_of(filled, 4) is None
    assert trend_of(filled, 5) is None
    assert trend_of(filled, 6) is None  # scored once


def test_a_page_of_trends_is_one_query(filled):
    asked = []
    with filled.reading() as db:
        numbers = db.scalars(select(creator.c.id).limit(50)).all()
        event.listen(db, "before_cursor_execute", lambda *call: asked.append(call[2]))
        trends(db, "a", numbers)
    assert (len(numbers), len(asked)) == (50, 1)


def test_trend_stands_on_every_page_of_a_creator_and_in_exports(visit, desk):
    with desk.store.writing() as db:
        version = desk.catalogue.current(db).version
        figures = db.execute(select(creator).where(creator.c.id == 3)).one()
        scored(db, 3, version, figures.probability, figures.low, figures.high)
        before = figures.probability + (-0.2 if figures.probability > 0.5 else 0.2)
        db.execute(update(score).where(score.c.creator_id == 3, score.c.run_id == figures.run_id)
                   .values(probability=before, low=before - 0.1, high=before + 0.1))  # fmt: skip
    word = "rising" if before < figures.probability else "falling"
    words = f"{word} from {int(100 * before + 1e-9)}%"
    ann, name = visit("reviewer"), figures.external_id
    pages = (f"/shortlist?search={name}", "/creators/3", "/creators/3/panel")
    for page in pages:
        text = re.sub(r"<[^>]+>", "", ann.get(page).text)
        assert words in text, page
    content = ann.get(f"/shortlist/export/xlsx?search={name}").content
    heads, row = openpyxl.load_workbook(io.BytesIO(content))["Decisions"].iter_rows(
        values_only=True
    )
    assert dict(zip(heads, row, strict=True))["Trend"] == words


def test_page_says_that_another_model_scored_before_and_no_difference(visit, desk):
    with desk.store.writing() as db:
        version = desk.catalogue.current(db).version
        figures = db.execute(select(creator).where(creator.c.id == 3)).one()
        db.execute(delete(score).where(score.c.creator_id == 3))
        scored(db, 3, "b", 0.01, 0.0, 0.02)
        scored(db, 3, version, figures.probability, figures.low, figures.high)
    ann = visit("reviewer")
    text = re.sub(r"<[^>]+>", "", ann.get("/creators/3").text)
    assert text.count(", another model before") == 2  # beside the answer, and in the history
    assert not re.search("rising|falling|steady|, was ", text)
    row = ann.get(f"/shortlist?search={figures.external_id}").text
    assert 'class="trend' not in row
