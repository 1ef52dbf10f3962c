"""`LocalWatch`: waiting for jobs of a store of this machine."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from farshot.dispatch.changes import Changes
    from farshot.model import JobRecord
    from farshot.protocols import JobStore

_FOREIGN_CHECK_SECONDS = 0.1
"""Time between two checks for changes by other processes."""


class LocalWatch:
    """Watches jobs of a store of this machine: each is read once, from then on only those that changed.

    Changes by this process are seen at once, those by others within a tenth of a second.
    """

    def __init__(
        self, store: JobStore, changes: Changes, job_ids: Collection[str], read: Callable[[str], JobRecord]
    ) -> None:
        self.read = read
        self._store = store
        self._changes = changes
        self._change_count = changes.count()
        self._checked_at = time.monotonic()
        self._open_ids = set(job_ids)
        self._last_event: int | None = None

    def pause(self, seconds: float) -> bool:
        """Wait for `seconds` at most, less if this process changed something; return whether a job may have changed."""
        changed = self._changes.wait(self._change_count, seconds)
        self._change_count = self._changes.count()
        if not changed and time.monotonic() - self._checked_at < _FOREIGN_CHECK_SECONDS:
            return False
        self._checked_at = time.monotonic()
        return True

    def ended(self) -> list[str]:
        """Return the jobs that were found to have ended since the last call."""
        if self._last_event is None:
            self._last_event = self._store.changes()
            records = [self.read(job_id) for job_id in self._open_ids]
        else:
            records = self._store.events(None, self._last_event)
            self._last_event = records[-1].changed if records else self._last_event
        found = [record.id for record in records if record.id in self._open_ids and record.status.is_terminal]
        self._open_ids.difference_update(found)
        return found
