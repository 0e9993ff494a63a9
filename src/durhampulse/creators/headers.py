"""Which header stands for which standard column."""

from __future__ import annotations

from durhampulse.creators.schema import COLUMNS, IDENTIFIER, LABEL, canonical_name
from durhampulse.exceptions import InputError
from durhampulse.irregularities import Irregularity, Ledger

__all__ = ["name_columns", "unclaimed"]


def name_columns(
    name: str, headers: list[str], asked: dict[str, str], ledger: Ledger
) -> dict[str, str]:
    """Give header to standard column; what was asked for wins, then exact names, then aliases.

    Parameters
    ----------
    name
        The source's, for messages.
    headers
        All of them, each once.
    asked
        Standard column to header; an empty one says that the column is not there.

    Raises
    ------
    InputError
        If two headers claim one column, none is known, or what was asked for is not there.
    """
    absent = {standard for standard, header in asked.items() if not header}
    _check_asked(name, headers, {s: header for s, header in asked.items() if s not in absent})
    taken = {header: standard for standard, header in asked.items() if header}
    taken |= {h: h for h in headers if h in COLUMNS and h not in taken and h not in asked}
    claims: dict[str, list[str]] = {}
    for header in headers:
        claimed = canonical_name(header)
        if header not in taken and claimed and claimed not in {*taken.values(), *absent}:
            claims.setdefault(claimed, []).append(header)
    for standard, rivals in claims.items():
        if len(rivals) > 1:
            raise InputError(
                f"{name}: {' and '.join(repr(r) for r in rivals)} could each be {standard}.",
                f"Choose one, for example --map '{standard}={rivals[0]}'.",
            )
        taken[rivals[0]] = standard
    for header, standard in taken.items():
        if header != standard:
            ledger.note(Irregularity.RENAMED_COLUMN, standard, 1, f"'{header}' read as {standard}")
    if not set(taken.values()) - {IDENTIFIER, LABEL}:
        shown = ", ".join(repr(h) for h in headers[:12])
        raise InputError(
            f"{name}: no column of a creators' table among {shown}.",
            "Name them, for example --map Followers=subs --map Niche=topic.",
        )
    return taken


def unclaimed(header: str) -> str:
    """Give the name of a column whose header stands for no standard column."""
    return f"{header} (as found)" if header in COLUMNS else header


def _check_asked(name: str, headers: list[str], asked: dict[str, str]) -> None:
    for standard, header in asked.items():
        if standard not in COLUMNS:
            known = ", ".join(COLUMNS)
            raise InputError(f"'{standard}' is not a standard column.", f"They are {known}.")
        if header not in headers:
            shown = ", ".join(repr(h) for h in headers[:20])
            raise InputError(f"{name}: no column '{header}'.", f"The columns are {shown}.")
    if len(set(asked.values())) < len(asked):
        raise InputError(f"{name}: one header is named for two columns.", "Name each once.")
