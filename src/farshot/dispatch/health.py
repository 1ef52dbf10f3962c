"""What keeps a dispatcher from its work, since when, and when it tries again: one record for all who tell of it."""

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
"""Shards cannot be claimed, and it is not known for which job's sake."""
EXPIRY = "expiry"
"""Jobs whose time is over cannot be ended."""
RECOVERY = "recovery"
"""What processes held that have ended cannot be given back."""
DRAIN = "drain"
"""An operator wants no new work begun."""

_log = logging.getLogger(__name__)

_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 5.0
_SILENT_AFTER = 5.0


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that is wrong: `tries` so far, the first of them at the moment `since` of `time.monotonic()`.

    `reason` is for anybody, `detail` for who may know how the service is made.
    """

    part: str
    reason: str
    detail: str
    since: float
    tries: int = 1

    @property
    def pause(self) -> float:
        """Seconds until the next try: twice as long each time, up to five.

        >>> [Trouble("store", "locked", "", 0.0, tries).pause for tries in (1, 2, 3, 9)]
        [0.5, 1.0, 2.0, 5.0]
        """
        return float(min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** min(self.tries - 1, 8)))


class Health:
    """The troubles of one dispatcher. Each is logged when it begins and when it is over. Safe from any thread."""

    def __init__(self) -> None:
        """Begin with none."""
        self._lock = threading.Lock()
        self._troubles: dict[str, Trouble] = {}
        self._working_since: float | None = None

    def report(self, part: str, reason: str, *, detail: str = "", story: BaseException | None = None) -> Trouble:
        """Note that `part` is in trouble, once more or for the first time; `story` is logged with the first."""
        detail = detail or reason
        now = time.monotonic()
        with self._lock:
            known = self._troubles.get(part)
            trouble = Trouble(part, reason, detail, known.since if known else now, known.tries + 1 if known else 1)
            self._troubles[part] = trouble
        if known is None:
            fields = {"event": "trouble", "part": part, "reason": detail}
            _log.log(_level(part), "%s: %s", part, detail, exc_info=story, extra={"fields": fields})
        return trouble

    def recover(self, *parts: str) -> None:
        """Note that these parts are well, of which most are at most times."""
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
        """Have what takes too long inside of this known as a store that does not answer."""
        self._working_since = time.monotonic()
        try:
            yield
        finally:
            self._working_since = None

    def troubles(self) -> list[Trouble]:
        """Return what is wrong, the oldest first; a store that has not answered for seconds is among it."""
        since = self._working_since
        silent = 0.0 if since is None else time.monotonic() - since
        if silent > _SILENT_AFTER and STORE not in self._troubles:
            self.report(STORE, f"it has not answered for {silent:.0f} s")
        with self._lock:
            return sorted(self._troubles.values(), key=lambda trouble: trouble.since)

    def reasons(self) -> dict[str, str]:
        """Return by part what anybody may know of what is wrong."""
        now = time.monotonic()
        return {trouble.part: f"{trouble.reason} (for {now - trouble.since:.0f} s)" for trouble in self.troubles()}

    def detail(self, parts: Collection[str]) -> str | None:
        """Return in one line what is wrong with these parts; None: nothing."""
        if not self._troubles:
            return None
        return "; ".join(trouble.detail for trouble in self.troubles() if trouble.part in parts) or None

    def has(self, *parts: str) -> bool:
        """Whether one of these parts is in trouble."""
        return bool(self._troubles) and any(part in self._troubles for part in parts)


def _level(part: str) -> int:
    return logging.INFO if part == DRAIN else logging.WARNING
