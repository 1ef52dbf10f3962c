"""`Backend`: the options, the submission, the wait and the results that all backends share."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from contextlib import closing
from itertools import islice
from typing import TYPE_CHECKING, Any, NoReturn

from farshot.admission.batch import Request, check_count, check_priority, check_seconds, check_seed, check_shots
from farshot.backends.entries import check_complete
from farshot.backends.incomplete import MAX_FAULTS, interrupted_wait, not_completed
from farshot.backends.job_inputs import JobCircuits
from farshot.backends.job_lookup import find_job, job_id_of
from farshot.backends.jobs import Job
from farshot.backends.responses import LocalResponse, job_body
from farshot.backends.results import JobResult
from farshot.backends.submissions import SubmissionSeeds, SubmitOptions, raise_if_set
from farshot.backends.wait import PollingOptions, first_interrupt, reporter, wait_for_end
from farshot.backends.watch import WaitLimit, deadline_after
from farshot.contract import ExecutionResult, JobStatus
from farshot.errors import ExecutionCancelledError, OptionError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Generator, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from threading import Event
    from types import TracebackType
    from typing import Self

    from farshot.backends.estimates import Outlook
    from farshot.backends.job_lookup import AnyJob
    from farshot.backends.progress_bar import Report
    from farshot.backends.results import ResultPiece
    from farshot.backends.watch import Watch
    from farshot.contract import Response
    from farshot.errors import CircuitError
    from farshot.model import JobRecord
    from farshot.protocols import StoredCircuits
    from farshot.templates.template import Template


_MAX_SEARCHED = 1000
"""The number of newest jobs among which the beginning of an id is looked up."""


class Backend(ABC):
    """A backend without the place where its jobs are kept, which a subclass adds."""

    def __init__(  # noqa: PLR0913 -- the options of the one object a user makes
        self,
        *,
        shots: int,
        target: str,
        seed: int | None,
        job_timeout: float | None,
        polling_interval: float,
        max_retries: int | None,
    ) -> None:
        """Check the options; raises `ValueError` or `TypeError`."""
        self._shots = check_shots(shots)
        self._target = self._checked_target(target)
        self._seeds = SubmissionSeeds(None if seed is None else check_seed(seed))
        self._job_timeout = None if job_timeout is None else check_seconds("job_timeout", job_timeout)
        self._interval = check_seconds("polling_interval", polling_interval)
        self._max_retries = None if max_retries is None else check_count("max_retries", max_retries)

    def __enter__(self) -> Self:
        """Return this backend."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()

    def __reduce__(self) -> NoReturn:
        """Raise `TypeError`: threads, connections and a token cannot be pickled."""
        kind = type(self).__name__
        message = (
            f"a {kind} cannot be pickled: make one in each process, or pass jobs (`backend.job(handle)`), which can"
        )
        raise TypeError(message)

    @abstractmethod
    def reopened(self) -> Callable[[], Backend]:
        """Return a callable that opens this backend in another process; it can be pickled and holds no token."""

    @abstractmethod
    def close(self) -> None:
        """End the workers or connections of this backend; open jobs go on."""

    @property
    def shots(self) -> int:
        """The number of measurement shots of each sampled circuit, unless a submission gives its own."""
        return self._shots

    @property
    def max_retries(self) -> int | None:
        """The most polls of one waiting call; None: no bound."""
        return self._max_retries

    def submit_circuits(  # noqa: PLR0913 -- the options of the contract
        self,
        circuits: Mapping[str, str] | Template,
        *,
        cancellation_event: Event | None = None,
        ham_ops: str | None = None,
        circuit_ham_map: Sequence[Sequence[int]] | None = None,
        shot_groups: Sequence[Sequence[int]] | None = None,
        shots: int | None = None,
        seed: int | None = None,
        tag: str | None = None,
        key: str | None = None,
        target: str | None = None,
        priority: int = 0,
        timeout: float | None = None,
        validate: bool = False,
        **unknown: Any,  # noqa: ANN401 -- the contract allows any option; those not named above are refused
    ) -> ExecutionResult:
        """Store a batch as a job and return its handle once the job is durable.

        `circuits` maps a label to OpenQASM 2 or 3 text, or is a `farshot.Template`, each row of which is a circuit.
        With `ham_ops` the results are exact expectation values: Pauli strings joined by `;` (leftmost character is
        qubit 0), groups of them joined by `|` and mapped to circuits by `circuit_ham_map`, one [start, end) a group.
        `shot_groups` gives ranges of circuits their own shots: [start, end, shots] triples that tile the batch. The
        same `key` gives the same job. Of an owner's jobs those of the highest `priority` (0 to 9) come first;
        `timeout` replaces the backend's `job_timeout`. With `validate` every text is checked first, and one error
        lists the circuits that cannot run.

        Raises `ValueError` or `TypeError` before anything is stored, `ExecutionCancelledError` if the event is set,
        `StoreError` or `ServiceError` if the job cannot be stored. A fault of one circuit's text is not raised: it is
        that circuit's outcome.
        """
        if unknown:
            message = f"unknown option: {', '.join(sorted(unknown)):.200}"
            raise OptionError(message)
        raise_if_set(cancellation_event)
        request = Request(
            target=self._target if target is None else self._checked_target(target),
            default_shots=self._shots,
            default_seed=self._seeds.next(),
            ham_ops=ham_ops,
            circuit_ham_map=circuit_ham_map,
            shot_groups=shot_groups,
            shots=shots,
            seed=seed,
            tag=tag,
            key=key,
            timeout=self._job_timeout if timeout is None else check_seconds("timeout", timeout),
        )
        options = SubmitOptions(request, check_priority(priority), validate, cancellation_event)
        return ExecutionResult(job_id=self._submit(circuits, options))

    def poll_job_status(  # noqa: PLR0913 -- the contract fixes these parameters
        self,
        execution_result: AnyJob,
        loop_until_complete: bool = False,  # noqa: FBT001, FBT002 -- the contract fixes the position
        on_complete: Callable[[Response], None] | None = None,
        verbose: bool = True,  # noqa: FBT001, FBT002 -- the contract fixes the position
        progress_callback: Callable[[int, str], None] | None = None,
        cancellation_event: Event | None = None,
    ) -> JobStatus:
        """Return the job's status; with `loop_until_complete`, wait until it is terminal.

        A single poll calls no `progress_callback`. The loop calls it with (attempt, status) every `polling_interval`
        in which the job is open; the call that reads a terminal status calls `on_complete` once. With `verbose` and no
        callback the loop draws a bar in a terminal or a notebook, else logs. A set `cancellation_event` raises
        `ExecutionCancelledError` and does not change the job. Without one, in the main thread, the first Ctrl-C
        cancels the job and raises the same error, the second raises `KeyboardInterrupt`.
        """
        job_id = job_id_of(execution_result)
        if not loop_until_complete:
            record, response = self._read_job(job_id, cancellation_event)
            if record.status.is_terminal and on_complete:
                on_complete(response)
            return record.status
        with reporter(progress_callback, self._estimate, verbose=verbose) as report:
            record = self._wait(job_id, math.inf, cancellation_event, report)
        if on_complete:
            on_complete(self._final_response(record, cancellation_event))
        return record.status

    def get_job_results(self, execution_result: AnyJob, *, partial: bool = False) -> ExecutionResult:
        """Return a new object with the results, in order of submission.

        Each entry is `{"label", "results", "metadata"}`. Raises `JobNotCompletedError` while the job is not COMPLETED,
        `StoreCorruptError` if an outcome is damaged. With `partial` it returns the results so far instead, in which
        a circuit without result has `{"label", "error": {"code", "message", "line", "column"}}`.
        """
        record = self._read_record(job_id_of(execution_result))
        handle = (
            execution_result if isinstance(execution_result, ExecutionResult) else ExecutionResult(job_id=record.id)
        )
        with closing(self._results_of(record, partial=partial)) as pieces:
            entries = [entry for piece in pieces for entry in piece.entries()]
        return handle.with_results(entries if partial else check_complete(record.id, entries), record.run_time)

    def result(self, job: AnyJob, *, timeout: float | None = None, partial: bool = False) -> JobResult:
        """Wait until a job has ended, as `wait`, and return its outcomes, as `get_job_results`."""
        return self._result(self._wait(job_id_of(job), deadline_after(timeout), None, _report_nothing), partial=partial)

    def partial(self, job: AnyJob) -> JobResult:
        """Return the outcomes that a job has so far, those that failed too."""
        return self._result(self._read_record(job_id_of(job)), partial=True)

    def cancel_job(self, execution_result: AnyJob) -> Response:
        """Cancel the job and kill its running circuits; recorded results stay readable.

        The response is 200 with how many circuits were stopped, or 409 if the job had ended, which is no error. Raises
        `UnknownJobError`.
        """
        return self._cancel(job_id_of(execution_result))

    def options(self, job: AnyJob) -> dict[str, Any]:
        """Return the options of a job, its own seed included, as keywords of `submit_circuits`."""
        return self._read_options(self.record(job))

    def circuits(self, job: AnyJob) -> JobCircuits:
        """Return the circuits of a job; submitted with its options they give the same outcomes."""
        return JobCircuits(list(self._read_circuits(self.record(job).id)))

    def delete(self, job: AnyJob) -> None:
        """Delete a job with its circuits and results and stop its running circuits; raises `UnknownJobError`."""
        self._delete(job_id_of(job))

    def run(self, circuits: Mapping[str, str] | Template | str, **options: Any) -> Job:  # noqa: ANN401 -- as below
        """Submit a batch, or one text under the label `circuit`, with the options of `submit_circuits`.

        Returns the job: `job.result()` waits for it and returns its outcomes.
        """
        batch = {"circuit": circuits} if isinstance(circuits, str) else circuits
        return self.job(self.submit_circuits(batch, **options))

    def job(self, job: AnyJob) -> Job:
        """Return the job of a handle, an id, or the beginning of one; raises `UnknownJobError`.

        A beginning has four characters or more and is looked up among the newest jobs.
        """
        if not isinstance(job, str):
            return Job(self, job_id_of(job))
        found = find_job(job_id_of(job), lambda: (record.id for record in self.records(limit=_MAX_SEARCHED)))
        return Job(self, self.record(found).id)

    def jobs(self, status: JobStatus | str | None = None, tag: str | None = None, limit: int = 50) -> list[Job]:
        """Return the newest jobs first, at most `limit`."""
        return [Job(self, record.id) for record in self.records(status, tag, limit)]

    def records(
        self, status: JobStatus | str | None = None, tag: str | None = None, limit: int = 50
    ) -> list[JobRecord]:
        """Return the records of the newest jobs, as `jobs`."""
        check_count("limit", limit)
        return self._list_jobs(None if status is None else JobStatus(status), tag, limit)

    def record(self, job: AnyJob) -> JobRecord:
        """Return the record of a job; raises `UnknownJobError`."""
        return self._read_job(job_id_of(job), None)[0]

    def outlook(self, job: AnyJob) -> Outlook:
        """Return how long a running job still takes and by which simulators and methods its circuits are run, or how
        many jobs come before a waiting one. Raises `UnknownJobError`.
        """
        return self._estimate(self.record(job))

    def wait(
        self,
        job: AnyJob,
        *,
        timeout: float | None = None,
        cancellation_event: Event | None = None,
    ) -> JobStatus:
        """Block until a job has ended, as `poll_job_status`, without a callback.

        Raises `PollingTimeoutError` after `timeout` seconds; the job goes on then.
        """
        return self._wait(job_id_of(job), deadline_after(timeout), cancellation_event, _report_nothing).status

    def ended(
        self,
        jobs: Collection[AnyJob],
        *,
        timeout: float | None = None,
        cancellation_event: Event | None = None,
    ) -> Iterator[str]:
        """Yield the id of each job once it has ended; a set event and `timeout`, in seconds, raise as in `wait`."""
        limit = WaitLimit(cancellation_event, deadline_after(timeout))
        left = set(map(job_id_of, jobs))
        with self._watch(left, limit) as watch:
            while True:
                found = watch.ended()
                yield from found
                left.difference_update(found)
                if not left:
                    return
                if not found:
                    limit.pause(watch)

    def stream(self, job: AnyJob, *, cancellation_event: Event | None = None) -> Iterator[dict[str, Any]]:
        """Yield an entry for every circuit as soon as it has an outcome, in order of time, until the job has ended.

        Entries are those of `get_job_results` with `partial`. A set event raises `ExecutionCancelledError`.
        """
        return self._stream(job_id_of(job), WaitLimit(cancellation_event, math.inf))

    @abstractmethod
    def is_attended(self) -> bool:
        """Return whether a process works on open jobs; in a store of this machine there may be none."""

    @abstractmethod
    def _checked_target(self, name: str) -> str:
        """Return the name of a target; raises `TargetError` if it is known that there is none."""

    @abstractmethod
    def _submit(self, circuits: Mapping[str, str] | Template, options: SubmitOptions) -> str:
        """Store a batch and return the job's id."""

    @abstractmethod
    def _read_job(self, job_id: str, event: Event | None) -> tuple[JobRecord, Response]:
        """Return the record of a job and the response that holds it; raises `UnknownJobError`."""

    @abstractmethod
    def _list_jobs(self, status: JobStatus | None, tag: str | None, limit: int) -> list[JobRecord]:
        """Return the newest jobs first, at most `limit`."""

    @abstractmethod
    def _read_results(self, record: JobRecord) -> Generator[ResultPiece, None, None]:
        """Yield the outcome of every circuit that has one, in order of submission, as they are read."""

    @abstractmethod
    def _stream(self, job_id: str, limit: WaitLimit) -> Iterator[dict[str, Any]]:
        """Yield entries as `stream`; raises as `WaitLimit.check`."""

    @abstractmethod
    def _cancel(self, job_id: str) -> Response:
        """Cancel a job; the response is 409 if it had ended."""

    @abstractmethod
    def _read_options(self, record: JobRecord) -> dict[str, Any]:
        """Return the options of a job."""

    @abstractmethod
    def _read_circuits(self, job_id: str) -> Iterator[StoredCircuits]:
        """Yield the circuits of a job, in order."""

    @abstractmethod
    def _delete(self, job_id: str) -> None:
        """Delete a job; raises `UnknownJobError`."""

    @abstractmethod
    def _watch(self, job_ids: Collection[str], limit: WaitLimit) -> AbstractContextManager[Watch]:
        """Return a watch of jobs, which run meanwhile; `limit` bounds the time that its `read` may take."""

    @abstractmethod
    def _estimate(self, record: JobRecord) -> Outlook:
        """Estimate how long a job still takes, how it is run, and how many jobs come before it."""

    @abstractmethod
    def _ended_record(self, job_id: str) -> JobRecord | None:
        """Return the record of a job that is known to have ended, without reading it; None if it is not known."""

    def _final_response(self, record: JobRecord, event: Event | None) -> Response:  # noqa: ARG002 -- of a service
        """Return the response for a job that has ended."""
        return LocalResponse(200, job_body(record))

    def _cancel_interrupted(self, job_id: str, interrupted: Event) -> JobRecord | None:  # noqa: ARG002 -- of a service
        """Cancel the job of a wait that Ctrl-C ended, and return its record; None if that is not known by now."""
        self._cancel(job_id)
        return self.record(job_id)

    def _read_record(self, job_id: str) -> JobRecord:
        return self._ended_record(job_id) or self.record(job_id)

    def _result(self, record: JobRecord, *, partial: bool) -> JobResult:
        return JobResult(record.id, list(self._results_of(record, partial=partial)))

    def _results_of(self, record: JobRecord, *, partial: bool) -> Generator[ResultPiece, None, None]:
        if not partial and record.status is not JobStatus.COMPLETED:
            raise not_completed(record, self._faults(record))
        return self._read_results(record)

    def _faults(self, record: JobRecord) -> dict[str, CircuitError]:
        """Return the faults of the first circuits that failed, by label."""
        if record.status is not JobStatus.FAILED or not record.failed:
            return {}
        outcomes = JobResult(record.id, list(self._read_results(record)))
        return dict(islice(outcomes.each_fault(), min(record.failed, MAX_FAULTS)))

    def _wait(self, job_id: str, deadline: float, event: Event | None, report: Report) -> JobRecord:
        if event:
            return self._wait_for(job_id, deadline, event, report)
        with first_interrupt() as interrupted:
            try:
                return self._wait_for(job_id, deadline, interrupted, report)
            except ExecutionCancelledError as error:
                interrupted.clear()
                raise interrupted_wait(job_id, self._cancel_interrupted(job_id, interrupted)) from error

    def _wait_for(self, job_id: str, deadline: float, event: Event, report: Report) -> JobRecord:
        with self._watch([job_id], WaitLimit(event, deadline)) as watch:
            options = PollingOptions(self._interval, self._max_retries, deadline)
            return wait_for_end(watch, job_id, options, event, report)


def _report_nothing(_attempt: int, _record: JobRecord) -> None:
    pass
