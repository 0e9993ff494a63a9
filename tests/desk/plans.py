"""Lists and briefs on which campaigns are tried, and what is asked of a store about them."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete, select

from durhampulse.desk.campaigns import campaigns, frontier
from durhampulse.desk.campaigns.brief import Brief
from durhampulse.desk.campaigns.proposal import propose
from durhampulse.desk.store.bulk import insert_rows
from durhampulse.desk.store.tables import campaign_candidate, campaign_creator, creator
from durhampulse.desk.store.tables import proposal as stored_set
from tests.examples import examples

FEES = {"nano": 100.0, "micro": 400.0, "mid": 2000.0, "macro": 9000.0, "mega": 30_000.0}
AIMS = [
    {"aim": "deals"}, {"aim": "views"}, {"aim": "engagements"},
    {"aim": "return", "worth": 0.5, "per": "view"}, {"aim": "return", "worth": 300.0},
    {"aim": "return", "worth": 9.0, "per": "engagement"},
]  # fmt: skip


PERSON = st.tuples(
    st.integers(0, 40).map(lambda n: n / 40), st.integers(1, 6), st.integers(1000, 900_000),
    st.sampled_from(["a", "b", "c", None]), st.sampled_from([None, 10.0, 90.0, 400.0, 2000.0]),
)  # fmt: skip

LISTS_AND_BRIEFS = {
    "people": st.lists(PERSON, min_size=60, max_size=75),
    "aim": st.sampled_from([*AIMS, *AIMS[:3]]),
    "number": st.integers(1, 8),
    "budget": st.sampled_from([None, 300.0, 5_000.0]),
    "most": st.sampled_from([None, 1, 3]),
}


def on_short_lists(**more):
    """Try a property on short lists and briefs, where a part of the list is looked at first."""

    def decorate(test):
        test = examples(40)(given(**LISTS_AND_BRIEFS, **more)(test))
        return pytest.mark.slow(pytest.mark.usefixtures("looks_at_a_part_first")(test))

    return decorate


def numbers(store):
    with store.reading() as db:
        return {row.external_id: row for row in db.execute(select(creator))}


def planned(store, catalogue, **brief):
    """Make a campaign and propose for it; give its number."""
    number = campaigns.make(store, Brief(**{"name": "Spring", "number": 8, **brief}), "ann")
    propose(store, catalogue, number, "ann")
    return number


def whole_list(store, rules, brief):
    """Give everybody as candidates, at the fee the rules of fees name."""
    rows = []
    for row in numbers(store).values():
        ours = row.currency is None or row.currency == brief.currency
        fee = brief.fees.get(rules.tier(row.followers)) if row.fee is None else row.fee
        fee = None if row.fee is not None and not ours else fee
        if row.followers is not None and row.deal is None and fee is not None:
            rows.append({**row._mapping, "fee": fee, "tier": rules.tier(row.followers)})
    return pd.DataFrame(rows).assign(name="x", fee_from="own", fixed=False)


def put_people(store, people):
    n = len(people)
    probability, rate, followers, niches, fees = map(list, zip(*people, strict=True))
    with store.writing() as db:
        for table in (campaign_candidate, campaign_creator, stored_set, creator):
            db.execute(delete(table))
        insert_rows(db, creator, {
            "id": [*range(1, n + 1)], "external_id": [f"c{i}" for i in range(n)],
            "probability": probability, "low": [0.0] * n, "high": [1.0] * n, "niche": niches,
            "followers": followers, "engagement_rate": [r / 100 for r in rate], "fee": fees,
            "avg_views": [f * r / 50 for f, r in zip(followers, rate, strict=True)],
            "state": ["open"] * n, "flags": [0] * n, "run_id": [1] * n, "lottery": [0.5] * n,
        })  # fmt: skip


@pytest.fixture
def looks_at_a_part_first(monkeypatch):
    """Let a third of even the smallest list say who of the rest is read."""
    monkeypatch.setattr(frontier, "_FEW", 30)
    monkeypatch.setattr(frontier, "_PART", 20)
    monkeypatch.setattr(frontier, "_STRETCHES", 5)


@pytest.fixture
def spring(filled, catalogue):
    """A campaign of eight with a budget that binds."""
    fees = {"nano": 100.0, "micro": 400.0, "mid": 1500.0, "macro": 5000.0, "mega": 9000.0}
    return planned(filled, catalogue, budget=1_200.0, fees=fees, currency="EUR")
