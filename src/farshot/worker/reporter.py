"""Sending results to the parent several times a second, even while a long circuit runs, in parts of bounded size."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

from farshot.errors import CircuitError, FaultCode
from farshot.model import Counts, Fault, Values, encode_results
from farshot.worker.frames import Report

if TYPE_CHECKING:
    from collections.abc import Callable

    from farshot.model import CircuitResult


MAX_RESULT_BYTES = 64 * 2**20
"""The most that the result of one circuit may take, packed."""

_MAX_PART_BYTES = 8 * 2**20
"""The most that results sent together take; a larger result is sent alone."""
_VALUE_BYTES = 9
_SEND_SECONDS = 0.1
_LOST_RESULTS_STATUS = 70


def packed_bytes(outcome: Counts | Values | Fault) -> int:
    """Return about how many bytes an outcome takes when it is sent and stored.

    >>> packed_bytes(Values((0.5, -1.0)))
    18
    """
    if isinstance(outcome, Counts):
        return len(outcome.words) + len(outcome.tallies)
    return _VALUE_BYTES * len(outcome.values) if isinstance(outcome, Values) else len(outcome.message)


def check_size(outcome: Counts | Values) -> None:
    """Raise `CircuitError` if an outcome is larger than the result of a circuit may be."""
    size = packed_bytes(outcome)
    if size > MAX_RESULT_BYTES:
        message = (
            f"the result has {size:,} bytes, more than the {MAX_RESULT_BYTES:,} that the result of one circuit may "
            "have: ask for fewer shots, or declare fewer classical bits"
        )
        raise CircuitError(FaultCode.ADMISSION, message)


class Reporter:
    """The results of an assignment, which a thread of its own sends about every tenth of a second.

    prism-q lets that thread run during a simulation. Aer does not: there, results wait for the end of the circuit.
    """

    def __init__(self, send: Callable[[Report], None]) -> None:
        """Start the thread, which sends by calling `send`."""
        self._send = send
        self._lock = threading.Lock()
        self._first = 0
        self._results: list[CircuitResult] = []
        self._bytes = 0
        threading.Thread(target=self._keep_sending, name="farshot-reporter", daemon=True).start()

    def begin(self, first: int) -> None:
        """Start an assignment whose first circuit is at position `first`."""
        with self._lock:
            self._first = first

    def add(self, result: CircuitResult) -> None:
        """Add the result of the next circuit, after sending the others if they would become too large with it."""
        size = packed_bytes(result.outcome)
        with self._lock:
            if self._results and self._bytes + size > _MAX_PART_BYTES:
                self._report(last=False)
            self._results.append(result)
            self._bytes += size

    def flush(self) -> None:
        """Send the results that were not sent."""
        with self._lock:
            if self._results:
                self._report(last=False)

    def end(self) -> None:
        """Send the rest of the results, as the end of the assignment."""
        with self._lock:
            self._report(last=True)

    def _keep_sending(self) -> None:
        pause = threading.Event()
        while not pause.wait(_SEND_SECONDS):
            try:
                self.flush()
            except BaseException:  # noqa: BLE001 -- these results are lost, so none after them may be sent
                os._exit(_LOST_RESULTS_STATUS)

    def _report(self, *, last: bool) -> None:
        results, self._results, self._bytes = self._results, [], 0
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
