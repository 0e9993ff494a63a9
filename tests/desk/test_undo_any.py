"""Acts of all kinds at random: undone the last first they leave no trace, in any order no harm."""

from __future__ import annotations

import contextlib
import secrets
import threading
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete, select

from durhampulse.desk.imports.undoing import ask_to_undo, undo_import
from durhampulse.desk.outcomes.recording import withdraw
from durhampulse.desk.review.decisions import decide, decide_many
from durhampulse.desk.review.undoing import undo
from durhampulse.desk.store.acts import undo_act
from durhampulse.desk.store.tables import DECISIONS, claim, creator, outcome, review, score
from durhampulse.exceptions import InputError
from tests.desk.conftest import add_people, bring
from tests.desk.decisions import decision_of
from tests.desk.lists import write_people
from tests.desk.outcomes import DAY, record_rows
from tests.desk.stored import rows_of
from tests.examples import examples

_MEMBERS = 5
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["decide", "bulk", "file", "import", "withdraw"]),
        st.sets(st.integers(1, _MEMBERS), min_size=1, max_size=3),
        st.integers(0, 3),
    ),
    min_size=1,
    max_size=6,
)


@pytest.fixture
def small(filled):
    """A store of five creators, so that acts meet each other."""
    with filled.writing() as db:
        db.execute(delete(score).where(score.c.creator_id > _MEMBERS))
        db.execute(delete(creator).where(creator.c.id > _MEMBERS))
    return filled


@examples(6)
@given(steps=STEPS, in_turn=st.booleans(), data=st.data())
def test_undone_acts_leave_no_trace(small, rules, catalogue, tmp_path, steps, in_turn, data):
    (ann,) = add_people(small, "reviewer")
    before = rows_of(small)

    def do(what, numbers, which):
        """Do something to some creators; give how it is undone, if it can be."""
        choice = ("approve", "decline", "tentative", "reopen")[which]
        if what == "decide":
            number, _ = decide(small, numbers[0], ann, decided(choice), rules)
            return lambda: undo(small, ann, number)
        if what == "bulk":
            act_id = decide_many(small, numbers, ann, decided(choice), rules).act
            return lambda: undo_act(small, act_id, "ann")
        if what == "file":
            rows = dict.fromkeys(numbers, which % 2 == 0)
            act_id = record_rows(small, tmp_path, rows, on=DAY + timedelta(days=which))
            return act_id and (lambda: undo_act(small, act_id, "ann"))
        if what == "import":
            names = [f"new{which}", *(name for number, name in members if number in numbers)]
            path = write_people(tmp_path / "list.csv", *names, followers=1_000 * (which + 1))
            number = bring(small, catalogue, path).id
            return lambda: (
                ask_to_undo(small, number, "ann"),
                undo_import(small, catalogue, number, threading.Event()),
            )
        with contextlib.suppress(InputError):
            withdraw(small, numbers[0], "ann")
        return None

    members = [(row[0], row[1]) for row in before]
    undos = [do(what, sorted(numbers), which) for what, numbers, which in steps]
    assert_what_stands(small)
    undos = [back for back in reversed(undos) if back]
    if not in_turn:
        undos = data.draw(st.permutations(undos))
    for back in undos:
        with contextlib.suppress(*([] if in_turn else [InputError])):  # not one's latest any more
            back()
        assert_what_stands(small)
    if in_turn and all(what != "withdraw" for what, *_ in steps):
        assert rows_of(small) == before
    clean(small, ann, before)


def decided(choice):
    """Give a decision under a name of its own: hypothesis repeats what `random` says."""
    return decision_of(choice, secrets.token_hex(8))


def assert_what_stands(store):
    """Compare what creators are said to be with the reviews and outcomes that stand."""
    with store.reading() as db:
        creators = db.execute(select(creator.c.id, creator.c.state, creator.c.deal)).all()
        reviews = db.execute(select(review).order_by(review.c.id)).all()
        outcomes = db.execute(select(outcome).order_by(outcome.c.id)).all()
    states = {row.creator_id: DECISIONS[row.decision] for row in reviews if not row.undone_at}
    stands = [row for row in outcomes if row.replaced_at is None]
    deals = {row.creator_id: row.deal for row in stands}
    assert len(deals) == len(stands)
    assert not any(row.undone_at for row in stands)
    assert [(n, states.get(n, "open"), deals.get(n)) for n, *_ in creators] == [
        *map(tuple, creators)
    ]


def clean(store, ann, before):
    """Bring the store back to its beginning for the next example."""
    names = [column.name for column in creator.c]
    with store.writing() as db:
        for table in (review, outcome, claim, score):
            db.execute(delete(table))
        db.execute(delete(creator))
        db.execute(creator.insert(), [dict(zip(names, row, strict=True)) for row in before])
