"""The time machine: what the list was, and what cannot be known of it any more."""

from __future__ import annotations

import html
import random
import re
from collections import Counter
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import delete, event, insert, select, update

from durhampulse.decision.bands import Thresholds
from durhampulse.desk.models.catalogue import save_thresholds
from durhampulse.desk.outcomes.recording import record
from durhampulse.desk.people.erasure import erase
from durhampulse.desk.review.decisions import REASONS, ReviewDecision, decide
from durhampulse.desk.review.undoing import undo
from durhampulse.desk.shortlist.past import Past, first_scores
from durhampulse.desk.shortlist.then import moment_of_review, then, then_counts
from durhampulse.desk.store.tables import (
    creator,
    model,
    model_file,
    person,
    replaced,
    run,
    score,
)
from durhampulse.scoring.record import UNLIKE_BIT
from tests.desk.conftest import add_people, bring
from tests.desk.lists import HEADER

HOUR = timedelta(hours=1)
START = datetime(2026, 1, 1, tzinfo=UTC)


def now():
    return datetime.now(UTC)


def rows_at(store, rules, at):
    with store.reading() as db:
        past = then(db, rules, at)
    return past, {row.id: row for row in past.rows}


def counts_at(store, rules, at):
    with store.reading() as db:
        return then_counts(db, rules, at)


def test_before_the_first_import_the_list_was_empty(filled, rules):
    past, rows = rows_at(filled, rules, now() - timedelta(days=36_500))
    assert (past.run, rows, past.more) == (None, {}, False)
    assert sum(counts_at(filled, rules, past.at).values()) == 0


def test_now_is_the_list_as_it_is(filled, rules):
    past, rows = rows_at(filled, rules, now())
    with filled.reading() as db:
        stored = db.execute(select(creator).order_by(creator.c.probability.desc()).limit(50)).all()
        total = len(db.execute(select(creator.c.id)).all())
    assert sum(counts_at(filled, rules, past.at).values()) == total
    assert past.more
    for row in stored:
        if row.id in rows:
            assert rows[row.id].probability == row.probability
            assert rows[row.id].followers == row.followers
            assert rows[row.id].is_kept
    assert len(rows) == 50


def test_decisions_and_outcomes_are_those_of_the_moment(filled, rules):
    (ann,) = add_people(filled, "reviewer")
    _, rows = rows_at(filled, rules, now())
    number = next(iter(rows))
    before = now()
    made = ReviewDecision(choice="decline", reason=REASONS[0], note="", request="first-one")
    kept, _ = decide(filled, number, ann, made, rules)
    declined = now()
    undo(filled, ann, kept)
    undone = now()
    record(filled, number, deal=True, on=date(2026, 1, 5), by="ann")
    states = [rows_at(filled, rules, at)[1][number] for at in (before, declined, undone, now())]
    assert [row.state for row in states] == ["open", "declined", "open", "open"]
    assert [row.deal for row in states] == [None, None, None, True]
    with filled.reading() as db:
        assert before <= moment_of_review(db, kept) <= declined
        assert moment_of_review(db, 999_999) is None


def test_thresholds_are_those_of_the_moment(filled, rules, catalogue):
    before = now()
    save_thresholds(filled, Thresholds(0.95, 0.9), "ada", rules)
    then_rules = catalogue.current()
    past, _ = rows_at(filled, then_rules, before)
    today, _ = rows_at(filled, then_rules, now())
    assert past.thresholds == rules.thresholds
    assert today.thresholds == Thresholds(0.95, 0.9)
    counts = [counts_at(filled, then_rules, at)["Yes"] for at in (past.at, today.at)]
    assert counts[0] > counts[1]


def test_figures_replaced_since_are_those_of_the_moment_while_they_are_kept(
    filled, rules, catalogue, tmp_path
):
    _, rows = rows_at(filled, rules, now())
    number = next(iter(rows))
    with filled.reading() as db:
        row = db.execute(select(creator).where(creator.c.id == number)).one()
    before = now()
    path = tmp_path / "new.csv"
    path.write_text(f"{HEADER}\n{row.external_id},5000,1.1%,0.1%,Gaming,SD,900\n")
    assert bring(filled, catalogue, path).state == "done"
    _, past = rows_at(filled, rules, before)
    assert (past[number].followers, past[number].probability) == (row.followers, row.probability)
    assert past[number].is_kept
    with filled.writing() as db:
        db.execute(delete(replaced))
    _, past = rows_at(filled, rules, before)
    assert past[number].probability == row.probability
    assert not past[number].is_kept  # today's figures, and said so


def test_scores_of_former_runs_are_those_that_each_creator_had_last(bare, rules):
    store, _ = bare
    start = now() - timedelta(days=9)
    day = [start + timedelta(days=n) for n in range(4)]
    with store.writing() as db:
        version = db.scalar(select(model.c.version))
        for number in (1, 2, 3):  # the third was checked before the second was put in place
            at = day[{1: 1, 2: 3, 3: 2}[number]]
            db.execute(
                run.insert().values(
                    id=number,
                    kind="import",
                    model_version=version,
                    by="ann",
                    at=at,
                    applied_at=at,
                    creators=1,
                )
            )
        for number, (run_id, p) in {1: (1, 0.9), 2: (3, 0.8), 3: (2, 0.7), 4: (2, None)}.items():
            db.execute(
                creator.insert().values(
                    id=number,
                    external_id=f"c{number}",
                    probability=p,
                    flags=0,
                    lottery=0.5,
                    state="open",
                    run_id=run_id,
                )
            )
        for number, run_id, p in (
            (1, 1, 0.9),
            (2, 1, 0.1),
            (2, 3, 0.8),
            (3, 2, 0.7),
            (4, 1, 0.2),
            (4, 2, None),
        ):
            db.execute(
                score.insert().values(creator_id=number, run_id=run_id, probability=p, flags=0)
            )
    seen = [[(row.id, row.probability) for row in rows_at(store, rules, at)[0].rows] for at in day]
    assert seen == [
        [],
        [(1, 0.9), (4, 0.2), (2, 0.1)],
        [(1, 0.9), (2, 0.8), (4, 0.2)],
        [(1, 0.9), (2, 0.8), (3, 0.7), (4, None)],
    ]
    assert sum(counts_at(store, rules, day[3]).values()) == 3


@pytest.mark.parametrize("page", [0, 1, 2])
def test_page_of_a_past_list_goes_down_to_whom_later_runs_left_alone(filled, rules, page):
    """The largest of the earlier runs says nothing: all its best were scored lower since."""
    s = score.c
    rng = random.Random(0)
    with filled.writing() as db:
        first = db.scalar(select(creator.c.run_id).limit(1))
        model_run = db.execute(select(run).where(run.c.id == first)).one()
        for later in (first + 1, first + 2):
            applied = {"applied_at": now() if later > first + 1 else START}
            db.execute(insert(run).values({**model_run._mapping, "id": later, "creators": later,
                                           **applied}))  # fmt: skip
        db.execute(update(run).where(run.c.id == first).values(applied_at=START - HOUR,
                                                               creators=597))  # fmt: skip
        numbers = db.scalars(select(creator.c.id).order_by(creator.c.id)).all()
        former = {number: round(rng.random(), 2) for number in numbers}  # with ties
        for number in numbers:
            db.execute(update(score).where(s.creator_id == number)
                       .values(probability=former[number], flags=0))  # fmt: skip
        best = [number for number in numbers if former[number] >= 0.5]
        for number in best:
            former[number] /= 1000
        rows = [{"creator_id": n, "run_id": first + 1, "probability": former[n], "flags": 0}
                for n in best]  # fmt: skip
        again = [{"creator_id": n, "run_id": first + 2, "probability": 0.99, "flags": 0}
                 for n in numbers]  # fmt: skip
        db.execute(insert(score), rows + again)
    want = sorted(numbers, key=lambda number: (former[number], number), reverse=True)
    with filled.reading() as db:
        rows = then(db, rules, START + HOUR, page=page).rows
    assert [row.id for row in rows] == want[50 * page : 50 * page + 50]
    assert [row.probability for row in rows] == [former[row.id] for row in rows]


def put_scores(store, rows):
    """Put scores into a store, and the runs that they are of."""
    runs = Counter(row["run_id"] for row in rows)
    with store.writing() as db:
        version = db.scalar(select(model.c.version))
        db.execute(insert(run), [
            {"id": run_id, "kind": "import", "model_version": version, "by": "ann", "at": now(),
             "applied_at": now(), "creators": creators} for run_id, creators in runs.items()
        ])  # fmt: skip
        db.execute(insert(score), rows)
    store.tidy()


def test_page_of_a_past_list_says_that_there_are_more_where_a_page_is_looked_for(bare):
    """Of 103 creators looked for in the first run the second has put 53 at the end: 50 are left."""
    store, _ = bare
    first = [(number, 1, 1 - number / 1_000) for number in range(1, 201)]
    second = [(number, 2, number / 1_000_000) for number in range(1, 54)]
    names = "creator_id", "run_id", "probability"
    rows = [dict(zip(names, row, strict=True), flags=0) for row in first + second]
    put_scores(store, [*rows, {**rows[0], "run_id": 3}])
    with store.reading() as db:
        page = first_scores(db, Past((1, 2), [3], []), 0)
    assert [row.id for row in page] == [*range(54, 105)]


@pytest.mark.parametrize("earlier", [(1,), (1, 2, 3), (2, 1, 3), (3, 1)])
def test_pages_of_a_past_list_are_in_order_and_read_off_an_index(bare, earlier):
    """Runs of any size over each other, put in place in any order, one after whom the list was."""
    store, _ = bare
    rng, figures = random.Random(0), [None, *(n / 40 for n in range(40))]  # with ties
    shares = {1: 1.0, 2: 0.6, 3: 0.1, 4: 1.0}
    rows = [
        {"creator_id": number, "run_id": run_id, "probability": rng.choice(figures),
         "flags": rng.choice([0, 3, UNLIKE_BIT])}
        for run_id, share in shares.items() for number in range(1, 261) if rng.random() < share
    ]  # fmt: skip
    put_scores(store, rows)
    last = {row["creator_id"]: row for run_id in earlier for row in rows if row["run_id"] == run_id}
    shown = {number: -1.0 if row["probability"] is None or row["flags"] >= UNLIKE_BIT
             else row["probability"] for number, row in last.items() if number != 7}  # fmt: skip
    want = sorted(shown, key=lambda number: (shown[number], number), reverse=True)
    past, statements = Past(earlier, [4], [7]), []

    @event.listens_for(store.engine, "before_cursor_execute")
    def note(_c, _cursor, statement, parameters, _context, _many):
        if "UNION ALL" in statement:
            statements.append((statement, parameters))

    with store.reading() as db:
        pages = [first_scores(db, past, page) for page in range(7)]
    event.remove(store.engine, "before_cursor_execute", note)
    assert [row.id for rows in pages for row in rows[:50]] == want
    assert [len(rows) for rows in pages] == [max(0, min(51, len(want) - 50 * n)) for n in range(7)]
    for row in (row for rows in pages for row in rows):
        assert (row.probability, row.flags) == (
            last[row.id]["probability"], last[row.id]["flags"]
        )  # fmt: skip
    if store.is_sqlite:
        with store.reading() as db:
            steps = db.exec_driver_sql("EXPLAIN QUERY PLAN " + statements[0][0], statements[0][1])
            found = [str(row[-1]) for row in steps if "ix_score_by_probability" in str(row[-1])]
        assert found
        assert all("COVERING INDEX" in step for step in found)


def test_model_prepared_before_an_import_and_activated_after_it_has_the_later_scores(bare, rules):
    store, _ = bare
    start = now() - timedelta(days=9)
    day = [start + timedelta(days=n) for n in range(4)]
    with store.writing() as db:
        version = db.scalar(select(model.c.version))
        applied = {1: ("import", 0), 2: ("model", 2), 3: ("import", 1), 4: ("import", 3)}
        for number, (kind, n) in applied.items():
            db.execute(run.insert().values(
                id=number, kind=kind, model_version=version, by="ann", at=day[n],
                applied_at=day[n], creators=1,
            ))  # fmt: skip
        db.execute(creator.insert().values(
            id=1, external_id="c1", probability=0.4, flags=0, lottery=0.5, state="open", run_id=4,
            followers=400,
        ))  # fmt: skip
        for run_id in applied:
            db.execute(score.insert().values(
                creator_id=1, run_id=run_id, probability=run_id / 10, flags=0,
            ))  # fmt: skip
        for run_id, before in {3: 100, 4: 300}.items():  # what each import found and replaced
            db.execute(
                replaced.insert().values(
                    creator_id=1,
                    run_id=run_id,
                    former_run_id=1,
                    followers=before,
                    flags=0,
                    probability=0.5,
                    lottery=0.5,
                )
            )
    seen = [rows_at(store, rules, at)[0].rows[0] for at in day]
    assert [row.probability for row in seen] == [0.1, 0.3, 0.2, 0.4]
    assert [row.followers for row in seen] == [100, 300, 300, 400]
    assert all(row.is_kept for row in seen)


def test_thresholds_that_nobody_has_moved_are_those_of_the_model_of_the_moment(bare, rules):
    store, _ = bare
    before = now() - timedelta(days=1)
    with store.writing() as db:
        db.execute(
            model.insert().values(
                version="former", name="f", origin="f", added_at=before, added_by="ann"
            )
        )
        own = b'{"thresholds": {"yes_at": 0.7, "review_at": 0.5}}'
        db.execute(model_file.insert().values(
            version="former", name="manifest.json", content=own))  # fmt: skip
        for number, (name, at) in enumerate([("former", before), (rules.version, now())], 1):
            db.execute(run.insert().values(
                id=number, kind="model", model_version=name, by="ann", at=at, applied_at=at,
                creators=0,
            ))  # fmt: skip
    assert rows_at(store, rules, before)[0].thresholds == Thresholds(0.7, 0.5)
    assert rows_at(store, rules, now())[0].thresholds == rules.thresholds


def test_erased_creators_are_missing_and_that_is_said(filled, rules):
    _, rows = rows_at(filled, rules, now())
    number, before = next(iter(rows)), now()
    with filled.reading() as db:
        name = db.scalar(select(creator.c.external_id).where(creator.c.id == number))
    erase(filled, name, "ann")
    past, rows = rows_at(filled, rules, before)
    assert number not in rows
    assert past.erased == 1


def test_page_shows_the_day_and_what_is_missing(visit, desk):
    somebody = visit("viewer")
    page = somebody.get("/then").text
    assert page.count("<tr>") > 40
    assert "Next →</a>" in page
    assert somebody.get("/then?page=1").status_code == 200
    assert "The list was empty then." in somebody.get("/then?day=2001-01-01").text
    assert somebody.get("/then?day=soon").status_code == 422
    assert somebody.get("/then?review=424242").status_code == 422
    run_id = 1
    with desk.store.writing() as db:
        run_id = db.scalar(select(creator.c.run_id).limit(1))
        db.execute(update(creator).where(creator.c.id == 3).values(name="Kaja <b>"))
    page = somebody.get(f"/then?run={run_id}").text
    assert re.search(r"<strong>\d+</strong> Yes", page)


def test_page_of_a_long_list_is_counted_after_it_is_shown(visit, monkeypatch):
    monkeypatch.setattr("durhampulse.desk.store.counting._FEW", 10)
    somebody, answers = visit("viewer"), re.compile(r'id="answers".*?</p>')
    at_first = answers.search(somebody.get("/then").text)[0]
    counted = html.unescape(re.search(r'hx-get="([^"]*)"', at_first)[1])
    assert "<strong>" not in at_first
    numbers = re.findall(r"<strong>(\d+)</strong>", answers.search(somebody.get(counted).text)[0])
    assert sum(map(int, numbers)) == 597


@pytest.mark.parametrize("page", [8, 10])  # 448 of 597 have a number
def test_number_that_is_not_shown_orders_nobody_then_either(filled, rules, page):
    """Neither of whom a later run has scored since, nor of the others."""
    with filled.writing() as db:
        number = db.scalar(select(creator.c.run_id).limit(1))
        first = db.execute(select(run).where(run.c.id == number)).one()
        later = {**first._mapping, "id": number + 1, "applied_at": now()}
        at = now()
        db.execute(insert(run).values(later))
        ours = creator.c.id % 4 == 0
        db.execute(update(creator).where(ours).values(flags=UNLIKE_BIT))
        db.execute(update(score).where(score.c.creator_id % 4 == 0).values(flags=UNLIKE_BIT))
        scored = select(score.c.creator_id, number + 1, score.c.probability, score.c.low,
                        score.c.high, score.c.flags).where(score.c.creator_id % 8 == 0)  # fmt: skip
        db.execute(insert(score).from_select([c.name for c in score.c], scored))
    orders = []
    for p in (0.1, 0.9):
        with filled.writing() as db:
            change = p + (creator.c.id % 7) / 100 * (1 if p < 0.5 else -1)
            db.execute(update(creator).where(ours).values(probability=change))
            change = p + (score.c.creator_id % 7) / 100 * (1 if p < 0.5 else -1)
            hidden = score.c.creator_id % 4 == 0
            db.execute(update(score).where(hidden).values(probability=change))
        with filled.reading() as db:
            orders.append([[row.id for row in then(db, rules, moment, page=page).rows]
                           for moment in (at, now())])  # fmt: skip
    assert orders[0] == orders[1]
    assert all(any(number % 4 == 0 for number in ids) for ids in orders[0])


def test_the_list_leads_there_and_names_who_decided(visit, filled, rules):
    ann, ben = add_people(filled, "reviewer", "reviewer")
    _, rows = rows_at(filled, rules, now())
    number = next(iter(rows))
    for who, choice in ((ann, "approve"), (ben, "reopen")):
        made = ReviewDecision(choice=choice, reason=REASONS[0], note="", request=f"{choice}-it")
        decide(filled, number, who, made, rules)
        reviewer = rows_at(filled, rules, now())[1][number].reviewer
        page = visit("viewer").get("/shortlist", params={"column": "reviewer"}).text
        with filled.reading() as db:
            name = db.scalar(select(person.c.name).where(person.c.id == who))
        assert (reviewer, f">{name}</span></td>" in page) == ((name, True), ("", False))[
            choice == "reopen"
        ]
    assert 'href="/then"' in page
