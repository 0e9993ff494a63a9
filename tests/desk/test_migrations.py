"""Stores of earlier versions, and what becomes of what they hold."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from itertools import product

import pytest
from sqlalchemy import delete, insert, inspect, select, text
from sqlalchemy.exc import IntegrityError

from durhampulse.desk.imports.choices import from_plain
from durhampulse.desk.imports.indexes import rebuilt_indexes
from durhampulse.desk.imports.undoing import preview_undo
from durhampulse.desk.outcomes.watching import draw_of_no
from durhampulse.desk.review.queue import progress
from durhampulse.desk.shortlist.members import members
from durhampulse.desk.shortlist.order import SCORE_INDEXES
from durhampulse.desk.store.acts import latest_acts
from durhampulse.desk.store.database import open_store
from durhampulse.desk.store.niches import read_niches
from durhampulse.desk.store.settings import read_setting, write_setting
from durhampulse.desk.store.standing import set_states
from durhampulse.desk.store.tables import (
    BLIND,
    DRAWN,
    HAS_NO_NUMBER,
    HAS_NO_PRECEDENT,
    PASSED,
    PLACE,
    REOPENS,
    SHOWN,
    WAITS,
    InBytes,
    creator,
    creator_list,
    mention,
    model,
    outcome_file,
    outcome_rows,
    person,
    remark,
    review,
    run,
    score,
    understood,
    upload,
)
from durhampulse.exceptions import InputError
from durhampulse.scoring.record import UNLIKE_BIT
from tests.desk.versions import differences, newest_store, older_store, store_of_version

LITERAL = {"literal_binds": True}


def test_migrations_create_the_tables_of_the_code(store):
    with store.engine.connect() as db:
        assert differences(db) == []


def test_reopening_a_store_changes_nothing(store):
    with store.writing() as db:
        write_setting(db, "thresholds", {"yes_at": 0.9})
        write_setting(db, "thresholds", {"yes_at": 0.7})
    again = open_store(store.engine.url.render_as_string(hide_password=False))
    with again.reading() as db:
        assert read_setting(db, "thresholds") == {"yes_at": 0.7}
        assert read_setting(db, "nothing", 5) == 5
    again.close()


def test_newer_store_is_not_opened(store):
    with store.writing() as db:
        db.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(InputError, match="newer version"):
        open_store(store.engine.url.render_as_string(hide_password=False))


def test_store_that_lost_its_version_is_not_opened(store):
    with store.writing() as db:
        db.execute(text("DROP TABLE alembic_version"))
    with pytest.raises(InputError, match="lost alembic_version"):
        open_store(store.engine.url.render_as_string(hide_password=False))


def insert_upload(db, state, *, model_version="m", columns="{}", units="{}"):
    """Insert an upload as versions before 0004 kept it."""
    values = {"state": state, "columns": columns, "units": units, "version": model_version}
    db.execute(
        text(
            "INSERT INTO upload (file_name, path, state, columns, units, by, created_at,"
            " chunks_done, progress, model_version) VALUES ('a', 'b', :state, :columns, :units,"
            " 'ann', '2026-01-01', 0, 0, :version)"
        ),
        values,
    )


def test_migration_takes_over_what_was_chosen_of_an_upload(store_url):
    columns = '{"Followers": "Reach", "Niche": ""}'
    with older_store("0003", store_url) as db:
        now = datetime.now(UTC)
        model_row = {"version": "m", "name": "m", "origin": "m", "added_at": now, "added_by": "ann"}
        db.execute(insert(model), [model_row])
        insert_upload(db, "new", columns=columns, units='{"Engagement_Rate": "percent"}')
        insert_upload(db, "checked", columns=columns)
        db.execute(text("INSERT INTO creator (external_id, flags, lottery, state, run_id)"
                        " VALUES ('a', 0, 0.5, 'approved', 1)"))  # fmt: skip
    with newest_store(store_url) as db:
        new, checked = db.execute(select(upload).order_by(upload.c.id)).all()
        kept = db.execute(select(creator)).one()
    options = from_plain(new.options)
    assert options.columns == {"Followers": "Reach", "Niche": ""}
    assert options.units == {"Engagement_Rate": "percent"}
    assert from_plain(checked.options).columns == {"Followers": "Reach", "Niche": ""}
    assert (new.model_version, checked.model_version) == ("m", None)  # the latter checked again
    assert (kept.state, kept.name, kept.carried) == ("approved", None, None)


def test_older_store_is_migrated(store_url):
    with older_store("0001", store_url) as db:
        db.execute(text("INSERT INTO creator (external_id, flags, lottery, state, run_id, niche)"
                        " VALUES ('a', 0, 0.5, 'open', 1, 'Tech')"))  # fmt: skip
        insert_upload(db, "done", model_version=None)
    with newest_store(store_url) as db:
        assert read_niches(db) == ["Tech"]
        assert db.scalars(select(upload.c.tries)).all() == [0]


@pytest.mark.filterwarnings("ignore:.*expression-based index")
def test_migration_renews_the_indexes_of_a_list_with_creators_in_it(store_url):
    with older_store("0013", store_url) as db:
        for name, flags, state in (
            ("a", 0, "open"),
            ("b", UNLIKE_BIT, "open"),
            ("c", 1, "declined"),
        ):
            db.execute(insert(creator).values(external_id=name, flags=flags, state=state,
                                              lottery=0.01, run_id=1, fee=5.0))  # fmt: skip
    with newest_store(store_url) as db:
        for index, condition, names in (
            ("by_followers", creator.c.fee > 1, ["a", "b", "c"]),
            ("unlike", HAS_NO_PRECEDENT & WAITS, ["b"]),
            ("lottery", DRAWN & WAITS, ["a", "b"]),
        ):
            held = select(creator.c.external_id).where(condition).order_by(creator.c.external_id)
            held = held.with_hint(creator, f"INDEXED BY ix_creator_{index}", "sqlite")
            assert db.scalars(held).all() == names
        left = {index["name"] for index in inspect(db).get_indexes("creator")}
    assert "ix_creator_queue" not in left


def insert_run(db):
    """Insert an import as versions before 0009 kept it."""
    db.execute(text(
        "INSERT INTO upload (file_name, path, state, options, by, created_at, chunks_done,"
        " progress) VALUES ('a', 'b', 'done', '{}', 'ann', '2026-01-01', 0, 1)"))  # fmt: skip
    db.execute(text(
        "INSERT INTO run (kind, model_version, upload_id, by, at, applied_at, creators)"
        " VALUES ('import', 'm', 1, 'ann', '2026-01-01', '2026-01-01', 3)"))  # fmt: skip


def test_migration_takes_over_known_outcomes(store_url):
    store = store_of_version("0005", store_url)
    with store.writing() as db:
        for name in "abc":
            db.execute(text("INSERT INTO creator (external_id, flags, lottery, state, run_id)"
                            " VALUES (:name, 0, 0.5, 'open', 1)"), {"name": name})  # fmt: skip
        for number, deal, replaced in ((1, "true", "NULL"), (2, "false", "'2026-01-02'")):
            db.execute(text(
                'INSERT INTO outcome (creator_id, deal, "on", figures, by, at, replaced_at)'
                f" VALUES ({number}, {deal}, '2026-01-01', '{{}}', 'ann', '2026-01-01', {replaced})"
            ))  # fmt: skip
        db.execute(text("INSERT INTO person (name, role, active, created_at)"
                        " VALUES ('ann', 'reviewer', true, '2026-01-01')"))  # fmt: skip
        db.execute(text("UPDATE creator SET state = 'declined' WHERE id = 3"))
        for choice, undone in (("approve", "'2026-01-03'"), ("decline", "NULL")):
            db.execute(text(
                "INSERT INTO review (creator_id, person_id, decision, reason, note, band, why,"
                " previous, request, at, undone_at) VALUES (3, 1, :choice, 'Off brand', '', 'No',"
                f" 'chosen', 'open', :choice, '2026-01-02', {undone})"), {"choice": choice})  # fmt: skip
        db.execute(text("INSERT INTO model (version, name, origin, added_at, added_by)"
                        " VALUES ('m', 'm', 'm', '2026-01-01', 'ann')"))  # fmt: skip
        insert_run(db)
    store.close()
    store = open_store(store_url)
    with store.writing() as db:
        deals = db.scalars(select(creator.c.deal).order_by(creator.c.external_id)).all()
        assert deals == [True, None, None]
        set_states(db, creator.c.id > 0)  # what stands is what was stored
        states = db.scalars(select(creator.c.state).order_by(creator.c.external_id)).all()
        assert states == ["open", "open", "declined"]
        assert latest_acts(db) == []
    with store.reading() as db, pytest.raises(InputError, match="no longer kept"):
        preview_undo(db, 1, "ann")  # what an import of that version replaced is not known
    store.close()


def test_migration_makes_identifiers_canonical(store_url):
    names = ["1001.0", "1002", "1002.0", "'@lena", "'tis", "a.0", "7.00", "7.0"]
    with older_store("0002", store_url) as db:
        for name in names:
            db.execute(text("INSERT INTO creator (external_id, flags, lottery, state, run_id)"
                            " VALUES (:name, 0, 0.5, 'open', 1)"), {"name": name})  # fmt: skip
        now = datetime.now(UTC)
        model_row = {"version": "m", "name": "m", "origin": "m", "added_at": now, "added_by": "ann"}
        db.execute(insert(model), [model_row])
        for state in ("checked", "done"):
            insert_upload(db, state)
    with newest_store(store_url) as db:
        kept = db.scalars(select(creator.c.external_id).order_by(creator.c.id)).all()
        checked_by = dict(db.execute(select(upload.c.state, upload.c.model_version)).all())
    assert checked_by == {"checked": None, "done": "m"}  # what waits is checked again
    # Of two forms of one identifier, the second stays as it is: nobody's reviews are merged.
    assert kept == ["1001", "1002", "1002.0", "@lena", "'tis", "a.0", "7", "7.0"]


def test_migration_keeps_uploads_and_makes_room_for_what_is_understood(store_url):
    with older_store("0017", store_url) as db:
        waits = {"file_name": "a", "path": "b", "state": "new", "options": {}, "by": "ann"}
        db.execute(insert(upload).values(**waits, created_at=datetime.now(UTC)))
        now = datetime.now(UTC)
        won = {"file_name": "c", "path": "d", "on": now.date(), "by": "ann", "created_at": now}
        db.execute(insert(outcome_file).values(**won))
    with newest_store(store_url) as db:
        number, won = db.scalar(select(upload.c.id)), db.scalar(select(outcome_file.c.id))
        db.execute(insert(understood).values(upload_id=number, digest="d", version="v", facts={}))
        values = {"outcome_file_id": won, "digest": "d", "content": {}}
        db.execute(insert(outcome_rows).values(**values))
        db.execute(delete(outcome_file))  # what was read of it goes along
        assert db.scalar(select(outcome_rows.c.digest)) is None


def test_migration_keeps_reviews_and_gives_no_number_again(store_url):
    at = datetime(2026, 1, 5, 9, 30, 0, 125, tzinfo=UTC)
    values = {"creator_id": 1, "person_id": 1, "decision": "reopen", "reason": "", "note": "ä",
              "probability": 0.5, "band": "maybe", "why": "chosen", "previous": "approved",
              "at": at, "undone_at": at, "act_id": 3}  # fmt: skip
    with older_store("0019", store_url) as db:
        db.execute(insert(creator).values(id=1, external_id="a", flags=0, state="open",
                                          lottery=0.5, run_id=1))  # fmt: skip
        db.execute(insert(person).values(id=1, name="ann", role="admin", active=True,
                                         created_at=at))  # fmt: skip
        for request in ("first", "second"):
            db.execute(insert(review).values(**values, request=request))
        kept = [column for column in review.c if column.name != "blind"]  # came later
        before = db.execute(select(*kept).order_by(review.c.id)).all()
    with newest_store(store_url) as db:
        assert db.execute(select(*kept).order_by(review.c.id)).all() == before
        reopened = select(review.c.request).where(REOPENS)
        reopened = reopened.with_hint(review, "INDEXED BY ix_review_reopened", "sqlite")
        assert len(db.scalars(reopened).all()) == 2
        db.execute(delete(review).where(review.c.request == "second"))
        db.execute(insert(review).values(**values, request="third"))
        assert db.scalar(select(review.c.id).where(review.c.request == "third")) == 3
        with pytest.raises(IntegrityError), db.begin_nested():
            db.execute(insert(review).values(**values, request="third"))


def test_migration_keeps_runs_and_gives_no_number_again(store_url):
    at = datetime(2026, 1, 5, 9, 30, 0, 125, tzinfo=UTC)
    values = {"kind": "model", "model_version": "one", "by": "ann", "at": at, "creators": 3,
              "preview": {"facts": {"ä": 1}}}  # fmt: skip
    with older_store("0029", store_url) as db:
        db.execute(insert(model).values(version="one", name="m", origin="", added_at=at,
                                        added_by="ann"))  # fmt: skip
        for _ in range(2):
            db.execute(insert(run).values(**values))
        before = db.execute(select(run).order_by(run.c.id)).all()
    with newest_store(store_url) as db:
        assert db.execute(select(run).order_by(run.c.id)).all() == before
        db.execute(delete(run).where(run.c.id == 2))
        assert db.execute(insert(run).values(**values)).inserted_primary_key == (3,)


def test_migration_keeps_waiting_files_and_notes_and_gives_no_number_again(store_url):
    at = datetime(2026, 1, 5, 9, 30, 0, 125, tzinfo=UTC)
    file = {"file_name": "ä.csv", "path": "/x", "on": at.date(), "by": "ann", "created_at": at}
    words = {"creator_id": 1, "text": "ä", "by": "ann", "at": at}
    tables = (outcome_file, outcome_rows, remark, mention)
    with older_store("0044", store_url) as db:
        db.execute(insert(creator).values(id=1, external_id="a", flags=0, state="open",
                                          lottery=0.5, run_id=1))  # fmt: skip
        db.execute(insert(person).values(id=1, name="ann", role="admin", active=True,
                                         created_at=at))  # fmt: skip
        for _ in range(2):
            db.execute(insert(outcome_file).values(**file))
            db.execute(insert(remark).values(**words))
        db.execute(insert(outcome_rows).values(outcome_file_id=2, digest="d", content={"a": 1}))
        db.execute(insert(mention).values(remark_id=2, person_id=1, creator_id=1, seen_at=at))
        before = [db.execute(select(table)).all() for table in tables]
    with newest_store(store_url) as db:
        assert [db.execute(select(table)).all() for table in tables] == before
        db.execute(delete(mention))
        for table, values in ((outcome_file, file), (remark, words)):
            db.execute(delete(table).where(table.c.id == 2))
            assert db.execute(insert(table).values(**values)).inserted_primary_key == (3,)


def test_migration_finds_reviews_made_blind_by_an_index(store_url):
    at = datetime(2026, 1, 5, 9, 30, 0, 125, tzinfo=UTC)
    values = {"creator_id": 1, "person_id": 1, "decision": "approve", "reason": "", "note": "ä",
              "probability": 0.5, "band": "maybe", "why": "chosen", "previous": "open", "at": at}  # fmt: skip
    with older_store("0028", store_url) as db:
        db.execute(insert(creator).values(id=1, external_id="a", flags=0, state="approved",
                                          lottery=0.5, run_id=1))  # fmt: skip
        db.execute(insert(person).values(id=1, name="ann", role="reviewer", active=True,
                                         created_at=at))  # fmt: skip
        for number in range(1, 5):
            db.execute(insert(review).values(**values, id=number, request=f"r{number}",
                                             blind=number % 2 == 0))  # fmt: skip
        before = db.execute(select(review).order_by(review.c.id)).all()
    with newest_store(store_url) as db:
        assert db.execute(select(review).order_by(review.c.id)).all() == before
        blind = select(review.c.id).where(BLIND).order_by(review.c.id)
        blind = blind.with_hint(review, "INDEXED BY ix_review_blind", "sqlite")
        assert db.scalars(blind).all() == [2, 4]


def test_migration_finds_who_has_no_number_by_an_index(store_url):
    kinds = {"a": (0, 0.9), "b": (UNLIKE_BIT, 0.2), "c": (1, None), "d": (UNLIKE_BIT + 1, 0.7)}
    with older_store("0030", store_url) as db:
        for name, (flags, p) in kinds.items():
            db.execute(insert(creator).values(external_id=name, flags=flags, probability=p,
                                              state="open", lottery=0.5, run_id=1))  # fmt: skip
        before = db.execute(select(creator).order_by(creator.c.id)).all()
    with newest_store(store_url) as db:
        assert db.execute(select(creator).order_by(creator.c.id)).all() == before
        without = select(creator.c.external_id).where(HAS_NO_NUMBER).order_by(creator.c.id)
        hint = "INDEXED BY ix_creator_without_number"
        assert db.scalars(without.with_hint(creator, hint, "sqlite")).all() == ["b", "c", "d"]


def test_migration_finds_scores_of_a_run_by_probability(store_url):
    scores = {1: (0, 0.2), 2: (UNLIKE_BIT, 0.9), 3: (1, None), 4: (7, 0.8)}
    with older_store("0032", store_url) as db:
        for number, (flags, p) in scores.items():
            for run_id in (1, 2):
                db.execute(insert(score).values(creator_id=number, run_id=run_id, flags=flags,
                                                probability=p and p / run_id))  # fmt: skip
        before = db.execute(select(score).order_by(score.c.creator_id, score.c.run_id)).all()
    with newest_store(store_url) as db:
        after = select(score).order_by(score.c.creator_id, score.c.run_id)
        assert db.execute(after).all() == before
        seen = {}
        for (index, holds), run_id in product(SCORE_INDEXES, (1, 2)):
            of_run = select(score.c.creator_id).where(score.c.run_id == run_id, holds)
            of_run = of_run.with_hint(score, f"INDEXED BY {index}", "sqlite")
            seen[index, run_id] = db.scalars(of_run.order_by(score.c.creator_id)).all()
    with_number, without = (index for index, _ in SCORE_INDEXES)
    assert seen == {(with_number, 1): [1, 4], (with_number, 2): [1, 4],
                    (without, 1): [2, 3], (without, 2): [2, 3]}  # fmt: skip


def test_migration_finds_creators_by_niche(store_url):
    store = store_of_version("0035", store_url)
    rows = [("Zoo", 0.2, 0), ("art", 0.9, UNLIKE_BIT), ("art", 0.4, 3), (None, 0.8, 0),
            ("Zoo", None, 0), ("éa", 0.7, 0), ("art", 0.5, 0)]  # fmt: skip
    with store.writing() as db:
        for at, (niche, p, flags) in enumerate(rows, 1):
            db.execute(insert(creator).values(
                id=at, external_id=str(at), niche=niche, probability=p, flags=flags, lottery=0.5,
                state="open", run_id=1,
            ))  # fmt: skip
    store.close()
    store = open_store(store_url)
    order = [InBytes(creator.c.niche).desc(), SHOWN.desc(), creator.c.id.desc()]
    named = select(creator.c.id).where(InBytes(creator.c.niche) >= "").order_by(*order)
    with store.reading() as db:
        assert differences(db) == []
        if not store.is_sqlite:
            for name in ("seqscan", "bitmapscan", "sort"):
                db.execute(text(f"SET LOCAL enable_{name} = off"))
            steps = db.scalars(text(f"EXPLAIN {named.compile(db, compile_kwargs=LITERAL)}"))
            assert "Scan Backward using ix_creator_by_niche" in next(iter(steps))
        hinted = named.with_hint(creator, "INDEXED BY ix_creator_by_niche", "sqlite")
        assert db.scalars(hinted).all() == [6, 7, 3, 2, 1, 5]  # by bytes: Zoo, art, éa
    store.close()


def test_migration_finds_decided_creators_by_state_and_single_reviews(store_url):
    people = [("open", None, 0.9), ("declined", None, 0.4), ("approved", True, 0.3),
              ("approved", None, 0.2), ("approved", None, 0.7), ("open", False, 0.8)]  # fmt: skip
    now = datetime.now(UTC)
    with older_store("0037", store_url) as db:
        for at, (state, deal, p) in enumerate(people, 1):
            db.execute(insert(creator).values(
                id=at, external_id=str(at), probability=p, flags=0, lottery=0.5, state=state,
                deal=deal, run_id=1,
            ))  # fmt: skip
        who = {"id": 1, "name": "ann", "role": "reviewer", "active": True, "created_at": now}
        db.execute(insert(person).values(who))
        for at, (act_id, undone) in enumerate([(None, None), (7, None), (None, now)], 2):
            db.execute(insert(review).values(
                creator_id=at, person_id=1, decision="decline", reason="", note="", band="",
                why="sample", previous="open", request=str(at), at=now, act_id=act_id,
                undone_at=undone,
            ))  # fmt: skip
        db.execute(text("INSERT INTO creator_list (name, client, note, by, at)"
                        " VALUES ('Spring', '', '', 'ann', '2026-01-01')"))  # fmt: skip
    order = [PLACE, SHOWN.desc(), creator.c.id.desc()]
    passed = select(creator.c.id).where(PASSED).order_by(*order)
    with newest_store(store_url) as db:
        hinted = passed.with_hint(creator, "INDEXED BY ix_creator_by_state", "sqlite")
        # A deal, none, then approved, the most probable first, and declined.
        assert db.scalars(hinted).all() == [3, 6, 5, 4, 2]
        assert progress(db, 1, None).today == 1
        assert draw_of_no(db).reviewed == 2
        assert db.scalar(select(creator_list.c.edition)) == 0


def test_migration_finds_creators_with_a_flag_by_an_index(store_url):
    kinds = {"a": 0, "b": UNLIKE_BIT, "c": 1, "d": UNLIKE_BIT + 4, "e": 6}
    with older_store("0041", store_url) as db:
        for name, flags in kinds.items():
            db.execute(insert(creator).values(external_id=name, flags=flags, probability=0.5,
                                              state="open", lottery=0.5, run_id=1))  # fmt: skip
        numbers = {row.external_id: row.id for row in db.execute(select(creator))}
    with newest_store(store_url) as db:
        assert {*db.scalars(members("flag-4"))} == {numbers["d"], numbers["e"]}
        assert {*db.scalars(members("flag-6"))} == {numbers["e"]}


def test_indexes_built_anew_are_those_of_the_migrations(store):
    def indexes():
        with store.reading() as db:
            query = ("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
                     if store.is_sqlite else "SELECT indexname, indexdef FROM pg_indexes")  # fmt: skip
            return {name: re.sub(r'[\s()"]+', "", sql).lower() for name, sql in
                    db.execute(text(query)) if name.startswith("ix_creator_")}  # fmt: skip

    before = indexes()
    assert len(before) == len(creator.indexes)
    with store.writing() as db, rebuilt_indexes(db, 100_000):
        kept = {index["name"] for index in inspect(db).get_indexes("creator")}
    assert not kept & {*before}
    assert indexes() == before


def test_migration_ends_sessions_and_keeps_people(store_url):
    with older_store("0012", store_url) as db:
        db.execute(text("INSERT INTO person (name, role, active, created_at)"
                        " VALUES ('ann', 'reviewer', true, '2026-01-01')"))  # fmt: skip
        db.execute(text("INSERT INTO session (digest, person_id, csrf, expires_at)"
                        " VALUES ('a', 1, 'b', '2999-01-01')"))  # fmt: skip
    with newest_store(store_url) as db:
        assert db.scalars(text("SELECT name FROM person")).all() == ["ann"]
        assert db.execute(text("SELECT * FROM session")).all() == []
