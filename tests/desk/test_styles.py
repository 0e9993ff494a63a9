"""Styles name roles: four sizes and two weights of type, and no colour of their own."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from durhampulse.desk.web import rendering

STATIC = Path(rendering.__file__).parent / "static"
MARKS = {".75rem", ".6875rem"}
"""Of keys and initials, which are no text to read."""


def style(name):
    """Give a style sheet for the screen: without comments, and without what is for print."""
    text = re.sub(r"/\*.*?\*/", "", (STATIC / name).read_text(), flags=re.DOTALL)
    return re.sub(r"@media print \{(?:[^{}]|\{[^{}]*\})*\}", "", text)


def tokens(pattern):
    return set(re.findall(pattern, style("tokens.css")))


def test_type_has_four_sizes_and_two_weights():
    assert tokens(r"--t-\w+: *([^;]+);") == {".8125rem", ".9375rem", "1.25rem", "1.75rem"}
    assert tokens(r"--(?:plain|strong): *([^;]+);") == {"400", "600"}


@pytest.mark.parametrize("name", ["desk.css", "elements.css"])
def test_style_has_no_size_weight_or_colour_of_its_own(name):
    text = style(name)
    sizes = set(re.findall(r"font-size: *([^;}]+?) *[;}]", text))
    sizes |= set(re.findall(r"font: *var\(--\w+\) ([^ /]+)/", text))
    assert {size for size in sizes if not re.fullmatch(r"var\(--t-\w+\)|inherit", size)} <= MARKS
    weights = set(re.findall(r"font-weight: *([^;}]+?) *[;}]", text))
    assert weights == {"var(--plain)", "var(--strong)"}
    assert re.findall(r"#[0-9a-fA-F]{3,8}\b|(?:rgb|hsl|oklch)a?\([^)]*\)", text) == []
