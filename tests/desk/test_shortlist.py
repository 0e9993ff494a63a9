"""The list: every view of it against the same view in pandas, and how it is found."""

from __future__ import annotations

import re
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import replace
from urllib.parse import parse_qs

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event, insert, select, text, update

from durhampulse.decision.bands import BANDS, MAYBE, Thresholds, on_edge
from durhampulse.desk.models.catalogue import Catalogue, save_thresholds
from durhampulse.desk.models.rules import Rules
from durhampulse.desk.shortlist import grouped, members, plans, walks
from durhampulse.desk.shortlist import pages as shortlist
from durhampulse.desk.shortlist.view import (
    BAND_NAMES,
    GROUPED,
    SORTS,
    UNLIKE,
    View,
    read_cursor,
    write_cursor,
)
from durhampulse.desk.store.niches import count_niches
from durhampulse.desk.store.search import refresh_search
from durhampulse.desk.store.tables import STATES, creator
from durhampulse.exceptions import InputError
from durhampulse.models.weights import log_odds
from durhampulse.scoring.record import UNLIKE_BIT
from tests.examples import examples

TIERS = ["nano", "micro", "mid", "macro", "mega"]


@pytest.fixture
def listed(bare):
    """A store with creators of all kinds, ties, gaps and no precedent included, and the same in pandas."""
    store, catalogue = bare
    rng = np.random.default_rng(0)
    n = 400
    edges = [0.6, 0.8, 0.5999999, 0.7999999, 0.0, 1.0]
    table = pd.DataFrame({
        "external_id": [f"{'AbÄz'[i % 4]}{i:03d}" for i in range(n)],
        "followers": rng.choice([900, 10_000, 49_999, 50_000, 2e6, np.nan], n),
        "engagement_rate": rng.choice([0.01, 0.05, 0.051, np.nan], n),
        "niche": rng.choice(["Tech", "Food", None], n),
        "probability": np.where(rng.random(n) < 0.3, rng.choice(edges, n), rng.random(n)),
        "flags": rng.integers(0, 8, n),
        "state": rng.choice(STATES, n),
        "deal": rng.choice([True, False, None], n, p=[0.1, 0.2, 0.7]),
    })  # fmt: skip
    unlike, steps = rng.random(n) < 0.15, rng.choice([0, 0, 1, 4, 9], n)
    table["flags"] += np.where(unlike, UNLIKE_BIT, -65_536 * steps)  # as cells are empty
    table.loc[rng.random(n) < 0.05, "probability"] = np.nan
    table["low"], table["high"] = table["probability"] * 0.9, table["probability"] * 0.5 + 0.5
    rows = table.astype(object).where(table.notna(), None).to_dict("records")
    with store.writing() as db:
        db.execute(insert(creator), [{**row, "lottery": 0.5, "run_id": 1} for row in rows])
        numbers = {r.external_id: r.id for r in db.execute(select(creator))}
        refresh_search(db, numbers.values())
        count_niches(db)
    return store, catalogue.current(), table.assign(id=table["external_id"].map(numbers))


def expected(table, view, rules):
    """Give the numbers of a view's creators in order, the plain way."""
    keep = pd.Series(True, table.index)
    if view.band or view.edge:
        keep &= answered(table, view, rules)
    if view.tier:
        keep &= (
            table["followers"].map(lambda n: rules.tier(None if pd.isna(n) else n)).isin(view.tier)
        )
    for name in ("niche", "state"):
        if getattr(view, name):
            keep &= table[name].isin(getattr(view, name))
    if view.outcome:
        words = table["deal"].map({True: "deal", False: "none"}).fillna("open")
        keep &= words.isin(view.outcome)
    for flag in view.flag:
        keep &= (table["flags"] // 2 ** int(flag)) % 2 == 1
    for name, column in (("followers", "followers"), ("engagement", "engagement_rate")):
        low, high = getattr(view, f"min_{name}"), getattr(view, f"max_{name}")
        keep &= table[column] >= low if low is not None else True
        keep &= table[column] <= high if high is not None else True
    keep &= table["external_id"].str.startswith(view.search)
    matching = table[keep]
    if view.sort in ("niche", "state"):
        return in_groups(matching, view)
    if view.sort == "probability":
        matching = without_hidden(matching)
    valued = matching[matching[view.sort].notna()]
    keys = valued[view.sort].map(lambda v: v.encode() if isinstance(v, str) else v)
    valued = valued.assign(key=keys).sort_values(["key", "id"], ascending=not view.descending)
    unknown = matching[matching[view.sort].isna()].sort_values("id", ascending=not view.descending)
    return [*valued["id"], *unknown["id"]]


def answered(table, view, rules):
    """Give which creators have the answers of a view."""
    keep = pd.Series(True, table.index)
    p, unlike = table["probability"], table["flags"] >= UNLIKE_BIT
    if view.band:
        bands = p.map(lambda probability: "" if pd.isna(probability) else rules.band(probability))
        keep &= bands.where(~unlike, UNLIKE).isin([BAND_NAMES.get(b, b) for b in view.band])
    if view.edge:
        logits = log_odds(np.clip(p.fillna(0.0).to_numpy(), 1e-9, 1 - 1e-9))
        middle, half = rules.scorer.model.model.interval.likely(logits)
        half += 0.05 * (-(table["flags"] // 65_536)).clip(lower=0).to_numpy()
        keep &= on_edge(logits, (middle, half), rules.thresholds) & p.notna() & ~unlike
    return keep


def without_hidden(table):
    """Give creators without the probabilities that no page shows."""
    return table.assign(probability=table["probability"].where(table["flags"] < UNLIKE_BIT))


def in_groups(table, view):
    """Give the numbers in the order of what a column shows, the most probable first in each."""
    table = without_hidden(table)
    shown = ["deal", "none", "approved", "tentative", "declined", "open"]
    rows = [
        (row.niche if view.sort == "niche"
         else shown.index(row.state if row.deal is None else "deal" if row.deal else "none"),
         -1 if pd.isna(row.probability) else row.probability, row.id)
        for row in table.astype(object).where(table.notna(), None).itertuples()
    ]  # fmt: skip
    rows.sort(key=lambda row: (row[1], row[2]), reverse=True)
    known = sorted({row[0] for row in rows} - {None}, reverse=view.descending)
    groups = [*known, None]  # creators without a niche come last in either direction
    return [row[2] for group in groups for row in rows if row[0] == group]


views = st.builds(
    View,
    sort=st.sampled_from([*SORTS]),
    descending=st.booleans(),
    band=st.lists(st.sampled_from([*BAND_NAMES, UNLIKE]), max_size=2, unique=True).map(tuple),
    niche=st.lists(st.sampled_from(["Tech", "Food", "Nope"]), max_size=2, unique=True).map(tuple),
    tier=st.lists(st.sampled_from(TIERS), max_size=2, unique=True).map(tuple),
    state=st.lists(st.sampled_from([*STATES]), max_size=2, unique=True).map(tuple),
    outcome=st.lists(st.sampled_from(["deal", "none", "open"]), max_size=2, unique=True).map(tuple),
    flag=st.lists(st.sampled_from(["0", "2"]), max_size=2, unique=True).map(tuple),
    edge=st.booleans(),
    min_followers=st.sampled_from([None, None, 10_000.0]),
    max_followers=st.sampled_from([None, None, 50_000.0]),
    min_engagement=st.sampled_from([None, None, 0.05]),
    max_engagement=st.sampled_from([None, None, 0.05]),
    search=st.sampled_from(["", "", "A", "Ä0", "b1", "%"]),
)
plain = st.just(View()) | st.builds(View, sort=st.sampled_from([*SORTS]), descending=st.booleans())


@contextmanager
def finding(*, near=(10_000, 1_000), cost=1.2):
    """Let so many entries of an index count as near, and cost so much to sort a creator of a range.

    The first are those of a column's index, the others those of a group's.
    """
    with pytest.MonkeyPatch.context() as patch:
        for module, entries in zip((walks, grouped), near, strict=True):
            patch.setattr(module, "_NEAR", entries)
        for name in ("_READ", "_LOOKED_UP"):
            patch.setattr(plans, name, cost)
        yield


WAYS = {"near": {}, "on a walk": {"near": (1, 1), "cost": 1e30},
        "in a range": {"near": (1, 1), "cost": 1e-9}, "of some": {"near": (40, 6)}}  # fmt: skip


@examples(60)
@given(view=views | plain, size=st.sampled_from([7, 50, 1000]), way=st.sampled_from([*WAYS]))
def test_keyset_paging_in_either_direction(listed, view, size, way):
    store, rules, table = listed
    want = expected(table, view, rules)
    with finding(**WAYS[way]), store.reading() as db:
        pages = [shortlist.page(db, view, rules, size=size)]
        while pages[-1].after:
            pages.append(shortlist.page(db, view, rules, size=size, after=pages[-1].after))
            assert len(pages) < 100
        assert [row.id for page in pages for row in page.rows] == want
        back = pages[-1]
        ids = [row.id for row in back.rows]
        while back.before:
            back = shortlist.page(db, view, rules, size=size, before=back.before)
            ids = [row.id for row in back.rows] + ids
        assert ids == want
        totals = shortlist.totals(db, view, rules)
        bins = shortlist.histogram(db, view, rules)
    chosen = table[table["id"].isin(want)]
    assert totals.creators == len(want)
    known = chosen["deal"].notna()
    assert totals.deals == (chosen["deal"] == True).sum()  # noqa: E712 - None is neither
    assert totals.none == known.sum() - totals.deals
    chosen = chosen[~known]  # the past is no forecast, nor is what has no precedent
    assert totals.unlike == (chosen["flags"] >= UNLIKE_BIT).sum()
    chosen = without_hidden(chosen)
    assert totals.expected == pytest.approx(chosen["probability"].sum())
    assert totals.low <= totals.expected <= totals.high
    for name, band in BAND_NAMES.items():
        known = chosen["probability"].dropna()
        assert totals.bands[name] == sum(rules.band(p) == band for p in known)
    assert bins["creators"].sum() == chosen["probability"].notna().sum()
    assert bins["expected"].sum() == pytest.approx(chosen["probability"].sum())


@examples(60)
@given(view=views)
def test_view_round_trips_through_its_address(view, demo_rules):
    assert View.read(parse_qs(view.query()), demo_rules) == view


@pytest.fixture(scope="module")
def demo_rules():
    from durhampulse.scoring.scorer import load_model
    from tests.desk.conftest import DEMO

    return Rules.of("demo", load_model(DEMO / "model"), None)


@pytest.mark.parametrize(
    "query",
    [
        {"band": ["perhaps"]}, {"sort": ["id; DROP TABLE creator"]}, {"tier": ["giant"]},
        {"flag": ["99"]}, {"min_followers": ["many"]}, {"min_followers": ["nan"]},
        {"max_engagement": ["1e999"]}, {"max_engagement": ["0.5"]}, {"state": ["gone"]}, {"niche": [str(i) for i in range(101)]},
    ],
)  # fmt: skip
def test_invalid_view_address_is_refused(demo_rules, query):
    with pytest.raises(InputError):
        View.read(query, demo_rules)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("max_engagement", "2.5%", 0.025), ("max_engagement", "2,5", 0.025),
        ("max_engagement", "1%", 0.01), ("max_engagement", "1.5", 0.015),
        ("max_followers", "10,000", 10_000), ("max_followers", "1.2M", 1_200_000),
        ("max_followers", " 2.500,00 ", 2_500), ("max_followers", " ", None),
    ],
)  # fmt: skip
def test_typed_numbers_are_read(demo_rules, name, text, value):
    view = View.read({name: [text]}, demo_rules)
    assert getattr(view, name) == pytest.approx(value)
    assert View.read(parse_qs(view.query()), demo_rules) == view


@examples(200)
@given(text=st.text(max_size=60))
def test_cursor_is_read_or_refused(text):
    for sort in ("probability", "external_id"):
        try:
            read_cursor(text, sort)
        except InputError:
            continue


def test_cursor_round_trips_through_its_address():
    assert read_cursor(write_cursor((0.1 + 0.2, 5)), "probability") == (0.1 + 0.2, 5)
    assert read_cursor(write_cursor((None, 5)), "followers") == (None, 5)
    with pytest.raises(InputError):
        read_cursor(write_cursor(("x", 5)), "followers")


@pytest.mark.parametrize(
    ("sort", "index"),
    [*((sort, f"by_{sort}") for sort in SORTS if sort not in GROUPED),
     ("probability", "without_number")],
)  # fmt: skip
def test_page_query_uses_a_covering_index(listed, sort, index):
    store, rules, _ = listed
    band = ("unlike",) if index == "without_number" else ("yes",)

    view = View(sort=sort, band=band, niche=("Tech",), tier=("mid",))
    plan = plan_of_page(store, rules, view)

    if store.is_sqlite:
        assert f"COVERING INDEX ix_creator_{index}" in plan
        assert "TEMP B-TREE" not in plan
    else:
        assert f"Index Only Scan Backward using ix_creator_{index}" in plan
        assert "Sort" not in plan


@pytest.mark.parametrize("sort", ["external_id", "probability", "niche"])
@pytest.mark.parametrize(
    ("filters", "index"),
    [({"tier": ("mega",)}, "followers"), ({"min_followers": 1e6}, "followers"),
     ({"min_engagement": 0.3}, "engagement_rate"), ({"max_engagement": 0.001}, "engagement_rate"),
     ({"min_followers": 1.0, "min_engagement": 0.3}, "engagement_rate"),
     ({"tier": ("mega",), "max_followers": 10_000.0}, "followers"),
     ({"state": ("approved",)}, "state"), ({"outcome": ("deal", "none")}, "state")],
)  # fmt: skip
def test_few_of_a_state_or_between_the_bounds_of_a_figure_are_sorted(listed, filters, index, sort):
    """Through the index of the order a page went past almost a million others."""
    store, rules, _ = listed
    with finding(**WAYS["in a range"]):
        plan = plan_of_page(store, rules, View(sort=sort, **filters), at=-1)
    if store.is_sqlite:
        assert f"INDEX ix_creator_by_{index} " in plan
    else:
        assert f"ix_creator_by_{sort}" not in plan


@pytest.mark.parametrize("sort", ["followers", "state"])
def test_few_of_a_niche_are_sorted(listed, sort):
    store, rules, _ = listed
    with finding(**WAYS["in a range"]):
        plan = plan_of_page(store, rules, View(sort=sort, niche=("Food",)), at=-1)
    assert "ix_creator_by_niche" in plan


def test_place_in_a_niche_that_is_not_asked_for_reads_nothing_of_it(listed):
    """PostgreSQL went through all of that niche for one of another name."""
    store, rules, table = listed
    view = View(sort="niche", descending=False, niche=("Tech",))
    sent = []

    @event.listens_for(store.engine, "before_cursor_execute")
    def note(_c, _cursor, _statement, parameters, _context, _many):
        sent.append(str(parameters))

    with store.reading() as db:
        page = shortlist.page(db, view, rules, size=5, after=([0, "Food", 0.5], 200))
    event.remove(store.engine, "before_cursor_execute", note)
    assert [row.id for row in page.rows] == expected(table, view, rules)[:5]
    assert not any("Food" in parameters for parameters in sent)


def test_whoever_matches_is_found_from_a_sample(listed):
    """Where many match, those who come next are soon walked to; where few do, a range has them."""
    store, rules, _ = listed
    if not store.is_sqlite:
        return
    many = View(sort="external_id", min_followers=10_000.0, min_engagement=0.01)
    few = replace(many, min_followers=1e6, flag=("0", "1", "2"))
    with finding(near=(1, 1)), pytest.MonkeyPatch.context() as patch:
        patch.setattr(members, "_FEW", 0)
        assert "by_external_id" in plan_of_page(store, rules, many, size=5, at=-1)
        assert "by_followers" in plan_of_page(store, rules, few, size=5, at=-1)


@pytest.mark.parametrize("share", [0.03, 1.0])
def test_sample_has_a_share_of_the_list_by_lot(listed, share):
    store, _, _ = listed
    c = creator.c
    with store.writing() as db:
        db.execute(update(creator).values(lottery=(c.id % 100) / 100.0))
        rows = db.execute(select(c.lottery, c.followers)).all()
    drawn = [row.followers for row in rows if share == 1 or 0.25 <= row.lottery < 0.25 + share]
    assert 5 < len(drawn) < len(rows) / 10 or share == 1
    with store.reading() as db:
        counts = plans._sampled(db, share, [c.followers >= 10_000, c.followers < 0])
    assert [*counts] == [len(drawn), sum((one or 0) >= 10_000 for one in drawn), 0]


def test_alternative_ranges_are_read_between_their_ends(listed):
    store, rules, _ = listed
    assert len(rules.edge_ranges[0]) > 1

    plan = plan_of_page(store, rules, View(edge=True))

    if store.is_sqlite:
        assert "COVERING INDEX ix_creator_by_probability (probability>? AND probability<?)" in plan
        assert "MULTI-INDEX" not in plan
    else:
        condition = re.search(r"Index Cond: (.*?) Filter:", plan)
        assert condition
        assert {"probability >=", "probability <"} <= {
            *re.findall(r"probability [<>]=?", condition[1])
        }


def test_short_list_is_read_before_its_creators_are_looked_for(listed):
    store, rules, _ = listed

    plan = plan_of_page(store, rules, View(sort="followers", listed="list-1"))

    if store.is_sqlite:
        assert "SEARCH creator USING INTEGER PRIMARY KEY (rowid=?)" in plan
        assert "SCAN creator" not in plan
    else:
        assert plan.index("InitPlan") < plan.index("(id = ANY (")


def test_few_with_a_flag_are_read_before_they_are_looked_for(listed):
    store, rules, _ = listed

    plan = plan_of_page(store, rules, View(sort="followers", flag=("2",)))

    if store.is_sqlite:
        assert "SEARCH creator USING INTEGER PRIMARY KEY (rowid=?)" in plan
        assert "SCAN flagged USING COVERING INDEX ix_creator_flagged" in plan
        assert "SCAN creator" not in plan
    else:
        assert "ix_creator_flagged" in plan
        assert plan.index("InitPlan") < plan.index("(id = ANY (")


@pytest.mark.parametrize("few", [0, 20_000])
@pytest.mark.parametrize(
    "view",
    [
        View(flag=("2",)), View(flag=("0", "2"), sort="external_id", descending=False),
        View(flag=("0",), sort="niche"), View(flag=("2",), sort="state", search="A"),
        View(flag=("2",), band=(UNLIKE,)),
    ],
)  # fmt: skip
def test_creators_with_a_flag_are_the_same_however_many_have_one(listed, view, few, monkeypatch):
    store, rules, table = listed
    monkeypatch.setattr(members, "_FEW", few)

    with store.reading() as db:
        numbers = [row.id for rows in shortlist.walk(db, view, rules) for row in rows]
        total = shortlist.totals(db, view, rules).creators

    assert numbers == expected(table, view, rules)
    assert total == len(numbers)


def plan_of_page(store, rules, view, *, at=0, **place):
    """The steps in which the database finds a page's rows, by one of its statements, in words."""
    statements = []

    @event.listens_for(store.engine, "before_cursor_execute")
    def note(_c, _cursor, statement, parameters, _context, _many):
        if re.match(r"SELECT creator\.id\s.*ORDER BY", statement, re.DOTALL):
            statements.append((statement, parameters))

    with store.reading() as db:
        shortlist.page(db, view, rules, **place)
    event.remove(store.engine, "before_cursor_execute", note)
    statement, parameters = statements[at]
    with store.reading() as db:
        if store.is_sqlite:
            steps = db.exec_driver_sql("EXPLAIN QUERY PLAN " + statement, parameters).all()
        else:
            for name in ("seqscan", "bitmapscan", "sort", "incremental_sort"):
                db.execute(text(f"SET LOCAL enable_{name} = off"))
            steps = db.exec_driver_sql("EXPLAIN " + statement, parameters).all()
    return " ".join(str(row[-1]) for row in steps)


@pytest.fixture
def in_niches(listed):
    """A list with a few large niches, many small ones, and some creators without one."""
    store, rules, table = listed
    rng = np.random.default_rng(1)
    small = [f"{'Zéa-Ω'[i % 5]}{i}" for i in range(20)]
    names = rng.choice(["Tech", "Food", "food", None, *small], len(table),
                       p=[0.3, 0.25, 0.15, 0.1, *[0.01] * 20])  # fmt: skip
    table = table.assign(niche=names)
    with store.writing() as db:
        for name, part in table.groupby("niche", dropna=False):
            value = None if pd.isna(name) else str(name)
            db.execute(update(creator).where(creator.c.id.in_(part["id"].tolist()))
                       .values(niche=value))  # fmt: skip
    return store, rules, table


def pages_by_case(store, view, rules, size):
    """Give all pages from first to last, those back again, and of how many a pass over all was made.

    A pass sorts by CASE of the niche, or of what is known and decided, first.
    """
    passes = []

    @event.listens_for(store.engine, "before_cursor_execute")
    def note(_c, _cursor, statement, _parameters, _context, _many):
        if re.search(r"ORDER BY CASE WHEN \(?creator\.(niche|deal) IS", statement):
            passes.append(statement)

    with store.reading() as db:
        there = [shortlist.page(db, view, rules, size=size)]
        while there[-1].after:
            there.append(shortlist.page(db, view, rules, size=size, after=there[-1].after))
        back = [there[-1]]
        while back[-1].before:
            back.append(shortlist.page(db, view, rules, size=size, before=back[-1].before))
    event.remove(store.engine, "before_cursor_execute", note)
    return there, back[::-1], len(passes)


def ids(pages):
    """Give the numbers of the creators of pages, in their order."""
    return [row.id for page in pages for row in page.rows]


@examples(30)
@given(
    view=views.map(lambda view: replace(view, sort="niche")),
    niches=st.lists(st.sampled_from(["Tech", "food", "Ω4", "a2", "No"]), unique=True).map(tuple),
    size=st.sampled_from([3, 11, 60]),
    way=st.sampled_from([*WAYS]),
)
def test_pages_by_niche_are_the_same_however_they_are_found(in_niches, view, niches, size, way):
    store, rules, table = in_niches
    view = replace(view, niche=niches)
    with finding(**WAYS[way]):
        there, back, _ = pages_by_case(store, view, rules, size)
    assert ids(there) == ids(back) == expected(table, view, rules)


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("niches", [(), ("Tech", "food")])
def test_page_by_niche_goes_without_a_pass_over_all(in_niches, monkeypatch, descending, niches):
    store, rules, table = in_niches
    monkeypatch.setattr(grouped, "_NEAR", 6)
    view = View(sort="niche", descending=descending, niche=niches)
    there, _, passes = pages_by_case(store, view, rules, 5)
    assert ids(there) == expected(table, view, rules)
    assert len(there) > 10
    assert passes == 0
    no = replace(view, band=("no",))
    there, back, passes = pages_by_case(store, no, rules, 5)
    assert ids(there) == ids(back) == expected(table, no, rules)
    assert passes == 0
    few = replace(view, state=("approved",), flag=("0", "1", "2"))
    there, _, passes = pages_by_case(store, few, rules, 5)
    assert ids(there) == expected(table, few, rules)
    assert passes


@examples(30)
@given(
    view=views.map(lambda view: replace(view, sort="state")),
    size=st.sampled_from([3, 11, 60]),
    way=st.sampled_from([*WAYS]),
)
def test_pages_by_state_are_the_same_however_they_are_found(listed, view, size, way):
    store, rules, table = listed
    with finding(**WAYS[way]):
        there, back, _ = pages_by_case(store, view, rules, size)
    assert ids(there) == ids(back) == expected(table, view, rules)


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("states", [(), ("approved",), ("tentative", "open")])
def test_page_by_state_goes_without_a_pass_over_all(listed, monkeypatch, descending, states):
    store, rules, table = listed
    monkeypatch.setattr(grouped, "_NEAR", 6)
    view = View(sort="state", descending=descending, state=states)
    there, _, passes = pages_by_case(store, view, rules, 5)
    assert ids(there) == expected(table, view, rules)
    assert len(there) > 10
    assert passes == 0
    far = replace(view, min_engagement=0.05, tier=("mid",))
    there, back, passes = pages_by_case(store, far, rules, 5)
    assert ids(there) == ids(back) == expected(table, far, rules)
    assert passes == 0
    few = replace(view, flag=("0", "1", "2"))
    there, _, passes = pages_by_case(store, few, rules, 5)
    assert ids(there) == expected(table, few, rules)
    assert passes


@pytest.mark.parametrize(("view", "group"), [
    (View(sort="niche", niche=("Tech",), min_followers=1.0), "niche=?"),
    (View(sort="niche", niche=("Tech",), band=("unlike",), min_followers=1.0), "niche=?"),
    (View(sort="state", state=("declined",), min_engagement=0.0), "<expr>=?"),
])  # fmt: skip
def test_later_page_in_groups_begins_at_its_place_in_the_index(listed, view, group):
    """SQLite went through the group from its beginning."""
    store, rules, _ = listed
    if not store.is_sqlite:
        return
    with store.reading() as db:
        first = shortlist.page(db, view, rules, size=3)
    assert first.after
    plan = plan_of_page(store, rules, view, after=first.after)
    assert f"ix_creator_by_{view.sort} ({group} AND <expr>>? AND <expr><?)" in plan


@pytest.mark.parametrize("sort", ["probability", *GROUPED])
@pytest.mark.parametrize("order", ["asc", "desc"])
def test_hidden_probability_orders_nobody(listed, sort, order):
    """Of creators without precedent another probability changes no place, page by page."""
    store, rules, _ = listed
    view = View(sort=sort, descending=order == "desc")
    orders = []
    for scale in (1, -1):
        change = update(creator).where(creator.c.flags >= UNLIKE_BIT)
        with store.writing() as db:
            db.execute(change.values(probability=0.5 + scale * (creator.c.id % 97) / 200))
        with store.reading() as db:
            orders.append([row.id for rows in shortlist.walk(db, view, rules) for row in rows])
            parts = [shortlist.page(db, view, rules, size=33)]
            while parts[-1].after:
                parts.append(shortlist.page(db, view, rules, size=33, after=parts[-1].after))
        assert [row.id for part in parts for row in part.rows] == orders[-1]
    assert orders[0] == orders[1]
    assert len(orders[0]) == 400


def test_moved_thresholds_change_bands_and_no_row(filled):
    catalogue = Catalogue(filled)
    before = catalogue.current()
    save_thresholds(filled, Thresholds(0.95, 0.3), "ann", before)
    after = catalogue.current()
    assert after.thresholds == Thresholds(0.95, 0.3)
    assert after.band(0.94) == BANDS[1]
    assert before.thresholds == Thresholds()
    with filled.reading() as db:
        counts = [shortlist.totals(db, View(), rules).bands for rules in (before, after)]
    assert counts[0] != counts[1]
    assert sum(counts[0].values()) == sum(counts[1].values()) == 597


def test_badge_of_another_answer_stands_on_a_minority_of_each(demo_rules, filled):
    """On every row it would tell nothing; a *Maybe* is told only that it may be a *Yes*."""
    with filled.reading() as db:
        scores = db.execute(select(creator.c.probability, creator.c.flags)).all()
    badges = defaultdict(list)
    for score in scores:
        badges[demo_rules.band(*score)].append(demo_rules.may_be(*score))
    for band, words in badges.items():
        expected = "may be a Yes" if band == MAYBE else "may be a Maybe"
        assert set(words) == {"", expected}, band
        assert words.count("") > len(words) / 2, band


def test_bands_edges_and_tiers_equal_the_decision_table(demo_rules):
    p = np.random.default_rng(1).random(500)
    likely = demo_rules.scorer.model.model.interval.likely(log_odds(p))
    edge = on_edge(log_odds(p), likely, demo_rules.thresholds)
    assert [demo_rules.on_edge(probability) for probability in p] == edge.tolist()
    for probability in p:
        low, high = demo_rules.band_ranges[demo_rules.band(probability)]
        assert low <= probability < high
    followers = [0, 9_999, 10_000, 5e5, 1e6, 1e9]
    frame = pd.DataFrame({"Followers": followers})
    tiers = demo_rules.scorer.model.peers.tier(frame).tolist()
    assert [demo_rules.tier(n) for n in followers] == tiers
