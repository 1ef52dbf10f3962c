"""The backend for Divi's programs, which `farshot.integrations.divi.backend` makes. This module imports Divi."""

from __future__ import annotations

import contextlib
import math
from dataclasses import dataclass, fields
from functools import partial
from itertools import chain
from statistics import fmean, pstdev
from typing import TYPE_CHECKING, Any

import divi.backends as divi_backends
from divi.backends import CircuitRunner

from farshot.admission.batch import check_count, check_seed, check_shots, contents_of
from farshot.backends.submissions import SubmissionSeeds
from farshot.contract import ExecutionResult, JobStatus
from farshot.errors import BatchError, ExecutionCancelledError, FarshotError, HandleError, PollingTimeoutError
from farshot.integrations.divi.job_pieces import check_not_empty, check_options, parametric, pieces_from, pieces_of
from farshot.integrations.divi.outcomes import (
    JobOutcome,
    cancelled_as_in_divi,
    max_retries_error,
    overall_status,
    raise_divi_error,
)
from farshot.templates.template import Template

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from threading import Event
    from types import TracebackType
    from typing import Self

    from farshot.backends.base import Backend
    from farshot.contract import Response
    from farshot.integrations.divi.job_pieces import Piece
    from farshot.model import JobRecord


_SEPARATOR = "+"
"""Separates the ids of the jobs of one handle; each template is a job."""


@dataclass(frozen=True, slots=True)
class Options:
    """The options of `farshot.integrations.divi.backend`."""

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
        self._depths: list[list[int]] = []
        self._seeds = SubmissionSeeds(None if options.seed is None else check_seed(options.seed))
        limit = options.max_retries
        self._max_retries = inner.max_retries if limit is None else check_count("max_retries", limit)

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
        """Return whether expectation values are computed exactly, not estimated from counts."""
        return not self._options.force_sampling

    @property
    def is_async(self) -> bool:
        """Return True: every submission returns a handle."""
        return True

    @property
    def resolves_parameters(self) -> bool:
        """Return whether parametric circuits are accepted unbound, and bound by the workers."""
        return self._options.resolves_parameters

    @property
    def max_retries(self) -> int | float:
        """The most polls of one waiting call, infinity without a bound. Programs of Divi 0.12 show it."""
        return math.inf if self._max_retries is None else self._max_retries

    def set_seed(self, seed: int) -> None:
        """Derive the seed of each submission from now on from `seed` and its number, so that counts repeat.

        Raises `ValueError` or `TypeError` for a value that is no seed.
        """
        self._seeds.restart(check_seed(seed))

    @property
    def depth_history(self) -> list[list[int]]:
        """The depths of the circuits, a list for every batch; empty without `track_depth`."""
        return [list(depths) for depths in self._depths]

    def average_depth(self) -> float:
        """Return the mean depth of all circuits; 0 without circuits."""
        depths = list(chain.from_iterable(self._depths))
        return fmean(depths) if depths else 0.0

    def std_depth(self) -> float:
        """Return the standard deviation of the depth of all circuits; 0 without circuits."""
        depths = list(chain.from_iterable(self._depths))
        return pstdev(depths) if depths else 0.0

    def clear_depth_history(self) -> None:
        """Delete the depths."""
        self._depths.clear()

    def submit_circuits(self, circuits: Any, *, cancellation_event: Event | None = None, **options: Any) -> Any:  # noqa: ANN401 -- Divi's types
        """Store a batch durably and return its handle.

        `circuits` are the parametric circuits of Divi's programs, or texts by label or in a list. `options` are those
        of `submit_circuits` of the inner backend: `ham_ops`, `circuit_ham_map`, `shot_groups`, ... Each template is a
        job of its own; the handle holds the ids of all, and `tag`, `target`, `priority` apply to each.

        Raises `ValueError` or `TypeError` before anything is stored, Divi's `ExecutionCancelledError` if the event is
        set.
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

        It works as `poll_job_status` of the inner backend with Divi's exceptions: a wait raises
        `ExecutionCancelledError` if the event is set or Ctrl-C is pressed, which cancels the job,
        `MaxRetriesReachedError` after `max_retries` polls and, from Divi 0.15 on, `JobFailedError`, `JobTimedOutError`
        or `JobCancelledError` if the job did not complete, with a note that gives the reason.
        """
        jobs = _job_ids(execution_result)
        if loop_until_complete:
            wait = partial(self._inner.poll_job_status, verbose=verbose, cancellation_event=cancellation_event)
            with cancelled_as_in_divi():
                self._wait(jobs, wait, _PollCounter(execution_result.job_id, progress_callback, self._max_retries))
        records = [self._inner.record(job) for job in jobs]
        status = overall_status([record.status for record in records])
        if status.is_terminal and on_complete:
            on_complete(JobOutcome.of(execution_result.job_id, records))
        if loop_until_complete and status is not JobStatus.COMPLETED:
            cancelled = cancellation_event is not None and cancellation_event.is_set()
            raise_divi_error(execution_result.job_id, records, self._reason_of(records), cancelled=cancelled)
        return divi_backends.JobStatus(status.value)

    def get_job_results(self, execution_result: Any) -> Any:  # noqa: ANN401 -- Divi's type
        """Return a new object with the results, in order of submission; raises `JobNotCompletedError`."""
        found = [self._inner.get_job_results(ExecutionResult(job_id=job)) for job in _job_ids(execution_result)]
        entries = [entry for result in found for entry in result.results or []]
        run_time = sum(result.run_time for result in found)
        return _divi_result(results=entries, job_id=execution_result.job_id, backend_jobs=len(found), run_time=run_time)

    def cancel_job(self, execution_result: Any) -> Response:  # noqa: ANN401 -- Divi's type
        """Cancel the open jobs of the submission and kill their running circuits.

        The response is 200, or 409 if all had ended, which is no error. Raises `UnknownJobError`.
        """
        return self._cancel(_job_ids(execution_result))

    def _cancel(self, jobs: Iterable[str]) -> Response:
        """Cancel each job even if others cannot be cancelled; raises if none could be."""
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
        jobs = self._store(pieces, event, self._with_defaults(options))
        if self._options.track_depth:
            self._depths.append([depth for piece in pieces for depth in _depths_of(piece)])
        return _divi_result(job_id=_SEPARATOR.join(jobs), backend_jobs=len(jobs))

    def _store(self, pieces: Sequence[Piece], event: Event | None, options: dict[str, Any]) -> list[str]:
        """Submit the pieces after a check of all; if one fails, those before it are cancelled."""
        if len(pieces) > 1:
            for piece in pieces:
                contents_of(piece)
        jobs: list[str] = []
        try:
            for piece in pieces:
                with cancelled_as_in_divi():
                    handle = self._inner.submit_circuits(piece, cancellation_event=event, **options)
                jobs.append(str(handle.job_id))
        except BaseException:
            self._abandon(jobs)
            raise
        return jobs

    def _abandon(self, jobs: Sequence[str]) -> None:
        """Cancel jobs and suppress the errors of that: the caller gets the error that came before."""
        if jobs:
            with contextlib.suppress(FarshotError):
                self._cancel(jobs)

    def _with_defaults(self, options: dict[str, Any]) -> dict[str, Any]:
        """Return the options with the shots and the seed of this backend if the caller gave none."""
        found = dict(options)
        if found.get("ham_ops") is None and found.get("shot_groups") is None:
            found.setdefault("shots", self.shots)
        seed = self._seeds.next()
        if seed is not None:
            found.setdefault("seed", seed)
        return found

    def _wait(self, jobs: Sequence[str], wait: Callable[..., JobStatus], counter: _PollCounter) -> None:
        """Wait for one job after the other; if one does not complete, the rest are cancelled."""
        for number, job in enumerate(jobs, 1):
            try:
                status = wait(ExecutionResult(job_id=job), loop_until_complete=True, progress_callback=counter.callback)
            except PollingTimeoutError as error:
                raise counter.exceeded(error) from error
            except ExecutionCancelledError:
                if wait.keywords["cancellation_event"] is None:  # type: ignore[attr-defined]  # a partial
                    self._abandon(jobs[number:])
                raise
            if status is not JobStatus.COMPLETED:
                self._abandon(jobs[number:])
                return

    def _reason_of(self, records: Sequence[JobRecord]) -> str:
        """Return the faults of jobs that did not complete and of their circuits, five lines at most."""
        lines = [f"job {record.id} is {record.status}: {record.fault.message}" for record in records if record.fault]
        for record in records:
            if record.failed:
                lines += self._faults(record.id)
        return "\n".join(lines[:5])

    def _faults(self, job: str) -> list[str]:
        entries = self._inner.get_job_results(ExecutionResult(job_id=job), partial=True).results or []
        return [f"{entry['label']}: {_fault_text(entry['error'])}" for entry in entries if "error" in entry]


class DiviTemplateBackend(DiviBackend):
    """A `DiviBackend` with the method by which programs of Divi 0.12 detect that the backend binds parameters."""

    def submit_circuit_templates(
        self,
        templates: Iterable[Any],
        *,
        cancellation_event: Event | None = None,
        **options: Any,  # noqa: ANN401 -- as submit_circuits
    ) -> Any:  # noqa: ANN401 -- Divi's type
        """Store parametric circuits with their rows durably and return the handle, as `submit_circuits`."""
        pieces = pieces_of([parametric(template) for template in templates])
        return self._submit(check_not_empty(pieces), cancellation_event, options)


@dataclass(slots=True)
class _PollCounter:
    """Counts the polls of a wait over all jobs of a handle, and reports each to the caller."""

    job_id: str
    report: Callable[[int, str], None] | None
    max_polls: int | None
    count: int = 0

    @property
    def callback(self) -> Callable[[int, str], None] | None:
        """The function to call for every poll of an open job; None if there is nothing to report or to bound."""
        return None if self.report is None and self.max_polls is None else self._add

    def _add(self, _attempt: int, status: str) -> None:
        self.count += 1
        if self.report:
            self.report(self.count, status)
        if self.max_polls is not None and self.count >= self.max_polls:
            raise max_retries_error(self.job_id, self.count)

    def exceeded(self, error: PollingTimeoutError) -> Exception:
        """Return Divi's exception for a wait that the inner backend ended."""
        found = max_retries_error(self.job_id, self.count)
        found.add_note(str(error))
        return found


def _job_ids(handle: Any) -> list[str]:  # noqa: ANN401 -- Divi's type
    if getattr(handle, "job_id", None) is None:
        message = "the handle has no job_id: it was not returned by submit_circuits"
        raise HandleError(message)
    return str(handle.job_id).split(_SEPARATOR)


def _divi_result(**values: Any) -> Any:  # noqa: ANN401 -- Divi's type
    """Return Divi's `ExecutionResult` with the fields that this version has."""
    known = {field.name for field in fields(divi_backends.ExecutionResult)}
    return divi_backends.ExecutionResult(**{name: value for name, value in values.items() if name in known})


def _fault_text(error: Mapping[str, Any]) -> str:
    place = "" if error["line"] is None else f"line {error['line']}: "
    return f"{error['code']}: {place}{error['message']}"


def _depths_of(piece: Piece) -> list[int]:
    """Return the depths of the circuits of a piece as Divi counts them: with Qiskit, measurements included. A
    circuit that Qiskit cannot read has none.
    """
    if not isinstance(piece, Template):
        return [depth for text in piece.values() if (depth := _depth(text)) is not None]
    try:
        depth = _depth(piece.bind(next(iter(piece.rows))))  # all rows have the same depth
    except FarshotError:
        return []
    return [] if depth is None else [depth] * len(piece.rows)


def _depth(text: str) -> int | None:
    from qiskit import qasm2

    try:
        circuit = qasm2.loads(text, include_path=(), custom_instructions=qasm2.LEGACY_CUSTOM_INSTRUCTIONS)
    except qasm2.QASM2ParseError:
        return None
    return int(circuit.depth())
