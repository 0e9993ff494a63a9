"""A campaign's brief: what is wanted, within which limits, and what is to be made the most of."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from durhampulse.creators.cldr import currency_codes
from durhampulse.desk.store.tables import CONTROL
from durhampulse.exceptions import InputError

__all__ = [
    "AIMS",
    "MOST_AMOUNT",
    "MOST_CREATORS",
    "UNITS",
    "Aim",
    "Brief",
    "Unit",
    "currency_code",
    "is_amount",
]

Aim = Literal["deals", "views", "engagements", "return"]
Unit = Literal["deal", "view", "engagement"]
AIMS: dict[Aim, str] = {
    "deals": "deals",
    "views": "views from deals",
    "engagements": "engagements from deals",
    "return": "return less fees",
}
"""What can be made the most of, in words."""
UNITS: tuple[Unit, ...] = ("deal", "view", "engagement")
"""What a value can be named for."""
MOST_CREATORS = 1_000
MOST_AMOUNT = 1e12


@dataclass(frozen=True, kw_only=True)
class Brief:
    """What a campaign wants.

    Attributes
    ----------
    name
        What people call it.
    number
        Of creators, at most.
    niches, tiers
        Wanted ones; all if empty.
    fees
        Tier to the fee of a creator of whom no fee of their own is known.
    budget
        Upper limit of the fees together; none if not given.
    most_per_niche
        At most so many creators of a niche; none if not given.
    currency
        Code of fees, budget and worth, such as EUR; empty if nobody named one.
    aim
        What is made the most of.
    worth, per
        What a deal, a view or an engagement is worth; none if not given.
    approved_only
        Whether only creators are proposed whom somebody has approved.
    apart
        Whether creators of other running campaigns are left out.
    """

    name: str
    number: int
    niches: tuple[str, ...] = ()
    tiers: tuple[str, ...] = ()
    fees: Mapping[str, float] = field(default_factory=dict)
    budget: float | None = None
    most_per_niche: int | None = None
    currency: str = ""
    aim: Aim = "deals"
    worth: float | None = None
    per: Unit = "deal"
    approved_only: bool = False
    apart: bool = False

    def __post_init__(self) -> None:
        words = (self.name, *self.niches)
        if not 1 <= len(self.name.strip()) <= 200 or any(CONTROL.search(word) for word in words):
            raise InputError(
                "A campaign needs a name of 1 to 200 characters, and no control characters.",
                "Name it.",
                "name",
            )
        if not 1 <= self.number <= MOST_CREATORS:
            raise InputError(
                f"{self.number} creators cannot be planned.", f"Name 1 to {MOST_CREATORS}.",
                "number",
            )  # fmt: skip
        amounts = {f"fee {tier}": fee for tier, fee in self.fees.items()}
        amounts |= {"budget": self.budget or 0.0, "worth": self.worth or 0.0}
        for field_name, amount in amounts.items():
            if not 0 <= amount <= MOST_AMOUNT:
                raise InputError(
                    "Fees and budget are amounts from 0 on.", "Correct the figure.", field_name
                )
        if self.most_per_niche is not None and self.most_per_niche < 1:
            raise InputError(
                "A niche must be allowed 1 creator at least.", "Leave it empty.", "most_per_niche"
            )
        if self.aim not in AIMS or self.per not in UNITS:
            raise InputError(f"'{self.aim} per {self.per}' is no aim.", f"Use {', '.join(AIMS)}.")
        if self.aim == "return" and not self.worth:
            raise InputError(
                "A return needs a value: nobody has said what a deal, view or engagement is worth.",
                "Type what one is worth to you.",
                "worth",
            )

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> Brief:
        """Return the brief that :func:`dataclasses.asdict` gave the fields of.

        Fields that an earlier version did not have are as in a new brief.
        """
        known = {field.name: stored[field.name] for field in fields(cls) if field.name in stored}
        return cls(**{**known, "niches": tuple(known["niches"]), "tiers": tuple(known["tiers"])})

    @property
    def is_priced(self) -> bool:
        """Whether nobody can be proposed without a fee."""
        return self.budget is not None or self.aim == "return"

    @property
    def unit(self) -> Unit:
        """What the aim counts."""
        aims: dict[Aim, Unit] = {"deals": "deal", "views": "view", "engagements": "engagement"}
        return aims.get(self.aim, self.per)


def currency_code(text: str) -> str:
    """Return the code of a currency that is written as code, sign or name; empty for no text.

    Raises
    ------
    InputError
        If it is none, or may be several.

    Examples
    --------
    >>> currency_code("eur"), currency_code("€"), currency_code(" ")
    ('EUR', 'EUR', '')
    """
    word = text.strip()
    if not word:
        return ""
    codes = currency_codes(word) or currency_codes(word.upper())
    if len(codes) == 1:
        return next(iter(codes))
    problem = "may be several currencies" if codes else "is no currency"
    raise InputError(f"'{word[:20]}' {problem}.", "Write its code, such as EUR or USD.", "currency")


def is_amount(fee: float | None) -> bool:
    """Whether a fee can be counted with."""
    return fee is not None and math.isfinite(fee) and 0 <= fee <= MOST_AMOUNT
