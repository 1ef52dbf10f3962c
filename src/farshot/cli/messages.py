"""What is said on stderr, beside the data: wrapped between words on a terminal, else one line."""

from __future__ import annotations

import sys

import typer


def note(text: str, *, heading: str = "", style: str = "") -> None:
    """Say `text`, after a `heading` that stands out."""
    if not sys.stderr.isatty():
        typer.echo(heading + text, err=True)
        return
    from rich.console import Console
    from rich.text import Text

    Console(stderr=True).print(Text.assemble((heading, f"bold {style}"), (text, style)))
