"""The form of a manifest: what each part of it that is shown or counted on must be."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, get_args

from durhampulse.creators.units import Unit

__all__ = ["require_form"]

_LARGEST_COUNT = 2**53
_ANY = "*"


def _text(value: object) -> bool:
    return isinstance(value, str)


def _flag(value: object) -> bool:
    return isinstance(value, bool)


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not _flag(value) and math.isfinite(value)


def _number_if_any(value: object) -> bool:
    return value is None or _number(value)


def _count(value: object) -> bool:
    return isinstance(value, int) and not _flag(value) and 0 <= value < _LARGEST_COUNT


def _unit(value: object) -> bool:
    return value in get_args(Unit)


class _Record(dict[str, Any]):
    """A form all of whose fields must be there."""


_ENDS = {"low": _number, "high": _number}
_ENDS_IF_ANY = {"low": _number_if_any, "high": _number_if_any}
_RATED = {"creators": _count, "predicted": _number, "measured": _number}
_BAND = _Record(band=_text, creators=_count, deals=_count, hit_rate=_number_if_any, **_ENDS_IF_ANY)
_FORM: Mapping[str, Any] = {
    "name": _text,
    "family": _text,
    "units": {_ANY: _unit},
    "rows": _Record(train=_count, test=_count),
    "base_rate": _number,
    "verdict": {"word": _text, "refusal": _text},
    "provenance": {"source": _text, "written": _text, "simulated": _flag},
    "quality": [_Record(metric=_text, value=_number, **_ENDS)],
    "band_hit_rates": [_BAND],
    "pooled_band_hit_rates": [_BAND],
    "reliability": [_Record(_RATED, **_ENDS)],
    "groups": [_Record(_RATED, by=_text, group=_text, **_ENDS_IF_ANY)],
    "versions": {_ANY: _text},
}
"""Of each part the test it must pass; of a list that of its items. Fields may be left out but for
those of a record, and others may stand beside."""


def require_form(manifest: Mapping[str, Any]) -> None:
    """Raise unless what a manifest says is of the form in which it is shown and counted on.

    Raises
    ------
    ValueError
        If a part is not.

    Examples
    --------
    >>> require_form({"name": "A model", "rows": {"train": 800, "test": 200}})
    >>> require_form({"name": "A model", "rows": {"train": "many", "test": 200}})
    Traceback (most recent call last):
    ValueError: rows.train is not of the form of a model
    """
    for place in _misfits(manifest, _FORM, ""):
        raise ValueError(f"{place} is not of the form of a model")


def _misfits(value: object, form: Any, place: str) -> Iterator[str]:
    """Yield the places that are not of a form."""
    if isinstance(form, list):
        if not isinstance(value, list):
            yield place
            return
        for number, item in enumerate(value):
            yield from _misfits(item, form[0], f"{place}.{number}")
    elif not isinstance(form, Mapping):
        if not form(value):
            yield place
    elif not isinstance(value, Mapping):
        yield place
    else:
        for name in {*form, *value} if _ANY in form else form:
            inner = f"{place}.{name}" if place else name
            if name in value:
                yield from _misfits(value[name], form.get(name, form.get(_ANY)), inner)
            elif isinstance(form, _Record):
                yield inner
