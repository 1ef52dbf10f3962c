"""`RemoteBackend`: jobs of a service, over its HTTP API."""

from __future__ import annotations

import contextlib
import math
import os
import threading
import time
import weakref
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from farshot.admission.batch import admit, check_seconds, check_text
from farshot.backends.background import event_or_interrupt, is_done, result_of, start
from farshot.backends.base import Backend
from farshot.backends.estimates import NO_OUTLOOK
from farshot.backends.http.feed import Feed
from farshot.backends.http.records import circuits_in, job_path, options_in, outlook_in, record_of
from farshot.backends.http.result_stream import ResultStream, read_ahead
from farshot.backends.http.transport import ApiRequest, Transport
from farshot.backends.http.upload import Upload, job_request, send
from farshot.backends.job_lookup import job_id_of
from farshot.backends.responses import LocalResponse, job_body
from farshot.backends.results import MissingCircuits, RecordedCircuits, each_once, in_order
from farshot.backends.shared import shared_remote
from farshot.backends.submissions import FAULTS_OF_TEXTS, raise_if_set, validate
from farshot.backends.watch import WaitLimit
from farshot.config.login import clean_url, stored_login
from farshot.contract import JobStatus
from farshot.errors import (
    AccessError,
    ExecutionCancelledError,
    FarshotError,
    OptionError,
    QuotaError,
    ServiceError,
    SubmissionError,
    UnknownJobError,
)
from farshot.wire import CircuitsDocument, JobDocument, JobListDocument, OptionsDocument, PartFrame, read_answer

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Generator, Iterator, Mapping
    from concurrent.futures import Future
    from contextlib import AbstractContextManager
    from threading import Event

    from httpx2 import Response as HttpResponse
    from msgspec import Struct

    from farshot.admission.batch import Request
    from farshot.backends.estimates import Outlook
    from farshot.backends.http.feed import RemoteWatch
    from farshot.backends.job_lookup import AnyJob
    from farshot.backends.results import ResultPiece
    from farshot.backends.submissions import SubmitOptions
    from farshot.contract import Response
    from farshot.model import JobRecord
    from farshot.protocols import StoredCircuits
    from farshot.templates.template import Template


_Document = TypeVar("_Document", bound="Struct")
_JOBS_PER_PAGE = 500
_CIRCUITS_PER_PAGE = 1000
_WITHDRAW_SECONDS = 5.0
"""Time in which the job of a cancelled submission or wait is cancelled in the background."""
_ESTIMATE_SECONDS = 0.5
"""Time after which there is no estimate if the service does not answer."""
_CLOSE_SECONDS = 2.0
"""Time that `close` and Ctrl-C wait for a cancellation in the background."""


class RemoteBackend(Backend):
    """Runs batches of circuits as asynchronous jobs of a service.

    `url` is its address (else `FARSHOT_URL`, else that of `farshot login`), `token` the user's token (else
    `FARSHOT_TOKEN`, else that of the login). Jobs belong to the token's user and outlive this object.

    `shots` is the default number of shots of a circuit; `target` names the simulator or device; `seed` makes a program
    repeat its counts. `job_timeout` is in seconds from a job's start on. `polling_interval` is the time in seconds
    between two calls of a progress callback; completion is seen at once, independent of it. `max_retries` bounds the
    polls of one waiting call. If the service cannot be reached, every call tries again for `retry_seconds`.
    `on_upload` is called with (circuits sent, circuits in the batch) during a submission.

    Safe from any thread. Raises `ValueError` or `TypeError` for wrong arguments, `AccessError` without a token; no
    request is sent yet.
    """

    def __init__(  # noqa: PLR0913 -- the options of the one object a user makes
        self,
        url: str | None = None,
        token: str | None = None,
        shots: int = 1000,
        target: str = "auto",
        seed: int | None = None,
        *,
        job_timeout: float | None = None,
        polling_interval: float = 0.5,
        max_retries: int | None = None,
        retry_seconds: float = 60.0,
        on_upload: Callable[[int, int], None] | None = None,
    ) -> None:
        super().__init__(
            shots=shots,
            target=target,
            seed=seed,
            job_timeout=job_timeout,
            polling_interval=polling_interval,
            max_retries=max_retries,
        )
        self._on_upload = on_upload
        self._transport = Transport(*_address_and_token(url, token), check_seconds("retry_seconds", retry_seconds))
        self._feed = Feed(self._transport)
        self._withdrawals: set[Future[None]] = set()
        self._close = weakref.finalize(self, _close, self._transport, self._feed, self._withdrawals)

    def reopened(self) -> Callable[[], RemoteBackend]:
        """Return a callable that opens a backend of the same service in another process, with the token known there."""
        return partial(shared_remote, self._transport.url)

    def close(self) -> None:
        """End the connections; jobs go on. Calls that wait in other threads raise `ServiceError`."""
        self._close()

    def document(self, job: AnyJob) -> JobDocument:
        """Return the service's document of a job; raises `UnknownJobError`."""
        return self._get(JobDocument, job_path(job_id_of(job)))

    def is_attended(self) -> bool:
        """Return True: a service has workers of its own."""
        return True

    def _checked_target(self, name: str) -> str:
        return check_text("target", name) or ""

    def _submit(self, circuits: Mapping[str, str] | Template, options: SubmitOptions) -> str:
        self._transport.check_open()
        upload, stop = Upload(), threading.Event()
        with event_or_interrupt(options.event) as event:
            if options.validate:
                _validate(circuits, options.request, event)
            return self._deliver(upload, stop, event, lambda: self._send(circuits, options, upload, stop))

    def _send(
        self, circuits: Mapping[str, str] | Template, options: SubmitOptions, upload: Upload, stop: Event
    ) -> JobDocument:
        request = options.request
        batch = admit(circuits, request)
        document = job_request(
            batch,
            shot_groups=request.shot_groups is not None,
            seed=request.seed is not None,
            priority=options.priority,
        )
        upload.key, upload.total, upload.is_ours = batch.key, len(batch.labels), request.key is None
        return send(self._transport, batch, document, upload, stop)

    def _deliver(self, upload: Upload, stop: Event, event: Event, work: Callable[[], JobDocument]) -> str:
        """Send a batch and return the job's id; the job of a submission that ends early is cancelled."""
        sending = start(work, name="farshot-submit")
        try:
            self._await_upload(sending, upload, event)
            document = sending.result()
        except (AccessError, QuotaError):
            self._withdraw(upload, sending)
            raise
        except ServiceError as error:
            raise _interrupted_submission(upload, error) from error
        except BaseException:
            stop.set()
            self._withdraw(upload, sending)
            raise
        self._feed.begin(document)
        return document.job_id

    def _await_upload(self, sending: Future[JobDocument], upload: Upload, event: Event) -> None:
        """Wait until the batch is sent and report its progress; a set event raises `ExecutionCancelledError`."""
        reported = 0
        while not (done := is_done(sending)) or reported != upload.sent:
            if event.is_set() and not done:
                message = "the submission was cancelled; what there is of its job is withdrawn"
                raise ExecutionCancelledError(message, key=upload.key or None, job_id=upload.job_id)
            if reported != upload.sent:
                reported = upload.sent
                if self._on_upload:
                    self._on_upload(reported, upload.total)

    def _withdraw(self, upload: Upload, sending: Future[JobDocument]) -> None:
        if upload.job_id or not sending.done():
            self._start_withdrawal(partial(_withdraw, self._transport, upload, sending))

    def _start_withdrawal(self, work: Callable[[], None]) -> Future[None]:
        """Cancel a job in the background, in a few seconds at most; `close` and the end of the program wait for it."""
        future = start(work, name="farshot-withdraw", must_end=True)
        self._withdrawals.add(future)
        future.add_done_callback(self._withdrawals.discard)
        return future

    def _cancel_interrupted(self, job_id: str, interrupted: Event) -> JobRecord | None:
        """Cancel the job in the background and wait for the answer, which another Ctrl-C ends."""
        answers: list[HttpResponse] = []
        cancelling = self._start_withdrawal(
            lambda: answers.append(self._transport.ask(_cancellation_of(job_id, _WITHDRAW_SECONDS)))
        )
        until = time.monotonic() + _CLOSE_SECONDS
        while not is_done(cancelling):
            if interrupted.is_set() or time.monotonic() > until:
                return None
        if not answers:
            return None
        return self._ended_record(job_id) if answers[0].status_code == 409 else self._update(answers[0])

    def _update(self, response: HttpResponse) -> JobRecord:
        """Return the record of the job in an answer and pass it to the calls that wait for the job."""
        return self._feed.take(read_answer(response.content, JobDocument))

    def _call(self, request: ApiRequest, event: Event | None = None) -> HttpResponse:
        """Send a request in another thread, so that an event or Ctrl-C ends the call at any moment."""
        stop = threading.Event()
        try:
            return result_of(start(lambda: self._transport.ask(request, stop)), WaitLimit(event, math.inf).check)
        finally:
            stop.set()

    def _get(self, kind: type[_Document], path: str, **options: Any) -> _Document:  # noqa: ANN401 -- of `ApiRequest`
        return read_answer(self._call(ApiRequest(method="GET", path=path, **options)).content, kind)

    def _read_job(self, job_id: str, event: Event | None) -> tuple[JobRecord, Response]:
        response = self._call(ApiRequest(method="GET", path=job_path(job_id)), event)
        return self._update(response), response

    def _estimate(self, record: JobRecord) -> Outlook:
        try:
            return outlook_in(self._get(JobDocument, job_path(record.id), seconds=_ESTIMATE_SECONDS))
        except (ServiceError, UnknownJobError):
            return NO_OUTLOOK

    def _ended_record(self, job_id: str) -> JobRecord | None:
        return self._feed.ended(job_id)

    def _final_response(self, record: JobRecord, event: Event | None) -> Response:
        try:
            return self._read_job(record.id, event)[1]
        except (ExecutionCancelledError, ServiceError):
            return LocalResponse(200, job_body(record))

    def _list_jobs(self, status: JobStatus | None, tag: str | None, limit: int) -> list[JobRecord]:
        found: list[JobRecord] = []
        params = {name: str(value) for name, value in (("status", status), ("tag", tag)) if value is not None}
        while True:
            params["limit"] = str(min(_JOBS_PER_PAGE, limit - len(found)))
            page = self._get(JobListDocument, "/v1/jobs", params=params)
            found += map(record_of, page.jobs)
            if page.next is None or len(found) >= limit:
                return found
            params["cursor"] = page.next

    def _read_results(self, record: JobRecord) -> Generator[ResultPiece, None, None]:
        stream = ResultStream(self._transport, record.id, follow=False)
        frames = read_ahead(stream, stream.frames(), WaitLimit(None, math.inf))
        pieces = (
            RecordedCircuits(frame, stream.observables)
            if isinstance(frame, PartFrame)
            else MissingCircuits(frame.first, frame.labels, frame.fault)
            for frame in frames
        )
        return each_once(pieces) if record.status is JobStatus.COMPLETED else in_order(pieces)

    def _stream(self, job_id: str, limit: WaitLimit) -> Iterator[dict[str, Any]]:
        stream = ResultStream(self._transport, job_id, follow=True)
        for entries in read_ahead(stream, stream.entries(), limit):
            yield from entries

    def _read_options(self, record: JobRecord) -> dict[str, Any]:
        return options_in(self._get(OptionsDocument, job_path(record.id, "options")))

    def _read_circuits(self, job_id: str) -> Iterator[StoredCircuits]:
        cursor: str | None = "0"
        while cursor is not None:
            params = {"cursor": cursor, "limit": str(_CIRCUITS_PER_PAGE)}
            page = self._get(CircuitsDocument, job_path(job_id, "circuits"), params=params)
            yield circuits_in(page)
            cursor = page.next

    def _delete(self, job_id: str) -> None:
        self.record(job_id)
        self._call(ApiRequest(method="DELETE", path=job_path(job_id), also=frozenset({404})))
        self._feed.forget(job_id)

    def _cancel(self, job_id: str) -> Response:
        response = self._call(_cancellation_of(job_id))
        if response.status_code < 300:
            self._update(response)
        return response

    def _watch(self, job_ids: Collection[str], limit: WaitLimit) -> AbstractContextManager[RemoteWatch]:
        return self._feed.watching(job_ids, limit)


def _validate(circuits: Mapping[str, str] | Template, request: Request, event: Event) -> None:
    """Check every text on this machine, because a service checks none before it runs; raises `CircuitsInvalidError`.

    Faults that depend on the service's simulators and memory are not reported.
    """
    from farshot.executors.local import LocalExecutor

    executor = LocalExecutor(1)
    checking = start(lambda: validate(admit(circuits, request), executor, FAULTS_OF_TEXTS), name="farshot-validate")
    try:
        result_of(checking, partial(raise_if_set, event))
    finally:
        executor.close()


def _address_and_token(url: str | None, token: str | None) -> tuple[str, str]:
    """Return the address of the service and the token for it. A stored token is for the stored service only."""
    url, token = url or os.environ.get("FARSHOT_URL"), token or os.environ.get("FARSHOT_TOKEN")
    login = None if url and token else stored_login()
    if not url and login is None:
        message = "no service: give url=, set FARSHOT_URL, or run `farshot login URL`"
        raise OptionError(message)
    address = clean_url(url or (login.url if login else ""), "url")
    if not token and login and login.url == address:
        token = login.token
    if not token:
        message = f"no token for {address}: give token=, set FARSHOT_TOKEN, or run `farshot login {address}`"
        raise AccessError(message)
    if not (token.isascii() and token.isprintable()) or " " in token:
        message = "the token has letters that no token has"
        raise OptionError(message)
    return address, token


def _interrupted_submission(upload: Upload, error: ServiceError) -> SubmissionError:
    known = f"job {upload.job_id} is there but not complete" if upload.job_id else "whether there is a job is not known"
    message = f"{error}; {known}: submit the same batch with key={upload.key!r} to go on"
    return SubmissionError(message, key=upload.key, job_id=upload.job_id)


def _cancellation_of(job_id: str, seconds: float | None = None) -> ApiRequest:
    """Return the request to cancel a job, complete or not; the answer is 409 for a job that has ended."""
    return ApiRequest(method="POST", path=job_path(job_id, "cancel"), seconds=seconds, also=frozenset({409}))


def _withdraw(transport: Transport, upload: Upload, sending: Future[JobDocument]) -> None:
    """Cancel the job of a cancelled submission once its id is known."""
    deadline = time.monotonic() + _WITHDRAW_SECONDS
    while upload.job_id is None and not is_done(sending) and time.monotonic() < deadline:
        pass
    if upload.job_id is not None and upload.is_ours:
        with contextlib.suppress(FarshotError):
            transport.ask(_cancellation_of(upload.job_id, _WITHDRAW_SECONDS))


def _close(transport: Transport, feed: Feed, withdrawals: set[Future[None]]) -> None:
    deadline = time.monotonic() + _CLOSE_SECONDS
    for future in list(withdrawals):
        is_done(future, max(0.0, deadline - time.monotonic()))
    feed.close()
    transport.close()
