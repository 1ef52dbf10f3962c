"""`Runtime`: a store, an executor and a dispatcher that run together in one process."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

from farshot.dispatch.changes import Changes
from farshot.dispatch.dispatcher import Dispatcher
from farshot.dispatch.lease_holders import holder_name
from farshot.errors import ExecutorError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from farshot.model import JobRecord
    from farshot.protocols import Executor
    from farshot.store import SqlStore
    from farshot.submission import Submission


class Runtime:
    """The store of a process, and the executor and dispatcher that run its jobs from `start` on.

    Without an executor jobs are stored, and left to other processes. Safe from any thread.
    """

    def __init__(self, store: SqlStore, executor: Executor | None) -> None:
        self.executor = executor
        self.changes = Changes()
        """Moves whenever this process may have changed a job."""
        self._process = os.getpid()
        self._closed = False
        self._store = store
        self._dispatcher: Dispatcher | None = None
        self._lock = threading.Lock()

    @property
    def store(self) -> SqlStore:
        """The store; raises `ExecutorError` if the runtime is closed or was made before a fork."""
        if self._process != os.getpid():
            message = "this backend was made before the process was forked: make a new one here"
            raise ExecutorError(message)
        if self._closed:
            message = "the backend is closed"
            raise ExecutorError(message)
        return self._store

    @property
    def dispatcher(self) -> Dispatcher | None:
        """The dispatcher, once it was started."""
        return self._dispatcher

    def start(self) -> None:
        """Start the dispatcher, and with it the workers, if there is an executor; try again if it could not run."""
        with self._lock:
            if self._dispatcher:
                self._dispatcher.retry()
            elif self.executor:
                dispatcher = Dispatcher(
                    self.store,
                    self.executor,
                    self.changes,
                    holder=holder_name(),
                    lease_seconds=self.store.lease_seconds,
                )
                dispatcher.start()
                self._dispatcher = dispatcher

    def add(self, submission: Submission) -> JobRecord:
        """Make a job durable and have it run. Raises as `JobStore.add`.

        If that saves a commit, the dispatcher stores the job and claims its first shards in one transaction.
        """
        store, dispatcher = self.store, self._dispatcher
        if dispatcher and store.adds_and_claims_at_once and not dispatcher.health.troubles():
            record = dispatcher.add(submission)
            self.changes.publish()
        else:
            record = store.add(submission)
            self.wake()
        return record

    def wake(self) -> None:
        """Notify the dispatcher and waiting threads that a job was added, cancelled or deleted."""
        dispatcher = self._dispatcher
        if dispatcher:
            dispatcher.wake()
        self.changes.publish()

    def troubles(self) -> Mapping[str, str]:
        """Return what keeps jobs from being run, by part, with the reason."""
        dispatcher = self._dispatcher
        return dispatcher.health.reasons() if dispatcher else {"start": "the service starts"}

    def drain(self, seconds: float) -> None:
        """Take no more shards, and wait up to `seconds` for those that run."""
        if self._dispatcher:
            self._dispatcher.drain(seconds)

    def close(self) -> None:
        """End the workers, give their shards back and close the store. In a forked process there is nothing to end."""
        if self._process != os.getpid():
            return
        with self._lock:
            self._closed = True
            dispatcher, self._dispatcher = self._dispatcher, None
        self.changes.publish()
        try:
            if dispatcher:
                dispatcher.close()
        finally:
            self._store.close()
