"""Lists unlike the creators a model learned from: in what, and for how long they are in place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from sqlalchemy import ColumnElement, Connection, Table, func, select

from durhampulse.creators.schema import COLUMNS
from durhampulse.decision.figures import axis_text
from durhampulse.desk.models.rules import Rules
from durhampulse.desk.store.settings import read_setting, write_setting
from durhampulse.desk.store.tables import NUMBERS, creator, run, upload
from durhampulse.features.profile import DRIFT_WORDS, Profile
from durhampulse.scoring.summary import has_too_few_precedents

__all__ = [
    "StandingList", "Unlikeness", "refresh_standing", "standing_lists", "typical_figures",
    "unlikeness",
]  # fmt: skip

_SETTING = "unlike_lists"
_WORD = [*DRIFT_WORDS][-1]
_SHARE = 0.5
"""Share of the figures that must be unlike: a list of one niche differs in that one alone."""
_TIMES = 1.5
_GAP = 0.25


@dataclass(frozen=True, kw_only=True)
class Unlikeness:
    """In what a list is unlike the creators the model learned from; plain data.

    Attributes
    ----------
    columns, of
        How many of the figures are unlike, of those compared.
    trained
        Creators the model learned from; 0 where its folder does not say.
    creators, without_precedent
        Creators of the list, and those of them who are unlike every one it learned from.
    details
        A sentence for each figure that is unlike.
    """

    columns: int
    of: int
    trained: int
    creators: int
    without_precedent: int
    details: Sequence[str]

    @property
    def text(self) -> str:
        """The finding as one sentence."""
        trained = f"the {self.trained:,} creators" if self.trained else "the creators"
        parts = [f"in {self.columns} of {self.of} figures"] if self.columns else []
        if has_too_few_precedents(self.without_precedent, self.creators):
            parts.append(
                f"{self.without_precedent:,} of {self.creators:,} have no precedent at all"
            )
        return f"This list is unlike {trained} the model learned from: {', and '.join(parts)}."


@dataclass(frozen=True, kw_only=True)
class StandingList:
    """An unlike list that is in place.

    Attributes
    ----------
    upload, file_name
        The import; None and empty for the whole list under a new model.
    creators
        How many of its creators still have the figures it brought.
    text
        The finding.
    by
        Who has confirmed it.
    """

    upload: int | None
    file_name: str
    creators: int
    text: str
    by: str


def unlikeness(
    rules: Rules, drift: Sequence[Mapping[str, Any]], typical: Mapping[str, float],
    *, creators: int, without_precedent: int,
) -> Unlikeness | None:  # fmt: skip
    """Return in what a list is unlike the training rows; None where it is not.

    It is where at least half of its figures are, or 5 of 100 creators have no precedent.

    Parameters
    ----------
    rules
        The model.
    drift
        From :meth:`.Profile.drift`, as records.
    typical
        Column to the list's median, from :func:`typical_figures`.
    creators, without_precedent
        Counts of the list.
    """
    moved = [row for row in drift if row["word"] == _WORD]
    enough = bool(moved) and len(moved) >= _SHARE * len(drift)
    if not enough and not has_too_few_precedents(without_precedent, creators):
        return None
    profile = rules.scorer.model.profile
    details = [_detail(row, profile, typical) for row in moved]
    trained = rules.scorer.model.manifest.get("rows", {}).get("train", 0)
    return Unlikeness(
        columns=len(moved) if enough else 0, of=len(drift), trained=int(trained or 0),
        creators=creators, without_precedent=without_precedent,
        details=[detail for detail in details if detail],
    )  # fmt: skip


def _detail(row: Mapping[str, Any], profile: Profile, typical: Mapping[str, float]) -> str:
    """Return in words how a figure differs from those of training."""
    name = str(row["column"])
    title = COLUMNS[name].title if name in COLUMNS else name.replace("_", " ")
    missing = profile.shares[name][-1]
    if row["missing"] > missing + _GAP:
        return f"{title}: not known for {_of_100(row['missing'])} (there {_of_100(missing)})"
    if name not in profile.edges:
        if row["unseen"] > _GAP:
            return f"{title}: {_of_100(row['unseen'])} are of a kind the model seldom or never saw"
        return f"{title}: other shares of each kind"
    now, then = typical.get(name), _median(profile, name)
    if now is None or then is None:
        return f"{title}: other values"
    words = f"{title}: typically {axis_text(name, now)}, there {axis_text(name, then)}"
    times = now / then if then else 0.0
    if times >= _TIMES:
        return f"{words}, about {times:.2g} times as high" if times < 100 else words
    return words


def _of_100(share: float) -> str:
    return f"{share * 100:.0f} of 100"


def _median(profile: Profile, name: str) -> float | None:
    """Return a column's median in training, to the nearest decile above."""
    shares = np.cumsum(profile.shares[name][:-1])
    if not profile.edges[name] or not shares[-1]:
        return None
    at = int(np.searchsorted(shares, shares[-1] / 2 - 1e-9))
    return float(profile.edges[name][min(at, len(profile.edges[name]) - 1)])


def typical_figures(
    db: Connection, table: Table, which: ColumnElement[bool], names: Sequence[str]
) -> dict[str, float]:
    """Return the median of stored figures, over the rows of a table that have one."""
    medians = {}
    for name in names:
        if name not in NUMBERS:
            continue
        column = table.c[NUMBERS[name]]
        known = select(column).where(which, column.is_not(None))
        n = db.scalar(select(func.count()).select_from(known.subquery())) or 0
        if n:
            middle = known.order_by(column).limit(1).offset(n // 2)
            medians[name] = float(db.scalar(middle) or 0.0)
    return medians


def refresh_standing(db: Connection) -> None:
    """Keep which unlike lists are in place: those whose creators still have their figures."""
    runs = db.execute(
        select(run, upload.c.file_name)
        .outerjoin(upload, upload.c.id == run.c.upload_id)
        .where(run.c.unlike.is_not(None), run.c.applied_at.is_not(None))
        .order_by(run.c.id.desc())
    ).all()
    of = select(creator.c.run_id, func.count()).where(creator.c.run_id.in_([r.id for r in runs]))
    left = {row[0]: row[1] for row in db.execute(of.group_by(creator.c.run_id))} if runs else {}
    lists = [
        StandingList(
            upload=row.upload_id, file_name=row.file_name or "", creators=left[row.id],
            text=Unlikeness(**row.unlike["facts"]).text, by=row.unlike["by"],
        )
        for row in runs
        if left.get(row.id)
    ]  # fmt: skip
    if lists or read_setting(db, _SETTING):
        write_setting(db, _SETTING, [asdict(facts) for facts in lists])


def standing_lists(db: Connection) -> list[StandingList]:
    """Return the unlike lists that are in place, the newest first."""
    return [StandingList(**row) for row in read_setting(db, _SETTING, [])]
