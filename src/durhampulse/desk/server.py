"""The desk as a process: opened, filled with a demo where it is empty, and served."""

from __future__ import annotations

import contextlib
import shutil
import socket
import sys
import webbrowser
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Connection, func, select

from durhampulse.desk.imports.activation import Board
from durhampulse.desk.imports.intake import begin, clear_leftovers
from durhampulse.desk.imports.uploaded import clear_orphans
from durhampulse.desk.imports.worker import Worker
from durhampulse.desk.models.catalogue import Catalogue, add_model, save_thresholds
from durhampulse.desk.models.widening import widen_edges
from durhampulse.desk.people.factors import end_factor
from durhampulse.desk.people.people import add_person, make_link
from durhampulse.desk.people.provider import Provider, ProviderSettings
from durhampulse.desk.people.sessions import SessionLimits
from durhampulse.desk.people.sign_in import SignIn
from durhampulse.desk.store.database import Store, open_store
from durhampulse.desk.store.settings import read_setting, write_setting
from durhampulse.desk.store.tables import model, person
from durhampulse.desk.store.tables import upload as uploads
from durhampulse.desk.web.app import create_desk
from durhampulse.desk.web.exposure import Exposure
from durhampulse.desk.web.state import Desk
from durhampulse.exceptions import InputError
from durhampulse.files.scratch import scratch_folder
from durhampulse.service.server import (
    end_with_parent,
    is_loopback,
    serve,
    serve_several,
    server_config,
    shared_folder,
)
from durhampulse.service.settings import Hosting

if TYPE_CHECKING:
    from fastapi import FastAPI

__all__ = [
    "DEMO_ADMIN", "address_of", "fill_with_demo", "open_desk", "password_link", "reset_factor",
    "run",
]  # fmt: skip

DEMO_ADMIN = "demo admin"
_ADDRESS = "address"
"""Setting that says where the desk was served at its latest start."""
_SECONDS_TO_FINISH = 20
_SECONDS_OF_SILENCE = 30
"""After which one of several processes is replaced; on a busy machine it is a while."""


def open_desk(
    url: str, model_folder: Path | None = None, *,
    files_in: Path | None = None, limits: SessionLimits | None = None, board: Board | None = None,
) -> Desk:  # fmt: skip
    """Open a desk on a store; an empty store without a model is filled with the demo.

    Parameters
    ----------
    url
        The store's address.
    model_folder
        A model to add; the first of a store becomes active, later ones wait to be activated.
    files_in
        Where uploads lie until they are in place; beside a SQLite file if not given.
    limits
        When sessions end.
    board
        Where the processes of the desk show activations; it is the only one if not given.

    Raises
    ------
    InputError, ModelError
        If store or model cannot be used.
    """
    _fill_tables_of_letters()
    store = open_store(url)
    with store.reading() as db:
        empty = not db.scalar(select(func.count()).select_from(model))
    if model_folder is not None:
        add_model(store, model_folder, "command line")
    elif empty:
        fill_with_demo(store)
    catalogue = Catalogue(store)
    widen_edges(store, catalogue)
    folder = files_in or _folder_for(store)
    clear_orphans(store, folder)
    clear_leftovers(store)
    return Desk(
        store=store, catalogue=catalogue, worker=Worker(store, catalogue, folder, board=board),
        folder=folder, sign_in=SignIn(limits),
    )  # fmt: skip


def _fill_tables_of_letters() -> None:
    """Have Arrow make its tables of letters now: it ends a process that lacks the memory later."""
    pc.utf8_trim_whitespace(pa.array([""]))


def _folder_for(store: Store) -> Path:
    if store.is_sqlite:
        path = Path(str(store.engine.url.database))
        return path.with_name(path.name + ".uploads").absolute()
    return Path("durhampulse-uploads").absolute()


def fill_with_demo(store: Store) -> None:
    """Put the simulated model and list of the wheel into an empty store."""
    catalogue = Catalogue(store)
    with as_file(files("durhampulse.desk").joinpath("demo")) as demo:
        add_model(store, demo / "model", "demo")
        with scratch_folder() as folder:
            path = Path(shutil.copy(demo / "creators.csv", folder))
            with store.writing() as db:
                begin(db, path, "creators.csv (simulated)", "demo", state="checking")
            worker = Worker(store, catalogue)
            worker.work()
            with store.writing() as db:
                db.execute(uploads.update().where(uploads.c.state == "checked")
                           .values(state="applying"))  # fmt: skip
            worker.work()


def invitation(desk: Desk, *, demo: bool) -> str | None:
    """Return the path of a one-time link; none where people can sign in without."""
    with desk.store.writing() as db:
        if demo:
            number = db.scalar(select(person.c.id).where(person.c.name == DEMO_ADMIN))
            number = number or add_person(db, DEMO_ADMIN, "admin", "demo")
            return f"/welcome/{make_link(db, 'demo', 'demo', number)}"
        if db.scalar(select(func.count()).select_from(person)):
            return None
        return f"/welcome/{make_link(db, 'first', 'first run')}"


def password_link(url: str, name: str, address: str = "") -> str:
    """Return a new one-time link by which a person chooses a password.

    For whoever may open the store itself: the way back in when no admin can sign in.

    Parameters
    ----------
    url
        The store's address.
    name
        Whose password.
    address
        Where the desk is served; where it was at its latest start if not given.

    Raises
    ------
    InputError
        If nobody of that name may sign in, or it is not known where the desk is served.
    """
    with contextlib.closing(open_store(url, create=False)) as store, store.writing() as db:
        number = _number_of(db, name)
        address = address or read_setting(db, _ADDRESS, "")
        if not address:
            raise InputError(
                "It is not known where the desk is served: none was started on this store yet.",
                "Start it first, or add --public-url https://desk.example, or --port.",
            )
        return f"{address}/welcome/{make_link(db, 'password', 'command line', number)}"


def reset_factor(url: str, name: str) -> None:
    """End a person's second factor, for whoever may open the store itself.

    Raises
    ------
    InputError
        If nobody of that name may sign in, or they have no second factor.
    """
    with contextlib.closing(open_store(url, create=False)) as store, store.writing() as db:
        if not end_factor(db, _number_of(db, name), "command line"):
            raise InputError(f"'{name}' has no second factor.", "Nothing was changed.")


def _number_of(db: Connection, name: str) -> int:
    number = db.scalar(select(person.c.id).where(person.c.name == name, person.c.active.is_(True)))
    if number is None:
        raise InputError(f"Nobody called '{name}' may sign in.", "Check the name.")
    return int(number)


def is_demo(desk: Desk) -> bool:
    """Whether the store began as the demo and has no people of its own yet."""
    with desk.store.reading() as db:
        real = select(func.count()).where(person.c.name != DEMO_ADMIN)
        first = db.scalar(select(uploads.c.by).order_by(uploads.c.id).limit(1))
        return first == "demo" and not db.scalar(real)


def run(  # noqa: PLR0913 - one for each option
    *,
    url: str,
    model_folder: Path | None,
    host: str,
    port: int,
    yes_at: float | None = None,
    review_at: float | None = None,
    limits: SessionLimits | None = None,
    exposure: Exposure | None = None,
    provider: Provider | None = None,
    passwords: bool = True,
    hosting: Hosting | None = None,
    say: Callable[[str], object] = print,
) -> None:
    """Serve the desk until the process is stopped."""
    hosting = hosting or Hosting(log_level="warning")
    desk = open_desk(url, model_folder, limits=limits)
    desk = replace(desk, provider=provider, sign_in=SignIn(limits, passwords=passwords))
    demo = is_demo(desk)
    if demo and not is_loopback(host):
        raise InputError(
            f"The demo's door would be open to anybody at {host}.",
            "Serve a real list: --model DIR --store URL, or stay on 127.0.0.1.",
        )
    listening = _listen(host, port)
    _move_thresholds(desk, yes_at, review_at)
    exposure = exposure or Exposure()
    printed = address_of(host, listening.getsockname()[1])
    address = (exposure.address or printed) + hosting.root_path
    desk = _reached_at(address, replace(desk, exposure=exposure))
    for line in _greeting(desk, demo=demo):
        say(line)
    _serve(desk, url, hosting, listening)
    desk.store.close()


def _reached_at(address: str, desk: Desk) -> Desk:
    """Return a desk whose links begin with an address, which the store keeps for `--link-for`."""
    with desk.store.writing() as db:
        write_setting(db, _ADDRESS, address)
    return replace(desk, exposure=replace(desk.exposure, address=address))


def _serve(desk: Desk, url: str, hosting: Hosting, listening: socket.socket) -> None:
    """Serve an open desk until a signal: in this process, or in several that open it themselves."""
    import uvicorn

    several = hosting.workers > 1
    provider = desk.provider.settings if desk.provider else None
    app = partial(_one_of_several, url, desk.exposure, desk.limits, desk.sign_in.passwords,
                  provider, hosting.root_path)  # fmt: skip
    config = server_config(
        app if several else create_desk(desk, hosting.root_path), hosting, factory=several,
        timeout_graceful_shutdown=_SECONDS_TO_FINISH,
        timeout_worker_healthcheck=_SECONDS_OF_SILENCE,
    )  # fmt: skip
    if several:
        serve_several(config, listening)
    else:
        serve(uvicorn.Server(config), [listening])


def _one_of_several(
    url: str, exposure: Exposure, limits: SessionLimits, passwords: bool,
    provider: ProviderSettings | None, root_path: str,
) -> FastAPI:  # fmt: skip
    """Return the application of one of the processes that share an address."""
    end_with_parent()
    desk = open_desk(url, limits=limits, board=Board(shared_folder()))
    desk = replace(
        desk, exposure=exposure, sign_in=SignIn(limits, passwords=passwords),
        provider=Provider(provider) if provider else None,
    )  # fmt: skip
    return create_desk(desk, root_path)


def _move_thresholds(desk: Desk, yes_at: float | None, review_at: float | None) -> None:
    """Save the thresholds that were given; the others stay."""
    rules = desk.catalogue.current()
    moved = {
        name: value
        for name, value in (("yes_at", yes_at), ("review_at", review_at))
        if value is not None
    }
    if moved:
        save_thresholds(desk.store, replace(rules.thresholds, **moved), "command line", rules)


def _listen(host: str, port: int) -> socket.socket:
    """Return a listening socket, bound before its address is printed; port 0 for any free one."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise InputError(
            f"{host}:{port}: {error.strerror or error}.", "Choose another, for example --port 8001."
        ) from error


def address_of(host: str, port: int) -> str:
    """Return the address of a desk that listens at a host and a port.

    Examples
    --------
    >>> address_of("0.0.0.0", 8000), address_of("::1", 8001)
    ('http://localhost:8000', 'http://[::1]:8001')
    """
    anywhere = host in ("0.0.0.0", "::")  # noqa: S104 - compared, not bound
    shown = "localhost" if anywhere else f"[{host}]" if ":" in host else host
    return f"http://{shown}:{port}"


def _greeting(desk: Desk, *, demo: bool) -> Iterator[str]:
    """Yield the lines for the terminal; open the browser where there is one."""
    address = desk.exposure.address
    yield f"Store: {desk.store.engine.url.render_as_string(hide_password=True)}"
    if demo:
        yield "This is a demo: its model and its first list are simulated."
    yield f"Desk: {address}/"
    if path := invitation(desk, demo=demo):
        yield f"Sign in once, within half an hour: {address}{path}"
        if sys.stdout.isatty():
            webbrowser.open(address + path)
