"""Text taken to pieces at signs: what a graph has in place of operators for single characters."""

from __future__ import annotations

from durhampulse.export.graph.nodes import Nodes
from durhampulse.export.graph.patterns import escaped

__all__ = ["from_first_digit", "halves", "holds", "replaced", "without"]

_MOST = 24
"""Pieces that a number has between separators of one kind."""


def without(nodes: Nodes, text: str, sign: str) -> str:
    """Return text without a sign."""
    return nodes.joined(*_pieces(nodes, text, sign, _MOST))


def replaced(nodes: Nodes, text: str, sign: str, by: str) -> str:
    """Return text whose first sign, if there is one, is replaced."""
    first, second = halves(nodes, text, sign)
    joined = nodes.joined(first, nodes.constant(by), second)
    return nodes.where(holds(nodes, text, sign), joined, text)


def holds(nodes: Nodes, text: str, sign: str) -> str:
    """Return whether text has a sign."""
    return nodes.matches(text, f"(?s).*{escaped(sign)}.*")


def halves(nodes: Nodes, text: str, sign: str) -> list[str]:
    """Return text before and behind the first sign; all of it and nothing where there is none."""
    return _pieces(nodes, text, sign, 2, maxsplit=1)


def _pieces(nodes: Nodes, text: str, sign: str, most: int, **options: int) -> list[str]:
    """Return the pieces of text between signs, as many for every text, the last ones empty.

    One more text is split and dropped again, so that there are as many pieces as wanted.
    """
    longer = nodes.add("Concat", text, nodes.constant([sign.join("0" * most)]), axis=0)
    split = nodes.add("StringSplit", longer, outputs=2, delimiter=sign, **options)
    start, end, rows = (nodes.whole([n]) for n in (0, -1, 0))
    ours = nodes.add("Slice", split, start, end, rows)
    return [nodes.column(ours, at) for at in range(most)]


def from_first_digit(nodes: Nodes, text: str) -> str:
    """Return text from its first digit on; all of it where it has none."""
    rest = text
    for digit in "0123456789":
        _, behind = halves(nodes, text, digit)
        own = nodes.joined(nodes.constant(digit), behind)
        rest = nodes.where(nodes.matches(text, f"(?s)[^0-9]*{digit}.*"), own, rest)
    return rest
