"""The table of the desk's pages: what is served, what the navigation shows, and to whom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from fastapi import APIRouter

from durhampulse.desk.people.people import PersonRole
from durhampulse.desk.web import (
    account,
    acts,
    api,
    audit,
    bets,
    bulk,
    campaigns,
    creators,
    deliverables,
    difference,
    hooks,
    imports,
    keyboard,
    listing,
    lists,
    models,
    opinions,
    outcomes,
    owners,
    parts,
    people,
    pipeline,
    plans,
    provider,
    queue,
    reminders,
    rest_bulk,
    rest_deliverables,
    rest_lists,
    rest_owners,
    rest_reminders,
    rooms,
    second,
    then,
    thresholds,
)

__all__ = ["PAGES", "ROUTERS", "Page"]


@dataclass(frozen=True, kw_only=True)
class Page:
    """A page of the desk, and an entry of its navigation.

    Attributes
    ----------
    path
        Its address.
    title
        What the navigation calls it.
    router
        Its routes, and those of its parts.
    role
        Who may see it.
    covers
        Addresses, beside its own, under which the entry is the current one.
    patient
        Addresses that may take longer than others.
    beside
        Whether it stands in the menu beside the navigation.
    """

    path: str
    title: str
    router: APIRouter
    role: PersonRole = "viewer"
    covers: tuple[str, ...] = ()
    patient: tuple[str, ...] = ()
    beside: bool = False

    def is_current(self, path: str) -> bool:
        """Whether an address belongs to this entry."""
        return path.startswith((self.path, *self.covers))


PAGES: Final = (
    Page(
        path="/shortlist",
        title="Shortlist",
        router=listing.router,
        covers=("/creators", "/bulk", "/then"),
        patient=("/shortlist/export", "/bulk", "/then"),
    ),
    Page(path="/today", title="Today", router=owners.router, role="reviewer"),
    Page(
        path="/queue", title="Review", router=queue.router, role="reviewer", covers=("/opinions",),
    ),
    Page(
        path="/campaigns", title="Campaigns", router=campaigns.router, covers=("/rooms",),
        patient=("/campaigns",),
    ),
    Page(path="/imports", title="Import", router=imports.router, patient=("/imports",)),
    Page(path="/outcomes", title="Outcomes", router=outcomes.router, patient=("/outcomes",)),
    Page(path="/model", title="Model", router=models.router),
    Page(path="/lists", title="Lists", router=lists.router, beside=True),
    Page(path="/pipeline", title="Pipeline", router=pipeline.router, patient=("/pipeline",),
         beside=True),
    Page(path="/acts", title="Acts", router=acts.router, patient=("/acts",), beside=True),
    Page(path="/people", title="People", router=people.router, role="admin", covers=("/hooks",),
         beside=True),
    Page(path="/audit", title="Audit", router=audit.router, role="admin", beside=True),
)  # fmt: skip
"""In the order of the navigation."""

ROUTERS: Final = (
    second.admin_router,  # before the people's own, whose paths hold a number at that place
    *(page.router for page in PAGES),
    parts.router,
    creators.router,
    owners.of_creator,
    reminders.of_creator,
    reminders.router,
    bulk.router,
    lists.views,
    plans.router,
    deliverables.of_campaign,
    deliverables.router,
    difference.router,
    bets.router,
    rooms.router,
    rooms.door,
    hooks.router,
    opinions.router,
    then.router,
    thresholds.router,
    people.door,
    account.router,
    second.door,
    provider.door,
    provider.admin_router,
    second.router,
    keyboard.router,
    rest_deliverables.router,
    rest_reminders.router,
    rest_owners.router,  # before a creator's own, whose path ends with any identifier
    api.router,
    rest_lists.lists_router,
    rest_lists.views_router,
    rest_bulk.router,
)
"""All routes of the desk's own; those without an entry of the navigation come last."""
