"""Desks whose store holds a long list, in SQLite and in PostgreSQL.

PostgreSQL is the one of the package `pgserver`, with memory as for a server of its own: its
default of 128 MB holds the smaller part of the indexes, and imports took up to four times as long.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from sqlalchemy import func, select

from benchmarks.timing import elapsed
from durhampulse.desk.imports import intake
from durhampulse.desk.imports.undoing import ask_to_undo
from durhampulse.desk.server import open_desk
from durhampulse.desk.store.tables import creator, upload
from durhampulse.desk.web.state import Desk
from durhampulse.market.sampling import write_market

__all__ = ["ROWS", "filled_desks", "kept_folder", "put_in_place", "stores", "write_list"]

ROWS = int(os.environ.get("DURHAMPULSE_ROWS", "1_000_000"))
_SIZES = {"shared_buffers": "2GB", "max_wal_size": "8GB"}


@contextmanager
def filled_desks() -> Iterator[Iterator[tuple[Desk, Path, str]]]:
    """Open a desk with `ROWS` creators on either database, one after the other.

    Yields
    ------
    desks
        Each desk with its list in place, its folder and the address of its store.
    """
    with ExitStack() as stack:
        yield _filled(kept_folder(stack), stack)


def kept_folder(stack: ExitStack) -> Path:
    """Return the folder named by `DURHAMPULSE_FOLDER`, or one that goes with the stack."""
    kept = os.environ.get("DURHAMPULSE_FOLDER")
    folder = Path(kept or stack.enter_context(tempfile.TemporaryDirectory(dir="/tmp")))
    folder.mkdir(exist_ok=True)
    return folder


def _filled(folder: Path, stack: ExitStack) -> Iterator[tuple[Desk, Path, str]]:
    market = folder / "market.parquet"
    if not market.exists():
        write_list(market)
    for name, url in stores(folder, stack):
        desk = open_desk(url, files_in=folder)
        print(f"### {name}\n")
        if _count(desk) < ROWS // 2:  # a new store holds the demo
            _fill(desk, market)
        yield desk, folder, url
        desk.store.close()


def _count(desk: Desk) -> int:
    with desk.store.reading() as db:
        return db.scalar(select(func.count()).select_from(creator)) or 0


def write_list(path: Path, rows: int = ROWS, first: int = 0) -> None:
    """Write a list as partners send it: figures, and five columns that say who a creator is.

    Parameters
    ----------
    path
        Of the Parquet file.
    rows
        How many creators it has.
    first
        What the numbers in handles and addresses count up from.
    """
    write_market(path, rows, seed=5 + first)
    table = pq.read_table(path)
    numbers = pc.cast(pa.array(range(first, first + len(table))), pa.string())
    columns = {
        "Handle": pc.binary_join_element_wise("@creator", numbers, ""),
        "Email": pc.binary_join_element_wise("c", numbers, "@mail.example", ""),
        "Profile URL": pc.binary_join_element_wise("https://video.example/", numbers, ""),
        "Country": pa.array(np.resize(["DE", "FR", "US", "BR", "IN"], len(table))),
        "Rate": numbers,
    }  # fmt: skip
    for header, texts in columns.items():
        table = table.append_column(header, texts)
    pq.write_table(table, path)


def stores(folder: Path, stack: ExitStack) -> Iterator[tuple[str, str]]:
    """Yield the name and address of each kind of store; PostgreSQL where it is installed."""
    yield "SQLite", f"sqlite:///{folder / 'desk.db'}"
    try:
        import pgserver
    except ImportError:
        print("PostgreSQL: the package pgserver is not here")
        return
    server = pgserver.get_server(folder / "pg", cleanup_mode="stop")
    server.psql("".join(f"ALTER SYSTEM SET {name} = '{size}';" for name, size in _SIZES.items()))
    server.cleanup()  # and start again with them
    server = pgserver.get_server(folder / "pg", cleanup_mode="stop")
    stack.callback(server.cleanup)
    yield "PostgreSQL", server.get_uri().replace("postgresql://", "postgresql+psycopg://")


def put_in_place(desk: Desk, path: Path) -> dict[str, float]:
    """Import a list as a reviewer would who confirms it; return the seconds of each step."""
    with desk.store.writing() as db:
        intake.begin(db, path, path.name, "benchmark", state="checking")
    checking = elapsed(desk.worker.work)
    with desk.store.writing() as db:
        waiting = upload.update().where(upload.c.state == "checked")
        db.execute(waiting.values(state="applying"))
    return {"check": checking, "put in place": elapsed(desk.worker.work)}


def _fill(desk: Desk, market: Path) -> None:
    """Import the list twice, as new and as stored already, then undo the second import."""
    for what in ("new", "stored already"):
        path = market.with_name("list.parquet")
        path.write_bytes(market.read_bytes())
        seconds = put_in_place(desk, path)
        parts = ", ".join(f"{step} {took:.1f} s" for step, took in seconds.items())
        print(f"import of {ROWS:,} rows, {what}: {sum(seconds.values()):.1f} s ({parts}); "
              f"{_count(desk):,} stored", flush=True)  # fmt: skip
    with desk.store.reading() as db:
        number = db.scalar(select(func.max(upload.c.id))) or 0
    ask_to_undo(desk.store, number, "benchmark")
    print(f"undo of the second import: {elapsed(desk.worker.work):.1f} s", flush=True)
