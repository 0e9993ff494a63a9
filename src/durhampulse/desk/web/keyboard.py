"""The page of the keys, where one chooses others for oneself."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import APIRouter, Request, Response

from durhampulse.desk.web.access import PageRoute, Viewer
from durhampulse.desk.web.keymap import KEYS, Key
from durhampulse.desk.web.rendering import Context, render

__all__ = ["router"]

router = APIRouter(prefix="/keyboard", include_in_schema=False, route_class=PageRoute)


class KeyboardContext(Context, template="keyboard.html"):
    """All keys, to be changed."""

    keys: Sequence[Key]


@router.get("")
def show(request: Request, who: Viewer) -> Response:
    """Show all keys, to be changed."""
    return render(request, who, KeyboardContext(keys=KEYS))
