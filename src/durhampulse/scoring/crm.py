"""What customer systems import: one table of their formats.

A row updates the record of one creator. It is found by our identifier, for which the record needs
a field of its own, or by e-mail; no name, handle or figure of a creator is sent. Each column but
``Email`` is a custom field that an administrator makes once (:data:`FIELDS` says of which kind),
under the header used here.

The rules, as read in November 2026:

- HubSpot [1]_: .csv with one header row, fewer than 1,000 columns, UTF-8, 1,048,576 rows and
  512 MB, with free tools 20 MB. A checkbox takes True or Yes, False or No [2]_; of the orders
  of a date one is ``YEAR_MONTH_DAY`` [3]_.
- Salesforce: Data Loader takes yes, y, true, on, 1 and their opposites, whatever the case, and
  ``yyyy-MM-dd`` [4]_. The Bulk API takes field names in the first row, UTF-8, at most 100 MB and
  by default line feeds [5]_; the Data Import Wizard 100 MB and 90 fields [6]_, 50,000 records.
  A cell left empty changes nothing there, so none of ours is emptied.
- Dynamics 365 [7]_: .csv of 8 MB, UTF-8 with a byte order mark, headings that equal the display
  names of columns, records found by an alternate key, words of a choice mapped one by one.

References
----------
.. [1] https://knowledge.hubspot.com/import-and-export/set-up-your-import-file
.. [2] https://knowledge.hubspot.com/crm-setup/import-data-to-checkbox-properties
.. [3] https://developers.hubspot.com/docs/api/crm/imports
.. [4] Data Loader Guide, "Data Types Supported by Data Loader", developer.salesforce.com
.. [5] Bulk API 2.0 Developer Guide, "Prepare CSV Files", developer.salesforce.com
.. [6] "How large can my import file be?", help.salesforce.com
.. [7] "Import data", user/import-data.md of github.com/MicrosoftDocs/powerapps-docs
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from durhampulse.decision.bands import YES
from durhampulse.exceptions import InputError
from durhampulse.files.formulas import spreadsheet_safe

__all__ = ["CRM_FORMATS", "FIELDS", "CrmFormat", "crm_format", "safe_key"]

FIELDS: dict[str, str] = {
    "DurhamPulse ID": "text, unique: the key by which records are found",
    "Email": "the system's own field",
    "DurhamPulse Probability": "number with 4 decimals",
    "DurhamPulse Low": "number with 4 decimals",
    "DurhamPulse High": "number with 4 decimals",
    "DurhamPulse Recommendation": "choice of our words",
    "DurhamPulse Recommended": "checkbox; ticked for Yes alone",
    "DurhamPulse Review": "text: what a reviewer decided, from the desk",
    "DurhamPulse Model": "text",
    "DurhamPulse Scored On": "date",
}
"""Our columns, and the kind of field that each needs."""

_KEY = re.compile(r"[@+\-]?[\w.@\-]+")
_EMAIL = re.compile(r"[\w.+%\-]+@[\w\-]+(\.[\w\-]+)+")


@dataclass(frozen=True, kw_only=True)
class CrmFormat:
    """How one customer system wants a file.

    Attributes
    ----------
    name
        What people call it.
    headers
        A header for each of `FIELDS`.
    yes, no
        How a tick is written.
    day
        How a date is written, as :meth:`datetime.date.strftime` has it.
    encoding, line_end
        Of the text.
    most_rows, most_bytes
        What a file may hold at most, its header included.
    """

    name: str
    headers: Mapping[str, str]
    yes: str
    no: str
    day: str = "%Y-%m-%d"
    encoding: str = "utf-8"
    line_end: str = "\r\n"
    most_rows: int
    most_bytes: int

    def cells(self, row: Mapping[str, Any], model: str, on: dt.date) -> list[str]:
        """Return a creator's line.

        Parameters
        ----------
        row
            ``Influencer ID`` and the other columns of a scored file, ``Email`` and ``Review``
            where they are known.
        model, on
            What scored the creator, and when.
        """
        word = row["Sponsorship Recommendation"] or ""
        email = row.get("Email") or ""
        numbers = (row[name] for name in ("Predicted Sponsorship", "Interval Low", "Interval High"))
        return [
            str(row["Influencer ID"]),
            email if _EMAIL.fullmatch(email) and safe_key(email) else "",
            *("" if number is None else f"{number:.4f}" for number in numbers),
            word,
            self.yes if word == YES else self.no,
            row.get("Review") or "",
            str(spreadsheet_safe(model)),
            on.strftime(self.day),
        ]


def _api_name(label: str) -> str:
    """Return how Salesforce names a custom field.

    Examples
    --------
    >>> _api_name("DurhamPulse Scored On"), _api_name("Email")
    ('DurhamPulse_Scored_On__c', 'Email')
    """
    return label.replace(" ", "_") + ("" if label == "Email" else "__c")


_AS_LABELS = {label: label for label in FIELDS}
CRM_FORMATS: dict[str, CrmFormat] = {
    "dynamics": CrmFormat(
        name="Dynamics 365",
        headers=_AS_LABELS,
        yes="Yes",
        no="No",
        encoding="utf-8-sig",
        most_rows=1_048_576,
        most_bytes=8_000_000,
    ),
    "hubspot": CrmFormat(
        name="HubSpot",
        headers=_AS_LABELS,
        yes="True",
        no="False",
        most_rows=1_048_576,
        most_bytes=20_000_000,
    ),
    "salesforce": CrmFormat(
        name="Salesforce",
        headers={label: _api_name(label) for label in FIELDS},
        yes="true",
        no="false",
        line_end="\n",
        most_rows=50_001,
        most_bytes=100_000_000,
    ),
}
"""Name of an option to what it stands for."""


def crm_format(name: str) -> CrmFormat:
    """Return the format of a customer system by its name.

    Raises
    ------
    InputError
        If there is none.
    """
    if name not in CRM_FORMATS:
        raise InputError(f"'{name}': no such customer system.", f"Use {', '.join(CRM_FORMATS)}.")
    return CRM_FORMATS[name]


def safe_key(key: str) -> bool:
    """Whether a key may stand in a file as it is.

    A key has to be exact, so the apostrophe that keeps a cell from being a formula cannot be added.
    A formula that does something needs brackets, quotes, an equals or exclamation sign, or a bar.

    Examples
    --------
    >>> [safe_key(key) for key in ("1001", "@lena", "=1+1", "@SUM(A1)", "Lena M")]
    [True, True, False, False, True]
    """
    return bool(key) and (spreadsheet_safe(key) == key or _KEY.fullmatch(key) is not None)
