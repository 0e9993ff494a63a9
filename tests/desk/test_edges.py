"""Creators close to another answer: the same at the desk as in a decision table, cells empty or not."""

from __future__ import annotations

import numpy as np
import pytest
from sqlalchemy import func, select, update

from durhampulse.decision.bands import MAYBE, Thresholds
from durhampulse.desk.models.edges import Edges, steps_of
from durhampulse.desk.models.rules import stored_frame
from durhampulse.desk.models.widening import widen_edges
from durhampulse.desk.review.worth import remaining
from durhampulse.desk.shortlist import pages
from durhampulse.desk.shortlist.filters import on_edge
from durhampulse.desk.shortlist.view import View
from durhampulse.desk.store.tables import creator
from durhampulse.market.sampling import write_market
from durhampulse.models.interval import Interval
from durhampulse.scoring.record import UNLIKE_BIT
from tests.desk.conftest import bring


@pytest.fixture
def with_gaps(bare, tmp_path):
    """A store with 3,000 creators, of whom some lack a figure, and its catalogue."""
    store, catalogue = bare
    path = tmp_path / "list.csv"
    write_market(path, 3_000, seed=11)
    bring(store, catalogue, path)
    return store, catalogue


def test_desk_marks_whom_a_decision_table_marks(with_gaps):
    store, catalogue = with_gaps
    rules = catalogue.current()
    with store.reading() as db:
        rows = db.execute(select(creator).where(creator.c.probability.is_not(None))).all()
        listed = [row.id for part in pages.walk(db, View(edge=True), rules) for row in part]
        worth = remaining(db, rules)

    table = rules.scorer.decide(stored_frame(rules.scorer, rows)).set_index("Influencer ID")

    marked = {row.external_id: rules.may_be(row.probability, row.flags) for row in rows}
    assert marked == table.loc[[*marked], "Edge"].to_dict()
    steps = np.array([steps_of(row.flags) for row in rows])
    assert (steps > 0).sum() > 100
    by_name = {row.id: row.external_id for row in rows}
    assert {by_name[number] for number in listed} == {name for name, edge in marked.items() if edge}
    wider = [row for row in rows if marked[row.external_id] != rules.may_be(row.probability)]
    assert len(wider) > 5  # whom an empty cell alone brings close to another answer
    bands = {row.external_id: rules.band(row.probability, row.flags) for row in rows}
    close = sum(edge != "" or bands[name] == MAYBE for name, edge in marked.items())
    assert worth.creators == close


def test_statement_does_not_grow_with_the_steps(with_gaps):
    """With a condition for each step it had hundreds of parameters, and took .1 s to compile."""
    _, catalogue = with_gaps
    rules = catalogue.current()
    assert len(rules.edge_ranges) > 50

    assert len(on_edge(rules).compile().params) < 25


def test_width_stands_above_the_flags_and_leaves_them_alone(with_gaps):
    """Figures of a hand calculation: 5 steps of 65,536 taken away, and the flags 1 and 4 set."""
    store, catalogue = with_gaps
    rules = catalogue.current()
    flags = -5 * 65_536 + 0b101
    assert flags < UNLIKE_BIT
    assert (steps_of(flags), rules.flags(flags)) == (5, rules.flags(0b101))
    assert rules.band(0.9, flags) == rules.band(0.9)
    assert steps_of(UNLIKE_BIT + 0b101) == 0
    with store.reading() as db:
        unlike = db.execute(select(creator).where(creator.c.flags >= UNLIKE_BIT)).all()
    assert unlike
    assert not any(rules.on_edge(row.probability, row.flags) for row in unlike)


def test_scores_of_earlier_versions_are_widened_once(with_gaps):
    store, catalogue = with_gaps
    every = select(creator.c.id, creator.c.flags).order_by(creator.c.id)
    with store.writing() as db:
        before = db.execute(every).all()
        plain = creator.c.flags.bitwise_and(65_535)  # as they were stored
        db.execute(update(creator).values(flags=plain))
        assert db.execute(every).all() != before
    for _ in range(2):
        widen_edges(store, catalogue)
        with store.reading() as db:
            assert db.execute(every).all() == before
    with store.writing() as db:
        db.execute(update(creator).values(flags=plain))
    widen_edges(store, catalogue)  # it was done before
    with store.reading() as db:
        assert not db.scalar(select(func.count()).where(creator.c.flags < 0))


def test_ranges_lie_within_those_of_more_steps():
    """A half of 1.6449 reaches .8416 to either side, the quantile of 20% of a normal variable."""
    edges = Edges(Interval(doubt=1.644854, empties={"x": 2.0}), Thresholds(0.8, 0.6))
    inside = [1 / (1 + np.exp(-z)) for z in (0.405465 - 0.84, 1.386294 + 0.84)]
    outside = [1 / (1 + np.exp(-z)) for z in (0.405465 - 0.85, 1.386294 + 0.85)]
    assert all(edges.hold(p, 0) for p in inside)
    assert not any(edges.hold(p, 0) for p in outside)
    assert all(edges.hold(p, -65_536) for p in outside)
    p = np.linspace(0.001, 0.999, 999)
    held = np.array([[edges.hold(value, -65_536 * at) for value in p] for at in range(20)])
    assert (np.diff(held.astype(int), axis=0) >= 0).all()
