"""What writes files fails at its n-th call, and leaves one message and what was there before."""

from __future__ import annotations

import pytest

from tests.nth.failing import build, obstacle, require_whole, walk

pytestmark = pytest.mark.skipif(bool(obstacle()), reason=obstacle())


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    return build(tmp_path_factory.mktemp("nth"))


@pytest.mark.parametrize(
    ("acts", "faults", "most"),
    [
        ("score .csv,study", "full,rename,memory", 2),
        ("write", "memory", 1_000),
        pytest.param(
            "score .parquet,score .xlsx,save,sample,reload", "full,open,rename,unlink,read,memory", 2,
            marks=pytest.mark.slow,
        ),
        pytest.param("sample .csv,sample,score .parquet", "memory", 1_000, marks=pytest.mark.slow),
    ],
)  # fmt: skip
def test_call_that_fails_leaves_one_message_and_what_was_there(library, acts, faults, most):
    require_whole([*walk(library, "files", acts, faults, most)], acts)
