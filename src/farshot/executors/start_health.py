"""Whether workers can be started, as the executor's slots find out: told when none can, and when one can again."""

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

_PAUSES = (0.05, 0.5)
"""Seconds before another try that nobody hears of."""
_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 5.0


class StartHealth:
    """Counts the starts that fail in a row, slot by slot. Safe from any thread."""

    def __init__(
        self, slots: int, deliver: Callable[[ExecutorEvent], None], clear: Callable[[], tuple[Lease, ...]]
    ) -> None:
        """Hand to `deliver` what is told of `slots` slots; `clear` takes the shards away that wait for a worker."""
        self._slots = slots
        self._deliver = deliver
        self._clear = clear
        self._lock = threading.Lock()
        self._failed: dict[object, int] = {}
        self._is_told = False
        self._is_halted = False

    def failed(self, slot: object, error: ExecutorError) -> float:
        """Note that a start failed; return the seconds until the next one."""
        with self._lock:
            tries = self._failed[slot] = self._failed.get(slot, 0) + 1
            if tries <= len(_PAUSES):
                return _PAUSES[tries - 1]
            self._tell(error)
            stuck = sum(tries > len(_PAUSES) for tries in self._failed.values())
            if stuck == self._slots or isinstance(error, UpgradedError):
                self._is_halted = True
                self._deliver(Halted(str(error), self._clear(), isinstance(error, UpgradedError)))
            return min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0 ** min(tries - len(_PAUSES) - 1, 8))

    def worked(self, slot: object) -> None:
        """Note that a slot has a worker."""
        if slot not in self._failed and not self._is_halted:
            return
        with self._lock:
            self._failed.pop(slot, None)
            if self._is_told and not self._failed:
                self._is_told = False
                _log.warning("workers start again", extra={"fields": {"event": "worker-start-works"}})
            if self._is_halted:
                self._is_halted = False
                self._deliver(Resumed())

    def _tell(self, error: ExecutorError) -> None:
        """Log the first failure of a series, with what the worker printed."""
        if not self._is_told:
            self._is_told = True
            printed = error.printed if isinstance(error, ChildStartError) else ""
            fields = {"event": "worker-start-failed", "reason": str(error), "printed": printed}
            _log.warning("%s\n%s", error, printed, extra={"fields": fields})
