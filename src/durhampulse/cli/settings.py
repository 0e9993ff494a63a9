"""Options from the environment and from a TOML file, for all commands alike.

What the command line says comes first, then the environment, then the file, then the default. In
the environment ``--public-url`` of ``desk`` is ``DURHAMPULSE_DESK_PUBLIC_URL``, or
``DURHAMPULSE_PUBLIC_URL`` for every command that has such an option; the name with ``_FILE`` behind
it names a file that holds the value. In the file it is ``public_url``, in the table ``[desk]`` or
above all tables.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, cast

import typer
from typer.core import TyperGroup, TyperOption
from typer.main import get_command

from durhampulse.exceptions import InputError

__all__ = [
    "check_file",
    "commands_of",
    "configured",
    "options_of",
    "passwords_in",
    "variable",
    "variables",
]

_PREFIX = "DURHAMPULSE"
_CONFIG = f"{_PREFIX}_CONFIG"
_OWN_VARIABLES = (_CONFIG, f"{_PREFIX}_DB_PASSWORD")
_LEAST_LIKENESS = 0.9
"""Likeness from which a name is taken for one of ours that is misspelled."""
_KUBERNETES = re.compile(r"_(SERVICE_HOST|SERVICE_PORT\w*|PORT_\d+_\w+)$")
"""Variables that Kubernetes sets for each service of a namespace."""
_PLACE = f"{__name__}.place"
_FILE = "_file"
_SECRET = ("store",)
"""Options that may hold a password, so that a flag names a file of theirs."""
_PASSWORD = re.compile(r"(\w[\w+.-]*://[^/@\s:]*):([^/@\s]+)@")


def configured(root: TyperGroup) -> TyperGroup:
    """Return a command line whose options may also stand in the environment and in a file."""
    for path, command in commands_of(root):
        command.params.append(_config_option(root, path))
        for name in _SECRET:
            if name in options_of(command):
                command.params.append(_file_option(name, options_of(command)[name].name))
    return root


def commands_of(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield a command and all below it, each with the words that call it."""
    yield path, command
    for name, below in getattr(command, "commands", {}).items():
        yield from commands_of(below, (*path, name))


def options_of(command: Any) -> dict[str, Any]:
    """Return the options of a command by their long names, with ``_`` for ``-``."""
    return {
        _plain(max(param.opts, key=len)): param
        for param in command.params
        if param.param_type_name == "option" and not param.is_eager
    }


def variable(path: Sequence[str], name: str) -> str:
    """Return the environment variable of a command's option.

    Examples
    --------
    >>> variable(("desk", "reset-factor"), "store"), variable((), "public_url")
    ('DURHAMPULSE_DESK_RESET_FACTOR_STORE', 'DURHAMPULSE_PUBLIC_URL')
    """
    return _plain("_".join([_PREFIX, *path, name])).upper()


def passwords_in(words: Sequence[str]) -> list[str]:
    """Return the addresses of a command line that hold a password, without it.

    Examples
    --------
    >>> passwords_in(["desk", "--store", "postgresql://ann:secret@db/desk", "x://ann:***@db"])
    ['postgresql://ann:***@']
    """
    matches = (_PASSWORD.search(word) for word in words)
    return [f"{match[1]}:***@" for match in matches if match and match[2] != "***"]


def _plain(name: str) -> str:
    return name.lstrip("-").replace("-", "_")


def _config_option(root: TyperGroup, path: tuple[str, ...]) -> TyperOption:
    def apply(context: typer.Context, place: str | None) -> None:
        place = place or context.meta.get(_PLACE) or os.environ.get(_CONFIG)
        context.meta[_PLACE] = place
        if not path:
            _refuse_misspelled(root)
        values = _values(context, path, check_file(Path(place), root) if place else {})
        context.default_map = {**values, **(context.default_map or {})}

    meaning = f"TOML file of options; or set {variable(path, 'OPTION')} for each."
    return _option("config", meaning, apply)


def _file_option(name: str, parameter: str) -> TyperOption:
    def apply(context: typer.Context, place: str | None) -> None:
        if place:
            read = {parameter: _content(f"--{name}-file", place)}
            context.default_map = {**(context.default_map or {}), **read}

    return _option(f"{name}-file", f"File that holds what --{name} would say.", apply)


def _option(name: str, meaning: str, apply: Callable[..., None]) -> TyperOption:
    """Return an option that names a file, and is read before those that the file may set."""
    maker = typer.Typer()

    @maker.command()
    def _command(
        _place: str | None = typer.Option(
            None, f"--{name}", metavar="FILE", help=meaning, callback=apply, is_eager=True,
            expose_value=False,
        ),
    ) -> None: ...  # fmt: skip

    option = next(param for param in get_command(maker).params if f"--{name}" in param.opts)
    option.name = _plain(name)
    return cast(TyperOption, option)


def _values(
    context: typer.Context, path: tuple[str, ...], tables: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the options that environment or file set, by the names of their parameters."""
    values: dict[str, Any] = {}
    for name, option in options_of(context.command).items():
        for where, value in (*_of_environment(path, name), *_of_file(path, name, tables)):
            values[option.name] = _checked(context, option, where, value)
            break
    return values


def _scopes(path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Yield the commands whose settings hold for one, the nearest first."""
    for n in range(len(path), -1, -1):
        yield path[:n]


def _of_environment(path: tuple[str, ...], name: str) -> Iterator[tuple[str, Any]]:
    for scope in _scopes(path):
        own = variable(scope, name)
        value, place = os.environ.get(own), os.environ.get(own + _FILE.upper())
        if value and place:
            raise InputError(f"Both {own} and {own}_FILE are set.", "Keep one of them.")
        if value:
            yield own, value
        elif place:
            yield own + _FILE.upper(), _content(own + _FILE.upper(), place)


def _of_file(
    path: tuple[str, ...], name: str, tables: Mapping[str, Any]
) -> Iterator[tuple[str, Any]]:
    for scope in _scopes(path):
        table = tables
        for word in scope:  # `model` is a command and an option: the name may hold either
            below = table.get(word)
            table = below if isinstance(below, dict) else {}
        where = ".".join([*scope, name])
        if name in table and not isinstance(table[name], dict):
            yield where, table[name]
        elif name + _FILE in table:
            yield where + _FILE, _content(where + _FILE, str(table[name + _FILE]))


def _checked(context: typer.Context, option: Any, where: str, value: Any) -> Any:
    """Return a value as click takes it, or raise an error that says where it stands."""
    if option.multiple and not isinstance(value, list):
        value = [line for line in str(value).splitlines() if line.strip()]
    if not option.multiple and isinstance(value, list):
        raise InputError(f"{where}: One value is wanted, not a list.", "Keep one of them.")
    try:
        option.process_value(context, value)
    except typer.BadParameter as error:
        raise InputError(
            f"{where}: {error.message}", f"See {context.command_path} --help."
        ) from error
    return value


def _refuse_misspelled(root: TyperGroup) -> None:
    """Raise for a variable that is nearly one of ours: it would be passed over in silence."""
    ours = [name for name in os.environ if name.startswith(f"{_PREFIX}_")]
    if ours:
        known = set(variables(root))
        for name in ours:
            plain = name.removesuffix(_FILE.upper())
            if plain in known or _KUBERNETES.search(name):
                continue
            if nearest := get_close_matches(plain, known, 1, _LEAST_LIKENESS):
                raise InputError(f"{name} sets nothing.", f"Nearest: {nearest[0]}.")


def variables(root: TyperGroup) -> Iterator[str]:
    """Yield each variable that some command reads; some of them several times."""
    yield from _OWN_VARIABLES
    for path, command in commands_of(root):
        for name in options_of(command):
            yield from (variable(scope, name) for scope in _scopes(path))


def _content(name: str, place: str) -> str:
    try:
        return Path(place).read_text(encoding="utf-8-sig").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{name}: {place} cannot be read.", f"{error}.") from error


def check_file(place: Path, root: TyperGroup) -> dict[str, Any]:
    """Return the tables of a file of options.

    Raises
    ------
    InputError
        If it cannot be read, or holds a name that no command knows.
    """
    try:
        tables = tomllib.loads(place.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{place}: cannot be read.", f"{error}.") from error
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{place}: this is not TOML.", f"{error}.") from error
    return _known(tables, root, str(place))


def _known(tables: Mapping[str, Any], command: Any, place: str) -> dict[str, Any]:
    """Return tables with plain names; raise for one that is neither an option nor a command."""
    options = {name for _, below in commands_of(command) for name in options_of(below)}
    commands = getattr(command, "commands", {})
    known: dict[str, Any] = {}
    for name, value in tables.items():
        plain = _plain(name)
        if isinstance(value, dict):
            word = name if name in commands else name.replace("_", "-")
            _require(word, [*commands], f"{place}: [{name}]", "command")
            known[word] = _known(value, commands[word], place)
        else:
            _require(plain.removesuffix(_FILE), [*options], f"{place}: {name}", "option")
            known[plain] = value
    return known


def _require(name: str, names: Sequence[str], where: str, kind: str) -> None:
    if name not in names:
        nearest = get_close_matches(name, names, 1) or [", ".join(sorted(names)) or "nothing"]
        raise InputError(f"{where} is no {kind} that is known here.", f"Nearest: {nearest[0]}.")
