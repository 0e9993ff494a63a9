"""Read the whole corpus and rewrite ``docs/corpus.md``."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.corpus.exports import declared_exports
from tests.corpus.page import page
from tests.corpus.reading import read
from tests.corpus.variants import natural, pairwise

PAGE = Path(__file__).parents[2] / "docs" / "corpus.md"


def main() -> int:
    """Run, write the page and return 1 if anything was read wrongly."""
    exports = declared_exports()
    with tempfile.TemporaryDirectory() as folder:
        naturals = [read(export, natural(export), Path(folder)) for export in exports]
        variants = [read(export, variant, Path(folder)) for export, variant in pairwise(exports)]
    PAGE.write_text(page(naturals, variants), encoding="utf-8")
    wrong = [reading for reading in (*naturals, *variants) if reading.faults]
    sys.stdout.write(f"{len(naturals) + len(variants)} files, {len(wrong)} read wrongly: {PAGE}\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
