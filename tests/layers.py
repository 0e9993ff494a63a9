"""The order of the packages: each imports from those before it."""

from __future__ import annotations

LAYERS = [
    "exceptions", "extras", "deferred", "markup", "irregularities", "files", "creators", "market", "features",
    "models", "evaluation", "decision", "scoring", "export", "study", "report", "service", "desk", "cli",
    "__main__",
]  # fmt: skip


DESK_LAYERS = [
    "store",
    "models",
    "people",
    "shortlist",
    "review",
    "imports",
    "campaigns",
    "outcomes",
    "hooks",
    "web",
    "server",
]
