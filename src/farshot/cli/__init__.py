"""The command line: `farshot`, or `python -m farshot`.

Importing it loads no store, no simulator and no drawing library; each command imports what it uses.
"""

from __future__ import annotations

import sys

__all__ = ["main"]


def main() -> None:
    """Run the command line and exit: 0 done, 1 some circuit failed or nothing could run, 2 usage, 130 Ctrl-C."""
    try:
        _run()
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        sys.exit(130)


def _run() -> None:
    from farshot.cli.app import app
    from farshot.cli.error_output import exit_status, show_error
    from farshot.errors import FarshotError

    for stream in (sys.stdout, sys.stderr):
        if stream is not None and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal that lacks a character shows a question mark
    try:
        app(prog_name="farshot")
    except SystemExit as end:
        if end.__context__ and isinstance(end.__context__.__cause__, KeyboardInterrupt):  # Typer hides it
            raise KeyboardInterrupt from end
        raise
    except FarshotError as error:
        show_error(error)
        sys.exit(exit_status(error))
