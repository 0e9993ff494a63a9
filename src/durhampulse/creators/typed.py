"""One figure that a person types into a form: read alike at every door, or asked about."""

from __future__ import annotations

from typing import Literal

from durhampulse.creators.numbers import Parsed, parse_number
from durhampulse.exceptions import InputError

__all__ = ["TypedKind", "read_typed"]

TypedKind = Literal["count", "amount", "rate"]
_LARGEST = 1e15
_EXAMPLES = {
    "rate": "Write a percentage such as 2.5%.",
    "count": "Write a number such as 10,000.",
    "amount": "Write an amount such as 2,500.",
}


def read_typed(text: str, kind: TypedKind, *, field: str = "") -> float | None:
    """Return the figure that a text stands for; none for no text.

    A text is read as a cell of a file is, and asked about where it may be two figures, since a
    single one has no neighbours that would tell. A rate with a percent sign is a percentage. One
    without is a percentage above 1 (nobody types 500% as 5) and asked about below: files and
    programs write 5% as 0.05, people mean 0.05% by it as often.

    Parameters
    ----------
    text
        As typed.
    kind
        A "rate", returned as a fraction; a "count"; or an "amount", which may have a currency.
    field
        Name of the form's field, for the message.

    Raises
    ------
    InputError
        If it is no figure, or may be two.

    Examples
    --------
    >>> read_typed("5%", "rate"), read_typed("5", "rate"), read_typed("12.5k", "count")
    (0.05, 0.05, 12500.0)
    >>> read_typed("0.05", "rate", field="min_engagement")
    Traceback (most recent call last):
    durhampulse.exceptions.InputError: min engagement: '0.05' may be 5% or 0.05%.
    Write 5% or 0.05%.
    """
    word = text.strip()
    if not word:
        return None
    number = _parse(word, kind)
    value = number.value(".")
    if kind == "rate" and not number.percent:
        if 0 < abs(value) <= 1:
            raise _asked(word, f"{100 * value:.6g}%", f"{value:.6g}%", field)
        value /= 100
    elif kind != "rate" and number.ambiguous:
        raise _asked(word, f"{number.comma:.12g}", f"{number.point:.12g}", field)
    elif number.rival == number.rival:
        known = number.point if number.point == number.point else number.comma
        raise _asked(word, f"{known:.12g}", f"{number.rival:.12g}", field)
    if not abs(value) <= _LARGEST:
        what = "cannot be so large" if abs(value) > _LARGEST else "is not a number"
        raise InputError(f"{_label(field)}'{text[:40]}' {what}.", _EXAMPLES[kind], field)
    return value


def _parse(word: str, kind: TypedKind) -> Parsed:
    """Return a text's number, as in a column of that kind."""
    number = parse_number(word, "rate" if kind == "rate" else "count")
    if number.counted:  # the form's field says it, and a word may say something else
        return Parsed()
    if kind != "amount" or number.readable:
        return number
    amount = parse_number(word, "any")
    return Parsed() if amount.percent else amount


def _asked(word: str, first: str, second: str, field: str) -> InputError:
    """Return the question which of two readings is meant."""
    # 2.505 would be asked about again; with a fourth decimal it can only be a fraction.
    other = f"{second}0" if parse_number(second, "count").ambiguous else second
    return InputError(
        f"{_label(field)}'{word[:40]}' may be {first} or {second}.",
        f"Write {first} or {other}.",
        field,
    )


def _label(field: str) -> str:
    return f"{field.replace('_', ' ')}: " if field else ""
