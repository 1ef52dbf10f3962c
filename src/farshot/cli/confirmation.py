"""A question before what cannot be undone."""

from __future__ import annotations

import sys

import typer

from farshot.cli.error_output import InputError


def is_confirmed(what: str, *, agreed: bool) -> bool:
    """Whether to do `what`: where it is not `agreed` before, the user is asked; raises `InputError` where nobody is."""
    if agreed:
        return True
    if not (sys.stdin and sys.stdin.isatty()):
        message = f"that would {what}: say --yes"
        raise InputError(message)
    return typer.confirm(f"{what}?", err=True)
