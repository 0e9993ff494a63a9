"""Rows of a database, read and never written."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from durhampulse.deferred import pd
from durhampulse.exceptions import InputError
from durhampulse.extras import require_modules

if TYPE_CHECKING:
    from sqlalchemy import URL, Engine

__all__ = [
    "PASSWORD_VARIABLE",
    "absolute",
    "given_password",
    "is_database",
    "password_of",
    "read_rows",
    "url_of",
    "without_password",
]

PASSWORD_VARIABLE = "DURHAMPULSE_DB_PASSWORD"  # noqa: S105 - the name of a variable
"""Environment variable that fills in for ``***`` as the password of a database address.

With ``_FILE`` behind it, it names a file that holds the password.
"""

_SECRET = ("password", "passwd", "pwd", "sslpassword")
"""Parameters of a query that hold a password."""
_PACKAGES = {"psycopg": "psycopg[binary]", "psycopg2": "psycopg2-binary", "MySQLdb": "mysqlclient"}
"""Modules that are installed by another name."""


def is_database(source: str | Path) -> bool:
    """Return whether a source is a database address rather than a path."""
    return isinstance(source, str) and "://" in source


def absolute(source: str) -> str:
    """Return a path or a SQLite address as one that holds in any folder; others as they are."""
    if not is_database(source):
        return str(Path(source).absolute())
    kind, _, path = source.partition(":///")
    if kind.startswith("sqlite") and path and not path.startswith((":memory:", "file:")):
        return f"{kind}:///{Path(path).absolute()}"
    return source


def without_password(source: str | Path) -> str:
    """Return a database address with ``***`` for its password; a path as an absolute path."""
    if is_database(source):
        require_modules("A database", "sqlalchemy")
        from sqlalchemy import make_url
        from sqlalchemy.exc import ArgumentError

        try:
            url = make_url(str(source))
            shown = url.difference_update_query(_secrets(url))
            return shown.render_as_string(hide_password=True)
        except (ArgumentError, ValueError):
            return re.sub(r"(//[^:@/]*:).*@", r"\1***@", str(source))
    return str(Path(source).absolute())


def _require_no_secrets(url: URL) -> None:
    """Raise if the query of an address holds a password, which whatever names it would show."""
    if secrets := _secrets(url):
        raise InputError(
            f"The query of an address holds its '{secrets[0]}'.",
            f"Write *** as the password before the @, and set {PASSWORD_VARIABLE}.",
        )


def _secrets(url: URL) -> list[str]:
    return [name for name in url.query if name.lower() in _SECRET]


def url_of(address: str) -> URL:
    """Return the URL of a database with the password of the environment in place of ``***``.

    Raises
    ------
    InputError
        If its query holds a password, or the file that is to hold it cannot be read.
    sqlalchemy.exc.ArgumentError
        If it is no URL.
    """
    from sqlalchemy import make_url

    url = make_url(address)
    _require_no_secrets(url)
    if url.password == "***":  # noqa: S105 - the mask, not a password
        url = url.set(password=given_password())
    return url


def password_of(address: str) -> str | None:
    """Return the password that a database address holds; None where there is none to hide.

    Raises
    ------
    InputError
        If its query holds one.
    """
    require_modules("A database", "sqlalchemy")
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        url = make_url(address)
    except (ArgumentError, ValueError):
        return None
    _require_no_secrets(url)
    return None if url.password in (None, "***") else str(url.password)


def given_password() -> str | None:
    """Return what stands for ``***``: of the environment, or of the file that it names.

    Raises
    ------
    InputError
        If there is such a file, and it cannot be read.
    """
    place = os.environ.get(f"{PASSWORD_VARIABLE}_FILE")
    if PASSWORD_VARIABLE in os.environ or not place:
        return os.environ.get(PASSWORD_VARIABLE)
    try:
        return Path(place).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"{place}: cannot be read ({error}).", f"It is named by {PASSWORD_VARIABLE}_FILE."
        ) from error


def read_rows(address: str, *, table: str | None, query: str | None) -> pd.DataFrame:
    """Return a table's rows, or a query's, without any change to the database.

    Raises
    ------
    InputError
        If it cannot be read, or is empty.
    """
    require_modules("A database", "sqlalchemy")
    from sqlalchemy import create_engine, exc

    if (table is None) == (query is None):
        raise InputError(
            f"{without_password(address)}: which rows?", "Give either a table or a query."
        )
    if query is not None and not re.match(r"\s*(select|with)\b", query, re.IGNORECASE):
        raise InputError(f"{query[:40]!r} does not merely read.", "Write a SELECT.")
    try:
        url = url_of(address)
        if url.drivername.startswith("sqlite") and url.database and not Path(url.database).exists():
            raise InputError(f"{url.database}: no such database file.", "Check the address.")
        engine = create_engine(url, execution_options={"postgresql_readonly": True})
        try:
            frame = _select(engine, table, query)
        finally:
            engine.dispose()
    except (exc.NoSuchModuleError, ImportError) as error:
        raise _no_driver(address, error) from error
    except (exc.SQLAlchemyError, pd.errors.DatabaseError, ValueError) as error:
        raise InputError(
            f"{without_password(address)}: {str(error).splitlines()[0]}",
            "Check the address and the query.",
        ) from error
    if frame.empty:
        raise InputError(f"{url.render_as_string()}: the query gives no row.", "Check it.")
    return frame


def _no_driver(address: str, error: Exception) -> InputError:
    """Return what to install for a kind of database."""
    kind = address.partition("://")[0]
    module = (getattr(error, "name", None) or "").partition(".")[0]
    if package := _PACKAGES.get(module, module):
        way_out = f"Install it: python -m pip install '{package}'"
    else:
        way_out = (
            f"Install the package that brings SQLAlchemy's '{kind}', or name another driver, such "
            f"as {kind.partition('+')[0]}://."
        )
    return InputError(
        f"{without_password(address)}: the driver for '{kind}' is not installed.", way_out
    )


def _select(engine: Engine, table: str | None, query: str | None) -> pd.DataFrame:
    from sqlalchemy import inspect

    inspector = inspect(engine)
    tables = [*inspector.get_table_names(), *inspector.get_view_names()]
    if table is not None and table not in tables:
        raise InputError(
            f"{engine.url.render_as_string()}: there is no table '{table}'.",
            f"It has {', '.join(tables) or 'none'}.",
        )
    if table is not None:
        quoted = engine.dialect.identifier_preparer.quote(table)
        query = f"SELECT * FROM {quoted}"  # noqa: S608 - the quoted name of an existing table
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA query_only = ON")
        return pd.read_sql_query(str(query), connection, dtype_backend="numpy_nullable")
