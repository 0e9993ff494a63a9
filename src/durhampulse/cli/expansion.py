"""A parameter of a command that stands for several options, the same in every command with it."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from inspect import Parameter
from typing import Any

__all__ = ["in_place_of"]


def in_place_of(
    name: str, options: Mapping[str, tuple[Any, Any]], make: Callable[[dict[str, Any]], Any],
    kind: str,
) -> Callable[[Callable[..., None]], Any]:  # fmt: skip
    """Return a decorator that gives a command options in place of one of its parameters.

    Parameters
    ----------
    name
        The parameter.
    options
        Name to annotation and default.
    make
        Makes the parameter's value of theirs.
    kind
        Name of the parameter's class, which is not imported here: ``--help`` loads no library.
    """

    def decorated(command: Callable[..., None]) -> Callable[..., None]:
        signature = inspect.signature(command, locals={kind: object}, eval_str=True)
        parameters: list[Parameter] = []
        for parameter in signature.parameters.values():
            if parameter.name != name:
                parameters.append(parameter.replace(kind=Parameter.KEYWORD_ONLY))
                continue
            parameters += [
                Parameter(option, Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
                for option, (annotation, default) in options.items()
            ]

        @functools.wraps(command)
        def run(**given: Any) -> None:
            value = make({option: given.pop(option) for option in options})
            command(**given, **{name: value})

        run.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        return run

    return decorated
