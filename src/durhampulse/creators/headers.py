"""Which header stands for which standard column."""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches

from durhampulse.creators.carried import CarriedKind
from durhampulse.creators.claims import is_bare
from durhampulse.creators.options import ReadOptions
from durhampulse.creators.scales import standard_name
from durhampulse.creators.schema import COLUMNS, IDENTIFIER, LABEL, header_key
from durhampulse.exceptions import InputError
from durhampulse.files.headers import split_scale, ungarbled
from durhampulse.irregularities import Irregularity, Ledger

__all__ = [
    "Headers",
    "name_columns",
    "nearest_header",
    "require_extra",
    "require_figures",
    "require_headers",
    "unclaimed",
]

_AROUND = re.compile(
    r"^(?:instagram|ig|tik ?tok|youtube|yt|twitch|facebook)[\s_:]+"
    r"|^(?:how many|what(?:'s| is| are))\s+(?:your\s+)?|\s+do you have|\s*\?\s*$",
    re.IGNORECASE,
)
"""A platform before what is counted, and what a questionnaire asks around it."""
_NEAR = 0.8
"""Likeness of a header and a column's name from which a slip of the pen is suspected."""


@dataclass(frozen=True)
class Headers:
    """Which headers of a table a model reads.

    Attributes
    ----------
    columns
        Column to header.
    absent
        The model's columns that are not there, each with a header that may be meant; else empty.
    carried
        Header to what it tells of a creator, of the columns that are carried along.
    proposed
        The header that is read as the identifier for want of one that says so; else empty.
    """

    columns: dict[str, str]
    absent: dict[str, str]
    carried: dict[str, CarriedKind] = field(default_factory=dict)
    proposed: str = ""

    def notes(self, name: str) -> list[str]:
        """Return what the table lacks, in words, a sentence each without its point."""
        notes = [
            f"{name}: no column {column}, which the model uses; its rows are scored without it"
            + (f" ('{near}' is not read: --map {column}={shlex.quote(near)}?)" if near else "")
            for column, near in self.absent.items()
        ]
        if self.proposed:
            notes.append(f"{name}: '{self.proposed}' read as {IDENTIFIER}; --id COLUMN decides")
        return notes


def name_columns(
    name: str,
    headers: list[str],
    asked: Mapping[str, str],
    ledger: Ledger,
    *,
    usual: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Return header to standard column.

    What was asked for wins, then the header it had before, then exact names, then aliases.

    Parameters
    ----------
    name
        The source's, for messages.
    headers
        All of them, each once.
    asked
        Standard column to header; an empty one says that the column is not there.
    ledger
        Where other names are noted.
    usual
        Standard column to the header it had in the table a model was trained on.

    Raises
    ------
    InputError
        If two headers claim one column, what was asked for is not there, or letters are garbled.
    """
    # A model may have learned from such headers.
    _refuse_garbled(name, headers if usual is None else ())
    absent = {standard for standard, header in asked.items() if not header}
    _check_asked(name, headers, {s: header for s, header in asked.items() if s not in absent})
    taken = _known_columns(headers, asked, usual or {})
    # A later table's bare header may mean another figure than the model's table did.
    others = [h for h in headers if h not in taken and not (usual is not None and is_bare(h))]
    for standard, claimants in _claims(others, {*taken.values(), *absent}).items():
        plain = [h for h in claimants if not is_bare(h) and split_scale(h) is None]
        rivals = plain or claimants
        if len(rivals) > 1:
            raise InputError(
                f"{name}: {' and '.join(repr(r) for r in rivals)} could each be {standard}.",
                f"Choose one, for example --map '{standard}={rivals[0]}'.",
            )
        taken |= dict.fromkeys(rivals, standard)
    for header, standard in taken.items():
        questioned = is_bare(header) and header not in asked.values()
        if header != standard and not questioned:  # `claims_that_agree` notes those
            ledger.note(Irregularity.RENAMED_COLUMN, standard, 1, f"'{header}' read as {standard}")
    return taken


def _known_columns(
    headers: Sequence[str], asked: Mapping[str, str], usual: Mapping[str, str]
) -> dict[str, str]:
    """Return header to column of what was asked for, was usual, or has a column's own name."""
    known = {header: standard for standard, header in asked.items() if header}
    for standard, header in usual.items():
        if header in headers and header not in known and standard not in asked:
            known[header] = standard
    free = COLUMNS.keys() - {*asked, *known.values(), *known}
    return known | {header: header for header in headers if header in free}


def _claims(headers: Iterable[str], taken: Container[str]) -> dict[str, list[str]]:
    """Return column to the headers by which it may be meant, of columns that are not taken."""
    claims: dict[str, list[str]] = {}
    likely: dict[str, list[str]] = {}
    for header in headers:
        claimed, within = standard_name(header), _figure_within(header)
        if claimed and claimed not in taken:
            claims.setdefault(claimed, []).append(header)
        elif within and within not in taken:
            likely.setdefault(within, []).append(header)
    alone = {column: named for column, named in likely.items() if len(named) == 1}
    return alone | claims


def _figure_within(header: str) -> str | None:
    """Return the column of figures that a header names beside a platform or within a question.

    Examples
    --------
    >>> _figure_within("Instagram Followers"), _figure_within("How many followers do you have?")
    ('Followers', 'Followers')
    >>> _figure_within("Instagram Engagement"), _figure_within("Instagram Handle")
    (None, None)
    """
    figure = _AROUND.sub("", header)
    column = standard_name(figure)
    usable = column and figure != header and not is_bare(figure) and COLUMNS[column].numeric
    return column if usable else None


def require_figures(
    name: str, headers: list[str], named: Mapping[str, str], ledger: Ledger
) -> None:
    """Raise unless a table has a standard column to learn from, or an outcome to learn.

    A table that has an outcome alone is learned from by its other columns; the ledger says so.
    """
    standard = set(named.values()) - {IDENTIFIER}
    if standard == {LABEL}:
        action = "learned from by its own columns alone"
        ledger.note(Irregularity.MISSING_COLUMN, "", 1, action)
    if not standard:
        shown = ", ".join(repr(h) for h in headers[:12])
        raise InputError(
            f"{name}: no column of a creators' table among {shown}.",
            "Name them, for example --map Followers=subs --map Niche=topic; to learn from other "
            f"columns alone, name the outcome: --map {LABEL}=HEADER; if another row holds the "
            "headers, name it: --header-row N.",
        )


def require_headers(name: str, headers: Collection[str], options: ReadOptions) -> None:
    """Raise unless a table has the columns that are to be kept, dropped or learned from.

    Raises
    ------
    InputError
        If one is not there.
    """
    wishes = {"--keep": options.keep, "--drop": options.drop, "--feature": options.feature}
    if options.considered is not None:
        wishes["--considered"] = (options.considered,)
    for option, wanted in wishes.items():
        for header in wanted:
            if header not in headers:
                raise _no_column(f"{name}: {option} {header}: no column '{header}'.", headers)


def require_extra(name: str, named: Mapping[str, str], options: ReadOptions) -> None:
    """Raise if a standard column is to be carried along or made a feature.

    Raises
    ------
    InputError
        If so.
    """
    for option, wanted in (("--keep", options.keep), ("--feature", options.feature)):
        for header in wanted:
            if header in named:
                raise InputError(
                    f"{name}: {option} {header}: the column is read as {named[header]}.",
                    f"Leave {option} out, or add --map {named[header]}= so that it is not.",
                )


def nearest_header(column: str, headers: Iterable[str], least: float = _NEAR) -> str | None:
    """Return the header that is nearly the name of a column, or nearly an alias of it.

    Parameters
    ----------
    column
        Its name.
    headers
        Those that are not read.
    least
        Likeness from which one is suspected, up to 1.

    Examples
    --------
    >>> nearest_header("Followers", ["Folowers", "Niche"])
    'Folowers'
    """
    keys = {header_key(header): header for header in headers}
    aliases = COLUMNS[column].aliases if column in COLUMNS else frozenset()
    for key in (header_key(column), *sorted(aliases)):
        if close := get_close_matches(key, keys, n=1, cutoff=least):
            return keys[close[0]]
    return None


def unclaimed(header: str) -> str:
    """Return the name of a column whose header stands for no standard column."""
    return f"{header} (as found)" if header in COLUMNS else header


def _refuse_garbled(name: str, headers: Iterable[str]) -> None:
    for header in headers:
        if plain := ungarbled(header):
            raise InputError(
                f"{name}: the header '{header}' was '{plain}' before the file was opened in "
                "another encoding than its own and saved, so letters are garbled.",
                "Export the table again, and where a program opens it in between, as UTF-8.",
            )


def _check_asked(name: str, headers: list[str], asked: dict[str, str]) -> None:
    for standard, header in asked.items():
        if standard not in COLUMNS:
            names = ", ".join(COLUMNS)
            raise InputError(f"'{standard}' is not a standard column.", f"They are {names}.")
        if header not in headers:
            raise _no_column(f"{name}: no column '{header}'.", headers)
    if len(set(asked.values())) < len(asked):
        raise InputError(f"{name}: one header is named for two columns.", "Name each once.")


def _no_column(problem: str, headers: Collection[str]) -> InputError:
    shown = ", ".join(repr(header) for header in [*headers][:20])
    more = f", and {len(headers) - 20} more" if len(headers) > 20 else ""
    return InputError(
        problem,
        f"The columns are {shown}{more}. If these are no headers, say which row holds them: "
        "--header-row N; if their letters are garbled, how the file is written: --encoding NAME.",
    )
