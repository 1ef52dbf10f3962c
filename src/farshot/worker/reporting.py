"""Sending results to the parent: packed, a few times a second, also while a long circuit runs."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

from farshot.model import Fault, encode_results
from farshot.worker.frames import Report

if TYPE_CHECKING:
    from collections.abc import Callable

    from farshot.model import CircuitResult

__all__ = ["Reporter"]

_EVERY = 0.1
_LOST_RESULTS = 70


class Reporter:
    """Collects results and sends what there is about every tenth of a second, from a thread of its own.

    prism-q lets that thread run during a simulation. Aer does not: there, what was not sent waits for the
    end of the circuit.
    """

    def __init__(self, send: Callable[[Report], None]) -> None:
        """Send with `send`."""
        self._send = send
        self._lock = threading.Lock()
        self._first = 0
        self._results: list[CircuitResult] = []
        threading.Thread(target=self._keep_sending, name="farshot-reporter", daemon=True).start()

    def begin(self, first: int) -> None:
        """Start an assignment whose first circuit stands at position `first`."""
        with self._lock:
            self._first = first

    def add(self, result: CircuitResult) -> None:
        """Take the result of the next circuit."""
        with self._lock:
            self._results.append(result)

    def flush(self) -> None:
        """Send what was not sent."""
        with self._lock:
            if self._results:
                self._report(last=False)

    def end(self) -> None:
        """Send the rest, as the end of the assignment."""
        with self._lock:
            self._report(last=True)

    def _keep_sending(self) -> None:
        pause = threading.Event()
        while not pause.wait(_EVERY):
            try:
                self.flush()
            except BaseException:  # noqa: BLE001 -- what was taken to be sent is lost, so nothing after it may be sent either
                os._exit(_LOST_RESULTS)

    def _report(self, *, last: bool) -> None:
        results, self._results = self._results, []
        self._send(
            Report(
                first=self._first,
                size=len(results),
                failed=sum(isinstance(result.outcome, Fault) for result in results),
                seconds=sum(result.seconds for result in results),
                results=encode_results(results),
                last=last,
            )
        )
        self._first += len(results)
