"""Campaigns: a brief, the set that promises most, and a person's changes to it."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from sqlalchemy import select
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse

from durhampulse.desk.campaigns.planning import (
    Brief,
    candidates,
    change_choice,
    drop_campaign,
    find_campaign,
    more_budget,
    plan,
    save_campaign,
)
from durhampulse.desk.models.rules import Rules
from durhampulse.desk.shortlist.export import write_list
from durhampulse.desk.shortlist.view import read_number
from durhampulse.desk.store.carried import read_carried
from durhampulse.desk.store.identifiers import find_number
from durhampulse.desk.store.niches import read_niches
from durhampulse.desk.store.tables import campaign, creator
from durhampulse.desk.web.access import DeskOf, Number, Reviewer, Viewer
from durhampulse.desk.web.listing import FILE_TYPES
from durhampulse.desk.web.rendering import redirect, render
from durhampulse.desk.web.state import Desk
from durhampulse.exceptions import CannotJudgeError, InputError
from durhampulse.files.formats import listed

__all__ = ["router"]

router = APIRouter(prefix="/campaigns", include_in_schema=False)


@router.get("")
def show_all(request: Request, desk: DeskOf, who: Viewer) -> Response:
    """Show all campaigns, and the form for a new one."""
    with desk.store.reading() as db:
        rules = desk.catalogue.current(db)
        campaigns = db.execute(select(campaign).order_by(campaign.c.id.desc()).limit(200)).all()
        niches = read_niches(db)
    return render(request, who, "campaigns.html", campaigns=campaigns, niches=niches, rules=rules,
                  brief=None)  # fmt: skip


@router.post("")
async def add(request: Request, desk: DeskOf, who: Reviewer) -> Response:
    """Make a campaign."""
    return await run_in_threadpool(_save, desk, await request.form(), who.name)


def _save(desk: Desk, form: FormData, by: str, number: int | None = None) -> Response:
    brief = _read(desk.catalogue.current(), form)
    return redirect(f"/campaigns/{save_campaign(desk.store, brief, by, number)}")


def _read(rules: Rules, form: FormData) -> Brief:
    texts = {name: str(value) for name, value in form.items()}
    tiers = [str(tier) for tier in form.getlist("tier")]
    wanted = [str(niche) for niche in form.getlist("niche")]
    wrong = [tier for tier in tiers if tier not in rules.tiers]
    if wrong:
        raise InputError(f"There is no tier '{wrong[0][:40]}'.", f"Use {', '.join(rules.tiers)}.")
    amounts = {name: read_number(name, texts.get(name, ""))
               for name in ("number", "budget", "most_per_niche")}  # fmt: skip
    whole = {name: _whole(name, amounts[name]) for name in ("number", "most_per_niche")}
    fees = {tier: read_number(f"fee {tier}", texts.get(f"fee {tier}", "")) or 0.0
            for tier in rules.tiers}  # fmt: skip
    return Brief(
        name=texts.get("name", "").strip(),
        number=whole["number"] or 0,
        niches=tuple(wanted),
        tiers=tuple(tiers),
        fees=fees,
        budget=amounts["budget"],
        most_per_niche=whole["most_per_niche"],
    )


def _whole(name: str, amount: float | None) -> int | None:
    if amount is None:
        return None
    if not amount.is_integer():
        raise InputError(f"{name.replace('_', ' ')}: {amount:g} is not whole.", "Round it.", name)
    return int(amount)


@router.get("/{number}")
def show(request: Request, desk: DeskOf, who: Viewer, number: Number) -> Response:
    """Show a campaign's brief and the set the desk proposes."""
    problem = None
    with desk.store.reading() as db:
        rules = desk.catalogue.current(db)
        row, brief, choices = find_campaign(db, number)
        niches = read_niches(db)
        table = candidates(db, brief, rules, choices)
        named = db.execute(
            select(creator.c.id, creator.c.external_id, creator.c.name).where(
                creator.c.id.in_([*choices])
            )
        ).all()
    try:
        chosen = plan(table, brief)
        budgets = more_budget(table, brief, chosen)
    except CannotJudgeError as error:
        chosen, budgets, problem = plan(table.iloc[:0], brief), None, error
    with desk.store.reading() as db:
        people = {row.id: row for row in db.execute(
            select(creator.c.id, creator.c.name, creator.c.carried)
            .where(creator.c.id.in_(chosen.table["id"].tolist()))
        )}  # fmt: skip
    return render(
        request, who, "campaign.html", campaign=row, brief=brief, plan=chosen, problem=problem,
        rules=rules, niches=niches, people=people, rows=chosen.table.to_dict("records"),
        by_hand={choice: [row for row in named if choices[row.id] == choice]
                 for choice in ("in", "out")},
        budgets=[] if budgets is None else budgets.to_dict("records"),
    )  # fmt: skip


@router.post("/{number}")
async def change(request: Request, desk: DeskOf, who: Reviewer, number: Number) -> Response:
    """Change a campaign's brief."""
    return await run_in_threadpool(_save, desk, await request.form(), who.name, number)


@router.post("/{number}/choose")
def choose(
    desk: DeskOf, who: Reviewer, number: Number, choice: Annotated[str, Form()],
    creator_id: Annotated[Number | None, Form()] = None, name: Annotated[str, Form()] = "",
) -> Response:  # fmt: skip
    """Put a creator in, leave them out, or let the desk choose again."""
    if name.strip():
        with desk.store.reading() as db:
            creator_id = find_number(db, name)
    if creator_id is None:
        raise InputError(f"There is no creator '{name[:60]}'.", "Check the identifier.", "name")
    change_choice(desk.store, number, [creator_id], choice, who.name)
    return redirect(f"/campaigns/{number}")


@router.post("/{number}/delete")
def drop(desk: DeskOf, who: Reviewer, number: Number) -> Response:
    """Delete a campaign."""
    drop_campaign(desk.store, number, who.name)
    return redirect("/campaigns", "Deleted.")


@router.get("/{number}/export/{kind}")
def export(desk: DeskOf, who: Viewer, number: Number, kind: str) -> Response:
    """Return the proposed set as a file."""
    if kind not in FILE_TYPES:
        raise HTTPException(404, f"Export {listed(tuple(FILE_TYPES))}.")
    with desk.store.reading() as db:
        rules = desk.catalogue.current(db)
        _, brief, choices = find_campaign(db, number)
        table = candidates(db, brief, rules, choices)
        chosen = plan(table, brief).table["id"].tolist()
        by_number = {row.id: row for row in db.execute(
            select(creator).where(creator.c.id.in_(chosen))
        )}  # fmt: skip
        carried = read_carried(db)
    folder = tempfile.TemporaryDirectory(prefix="durhampulse-")
    path = Path(folder.name, f"campaign-{number}.{kind}")
    rows = [by_number[creator_id] for creator_id in chosen]
    write_list(
        path, [rows] if rows else [], rules, desk.top_reasons,
        about=f"campaign {brief.name}", by=who.name, carried=carried,
    )  # fmt: skip
    return FileResponse(path, media_type=FILE_TYPES[kind], filename=path.name,
                        background=BackgroundTask(folder.cleanup))  # fmt: skip
