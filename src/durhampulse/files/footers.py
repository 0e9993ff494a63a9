"""Lines below a table that are no part of it: its source, notes, a greeting and who sends it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from durhampulse.files.headers import is_figure

__all__ = ["Footers"]

_LABELS = (
    "sources? quellen? fuentes? fontes? notes? hinweise? anmerkung(?:en)? notas? remarques? "
    "legende? disclaimer generated exported exportiert created data stand as.of"
)
_GREETINGS = (
    "(?:best|kind|warm)[ ](?:regards|wishes)",
    "regards",
    "(?:viele|liebe|beste|sch\u00f6ne|herzliche|freundliche|mit[ ](?:freundlichen|besten))[ ]"
    "gr(?:\u00fc|ue)(?:\u00df|ss)en?",
    "(?:bien[ ])?cordialement",
    "(?:un[ ])?saludos?",
    "atentamente",
    "atenciosamente",
    "abra\u00e7os",
    "cordiali[ ]saluti",
    "sayg\u0131lar\u0131mla",
    "sent[ ]from[ ]my",
)
_OPENING = re.compile(
    rf"(?:{'|'.join(_LABELS.split(' '))})\s*[:\uff1a].*"
    r"|(?:generated|exported|exportiert|created|data as of|report generated|stand) .*\d.*"
    r"|[*\u2020\u2021\u00a9\u203b]+ ?\D.*|(?:\(\d\)|\[\d\]|\u00b9|\u00b2) ?\D.*"
    r"|--|\(\d+ rows?\)|page \d+(?: of \d+)?|(?:best|cheers|thanks|thank you)[,.!]"
    rf"|(?:{'|'.join(_GREETINGS)})\b.*",
    re.IGNORECASE | re.DOTALL,
)
"""How such lines begin, by language."""
_LONGEST = 8
"""Lines that follow one at once, at most."""


class Footers:
    """Finds lines below a table, as its rows go by.

    Attributes
    ----------
    rows
        Numbers of the rows that are such lines.
    texts
        What the first of them say.
    blank
        Numbers of rows without a single value, as far as misshapen rows may follow them.
    """

    def __init__(self) -> None:
        self.rows: set[int] = set()
        self.texts: list[str] = []
        self.blank: set[int] = set()
        self._opened = 0

    def take(self, row: int, filled: Sequence[str], *, misshapen: bool) -> bool:
        """Return whether a row is such a line, by its filled cells; it is counted then.

        It begins as one, or follows one at once; a misshapen row may also follow a blank row. None
        of its cells is a figure.
        """
        if row in self.rows:
            return True
        text = ", ".join(filled)
        opens = _OPENING.fullmatch(text) is not None
        below_blank = row - 1 in self.blank
        follows = row - 1 - below_blank in self.rows and row - self._opened <= _LONGEST
        alone = misshapen and below_blank
        if not filled or not (opens or follows or alone) or any(map(is_figure, filled)):
            return False
        if opens or not follows:
            self._opened = row
        self.rows.add(row)
        self.texts.append(text)
        return True

    def among(
        self, header: str, cells: Mapping[str, pa.Array], rows: npt.NDArray[np.int64]
    ) -> list[int]:
        """Return the places of rows where one column alone is filled, with such a line."""
        first, others = cells[header], [cells[name] for name in cells if name != header]
        fewest, *others = sorted(others, key=lambda column: column.null_count) or [None]
        if fewest is None or not fewest.null_count:
            return []
        places = np.flatnonzero(fewest.is_null().to_numpy(zero_copy_only=False))
        for column in others:
            if not places.size:
                return []
            places = places[column.is_null().to_numpy(zero_copy_only=False)[places]]
        texts = zip(places.tolist(), first.take(pa.array(places)).to_pylist(), strict=True)
        return [
            place
            for place, text in texts
            if text and self.take(int(rows[place]), [str(text).strip()], misshapen=False)
        ]
