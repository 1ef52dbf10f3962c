"""A question before what cannot be undone."""

from __future__ import annotations

import sys

import typer

from farshot.cli.failures import InputError

__all__ = ["confirm"]


def confirm(question: str, *, agreed: bool) -> None:
    """Return where the user agrees, by `--yes` or at the terminal; raises `InputError` otherwise."""
    if agreed:
        return
    if not (sys.stdin and sys.stdin.isatty()):
        message = f"{question} Nobody is here to ask: give --yes"
        raise InputError(message)
    if not typer.confirm(question, err=True):
        message = "nothing was changed"
        raise InputError(message)
