"""Pages for somebody who judges a creator without the model's number: what they are refused."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from durhampulse.exceptions import InputError

__all__ = ["refuse_unseen"]


def refuse_unseen(hidden: Collection[int], shown: Iterable[int]) -> None:
    """Refuse what would show a number that is hidden.

    Raises
    ------
    InputError
        If one of the creators shown is one of those hidden.
    """
    if not set(hidden).isdisjoint(shown):
        raise InputError(
            "This would show the model's number of a creator whom you judge without it.",
            "Decide first, under Review or Second opinions.",
        )
