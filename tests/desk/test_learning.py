"""Outcomes, campaigns and a creator's rights."""

from __future__ import annotations

import threading
import time
from datetime import UTC, date, datetime, timedelta

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import func, select, update

from durhampulse.creators.options import ReadOptions
from durhampulse.creators.reading import read_creators
from durhampulse.desk.models.catalogue import activate
from durhampulse.desk.outcomes.byfile import OutcomeSource, preview_of, record_all
from durhampulse.desk.outcomes.file import RefusedRow, read_outcomes
from durhampulse.desk.outcomes.recording import (
    bands_since,
    insert_outcomes,
    outcome_table,
    override_table,
    record,
    withdraw,
)
from durhampulse.desk.outcomes.retraining import add_retrained, write_lessons
from durhampulse.desk.people.erasure import erase, everything_about, sweep
from durhampulse.desk.review.decisions import decide
from durhampulse.desk.review.undoing import latest, undo
from durhampulse.desk.store import clock
from durhampulse.desk.store.niches import count_niches, read_niches
from durhampulse.desk.store.tables import audit, creator, metadata, outcome, refused, run, upload
from durhampulse.exceptions import InputError
from durhampulse.files.export import write_csv
from tests.desk.conftest import DEMO, add_people, bring
from tests.desk.decisions import decision_of
from tests.desk.lists import ROW, write_list

DAY = date(2026, 1, 31)


def source_of(path, **more):
    return OutcomeSource(path=path, name=path.name, on=DAY, **more)


def recorded_from(store, source):
    return record_all(store, source.name, source.read(store), "ann")


def numbers(store):
    with store.reading() as db:
        return {row.external_id: row for row in db.execute(select(creator))}


def test_new_outcome_replaces_the_current_one(filled):
    record(filled, 3, deal=True, on=DAY, by="ann")
    record(filled, 3, deal=True, on=DAY, by="ann")
    record(filled, 3, deal=False, on=DAY, by="bob")
    with filled.reading() as db:
        rows = db.execute(select(outcome).order_by(outcome.c.id)).all()
        table = outcome_table(db)
    assert [(row.deal, row.replaced_at is None) for row in rows] == [(True, False), (False, True)]
    assert table["Sponsorship_Status"].tolist() == [0]
    known = next(row for row in numbers(filled).values() if row.id == 3)
    assert table["Influencer_ID"].tolist() == [known.external_id]
    assert table["Followers"].tolist() == [known.followers]
    assert known.deal is False
    assert rows[1].probability == known.probability


def test_outcome_can_be_withdrawn(filled):
    record(filled, 3, deal=True, on=DAY, by="ann")
    withdraw(filled, 3, "bob")
    with filled.reading() as db:
        assert outcome_table(db).empty
        assert db.scalar(select(creator.c.deal).where(creator.c.id == 3)) is None
        rows = db.execute(select(outcome)).all()
        assert "outcome withdrawn" in db.scalars(select(audit.c.act)).all()
    assert [(row.deal, row.replaced_at is None) for row in rows] == [(True, False)]
    with pytest.raises(InputError, match="No outcome"):
        withdraw(filled, 3, "bob")
    record(filled, 3, deal=True, on=DAY, by="ann")
    with filled.reading() as db:
        assert len(outcome_table(db)) == 1


def test_outcome_is_withdrawn_and_recorded_at_once_without_a_deadlock(filled):
    """Recording locks the creator, then the outcome; withdrawing must not hold the outcome first."""
    if filled.is_sqlite:
        pytest.skip("SQLite's writers take turns: there are no row locks")
    record(filled, 3, deal=True, on=DAY, by="ann")
    errors = []

    def withdraw_it():
        try:
            withdraw(filled, 3, "bob")
        except Exception as error:  # noqa: BLE001 - shown by the assertion
            errors.append(error)

    other = threading.Thread(target=withdraw_it)
    with filled.writing() as db:
        db.exec_driver_sql("SET LOCAL lock_timeout = '20s'")
        db.execute(select(creator.c.id).where(creator.c.id == 3).with_for_update())
        own = db.scalar(select(func.pg_backend_pid()))
        other.start()
        wait_until_blocked(filled, own)
        insert_outcomes(db, [(3, False, DAY)], "ann")
    other.join(60)
    assert errors == []
    with filled.reading() as db:
        rows = db.execute(
            select(outcome.c.deal, outcome.c.replaced_at).order_by(outcome.c.id)
        ).all()
        assert db.scalar(select(creator.c.deal).where(creator.c.id == 3)) is None
    assert [(row.deal, row.replaced_at is None) for row in rows] == [(True, False), (False, False)]


def wait_until_blocked(store, holder):
    """Wait until another connection waits for a lock that a PostgreSQL's process holds."""
    blocked = "SELECT count(*) FROM pg_stat_activity WHERE %(own)s = ANY(pg_blocking_pids(pid))"
    ends = time.monotonic() + 30
    while time.monotonic() < ends:
        with store.reading() as db:
            if db.exec_driver_sql(blocked, {"own": holder}).scalar():
                return
        time.sleep(0.02)
    raise TimeoutError("nobody waits")


@pytest.mark.parametrize("day", [date(1999, 1, 1), date.max, clock.today() + timedelta(days=2)])
def test_outcome_date_must_be_in_the_past(filled, day):
    with pytest.raises(InputError, match="that day"):
        record(filled, 3, deal=True, on=day, by="ann")
    with pytest.raises(InputError, match="no such creator"):
        record(filled, 99_999, deal=True, on=DAY, by="ann")


def test_outcome_file_is_recorded_and_checked(filled, tmp_path):
    path = tmp_path / "outcomes.csv"
    path.write_text("id,deal\nINF-1003,Yes\n INF-1004 ,0\nINF-1005,\nnobody,1\nINF-1003,1\n")
    recorded = recorded_from(filled, source_of(path))
    assert (recorded.kept, recorded.unknown, recorded.n_unknown, recorded.n_blank) == (
        2,
        ["nobody"],
        1,
        1,
    )
    assert recorded_from(filled, source_of(path)).kept == 0
    for text, words in (
        ("id,deal\nINF-1003,maybe\n", "row 2: 'maybe' is neither"),
        ("id,Followers\nINF-1003,5\n", "no Sponsorship_Status"),
    ):
        path.write_text(text)
        with pytest.raises(InputError, match=words):
            recorded_from(filled, source_of(path))


def test_a_bad_row_of_outcomes_is_refused_alone(filled, tmp_path):
    path = tmp_path / "outcomes.csv"
    rows = ["INF-1003,1,2025-12-31", "INF-1004,maybe,2025-12-31", "INF-1005,0,31.12.25",
            "INF-1006,1,2999-01-01", "INF-1007,1,", "INF-1007,0,", "INF-1008,0,2025",
            "INF-1009,,", "INF-1010,0,", "INF-1011,1,"]  # fmt: skip
    path.write_text("\n".join(["id,deal,date", *rows]))
    seen = preview_of(filled, source_of(path).read(filled))
    assert (seen.new, seen.changed, seen.same, seen.n_unknown, seen.n_blank) == (3, 0, 0, 0, 1)
    assert seen.refused == [
        RefusedRow(3, "'maybe' is neither a deal nor none"),
        RefusedRow(4, "'31.12.25' is no day such as 2026-05-31"),
        RefusedRow(5, "an outcome cannot be of 2999-01-01"),
        RefusedRow(6, "'INF-1007' has a deal in one row and none in another"),
        RefusedRow(7, "'INF-1007' has a deal in one row and none in another"),
        RefusedRow(8, "'2025' is no day such as 2026-05-31"),
    ]
    recorded = recorded_from(filled, source_of(path))
    assert (recorded.kept, recorded.refused) == (3, seen.refused)
    path.write_text("id,deal,date\nINF-1003,1,2025-12-31\nINF-1010,1,\nINF-1012,1,\nX,1,\n")
    seen = preview_of(filled, source_of(path).read(filled))
    assert (seen.new, seen.changed, seen.same, seen.unknown) == (1, 1, 1, ["X"])


def test_outcome_file_with_a_date_column(filled, tmp_path):
    path = tmp_path / "outcomes.csv"
    path.write_text("id,deal,Outcome date\nINF-1003,1,2025-12-31\nINF-1004,0,\n")
    assert recorded_from(filled, source_of(path)).kept == 2
    with filled.reading() as db:
        kept = db.execute(select(outcome.c.deal, outcome.c.on).order_by(outcome.c.deal)).all()
    assert kept == [(False, DAY), (True, date(2025, 12, 31))]


def read(tmp_path, header, row):
    path = tmp_path / "outcomes.csv"
    path.write_text(f"{header}\n{row}\n")
    return read_outcomes(path, name="outcomes.csv", on=DAY).outcomes


def test_outcomes_are_of_the_columns_of_exactly_their_names(tmp_path):
    header = "Influencer_ID,Influencer Id,Sponsorship_Status,Date,Outcome_Date"
    day = date(2026, 2, 1)
    assert read(tmp_path, header, "a,b,1,2026-01-01,2026-02-01") == {"a": (True, day)}


@pytest.mark.parametrize(
    "header",
    [
        "influencer id,INFLUENCER ID,Sponsorship_Status",
        "Influencer_ID,sponsorship status,SPONSORSHIP STATUS",
    ],
)
def test_two_columns_that_may_be_the_same_one_are_refused(tmp_path, header):
    with pytest.raises(InputError, match="are all"):
        read(tmp_path, header, "a,1,0")


def test_small_parquet_of_too_many_rows_is_refused(filled, tmp_path):
    path = tmp_path / "endless.parquet"
    table = pa.table({"id": pa.array(["a"] * 1_000_001), "deal": pa.array([1] * 1_000_001)})
    pq.write_table(table, path)
    assert path.stat().st_size < 100_000
    with pytest.raises(InputError, match="more than 1,000,000 rows"):
        recorded_from(filled, source_of(path))


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        (["", ""], [DAY, DAY]),
        (["2026-01-02T23:30:00+02:00", "2026-01-03"], [date(2026, 1, 2), date(2026, 1, 3)]),
        (["2026-01-02 00:00:00", ""], [date(2026, 1, 2), DAY]),
    ],
)
def test_outcome_dates_may_be_missing_or_have_a_time(filled, tmp_path, days, expected):
    path = tmp_path / "outcomes.csv"
    rows = [f"INF-100{n},1,{day}\n" for n, day in zip((3, 4), days, strict=True)]
    path.write_text("Influencer_ID,Sponsorship_Status,Outcome_Date\n" + "".join(rows))
    assert recorded_from(filled, source_of(path)).kept == 2
    with filled.reading() as db:
        assert db.scalars(select(outcome.c.on).order_by(outcome.c.creator_id)).all() == expected


def stored_as(store, *names):
    """Store identifiers as they are, whatever their form; return their creators' numbers."""
    with store.writing() as db:
        for number, name in enumerate(names, start=3):
            row = update(creator).where(creator.c.id == number)
            db.execute(row.values(external_id=name))
    return dict(zip(names, range(3, 3 + len(names)), strict=True))


def test_outcomes_are_joined_by_a_handle_where_no_identifier_is_there(filled, tmp_path):
    """As an import takes the handle; the name, which may be anybody's, comes after it."""
    numbers = stored_as(filled, "@lena", "@kaja")
    path = tmp_path / "outcomes.csv"
    path.write_text("Name,Handle,deal\nLena,@lena,1\nKaja,@kaja,0\n")
    assert recorded_from(filled, source_of(path)).kept == 2
    with filled.reading() as db:
        kept = dict(db.execute(select(outcome.c.creator_id, outcome.c.deal)).all())
    assert kept == {numbers["@lena"]: True, numbers["@kaja"]: False}
    path.write_text("who,deal\n@lena,1\n")
    with pytest.raises(InputError, match="no Influencer_ID"):
        recorded_from(filled, source_of(path))


def test_outcomes_find_identifiers_in_any_form(filled, tmp_path):
    """A store from before the canonical form may hold 501.0, and 42 beside 42.0."""
    numbers = stored_as(filled, "42", "42.0", "501.0", "77", "@lena")
    path = tmp_path / "outcomes.csv"
    path.write_text("id,deal\n42.0,1\n501,1\n 77.00 ,0\n'@lena,1\n99.0,1\nn/a,1\n")
    recorded = recorded_from(filled, source_of(path))
    assert (recorded.kept, recorded.unknown, recorded.n_blank) == (4, ["99"], 1)
    with filled.reading() as db:
        kept = dict(db.execute(select(outcome.c.creator_id, outcome.c.deal)).all())
    assert kept == {
        numbers["42"]: True, numbers["501.0"]: True, numbers["77"]: False, numbers["@lena"]: True
    }  # fmt: skip


def test_two_forms_of_one_identifier_may_not_contradict_each_other(filled, tmp_path):
    stored_as(filled, "42")
    path = tmp_path / "outcomes.csv"
    path.write_text("id,deal\n42,1\n42.0,0\n")
    recorded = recorded_from(filled, source_of(path))
    reason = "'42' has a deal in one row and none in another"
    assert (recorded.kept, recorded.act) == (0, None)
    assert recorded.refused == [RefusedRow(2, reason), RefusedRow(3, reason)]


def test_outcomes_of_a_data_frame_with_a_missing_identifier(filled, tmp_path):
    """Pandas makes floats of integers as soon as one is missing."""
    stored_as(filled, "1001", "9007199254740993")
    ids = pa.array([1001.0, None])
    table = pa.table({"Influencer_ID": ids, "Sponsorship_Status": [1, 0]})
    pq.write_table(table, path := tmp_path / "outcomes.parquet")
    recorded = recorded_from(filled, source_of(path))
    assert (recorded.kept, recorded.n_blank) == (1, 1)


@pytest.mark.parametrize("asked", ["1002", "1002.0", " 1002 "])
def test_erasure_takes_every_stored_form_of_an_identifier(filled, asked):
    stored_as(filled, "1002", "1002.0", "1003")
    with filled.reading() as db:
        assert {row["external_id"] for row in everything_about(db, asked)["creator"]} == {
            "1002", "1002.0"
        }  # fmt: skip
    receipt = erase(filled, asked, "ann")
    assert receipt["rows"]["creator"] == 2
    with filled.reading() as db:
        assert db.scalars(select(creator.c.external_id).where(creator.c.id < 6)).all().count(
            "1003"
        )  # fmt: skip
        assert not {"1002", "1002.0"} & set(db.scalars(select(creator.c.external_id)))


def test_reviews_are_no_outcomes(filled, rules):
    (ann,) = add_people(filled, "reviewer")
    best = max(numbers(filled).values(), key=lambda row: row.probability)
    worst = min(numbers(filled).values(), key=lambda row: row.probability)
    for row, decision in ((best, "decline"), (worst, "approve")):
        decide(filled, row.id, ann, decision_of(decision), rules)
    with filled.reading() as db:
        assert outcome_table(db).empty
    record(filled, worst.id, deal=True, on=DAY, by="ann")
    with filled.reading() as db:
        table = override_table(db)
        since = bands_since(db, rules).set_index("band")
    assert table.to_dict("records") == [
        {"band": "Yes", "decision": "decline", "reviews": 1, "known": 0, "deals": 0},
        {"band": "No", "decision": "approve", "reviews": 1, "known": 1, "deals": 1},
    ]
    assert since["creators"].tolist() == [0, 0, 1]
    assert since.loc["No", "hit_rate"] == 1
    with filled.reading() as db:
        number = latest(db, ann).id
    undo(filled, ann, number)
    with filled.reading() as db:
        assert len(override_table(db)) == 1


def test_retraining_uses_recorded_outcomes(filled, tmp_path, model_folder, market_file):
    with pytest.raises(InputError, match="no outcome yet"):
        write_lessons(filled, str(market_file), tmp_path)
    rows = sorted(numbers(filled).values(), key=lambda row: row.external_id)[:120]
    for row in rows:
        record(filled, row.id, deal=row.probability > 0.5, on=DAY, by="ann")
    lessons = write_lessons(filled, str(market_file), tmp_path)
    original = read_creators(market_file)
    both = read_creators(lessons.path, units=lessons.units)
    assert both.source.simulated
    assert (lessons.original, lessons.outcomes) == (len(original.table), 120)
    assert len(both.table) == len(original.table) + 120
    ours = both.table.set_index(both.table["Influencer_ID"].astype("str"))
    for row in rows:
        assert ours.loc[row.external_id, "Sponsorship_Status"] == (row.probability > 0.5)
    named = original.table.replace({"Sponsorship_Status": {1.0: "Signed", 0.0: "Cold"}})
    named["Note"] = [*[""] * (len(named) - 1), "from\rafar"]
    mine = named.rename(columns={"Sponsorship_Status": "Stage"})
    mine.to_csv(tmp_path / "own.csv", index=False, lineterminator="\r\n")
    own = write_lessons(
        filled, str(tmp_path / "own.csv"), tmp_path, ReadOptions(deal_is=("Signed",))
    )
    assert own.original == lessons.original
    assert len(read_creators(own.path, units=own.units).table) == len(both.table)
    # The desk's model is of another study: all 120 outcomes are new to both.
    study = tmp_path / "study"
    study.mkdir()
    (study / "model").symlink_to(model_folder)
    with filled.writing() as db:  # a handle, as people call themselves
        handle = update(creator).where(creator.c.id == rows[0].id)
        db.execute(handle.values(external_id="@handle"))
    names = ["@handle", *(row.external_id for row in rows[1:60])]
    write_csv(pd.DataFrame({"Influencer ID": names}), study / "decisions.csv")
    compared = add_retrained(filled, study, "ann")["compared"]
    assert compared["rows"] == 60
    assert compared["low"] <= compared["difference"] <= compared["high"]
    assert compared["difference"] > 0  # the outcomes are what the desk's model said
    with filled.writing() as db:
        db.execute(update(outcome).values(at=datetime(2020, 1, 1, tzinfo=UTC)))
    assert add_retrained(filled, study, "ann")["compared"]["rows"] == 0


# A creator's rights


def everything_in(store):
    """Give all rows of all tables as one text."""
    with store.reading() as db:
        return "\n".join(
            str(row) for table in metadata.sorted_tables for row in db.execute(select(table))
        )


def test_erasure_leaves_no_trace_in_any_table(filled, rules):
    (ann,) = add_people(filled, "reviewer")
    row = numbers(filled)["INF-1003"]
    with filled.writing() as db:
        db.execute(update(creator).where(creator.c.id == row.id).values(niche="only theirs"))
        count_niches(db)
        assert "only theirs" in read_niches(db)
    decide(filled, row.id, ann, decision_of(note="their secret"), rules)
    record(filled, row.id, deal=True, on=DAY, by="ann")
    with filled.reading() as db:
        stored = everything_about(db, " INF-1003 ")
    assert {name: len(rows) for name, rows in stored.items()} == {
        "creator": 1, "score": 1, "search": 1, "replaced_creator": 0, "review": 1, "outcome": 1,
        "claim": 0, "remark": 0, "campaign_creator": 0, "proposal": 0, "list_creator": 0,
        "campaign_candidate": 0, "ownership": 0, "mention": 0, "deliverable": 0, "reminder": 0,
        "staged": 0, "refused": 0, "audit": 2, "room_card": 0, "opinion": 0, "delivery": 0,
    }  # fmt: skip
    assert stored["creator"][0]["external_id"] == "INF-1003"
    assert stored["review"][0]["reviewer"]
    assert "INF-1003" in everything_in(filled)
    receipt = erase(filled, "INF-1003", "admin")
    assert set(receipt["rows"]) == set(stored) - {"audit"}
    assert {name for name, n in receipt["rows"].items() if n} == {
        "score", "search", "review", "outcome", "creator"
    }  # fmt: skip
    left = everything_in(filled)
    assert "INF-1003" not in left
    assert "their secret" not in left
    assert "only theirs" not in left
    with pytest.raises(InputError, match="no creator"):
        erase(filled, "INF-1003", "admin")
    erase(filled, "INF-1004", "admin", objects=True)
    assert "INF-1004" not in everything_in(filled)


def test_number_of_an_erased_creator_is_not_reused(filled, catalogue, tmp_path):
    last = max(row.id for row in numbers(filled).values())
    (name,) = (name for name, row in numbers(filled).items() if row.id == last)
    erase(filled, name, "admin")
    bring(filled, catalogue, write_list(tmp_path, ROW.format("new")))
    assert numbers(filled)["new"].id > last


def test_sweep_erases_only_untouched_creators(filled, rules, catalogue):
    (ann,) = add_people(filled, "reviewer")
    assert sweep(filled, 30, "admin")["rows"] == {}
    with filled.writing() as db:
        db.execute(update(run).values(at=datetime.now(UTC) - timedelta(days=40)))
    decide(filled, 5, ann, decision_of(), rules)
    record(filled, 6, deal=False, on=DAY, by="ann")
    activate(filled, catalogue, rules.version, "ann")  # scores all anew, and touches nobody
    receipt = sweep(filled, 30, "admin")
    assert receipt["rows"]["creator"] == 595
    with filled.reading() as db:
        assert set(db.scalars(select(creator.c.id))) == {5, 6}
        assert db.scalar(select(func.count()).select_from(outcome)) == 1
    for days in (0, 10**7, 10**12):  # before the first year, and beyond what a machine word holds
        with pytest.raises(InputError, match="at least 1"):
            sweep(filled, days, "admin")


def test_sweep_deletes_abandoned_uploads_and_spares_staged_creators(filled, catalogue, tmp_path):
    header = (DEMO / "creators.csv").read_text().splitlines()[0]
    paths = [tmp_path / "old.csv", tmp_path / "new.csv"]
    for path, name in zip(paths, ("INF-1003", "INF-1004"), strict=True):
        cells = "5000,0.05,0.01,Tech,HD,2000"
        path.write_text(f"{header}\n{name},{cells}\n{name},{cells}\n")
    old, new = (bring(filled, catalogue, path, confirm=False) for path in paths)
    with filled.writing() as db:
        long_ago = datetime.now(UTC) - timedelta(days=40)
        db.execute(update(run).values(at=long_ago))
        db.execute(update(upload).where(upload.c.id == old.id).values(created_at=long_ago))
    rows = sweep(filled, 30, "admin")["rows"]
    assert (rows["creator"], rows["staged"]) == (596, 1)
    assert [path.exists() for path in paths] == [False, True]
    with filled.reading() as db:
        states = dict(db.execute(select(upload.c.id, upload.c.state)).all())
        assert db.scalars(select(creator.c.external_id)).all() == ["INF-1004"]
        assert db.scalars(select(refused.c.upload_id)).all() == [new.id]
    assert (states[old.id], states[new.id]) == ("discarded", "checked")
