"""Run the study's notebook and write it here, or check the one that is here against its source."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

import nbformat

from durhampulse.report.notebook import make_notebook, run_study
from durhampulse.study.request import Request

HERE = Path(__file__).parent / "influencer_sponsorship.ipynb"


def main() -> None:
    """Run always; with --check, fail where the committed code or prose is not the source's."""
    with tempfile.TemporaryDirectory() as folder:
        run_study(Request(), Path(folder, "study"))
        if "--check" not in sys.argv:
            shutil.copy(Path(folder, "study", "notebook.ipynb"), HERE)
    committed = [(c.cell_type, c.source) for c in nbformat.read(HERE, as_version=4).cells]
    source = [(c.cell_type, c.source) for c in make_notebook(Request()).cells]
    if committed != source:
        sys.exit(f"{HERE.name} differs from its source: run `make notebook` and commit it.")


if __name__ == "__main__":
    main()
