"""The filters of the list as a program asks for them, in an address or in a body."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from durhampulse.desk.models.rules import Rules
from durhampulse.desk.shortlist.view import BAND_NAMES, SORTS, UNLIKE, View
from durhampulse.desk.store.tables import LONGEST_ID, OUTCOME_STATES, STATES
from durhampulse.exceptions import InputError

__all__ = ["FilterBody", "Filters", "ListQuery"]

_Text = Annotated[str, Field(max_length=LONGEST_ID, pattern=r"^[^\x00]*$")]
_Followers = Annotated[int, Field(ge=0, lt=2**53)]
_Rate = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]


class Filters(BaseModel):
    """Whom of the list a request is about; values of one kind are alternatives, kinds add up.

    A name that is no filter is refused: a misspelled one would widen the set.
    """

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    band: list[Literal[*BAND_NAMES, UNLIKE]] = []  # type: ignore[valid-type]
    niche: list[_Text] = Field([], max_length=100)
    tier: list[_Text] = Field([], max_length=20)
    state: list[Literal[STATES]] = []  # type: ignore[valid-type]
    outcome: list[Literal[*OUTCOME_STATES]] = []  # type: ignore[valid-type]
    flag: list[_Text] = Field([], max_length=20, description="As in `flags`; all must be there.")
    edge: bool = Field(False, description="Only those who might well belong to another band.")
    listed: str = Field("", alias="list", pattern="^((import-|campaign-)?[1-9][0-9]{0,8})?$",
                        description="A list's number, `import-7` or `campaign-7`.")  # fmt: skip
    owner: str = Field("", pattern="^(none|[1-9][0-9]{0,8})?$",
                       description="Number of whoever looks after them, or `none`.")  # fmt: skip
    min_followers: _Followers | None = None
    max_followers: _Followers | None = None
    min_engagement: _Rate | None = Field(None, description="A fraction: 0.05 is 5%.")
    max_engagement: _Rate | None = None
    search: _Text = Field("", description="Any part of a name or identifier.")

    def view(self, rules: Rules, *, sort: str = "probability", order: str = "") -> View:
        """Return the view that these filters ask for.

        Raises
        ------
        InputError
            If the model has no such tier or flag.
        """
        wrong = [flag for flag in self.flag if flag not in rules.flag_names]
        if wrong:
            raise InputError(f"There is no flag '{wrong[0][:40]}'.",
                             f"Use {', '.join(rules.flag_names)}.", "flag")  # fmt: skip
        view = View.read({
            "band": self.band, "niche": self.niche, "tier": self.tier, "state": self.state,
            "outcome": self.outcome, "list": [self.listed], "owner": [self.owner],
            "edge": ["1" if self.edge else ""],
            "flag": [str(rules.flag_names.index(flag)) for flag in self.flag],
            "search": [self.search], "sort": [sort], "order": [order],
        }, rules)  # fmt: skip
        return replace(
            view,
            min_followers=_figure(self.min_followers),
            max_followers=_figure(self.max_followers),
            min_engagement=self.min_engagement,
            max_engagement=self.max_engagement,
        )


def _figure(count: int | None) -> float | None:
    return None if count is None else float(count)


class ListQuery(Filters):
    """Filters with an order and a place in it."""

    sort: Literal[*SORTS] = "probability"  # type: ignore[valid-type]
    order: Literal["asc", "desc"] | None = None
    after: str = Field("", max_length=1_000, description="`next` of the page before.")
    limit: int = Field(50, ge=1, le=1_000)


class FilterBody(Filters):
    """Filters in a body: taken as documented or not at all."""

    model_config = ConfigDict(strict=True)
