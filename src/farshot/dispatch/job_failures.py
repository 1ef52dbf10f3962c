"""Jobs whose handling failed: each has one more chance, then it is set aside so that the others go on."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from farshot.errors import BrokenJobError, FaultCode, StoreError, StoreRefusalError
from farshot.model import Fault

if TYPE_CHECKING:
    from collections.abc import Callable

    from farshot.protocols import JobStore


_log = logging.getLogger(__name__)


def is_of_job(error: Exception) -> bool:
    """Whether an error at the handling of one job is that job's, and not a store's that is away or full for now."""
    return isinstance(error, BrokenJobError | StoreRefusalError) or not isinstance(error, StoreError)


class JobFailures:
    """Which jobs failed once. `handled` says how many were set aside."""

    def __init__(self, store: JobStore, let_go: Callable[[str], None]) -> None:
        """Begin with none; `let_go` is told which job is to be set aside."""
        self._store = store
        self._let_go = let_go
        self._once: set[str] = set()
        self._condemned: dict[str, Fault] = {}
        self._stuck: set[str] = set()
        self.handled = 0

    def guard(self, job_id: str, handle: Callable[[], object]) -> None:
        """Do a step for one job; where it fails for that job's sake, once more, and then the job is let go of."""
        while job_id not in self._condemned:
            try:
                handle()
            except Exception as error:
                if not is_of_job(error):
                    raise
                self.note(job_id, error)
            else:
                return

    def note(self, job_id: str, error: Exception) -> None:
        """Note that the handling of a job failed; from the second time on it is to be set aside."""
        reason, again = _reason(error), job_id in self._once
        fields = {"event": "job-handling-failed", "job": job_id, "reason": reason, "again": again}
        _log.error("job %s cannot be handled: %s", job_id, reason, exc_info=error, extra={"fields": fields})
        self._once.add(job_id)
        if again:
            message = f"the job could not be handled and was set aside ({reason}): report it, or submit it anew"
            self._condemned[job_id] = Fault(FaultCode.INTERNAL, message)
            self._let_go(job_id)

    def is_known(self, job_id: str) -> bool:
        """Whether the handling of a job failed once."""
        return job_id in self._once

    def clear(self, job_id: str) -> None:
        """Forget that the handling of a job failed once."""
        if self._once:
            self._once.discard(job_id)

    def set_aside(self) -> int:
        """End the jobs that are to be set aside; return how many. One that cannot even be ended is left alone."""
        before = self.handled
        for job_id in list(self._condemned):
            if job_id not in self._stuck:
                self._end(job_id)
        return self.handled - before

    def _end(self, job_id: str) -> None:
        fault = self._condemned[job_id]
        fields = {"event": "job-set-aside", "job": job_id, "reason": fault.message}
        try:
            self._store.end(job_id, fault)
        except Exception as error:
            if not is_of_job(error):
                raise
            self._stuck.add(job_id)
            _log.exception("job %s cannot even be set aside; it is left alone", job_id, extra={"fields": fields})
            return
        del self._condemned[job_id]
        self._once.discard(job_id)
        self.handled += 1
        _log.error("job %s was set aside: %s", job_id, fault.message, extra={"fields": fields})


def _reason(error: Exception) -> str:
    cause = error.__cause__ if isinstance(error, BrokenJobError) and error.__cause__ else error
    return f"{type(cause).__name__}: {cause}"
