"""What is taken along from the desk as a file, noted."""

from __future__ import annotations

from typing import Any

from fastapi import Request

from durhampulse.desk.people.people import Principal
from durhampulse.desk.store.audit import note
from durhampulse.desk.web.state import Desk
from durhampulse.service.bodies import HEAD_ONLY

__all__ = ["note_export"]


def note_export(request: Request, desk: Desk, who: Principal, subject: str, **detail: Any) -> None:
    """Add to the audit log that somebody takes along a file.

    Parameters
    ----------
    request
        One for the headers alone is not noted.
    desk, who
        Where, and by whom.
    subject
        What it is of, by number; names and what was looked for stay out of the log.
    detail
        How many rows, and the format.
    """
    if HEAD_ONLY not in request.scope:
        with desk.store.writing() as db:
            note(db, who.name, "exported", subject, detail)
