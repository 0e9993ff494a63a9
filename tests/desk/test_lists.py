"""Lists, saved views and the counts of each filter."""

from __future__ import annotations

import contextlib
import secrets
import threading
from collections import Counter
from dataclasses import replace

import pytest
from sqlalchemy import event, func, select, text, update

from durhampulse.desk.imports import intake
from durhampulse.desk.people.erasure import erase, everything_about
from durhampulse.desk.people.people import Principal
from durhampulse.desk.review.bulk import begin, find_bulk, next_bulk, run_bulk
from durhampulse.desk.shortlist import members, pages, reasons
from durhampulse.desk.shortlist.facets import FACETS, breakdown, facets, overview
from durhampulse.desk.shortlist.lists import (
    add_members,
    change_list,
    delete_list,
    lists_of,
    make_list,
    own_lists,
    remove_members,
)
from durhampulse.desk.shortlist.saved import change_view, find_view, open_view, save_view, views_for
from durhampulse.desk.shortlist.selection import select_all
from durhampulse.desk.shortlist.view import View
from durhampulse.desk.store.database import open_store
from durhampulse.desk.store.niches import count_niches, read_niches
from durhampulse.desk.store.tables import creator, list_creator, saved_view, upload
from durhampulse.exceptions import InputError
from durhampulse.scoring.scorer import Scorer
from tests.desk.conftest import DEMO, add_people, bring
from tests.desk.forms import fields_of
from tests.desk.lists import write_people
from tests.desk.versions import newest_store, older_store


def people_of(store, *roles):
    return [Principal(number, f"p{number}", role)
            for number, role in zip(add_people(store, *roles), roles, strict=True)]  # fmt: skip


def ids_of(store, view, rules):
    with store.reading() as db:
        return [row.id for part in pages.walk(db, view, rules) for row in part]


@pytest.mark.parametrize("few", [20_000, 5])  # looked up and sorted, or walked along the order
def test_view_of_a_list_shows_its_creators_in_order(filled, rules, monkeypatch, few):
    monkeypatch.setattr(members, "_FEW", few)
    monkeypatch.setattr(pages, "_ROUNDS", (3, 5))  # given up where none stands at the beginning
    chosen = [*range(10, 90, 3)]
    with filled.writing() as db:
        number = make_list(db, "Spring", "ann")
        assert add_members(db, number, chosen, "ann") == len(chosen)
        assert add_members(db, number, [10, 11, 10**6], "ann") == 1  # the last is nobody
        assert remove_members(db, number, [11], "ann") == 1
    for sort in ("probability", "followers", "external_id"):
        everybody = ids_of(filled, View(sort=sort), rules)
        view = View(sort=sort, listed=str(number))
        assert ids_of(filled, view, rules) == [n for n in everybody if n in chosen]
    with filled.reading() as db:
        assert pages.totals(db, View(listed=str(number)), rules).creators == len(chosen)
        assert pages.histogram(db, View(listed=str(number)), rules)["creators"].sum() == len(chosen)
        assert [(row.name, row.creators) for row in own_lists(db)] == [("Spring", len(chosen))]
    with filled.writing() as db:
        delete_list(db, number, "ann")
        assert db.scalar(select(func.count()).select_from(list_creator)) == 0
    assert ids_of(filled, View(listed=str(number)), rules) == []


def test_marks_of_a_long_list_are_read_once_until_it_changes(filled, rules, monkeypatch):
    monkeypatch.setattr(members, "_FEW", 5)
    readings, marks = [], members._marks
    monkeypatch.setattr(
        members, "_marks", lambda db, name: readings.append(name) or marks(db, name)
    )
    with filled.writing() as db:
        spring, other = (make_list(db, name, "ann") for name in ("Spring", "Other"))
        add_members(db, spring, [*range(10, 40)], "ann")
        add_members(db, other, [*range(50, 90)], "ann")
    view = View(sort="niche", listed=str(spring))
    assert {*ids_of(filled, view, rules)} == {*range(10, 40)}
    assert {*ids_of(filled, replace(view, listed=str(other)), rules)} == {*range(50, 90)}
    assert readings == [str(spring), str(other)]
    for _ in range(3):
        assert {*ids_of(filled, view, rules)} == {*range(10, 40)}
    assert len(readings) == 2
    again = open_store(filled.engine.url.render_as_string(hide_password=False))  # another process
    for change, expected in ((add_members, {*range(10, 41)}), (remove_members, {*range(10, 40)})):
        with again.writing() as db:
            change(db, spring, [40], "ann")
        assert {*ids_of(filled, view, rules)} == expected
    assert len(readings) == 4
    with again.writing() as db:
        delete_list(db, spring, "ann")
    again.close()
    assert ids_of(filled, view, rules) == []


def test_marks_follow_who_is_put_in_and_taken_out(filled, rules, monkeypatch):
    monkeypatch.setattr(members, "_FEW", 5)
    with filled.writing() as db:
        number = make_list(db, "Spring", "ann")
        add_members(db, number, [*range(10, 40)], "ann")
    assert [*members.warm_marks(filled)]
    monkeypatch.setattr(members, "_marks", None)  # none is read anew
    view = View(sort="niche", listed=str(number))
    with filled.writing() as db:
        assert add_members(db, number, [39, 40, 400, 10**6], "ann") == 2  # the last is nobody
        assert remove_members(db, number, [10, 11, 99], "ann") == 2
    expected = {*range(12, 41), 400}
    assert {*ids_of(filled, view, rules)} == expected
    with contextlib.suppress(ZeroDivisionError), filled.writing() as db:
        remove_members(db, number, [12], "ann")
        raise ZeroDivisionError  # nothing of it stands
    assert {*ids_of(filled, view, rules)} == expected
    with filled.reading() as db:
        assert members.those_in(db, str(number), [9, 12, 40, 41, 400, 10**6]) == {12, 40, 400}
        assert {
            row.id for row in pages.page(db, replace(view, sort="probability"), rules).rows
        } == expected


def test_long_lists_alone_are_read_ahead(filled, monkeypatch):
    monkeypatch.setattr(members, "_FEW", 5)
    monkeypatch.setattr(members, "_MOST_KEPT", 2)
    with filled.writing() as db:
        numbers = [make_list(db, f"List {at}", "ann") for at in range(4)]
        for number, size in zip(numbers, (9, 8, 7, 3), strict=True):
            add_members(db, number, [*range(1, size + 1)], "ann")
    assert [*members.warm_marks(filled)]
    with filled.reading() as db:
        kept = db.get_execution_options()["marks"]
    assert {*kept} == {str(number) for number in numbers[1:3]}
    assert not [*members.warm_marks(filled)]  # what is kept is not read again


def test_imports_are_read_ahead_once_they_are_in_place(desk, tmp_path, monkeypatch):
    monkeypatch.setattr(members, "_FEW", 2)
    path, warmed = write_people(tmp_path / "list.csv", "x", "y", "z"), threading.Event()

    def read_ahead():
        desk.warm_lists()
        warmed.set()

    with desk.store.writing() as db:
        number = intake.begin(db, path, path.name, "ann", state="checking")
    assert desk.worker.work()
    with desk.store.writing() as db:
        db.execute(update(upload).where(upload.c.id == number).values(state="applying"))
    desk.worker.start(after_import=read_ahead)
    try:
        assert warmed.wait(60)
    finally:
        desk.worker.stop()
    with desk.store.reading() as db:
        assert members.has_marks(db, f"import-{number}")


def test_first_pages_of_long_lists_are_explained_before_they_are_asked_for(
    desk, visit, monkeypatch
):
    monkeypatch.setattr(members, "_FEW", 5)
    with desk.store.writing() as db:
        number = make_list(db, "Spring", "ann")
        add_members(db, number, [*range(590, 598)], "ann")
    desk.warm_lists()
    monkeypatch.setattr(reasons, "_compute", None)  # none is computed anew
    ann = visit("viewer")
    assert ann.get(f"/shortlist?list={number}").text.count('href="/creators/') >= 8
    with pytest.raises(TypeError):
        ann.get("/shortlist?order=asc")


def test_marks_of_no_more_lists_are_kept_than_allowed(filled, rules, monkeypatch):
    monkeypatch.setattr(members, "_FEW", 1)
    monkeypatch.setattr(members, "_MOST_KEPT", 2)
    with filled.writing() as db:
        numbers = [make_list(db, f"List {at}", "ann") for at in range(4)]
        for at, number in enumerate(numbers, 1):
            add_members(db, number, [*range(at * 10, at * 10 + 5)], "ann")
    for at, number in enumerate(numbers * 2):
        of_list = {*range((at % 4 + 1) * 10, (at % 4 + 1) * 10 + 5)}
        assert {*ids_of(filled, View(sort="niche", listed=str(number)), rules)} == of_list
    with filled.reading() as db:
        assert len(db.get_execution_options()["marks"]) == 2


@pytest.mark.parametrize("few", [20_000, 5])
@pytest.mark.parametrize("part", ["inf-1", "14", "9"])  # all have the first, a few the others
def test_search_in_a_list_pages_through_who_is_in_both(filled, rules, monkeypatch, few, part):
    monkeypatch.setattr(members, "_FEW", few)
    monkeypatch.setattr(pages, "_ROUNDS", (3, 5))  # given up where the list stands at the end
    with filled.writing() as db:
        rows = db.execute(select(creator.c.id, creator.c.external_id, creator.c.probability)).all()
        rows.sort(key=lambda row: (row.probability, row.id), reverse=True)
        last = rows[-40:]
        number = make_list(db, "Least", "ann")
        add_members(db, number, [row.id for row in last], "ann")
    wanted = [row.id for row in last if part in row.external_id.lower()]
    view = View(listed=str(number), search=part)
    with filled.reading() as db:
        parts = [pages.page(db, view, rules, size=7)]
        while parts[-1].after:
            parts.append(pages.page(db, view, rules, size=7, after=parts[-1].after))
        assert [row.id for some in parts for row in some.rows] == wanted
        assert pages.totals(db, view, rules).creators == len(wanted)
        chosen = [row.id for row in rows[-60:]]
        assert pages.totals(db, view, rules, chosen).creators == len(wanted)
        assert select_all(db, view, rules).total == len(wanted)


def test_import_is_a_list_by_itself(filled, catalogue, rules, tmp_path):
    path = tmp_path / "three.csv"
    header, *rows = (DEMO / "creators.csv").read_text().splitlines()
    again = next(row for row in rows if "INF-1003" in row)
    path.write_text("\n".join([header, again, again.replace("INF-1003", "NEW-1")]))
    number = bring(filled, catalogue, path).id
    view = View(listed=f"import-{number}", sort="external_id", descending=False)
    with filled.reading() as db:
        names = dict(db.execute(select(creator.c.id, creator.c.external_id)).all())
        first = db.scalar(select(func.min(upload.c.id)))
    assert [names[n] for n in ids_of(filled, view, rules)] == ["INF-1003", "NEW-1"]
    assert len(ids_of(filled, View(listed=f"import-{first}"), rules)) == 597  # those it brought
    with filled.writing() as db:
        spring = make_list(db, "Spring", "ann", client="Acme")
        at = db.scalar(select(creator.c.id).where(creator.c.external_id == "INF-1003"))
        add_members(db, spring, [at], "ann")
        mine = [(choice.kind, choice.name) for choice in lists_of(db, at)]
    assert mine == [
        ("list", str(spring)),
        ("import", f"import-{first}"),
        ("import", f"import-{number}"),
    ]


def test_all_that_match_are_put_into_a_list_and_taken_out(filled, catalogue, rules):
    (ann,) = people_of(filled, "reviewer")
    with filled.writing() as db:
        number = make_list(db, "No", "ann")
        add_members(db, number, [3], "ann")
    view = View(band=("no",))
    wanted = set(ids_of(filled, view, rules))

    def work(kind, view):
        with filled.reading() as db:
            selection = select_all(db, view, rules)
        done = begin(filled, selection, kind, {"list": number}, secrets.token_hex(8), ann)
        run_bulk(filled, catalogue, next_bulk(filled, "w"), threading.Event())
        with filled.reading() as db:
            return find_bulk(db, done)

    added = work("add", view)
    assert (added.done, added.changed) == (len(wanted - {3}), len(wanted & {3}))
    assert set(ids_of(filled, View(listed=str(number)), rules)) == wanted | {3}
    removed = work("remove", View(listed=str(number), tier=("nano",)))
    assert removed.done == len(set(ids_of(filled, View(band=("no",), tier=("nano",)), rules)) | (
        {3} & set(ids_of(filled, View(tier=("nano",)), rules))))  # fmt: skip


def test_erasure_takes_a_creator_out_of_lists(filled):
    with filled.writing() as db:
        number = make_list(db, "Spring", "ann")
        name = db.scalar(select(creator.c.external_id).where(creator.c.id == 3))
        add_members(db, number, [3, 4], "ann")
        assert everything_about(db, name)["list_creator"] == [{"list_id": number, "creator_id": 3}]
    assert erase(filled, name, "ann")["rows"]["list_creator"] == 1
    with filled.reading() as db:
        assert db.scalars(select(list_creator.c.creator_id)).all() == [4]


def test_erasure_takes_a_creators_name_out_of_saved_searches(filled):
    (ann,) = people_of(filled, "reviewer")
    with filled.writing() as db:
        db.execute(update(creator).where(creator.c.id == 3).values(name="Zo\u00e9 Maron"))
        name = db.scalar(select(creator.c.external_id).where(creator.c.id == 3))
        save_view(db, "Her", "search=zo%C3%A9+maron&band=yes", ann, shared=True)
        save_view(db, "Other", "search=Lena&band=yes", ann, shared=True)
    erase(filled, name, "ann")
    with filled.reading() as db:
        queries = db.scalars(select(saved_view.c.query).order_by(saved_view.c.id)).all()
    assert queries == ["band=yes", "search=Lena&band=yes"]


@pytest.mark.parametrize(
    ("name", "words"), [("", "needs a name"), ("x" * 101, "too long"), ("Taken", "already")]
)
def test_list_needs_a_name_of_its_own(filled, name, words):
    with filled.writing() as db:
        make_list(db, "Taken", "ann")
        other = make_list(db, "Other", "ann")
        with pytest.raises(InputError, match=words):
            make_list(db, name, "ann")
        with pytest.raises(InputError, match=words):
            change_list(db, other, "ann", name, "", "")
        change_list(db, other, "ann", "Other", "Acme", "for May")


def test_saved_views_are_private_or_shared(filled, rules):
    ann, bob, root = people_of(filled, "reviewer", "reviewer", "admin")
    view = View(band=("yes",), niche=("Fashion",), sort="followers")
    with filled.writing() as db:
        with pytest.raises(InputError, match="too much"):  # cut, it would ask for something else
            save_view(db, "Long", "&".join(f"niche={n:05}" for n in range(400)), ann, shared=False)
        mine = save_view(db, "My  best", view.query(), ann, shared=False)
        ours = save_view(db, "Ours", "band=maybe", ann, shared=True)
        assert save_view(db, "My best", view.query(), ann, shared=False) == mine  # in place of it
        save_view(db, "My best", "", bob, shared=False)  # each has names of their own
        assert {row.id for row in views_for(db, ann)} == {mine, ours}
        assert [row.name for row in views_for(db, bob)] == ["My best", "Ours"]
        assert open_view(db, find_view(db, mine, ann), rules) == (view, "")
        with pytest.raises(InputError, match="not shared"):
            find_view(db, mine, bob)
        with pytest.raises(InputError, match="made this view"):
            change_view(db, ours, "Mine now", bob, shared=False)
        with pytest.raises(InputError, match="already"):
            change_view(db, ours, "My best", ann, shared=True)
        change_view(db, ours, "Everybody's", root, shared=True)
        with pytest.raises(InputError, match="1 to 100"):
            save_view(db, " ", "", ann, shared=True)
        assert find_view(db, ours, bob).name == "Everybody's"


def test_saved_view_says_what_is_no_more(filled, rules):
    (ann,) = people_of(filled, "reviewer")
    query = "niche=Fashion&niche=Chess&tier=nano&tier=titan&list=77&state=open"
    with filled.writing() as db:
        number = save_view(db, "Old", query, ann, shared=True)
        view, said = open_view(db, find_view(db, number, ann), rules)
    assert view == View(niche=("Fashion", "Chess"), tier=("nano",), state=("open",))
    assert said == (
        "Of the view 'Old': nobody has the niche 'Chess' now; tier 'titan' is no more; "
        "list '77' is no more."
    )


def test_saved_views_are_limited_in_number(filled, monkeypatch):
    monkeypatch.setattr("durhampulse.desk.shortlist.saved._MOST", 2)
    (ann,) = people_of(filled, "reviewer")
    with filled.writing() as db:
        for name in ("a", "b", "a"):
            save_view(db, name, "", ann, shared=True)
        with pytest.raises(InputError, match="2 views already"):
            save_view(db, "c", "", ann, shared=True)
        assert db.scalar(select(func.count()).select_from(saved_view)) == 2


def counted(rows, view, rules):
    """Give the counts of each kind's choices, the plain way."""

    def choices(row):
        band = "unlike" if row.flags >= 1 << 15 else next(
            (name for name, full in pages.BAND_NAMES.items()
             if row.probability is not None and full == rules.band(row.probability)), "")  # fmt: skip
        outcome = {True: "deal", False: "none", None: "open"}[row.deal]
        return {"band": band, "state": row.state, "outcome": outcome,
                "tier": rules.tier(row.followers), "niche": row.niche or ""}  # fmt: skip

    counts = {kind: Counter() for kind in FACETS}
    for row in rows:
        mine = choices(row)
        for kind in FACETS:
            others = (other for other in FACETS if other != kind and getattr(view, other))
            if all(mine[other] in getattr(view, other) for other in others):
                counts[kind][mine[kind]] += 1
    return {kind: {name: n for name, n in some.items() if name and n}
            for kind, some in counts.items()}  # fmt: skip


@pytest.mark.parametrize(
    "view",
    [
        View(),
        View(band=("no", "unlike"), state=("open",)),
        View(tier=("nano",), niche=("Fashion", "Beauty"), outcome=("open",)),
        View(min_followers=20_000.0, outcome=("deal", "none"), band=("maybe",)),
        View(min_followers=1e12),
    ],
)
def test_facets_count_what_one_more_choice_would_show(filled, rules, view):
    with filled.writing() as db:
        for at, changes in enumerate([
            {"state": "declined"}, {"state": "approved", "deal": True}, {"deal": False},
            {"flags": 1 << 15}, {"probability": None}, {"niche": None}, {"followers": None},
            {"niche": "Épicerie, 日本"},
        ]):  # fmt: skip
            db.execute(update(creator).where(creator.c.id % 11 == at).values(**changes))
        rows = db.execute(select(creator)).all()
        got = facets(db, view, rules)
        it = overview(db, view, rules)
        cells = breakdown(db, view, rules)
        every = replace(view, band=(), state=(), outcome=())
        assert it.everybody == pages.totals(db, every, rules).creators
        total = pages.totals(db, view, rules).creators
    least = view.min_followers or 0
    rest = [row for row in rows if not least or (row.followers or 0) >= least]
    assert {
        kind: {name: n for name, n in some.items() if n} for kind, some in got.items()
    } == counted(rest, replace(view, min_followers=None), rules)
    assert list(got["band"]) == ["yes", "maybe", "no", "unlike"]
    frequencies = list(got["niche"].values())
    assert frequencies == sorted(frequencies, reverse=True)
    assert sum(cells.values()) == total
    assert it.counts == got
    waiting = counted(rows, View(state=("open",), outcome=("open",)), rules)["band"]
    assert {band: n for band, n in it.waiting.items() if band and n} == waiting


def test_facets_sort_no_creators(filled, rules):
    statements = []

    @event.listens_for(filled.engine, "before_cursor_execute")
    def note(_c, _cursor, statement, parameters, _context, _many):
        statements.append((statement, parameters))

    with filled.reading() as db:
        facets(db, View(), rules)
        statement, parameters = next(s for s in statements if "creator" in s[0])
        if filled.is_sqlite:
            steps = db.exec_driver_sql("EXPLAIN QUERY PLAN " + statement, parameters).all()
            plan = " ".join(str(row[-1]) for row in steps)
            assert plan == "SCAN creator USING COVERING INDEX ix_creator_by_probability"
        else:
            steps = db.exec_driver_sql("EXPLAIN " + statement, parameters).all()
            assert str(steps[0][0]).startswith("HashAggregate")
    event.remove(filled.engine, "before_cursor_execute", note)


def test_facets_of_a_model_without_recommendations_have_no_band(filled, rules):
    manifest = {**rules.scorer.model.manifest, "verdict": {"refusal": "It cannot tell."}}
    silent = replace(rules, scorer=Scorer(replace(rules.scorer.model, manifest=manifest)))
    with filled.reading() as db:
        counts = facets(db, View(), silent)
    assert set(counts["band"].values()) == {0}
    assert sum(counts["tier"].values()) == 597


def test_pages_of_lists_and_views(visit, desk):
    ann, vic = visit("reviewer"), visit("viewer")

    def post(path, **data):
        answer = ann.post(path, data={"csrf": ann.csrf, **data})
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]

    post("/lists", name="Spring", client="Acme")
    assert post(
        "/lists/members", what="add", into="1", chosen=["3", "4"], back="sort=followers"
    ) == ("/shortlist?sort=followers")
    post("/lists/members", what="add", new="Made at once", chosen=["3"])
    post("/lists/members", what="remove", into="1", chosen=["4"])
    assert vic.get("/shortlist?list=1").text.count("<tr data-id=") == 1
    assert "Acme" in vic.get("/lists").text
    exported = vic.get("/shortlist/export/csv?list=1").text
    assert len(exported.splitlines()) == 2
    page = ann.get("/creators/3").text
    for address in ("/shortlist?list=1", "/shortlist?list=2", "/shortlist?list=import-1"):
        assert f'href="{address}"' in page
    ask = {"csrf": ann.csrf, "query": "band=yes", "what": "add", "into": "1"}
    asked = ann.post("/bulk", data=ask).text
    assert "to Spring?" in asked
    done = ann.post("/bulk/start", data=fields_of(asked, "confirmation"))
    assert '<h1 class="breaks">Added' in ann.get(done.headers["location"]).text
    post("/views", name="Best", query="band=yes&niche=Fashion", shared="true")
    view = vic.get("/views/1")
    assert view.headers["location"] == "/shortlist?band=yes&niche=Fashion"
    assert 'href="/views/1"' in vic.get("/shortlist").text
    again = {"csrf": ann.csrf, "name": "Best", "query": "band=no"}
    refused = ann.post("/views", data=again)
    assert refused.status_code == 422
    assert "You have a view called Best already" in refused.text
    assert vic.get("/views/1").headers["location"] == "/shortlist?band=yes&niche=Fashion"
    post("/views", name="Best", query="band=no", shared="true", replaces="true")
    assert vic.get("/views/1").headers["location"] == "/shortlist?band=no"
    post("/views/1", name="Best ones")
    assert vic.get("/views/1").status_code == 404  # not shared any more
    post("/views/1/delete")
    post("/lists/1", name="Summer")
    post("/lists/2/delete")
    assert "Summer" in ann.get("/lists").text
    counts = vic.get("/shortlist/facets?band=yes")
    assert counts.status_code == 200
    assert 'href="/shortlist?band=maybe"' in counts.text


@pytest.mark.parametrize("into", ["9" * 5_000, "9" * 9])
def test_number_of_no_list_is_refused(visit, into):
    """Python reads no number of more than 4,300 digits, and the store none above 2**31."""
    rita = visit("reviewer")
    form = {"csrf": rita.csrf, "what": "add", "query": "", "into": into}
    assert rita.post("/bulk", data=form).status_code == 422


def test_rare_niche_of_a_view_is_not_called_gone(filled, rules, monkeypatch):
    """Pages offer the most frequent niches only; a view may ask for any that somebody has."""
    monkeypatch.setattr("durhampulse.desk.store.niches._MOST", 1)
    who = Principal(add_people(filled, "reviewer")[0], "Ann", "reviewer")
    with filled.writing() as db:
        count_niches(db)
        (frequent,) = read_niches(db)
        rare = db.scalar(select(creator.c.niche).where(creator.c.niche != frequent).limit(1))
        number = save_view(db, "Rare", f"niche={rare}", who, shared=False)
        view, gone = open_view(db, find_view(db, number, who), rules)
    assert (view.niche, gone) == ((rare,), "")


@pytest.mark.parametrize("columns", [(), ("growth", "views", "fee", "owner")])
def test_columns_are_chosen(visit, columns):
    page = visit("viewer").get("/shortlist", params={"column": columns}).text
    for column in ("Growth", "Views", "Fee", "Owner"):
        assert (f'">{column}</th>' in page) == (column.lower() in columns)


def test_migration_adds_lists_to_a_store_with_data(store_url):
    with older_store("0005", store_url) as db:
        db.execute(text("INSERT INTO model (version, name, origin, added_at, added_by)"
                        " VALUES ('m', 'm', 'm', '2026-01-01', 'ann')"))  # fmt: skip
        db.execute(text(
            "INSERT INTO upload (file_name, path, state, options, by, created_at, chunks_done,"
            " progress, tries) VALUES ('a', 'b', 'done', '{}', 'ann', '2026-01-01', 0, 0, 0)"
        ))  # fmt: skip
        db.execute(text(
            "INSERT INTO run (kind, model_version, upload_id, by, at, applied_at, creators)"
            " VALUES ('import', 'm', 1, 'ann', '2026-01-01', '2026-01-01', 1)"
        ))  # fmt: skip
        db.execute(text("INSERT INTO creator (external_id, flags, lottery, state, run_id)"
                        " VALUES ('a', 0, 0.5, 'approved', 1), ('b', 0, 0.5, 'open', 2)"))  # fmt: skip
        db.execute(text("INSERT INTO score (creator_id, run_id, flags) VALUES (1, 1, 0)"))
    with newest_store(store_url) as db:
        assert db.scalars(members.members("import-1")).all() == [1]
        number = make_list(db, "Spring", "ann")
        assert add_members(db, number, [1, 2], "ann") == 2
