"""The service's own description: OpenAPI that names the model's columns, and a page of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from typing import Any

from fastapi import FastAPI, Response
from jinja2 import Environment, PackageLoader
from starlette.types import ASGIApp, Scope

from durhampulse.creators.schema import COLUMNS, IDENTIFIER
from durhampulse.exceptions import InputError
from durhampulse.scoring.scorer import Scorer
from durhampulse.service.oversize import Oversize
from durhampulse.service.schemas import EXAMPLE
from durhampulse.service.served import Source

__all__ = ["DocumentedService", "add_page"]

_HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; "
    "frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
}
_MOST_LEVELS = 30
"""Levels of a column up to which the document lists them."""


class DocumentedService(FastAPI):
    """An application whose OpenAPI document follows the model that is served.

    Parameters
    ----------
    served
        Whatever says which model that is.
    refusal
        As of :class:`durhampulse.service.oversize.Oversize`.
    options
        As FastAPI takes them.
    """

    def __init__(
        self, served: Source, refusal: Callable[[Scope, InputError], ASGIApp], **options: Any
    ) -> None:
        super().__init__(**options)
        self._served, self._refusal = served, refusal

    def build_middleware_stack(self) -> ASGIApp:
        """Return what answers, behind all middleware."""
        return Oversize(super().build_middleware_stack(), self._refusal)

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI document, in which a creator has the columns of the model."""
        document = super().openapi()
        creator = _creator_schema(self._served.current.scorer)
        schemas = document["components"]["schemas"]
        schemas["ScoreRequest"]["properties"]["creators"]["items"] = creator
        schemas["ExplainRequest"]["properties"]["creator"] = creator
        return document


def _creator_schema(scorer: Scorer) -> dict[str, Any]:
    """Return the schema of a creator; types are left open, since a cell may be number or text."""
    columns = dict.fromkeys([IDENTIFIER, *scorer.seen])
    return {
        "type": "object",
        "additionalProperties": True,
        "properties": {name: _column_schema(name, scorer) for name in columns},
    }


def _column_schema(name: str, scorer: Scorer) -> dict[str, Any]:
    meaning = COLUMNS[name].meaning if name in COLUMNS else "a column of the model's own table"
    levels = scorer.rules[name].levels if name in scorer.rules else ()
    known = f"; {', '.join(levels)}" if 0 < len(levels) <= _MOST_LEVELS else ""
    example = {"examples": [EXAMPLE[name]]} if name in EXAMPLE else {}
    return {"description": f"{meaning}{known}", **example}


def add_page(app: FastAPI, path: str) -> None:
    """Add a page that shows the OpenAPI document, without script or anything of another host."""

    @app.get(path, include_in_schema=False)
    async def page() -> Response:
        text = _template().render(document=app.openapi(), methods=("get", "post"))
        return Response(text, headers=_HEADERS, media_type="text/html")


@cache
def _template() -> Any:
    environment = Environment(
        loader=PackageLoader("durhampulse.service"), autoescape=True,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters["json"] = lambda value: json.dumps(value, indent=2, ensure_ascii=False)
    environment.filters["schema_name"] = lambda reference: reference.rpartition("/")[2]
    return environment.get_template("documentation.html")
