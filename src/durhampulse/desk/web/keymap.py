"""Which key does what, on all pages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["KEYS", "Key"]


@dataclass(frozen=True)
class Key:
    """A key, and what it does.

    Attributes
    ----------
    act
        As the script knows it, and the elements that a key presses.
    key
        As the browser calls it; two letters are pressed one after the other.
    text
        What it does, for people.
    """

    act: str
    key: str
    text: str


KEYS: Final = (
    Key("next", "j", "Next creator"),
    Key("previous", "k", "Previous creator"),
    Key("why", " ", "Why, in the side panel"),
    Key("tick", "x", "Tick"),
    Key("range", "X", "Tick all up to here"),
    Key("approve", "a", "Approve"),
    Key("tentative", "t", "Tentative"),
    Key("decline", "d", "Decline"),
    Key("skip", "s", "Skip"),
    Key("undo", "u", "Undo"),
    *(Key(f"reason-{n}", str(n), f"Reason {n or 10}") for n in (1, 2, 3, 4, 5, 6, 7, 8, 9, 0)),
    Key("profile", "o", "Open the profile"),
    Key("copy", "c", "Copy the sentence"),
    Key("search", "/", "Search"),
    Key("go-shortlist", "gs", "Go to the shortlist"),
    Key("go-queue", "gr", "Go to review"),
    Key("go-campaigns", "gc", "Go to campaigns"),
    Key("go-imports", "gi", "Go to import"),
    Key("go-outcomes", "go", "Go to outcomes"),
    Key("go-model", "gm", "Go to the model"),
    Key("help", "?", "All keys"),
)
"""What the keys do unless somebody chooses others, which their own browser keeps."""
