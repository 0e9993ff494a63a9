"""A campaign's brief as a form or a program sends it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal, cast

from pydantic import BaseModel, ConfigDict, Field
from starlette.datastructures import FormData

from durhampulse.desk.campaigns.brief import Aim, Brief, Unit, currency_code
from durhampulse.desk.models.rules import Rules
from durhampulse.desk.shortlist.view import read_number
from durhampulse.desk.store.tables import LONGEST_ID
from durhampulse.desk.web.rendering import Context
from durhampulse.exceptions import InputError

__all__ = ["Amount", "BriefBody", "BriefContext", "Name", "read_brief", "read_fee"]

Name = Annotated[str, Field(min_length=1, max_length=LONGEST_ID, pattern=r"^[^\x00-\x1f\x7f]+$")]
Amount = Annotated[float, Field(ge=0, le=1e12)]


class BriefContext(Context):
    """What the form of a brief needs; `brief` is none for a new campaign."""

    brief: Brief | None
    usual_currency: str
    rules: Rules
    niches: Sequence[str]
    aims: Mapping[Aim, str]
    units: Sequence[str]


def read_brief(form: FormData, rules: Rules) -> Brief:
    """Return the brief of a form.

    Raises
    ------
    InputError
        If a field cannot be read, or the brief asks for what is not there.
    """
    texts = {name: str(value).strip() for name, value in form.items()}
    tiers = [str(tier) for tier in form.getlist("tier")]
    _check_tiers(tiers, rules)
    amounts = {name: read_number(name, texts.get(name, ""))
               for name in ("number", "budget", "most_per_niche", "worth")}  # fmt: skip
    whole = {name: _whole(name, amounts[name]) for name in ("number", "most_per_niche")}
    fees = {tier: read_number(f"fee {tier}", texts.get(f"fee {tier}", "")) for tier in rules.tiers}
    return Brief(
        name=texts.get("name", ""),
        number=whole["number"] or 0,
        niches=tuple(str(niche) for niche in form.getlist("niche")),
        tiers=tuple(tiers),
        fees={tier: fee for tier, fee in fees.items() if fee is not None},
        budget=amounts["budget"],
        most_per_niche=whole["most_per_niche"],
        currency=currency_code(texts.get("currency", "")),
        aim=cast("Aim", texts.get("aim") or "deals"),
        worth=amounts["worth"],
        per=cast("Unit", texts.get("per") or "deal"),
        approved_only=bool(texts.get("approved_only")),
        apart=bool(texts.get("apart")),
    )


def read_fee(text: str) -> float | None:
    """Return a fee as people type it; none for no text.

    Raises
    ------
    InputError
        If it is no number, or may be two.
    """
    return read_number("fee", text)


def _check_tiers(tiers: Iterable[str], rules: Rules) -> None:
    wrong = [tier for tier in tiers if tier not in rules.tiers]
    if wrong:
        raise InputError(f"There is no tier '{wrong[0][:40]}'.", f"Use {', '.join(rules.tiers)}.")


def _whole(name: str, amount: float | None) -> int | None:
    if amount is None:
        return None
    if not amount.is_integer():
        raise InputError(f"{name.replace('_', ' ')}: {amount:g} is not whole.", "Round it.", name)
    return int(amount)


class BriefBody(BaseModel):
    """What a campaign wants; fees by tier, of creators of whom no fee of their own is known."""

    model_config = ConfigDict(strict=True, extra="forbid")

    name: Name
    number: int = Field(ge=1, le=1_000)
    niches: list[Name] = Field(default=[], max_length=100)
    tiers: list[Name] = Field(default=[], max_length=20)
    fees: dict[str, Amount] = {}
    budget: Amount | None = None
    most_per_niche: int | None = Field(None, ge=1, le=1_000)
    currency: str = Field("", pattern="^([A-Z]{3})?$", description="Of fees, budget and worth.")
    aim: Literal["deals", "views", "engagements", "return"] = "deals"
    worth: Amount | None = Field(None, description="What a deal, view or engagement is worth.")
    per: Literal["deal", "view", "engagement"] = "deal"
    approved_only: bool = False
    apart: bool = Field(False, description="Leave out who is in another running campaign.")

    def read(self, rules: Rules) -> Brief:
        """Return the brief.

        Raises
        ------
        InputError
            If it asks for what is not there.
        """
        _check_tiers([*self.tiers, *self.fees], rules)
        fields: dict[str, Any] = self.model_dump()
        currency_code(self.currency)
        return Brief(**{**fields, "niches": tuple(self.niches), "tiers": tuple(self.tiers)})
