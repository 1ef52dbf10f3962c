"""`LocalBackend`: jobs on the cores of this machine, kept in a store on its disk."""

from __future__ import annotations

import weakref
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from farshot.admission.batch import admit, check_count, check_seconds
from farshot.backends.base import Backend
from farshot.backends.estimates import Outlook, outlook_of
from farshot.backends.job_inputs import job_options
from farshot.backends.local_watch import LocalWatch
from farshot.backends.responses import LocalResponse, job_body
from farshot.backends.shared import shared_local
from farshot.backends.submissions import EVERY_FAULT, raise_if_set, validate
from farshot.config import data_folder
from farshot.contract import JobStatus
from farshot.dispatch.lease_holders import is_gone
from farshot.dispatch.sharding import cut
from farshot.errors import ExecutorError, OptionError
from farshot.executors.local import CIRCUIT_TIMEOUT, LocalExecutor
from farshot.executors.memory_limits import usable_cores
from farshot.model import JobFilter
from farshot.runtime import Runtime
from farshot.simulators.targets import check_target
from farshot.store import BootClock, SqlStore, open_engine, sqlite_url
from farshot.submission import Submission

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Generator, Iterator, Mapping
    from os import PathLike
    from threading import Event

    from farshot.backends.progress_bar import Report
    from farshot.backends.results import ResultPiece
    from farshot.backends.submissions import SubmitOptions
    from farshot.backends.watch import WaitLimit
    from farshot.model import JobRecord
    from farshot.protocols import Executor, StoredCircuits
    from farshot.templates.template import Template


_MAX_WORKERS = 4096


class LocalBackend(Backend):
    """Runs batches of circuits as asynchronous jobs on this machine.

    Jobs are kept in a SQLite store in `data_dir` (else `FARSHOT_DATA_DIR`, else the user's data folder) and outlive
    this object and its process: a handle made yesterday can be polled and fetched today. They run on `workers` warm
    child processes, by default one a core, which start with the first submission; with `workers=0` they are only
    queued, for another backend or `farshot work` to run.

    `shots` is the default number of shots of a circuit; `target` names the simulator (`farshot targets` lists them);
    `seed` makes a program repeat its counts: each submission derives its job's seed from it and its own number.
    `memory_limit` is in bytes, for one worker; `circuit_timeout` in seconds, for one circuit. `job_timeout` is in
    seconds from a job's start on: a job that takes longer ends FAILED, and its recorded results stay readable.
    `polling_interval` is the time in seconds between two calls of a progress callback; completion is seen at once,
    independent of it. `max_retries` bounds the polls of one waiting call. `executor` replaces the child processes.

    Safe from any thread. Raises `ValueError` or `TypeError` for wrong arguments, `StoreError` if the store cannot be
    opened.
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
        """Open the store; the workers start with the first job."""
        super().__init__(
            shots=shots,
            target=target,
            seed=seed,
            job_timeout=job_timeout,
            polling_interval=polling_interval,
            max_retries=max_retries,
        )
        self._workers = usable_cores() if workers is None else check_count("workers", workers, 0, _MAX_WORKERS)
        if executor is not None and not hasattr(executor, "inspect"):
            message = f"executor must be an object that meets `Executor` (left out: this machine), not {executor!r:.60}"
            raise OptionError(message)
        self._executor = executor or LocalExecutor(
            self._workers or usable_cores(),
            None if memory_limit is None else check_count("memory_limit", memory_limit),
            check_seconds("circuit_timeout", circuit_timeout),
        )
        self._folder = data_folder(data_dir)
        self._awaited: JobRecord | None = None
        """The record of the job that was waited for last, as it ended."""
        store = SqlStore(open_engine(sqlite_url(self._folder)), BootClock())
        self._runtime = Runtime(store, self._executor if self._workers else None)
        self._close = weakref.finalize(self, self._runtime.close)

    def reopened(self) -> Callable[[], LocalBackend]:
        """Return a callable that opens a backend on the same folder, with as many workers, in another process."""
        return partial(shared_local, str(self._folder), self._workers)

    def close(self) -> None:
        """End the workers without waiting for jobs: open ones stay in the store for the next backend."""
        self._close()

    def is_attended(self) -> bool:
        """Return whether a live process works on jobs of this store, this one or another."""
        return self._is_working() or not all(is_gone(holder) for holder in self._runtime.store.holders())

    def _is_working(self) -> bool:
        dispatcher = self._runtime.dispatcher
        return dispatcher is not None and not dispatcher.failure

    def _checked_target(self, name: str) -> str:
        return check_target(name)

    def _submit(self, circuits: Mapping[str, str] | Template, options: SubmitOptions) -> str:
        batch = admit(circuits, options.request)
        self._runtime.start()
        if options.validate:
            validate(batch, self._executor, EVERY_FAULT)
        raise_if_set(options.event)
        shards = cut(batch, self._executor.workers)
        return self._runtime.add(Submission(batch, shards, priority=options.priority)).id

    def _read_job(self, job_id: str, event: Event | None) -> tuple[JobRecord, LocalResponse]:  # noqa: ARG002 -- a read is short
        record = self._runtime.store.job(job_id)
        return record, LocalResponse(200, job_body(record))

    def _list_jobs(self, status: JobStatus | None, tag: str | None, limit: int) -> list[JobRecord]:
        return self._runtime.store.jobs(JobFilter(status=status, tag=tag), limit)

    def _wait_for(self, job_id: str, deadline: float, event: Event, report: Report) -> JobRecord:
        self._awaited = super()._wait_for(job_id, deadline, event, report)
        return self._awaited

    def _ended_record(self, job_id: str) -> JobRecord | None:
        awaited = self._awaited
        return awaited if awaited and awaited.id == job_id else None

    def _read_results(self, record: JobRecord) -> Generator[ResultPiece, None, None]:
        from farshot.backends.stored_results import recorded_pieces

        return recorded_pieces(self._runtime.store, record)

    def _stream(self, job_id: str, limit: WaitLimit) -> Iterator[dict[str, Any]]:
        from farshot.backends.stored_results import follow

        with self._watch([job_id], limit) as watch:
            yield from follow(self._runtime.store, job_id, watch, limit)

    def _estimate(self, record: JobRecord) -> Outlook:
        if record.status is JobStatus.PENDING:
            return Outlook(jobs_ahead=self._runtime.store.ahead(record.id))
        return outlook_of(record, self._runtime.store.effort(record.id), datetime.now(UTC))

    def _read_options(self, record: JobRecord) -> dict[str, Any]:
        return job_options(self._runtime.store.spec(record.id), record)

    def _read_circuits(self, job_id: str) -> Iterator[StoredCircuits]:
        return self._runtime.store.circuits(job_id)

    def _delete(self, job_id: str) -> None:
        self._runtime.store.delete(job_id)
        self._runtime.wake()

    def _cancel(self, job_id: str) -> LocalResponse:
        record, stopped = self._runtime.store.cancel(job_id)
        self._runtime.wake()
        body = job_body(record)
        if stopped is not None:
            return LocalResponse(200, body | {"circuits_cancelled": stopped})
        return LocalResponse(409, body | {"detail": f"job {record.id} is {record.status} already"})

    @contextmanager
    def _watch(self, job_ids: Collection[str], limit: WaitLimit) -> Iterator[LocalWatch]:  # noqa: ARG002 -- a read is short
        """Yield a watch of jobs, which are run meanwhile, by this process if it is free."""
        runtime = self._runtime
        if not self._is_working() and not all(runtime.store.job(job_id).status.is_terminal for job_id in job_ids):
            runtime.start()
        yield LocalWatch(runtime.store, runtime.changes, job_ids, self._read_awaited)

    def _read_awaited(self, job_id: str) -> JobRecord:
        """Return a job that is waited for; raises `ExecutorError` if it cannot be run here."""
        record = self._runtime.store.job(job_id)
        dispatcher = self._runtime.dispatcher
        if dispatcher and dispatcher.failure and not record.status.is_terminal:
            raise ExecutorError(dispatcher.failure)
        return record
