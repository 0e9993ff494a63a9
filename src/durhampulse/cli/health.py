"""Whether what is served here is ready: for health checks of containers."""

from __future__ import annotations

from typing import Annotated

import typer

__all__ = ["health"]

_SECONDS = 4.0


def health(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the server.")] = 8000,
) -> None:
    """Ask the desk or the service on this machine whether it is ready.

    Exit code 0 where it is, 1 where it is not or does not answer.

    Example: durhampulse health --port 8000
    """
    import http.client
    import urllib.error
    import urllib.request

    address = f"http://127.0.0.1:{port}/readyz"
    direct = urllib.request.build_opener(
        urllib.request.ProxyHandler({})
    )  # whatever http_proxy says
    try:
        with direct.open(address, timeout=_SECONDS) as answer:
            typer.echo(answer.read().decode("utf-8", "replace"))
    except urllib.error.HTTPError as error:
        typer.echo(error.read().decode("utf-8", "replace"), err=True)
        raise typer.Exit(1) from None
    except (OSError, http.client.HTTPException) as error:
        typer.echo(f"Neither desk nor service answers at {address}: {error}", err=True)
        raise typer.Exit(1) from None
