"""Saved views: a name for a filter, for oneself or for everybody."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qs, urlencode

from sqlalchemy import Connection, Row, delete, func, or_, select, update

from durhampulse.desk.models.rules import Rules
from durhampulse.desk.people.people import Principal
from durhampulse.desk.shortlist.view import NOBODY, View
from durhampulse.desk.store import clock
from durhampulse.desk.store.audit import note
from durhampulse.desk.store.bulk import insert_one
from durhampulse.desk.store.missing import MissingError
from durhampulse.desk.store.niches import read_niches
from durhampulse.desk.store.tables import (
    CONTROL,
    campaign,
    creator,
    creator_list,
    person,
    saved_view,
    upload,
)
from durhampulse.exceptions import InputError

__all__ = ["change_view", "delete_view", "find_view", "open_view", "save_view", "views_for"]

_MOST = 100
_LONGEST_NAME, _LONGEST_QUERY = 100, 4_000
_MAKERS = {"": creator_list, "import": upload, "campaign": campaign}


def views_for(db: Connection, who: Principal) -> Sequence[Row[Any]]:
    """Return the views somebody may open: their own and those shared, with the maker's name."""
    return db.execute(_visible(who).order_by(func.lower(saved_view.c.name), saved_view.c.id)).all()


def _visible(who: Principal) -> Any:
    s = saved_view.c
    named = select(saved_view, person.c.name.label("maker")).join(person)
    return named.where(or_(s.person_id == who.id, s.shared.is_(True)))


def find_view(db: Connection, number: int, who: Principal, *, change: bool = False) -> Row[Any]:
    """Return a saved view.

    Parameters
    ----------
    db, number, who
        The store, which view, and for whom.
    change
        Whether they want to change it: it must be their own, unless they are an admin.

    Raises
    ------
    InputError
        If there is none that they may open, or change.
    """
    row = db.execute(_visible(who).where(saved_view.c.id == number)).first()
    if row is None:
        raise MissingError("There is no such view, or it is not shared.", "Choose another.")
    if change and row.person_id != who.id and not who.may("admin"):
        raise InputError(f"{row.maker} made this view.", "Save it under a name of your own.")
    return row


def save_view(
    db: Connection, name: str, query: str, who: Principal,
    *, shared: bool, replaces: bool = True, through: str = "",
) -> int:  # fmt: skip
    """Save a view, in place of one's own of the same name; return its number.

    Parameters
    ----------
    db, name, query, who
        The store, the name, the view as in an address, and whose it is.
    shared
        Whether everybody sees it.
    replaces
        Whether it may take the place of another of that name.
    through
        The API key by which it came, for the audit log.

    Raises
    ------
    InputError
        If the name will not do, there are too many, or the query is too long.
    """
    if len(query) > _LONGEST_QUERY:  # cut, it would be another filter
        raise InputError("That is too much for one view.", "Choose fewer filters.")
    values = {"name": _checked_name(name), "query": query, "shared": shared,
              "at": clock.now()}  # fmt: skip
    s = saved_view.c
    mine = select(s.id).where(s.person_id == who.id)
    number = db.scalar(mine.where(s.name == values["name"]))
    if number is not None and not replaces:
        problem = f"You have a view called {values['name']} already."
        raise InputError(problem, "Choose another name, or tick that it replaces that one.", "name")
    if number is not None:
        db.execute(update(saved_view).where(s.id == number).values(**values))
    elif (db.scalar(select(func.count()).where(s.person_id == who.id)) or 0) >= _MOST:
        raise InputError(f"You have {_MOST} views already.", "Delete one first.")
    else:
        number = insert_one(db, saved_view, **values, person_id=who.id)
    note(db, who.name, "view saved", f"view {number}", {"shared": shared, **_by_key(through)})
    return int(number)


def _by_key(through: str) -> dict[str, str]:
    return {"through": through} if through else {}


def _checked_name(name: str) -> str:
    name = " ".join(name.split())
    if not 1 <= len(name) <= _LONGEST_NAME or CONTROL.search(name):
        problem = f"A view needs a name of 1 to {_LONGEST_NAME} characters."
        raise InputError(problem, "Name it.", "name")
    return name


def change_view(db: Connection, number: int, name: str, who: Principal, *, shared: bool) -> None:
    """Rename a view, and share it or not.

    Raises
    ------
    InputError
        If they may not, or the name will not do, or is taken.
    """
    row, s, name = find_view(db, number, who, change=True), saved_view.c, _checked_name(name)
    same = select(s.id).where(s.person_id == row.person_id, s.name == name, s.id != number)
    if db.scalar(same) is not None:
        raise InputError(f"There is a view '{name}' already.", "Choose another name.", "name")
    db.execute(update(saved_view).where(s.id == number).values(name=name, shared=shared))
    note(db, who.name, "view changed", f"view {number}", {"shared": shared})


def delete_view(db: Connection, number: int, who: Principal, through: str = "") -> None:
    """Delete a view; `through` is the API key that asked for it.

    Raises
    ------
    InputError
        If they may not.
    """
    find_view(db, number, who, change=True)
    db.execute(delete(saved_view).where(saved_view.c.id == number))
    note(db, who.name, "view deleted", f"view {number}", _by_key(through))


def open_view(db: Connection, row: Row[Any], rules: Rules) -> tuple[View, str]:
    """Return a saved view as it can be shown now, and in words what of it is no more.

    A niche that nobody has stays in the filter, which then finds nobody; what the model or the
    desk does not know any more, such as a tier or a deleted list, is left out.
    """
    query = parse_qs(row.query)
    gone = [f"nobody has the niche '{niche[:40]}' now"
            for niche in query.get("niche", []) if not _occurs(db, niche)]  # fmt: skip
    for name, choices in list(query.items()):
        known = [choice for choice in choices if _is_known(db, name, choice, rules)]
        gone += [f"{name} '{choice[:40]}' is no more" for choice in choices if choice not in known]
        query[name] = known
    notice = f"Of the view '{row.name}': {'; '.join(gone)}." if gone else ""
    return View.read(query, rules), notice


def _occurs(db: Connection, niche: str) -> bool:
    """Whether anybody has a niche: the stored list of niches holds the most frequent ones."""
    if niche in read_niches(db):
        return True
    return db.scalar(select(creator.c.id).where(creator.c.niche == niche).limit(1)) is not None


def _is_known(db: Connection, name: str, choice: str, rules: Rules) -> bool:
    """Whether a filter's choice can still be asked for."""
    try:
        view = View.read(parse_qs(urlencode([(name, choice)])), rules)
    except InputError:
        return False
    if view.owner not in ("", NOBODY):
        return db.scalar(select(person.c.id).where(person.c.id == int(view.owner))) is not None
    if not view.listed:
        return True
    kind, _, number = view.listed.rpartition("-")
    table = _MAKERS[kind]
    return db.scalar(select(table.c.id).where(table.c.id == int(number))) is not None
