"""Search: any part of what creators are called, whatever the case, in any combination."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete, event, func, insert, select, text

from durhampulse.desk.people import people
from durhampulse.desk.people.erasure import erase
from durhampulse.desk.shortlist import members
from durhampulse.desk.shortlist import pages as shortlist
from durhampulse.desk.shortlist.view import GROUPED, View
from durhampulse.desk.store import search as searching
from durhampulse.desk.store.audit import note
from durhampulse.desk.store.bulk import insert_rows
from durhampulse.desk.store.database import open_store
from durhampulse.desk.store.search import find_some, held, refresh_search
from durhampulse.desk.store.tables import DECIDED, PASSED, creator, search, upload
from tests.desk.conftest import bring
from tests.desk.versions import store_of_version
from tests.examples import examples

PARTS = ["lena", "LENA", "Próbst", "straße", "STRASSE", "Иван", "李雷", "محمد", "ção", "İz", "%", "_",
         "'", '"', "*", "[", "]", "?", "/", "\\", "@", "-", " ", "a", "b", "q", "é", "e\u0301", "😀"]  # fmt: skip
NAMES = st.lists(st.sampled_from(PARTS), min_size=1, max_size=5).map("".join)
SEARCHES = st.one_of(NAMES, st.text(min_size=1, max_size=5).filter(lambda s: s.isprintable()),
                     st.sampled_from(["\x01", "a\nb", "\x7f"]))  # fmt: skip


def folded(word):
    return unicodedata.normalize("NFC", word).casefold()


def fill(store, names):
    """Store creators with these names, and handles that are the next one's name."""
    n = len(names)
    columns = {
        "external_id": [f"id-{at}" for at in range(n)],
        "name": names,
        "carried": [[["handle", "Handle", other], ["picture", "Photo", "zzz.png"]]
                    for other in names[1:] + names[:1]],
        "followers": [float(at * 7919 % 23) if at % 5 else None for at in range(n)],
        "probability": [at * 31 % 17 / 17 for at in range(n)],
        "flags": [0] * n, "lottery": [0.5] * n, "state": ["open"] * n, "run_id": [1] * n,
        "niche": [("Tech", "Pets")[at % 2] for at in range(n)],
    }  # fmt: skip
    with store.writing() as db:
        db.execute(delete(search))
        db.execute(delete(creator))
        insert_rows(db, creator, columns)
        refresh_search(db, db.scalars(select(creator.c.id)).all())


def holders(names, part):
    """Give the identifiers of those whose identifier, name or handle holds a part."""
    texts = zip(names, names[1:] + names[:1], strict=True)
    return {f"id-{at}" for at, own in enumerate(texts)
            if any(folded(part) in folded(text) for text in (f"id-{at}", *own))}  # fmt: skip


@examples(15)
@given(
    names=st.lists(NAMES, min_size=3, max_size=30), parts=st.lists(SEARCHES, min_size=4, max_size=8)
)
def test_a_search_finds_whoever_has_the_part(store, names, parts):
    fill(store, names)
    with store.reading() as db:
        for part in [*parts, names[0][1:], names[-1].upper(), "D-1"]:
            if not part.strip():
                continue
            found = set(db.scalars(select(creator.c.external_id).where(held(part))))
            assert found == holders(names, part), part
            numbers = db.scalars(select(creator.c.id)).all()
            kept = searching.holding(db, numbers, part)
            assert len(kept) == len(found)
            assert {row.external_id for row in find_some(db, part, 100)} == found


@pytest.mark.parametrize(
    ("part", "by"),
    [("LENA", "others"), ("Ива", "others"), ("id-", "others"), ("id-1", "texts"), ("q0", "texts"),
     ("nobody", ("nob", "obo", "bod")), ("ID-lena", ("d-l", "-le"))],
)  # fmt: skip
def test_pages_of_a_search_are_the_list_without_the_others(filled, rules, part, by):
    """Common parts and rare ones, which are found in three ways."""
    names = [f"{'Lena' if at % 3 else 'Иван'} {'q0' if at == 76 else at}" for at in range(90)]
    fill(filled, names)
    with filled.reading() as db:
        assert searching.best_by(db, part) == by
        rows = db.execute(select(creator).where(creator.c.niche == "Tech")).all()
        rows = [row for row in rows if row.external_id in holders(names, part)]
        given = [row for row in rows if row.followers is not None]
        given.sort(key=lambda row: (row.followers, row.id), reverse=True)
        rest = sorted((row for row in rows if row.followers is None), key=lambda row: -row.id)
        expected = [row.id for row in given + rest]
        view = View(sort="followers", search=part, niche=("Tech",))
        pages = [shortlist.page(db, view, rules, size=11)]
        while pages[-1].after:
            pages.append(shortlist.page(db, view, rules, size=11, after=pages[-1].after))
        assert [row.id for page in pages for row in page.rows] == expected
        for earlier, later in pairwise(pages):
            back = shortlist.page(db, view, rules, size=11, before=later.before)
            assert [row.id for row in back.rows] == [row.id for row in earlier.rows]
        walked = [row.id for some in shortlist.walk(db, view, rules) for row in some]
        assert walked == expected
        assert shortlist.totals(db, view, rules).creators == len(expected)
        assert shortlist.histogram(db, view, rules)["creators"].sum() == len(expected)


@pytest.mark.parametrize("sort", GROUPED)
@pytest.mark.parametrize("looked_at", [2_000, 20])  # where not enough of them have it, all do
@pytest.mark.parametrize("part", ["id-", "id-1", "Иван"])
def test_pages_of_a_search_in_groups(filled, rules, monkeypatch, sort, looked_at, part):
    monkeypatch.setattr(shortlist, "_ROUNDS_GROUPED", (looked_at,))
    names = [f"{'Lena' if at % 3 else 'Иван'} {at}" for at in range(90)]
    fill(filled, names)
    with filled.writing() as db:
        db.execute(creator.update().where(creator.c.id % 7 == 0).values(state="approved"))
    with filled.reading() as db:
        everybody = [row for some in shortlist.walk(db, View(sort=sort), rules) for row in some]
        wanted = holders(names, part)
        expected = [row.id for row in everybody if row.external_id in wanted]
        view = View(sort=sort, search=part)
        pages = [shortlist.page(db, view, rules, size=5)]
        while pages[-1].after:
            pages.append(shortlist.page(db, view, rules, size=5, after=pages[-1].after))
        assert [row.id for page in pages for row in page.rows] == expected
        back = shortlist.page(db, view, rules, size=5, before=pages[1].before)
        assert [row.id for row in back.rows] == expected[:5]


@pytest.mark.parametrize("sort", GROUPED)
def test_page_in_groups_looks_for_a_common_part_among_its_rows_only(filled, rules, sort):
    fill(filled, [f"Lena {at}" for at in range(90)])
    statements = statements_of(filled, lambda db: shortlist.page(
        db, View(sort=sort, search="lena"), rules))  # fmt: skip
    texts = [statement for statement in statements if "search.text" in statement]
    assert len(texts) == 2  # a sample, and the rows
    assert all("search.creator_id IN" in statement for statement in texts)


@pytest.mark.parametrize("sort", GROUPED)
def test_long_list_in_groups_is_marked(filled, rules, monkeypatch, sort):
    monkeypatch.setattr(members, "_FEW", 5)
    statements = statements_of(filled, lambda db: shortlist.page(
        db, View(sort=sort, listed="import-1"), rules))  # fmt: skip
    mark = "substr(" if filled.is_sqlite else "get_byte("
    walks = [statement for statement in statements
             if statement.startswith("SELECT creator.id") and "ORDER BY" in statement]  # fmt: skip
    assert walks
    assert all(mark in statement for statement in walks)


def statements_of(store, look):
    statements = []

    @event.listens_for(store.engine, "before_cursor_execute")
    def note(_c, _cursor, statement, _parameters, _context, _many):
        statements.append(statement)

    with store.reading() as db:
        look(db)
    event.remove(store.engine, "before_cursor_execute", note)
    return statements


def test_a_search_goes_on_where_a_round_finds_nothing(filled, rules, monkeypatch):
    """The part is common, but whoever has it stands at the end of the list."""
    monkeypatch.setattr(shortlist, "_ROUNDS", (5, 10))
    fill(filled, [f"{'Lena' if at >= 150 else 'Ivan'} {at}" for at in range(200)])
    with filled.writing() as db:
        db.execute(creator.update().values(probability=1 - creator.c.id / 1e6))
    with filled.reading() as db:
        page = shortlist.page(db, View(search="lena"), rules, size=20)
        # The handle of the one before says it too.
        assert [row.external_id for row in page.rows] == [f"id-{at}" for at in range(149, 169)]


def test_audit_log_is_searched_by_what_creators_are_called(visit, filled):
    fill(filled, ["Lena Próbst", "Ivan", "Kaja"])
    with filled.writing() as db:
        numbers = dict(db.execute(select(creator.c.name, creator.c.id)).all())
        for name, number in numbers.items():
            note(db, "ann", f"looked at {name[:4]}", f"creator {number}")
    page = visit("admin").get("/audit?search=PRÓB").text
    assert "Looked at Lena" in page
    assert "Looked at Ivan" not in page
    assert "Looked at Kaja" in page  # whose handle it is
    assert "Nobody in the list is called so" in visit("admin").get("/audit?search=zzz").text


def test_imports_are_searched_by_file_and_by_who_brought_them(visit, filled):
    row = {"path": "x", "state": "done", "options": {}, "created_at": datetime.now(UTC),
           "chunks_done": 0, "progress": 0, "tries": 0}  # fmt: skip
    with filled.writing() as db:
        for name, by in (("spring_50%.csv", "Ann"), ("spring_500.csv", "Ülkü")):
            db.execute(upload.insert().values(file_name=name, by=by, **row))
    somebody = visit("viewer")
    for part, names in {
        "": (1, 1),
        "SPRING": (1, 1),
        "50%": (1, 0),
        "ülk": (0, 1),
        "x": (0, 0),
    }.items():
        page = somebody.get("/imports", params={"search": part}).text
        shown = tuple(int(name in page) for name in ("spring_50%.csv", "spring_500.csv"))
        assert shown == names, part
    assert "No file is called so" in page


def test_people_and_keys_are_searched_by_name(visit, filled):
    admin = visit("admin")
    with filled.writing() as db:
        people.add_person(db, "Özlem Acar", "viewer", "test")
        people.add_key(db, "Nightly özet", "viewer", "test")
    page = admin.get("/people", params={"search": "ÖZ"}).text
    assert "Özlem Acar</th>" in page
    assert "Nightly özet</th>" in page
    assert f"{admin.who}</th>" not in page
    assert "Nobody is called so." in admin.get("/people", params={"search": "<b>"}).text


@pytest.mark.parametrize("part", ["z", "zz", "len", "lena", "l' \\ \""])
def test_a_search_of_any_length_reads_the_index_of_runs(filled, part):
    query = select(creator.c.id).where(held(part))
    compiled = query.compile(filled.engine, compile_kwargs={"literal_binds": True})
    with filled.reading() as db:
        explain = "EXPLAIN QUERY PLAN " if filled.is_sqlite else "EXPLAIN "
        if not filled.is_sqlite:  # which reads so few texts one after another
            db.execute(text("SET LOCAL enable_seqscan = off"))
        steps = [str(row[-1]) for row in db.exec_driver_sql(f"{explain}{compiled}")]
    plan = "\n".join(steps)
    if filled.is_sqlite:
        assert "search_index VIRTUAL TABLE INDEX" in plan
        assert ("search_parts VIRTUAL TABLE INDEX" in plan) == (len(part) < 3)
    else:
        assert "Bitmap Index Scan on search_runs" in plan
    assert "Scan on search " not in plan.replace("Heap Scan on search ", "")


LISTED = (
    "Username,Name,Subs,ER,Niche\nlena_sim,Lena Próbst,5000,0.05,Tech\njo_sim,Jo,5000,0.05,Tech\n"
)


def found_by(store, part):
    with store.reading() as db:
        return [row.external_id for row in find_some(db, part)]


def test_a_search_follows_imports_and_erasures(bare, tmp_path):
    store, catalogue = bare
    path = tmp_path / "list.csv"
    path.write_text(LISTED, encoding="utf-8")
    bring(store, catalogue, path)
    assert found_by(store, "PRÓB") == ["lena_sim"]
    path.write_text(LISTED.replace("Lena Próbst", "Kaja Winter"), encoding="utf-8")
    bring(store, catalogue, path)
    assert found_by(store, "PRÓB") == []
    assert found_by(store, "winter") == ["lena_sim"]
    erase(store, "lena_sim", "ann")
    assert found_by(store, "winter") == []
    assert found_by(store, "_SIM") == ["jo_sim"]
    with store.reading() as db:
        assert db.scalar(select(func.count()).select_from(search)) == 1


def test_no_part_of_an_erased_name_stays_in_the_index(bare, tmp_path):
    store, catalogue = bare
    if not store.is_sqlite:
        pytest.skip("PostgreSQL keeps them until its next VACUUM")
    path = tmp_path / "list.csv"
    path.write_text(LISTED, encoding="utf-8")
    bring(store, catalogue, path)
    vocabulary = (  # an erasure closes the connections, and their temporary tables with them
        "CREATE VIRTUAL TABLE IF NOT EXISTS temp.parts "
        "USING fts5vocab('main', 'search_index', 'row')"
    )
    with store.writing() as db:
        db.execute(text(vocabulary))
        assert "rób" in db.scalars(text("SELECT term FROM parts")).all()
    erase(store, "lena_sim", "ann")
    with store.writing() as db:
        content = b"".join(db.scalars(text("SELECT block FROM search_index_data")).all())
        assert "rób".encode() not in content
        db.execute(text(vocabulary))
        assert {*"jo_sim"} >= {*"".join(db.scalars(text("SELECT term FROM parts")).all())} - {"\n"}


def test_migration_makes_the_creators_of_an_older_store_found(store_url):
    store = store_of_version("0005", store_url)
    handle = '[["handle", "Handle", "@LenaSim"]]'
    with store.writing() as db:
        db.execute(text("INSERT INTO creator (external_id, name, carried, flags, lottery, state, run_id)"
                        " VALUES ('INF-1', 'Lena Próbst', :handle, 0, 0.5, 'open', 1)"),
                   {"handle": handle})  # fmt: skip
        db.execute(
            text(
                "INSERT INTO upload (file_name, path, state, by, created_at, chunks_done,"
                " progress) VALUES ('a', 'b', 'checked', 'ann', '2026-01-01', 0, 0)"
            )
        )
    store.close()
    store = open_store(store_url)
    for part in ("inf", "PRÓBST", "@lenas", "ó", "IM"):
        assert found_by(store, part) == ["INF-1"]
    store.close()


def test_migration_makes_links_and_addresses_found(store_url):
    store = store_of_version("0020", store_url)
    carried = '[["link", "Profile", "https://www.video.example/Lena"], ["email", "Mail", "L@b.de"]]'
    with store.writing() as db:
        for name, known, state in (("INF-1", carried, "open"), ("INF-2", None, "declined")):
            db.execute(text("INSERT INTO creator (external_id, carried, flags, lottery, state, run_id)"
                            " VALUES (:name, :known, 0, 0.5, :state, 1)"),
                       {"name": name, "known": known, "state": state})  # fmt: skip
        db.execute(insert(search).from_select(
            ["creator_id", "text"], select(creator.c.id, func.lower(creator.c.external_id))))  # fmt: skip
    store.close()
    store = open_store(store_url)
    for part in ("inf-1", "example/LENA", "https://www.video.example/lena/", "l@B", "de"):
        assert found_by(store, part) == ["INF-1"]
    with store.reading() as db:
        decided = select(creator.c.external_id).where(PASSED, DECIDED)
        decided = decided.with_hint(creator, "INDEXED BY ix_creator_by_state", "sqlite")
        assert db.scalars(decided).all() == ["INF-2"]
    store.close()
