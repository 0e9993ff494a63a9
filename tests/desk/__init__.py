"""Tests of the desk."""

import pytest

pytest.register_assert_rewrite(
    *(f"tests.desk.{name}" for name in ("browsing", "running", "sent", "versions"))
)
