"""Calls in a thread of their own, so that a caller can stop waiting for one at any moment."""

from __future__ import annotations

import threading
from concurrent.futures import Future, InvalidStateError, wait
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TypeVar

from farshot.backends.wait import first_interrupt
from farshot.backends.watch import CHECK_SECONDS
from farshot.errors import ExecutionCancelledError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


_Result = TypeVar("_Result")


def start(work: Callable[[], _Result], *, name: str = "farshot-call", must_end: bool = False) -> Future[_Result]:
    """Do `work` in a new thread and return the future of its result; the program waits for it only if it `must_end`."""
    future: Future[_Result] = Future()
    threading.Thread(target=_run, args=(work, future), name=name, daemon=not must_end).start()
    return future


def _run(work: Callable[[], _Result], future: Future[_Result]) -> None:
    with suppress(InvalidStateError):  # the future was cancelled meanwhile
        try:
            result = work()
        except BaseException as error:  # noqa: BLE001 -- the caller who waits gets it
            future.set_exception(error)
        else:
            future.set_result(result)


def is_done(future: Future[_Result], seconds: float = CHECK_SECONDS) -> bool:
    """Wait for a call for `seconds` at most and return whether it has ended."""
    return bool(wait([future], seconds).done)


def result_of(future: Future[_Result], check: Callable[[], None]) -> _Result:
    """Return the result of a call once it has ended; `check` raises if the caller waits no more."""
    while not is_done(future):
        check()
    return future.result()


@contextmanager
def event_or_interrupt(event: threading.Event | None) -> Iterator[threading.Event]:
    """Yield the caller's event, or one that the first Ctrl-C sets, which `ExecutionCancelledError` clears."""
    if event:
        yield event
        return
    with first_interrupt() as interrupted:
        try:
            yield interrupted
        except ExecutionCancelledError:
            interrupted.clear()
            raise
