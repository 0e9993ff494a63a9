"""Outcomes from a second file, joined to the creators' table by identifier."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from durhampulse.creators.headers import name_columns
from durhampulse.creators.identifiers import canonical_identifiers
from durhampulse.creators.identity import unique_candidate
from durhampulse.creators.labelchoice import name_label
from durhampulse.creators.labels import learn_label, read_labels, refuse_unreadable
from durhampulse.creators.options import ReadOptions
from durhampulse.creators.schema import IDENTIFIER, LABEL, canonical_name
from durhampulse.creators.text import NoTextError, whole_array
from durhampulse.exceptions import InputError
from durhampulse.files.cage import Cage
from durhampulse.files.databases import is_database
from durhampulse.files.tables import RawTable, read_source
from durhampulse.irregularities import Irregularity, Ledger

__all__ = ["join_outcomes"]

_OWN = 0.5
"""Share of a column's cells that name creators, from which it is taken for the identifier."""


@dataclass(frozen=True)
class _Outcomes:
    """A file of outcomes: its cells, whose they are, and which of them say something."""

    raw: RawTable
    label: str
    names: pd.Series
    known: npt.NDArray[np.bool_]


def join_outcomes(
    creators: RawTable, options: ReadOptions, ledger: Ledger, cage: Cage | None = None
) -> tuple[RawTable, ReadOptions]:
    """Return the creators' table with the outcomes of a second file, and how it is read then.

    A creator of several outcomes has as many rows, one without has one, and its outcome is not
    known. Of the second file only the outcome is taken, and columns that ``keep`` or ``feature``
    name: what else it holds was written after the outcome.

    Parameters
    ----------
    creators
        The creators' table, as found.
    options
        How it is to be read; ``options.outcomes`` is the second file.
    ledger
        Where the join is noted.
    cage
        As for :func:`durhampulse.read_creators`.

    Raises
    ------
    InputError
        If a file has no identifier, the second no outcome, or both have one.
    """
    if is_database(str(options.outcomes)):
        raise InputError("--outcomes: a database holds no single table.", "Name a file.")
    creators = _without_copies(creators, ledger)
    header, ids = _creators_identifiers(creators, options)
    raw = read_source(str(options.outcomes), ledger, cage=cage)
    outcomes = _read_outcomes(raw, header, ids, options)
    left, right = _paired(ids, outcomes)
    wanted = [outcomes.label, *dict.fromkeys((*options.keep, *options.feature))]
    taken = [h for h in wanted if h in outcomes.raw.cells.column_names]
    added = {h: whole_array(outcomes.raw.cells[h]).take(pa.array(right)) for h in taken}
    renamed = [
        f"{h} (creators)" if h in added and h != header else h for h in creators.cells.column_names
    ]
    cells = creators.cells.rename_columns(renamed).take(pa.array(left))
    for name, column in added.items():
        cells = cells.append_column(name, column)
    repeats = bool(pd.Series(left).duplicated().any())
    rows = np.arange(1, len(left) + 1) if repeats else creators.rows[left]
    _note(creators, outcomes, ids, left, right, taken, ledger)
    source = outcomes.raw.name, outcomes.raw.sha256
    joined = replace(creators, cells=cells, rows=rows, outcomes=source)
    columns = {**options.columns, IDENTIFIER: header, LABEL: outcomes.label}
    return joined, replace(options, columns=columns, identifier=header)


def _without_copies(creators: RawTable, ledger: Ledger) -> RawTable:
    """Return the table without exact copies of a row, which joined outcomes would multiply."""
    copy = creators.frame.duplicated().to_numpy(bool)
    rows = creators.rows[copy].tolist()
    ledger.note(Irregularity.DUPLICATE_ROW, "", len(rows), "all but the first dropped", rows=rows)
    kept = pa.array(np.flatnonzero(~copy))
    return replace(creators, cells=creators.cells.take(kept), rows=creators.rows[~copy])


def _creators_identifiers(creators: RawTable, options: ReadOptions) -> tuple[str, pd.Series]:
    """Return the header of the creators' identifiers, and these."""
    headers = [h for h in creators.cells.column_names if h not in options.drop]
    asked = {c: h for c, h in options.asked().items() if c != LABEL or not h or h in headers}
    named = name_columns(creators.name, headers, asked, Ledger())
    if label := next((h for h, column in named.items() if column == LABEL), None):
        raise InputError(
            f"{creators.name}: its column '{label}' holds outcomes too.",
            f"Leave it out with --drop '{label}', or study the file without --outcomes.",
        )
    header = next((h for h, column in named.items() if column == IDENTIFIER), None)
    header = header or unique_candidate(creators.cells.select(headers), named)[0]
    if header is None:
        raise InputError(
            f"{creators.name}: no column tells creators apart, to join outcomes by.",
            "Name it with --id COLUMN.",
        )
    return header, _identifiers(creators, header)


def _identifiers(raw: RawTable, header: str) -> pd.Series:
    try:
        return pd.Series(canonical_identifiers(whole_array(raw.cells[header])).to_pylist())
    except NoTextError as error:
        raise InputError(
            f"{raw.name}, column {header}: it holds {error}.", "Convert it."
        ) from error


def _read_outcomes(raw: RawTable, header: str, ids: pd.Series, options: ReadOptions) -> _Outcomes:
    own = _own_identifier(raw, header, ids, options)
    rest = replace(raw, cells=raw.cells.drop_columns([own]))
    headers = rest.cells.column_names
    asked = {c: h for c, h in options.columns.items() if c == LABEL}
    columns = name_columns(raw.name, headers, asked, Ledger())  # noted where it is read
    named = {h: LABEL for h, column in columns.items() if column == LABEL}
    named, choice = name_label(rest, named, options, Ledger())
    if choice.header is None:
        questions = "".join(f" {h}: {reason}." for h, reason in choice.held_back.items())
        raise InputError(
            f"{raw.name}: which of {', '.join(map(repr, headers))} says what happened?{questions}",
            f"Name it: --map {LABEL}=HEADER.",
        )
    cells = whole_array(raw.cells[choice.header])
    labels = read_labels(
        cells, learn_label(raw.name, choice.header, cells, choice.deal, choice.no_deal)
    )
    refuse_unreadable(f"{raw.name}, column {choice.header}", labels, cells, raw.rows)
    return _Outcomes(raw, choice.header, _identifiers(raw, own), ~np.isnan(labels.values))


def _own_identifier(raw: RawTable, header: str, ids: pd.Series, options: ReadOptions) -> str:
    """Return the column of a second file that names creators."""
    headers: list[str] = raw.cells.column_names
    for own in (options.identifier, header):
        if own is not None and own in headers:
            return own
    candidates = [h for h in headers if canonical_name(h) == IDENTIFIER]
    if len(candidates) != 1:
        shares = {h: _share_of(raw, h, set(ids.dropna())) for h in headers}
        candidates = [h for h, share in shares.items() if share >= _OWN]
    if len(candidates) == 1:
        return candidates[0]
    raise InputError(
        f"{raw.name}: which of {', '.join(map(repr, headers))} names the creators?",
        f"Give it the header of the other file, '{header}'.",
    )


def _share_of(raw: RawTable, header: str, ids: set[str]) -> float:
    try:
        words = canonical_identifiers(whole_array(raw.cells[header])).drop_null().to_pylist()
    except NoTextError:
        return 0.0
    return sum(word in ids for word in words) / max(len(words), 1)


def _paired(ids: pd.Series, outcomes: _Outcomes) -> tuple[list[int], list[int | None]]:
    """Return the creator's row of each joined row, and the outcome's, none where there is none."""
    known = outcomes.names[outcomes.known].dropna()
    of_creator: Mapping[str, Sequence[int]] = {
        str(name): list(rows) for name, rows in known.groupby(known).groups.items()
    }
    left: list[int] = []
    right: list[int | None] = []
    for at, name in enumerate(ids):
        rows = of_creator.get(name, ()) if isinstance(name, str) else ()
        left += [at] * max(len(rows), 1)
        right += rows or [None]
    return left, right


def _note(
    creators: RawTable,
    outcomes: _Outcomes,
    ids: pd.Series,
    left: Sequence[int],
    right: Sequence[int | None],
    taken: Sequence[str],
    ledger: Ledger,
) -> None:
    code, name = Irregularity.JOINED, outcomes.raw.name
    matched = sum(row is not None for row in right)
    several = int((pd.Series(left).value_counts() > 1).sum())
    ledger.note(
        code, LABEL, matched, f"outcomes of {name}, joined by identifier; {several:,} creators of "
        f"{creators.name} have several, a row each" + (", numbered anew" if several else ""),
    )  # fmt: skip
    ledger.note(code, LABEL, len(left) - matched, f"no outcome in {name}: scored, not learned from")
    blank = ~outcomes.known | outcomes.names.isna().to_numpy(bool)
    lost = ~blank & ~outcomes.names.isin(set(ids.dropna())).to_numpy(bool)
    for gone, why in ((blank, "without identifier or outcome"), (lost, "of nobody in the table")):
        where = np.flatnonzero(gone)
        rows, shown = outcomes.raw.rows[where[:3]].tolist(), outcomes.names[where[:3]].tolist()
        action = f"rows of {name} {why}: not used"
        ledger.note(code, LABEL, len(where), action, rows=rows, values=shown)
    rest = [h for h in outcomes.raw.cells.column_names if h not in taken]
    rest = [h for h in rest if not _identifiers(outcomes.raw, h).equals(outcomes.names)]
    for header in rest:
        action = f"not used: in {name} it was written after the outcome; --feature or --keep it"
        ledger.note(code, header, 1, action)
