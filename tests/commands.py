"""Commands of the package, run in the process of the test."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from types import SimpleNamespace
from unittest import mock

from durhampulse.cli import main


def call(*args):
    """Run a command in this process; give its exit code. What it sets in the environment ends with it."""
    argv = ["durhampulse", *map(str, args)]
    with mock.patch.object(sys, "argv", argv), mock.patch.dict(os.environ):
        try:
            main()
        except SystemExit as end:
            return end.code or 0
    return 0


def run(*args, cwd="."):
    """Run a command in this process: starting Python takes longer than most commands."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.chdir(cwd), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = call(*args)
    return SimpleNamespace(returncode=code, stdout=out.getvalue(), stderr=err.getvalue())
