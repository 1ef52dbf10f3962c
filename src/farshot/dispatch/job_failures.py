"""Jobs whose handling failed. Each is handled once more, then it is set aside so that the others go on."""

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
    """Return whether the job caused an error in its handling, and not a store that is away or full for now."""
    return isinstance(error, BrokenJobError | StoreRefusalError) or not isinstance(error, StoreError)


class JobFailures:
    """The jobs whose handling failed once, and those that are to be set aside."""

    def __init__(self, store: JobStore, drop_job: Callable[[str], None]) -> None:
        """Call `drop_job` with the id of each job that is to be set aside."""
        self._store = store
        self._drop_job = drop_job
        self._failed_once: set[str] = set()
        self._faults: dict[str, Fault] = {}
        self._unendable: set[str] = set()
        self.ended = 0
        """The number of jobs that were set aside."""

    def guard(self, job_id: str, handle: Callable[[], object]) -> None:
        """Run a step for one job; if it fails because of the job, run it once more, and then give the job up."""
        while job_id not in self._faults:
            try:
                handle()
            except Exception as error:
                if not is_of_job(error):
                    raise
                self.note(job_id, error)
            else:
                return

    def note(self, job_id: str, error: Exception) -> None:
        """Note that the handling of a job failed; from the second time on the job is to be set aside."""
        cause = error.__cause__ if isinstance(error, BrokenJobError) and error.__cause__ else error
        reason, again = f"{type(cause).__name__}: {cause}", job_id in self._failed_once
        fields = {"event": "job-handling-failed", "job": job_id, "reason": reason, "again": again}
        _log.error("job %s cannot be handled: %s", job_id, reason, exc_info=error, extra={"fields": fields})
        self._failed_once.add(job_id)
        if again:
            message = f"the job could not be handled and was set aside ({reason}): report it, or submit it anew"
            self._faults[job_id] = Fault(FaultCode.INTERNAL, message)
            self._drop_job(job_id)

    def has_failed(self, job_id: str) -> bool:
        """Return whether the handling of a job failed once."""
        return job_id in self._failed_once

    def clear(self, job_id: str) -> None:
        """Forget that the handling of a job failed once."""
        if self._failed_once:
            self._failed_once.discard(job_id)

    def set_aside(self) -> int:
        """End the jobs that are to be set aside and return how many were; one that cannot be ended is left alone."""
        before = self.ended
        for job_id in list(self._faults):
            if job_id not in self._unendable:
                self._end(job_id)
        return self.ended - before

    def _end(self, job_id: str) -> None:
        fault = self._faults[job_id]
        fields = {"event": "job-set-aside", "job": job_id, "reason": fault.message}
        try:
            self._store.end(job_id, fault)
        except Exception as error:
            if not is_of_job(error):
                raise
            self._unendable.add(job_id)
            _log.exception("job %s cannot even be set aside; it is left alone", job_id, extra={"fields": fields})
            return
        del self._faults[job_id]
        self._failed_once.discard(job_id)
        self.ended += 1
        _log.error("job %s was set aside: %s", job_id, fault.message, extra={"fields": fields})
