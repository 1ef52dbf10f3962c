"""A bar on stderr that counts circuits."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import Console
    from rich.progress import Progress


_LEAST_WIDTH = 20
_ROOM_FOR_ECHO = 3
"""A terminal echoes ^C behind the bar; where that wraps, the bar could not be wiped away."""


class SendProgress:
    """Takes how many circuits were sent to a service, and moves a bar while there is one."""

    def __init__(self) -> None:
        """Begin without a bar."""
        self.move: Callable[[int], None] | None = None

    def __call__(self, sent: int, _total: int) -> None:
        """Say that so many were sent."""
        if self.move:
            self.move(sent)


@contextmanager
def circuit_bar(title: str, total: int, *, quiet: bool = False) -> Iterator[Callable[[int], None] | None]:
    """Yield what moves the bar to a number of circuits; None where `quiet`, or without a terminal: nothing is drawn."""
    from rich.console import Console

    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield None
        return
    console.width = max(_LEAST_WIDTH, console.width - _ROOM_FOR_ECHO)
    with _progress(console) as progress:
        task = progress.add_task(title, total=total)
        yield lambda done: progress.update(task, completed=done)


def _progress(console: Console) -> Progress:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
    from rich.progress import TimeRemainingColumn as Remaining

    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=None),
        MofNCompleteColumn(),
        TextColumn("circuits"),
        TimeElapsedColumn(),
        TextColumn("left", style="dim"),
        Remaining(compact=True),
        console=console,
        transient=True,
        expand=True,
    )
