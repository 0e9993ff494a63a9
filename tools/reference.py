"""Writes the pages of the reference that follow from the program itself.

``python tools/reference.py`` writes ``docs/reference/command-line.md`` from the help of the
commands, ``docs/reference/settings.md`` from their options and ``docs/reference/rest.md`` from the
desk's OpenAPI document, which holds the scorer's routes too. `make docs` runs it; the pages are not
committed.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from durhampulse.cli import command_line as all_commands
from durhampulse.cli.settings import commands_of, options_of, variable
from durhampulse.desk.server import open_desk
from durhampulse.desk.web.app import create_desk

FOLDER = Path(__file__).parents[1] / "docs" / "reference"
METHODS = ("get", "post", "put", "patch", "delete")
EXIT_CODES = (
    "Exit codes: 0 done, 1 the data or the model allow no judgement (and why), 2 wrong usage or "
    "unreadable input."
)
SET_BY = (
    "What the command line says comes first, then the environment, then the file of `--config` or "
    "`DURHAMPULSE_CONFIG`, then the default. The command's name may be left out of a variable, and "
    "a name may stand above the file's tables: then it holds for all commands with the option. "
    "`_FILE` behind a variable, `_file` behind a name, names a file that holds the value. Of "
    "several values, each stands on a line of a variable, and in a list of the file."
)
WHO_ANSWERS = (
    "`serve` answers the scorer's routes (`/v1/score`, `/v1/explain`, `/v1/model`), the desk all "
    "of them. A running one shows its own document at `/openapi.json`. Routes that need a key take "
    "it as `Authorization: Bearer dp_...`."
)


def commands(group: Any, before: str) -> Iterator[tuple[str, Any]]:
    """Return the name and the command of each command of a group, inner ones included."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{before} {name}")
        if not getattr(command, "no_args_is_help", False):
            yield f"{before} {name}", command


def command_line() -> str:
    """Return the page of the command line."""
    lines = ["# Command line", "", EXIT_CODES]
    for name, command in commands(all_commands(), "durhampulse"):
        text, _, example = (command.help or "").partition("Example: ")
        lines += ["", f"## `{name}`", "", escaped(text.strip())]
        if example:
            lines += ["", "```sh", example.strip(), "```"]
        lines += ["", "| argument or option | meaning |", "|---|---|"]
        lines += [option(parameter) for parameter in command.params]
    return "\n".join(lines) + "\n"


def option(parameter: Any) -> str:
    """Return an argument or option as a row of a table."""
    names = ", ".join(f"`{name}`" for name in (*parameter.opts, *parameter.secondary_opts))
    if parameter.param_type_name == "argument":
        names = f"`{parameter.metavar or parameter.name.upper()}`"
    meaning = escaped(str(getattr(parameter, "help", None) or ""))
    default = parameter.default
    if default not in (None, False, ()) and not callable(default):
        meaning += f" (`{default}`)"
    return f"| {names} | {meaning}{' Required.' * parameter.required} |"


def settings() -> str:
    """Return the page of what environment and file may set."""
    lines = ["# Settings", "", SET_BY]
    for path, command in commands_of(all_commands()):
        if options := options_of(command):
            name = " ".join(path)
            lines += ["", f"## `durhampulse {name}`", "", "| flag | variable | in the file |"]
            lines += ["|---|---|---|"]
            lines += [
                f"| `{max(option.opts, key=len)}` | `{variable(path, key)}` | "
                f"`{key}` in `[{'.'.join(path)}]` |"
                for key, option in options.items()
            ]
    return "\n".join(lines) + "\n"


def escaped(text: str) -> str:
    """Return text that Markdown shows as it is, on one line for each paragraph."""
    plain = "\n\n".join(" ".join(part.split()) for part in text.split("\n\n"))
    for sign in ("\\", "<", "|", "*", "_", "["):
        plain = plain.replace(sign, f"\\{sign}")
    return plain


def rest() -> str:
    """Return the page of the routes for programs, from the OpenAPI document of a desk."""
    with tempfile.TemporaryDirectory() as folder:
        desk = open_desk(f"sqlite:///{folder}/desk.db", files_in=Path(folder))
        document = create_desk(desk).openapi()
        desk.store.close()
    lines = ["# REST", "", WHO_ANSWERS]
    for path, operations in document["paths"].items():
        for method in METHODS:
            if method in operations:
                lines += route(f"{method.upper()} {path}", operations[method], document)
    return "\n".join(lines) + "\n"


def route(title: str, operation: dict[str, Any], document: dict[str, Any]) -> list[str]:
    """Return the lines of one route: what it does, what it takes and what it answers."""
    words = operation.get("description") or operation.get("summary", "")
    lines = ["", f"## `{title}`", "", escaped(words)]
    lines += [" Needs a key."] * bool(operation.get("security"))
    if parameters := operation.get("parameters"):
        lines += ["", "| parameter | meaning |", "|---|---|"]
        lines += [f"| `{p['name']}` | {escaped(p.get('description', ''))} |" for p in parameters]
    lines += body(operation, document)
    lines += ["", "| answer | meaning |", "|---|---|"]
    lines += [
        f"| {status} | {escaped(answer.get('description', ''))} |"
        for status, answer in operation["responses"].items()
    ]
    return lines


def body(operation: dict[str, Any], document: dict[str, Any]) -> list[str]:
    """Return the lines of what a route's body is, with its example where it has one."""
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    name = str(content.get("schema", {}).get("$ref", "")).rpartition("/")[2]
    if not name:
        return []
    schema = document["components"]["schemas"][name]
    lines = ["", "| field | meaning |", "|---|---|"]
    needed = schema.get("required", ())
    lines += [
        f"| `{field}` | {escaped(part.get('description', ''))}{' Required.' * (field in needed)} |"
        for field, part in schema.get("properties", {}).items()
    ]
    if examples := schema.get("examples"):
        lines += ["", "```json", json.dumps(examples[0], indent=2, ensure_ascii=False), "```"]
    return lines


def main() -> None:
    """Write all pages."""
    FOLDER.mkdir(exist_ok=True)
    for name, page in (("command-line", command_line), ("settings", settings), ("rest", rest)):
        (FOLDER / f"{name}.md").write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
