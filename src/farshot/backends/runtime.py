"""The parts of an embedded backend: its store, executor and dispatcher, and the watch of its jobs."""

from __future__ import annotations

import os
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from farshot.config import data_folder
from farshot.dispatch.changes import Changes
from farshot.dispatch.dispatcher import Dispatcher
from farshot.dispatch.lease_holders import holder_name, is_gone
from farshot.errors import ExecutorError
from farshot.store import BootClock, SqlStore, open_engine, sqlite_url

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from farshot.model import JobRecord
    from farshot.protocols import Executor, JobStore
    from farshot.submission import Submission


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


class Runtime:
    """The parts of a backend. The dispatcher, and with it the workers, start when first needed."""

    def __init__(self, data_dir: str | os.PathLike[str] | None, executor: Executor | None) -> None:
        """Open the store of `data_dir`. Without an executor, jobs are queued for other processes."""
        self._process = os.getpid()
        self._closed = False
        self._store = SqlStore(open_engine(sqlite_url(data_folder(data_dir))), BootClock())
        self.executor = executor
        self._changes = Changes()
        self._dispatcher: Dispatcher | None = None
        self._lock = threading.Lock()

    @property
    def store(self) -> SqlStore:
        """The store; raises `ExecutorError` if the backend is closed or was made before a fork."""
        if self._process != os.getpid():
            message = "this backend was made before the process was forked: make a new one here"
            raise ExecutorError(message)
        if self._closed:
            message = "the backend is closed"
            raise ExecutorError(message)
        return self._store

    def start(self) -> None:
        """Start the dispatcher if there is an executor."""
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
        """Make a job durable; if this process is free, it begins with it at once. Raises as `JobStore.add`."""
        store, dispatcher = self.store, self._dispatcher
        return dispatcher.add(submission) if dispatcher else store.add(submission)

    def wake(self) -> None:
        """Notify the dispatcher and waiting threads that a job was cancelled or deleted."""
        dispatcher = self._dispatcher
        if dispatcher:
            dispatcher.wake()
        self._changes.publish()

    @contextmanager
    def watching(self, job_ids: Collection[str]) -> Iterator[LocalWatch]:
        """Yield a watch of jobs, which are run meanwhile, by this process if it is free."""
        if not self._is_working() and not all(self.store.job(job_id).status.is_terminal for job_id in job_ids):
            self.start()
        yield LocalWatch(self.store, self._changes, job_ids, self._read_job)

    def is_attended(self) -> bool:
        """Return whether this process works on jobs of the store, or another one that is alive holds some of them."""
        return self._is_working() or not all(is_gone(holder) for holder in self.store.holders())

    def _is_working(self) -> bool:
        return self._dispatcher is not None and not self._dispatcher.failure

    def _read_job(self, job_id: str) -> JobRecord:
        record = self.store.job(job_id)
        dispatcher = self._dispatcher
        if dispatcher and dispatcher.failure and not record.status.is_terminal:
            raise ExecutorError(dispatcher.failure)
        return record

    def close(self) -> None:
        """End the workers and close the store. In a forked process there is nothing to end."""
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
