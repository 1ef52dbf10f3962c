"""The count of failed starts of workers: an event is delivered when none can be started, and when one can again."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from farshot.errors import UpgradedError
from farshot.protocols import Halted, Resumed
from farshot.worker.supervisor import ChildStartError

if TYPE_CHECKING:
    from collections.abc import Callable

    from farshot.errors import ExecutorError
    from farshot.model import Lease
    from farshot.protocols import ExecutorEvent


_log = logging.getLogger(__name__)

_SILENT_PAUSES_SECONDS = (0.05, 0.5)
"""The pauses after the first failures, which are not reported."""
_MIN_PAUSE_SECONDS = 1.0
_MAX_PAUSE_SECONDS = 5.0


class StartHealth:
    """The number of starts that failed in a row in each slot. Safe from any thread."""

    def __init__(
        self, slots: int, deliver: Callable[[ExecutorEvent], None], clear: Callable[[], tuple[Lease, ...]]
    ) -> None:
        """Count for `slots` slots; events go to `deliver`, and `clear` removes the shards that wait for a worker."""
        self._slots = slots
        self._deliver = deliver
        self._clear = clear
        self._lock = threading.Lock()
        self._failures: dict[object, int] = {}
        self._is_logged = False
        self._is_halted = False

    def record_failure(self, slot: object, error: ExecutorError) -> float:
        """Count a start that failed; return the seconds until the next one."""
        silent_tries = len(_SILENT_PAUSES_SECONDS)
        with self._lock:
            tries = self._failures[slot] = self._failures.get(slot, 0) + 1
            if tries <= silent_tries:
                return _SILENT_PAUSES_SECONDS[tries - 1]
            self._log_first(error)
            stuck = sum(tries > silent_tries for tries in self._failures.values())
            if stuck == self._slots or isinstance(error, UpgradedError):
                self._is_halted = True
                self._deliver(Halted(str(error), self._clear(), isinstance(error, UpgradedError)))
            return min(_MAX_PAUSE_SECONDS, _MIN_PAUSE_SECONDS * 2.0 ** min(tries - silent_tries - 1, 8))

    def record_success(self, slot: object) -> None:
        """Note that a slot has a worker."""
        if slot not in self._failures and not self._is_halted:
            return
        with self._lock:
            self._failures.pop(slot, None)
            if self._is_logged and not self._failures:
                self._is_logged = False
                _log.warning("workers start again", extra={"fields": {"event": "worker-start-works"}})
            if self._is_halted:
                self._is_halted = False
                self._deliver(Resumed())

    def _log_first(self, error: ExecutorError) -> None:
        """Log the first failure of a series, with the output of the worker."""
        if not self._is_logged:
            self._is_logged = True
            printed = error.printed if isinstance(error, ChildStartError) else ""
            fields = {"event": "worker-start-failed", "reason": str(error), "printed": printed}
            _log.warning("%s\n%s", error, printed, extra={"fields": fields})
