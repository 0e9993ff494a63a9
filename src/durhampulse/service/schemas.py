"""What goes over the wire, as the API's documentation shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fastapi.security import HTTPBearer
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from durhampulse.creators.schema import COLUMNS
from durhampulse.scoring.account import Account

__all__ = [
    "BEARER",
    "EXAMPLE",
    "MOST_CREATORS",
    "AccountAnswer",
    "ErrorAnswer",
    "ExplainRequest",
    "ModelAnswer",
    "ScoreAnswer",
    "ScoreRequest",
]

BEARER = HTTPBearer(
    auto_error=False, description="A key of `durhampulse key add`, or one made at the desk."
)
"""How a request shows its key."""
MOST_CREATORS = 10_000
EXAMPLE: dict[str, JsonValue] = {
    column.name: column.example for column in COLUMNS.values() if column.kind != "label"
}
"""A creator as the documentation shows one."""


class ScoreRequest(BaseModel):
    """Creators to score; rates as fractions, or text such as "6.8%"."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"creators": [EXAMPLE]}]})
    creators: list[dict[str, Any]] = Field(min_length=1, max_length=MOST_CREATORS)


class ExplainRequest(BaseModel):
    """One creator to explain."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"creator": EXAMPLE}]})
    creator: dict[str, Any]


class ScoreItem(BaseModel):
    """One creator's score, or why there is none."""

    id: str | int | float | None = None
    carried: dict[str, str] = Field({}, examples=[{"Handle": "@creator"}])
    probability: float | None = Field(None, ge=0, le=1, examples=[0.8312])
    interval: tuple[float, float] | None = Field(None, examples=[(0.6912, 0.9201)])
    recommendation: str | None = Field(None, examples=["Yes"])
    unlike: list[str] = Field([], examples=[["engagement 822%, the highest learned from was 61%"]])
    flags: list[str] = []
    error: str | None = None


class ScoreAnswer(BaseModel):
    """Scores in the order of the request."""

    model: str = Field(examples=["dc5f2d9eb2e0"])
    results: list[ScoreItem]


@dataclass(frozen=True, kw_only=True)
class AccountAnswer(Account):
    """Where a creator stands, why, and what would change it."""

    model: str


class ModelAnswer(BaseModel):
    """What the served model is and how good it is."""

    model: str
    name: str
    columns: list[str]
    thresholds: dict[str, float]
    verdict: dict[str, Any]
    quality: list[dict[str, Any]]
    provenance: dict[str, Any]


class Problem(BaseModel):
    """What is wrong, and what can be done about it."""

    code: str
    problem: str
    way_out: str = ""


class ErrorAnswer(BaseModel):
    """Every answer that is not a success."""

    error: Problem
