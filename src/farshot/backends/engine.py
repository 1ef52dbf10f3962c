"""The parts behind an embedded backend: store, executor, dispatcher, and who wakes whom."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from farshot.backends.polling import Waiting
from farshot.config import data_folder
from farshot.dispatch.changes import Changes
from farshot.dispatch.dispatcher import Dispatcher
from farshot.dispatch.recovery import holder_name
from farshot.errors import ExecutorError
from farshot.store import BootClock, SqlStore, open_engine, sqlite_url

if TYPE_CHECKING:
    import os

    from farshot.model import JobRecord
    from farshot.protocols import Executor

__all__ = ["Engine"]

_FOREIGN_LOOK = 0.1


class Engine:
    """The parts behind a backend. The dispatcher, and with it the workers, start when first needed."""

    def __init__(self, data_dir: str | os.PathLike[str] | None, executor: Executor | None) -> None:
        """Open the store of `data_dir`. Without an executor, work is queued and left to others."""
        self.store = SqlStore(open_engine(sqlite_url(data_folder(data_dir))), BootClock())
        self.executor = executor
        self._changes = Changes()
        self._dispatcher: Dispatcher | None = None
        self._lock = threading.Lock()

    def start(self) -> None:
        """Start the dispatcher where there is an executor."""
        with self._lock:
            if self._dispatcher is None and self.executor:
                holder = holder_name()
                self._dispatcher = Dispatcher(
                    self.store, self.executor, self._changes, holder=holder, lease_seconds=self.store.lease_seconds
                )
                self._dispatcher.start()

    def wake(self) -> None:
        """Say that something was submitted or cancelled."""
        if self._dispatcher:
            self._dispatcher.wake()
        self._changes.publish()

    def waiting(self, job_id: str, interval: float, max_retries: int | None) -> Waiting:
        """Return how to wait for a job: open work is run meanwhile, by this process where it is free."""
        if not self.store.job(job_id).status.is_terminal:
            self.start()
        return Waiting(lambda: self._look(job_id), _Pause(self._changes).pause, interval, max_retries)

    def _look(self, job_id: str) -> JobRecord:
        record = self.store.job(job_id)
        if self._dispatcher and self._dispatcher.failure and not record.status.is_terminal:
            raise ExecutorError(self._dispatcher.failure)
        return record

    def close(self) -> None:
        """End the workers and let go of the store."""
        with self._lock:
            dispatcher, self._dispatcher = self._dispatcher, None
        if dispatcher:
            dispatcher.close()
        self.store.close()


class _Pause:
    """Waits for changes of this process; those of others are looked for every tenth of a second."""

    def __init__(self, changes: Changes) -> None:
        self._changes = changes
        self._seen = changes.count()
        self._looked_at = time.monotonic()

    def pause(self, seconds: float) -> bool:
        changed = self._changes.wait(self._seen, seconds)
        self._seen = self._changes.count()
        if not changed and time.monotonic() - self._looked_at < _FOREIGN_LOOK:
            return False
        self._looked_at = time.monotonic()
        return True
