"""Problems of a file, brought to the field of the import page that settles them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from durhampulse.creators.schema import COLUMNS
from durhampulse.exceptions import DurhamPulseError, InputError

__all__ = ["FieldError", "Problem", "in_page_words", "problem_of"]

_FLAG = re.compile(r"--([a-z][a-z-]*)(?:[ =]'?([^'=\s]+)=)?")
_ADVICE = re.compile(r": --map [^?]*\?|; --[a-z-]+ \S+ (decides|reads another)")
_STANDARD = re.compile(rf"\b({'|'.join(name for name in COLUMNS if '_' in name)})\b")
_FIELDS = {
    "table": ("table", "Choose the sheet."),
    "header-row": ("header_row", "Choose the line that names the columns."),
    "encoding": ("encoding", "Choose how the text is written."),
    "deal-is": (
        "deal_is",
        "Write which words mean a deal, and which mean none; (empty) names an empty cell, and "
        "alone as none makes every filled cell a deal.",
    ),
    "no-deal-is": ("no_deal_is", "Write which words mean no deal; (empty) names an empty cell."),
    "id": ("roles", "Choose below which column names the creators."),
    "map": ("roles", "Choose below what each column is."),
    "keep": ("roles", "Choose below what the column is."),
    "drop": ("roles", "Choose below what the column is."),
    "feature": ("roles", "Choose below what the column is."),
    "unit": ("units", "Say which."),
}
"""Flag of the command line to the field of the page, and what to do there."""


@dataclass(frozen=True)
class Problem:
    """Why a file cannot be read as it was chosen.

    Attributes
    ----------
    text, way_out
        What was read, and what to choose instead.
    field
        Name of the page's field that settles it; empty where none does.
    """

    text: str
    way_out: str
    field: str = ""


class FieldError(InputError):
    """A choice that cannot be taken as it was sent.

    Attributes
    ----------
    field
        Name of the page's field.
    """

    def __init__(self, problem: str, way_out: str, field: str) -> None:
        super().__init__(problem, way_out, field)


def in_page_words(note: str) -> str:
    """Return a note without flags of the command line, and columns as the page calls them.

    Examples
    --------
    >>> in_page_words("x.csv: no column Niche ('Nische' is not read: --map Niche=Nische?)")
    "x.csv: no column Niche ('Nische' is not read)"
    >>> in_page_words("no column Engagement_Rate, which the model uses")
    'no column Engagement Rate, which the model uses'
    """
    return _STANDARD.sub(lambda match: match[0].replace("_", " "), _ADVICE.sub("", note))


def problem_of(error: DurhamPulseError, roles: Mapping[str, str]) -> Problem:
    """Return an error in the page's words, at the field that settles it.

    Parameters
    ----------
    error
        As the library raises it, its way out in flags of the command line.
    roles
        Header to what the file's column is.
    """
    match = _FLAG.search(error.way_out)
    if error.field:
        return Problem(error.problem, error.way_out, error.field)
    if match is None or match[1] not in _FIELDS:
        return Problem(in_page_words(error.problem), error.way_out)
    field, way_out = _FIELDS[match[1]]
    header = next((header for header, role in roles.items() if role == match[2]), "")
    if not header:
        text = in_page_words(error.problem)
        return Problem(text, way_out, "roles" if field == "units" else field)
    text = error.problem.partition(f", column {match[2]}: ")[2] or error.problem
    field = f"unit {match[2]}" if field == "units" else f"role {header}"
    return Problem(in_page_words(text[:1].upper() + text[1:]), way_out, field)
