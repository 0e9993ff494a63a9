"""The page of lists and saved views, and what is done to them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response
from sqlalchemy import Connection, Row

from durhampulse.decision.figures import quantity
from durhampulse.desk.review.conflicts import in_sentence
from durhampulse.desk.shortlist.lists import (
    add_members,
    change_list,
    delete_list,
    find_list,
    make_list,
    own_lists,
    remove_members,
)
from durhampulse.desk.shortlist.saved import (
    change_view,
    delete_view,
    find_view,
    open_view,
    save_view,
    views_for,
)
from durhampulse.desk.shortlist.selection import read_view
from durhampulse.desk.web.access import DeskOf, Number, PageRoute, Reviewer, Viewer
from durhampulse.desk.web.rendering import Context, redirect, render
from durhampulse.exceptions import InputError

__all__ = ["router", "views"]

router = APIRouter(prefix="/lists", include_in_schema=False, route_class=PageRoute)
views = APIRouter(prefix="/views", include_in_schema=False, route_class=PageRoute)


class ListsContext(Context, template="lists.html"):
    """The lists made by hand, and the saved views."""

    lists: Sequence[Row[Any]]
    saved: Sequence[Row[Any]]


@router.get("")
def show(request: Request, desk: DeskOf, who: Viewer) -> Response:
    """Show the lists made by hand, and the saved views."""
    with desk.store.reading() as db:
        lists, saved = own_lists(db), views_for(db, who)
    return render(request, who, ListsContext(lists=lists, saved=saved))


@router.post("")
def make(
    desk: DeskOf, who: Reviewer, name: Annotated[str, Form()],
    client: Annotated[str, Form()] = "", note: Annotated[str, Form()] = "",
) -> Response:  # fmt: skip
    """Make an empty list."""
    with desk.store.writing() as db:
        make_list(db, name, who.name, client=client, note=note)
    return redirect("/lists", "The list is made. Tick creators on the shortlist to fill it.")


@router.post("/members")
def change_members(
    desk: DeskOf, who: Reviewer, what: Annotated[str, Form()],
    chosen: Annotated[list[Number], Form(default_factory=list)],
    into: Annotated[str, Form()] = "", new: Annotated[str, Form()] = "",
    back: Annotated[str, Form()] = "",
) -> Response:  # fmt: skip
    """Put those ticked into a list, or take them out of it."""
    if not chosen:
        raise InputError("Nobody is ticked.", "Tick creators first.")
    with desk.store.writing() as db:
        number = _new_list(db, new, who.name) if new.strip() else _chosen_list(db, into)
        change = remove_members if what == "remove" else add_members
        n = change(db, number, chosen, who.name)
        name = find_list(db, number).name
    creators = quantity(n, "creator")
    done = f"Took {creators} out of" if what == "remove" else f"Put {creators} into"
    return redirect(f"/shortlist?{back}", f"{done} {in_sentence(name)}.")


def _new_list(db: Connection, name: str, by: str) -> int:
    """Make a list by the form of the shortlist, whose field for its name is `new`."""
    try:
        return make_list(db, name, by)
    except InputError as error:
        raise InputError(error.problem, error.way_out, "new") from error


def _chosen_list(db: Connection, into: str) -> int:
    if not into.isascii() or not into.isdecimal() or len(into) > 9:
        raise InputError("No list was chosen.", "Choose one, or name a new one.", "into")
    return int(find_list(db, int(into)).id)


@router.post("/{number}")
def change(
    desk: DeskOf, who: Reviewer, number: Number, name: Annotated[str, Form()],
    client: Annotated[str, Form()] = "", note: Annotated[str, Form()] = "",
) -> Response:  # fmt: skip
    """Change what is said of a list."""
    with desk.store.writing() as db:
        change_list(db, number, who.name, name, client, note)
    return redirect("/lists", "The list is changed.")


@router.post("/{number}/delete")
def drop(desk: DeskOf, who: Reviewer, number: Number) -> Response:
    """Delete a list; its creators stay."""
    with desk.store.writing() as db:
        name = find_list(db, number).name
        delete_list(db, number, who.name)
    return redirect("/lists", f"Deleted the list {in_sentence(name)}. Its creators stay.")


@views.get("/{number}")
def go(desk: DeskOf, who: Viewer, number: Number) -> Response:
    """Go to a saved view; what it asked for and is no more is said."""
    with desk.store.reading() as db:
        view, gone = open_view(db, find_view(db, number, who), desk.catalogue.current(db))
    return redirect(f"/shortlist?{view.query()}", gone)


@views.post("")
def save(
    desk: DeskOf, who: Reviewer, name: Annotated[str, Form()],
    query: Annotated[str, Form()] = "", shared: Annotated[bool, Form()] = False,
    replaces: Annotated[bool, Form()] = False,
) -> Response:  # fmt: skip
    """Save a view."""
    with desk.store.writing() as db:
        view = read_view(query, desk.catalogue.current(db))
        save_view(db, name, view.query(), who, shared=shared, replaces=replaces)
    return redirect(
        f"/shortlist?{view.query()}", f"Saved as {in_sentence(' '.join(name.split()))}."
    )


@views.post("/{number}")
def rename(
    desk: DeskOf, who: Reviewer, number: Number, name: Annotated[str, Form()],
    shared: Annotated[bool, Form()] = False,
) -> Response:  # fmt: skip
    """Rename a view, and share it or not."""
    with desk.store.writing() as db:
        change_view(db, number, name, who, shared=shared)
    return redirect("/lists", "The view is changed.")


@views.post("/{number}/delete")
def forget(desk: DeskOf, who: Reviewer, number: Number) -> Response:
    """Delete a view."""
    with desk.store.writing() as db:
        delete_view(db, number, who)
    return redirect("/lists", "The view is deleted.")
