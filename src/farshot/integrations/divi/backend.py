"""The backend that Divi's programs take. Imports Divi: `farshot.integrations.divi.backend` makes it."""

from __future__ import annotations

import contextlib
import math
import threading
from dataclasses import dataclass, fields
from functools import partial
from typing import TYPE_CHECKING, Any

import divi.backends as theirs
from divi.backends import CircuitRunner

from farshot.admission.batch import check_count, check_seed, check_shots, contents_of
from farshot.contract import ExecutionResult, JobStatus
from farshot.errors import BatchError, ExecutionCancelledError, FarshotError, HandleError, PollingTimeoutError
from farshot.integrations.divi.depths import Depths
from farshot.integrations.divi.job_pieces import parametric, pieces_of
from farshot.integrations.divi.outcomes import JobOutcome, in_their_words, most_retries, overall, raise_their
from farshot.integrations.divi.payloads import check_options, pieces_from, some
from farshot.model import circuit_seed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from threading import Event
    from types import TracebackType
    from typing import Self

    from farshot.backends.base import Backend
    from farshot.contract import Response
    from farshot.integrations.divi.job_pieces import Piece
    from farshot.model import JobRecord


_JOIN = "+"
"""Between the ids of the jobs of one handle: each template is a job."""


@dataclass(frozen=True, slots=True)
class Options:
    """What `farshot.integrations.divi.backend` was given."""

    shots: int | None
    seed: int | None
    track_depth: bool
    force_sampling: bool
    resolves_parameters: bool
    max_retries: int | None


class DiviBackend(CircuitRunner):  # type: ignore[misc]  # Divi ships no types
    """Runs the circuits of Divi's programs on a backend of Farshot. Safe from any thread."""

    def __init__(self, inner: Backend, options: Options) -> None:
        """Check the options; raises `ValueError` or `TypeError`."""
        shots = inner.shots if options.shots is None else check_shots(options.shots)
        super().__init__(shots=shots, track_depth=options.track_depth)
        self._inner = inner
        self._options = options
        self._depths = Depths()
        self._lock = threading.Lock()
        self._submissions = 0
        self._seed: int | None = None
        if options.seed is not None:
            self.set_seed(options.seed)
        limit = options.max_retries
        self._most = inner.max_retries if limit is None else check_count("max_retries", limit)

    def __enter__(self) -> Self:
        """Return this backend."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Close the backend that runs the circuits; open jobs go on."""
        self._inner.close()

    @property
    def inner(self) -> Backend:
        """The backend that runs the circuits."""
        return self._inner

    @property
    def supports_expval(self) -> bool:
        """Whether expectation values are worked out exactly, not estimated from counts."""
        return not self._options.force_sampling

    @property
    def is_async(self) -> bool:
        """Whether a submission returns a handle: always."""
        return True

    @property
    def resolves_parameters(self) -> bool:
        """Whether parametric circuits are taken as they are, and bound by the workers."""
        return self._options.resolves_parameters

    @property
    def max_retries(self) -> int | float:
        """The most looks of one waiting call, infinity where there is no bound. Programs of 0.12 show it."""
        return math.inf if self._most is None else self._most

    def set_seed(self, seed: int) -> None:
        """Make the submissions from now on repeat their counts: each one's seed is derived from `seed` and its number.

        Raises `ValueError` or `TypeError` for what is no seed.
        """
        checked = check_seed(seed)
        with self._lock:
            self._seed = checked
            self._submissions = 0

    @property
    def depth_history(self) -> list[list[int]]:
        """The depth of each circuit, a list for every batch; empty without `track_depth`."""
        return self._depths.batches

    def average_depth(self) -> float:
        """Return the mean depth of all circuits; 0 where there is none."""
        return self._depths.mean()

    def std_depth(self) -> float:
        """Return the standard deviation of the depth of all circuits; 0 where there is none."""
        return self._depths.deviation()

    def clear_depth_history(self) -> None:
        """Forget the depths."""
        self._depths.clear()

    def submit_circuits(self, circuits: Any, *, cancellation_event: Event | None = None, **options: Any) -> Any:  # noqa: ANN401 -- Divi's types
        """Store a batch, durably, and return its handle.

        `circuits` are what Divi's programs send: its parametric circuits, or texts by label or in a row. `options`
        are those of `submit_circuits` of the backend below: `ham_ops`, `circuit_ham_map`, `shot_groups`, ... Each
        template is a job of its own; the handle names them all, and `tag`, `target`, `priority` hold for each.

        Raises `ValueError` or `TypeError` before anything is stored, Divi's `ExecutionCancelledError` where the
        event is set.
        """
        return self._submit(pieces_from(circuits), cancellation_event, options)

    def poll_job_status(  # noqa: PLR0913 -- the contract fixes these parameters
        self,
        execution_result: Any,  # noqa: ANN401 -- Divi's type
        loop_until_complete: bool = False,  # noqa: FBT001, FBT002 -- the contract fixes the position
        on_complete: Callable[[Response], None] | None = None,
        verbose: bool = True,  # noqa: FBT001, FBT002 -- the contract fixes the position
        progress_callback: Callable[[int, str], None] | None = None,
        cancellation_event: Event | None = None,
    ) -> Any:  # noqa: ANN401 -- Divi's type
        """Return the status, as Divi's `JobStatus`; with `loop_until_complete`, wait until it is terminal.

        As `poll_job_status` of the backend below, in Divi's words: a wait raises `ExecutionCancelledError` where the
        event is set or Ctrl-C is pressed, which cancels the job, `MaxRetriesReachedError` after `max_retries` looks
        and, from 0.15 on, `JobFailedError`, `JobTimedOutError` or `JobCancelledError` where the job did not complete,
        with a note that says why.
        """
        jobs = _jobs(execution_result)
        if loop_until_complete:
            wait = partial(self._inner.poll_job_status, verbose=verbose, cancellation_event=cancellation_event)
            with in_their_words():
                self._wait(jobs, wait, _Looks(execution_result.job_id, progress_callback, self._most))
        records = [self._inner.record(job) for job in jobs]
        status = overall([record.status for record in records])
        if status.is_terminal and on_complete:
            on_complete(JobOutcome.of(execution_result.job_id, records))
        if loop_until_complete and status is not JobStatus.COMPLETED:
            cancelled = cancellation_event is not None and cancellation_event.is_set()
            raise_their(execution_result.job_id, records, self._reason(records), cancelled=cancelled)
        return theirs.JobStatus(status.value)

    def get_job_results(self, execution_result: Any) -> Any:  # noqa: ANN401 -- Divi's type
        """Return a new object with the results, in order of submission; raises `JobNotCompletedError`."""
        found = [self._inner.get_job_results(ExecutionResult(job_id=job)) for job in _jobs(execution_result)]
        entries = [entry for result in found for entry in result.results or []]
        run_time = sum(result.run_time for result in found)
        return _their_result(
            results=entries, job_id=execution_result.job_id, backend_jobs=len(found), run_time=run_time
        )

    def cancel_job(self, execution_result: Any) -> Response:  # noqa: ANN401 -- Divi's type
        """Cancel what is open of the submission and kill what runs of it.

        Answers 200, or 409 where all of it had ended, which is no error; raises `UnknownJobError`.
        """
        return self._cancel(_jobs(execution_result))

    def _cancel(self, jobs: Iterable[str]) -> Response:
        """Cancel each of the jobs, whatever becomes of the others; raises where none could be cancelled."""
        responses, errors = [], []
        for job in jobs:
            try:
                responses.append(self._inner.cancel_job(ExecutionResult(job_id=job)))
            except FarshotError as error:
                errors.append(error)
        if not responses:
            raise errors[0]
        return min(responses, key=lambda response: response.status_code)

    def _submit(self, pieces: Sequence[Piece], event: Event | None, options: dict[str, Any]) -> Any:  # noqa: ANN401 -- Divi's type
        if any(not isinstance(piece, dict) for piece in pieces):
            check_options(options)
        if len(pieces) > 1 and options.get("key") is not None:
            message = "key= is for one job; this submission holds several templates"
            raise BatchError(message)
        jobs = self._store(pieces, event, self._filled(options))
        if self._options.track_depth:
            self._depths.add(pieces)
        return _their_result(job_id=_JOIN.join(jobs), backend_jobs=len(jobs))

    def _store(self, pieces: Sequence[Piece], event: Event | None, options: dict[str, Any]) -> list[str]:
        """Submit the pieces, which were all looked at before; where one fails, those before it are cancelled."""
        if len(pieces) > 1:
            for piece in pieces:
                contents_of(piece)
        jobs: list[str] = []
        try:
            for piece in pieces:
                with in_their_words():
                    handle = self._inner.submit_circuits(piece, cancellation_event=event, **options)
                jobs.append(str(handle.job_id))
        except BaseException:
            self._abandon(jobs)
            raise
        return jobs

    def _abandon(self, jobs: Sequence[str]) -> None:
        """Cancel jobs that nobody wants any more; what came before is what the caller has to hear of."""
        if jobs:
            with contextlib.suppress(FarshotError):
                self._cancel(jobs)

    def _filled(self, options: dict[str, Any]) -> dict[str, Any]:
        """Add the shots and the seed where the caller gave none."""
        found = dict(options)
        if found.get("ham_ops") is None and found.get("shot_groups") is None:
            found.setdefault("shots", self.shots)
        seed = self._next_seed()
        if seed is not None:
            found.setdefault("seed", seed)
        return found

    def _next_seed(self) -> int | None:
        with self._lock:
            self._submissions += 1
            return None if self._seed is None else circuit_seed(self._seed, f"submission {self._submissions}")

    def _wait(self, jobs: Sequence[str], wait: Callable[..., JobStatus], looks: _Looks) -> None:
        """Wait for one job after the other; once one did not complete, the rest is cancelled."""
        for number, job in enumerate(jobs, 1):
            try:
                status = wait(ExecutionResult(job_id=job), loop_until_complete=True, progress_callback=looks.callback)
            except PollingTimeoutError as error:
                raise looks.spent(error) from error
            except ExecutionCancelledError:
                if wait.keywords["cancellation_event"] is None:  # type: ignore[attr-defined]  # a partial
                    self._abandon(jobs[number:])
                raise
            if status is not JobStatus.COMPLETED:
                self._abandon(jobs[number:])
                return

    def _reason(self, records: Sequence[JobRecord]) -> str:
        """Return why jobs did not complete: the first few faults of their circuits."""
        lines = [f"job {record.id} is {record.status}: {record.fault.message}" for record in records if record.fault]
        for record in records:
            if record.failed:
                lines += self._faults(record.id)
        return "\n".join(lines[:5])

    def _faults(self, job: str) -> list[str]:
        entries = self._inner.get_job_results(ExecutionResult(job_id=job), partial=True).results or []
        return [f"{entry['label']}: {_shown(entry['error'])}" for entry in entries if "error" in entry]


class DiviTemplateBackend(DiviBackend):
    """A `DiviBackend` for programs of 0.12 that leave the binding to the backend: having the method says so."""

    def submit_circuit_templates(
        self,
        templates: Iterable[Any],
        *,
        cancellation_event: Event | None = None,
        **options: Any,  # noqa: ANN401 -- as submit_circuits
    ) -> Any:  # noqa: ANN401 -- Divi's type
        """Store parametric circuits with their rows, durably, and return the handle; as `submit_circuits`."""
        pieces = pieces_of([parametric(template) for template in templates])
        return self._submit(some(pieces), cancellation_event, options)


def make(inner: Backend, options: Options) -> DiviBackend:
    """Return the backend that these options ask for."""
    return (DiviTemplateBackend if options.resolves_parameters else DiviBackend)(inner, options)


@dataclass(slots=True)
class _Looks:
    """Counts the looks of a wait over all jobs of a handle, and tells the caller of each."""

    job_id: str
    tell: Callable[[int, str], None] | None
    most: int | None
    count: int = 0

    @property
    def callback(self) -> Callable[[int, str], None] | None:
        """What is called for every look that finds a job open; None where nobody wants to know."""
        return None if self.tell is None and self.most is None else self._see

    def _see(self, _attempt: int, status: str) -> None:
        self.count += 1
        if self.tell:
            self.tell(self.count, status)
        if self.most is not None and self.count >= self.most:
            raise most_retries(self.job_id, self.count)

    def spent(self, error: PollingTimeoutError) -> Exception:
        """Return Divi's exception for a wait that the backend below has ended."""
        found = most_retries(self.job_id, self.count)
        found.add_note(str(error))
        return found


def _jobs(handle: Any) -> list[str]:  # noqa: ANN401 -- Divi's type
    if getattr(handle, "job_id", None) is None:
        message = "the handle has no job_id: it was not returned by submit_circuits"
        raise HandleError(message)
    return str(handle.job_id).split(_JOIN)


def _their_result(**values: Any) -> Any:  # noqa: ANN401 -- Divi's type
    """Return Divi's `ExecutionResult`, with the fields that this version has."""
    known = {field.name for field in fields(theirs.ExecutionResult)}
    return theirs.ExecutionResult(**{name: value for name, value in values.items() if name in known})


def _shown(error: Mapping[str, Any]) -> str:
    place = "" if error["line"] is None else f"line {error['line']}: "
    return f"{error['code']}: {place}{error['message']}"
