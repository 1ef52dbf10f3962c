"""Errors as a user sees them: one red line, and an exit status."""

from __future__ import annotations

from farshot.errors import (
    BatchError,
    ConfigError,
    ExecutionCancelledError,
    FarshotError,
    HandleError,
    UnknownAccountError,
    UnknownJobError,
)

DONE, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130


class InputError(BatchError):
    """A file, a folder or an option cannot be used as given. Nothing was submitted."""


def exit_status(error: FarshotError) -> int:
    """Return the exit status of the program after an error.

    >>> exit_status(InputError("no file")), exit_status(FarshotError("broken"))
    (2, 1)
    """
    if isinstance(error, ExecutionCancelledError):
        return INTERRUPTED
    mistakes = BatchError | ConfigError | HandleError | UnknownAccountError | UnknownJobError
    return USAGE if isinstance(error, mistakes) else FAILED


def show_error(error: FarshotError) -> None:
    """Write `error: ...` to stderr; a list of faults keeps its lines."""
    from farshot.cli.cell_texts import printable
    from farshot.cli.messages import note

    first, *more = str(error).split("\n")
    note(printable(first), heading="error: ", style="red")
    for line in more:
        note(printable(line))
