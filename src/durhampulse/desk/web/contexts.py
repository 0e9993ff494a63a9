"""What the pages where people decide are given, by type; a test holds the templates to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypedDict

from durhampulse.desk.models.rules import Rules
from durhampulse.desk.review.page import CreatorPage
from durhampulse.desk.review.queue import Claim, Progress
from durhampulse.desk.review.undoing import Draft
from durhampulse.desk.review.worth import Remaining
from durhampulse.desk.shortlist.facets import Facets
from durhampulse.desk.shortlist.view import View
from durhampulse.desk.web.rows import ListRow
from durhampulse.scoring.crm import CrmFormat

__all__ = [
    "CONTEXTS", "Counts", "CountsContext", "DecisionContext", "PanelContext", "QueueContext",
    "ShortlistContext",
]  # fmt: skip


class Counts(TypedDict):
    """How many there are of each choice, who waits by answer, and all of them together.

    None where the page asks for them later.
    """

    counts: Facets | None
    todo: Mapping[str, int] | None
    everybody: int


class CountsContext(Counts):
    """The line that says what to do, and the tabs; `swapped` where they come after the page."""

    view: View
    swapped: bool


class ShortlistContext(CountsContext):
    """The shortlist."""

    rows: Sequence[ListRow]
    rules: Rules
    niches: Sequence[str]
    sorts: Mapping[str, str]
    states: Sequence[str]
    links: Mapping[str, str]
    reasons: Sequence[str]
    request_name: str
    seen: int
    back: str
    lists: Sequence[Any]
    saved: Sequence[Any]
    work: Sequence[Any]
    columns: Sequence[str]
    unlike_lists: Sequence[Any]
    broken: Sequence[Any]
    drafts: Sequence[Any]
    remarks: Mapping[int, str]
    crms: Mapping[str, CrmFormat]
    owners: Mapping[int, str]


class DecisionContext(TypedDict):
    """A creator, and the form to decide about them."""

    page: CreatorPage
    rules: Rules
    draft: Draft
    reasons: Sequence[str]
    request_name: str


class PanelContext(DecisionContext):
    """The side panel."""

    seen: int
    holder: Any
    hidden: bool


class QueueContext(TypedDict):
    """The review queue; page and claim are none where nobody waits."""

    page: CreatorPage | None
    rules: Rules
    draft: Draft
    reasons: Sequence[str]
    request_name: str
    claimed: Claim | None
    why: str
    hidden: bool
    worthwhile: Remaining
    value: float | None
    progress: Progress
    last: Any
    last_words: str


CONTEXTS: Final[Mapping[str, type]] = {
    "shortlist.html": ShortlistContext,
    "counts.html": CountsContext,
    "panel.html": PanelContext,
    "queue.html": QueueContext,
}
"""Template to what it is given."""
