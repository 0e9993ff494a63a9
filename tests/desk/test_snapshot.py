"""What is read of one snapshot, read once."""

from __future__ import annotations

from sqlalchemy import event

from durhampulse.desk.store.settings import read_setting, write_setting


def test_settings_are_read_by_one_statement_of_a_snapshot_and_stand_in_it(filled):
    with filled.writing() as db:
        write_setting(db, "first", 1)
        write_setting(db, "second", [2])
    statements = []

    @event.listens_for(filled.engine, "before_cursor_execute")
    def note(_c, _cursor, statement, _parameters, _context, _many):
        statements.append(statement)

    with filled.reading() as db:
        read = [read_setting(db, name, "none") for name in ("first", "second", "third")]
    event.remove(filled.engine, "before_cursor_execute", note)
    assert read == [1, [2], "none"]
    assert sum("setting" in statement for statement in statements) == 1
    with filled.reading() as before:
        assert read_setting(before, "first") == 1
        with filled.writing() as db:
            write_setting(db, "first", 3)
        assert read_setting(before, "first") == 1
        with filled.reading() as after:
            assert read_setting(after, "first") == 3


def test_who_writes_reads_what_they_wrote(filled):
    with filled.writing() as db:
        assert read_setting(db, "first") is None
        write_setting(db, "first", 1)
        assert read_setting(db, "first") == 1
