"""Commands of the partnership team: the desk, and creators' rights at the command line."""

from __future__ import annotations

import contextlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from durhampulse.cli.hosting import hosted
from durhampulse.cli.options import AsJson, user_name
from durhampulse.exceptions import InputError

if TYPE_CHECKING:
    from durhampulse.desk.people.provider import Provider
    from durhampulse.service.settings import Hosting

__all__ = ["desk_app", "erase"]

_DEFAULT_STORE = "sqlite:///durhampulse.db"  # written here too, so that --help loads no database
Store = Annotated[str, typer.Option(help="sqlite:///FILE or postgresql+psycopg://HOST/NAME.")]
Issuer = Annotated[str | None, typer.Option(help="OpenID provider by whom people sign in.")]
Client = Annotated[str | None, typer.Option(help="What the provider calls this desk.")]
Secret = Annotated[Path | None, typer.Option(help="File that holds the client's secret.")]
Title = Annotated[str | None, typer.Option(help="The provider's name on the sign-in page.")]
NewRole = Annotated[
    str | None, typer.Option(help="Role of accounts made for whoever is new; none without.")
]
NoPasswords = Annotated[
    bool, typer.Option("--no-passwords", help="Let people in by the provider alone.")
]
LinkFor = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Print a link for a new password, once, and end."),
]
Model = Annotated[
    Path | None,
    typer.Option(help="A study's model folder; an empty store gets a demo."),
]
Hours = Annotated[float, typer.Option(min=0.1, max=720, help="Hours after which a session ends.")]
IdleMinutes = Annotated[
    float, typer.Option(min=1, max=43200, help="Idle minutes after which a session ends.")
]
PublicUrl = Annotated[
    str | None,
    typer.Option(help="Where people reach the desk: begins its links, and is its only host."),
]
Hsts = Annotated[bool, typer.Option("--hsts", help="Tell browsers to use TLS only, for a year.")]
Pictures = Annotated[
    bool, typer.Option("--pictures", help="Show creators' pictures, from where the list says.")
]
desk_app = typer.Typer()


@desk_app.callback(invoke_without_command=True)
@hosted(level="warning")
def desk(  # noqa: PLR0913 - one for each option
    context: typer.Context,
    hosting: Hosting,
    model: Model = None,
    store: Store = _DEFAULT_STORE,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on.")] = 8000,
    yes_at: Annotated[float | None, typer.Option(help="Probability from which Yes.")] = None,
    review_at: Annotated[float | None, typer.Option(help="Probability from which Maybe.")] = None,
    session_hours: Hours = 12,
    idle_minutes: IdleMinutes = 60,
    public_url: PublicUrl = None,
    hsts: Hsts = False,
    pictures: Pictures = False,
    oidc_issuer: Issuer = None,
    oidc_client: Client = None,
    oidc_secret: Secret = None,
    oidc_title: Title = None,
    oidc_new: NewRole = None,
    no_passwords: NoPasswords = False,
    link_for: LinkFor = None,
) -> None:
    """Serve the web page where a partnership team decides.

    Without a model an empty store gets a small simulated list, so that you see a working desk at
    once. Thresholds given here are saved for everybody.

    Example: durhampulse desk --model durhampulse-study/model --store sqlite:///team.db
    """
    if context.invoked_subcommand is not None:
        return
    from durhampulse.desk.people.sessions import SessionLimits
    from durhampulse.desk.server import address_of, password_link, run
    from durhampulse.desk.web.exposure import Exposure

    exposure = Exposure.read(public_url, hsts=hsts, pictures=pictures)
    if link_for is not None:
        is_told = port and _is_any_given(context, "host", "port", "root_path")
        address = exposure.address or (address_of(host, port) if is_told else "")
        typer.echo(password_link(store, link_for, address and address + hosting.root_path))
        return
    provider = _provider(oidc_issuer, oidc_client, oidc_secret, oidc_title, oidc_new)
    if no_passwords and provider is None:
        raise InputError("Nobody could sign in.", "Add --oidc-issuer, or allow passwords.")
    run(
        url=store,
        model_folder=model,
        host=host,
        port=port,
        yes_at=yes_at,
        review_at=review_at,
        limits=SessionLimits(hours=session_hours, idle_minutes=idle_minutes),
        exposure=exposure,
        provider=provider,
        passwords=not no_passwords,
        hosting=hosting,
        say=typer.echo,
    )


def _is_any_given(context: typer.Context, *names: str) -> bool:
    """Whether an option stands on the command line, in the environment or in the file."""
    sources = (context.get_parameter_source(name) for name in names)
    return any(source is not None and source.name != "DEFAULT" for source in sources)


def _provider(
    issuer: str | None, client: str | None, secret: Path | None, title: str | None, new: str | None
) -> Provider | None:
    from durhampulse.desk.people.provider import Provider, ProviderSettings

    if not issuer:
        return None
    return Provider(ProviderSettings.read(issuer, client, secret, title=title, new_role=new))


@desk_app.command()
def reset_factor(
    name: Annotated[str, typer.Argument(help="Whose second factor ends.")],
    store: Store = _DEFAULT_STORE,
) -> None:
    """End somebody's second factor: the way back in when phone and recovery codes are lost.

    Their sessions end too, and the audit log says so.

    Example: durhampulse desk reset-factor "Ann Lee" --store sqlite:///team.db
    """
    from durhampulse.desk.server import reset_factor as reset

    reset(store, name)
    typer.echo(f"{name} signs in without a second factor now, or sets up a new one.")


@desk_app.command()
def add_hook(
    url: Annotated[str, typer.Argument(help="Where decisions and outcomes are sent.")],
    store: Store = _DEFAULT_STORE,
    private: Annotated[
        bool, typer.Option("--private", help="It may lie in a private network.")
    ] = False,
) -> None:
    """Add a webhook and show the secret that signs its messages, this once.

    The desk's page adds those in the internet; only whoever may open the store allows others.

    Example: durhampulse desk add-hook https://crm.example/hooks --store sqlite:///team.db
    """
    from durhampulse.desk.hooks.endpoints import add_hook as add
    from durhampulse.desk.store.database import open_store

    who = f"command line, {user_name()}"
    opened = open_store(store, create=False)
    with contextlib.closing(opened), opened.writing() as db:
        _, secret = add(db, url, who, private=private)
    typer.echo(secret)


@desk_app.command()
def verify_audit(
    store: Store = _DEFAULT_STORE,
    head: Annotated[str, typer.Option(help="A hash you noted, which must still be there.")] = "",
    as_json: AsJson = False,
) -> None:
    """Check that no entry of the audit log was changed, inserted or deleted.

    Exit code 1 where one was, with the first that does not fit.

    Example: durhampulse desk verify-audit --store sqlite:///team.db
    """
    from durhampulse.desk.store.chain import verify
    from durhampulse.desk.store.database import open_store

    with contextlib.closing(open_store(store, create=False)) as opened, opened.reading() as db:
        result = verify(db, head.strip().lower())
    if as_json:
        typer.echo(json.dumps(asdict(result), indent=2))
    elif not result.problem:
        entries = "1 entry" if result.entries == 1 else f"{result.entries:,} entries"
        typer.echo(f"{entries}, whole. Head: {result.head.hash}")
    if result.problem:
        typer.echo(f"The audit log is broken. {result.problem}", err=True)
        raise typer.Exit(1)


def erase(
    store: Store = _DEFAULT_STORE,
    identifier: Annotated[
        str | None, typer.Option("--id", help="Influencer_ID of the creator to erase.")
    ] = None,
    objects: Annotated[
        bool, typer.Option("--objects", help="They object: later imports leave them out.")
    ] = False,
    older_than: Annotated[
        int | None, typer.Option(min=1, help="Or all that nobody touched for so many days.")
    ] = None,
    files: Annotated[
        bool, typer.Option("--files", help="Delete files that wait and hold them, too.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Erase a creator from the desk's store, or all that are too old, with a receipt.

    Example: durhampulse erase --id INF-1042 --store sqlite:///team.db
    """
    from durhampulse.desk.people.erasure import erase as erase_one
    from durhampulse.desk.people.erasure import sweep
    from durhampulse.desk.store.database import open_store

    if (identifier is None) == (older_than is None):
        raise InputError("Erase whom?", "Name one: --id INF-1042, or --older-than 730.")
    who = f"command line, {user_name()}"
    with contextlib.closing(open_store(store, create=False)) as opened:
        if identifier is not None:
            receipt = erase_one(opened, identifier, who, objects=objects, files=files)
        else:
            receipt = sweep(opened, int(older_than or 0), who)
    if as_json:
        typer.echo(json.dumps(receipt, indent=2))
        return
    rows = ", ".join(f"{name} {n:,}" for name, n in receipt["rows"].items() if n) or "none"
    typer.echo(f"Receipt {receipt['receipt']}, {receipt['at']}: {receipt['act']}.")
    typer.echo(f"Rows gone: {rows}.")
    if receipt.get("files"):
        typer.echo(f"Files that waited, deleted: {', '.join(receipt['files'])}.")
    typer.echo(f"Audit log: entry {receipt['head']['entry']}, {receipt['head']['hash']}.")
