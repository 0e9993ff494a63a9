"""The files that a command is given: names, patterns, and what lies elsewhere."""

from __future__ import annotations

import glob
from collections.abc import Sequence
from pathlib import Path

from durhampulse.exceptions import InputError
from durhampulse.files.checks import require_path
from durhampulse.files.places import copies, is_elsewhere

__all__ = ["find_files"]


def find_files(inputs: Sequence[str | Path], folder: Path) -> list[Path]:
    """Return the files that names and patterns stand for, in their order; patterns sorted.

    Parameters
    ----------
    inputs
        Names and patterns, on this machine or in an object store, and ``-`` for standard input.
    folder
        Where to put copies of what is not on this machine.

    Raises
    ------
    InputError
        If a pattern matches nothing.
    """
    paths: list[Path] = []
    for number, pattern in enumerate(inputs):
        if is_elsewhere(pattern):
            (place := folder / f"input-{number}").mkdir()
            paths += copies(str(pattern), place)
            continue
        require_path(pattern)
        if Path(pattern).exists() or not glob.has_magic(str(pattern)):
            paths.append(Path(pattern))
            continue
        matched = sorted(Path(name) for name in glob.glob(str(pattern), recursive=True))  # noqa: PTH207
        if not matched:
            raise InputError(f"{pattern}: no file matches.", "Check the pattern.")
        paths += [path for path in matched if path.is_file()]
    return paths
