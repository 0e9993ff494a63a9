"""All creators that a view matched at one moment, and what is in that set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self
from urllib.parse import parse_qs

from sqlalchemy import ColumnElement, Connection, func, select

from durhampulse.decision.bands import Thresholds
from durhampulse.desk.models.catalogue import Catalogue
from durhampulse.desk.models.rules import Rules
from durhampulse.desk.shortlist.filters import matching
from durhampulse.desk.shortlist.pages import counted
from durhampulse.desk.shortlist.view import View
from durhampulse.desk.store.tables import creator, review, run
from durhampulse.exceptions import InputError

__all__ = ["Selection", "read_view", "select_all"]


@dataclass(frozen=True, kw_only=True)
class Selection:
    """A view's creators as they were when a page showed their number.

    The set is not copied. It is the creators up to `last_id` that match the view by the model and
    the thresholds of that moment; those whose figures an import has changed since, by `last_run`,
    and those decided since, by `seen`, are not in it any more.

    Attributes
    ----------
    query
        The view, as in an address.
    total
        Number of creators.
    last_id, last_run, seen
        The latest creator, run and review of that moment.
    version, yes_at, review_at
        The model and the thresholds.
    """

    query: str
    total: int
    last_id: int
    last_run: int
    seen: int
    version: str
    yes_at: float
    review_at: float

    @classmethod
    def read(cls, fields: Mapping[str, Any]) -> Self:
        """Return the selection of plain data.

        Raises
        ------
        InputError
            If the data is none of a selection.
        """
        try:
            numbers = {name: int(fields[name]) for name in ("total", "last_id", "last_run", "seen")}
            texts = {name: str(fields[name]) for name in ("query", "version")}
            shares = {name: float(fields[name]) for name in ("yes_at", "review_at")}
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise InputError("The selection cannot be read.", "Select them again.") from error
        if not all(0 <= value < 2**63 for value in numbers.values()):
            raise InputError("The selection cannot be read.", "Select them again.")
        values: dict[str, Any] = {**numbers, **texts, **shares}
        return cls(**values)

    @property
    def fields(self) -> dict[str, Any]:
        """The selection as plain data, for a form or the store."""
        return asdict(self)

    def rules(self, db: Connection, catalogue: Catalogue) -> Rules:
        """Return the rules by which the view was counted."""
        thresholds = Thresholds(self.yes_at, self.review_at)
        return Rules.of(self.version, catalogue.scorer(db, self.version), thresholds)

    def conditions(self, rules: Rules) -> list[ColumnElement[bool]]:
        """Return the conditions on the table `creator`, but for what was decided since.

        They suit a range of numbers, since each creator is looked up alone.
        """
        unchanged = (creator.c.id <= self.last_id, creator.c.run_id <= self.last_run)
        return [*unchanged, *matching(read_view(self.query, rules), rules, "row")]


def read_view(query: str, rules: Rules) -> View:
    """Return the view of an address's query.

    Raises
    ------
    InputError
        If it asks for what there is not.
    """
    return View.read(parse_qs(query), rules)


def select_all(db: Connection, view: View, rules: Rules) -> Selection:
    """Return the selection of all creators that a view matches now."""
    last_id, last_run, seen = (
        int(db.scalar(select(func.max(table.c.id))) or 0) for table in (creator, run, review)
    )
    total = db.scalar(counted(db, select(func.count(creator.c.id)), view, rules))
    return Selection(
        query="&".join([view.query(), *(f"without={number}" for number in view.without)]),
        total=int(total or 0),
        last_id=last_id,
        last_run=last_run,
        seen=seen,
        version=rules.version,
        yes_at=rules.thresholds.yes_at,
        review_at=rules.thresholds.review_at,
    )
