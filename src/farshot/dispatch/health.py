"""The record of the troubles that keep a dispatcher from its work: since when, and how often it tried again."""

from __future__ import annotations

import logging
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator


STORE = "store"
"""The store does not answer, or refuses for now."""
DAMAGE = "damage"
"""The content of the store is damaged."""
WORKERS = "workers"
"""No worker can be started."""
PACKAGE = "package"
"""Workers are of another version than this process."""
DISPATCHER = "dispatcher"
"""The dispatcher fails at something else."""
CLAIMS = "claims"
"""Shards cannot be claimed, and it is not known which job is the cause."""
EXPIRY = "expiry"
"""Jobs whose time is over cannot be ended."""
RECOVERY = "recovery"
"""Shards that dead processes held cannot be given back."""
DRAIN = "drain"
"""An operator wants no new work begun."""

_log = logging.getLogger(__name__)

_MIN_PAUSE_SECONDS = 0.5
_MAX_PAUSE_SECONDS = 5.0
_MAX_SILENCE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Trouble:
    """One part that does not work."""

    part: str
    reason: str
    """The reason, in words for every user."""
    detail: str
    """The reason, in words for an operator, who may know how the service works."""
    since: float
    """The time of the first failure, of `time.monotonic()`."""
    tries: int = 1

    @property
    def pause(self) -> float:
        """The seconds until the next try: twice as many each time, up to five.

        >>> [Trouble("store", "locked", "", 0.0, tries).pause for tries in (1, 2, 3, 9)]
        [0.5, 1.0, 2.0, 5.0]
        """
        return float(min(_MAX_PAUSE_SECONDS, _MIN_PAUSE_SECONDS * 2 ** min(self.tries - 1, 8)))


class Health:
    """The troubles of one dispatcher. Each is logged when it begins and when it is over. Safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._troubles: dict[str, Trouble] = {}
        self._working_since: float | None = None

    def report(self, part: str, reason: str, *, detail: str = "", cause: BaseException | None = None) -> Trouble:
        """Record a failure of `part` and return its trouble; the first one is logged with the traceback of `cause`."""
        detail = detail or reason
        now = time.monotonic()
        with self._lock:
            known = self._troubles.get(part)
            trouble = Trouble(part, reason, detail, known.since if known else now, known.tries + 1 if known else 1)
            self._troubles[part] = trouble
        if known is None:
            fields = {"event": "trouble", "part": part, "reason": detail}
            _log.log(_level(part), "%s: %s", part, detail, exc_info=cause, extra={"fields": fields})
        return trouble

    def recover(self, *parts: str) -> None:
        """Record that these parts work. This is cheap while there is no trouble."""
        if not self._troubles:
            return
        for part in parts:
            with self._lock:
                over = self._troubles.pop(part, None)
            if over:
                seconds = round(time.monotonic() - over.since, 3)
                fields = {"event": "trouble-over", "part": part, "seconds": seconds, "tries": over.tries}
                _log.log(_level(part), "%s: well again after %s s", part, seconds, extra={"fields": fields})

    @contextmanager
    def working(self) -> Iterator[None]:
        """Report the store as silent if the body takes too long."""
        self._working_since = time.monotonic()
        try:
            yield
        finally:
            self._working_since = None

    def troubles(self) -> list[Trouble]:
        """Return the troubles, the oldest first, including a store that has not answered for seconds."""
        since = self._working_since
        silent = 0.0 if since is None else time.monotonic() - since
        if silent > _MAX_SILENCE_SECONDS and STORE not in self._troubles:
            self.report(STORE, f"it has not answered for {silent:.0f} s")
        with self._lock:
            return sorted(self._troubles.values(), key=lambda trouble: trouble.since)

    def reasons(self) -> dict[str, str]:
        """Return the reason of each trouble by its part, with its age."""
        now = time.monotonic()
        return {trouble.part: f"{trouble.reason} (for {now - trouble.since:.0f} s)" for trouble in self.troubles()}

    def detail(self, parts: Collection[str]) -> str | None:
        """Return the details of the troubles of these parts in one line; None if there are none."""
        if not self._troubles:
            return None
        return "; ".join(trouble.detail for trouble in self.troubles() if trouble.part in parts) or None

    def has(self, *parts: str) -> bool:
        """Return whether one of these parts is in trouble."""
        return bool(self._troubles) and any(part in self._troubles for part in parts)


def _level(part: str) -> int:
    return logging.INFO if part == DRAIN else logging.WARNING
