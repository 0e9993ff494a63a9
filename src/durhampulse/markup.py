"""Objects as HTML in a notebook: every text escaped, no style or script of its own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

__all__ = ["list_html", "table_html"]


def list_html(title: str, lines: Iterable[str]) -> str:
    """Return a heading and lines as HTML.

    Examples
    --------
    >>> list_html("A & B", ["1 < 2"])
    '<p><strong>A &amp; B</strong></p><ul><li>1 &lt; 2</li></ul>'
    """
    return f"{_heading(title)}<ul>{''.join(f'<li>{escape(line)}</li>' for line in lines)}</ul>"


def table_html(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a heading and a table as HTML.

    Examples
    --------
    >>> table_html("T", ["a"], [["<b>"]])
    '<p><strong>T</strong></p><table><tr><th>a</th></tr><tr><td>&lt;b&gt;</td></tr></table>'
    """
    head = "".join(f"<th>{escape(column)}</th>" for column in columns)
    body = "".join(
        f"<tr>{''.join(f'<td>{escape(str(cell))}</td>' for cell in row)}</tr>" for row in rows
    )
    return f"{_heading(title)}<table><tr>{head}</tr>{body}</table>"


def _heading(title: str) -> str:
    return f"<p><strong>{escape(title)}</strong></p>"
