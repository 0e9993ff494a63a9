"""The package's addresses: hatchling asks for them when it builds.

The repository is named by whoever publishes it, in the environment variable
``DURHAMPULSE_REPOSITORY``, as the release workflow does. Without it the metadata name none.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

_LINK = re.compile(r'(\]\(|(?:src|srcset)=")(?![a-z]+:|#)([^")]+)')


class Addresses(MetadataHookInterface):
    """Where the project stands, and its README with links that hold elsewhere."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Add `urls` and `readme` to the project's metadata."""
        repository = os.environ.get("DURHAMPULSE_REPOSITORY", "").rstrip("/")
        readme = Path(self.root, "README.md").read_text(encoding="utf-8")
        metadata["urls"] = {}
        if repository:
            version = f"{repository}/blob/v{metadata['version']}"
            metadata["urls"] = {
                "Repository": repository,
                "Documentation": f"{version}/docs/index.md",
                "Changelog": f"{version}/CHANGELOG.md",
                "Issues": f"{repository}/issues",
            }
            readme = _LINK.sub(lambda link: link[1] + _address(version, link), readme)
        metadata["readme"] = {"content-type": "text/markdown", "text": readme}


def _address(version: str, link: re.Match[str]) -> str:
    """Return where a file of this version is seen: pictures as they are, documents as a page."""
    raw = "" if link[1] == "](" else "?raw=true"
    return f"{version}/{link[2]}{raw}"
