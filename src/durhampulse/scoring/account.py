"""One creator's account: where they stand, why, and what would change it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from durhampulse.creators.block import Block
from durhampulse.creators.outcome import outcome_words
from durhampulse.creators.schema import COLUMNS, IDENTIFIER, LABEL
from durhampulse.creators.words import listed
from durhampulse.decision.bands import NO_PRECEDENT, YES
from durhampulse.decision.figures import above, figure_text, percent
from durhampulse.decision.gaps import unscorable
from durhampulse.decision.reasons import REASONS_NOTE, reason_table, what_would_change
from durhampulse.decision.shapley import explain
from durhampulse.decision.table import decision_table
from durhampulse.decision.unlike import unlike_words
from durhampulse.deferred import pd
from durhampulse.exceptions import CannotJudgeError
from durhampulse.markup import list_html
from durhampulse.scoring.model import StoredModel

__all__ = ["Account", "account_of", "alike_text"]

_SHOWN = 5
"""Past creators that are named in words; the data holds all."""


@dataclass(frozen=True, kw_only=True)
class Account:
    """Where one creator stands and why.

    Attributes
    ----------
    creator
        Identifier; empty where the row holds none.
    probability, low, high
        Of a deal, with its 90% interval.
    recommendation
        The band, or that the creator has no precedent; blank where the model's data allowed none.
    edge
        The band beyond, where it is not unlikely: "may be a Yes"; else empty.
    reasons_for, reasons_against, not_known, flags
        In words; a figure that is not known is no reason.
    effects
        Shapley value of each column, in log-odds; with `base` they add up to the log-odds.
    base
        Mean log-odds of the creators that stand for unknown columns.
    exact
        Whether the values are exact.
    changes
        What would reach the next band: ``column, from, to, percentiles, probability``.
    refusal
        Why the model's own data allow no recommendation; empty where they do.
    got
        What a deal is called, as in "9 of 12 got a deal".
    unlike
        In what the creator is unlike all that the model learned from.
    alike
        The past creators most like this one, the nearest first: whether each got a ``deal``, and
        figures by column.
    carried
        Header to text of the columns that are carried along and filled.
    shares, usual
        Shapley value of each column for the probability itself; with `usual`, the mean of the
        creators that stand for unknown columns, they add up to it.
    """

    creator: str
    probability: float
    low: float
    high: float
    recommendation: str
    edge: str
    reasons_for: list[str]
    reasons_against: list[str]
    flags: list[str]
    effects: dict[str, float]
    base: float
    exact: bool
    changes: list[dict[str, Any]]
    refusal: str
    unlike: list[str] = field(default_factory=list)
    alike: list[dict[str, Any]] = field(default_factory=list)
    got: str = "got a deal"
    carried: dict[str, str] = field(default_factory=dict)
    not_known: list[str] = field(default_factory=list)
    shares: dict[str, float] = field(default_factory=dict)
    usual: float = 0.0

    def __repr__(self) -> str:
        return self.text()

    def _repr_html_(self) -> str:
        title, *lines = self.text().splitlines()
        return list_html(title, [line.removeprefix("  - ") for line in lines])

    def to_dict(self) -> dict[str, Any]:
        """Return the account as plain data."""
        return asdict(self)

    def text(self) -> str:
        """Return the account in words, a line each; no number without a precedent."""
        band = self.recommendation or f"no recommendation ({self.refusal})"
        if self.recommendation == NO_PRECEDENT:
            answer = band
            why = ["No number counts here, so a person decides.", *self._not_known_lines()]
        else:
            answer, why = f"{percent(self.probability)}, {band}", self._reason_lines()
        lines = [
            f"{_named(self.creator)}: {answer}",
            *(f"  {header}: {text}" for header, text in self.carried.items()),
            *_part("Unlike all creators the model learned from", self.unlike),
            *why,
            *_part("Worth a look", self.flags),
            *_part(self.precedents, [alike_text(row, self.got) for row in self.alike[:_SHOWN]]),
            *self._change_lines(),
        ]
        return "\n".join(lines)

    @property
    def precedents(self) -> str:
        """How many of the past creators most like this one got a deal; empty where not known."""
        if not self.alike:
            return ""
        deals = sum(row["deal"] for row in self.alike)
        return f"Past creators most like this one: {deals} of {len(self.alike)} {self.got}"

    def _reason_lines(self) -> list[str]:
        return [
            self._interval_line(),
            *_part("For", self.reasons_for),
            *_part("Against", self.reasons_against),
            *self._not_known_lines(),
            REASONS_NOTE + ("" if self.exact else " Effects are estimated over drawn orders."),
        ]

    def _not_known_lines(self) -> list[str]:
        return [f"Not known: {', '.join(self.not_known)}."] if self.not_known else []

    def _interval_line(self) -> str:
        if self.unlike:
            return "No interval: nothing like this was learned from."
        high = above(self.high)
        span = f"{percent(self.low)} to {high}" if self.low else f"at most {high}"
        edge = f"; {self.edge}" if self.edge else ""
        return f"90% interval of the true probability: {span}{edge}"

    def _change_lines(self) -> list[str]:
        if self.recommendation in (YES, NO_PRECEDENT):
            return []
        if not self.changes:
            figures = [column.short for column in COLUMNS.values() if column.changeable]
            return [f"No change in {listed(figures, 'or')} within reach changes this."]
        changes = " and ".join(
            f"{figure_text(c['column'], c['to'])} instead of {figure_text(c['column'], c['from'])}"
            for c in self.changes
        )
        return [
            f"What would change it: {changes} goes with {percent(self.changes[0]['probability'])}. "
            "An association in past deals, not a cause."
        ]


def _part(title: str, sentences: list[str]) -> list[str]:
    return [f"{title}:", *(f"  - {sentence}" for sentence in sentences)] if sentences else []


def alike_text(row: Mapping[str, Any], got: str) -> str:
    """Return a past creator in words: what they were, and what became of them."""
    figures = [figure_text(c, v) for c, v in row.items() if c not in (IDENTIFIER, "deal")]
    named = f"{row[IDENTIFIER]}: " if IDENTIFIER in row else ""
    return f"{named}{', '.join(figures)}: {got if row['deal'] else 'not'}"


def _nearest(loaded: StoredModel, row: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the past creators most like one, as plain data."""
    if loaded.neighbours is None:
        return []
    rows = loaded.neighbours.nearest(loaded.model.encoding, row).astype(object)
    plain = rows.where(rows.notna(), None).to_dict("records")
    return [{"deal": bool(r.pop(LABEL)), **{str(k): v for k, v in r.items()}} for r in plain]


def account_of(
    loaded: StoredModel, row: pd.DataFrame, carried: Mapping[str, str | None] | None = None
) -> Account:
    """Return the account of the creator of one row.

    Parameters
    ----------
    loaded
        The model.
    row
        The creator, shape (1, any).
    carried
        Header to text of what is carried along of the creator.

    Raises
    ------
    CannotJudgeError
        If too little is known of the creator.
    """
    identifier = row[IDENTIFIER].iloc[0]
    creator = "" if pd.isna(identifier) else str(identifier)
    refused = unscorable(row, loaded.model.encoding.columns).iloc[0]
    if refused:
        raise CannotJudgeError(
            f"{_named(creator)}: not scored. {refused}.",
            "Fill in the figures that are missing.",
        )
    model, peers = loaded.model, loaded.peers
    explanation = explain(model, row, loaded.background)
    reasons = reason_table(explanation, row, peers).iloc[0]
    changes = what_would_change(model, row, peers, loaded.thresholds)
    return Account(
        creator=creator,
        **_standing(loaded, row),
        reasons_for=reasons["Reasons For"],
        reasons_against=reasons["Reasons Against"],
        not_known=reasons["Not Known"],
        flags=peers.raised(int(peers.flag_bits(Block.of(row))[0])),
        effects={str(k): float(v) for k, v in explanation.values.iloc[0].items()},
        base=explanation.base,
        exact=explanation.exact,
        changes=[{str(k): v for k, v in change.items()} for change in changes.to_dict("records")],
        alike=_nearest(loaded, row),
        got=outcome_words(loaded.rules.get(LABEL)).got,
        carried={header: text for header, text in (carried or {}).items() if text},
        shares={str(k): float(v) for k, v in explanation.shares.iloc[0].items()},
        usual=explanation.usual,
    )


def _standing(loaded: StoredModel, row: pd.DataFrame) -> dict[str, Any]:
    """Return the fields of an account that say where a creator stands, as their row of a table."""
    model, unlike = loaded.model, unlike_words(loaded.model, row)
    refusal = str(loaded.manifest.get("verdict", {}).get("refusal", ""))
    decided = decision_table(
        row,
        model.predict_proba(row),
        loaded.thresholds,
        peers=loaded.peers,
        interval=model.interval,
        unlike=unlike,
        verdict=refusal,
    ).iloc[0]
    return {
        "probability": float(decided["Predicted Sponsorship"]),
        "low": float(decided["Interval Low"]),
        "high": float(decided["Interval High"]),
        "recommendation": str(decided["Sponsorship Recommendation"]),
        "edge": str(decided["Edge"]),
        "refusal": refusal,
        "unlike": unlike[0],
    }


def _named(creator: str) -> str:
    return f"Creator {creator}" if creator else "This creator"
