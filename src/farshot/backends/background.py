"""Calls in a thread of their own, so that whoever waits for one can leave at any moment."""

from __future__ import annotations

import threading
from concurrent.futures import Future, InvalidStateError, wait
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from farshot.backends.wait import first_interrupt
from farshot.errors import ExecutionCancelledError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


SLICE = 0.02
"""Seconds between two looks at an event."""

_Answer = TypeVar("_Answer")


def start(work: Callable[[], _Answer], *, name: str = "farshot-call", must_end: bool = False) -> Future[_Answer]:
    """Do `work` in a new thread and return its outcome to be; the program waits for it only if it `must_end`."""
    future: Future[_Answer] = Future()
    threading.Thread(target=_run, args=(work, future), name=name, daemon=not must_end).start()
    return future


def _run(work: Callable[[], _Answer], future: Future[_Answer]) -> None:
    try:
        answer = work()
    except BaseException as error:  # noqa: BLE001 -- whoever waits gets it
        _settle(partial(future.set_exception, error))
    else:
        _settle(partial(future.set_result, answer))


def _settle(give: Callable[[], None]) -> None:
    """Give the outcome; a future that was cancelled meanwhile wants none."""
    try:
        give()
    except InvalidStateError:
        return


def is_done(future: Future[_Answer], seconds: float = SLICE) -> bool:
    """Wait a moment for a call and say whether it has ended."""
    return bool(wait([future], seconds).done)


@contextmanager
def heeded(event: threading.Event | None) -> Iterator[threading.Event]:
    """Yield the caller's event, else one that the first Ctrl-C sets, which `ExecutionCancelledError` heeds."""
    if event:
        yield event
        return
    with first_interrupt() as interrupted:
        try:
            yield interrupted
        except ExecutionCancelledError:
            interrupted.clear()
            raise
