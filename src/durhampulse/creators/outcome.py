"""What an outcome is called where people read of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from durhampulse.creators.dealwords import deal_word, trade_word
from durhampulse.creators.rules import ColumnRule
from durhampulse.creators.schema import LABEL, canonical_name

__all__ = ["SPONSORSHIP", "OutcomeWords", "outcome_words"]

_SPONSORSHIP = frozenset({"deal", "got deal", "sponsored", "sponsorship"})


@dataclass(frozen=True)
class OutcomeWords:
    """The words for a deal and for none, as people read them.

    Attributes
    ----------
    header
        The outcome's own column.
    deal, none
        What the two outcomes are called.
    own
        Whether these are the table's words rather than those of a sponsorship.
    """

    header: str = LABEL
    deal: str = "deal"
    none: str = "no deal"
    own: bool = False

    @property
    def deals(self) -> str:
        """Several outcomes of the first kind: ``12 deals``."""
        return self.deal if self.own else "deals"

    @property
    def a_deal(self) -> str:
        """One outcome of the first kind: ``creators with a deal``."""
        return self.deal if self.own else "a deal"

    @property
    def event(self) -> str:
        """When it happened: ``written after the deal``."""
        return "the outcome" if self.own else "the deal"

    @property
    def with_deal(self) -> str:
        """Whom it happened to: ``creators with a deal``."""
        return f"that {self.got}" if self.own else "with a deal"

    @property
    def got(self) -> str:
        """What happened, as a verb: ``30% of them got a deal``."""
        return f"ended as {self.deal}" if self.own else "got a deal"

    @property
    def got_none(self) -> str:
        """What happened to the others: ``3 of them got no deal``."""
        return f"ended as {self.none}" if self.own else "got no deal"

    @property
    def gets(self) -> str:
        """What is asked about a creator: ``who gets a deal``."""
        return f"ends as {self.deal}" if self.own else "gets a deal"

    @property
    def get(self) -> str:
        """What happens to several: ``such creators get deals more often``."""
        return f"end as {self.deal}" if self.own else "get deals"

    def marked(self, mark: Callable[[str], str]) -> OutcomeWords:
        """Return the same with the table's own words set apart from the sentence around them."""
        if not self.own:
            return self
        return replace(self, deal=mark(self.deal), none=mark(self.none), header=mark(self.header))


SPONSORSHIP = OutcomeWords()


def outcome_words(rule: ColumnRule | None) -> OutcomeWords:
    """Return what the outcomes of a label are called.

    Examples
    --------
    >>> outcome_words(ColumnRule(column=LABEL, kind="label", header="Converted", deal=("1",)))
    OutcomeWords(header='Converted', deal='Converted', none='not Converted', own=True)
    """
    if rule is None:
        return SPONSORSHIP
    deal = [word for word in rule.deal if rule.insisted or trade_word(word)]
    if not deal or all(deal_word(word) and trade_word(word) is None for word in deal):
        if not rule.header or LABEL in (rule.header, canonical_name(rule.header)):
            return SPONSORSHIP
        return OutcomeWords(rule.header, rule.header, f"not {rule.header}", own=True)
    if LABEL in (rule.header, canonical_name(rule.header)) and (
        {word.casefold() for word in deal} <= _SPONSORSHIP
    ):
        return SPONSORSHIP
    none = [w for w in rule.no_deal if w and (rule.insisted or trade_word(w) is False)]
    named = _either(deal)
    return OutcomeWords(rule.header, named, _either(none) or f"not {named}", own=True)


def _either(words: list[str]) -> str:
    return " or ".join(words)
