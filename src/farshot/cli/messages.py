"""Messages on stderr, beside the data: notes, and the question before an action that cannot be undone."""

from __future__ import annotations

import sys

import typer

from farshot.cli.error_output import InputError


def note(text: str, *, heading: str = "", style: str = "") -> None:
    """Write `heading`, in bold, and `text`: wrapped between words on a terminal, else on one line."""
    if not sys.stderr.isatty():
        typer.echo(heading + text, err=True)
        return
    from rich.console import Console
    from rich.text import Text

    Console(stderr=True).print(Text.assemble((heading, f"bold {style}"), (text, style)))


def is_confirmed(action: str, *, agreed: bool) -> bool:
    """Return whether to do `action`. Unless `agreed`, the user is asked; raises `InputError` without a terminal."""
    if agreed:
        return True
    if not (sys.stdin and sys.stdin.isatty()):
        message = f"that would {action}: say --yes"
        raise InputError(message)
    return typer.confirm(f"{action}?", err=True)
