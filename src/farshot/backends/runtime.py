"""The parts behind an embedded backend: store, executor, dispatcher, and who wakes whom."""

from __future__ import annotations

import os
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from farshot.backends.watch import LocalWatch
from farshot.config import data_folder
from farshot.dispatch.changes import Changes
from farshot.dispatch.dispatcher import Dispatcher
from farshot.dispatch.lease_holders import holder_name, is_gone
from farshot.errors import ExecutorError
from farshot.store import BootClock, SqlStore, open_engine, sqlite_url

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from farshot.model import JobRecord
    from farshot.protocols import Executor
    from farshot.submission import Submission


_FOREIGN_LOOK = 0.1


class Runtime:
    """The parts behind a backend. The dispatcher, and with it the workers, start when first needed."""

    def __init__(self, data_dir: str | os.PathLike[str] | None, executor: Executor | None) -> None:
        """Open the store of `data_dir`. Without an executor, work is queued and left to others."""
        self._process = os.getpid()
        self._closed = False
        self._store = SqlStore(open_engine(sqlite_url(data_folder(data_dir))), BootClock())
        self.executor = executor
        self._changes = Changes()
        self._dispatcher: Dispatcher | None = None
        self._lock = threading.Lock()

    @property
    def store(self) -> SqlStore:
        """The store; raises `ExecutorError` where the backend is closed or was made before a fork."""
        if self._process != os.getpid():
            message = "this backend was made before the process was forked: make a new one here"
            raise ExecutorError(message)
        if self._closed:
            message = "the backend is closed"
            raise ExecutorError(message)
        return self._store

    def start(self) -> None:
        """Start the dispatcher where there is an executor."""
        with self._lock:
            if self._dispatcher:
                self._dispatcher.retry()
            elif self.executor:
                dispatcher = Dispatcher(
                    self.store,
                    self.executor,
                    self._changes,
                    holder=holder_name(),
                    lease_seconds=self.store.lease_seconds,
                )
                dispatcher.start()
                self._dispatcher = dispatcher

    def add(self, submission: Submission) -> JobRecord:
        """Make a job durable; where this process is free, it begins with it at once. Raises as `JobStore.add`."""
        store, dispatcher = self.store, self._dispatcher
        return dispatcher.add(submission) if dispatcher else store.add(submission)

    def wake(self) -> None:
        """Say that something was cancelled."""
        dispatcher = self._dispatcher
        if dispatcher:
            dispatcher.wake()
        self._changes.publish()

    @contextmanager
    def watching(self, job_ids: Collection[str]) -> Iterator[LocalWatch]:
        """Yield what watches jobs: open work is run meanwhile, by this process where it is free."""
        if not self._is_working() and not all(self.store.job(job_id).status.is_terminal for job_id in job_ids):
            self.start()
        yield LocalWatch(self.store, job_ids, self._look, _Pause(self._changes).pause)

    def is_attended(self) -> bool:
        """Whether this process works on jobs of the store, or another one that is alive holds some of them."""
        return self._is_working() or not all(is_gone(holder) for holder in self.store.holders())

    def _is_working(self) -> bool:
        return self._dispatcher is not None and not self._dispatcher.failure

    def _look(self, job_id: str) -> JobRecord:
        record = self.store.job(job_id)
        dispatcher = self._dispatcher
        if dispatcher and dispatcher.failure and not record.status.is_terminal:
            raise ExecutorError(dispatcher.failure)
        return record

    def close(self) -> None:
        """End the workers and let go of the store. In a forked process there is nothing to end."""
        if self._process != os.getpid():
            return
        with self._lock:
            self._closed = True
            dispatcher, self._dispatcher = self._dispatcher, None
        self._changes.publish()
        try:
            if dispatcher:
                dispatcher.close()
        finally:
            self._store.close()


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
