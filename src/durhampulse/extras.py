"""The optional parts of the package: the modules each brings, and how one is installed."""

from __future__ import annotations

from importlib.util import find_spec

__all__ = ["EXTRAS", "extra_of", "missing_module", "require_modules", "way_to_install"]

_SERVE = ("fastapi", "httptools", "jinja2", "prometheus_client", "starlette", "uvicorn")
EXTRAS: dict[str, tuple[str, ...]] = {
    "study": (
        "IPython", "catboost", "ipykernel", "jax", "jinja2", "jupytext", "keras", "markdown_it",
        "matplotlib", "nbclient", "nbformat", "scipy", "sklearn", "sqlalchemy",
    ),
    "serve": _SERVE,
    "desk": (
        *_SERVE, "alembic", "argon2", "highspy", "psycopg", "python_multipart", "segno",
        "sqlalchemy", "zxcvbn",
    ),
    "oidc": ("authlib", "httpx2", "joserfc"),
    "dask": ("dask", "distributed", "fsspec"),
    "onnx": ("onnx",),
    "mlflow": ("mlflow",),
    "otel": ("opentelemetry",),
}  # fmt: skip
"""Extra of ``pyproject.toml`` to the modules that it brings."""


def extra_of(module: str, wanted: str | None = None) -> str | None:
    """Return the extra to install for a module; None if none brings it.

    Parameters
    ----------
    module
        The module, or one within it.
    wanted
        The extra of what somebody is about, which is named where it brings the module too.

    Examples
    --------
    >>> extra_of("sqlalchemy.orm", "desk"), extra_of("sqlalchemy"), extra_of("psycopg", "study")
    ('desk', 'study', 'desk')
    """
    extras = [extra for extra, names in EXTRAS.items() if module.partition(".")[0] in names]
    return wanted if wanted in extras else next(iter(extras), None)


def missing_module(extra: str) -> str | None:
    """Return the first module of an extra that is not installed; None if all are."""
    return next((name for name in EXTRAS[extra] if find_spec(name) is None), None)


def require_modules(what: str, *modules: str) -> None:
    """Refuse a part of the package whose modules are not installed.

    Parameters
    ----------
    what
        The part, as the beginning of a sentence.
    modules
        What it needs.

    Raises
    ------
    ModuleNotFoundError
        If one is missing; the message names the extra that brings it.
    """
    for module in modules:
        if find_spec(module) is None:
            way_out = way_to_install(extra_of(module) or module)
            raise ModuleNotFoundError(
                f"{what} needs {module}, which is not installed. {way_out}", name=module
            )


def way_to_install(extra: str) -> str:
    """Return the sentence that says how an extra is installed: the package is in no index.

    Examples
    --------
    >>> way_to_install("desk")
    'Install it in your clone of DurhamPulse: pip install -e ".[desk]"'
    """
    return f'Install it in your clone of DurhamPulse: pip install -e ".[{extra}]"'
