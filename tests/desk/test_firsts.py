"""The place of a long list's first creator is kept, and no longer than it is that place."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from sqlalchemy import select

from durhampulse.desk.models.catalogue import activate, add_model
from durhampulse.desk.shortlist import members, pages
from durhampulse.desk.shortlist.firsts import before_first
from durhampulse.desk.shortlist.lists import add_members, make_list, remove_members
from durhampulse.desk.shortlist.owners import hand_over_many
from durhampulse.desk.shortlist.view import GROUPED, SORTS, View
from durhampulse.desk.store.tables import creator
from tests.desk.conftest import add_people, bring
from tests.desk.lists import undone, write_list

ORDERS = [*itertools.product((sort for sort in SORTS if sort not in GROUPED), (True, False))]
STAR = "{},40000000,0.05,0.01,Fashion,HD,9000000"


@pytest.fixture(autouse=True)
def _lists_are_long(monkeypatch):
    monkeypatch.setattr(members, "_FEW", 5)


@pytest.fixture
def least(filled):
    """The numbers of the thirty least probable creators."""
    by_probability = select(creator.c.id).order_by(creator.c.probability.nulls_first())
    with filled.reading() as db:
        return [*db.scalars(by_probability.limit(30))]


@pytest.fixture
def listed(filled, least):
    """A list by hand of the least probable."""
    with filled.writing() as db:
        number = make_list(db, "The least probable", "ann")
        add_members(db, number, least, "ann")
    return number


def whole(store, view, rules):
    with store.reading() as db:
        return [row.id for part in pages.walk(db, view, rules) for row in part]


def assert_first_pages(store, rules, those, **sets):
    """Look at each order twice: whatever the first look keeps holds at the second."""
    for sort, descending in ORDERS * 2:
        order = View(sort=sort, descending=descending)
        view = replace(order, **sets)
        expected = [number for number in whole(store, order, rules) if number in those]
        with store.reading() as db:
            page = pages.page(db, view, rules, size=10)
            assert [row.id for row in page.rows] == expected[:10], order
            assert page.before is None
            assert before_first(db, view) is not None
            narrow = replace(view, min_followers=20_000)
            rows = {row.id: row.followers for row in db.execute(select(creator))}
            wanted = [number for number in expected if rows[number] >= 20_000]
            assert [row.id for row in pages.page(db, narrow, rules, size=10).rows] == wanted[:10]


def test_first_page_of_a_long_list_follows_whatever_moves_it(
    filled, catalogue, rules, listed, least, model_folder, tmp_path
):
    those = {*least}
    name = name_of(filled, least[0])
    assert_first_pages(filled, rules, those, listed=str(listed))
    upload = bring(filled, catalogue, write_list(tmp_path, STAR.format(name)))
    assert_first_pages(filled, rules, those, listed=str(listed))
    undone(filled, upload.id)
    assert_first_pages(filled, rules, those, listed=str(listed))
    version = add_model(filled, model_folder, "ann")
    activate(filled, catalogue, version, "ann")
    with filled.reading() as db:
        other = catalogue.current(db)
    assert_first_pages(filled, other, those, listed=str(listed))
    upload = bring(filled, catalogue, write_list(tmp_path, STAR.format(name)))
    activate(filled, catalogue, rules.version, "ann")
    undone(filled, upload.id)
    assert_first_pages(filled, rules, those, listed=str(listed))
    (best,) = whole(filled, View(), rules)[:1]
    for change, then in ((add_members, those | {best}), (remove_members, those)):
        with filled.writing() as db:
            assert change(db, listed, [best], "ann") == 1
        assert_first_pages(filled, rules, then, listed=str(listed))


def test_first_page_of_an_owner_follows_who_is_handed_over(filled, rules, listed, least):
    (ann,) = add_people(filled, "reviewer")
    hand_over_many(filled, least[:20], ann, "ann")
    both = {"listed": str(listed), "owner": str(ann)}
    assert_first_pages(filled, rules, {*least[:20]}, **both)
    hand_over_many(filled, least[20:], ann, "ann")
    assert_first_pages(filled, rules, {*least}, **both)


def test_nothing_is_kept_of_a_view_with_other_filters(filled, rules, listed):
    narrow = View(listed=str(listed), min_followers=5_000)
    with filled.reading() as db:
        pages.page(db, narrow, rules)
        assert before_first(db, narrow) is None


def name_of(store, number):
    with store.reading() as db:
        return db.scalar(select(creator.c.external_id).where(creator.c.id == number))
