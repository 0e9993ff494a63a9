"""Tests of the desk: its rules on real databases, its pages, and a real browser."""

import pytest

pytest.register_assert_rewrite(
    *(f"tests.desk.{name}" for name in ("browsing", "running", "sent", "versions"))
)
