"""PostgreSQL servers that may be stopped and started again."""

from __future__ import annotations

import contextlib
import secrets
import shutil
import subprocess
from pathlib import Path


def find_tool():
    """Give `pg_ctl` of the package pgserver, or Debian's; none where there is neither."""
    try:
        import pgserver
    except ImportError:
        return next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))[-1:]), None)
    return Path(pgserver.__file__).parent / "pginstall" / "bin" / "pg_ctl"


@contextlib.contextmanager
def own_server(tool):
    """A PostgreSQL of one's own; give its address, and what restarts it as a crash would."""
    folder = Path("/tmp", f"dp-{secrets.token_hex(4)}")
    folder.mkdir(mode=0o777)
    folder.chmod(0o777)
    user = ["runuser", "-u", "nobody", "--"] if Path("/").owner() == "root" else []
    data = folder / "data"
    options = f"-c listen_addresses= -k {folder}"
    control = [*user, tool, "-D", data, "-w", "-t", "300", "-o", options, "-l", folder / "log"]

    def run(*command, check=True):
        subprocess.run(
            [*command], check=check, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    run(*user, tool.with_name("initdb"), "-D", data, "-A", "trust", "-U", "postgres")
    run(*control, "start")
    try:
        url = f"postgresql+psycopg://postgres@/postgres?host={folder}"
        yield url, lambda: run(*control, "restart", "-m", "immediate")
    finally:
        run(*control, "stop", "-m", "immediate", check=False)
        shutil.rmtree(folder, ignore_errors=True)
