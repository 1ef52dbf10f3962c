"""`LocalBackend`: jobs on the cores of this machine, kept in a store on its disk."""

from __future__ import annotations

import math
import threading
import time
import weakref
from typing import TYPE_CHECKING, Any

from farshot.admission.batch import Request, admit, check_count, check_seconds, check_seed, check_shots
from farshot.backends.engine import Engine
from farshot.backends.jobs import Job
from farshot.backends.polling import first_interrupt, reporter, wait_for_end
from farshot.backends.responses import LocalResponse, job_body
from farshot.contract import ExecutionResult, JobStatus, Response
from farshot.dispatch.sharding import cut
from farshot.errors import (
    CircuitsInvalidError,
    ExecutionCancelledError,
    HandleError,
    JobNotCompletedError,
    OptionError,
)
from farshot.executors.local import CIRCUIT_TIMEOUT, LocalExecutor, usable_cores
from farshot.model import JobFilter, Submission, circuit_seed
from farshot.simulators.targets import check_target

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from os import PathLike
    from threading import Event
    from types import TracebackType
    from typing import Self

    from farshot.admission.template import Template
    from farshot.backends.polling import Waiting
    from farshot.errors import CircuitError
    from farshot.model import Batch, JobRecord
    from farshot.protocols import Executor

__all__ = ["LocalBackend"]


class LocalBackend:
    """Runs batches of circuits as asynchronous jobs on this machine.

    Jobs live in a SQLite store in `data_dir` (else `FARSHOT_DATA_DIR`, else the user's data folder) and
    outlive this object and its process: a handle made yesterday can be polled and fetched today. They run
    on `workers` warm child processes, one a core unless told, which start with the first submission; with
    `workers=0` they are only queued, for another backend or `farshot work` to run.

    `shots` is what a circuit is sampled with unless told; `target` names the simulator (`farshot targets`
    lists them); `seed` makes a program repeat its counts: each submission then derives its job's seed from
    it and its own number. `memory_limit` is in bytes, for one worker; `circuit_timeout` in seconds, for one
    circuit. `job_timeout` is in seconds from a job's start on: a job that takes longer ends FAILED, and what it
    has recorded stays readable. `polling_interval` is the time in seconds between two calls of a progress
    callback; completion is seen at once, whatever it is. `max_retries` bounds the looks of one waiting call.
    `executor` replaces the child processes.

    Safe from any thread. Raises `ValueError` or `TypeError` for wrong arguments, `StoreError` where the
    store cannot be opened.
    """

    def __init__(  # noqa: PLR0913 -- the options of the one object a user makes
        self,
        shots: int = 1000,
        workers: int | None = None,
        data_dir: str | PathLike[str] | None = None,
        target: str = "auto",
        seed: int | None = None,
        *,
        executor: Executor | None = None,
        memory_limit: int | None = None,
        circuit_timeout: float = CIRCUIT_TIMEOUT,
        job_timeout: float | None = None,
        polling_interval: float = 0.5,
        max_retries: int | None = None,
    ) -> None:
        """Open the store. No worker starts before there is work."""
        self._shots = check_shots(shots)
        self._workers = usable_cores() if workers is None else check_count("workers", workers, least=0)
        self._seed = None if seed is None else check_seed(seed)
        self._target = check_target(target)
        self._interval = check_seconds("polling_interval", polling_interval)
        self._max_retries = None if max_retries is None else check_count("max_retries", max_retries)
        self._job_timeout = None if job_timeout is None else check_seconds("job_timeout", job_timeout)
        self._submissions = 0
        self._lock = threading.Lock()
        self._executor = executor or LocalExecutor(
            self._workers or usable_cores(),
            None if memory_limit is None else check_count("memory_limit", memory_limit),
            check_seconds("circuit_timeout", circuit_timeout),
        )
        self._engine = Engine(data_dir, self._executor if self._workers else None)
        self._close = weakref.finalize(self, self._engine.close)

    def __enter__(self) -> Self:
        """Return this backend."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """End the workers and wait for nothing: open jobs stay in the store for the next backend."""
        self._close()

    @property
    def shots(self) -> int:
        """Number of measurement shots of each circuit that is sampled, unless told."""
        return self._shots

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
        validate: bool = False,
        **unknown: Any,  # noqa: ANN401 -- the contract allows any option; those not named above are refused
    ) -> ExecutionResult:
        """Store a batch as a job and return its handle, once the job is durable.

        `circuits` maps a label to OpenQASM 2 or 3 text, or is a `farshot.Template`, each row of which is a
        circuit. With `ham_ops` the results are exact expectation values: Pauli strings joined by `;` (leftmost
        character is qubit 0), groups of them joined by `|` and mapped to circuits by `circuit_ham_map`, one
        [start, end) a group. `shot_groups` gives ranges of circuits their own shots: [start, end, shots] triples
        that tile the batch. The same `key` gives the same job. With `validate` every text is looked at first, and
        one error lists what cannot run.

        Raises `ValueError` or `TypeError` before anything is stored, `ExecutionCancelledError` where the event
        is set already, `StoreError` where the job cannot be stored. A fault of one circuit's text is not
        raised: it is that circuit's outcome.
        """
        if unknown:
            message = f"unknown option: {', '.join(sorted(unknown))}"
            raise OptionError(message)
        _raise_if_set(cancellation_event)
        request = Request(
            target=self._target if target is None else check_target(target),
            default_shots=self._shots,
            default_seed=self._next_seed(),
            ham_ops=ham_ops,
            circuit_ham_map=circuit_ham_map,
            shot_groups=shot_groups,
            shots=shots,
            seed=seed,
            tag=tag,
            key=key,
            timeout=self._job_timeout,
        )
        batch = admit(circuits, request)
        self._engine.start()
        if validate:
            self._validate(batch)
        _raise_if_set(cancellation_event)
        workers = max(1, self._executor.capacity // 2)
        record = self._engine.store.add(Submission(batch, cut(batch, workers)))
        self._engine.wake()
        return ExecutionResult(job_id=record.id)

    def poll_job_status(  # noqa: PLR0913 -- the contract fixes these parameters
        self,
        execution_result: ExecutionResult,
        loop_until_complete: bool = False,  # noqa: FBT001, FBT002 -- the contract fixes the position
        on_complete: Callable[[Response], None] | None = None,
        verbose: bool = True,  # noqa: FBT001, FBT002 -- the contract fixes the position
        progress_callback: Callable[[int, str], None] | None = None,
        cancellation_event: Event | None = None,
    ) -> JobStatus:
        """Return the job's status; with `loop_until_complete`, wait until it is terminal.

        A single look calls no `progress_callback`. The loop calls it with (attempt, status) for every look
        that finds the job open; `on_complete` is called once by the call that sees the terminal status.
        With `verbose` and no callback the loop draws a spinner on a terminal, else logs. A set
        `cancellation_event` raises `ExecutionCancelledError` and leaves the job alone. Without one, in the
        main thread, the first Ctrl-C cancels the job and raises that, the second is `KeyboardInterrupt`.
        """
        job_id = _job_id(execution_result)
        if loop_until_complete:
            waiting = self._engine.waiting(job_id, self._interval, self._max_retries)
            with reporter(progress_callback, verbose=verbose) as report:
                record = self._wait(waiting, cancellation_event, report)
        else:
            record = self._engine.store.job(job_id)
        if record.status.is_terminal and on_complete:
            on_complete(LocalResponse(200, job_body(record)))
        return record.status

    def get_job_results(self, execution_result: ExecutionResult, *, partial: bool = False) -> ExecutionResult:
        """Return a new object with the results, in order of submission.

        Each entry is `{"label", "results", "metadata"}`. Raises `JobNotCompletedError` while the job is not
        COMPLETED; with `partial` it gives what there is instead, where a circuit that failed has
        `{"label", "error": {"code", "message", "line", "column"}}`.
        """
        from farshot.backends.entries import job_entries

        store = self._engine.store
        record = store.job(_job_id(execution_result))
        if not partial and record.status is not JobStatus.COMPLETED:
            raise JobNotCompletedError(_why_not(record))
        return execution_result.with_results(job_entries(store, record), record.run_time)

    def cancel_job(self, execution_result: ExecutionResult) -> LocalResponse:
        """Cancel the job and kill what runs of it; recorded results stay readable.

        Answers 200 with how many circuits that stopped, or 409 where the job had ended, which is no error.
        Raises `UnknownJobError` where there is no such job.
        """
        record, stopped = self._engine.store.cancel(_job_id(execution_result))
        self._engine.wake()
        body = job_body(record)
        if stopped is not None:
            return LocalResponse(200, body | {"circuits_cancelled": stopped})
        return LocalResponse(409, body | {"detail": f"job {record.id} is {record.status} already"})

    def job(self, job_id: str) -> Job:
        """Return the job of this id; raises `UnknownJobError`."""
        self._engine.store.job(job_id)
        return Job(self, job_id)

    def jobs(self, status: JobStatus | str | None = None, tag: str | None = None, limit: int = 50) -> list[Job]:
        """Return the newest jobs first, at most `limit`."""
        check_count("limit", limit)
        chosen = None if status is None else JobStatus(status)
        wanted = JobFilter(status=chosen, tag=tag)
        return [Job(self, record.id) for record in self._engine.store.jobs(wanted, limit)]

    def record(self, job_id: str) -> JobRecord:
        """Return what the store knows of a job; raises `UnknownJobError`."""
        return self._engine.store.job(job_id)

    def _next_seed(self) -> int | None:
        with self._lock:
            self._submissions += 1
            return None if self._seed is None else circuit_seed(self._seed, f"submission {self._submissions}")

    def _validate(self, batch: Batch) -> None:
        found = self._executor.inspect(batch.encoded(slice(None)), batch.spec)
        faults: dict[str, CircuitError] = {
            label: fault for label, fault in zip(batch.labels, found, strict=True) if fault
        }
        if faults:
            raise CircuitsInvalidError(faults)

    def wait(self, job_id: str, *, timeout: float | None = None, cancellation_event: Event | None = None) -> JobStatus:
        """Block until a job has ended; as `poll_job_status`, without a callback.

        Raises `PollingTimeoutError` after `timeout` seconds; the job goes on then.
        """
        deadline = math.inf if timeout is None else time.monotonic() + timeout
        waiting = self._engine.waiting(job_id, self._interval, self._max_retries, deadline)
        return self._wait(waiting, cancellation_event, lambda _attempt, _record: None).status

    def _wait(self, waiting: Waiting, event: Event | None, report: Callable[[int, JobRecord], None]) -> JobRecord:
        if event:
            return wait_for_end(waiting, event, report)
        with first_interrupt() as interrupted:
            try:
                return wait_for_end(waiting, interrupted, report)
            except ExecutionCancelledError:
                interrupted.clear()
                self.cancel_job(ExecutionResult(job_id=waiting.look().id))
                raise


def _raise_if_set(event: Event | None) -> None:
    if event is not None and event.is_set():
        message = "the cancellation event is set; nothing was submitted"
        raise ExecutionCancelledError(message)


def _job_id(handle: object) -> str:
    if not isinstance(handle, ExecutionResult) or not isinstance(handle.job_id, str | None):
        message = f"a handle as returned by submit_circuits is needed, not {handle!r:.80}"
        raise OptionError(message)
    if handle.job_id is None:
        message = "the handle has no job_id: it was not returned by submit_circuits"
        raise HandleError(message)
    return handle.job_id


def _why_not(record: JobRecord) -> str:
    if not record.status.is_terminal:
        return f"job {record.id} is {record.status}: poll it until it is COMPLETED, or ask with partial=True"
    if record.fault:
        return f"job {record.id} is {record.status}: {record.fault.message}; ask with partial=True for what there is"
    failed = f" ({record.failed} of {record.circuits} circuits failed)" if record.failed else ""
    return f"job {record.id} is {record.status}{failed}: ask with partial=True for what there is"
