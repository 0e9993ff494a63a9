"""Who is erased stands nowhere any more: in no table, no file, no log, nor in what others wrote."""

from __future__ import annotations

import hashlib
import hmac
import random
import signal
import sqlite3
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import httpx2
import pandas as pd
import pytest
from sqlalchemy import (
    JSON,
    Boolean,
    Date,
    Double,
    Integer,
    String,
    func,
    insert,
    select,
    text,
    update,
)

from durhampulse.decision.bands import Thresholds
from durhampulse.desk.imports import intake
from durhampulse.desk.imports.worker import Worker
from durhampulse.desk.models.catalogue import Catalogue, save_thresholds
from durhampulse.desk.people.erasure import _OF_CREATOR, _OF_NAME, erase
from durhampulse.desk.people.factors import required_role
from durhampulse.desk.people.words import SEARCHES, WRITTEN
from durhampulse.desk.store import traces
from durhampulse.desk.store.search import refresh_search
from durhampulse.desk.store.settings import read_setting, write_setting
from durhampulse.desk.store.tables import (
    Instant,
    act,
    audit,
    bulk,
    campaign,
    campaign_candidate,
    creator,
    creator_list,
    kept_count,
    metadata,
    objection,
    opinion,
    outcome,
    outcome_file,
    outcome_rows,
    receipt,
    recipe,
    refused,
    remark,
    replaced,
    review,
    room,
    room_card,
    saved_view,
    setting,
    staged,
    understood,
    upload,
)
from durhampulse.desk.store.traces import remove_traces
from durhampulse.exceptions import InputError
from tests.desk.conftest import PASSWORD, add_people
from tests.desk.running import running_desk
from tests.desk.stored import everything

NOW = datetime.now(UTC)
CALLED = [
    ["handle", "Handle", "@quarx_sim"], ["link", "Profile", "https://example.org/quarx"],
    ["email", "E-mail", "zoe@quarx.example"], ["other", "Firm", "Quarx Ltd"],
]  # fmt: skip
NAME = "Zoë Quarx"
HOLDS_NOBODY = {
    "act": ["kind", "by", "undone_by"],
    "api_key": ["name", "digest", "role", "created_by"],
    "attempt": ["who"],
    "audit": ["who", "act", "subject", "detail", "hash"],  # creators by the store's own number only
    "bulk": ["kind", "state", "by", "worker"],
    "campaign": ["by", "state", "state_by", "model_version", "proposed_by"],
    "creator_list": ["by"],
    "device": ["digest"],
    "identity": ["known_as", "issuer", "subject"],
    "link": ["digest", "purpose"],
    "model": ["version", "name", "origin", "added_by", "compared"],
    "model_file": ["version", "name"],
    "objection": ["digest"],
    "outcome_file": ["path", "by"],
    "person": ["name", "role", "password_hash"],
    "receipt": ["act", "detail"],
    "recipe": ["shape", "by"],
    "room": ["digest", "colour", "shows", "by"],
    "recovery_code": ["digest"],
    "run": ["kind", "model_version", "by", "drift", "preview"],  # by column, and by number
    "second_factor": ["secret", "pending"],
    "session": ["digest", "csrf", "browser", "waits_for", "method"],
    "hook": ["name", "url", "state", "problem", "by", "worker"],
    "setting": ["name"],
    "upload": ["path", "state", "recipe", "shape", "model_version", "by", "worker"],
}
"""Texts that neither name nor describe a creator: what people of the desk are called, and codes."""


BLANK = [(Instant, NOW), (Date, NOW.date()), (Boolean, False), (Double, 0.5), (JSON, {}),
         (String, "x"), (Integer, 1)]  # fmt: skip
"""Type of a column to what says nothing; a key of another table is of its first row."""


def texts(table):
    return {column.name for column in table.c if isinstance(column.type, String | JSON)}


def test_every_text_of_the_store_is_erased_or_holds_nobody():
    """A new column of text needs an entry: with the creator's rows, in WRITTEN, or above."""
    gone = {
        table.name
        for table in (creator, *_OF_CREATOR, *_OF_NAME, understood, outcome_rows, kept_count)
    }
    for table in metadata.sorted_tables:
        if table.name in gone:
            continue
        searched = {SEARCHES[table]} if table in SEARCHES else set()
        entries = {*WRITTEN.get(table, ()), *searched, *HOLDS_NOBODY.get(table.name, ())}
        assert texts(table) == entries, table.name


def row_of(db, table, **values):
    """Insert a row that says nothing but what is given."""
    blank = {
        column.name: next(value for kind, value in BLANK if isinstance(column.type, kind))
        for column in table.c
        if not column.nullable and column.server_default is None and column.name != "id"
    }
    db.execute(insert(table).values({**blank, **values}))


def plant(store, number, other, person):
    """Write a creator's words wherever the store has a place for them."""
    lot = random.Random(3)
    with store.writing() as db:
        values = {"external_id": "INF-quarx", "name": NAME, "carried": CALLED, "niche": "Quarx",
                  "video_quality": "Quarx", "extra": {"Mood": "quarx"}}  # fmt: skip
        db.execute(update(creator).where(creator.c.id == number).values(**values))
        refresh_search(db, [number])
        row_of(db, replaced, creator_id=number, name=NAME, carried=CALLED, niche="Quarx")
        row_of(db, staged, **values, search="inf-quarx", upload_id=1)
        row_of(db, refused, external_id="INF-quarx", reason="'quarx' is no number", upload_id=1)
        row_of(db, understood, upload_id=1, facts={"columns": [{"raw": [NAME, "INF-quarx"]}]})
        row_of(db, outcome, creator_id=number, figures={"Niche": "Quarx"})
        row_of(db, review, creator_id=number, person_id=person, note=NAME, request="quarx-1")
        for at in range(400):  # pages of the file fill up, and rows move from one to another
            whose = number if at % 3 else other
            row_of(db, remark, creator_id=whose, text="y" * lot.randrange(900))
        texts_of = select(remark.c.id).where(remark.c.creator_id == number)
        for some in lot.sample(db.scalars(texts_of).all(), 150):
            text = f"{NAME} {'z' * lot.randrange(900)}"
            db.execute(update(remark).where(remark.c.id == some).values(text=text))
        for table in (act, campaign, creator_list, recipe, room, setting):
            row_of(db, table)
        row_of(db, campaign_candidate, creator_id=number, niche="Quarx", campaign_id=1)
        row_of(db, kept_count, name="of the list", value={"niche": {"Quarx": 1}})
        row_of(db, opinion, creator_id=number, person_id=person)
        row_of(db, room_card, creator_id=number, comment=NAME)
        row_of(db, room_card, creator_id=other)
        row_of(db, remark, creator_id=other)
        row_of(db, review, creator_id=other, person_id=person)
        row_of(db, refused, upload_id=1)
        row_of(db, saved_view, person_id=person, query="search=zo%C3%AB+quarx&band=yes")
        query = {"query": "search=Zo%C3%AB+Quarx"}
        row_of(db, bulk, person_id=person, state="waiting", selection=query)
        for table, names in WRITTEN.items():
            for name in names:
                kind = table.c[name].type
                said = {"who": [f"seen {NAME}", "@quarx_sim"]} if isinstance(kind, JSON) else None
                text = f"INF-quarx_list.csv and {NAME}"[: getattr(kind, "length", None)]
                rows = update(table).where(table.c[next(iter(table.primary_key)).name].is_not(None))
                rows = rows.where(table.c.name == "x") if table is setting else rows
                rows = rows.where(table.c.creator_id == other) if "creator_id" in table.c else rows
                rows = rows.where(table.c.external_id == "x") if table is refused else rows
                db.execute(rows.values({name: said or text}))


def test_erasing_somebody_called_as_a_role_changes_no_setting(filled):
    with filled.writing() as db:
        write_setting(db, "second_factor", "reviewer")
        called = {"external_id": "reviewer", "name": "yes_at"}
        db.execute(update(creator).where(creator.c.id == 3).values(**called))
    save_thresholds(filled, Thresholds(0.9, 0.5), "ann", Catalogue(filled).current())
    erase(filled, "reviewer", "ann")
    with filled.reading() as db:
        assert required_role(db) == "reviewer"
    assert Catalogue(filled).current().thresholds == Thresholds(0.9, 0.5)


@pytest.mark.parametrize("name", ["creators", "tentative", "Off brand", "fraction"])
def test_erasing_somebody_called_as_a_word_of_the_program_changes_no_record(filled, name):
    records = {
        act: ("detail", {"decision": "tentative", "reason": "Off brand", "creators": 3}),
        campaign: ("brief", {"aim": "engagements", "name": "Spring", "fees": {"creators": 2}}),
        upload: ("options", {"units": {"Engagement_Rate": "fraction"}}),
    }
    with filled.writing() as db:
        row_of(db, campaign)
        for table, (column, value) in records.items():
            db.execute(update(table).values({column: value}))
        db.execute(update(creator).where(creator.c.id == 3).values(external_id=name))
        summary = db.scalar(select(upload.c.summary))
    erase(filled, name, "ann")
    with filled.reading() as db:
        for table, (column, value) in records.items():
            assert set(map(str, db.scalars(select(table.c[column])))) == {str(value)}
        assert db.scalar(select(upload.c.summary)) == summary


def test_name_is_cleared_with_its_letters_composed_or_in_parts(filled):
    """As browsers name files of macOS (Unicode Standard Annex 15), and blanks typed otherwise."""
    name, composed, parts = (
        "Ju\u0308rgen  M\u00fcller",
        "J\u00fcrgen M\u00fcller",
        "Ju\u0308rgen Mu\u0308ller",
    )
    with filled.writing() as db:
        db.execute(update(creator).where(creator.c.id == 3).values(name=name))
        called = db.scalar(select(creator.c.external_id).where(creator.c.id == 3))
        for at, text in enumerate((name, composed, parts, parts.upper())):
            row_of(db, remark, creator_id=4, text=f"{at} as {text}.")
        db.execute(update(upload).values(file_name=f"{parts}.csv"))
    erase(filled, called, "ann")
    with filled.reading() as db:
        texts = db.scalars(select(remark.c.text).order_by(remark.c.text)).all()
        assert db.scalar(select(upload.c.file_name)) == "[erased].csv"
    assert texts == [f"{at} as [erased]." for at in range(4)]


@pytest.mark.parametrize("name", ["Jürgen Straße", "JÜRGEN STRASSE", "jürgen strasse"])
def test_name_is_cleared_in_whichever_case_it_was_written(filled, name):
    """Letters may have another number in the other case: ß is SS in capitals (Unicode, 3.13)."""
    written = ["Jürgen Straße", "JÜRGEN STRASSE", "JÜRGEN STRAẞE", "jürgen strasse"]
    with filled.writing() as db:
        db.execute(update(creator).where(creator.c.id == 3).values(name=name))
        called = db.scalar(select(creator.c.external_id).where(creator.c.id == 3))
        for at, text in enumerate(written):
            row_of(db, remark, creator_id=4, text=f"{at} as {text}.")
        db.execute(update(upload).values(file_name="JÜRGEN STRASSE.csv"))
    erase(filled, called, "ann")
    with filled.reading() as db:
        texts = db.scalars(select(remark.c.text).order_by(remark.c.text)).all()
        assert db.scalar(select(upload.c.file_name)) == "[erased].csv"
    assert texts == [f"{at} as [erased]." for at in range(len(written))]


@pytest.mark.parametrize("cell", ["JÜRGEN STRASSE", "about jürgen strasse"])
def test_file_that_names_a_creator_in_another_case_waits_too(filled, tmp_path, cell):
    path = tmp_path / "x.csv"
    path.write_text(f"Influencer_ID,Followers,Remark\nsomebody else,5000,{cell}\n")
    with filled.writing() as db:
        intake.begin(db, path, "x.csv", "ann")
        db.execute(update(creator).where(creator.c.id == 3).values(name="Jürgen Straße"))
        called = db.scalar(select(creator.c.external_id).where(creator.c.id == 3))
    with pytest.raises(InputError, match="a file that waits"):
        erase(filled, called, "ann")


def test_header_that_names_an_erased_creator_is_cleared(filled):
    with filled.writing() as db:
        db.execute(update(creator).where(creator.c.id == 3).values(name=NAME))
        called = db.scalar(select(creator.c.external_id).where(creator.c.id == 3))
        db.execute(update(upload).values(summary={"carried": {NAME: "other", "Firm": "other"}}))
    erase(filled, called, "ann")
    with filled.reading() as db:
        kept = db.scalar(select(upload.c.summary))
    assert kept == {"carried": {"[erased]": "other", "Firm": "other"}}


def left_of(store, folder):
    """Count the marker in all files of a store and of its uploads."""
    path = Path(store.engine.url.database)
    files = [*path.parent.glob(f"{path.name}*"), *folder.glob("**/*")]
    return sum(file.read_bytes().lower().count(b"quarx") for file in files if file.is_file())


@pytest.fixture
def planted(filled, tmp_path):
    """A store that says in every place who creator 3 is, and files that wait with them in it."""
    (person,) = add_people(filled, "reviewer")
    folder = tmp_path / "uploads"
    folder.mkdir()
    table = pd.DataFrame({"Creator": ["a", "INF-quarx"], "Followers": [1, 2]})
    paths = [folder / name for name in ("a.csv", "b.xlsx", "c.parquet", "d.csv")]
    table.to_csv(paths[0], index=False)
    table.to_excel(paths[1], index=False)
    table.to_parquet(paths[2])
    paths[3].write_text("Influencer_ID,Followers\n1001,5000\n")
    with filled.writing() as db:
        for path in paths:
            intake.begin(db, path, path.name, "ann")
        row_of(db, outcome_file, path=str(paths[0]))
    plant(filled, 3, 4, person)
    return filled, folder


def test_no_byte_of_an_erased_creator_stays_under_the_desks_folders(planted):
    store, folder = planted
    assert everything(store).count("quarx") > 60
    with pytest.raises(InputError, match="4 files that wait") as refusal:
        erase(store, "INF-quarx", "ann")
    assert refusal.value.field == "files"
    assert everything(store).count("quarx") > 60  # nothing is half erased
    made = erase(store, "INF-quarx", "ann", files=True)
    assert made["files"] == ["import 2", "import 3", "import 4", "outcomes 1"]
    assert sorted(path.name for path in folder.iterdir()) == ["d.csv"]
    assert "quarx" not in everything(store)
    if store.is_sqlite:
        assert left_of(store, folder) == 0  # while the desk runs
        store.close()
        assert left_of(store, folder) == 0
        assert not Path(f"{store.engine.url.database}-wal").exists()


def test_what_others_wrote_stays_but_for_the_erased_creators_words(planted):
    store, _ = planted
    with store.writing() as db:
        db.execute(update(campaign).values(name="Summer 2026 without Zoë Quarx", note="Quarxine"))
    made = erase(store, "INF-quarx", "ann", files=True)
    with store.reading() as db:
        assert db.execute(select(campaign.c.name, campaign.c.note)).one() == (
            "Summer 2026 without [erased]", "Quarxine"
        )  # fmt: skip
        assert db.scalar(select(saved_view.c.query)) == "band=yes"
        # Work on what a search for them matched must not go on with everybody else.
        assert db.scalar(select(bulk.c.state)) == "stopped"
        kept = select(func.count()).where(remark.c.creator_id == 4)
        assert db.scalar(kept) == 135
    assert made["cleared"] == {
        "act": 2, "bulk": 2, "campaign": 1, "creator_list": 1, "recipe": 1, "refused": 1,
        "remark": 135, "review": 1, "room": 1, "room_card": 1, "run": 1, "saved_view": 2,
        "setting": 1, "upload": 5,
    }  # fmt: skip


def test_receipt_does_not_tell_whose_it_is_without_the_stores_key(filled):
    """The hash of one creator differs from store to store: nobody can try identifiers out."""
    made = erase(filled, "INF-1003", "ann")
    with filled.reading() as db:
        kept = db.scalar(select(receipt.c.detail))
        key = db.scalar(select(setting.c.value).where(setting.c.name == "hash_key"))
        assert "INF-1003" not in str(db.execute(select(audit)).all())
        assert db.scalar(select(func.count()).select_from(objection)) == 0
    assert kept["hmac_sha256"] == made["hmac_sha256"]
    assert len(bytes.fromhex(key)) == 32
    expected = hmac.new(bytes.fromhex(key), b"INF-1003", hashlib.sha256).hexdigest()
    assert made["hmac_sha256"] == expected


def test_audit_log_names_no_file_and_no_header(visit, desk):
    ann = visit("reviewer")
    content = "Influencer_ID,Zoë Quarx,Followers\n1,2,3\n"
    sent = {"data": {"csrf": ann.csrf}, "files": {"file": ("zoe quarx.csv", content)}}
    where = ann.post("/imports", **sent).headers["location"]
    ann.post(f"{where}/drop", data={"csrf": ann.csrf})
    with desk.store.reading() as db:
        acts = db.execute(select(audit).where(audit.c.subject == "upload 2")).all()
    assert [entry.act for entry in acts] == ["file uploaded", "import dropped"]
    assert "quarx" not in str(acts).lower()


def test_short_numbers_find_no_creator_among_figures(filled, tmp_path):
    """An identifier of four digits is looked for in the column of identifiers, not in followers."""
    path = tmp_path / "x.csv"
    path.write_text("Influencer_ID,Followers\n7,5000\n8,1001\n")
    with filled.writing() as db:
        intake.begin(db, path, "x.csv", "ann")
        db.execute(update(creator).where(creator.c.id == 3).values(external_id="1001"))
        db.execute(update(creator).where(creator.c.id == 4).values(external_id="7"))
    erase(filled, "1001", "ann")
    with pytest.raises(InputError, match="a file that waits"):
        erase(filled, "7", "ann")


def test_file_that_is_about_to_be_put_in_place_waits_too(filled, catalogue, tmp_path):
    """Where another model has taken over meanwhile, it is read anew, with whoever was erased."""
    path = tmp_path / "x.csv"
    path.write_text("Influencer_ID,Followers\nsomebody else,5000\n")
    with filled.writing() as db:
        number = intake.begin(db, path, "x.csv", "ann", state="applying")
        db.execute(update(creator).where(creator.c.id == 3).values(external_id="somebody else"))
    with pytest.raises(InputError, match="a file that waits"):
        erase(filled, "somebody else", "ann")
    erase(filled, "somebody else", "ann", files=True)
    assert not path.exists()
    intake.apply(filled, catalogue, number)
    with filled.reading() as db:
        assert db.scalar(select(upload.c.state).where(upload.c.id == number)) == "discarded"


def test_zip_with_a_password_that_waits_is_a_file_that_cannot_be_read(filled, tmp_path):
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("list.csv", "Influencer_ID,Followers\nnobody,5000\n")
    content = bytearray(path.read_bytes())
    content[6] |= 1  # that it is encrypted, in the file's own header
    content[content.index(b"PK\x01\x02") + 8] |= 1  # and in the directory
    path.write_bytes(content)
    with filled.writing() as db:
        intake.begin(db, path, "x.zip", "ann")
        db.execute(update(creator).where(creator.c.id == 3).values(external_id="somebody else"))
    with pytest.raises(InputError, match=r"cannot be read: x\.zip"):
        erase(filled, "somebody else", "ann")
    assert erase(filled, "somebody else", "ann", files=True)["files"] == ["import 2"]
    assert not path.exists()


def test_page_asks_before_it_deletes_a_file_that_waits(visit, desk, tmp_path):
    path = tmp_path / "x.csv"
    ada = visit("admin")
    with desk.store.writing() as db:
        name = db.scalar(select(creator.c.external_id).where(creator.c.id == 5))
        path.write_text(f"Influencer_ID,Followers\n{name},5000\n")
        intake.begin(db, path, "list.csv", "ann")
    form = {"csrf": ada.csrf, "confirm": name}
    answer = ada.post("/creators/5/erase", data=form)
    assert answer.status_code == 422
    assert "list.csv (import 2)" in answer.text
    assert path.exists()
    page = ada.post("/creators/5/erase", data={**form, "files": "true"}).text
    assert "import 2" in page
    assert not path.exists()


def test_no_copy_stays_in_the_unused_part_of_a_page(store):
    """``secure_delete`` alone leaves about one copy in fifty, where a page was split before."""
    if not store.is_sqlite:
        pytest.skip("PostgreSQL's files are rewritten by VACUUM FULL")
    lot = random.Random(0)
    with store.writing() as db:
        db.execute(
            text("CREATE TABLE word (text TEXT, id INT, PRIMARY KEY (text, id)) WITHOUT ROWID")
        )
        for number in range(3_000):
            word = "quarx" if number % 10 == 0 else "other"
            values = {"text": f"{lot.random()} {word} {'y' * lot.randrange(300)}", "id": number}
            db.execute(text("INSERT INTO word VALUES (:text, :id)"), values)
        db.execute(text("DELETE FROM word WHERE text LIKE '%quarx%'"))
    remove_traces(store, ["quarx"])
    assert left_of(store, Path(store.engine.url.database).with_suffix("")) == 0


def test_traces_that_could_not_be_removed_are_removed_later(filled, catalogue, monkeypatch):
    """Whoever was erased is erased; a later look of the worker goes on where the disk failed."""
    if not filled.is_sqlite:
        pytest.skip("PostgreSQL's files are rewritten by VACUUM FULL")

    def fail(_store):
        raise sqlite3.OperationalError("disk I/O error")

    with monkeypatch.context() as failing:
        failing.setattr(traces, "_rewrite", fail)
        assert erase(filled, "INF-1003", "ann")["rows"]["creator"] == 1
    with filled.reading() as db:
        assert read_setting(db, "traces_wait") == 1
    rewrites = []
    monkeypatch.setattr(traces, "_rewrite", rewrites.append)
    for _ in range(2):
        Worker(filled, catalogue).work()
    with filled.reading() as db:
        assert read_setting(db, "traces_wait") == 0
    assert rewrites == [filled]


@pytest.mark.slow
@pytest.mark.parametrize("kind", [signal.SIGTERM, signal.SIGINT])
def test_desk_that_is_told_to_end_leaves_no_log(filled, tmp_path, kind):
    """What was erased stays in no log of a desk that has ended."""
    if not filled.is_sqlite:
        pytest.skip("PostgreSQL keeps its log itself")
    filled.close()
    path = Path(filled.engine.url.database)
    with running_desk(tmp_path, "--store", f"sqlite:///{path}") as (_, link, process):
        form = {"name": "Ann", "password": PASSWORD}
        assert httpx2.post(link, data=form).status_code == 303
        assert path.with_name(f"{path.name}-wal").stat().st_size
        process.send_signal(kind)
        assert process.wait(120) == 0
    assert [name.name for name in path.parent.glob(f"{path.name}*")] == [path.name]
