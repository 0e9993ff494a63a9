"""The options that say how a process is hosted, the same for `serve` and `desk`."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, Any

import typer

from durhampulse.cli.expansion import in_place_of
from durhampulse.exceptions import InputError

__all__ = ["hosted"]


class _Format(StrEnum):
    TEXT = "text"
    JSON = "json"


class _Level(StrEnum):
    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"


def hosted(*, level: str) -> Callable[[Callable[..., None]], Any]:
    """Return a decorator that gives a command the options in place of its parameter `hosting`.

    Parameters
    ----------
    level
        The least level of the log's lines where none is given.
    """
    options = {
        "workers": (
            Annotated[int, typer.Option(min=1, max=64, help="Processes that share the address.")],
            1,
        ),
        "root_path": (
            Annotated[str, typer.Option(help="Path under which a proxy shows it, as /pulse.")],
            "",
        ),
        "trusted_proxies": (
            Annotated[str, typer.Option(help="Whose X-Forwarded headers count; commas between.")],
            "127.0.0.1",
        ),
        "log_format": (Annotated[_Format, typer.Option(help="Form of the log.")], _Format.TEXT),
        "log_level": (Annotated[_Level, typer.Option(help="Least level logged.")], _Level(level)),
    }
    return in_place_of("hosting", options, _hosting, "Hosting")


def _hosting(given: dict[str, Any]) -> Any:
    from durhampulse.service.settings import Hosting

    path = given["root_path"].rstrip("/")
    if path and (not path.startswith("/") or "//" in path or not path.isascii()):
        raise InputError(f"--root-path {path!r} is no path.", "Write it as /pulse.")
    log_format, log_level = given["log_format"].value, given["log_level"].value
    return Hosting(**given | {"root_path": path, "log_format": log_format, "log_level": log_level})
