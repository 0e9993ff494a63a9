"""A campaign as a file: its creators with fee and mark, as proposed, and what they come to."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
from sqlalchemy import Connection, RowMapping, select

from durhampulse.creators.carried import CarriedKind
from durhampulse.desk.campaigns.campaigns import Campaign
from durhampulse.desk.campaigns.deliverables import deliverable_texts
from durhampulse.desk.models.rules import Rules
from durhampulse.desk.shortlist.export import write_list
from durhampulse.desk.shortlist.reasons import TopReasons
from durhampulse.desk.store.tables import creator, proposal
from durhampulse.scoring.crm import CrmFormat

__all__ = ["file_name", "rows_of", "write_campaign"]

_COLUMNS = pa.schema(
    [
        ("Place", pa.int64()),
        ("Fee", pa.float64()),
        ("Currency", pa.string()),
        ("Fee From", pa.string()),
        ("Cost So Far", pa.float64()),
        ("By Hand", pa.bool_()),
        ("Campaign", pa.string()),
        ("Campaign State", pa.string()),
        ("Deliverables", pa.string()),
        ("Deliverables Open", pa.int64()),
    ]
)
_AS_PROPOSED = ("probability", "low", "high", "followers", "engagement_rate", "avg_views", "niche",
                "flags")  # fmt: skip
_SOURCES = {"typed": "typed", "own": "their own", "tier": "their tier", "": ""}


def file_name(current: Campaign, kind: str) -> str:
    """Return what the file is called: the campaign's number and name.

    Examples
    --------
    >>> row = SimpleNamespace(id=3, name="Frühling / Spring: 2026!")
    >>> file_name(Campaign(row, None, {}), "xlsx")
    'campaign-3-Frühling-Spring-2026.xlsx'
    """
    name = re.sub(r"[^\w]+", "-", current.row.name)[:80].strip("-")
    return f"campaign-{current.row.id}{'-' if name else ''}{name}.{kind}"


def rows_of(db: Connection, number: int) -> list[Any]:
    """Return the creators of a campaign in their order, with the figures they were proposed with.

    Their state is the present one. ``changed`` says whether their score is another now.
    """
    query = select(creator, proposal).join(proposal, proposal.c.creator_id == creator.c.id)
    rows = db.execute(query.where(proposal.c.campaign_id == number).order_by(proposal.c.place))
    return [_as_proposed(row) for row in rows.mappings()]


def _as_proposed(cells: RowMapping) -> SimpleNamespace:
    values = {column.name: cells[column] for column in creator.c}
    values |= {name: cells[proposal.c[name]] for name in _AS_PROPOSED}
    values |= {name: cells[proposal.c[name]]
               for name in ("place", "fee", "currency", "fee_from", "by_hand")}  # fmt: skip
    return SimpleNamespace(**values, changed=values["probability"] != cells[creator.c.probability])


class _Reasons(TopReasons):
    """Reasons of those only whose score is still the one they were proposed with."""

    def __init__(self, reasons: TopReasons) -> None:
        super().__init__()
        self._reasons = reasons

    def of(self, rules: Rules, rows: Sequence[Any]) -> list[str]:
        """Return each row's strongest reason; empty where it would explain another score."""
        same = [row for row in rows if not row.changed]
        texts = iter(self._reasons.of(rules, same) if same else [])
        return ["" if row.changed else next(texts) for row in rows]


def write_campaign(  # noqa: PLR0913 - what is written, and by which rules
    path: Path, current: Campaign, rows: Sequence[Any], rules: Rules, reasons: TopReasons,
    *, by: str, totals: Mapping[str, str], carried: Mapping[str, CarriedKind], db: Connection,
    form: CrmFormat | None = None,
) -> None:  # fmt: skip
    """Write a campaign's creators to a file, its budget and totals to the file's provenance.

    Parameters
    ----------
    path
        Where, of any format that can be written; a CSV has no room for the totals.
    rows
        From :func:`rows_of`.
    totals
        What the campaign comes to: name to figure in words.
    db
        Where decisions and notes are read from.
    form
        Of the customer system that is to import it, if any.
    """
    facts: dict[str, Any] = {
        "campaign": current.row.name,
        "state": current.row.state,
        "state_by": current.row.state_by or current.row.by,
        "proposed_at": str(current.row.proposed_at or ""),
        "model": current.row.model_version or rules.version,
        "maximised": current.brief.aim,
        **({} if current.brief.budget is None else {"budget": current.brief.budget}),
        **({"currency": current.brief.currency} if current.brief.currency else {}),
        **totals,
        **({"creators_erased_since": current.row.erased} if current.row.erased else {}),
    }
    write_list(
        path, [rows] if rows else [], rules, _Reasons(reasons),
        about=f"campaign {current.row.name}", by=by, carried=carried, db=db,
        added=_table(current, rows, deliverable_texts(db, current.row.id)), facts=facts, form=form,
    )  # fmt: skip


def _table(current: Campaign, rows: Sequence[Any], due: Mapping[int, tuple[str, int]]) -> pa.Table:
    fees = [row.fee for row in rows]
    costs = [sum(fee or 0.0 for fee in fees[: at + 1]) for at in range(len(fees))]
    columns: list[list[Any]] = [
        [row.place + 1 for row in rows],
        fees,
        [row.currency for row in rows],
        [_SOURCES.get(row.fee_from, "") for row in rows],
        costs,
        [row.by_hand for row in rows],
        [current.row.name] * len(rows),
        [current.row.state] * len(rows),
        [due.get(row.id, (None, 0))[0] for row in rows],
        [due.get(row.id, (None, 0))[1] for row in rows],
    ]
    return pa.table(
        [pa.array(values, field.type) for values, field in zip(columns, _COLUMNS, strict=True)],
        schema=_COLUMNS,
    )
