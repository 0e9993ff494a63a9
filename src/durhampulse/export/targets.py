"""What a model can be exported to, and the file that is written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from durhampulse.exceptions import InputError, OutputError
from durhampulse.export.graph.model import graph_of
from durhampulse.export.javascript import javascript_of
from durhampulse.export.program import Program, program_of
from durhampulse.export.sql.query import query_of
from durhampulse.files.cage import Cage
from durhampulse.files.export import replacing
from durhampulse.scoring.artifact import read_model

__all__ = ["TARGETS", "ExportOptions", "export_model"]


@dataclass(frozen=True)
class ExportOptions:
    """What may be said of an export.

    Attributes
    ----------
    dialect
        Of SQL.
    table
        The table that a query reads, with its schema before a point where it has one.
    """

    dialect: str = "duckdb"
    table: str = "creators"


def _javascript(program: Program, _options: ExportOptions) -> bytes:
    return javascript_of(program, version("durhampulse")).encode("utf-8")


def _query(program: Program, options: ExportOptions) -> bytes:
    text = query_of(program, options.dialect, options.table, version("durhampulse"))
    return text.encode("utf-8")


def _graph(program: Program, _options: ExportOptions) -> bytes:
    return graph_of(program, version("durhampulse"))


TARGETS: dict[str, Callable[[Program, ExportOptions], bytes]] = {
    "js": _javascript,
    "sql": _query,
    "onnx": _graph,
}
"""What a model can be exported to, and what gives the file's bytes."""


def export_model(
    folder: Path, to: str, out: Path, options: ExportOptions, *, cage: Cage | None = None
) -> int:
    """Write a model out, and return the file's size in bytes.

    Parameters
    ----------
    folder
        A model folder; it is verified.
    to
        One of :data:`TARGETS`.
    out
        The file to write; whole or not at all.
    options
        What may be said of it.
    cage
        The process that reads the folder's tables, where it is foreign; this one if not given.

    Raises
    ------
    InputError
        If there is no such target, or the model cannot be written so.
    ModelError
        If the folder is damaged.
    OutputError
        If the file cannot be written.
    """
    if to not in TARGETS:
        raise InputError(f"--to {to}: no such target.", f"Use one of {', '.join(TARGETS)}.")
    blob = TARGETS[to](program_of(read_model(folder, cage=cage)), options)
    if out.is_dir():
        raise OutputError(f"{out}: this is a folder.", "Name a file.")
    with replacing(out) as (path,):
        path.write_bytes(blob)
    return len(blob)
