"""`RemoteBackend`: jobs of a service, over its HTTP API."""

from __future__ import annotations

import contextlib
import os
import threading
import time
import weakref
from functools import partial
from typing import TYPE_CHECKING, Any

from farshot.admission.batch import admit, check_seconds, check_text
from farshot.backends.background import heeded, is_done, start
from farshot.backends.base import Backend, raise_if_set
from farshot.backends.estimates import NO_OUTLOOK
from farshot.backends.http.feed import Feed
from farshot.backends.http.records import circuits_in, job_path, options_in, outlook_in, record_of
from farshot.backends.http.result_stream import ResultStream, flow, read_ahead
from farshot.backends.http.transport import ApiRequest, Transport
from farshot.backends.http.upload import Upload, job_request, send, withdraw
from farshot.backends.job_lookup import job_id_of
from farshot.backends.responses import LocalResponse, job_body
from farshot.backends.results import MissingCircuits, RecordedCircuits, each_once, in_order
from farshot.backends.shared import shared_remote
from farshot.backends.watch import Patience
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

    from farshot.admission.batch import Request
    from farshot.backends.base import SubmitOptions
    from farshot.backends.estimates import Outlook
    from farshot.backends.http.feed import RemoteWatch
    from farshot.backends.job_lookup import AnyJob
    from farshot.contract import Response
    from farshot.model import JobRecord, Observables
    from farshot.protocols import StoredCircuits
    from farshot.templates.template import Template
    from farshot.wire import GapFrame


_PAGE = 500
_MANY = 1000
_WITHDRAWING = 5.0
"""Seconds in which a job that nobody wants any more is withdrawn, in the background."""
_GLANCE = 0.5
"""Seconds that an estimate is asked for, and done without where the service does not answer."""
_LINGER = 2.0
"""Seconds that `close` waits for that."""


class RemoteBackend(Backend):
    """Runs batches of circuits as asynchronous jobs of a service.

    `url` is its address (else `FARSHOT_URL`, else that of `farshot login`), `token` what it knows you by (else
    `FARSHOT_TOKEN`, else that of the login). Jobs belong to the token's user and outlive this object.

    `shots` is what a circuit is sampled with unless told; `target` names the simulator or device; `seed` makes a
    program repeat its counts. `job_timeout` is in seconds from a job's start on. `polling_interval` is the time in
    seconds between two calls of a progress callback; completion is seen at once, whatever it is. `max_retries` bounds
    the looks of one waiting call. Where the service cannot be reached, every call tries again for `retry_seconds`.
    `on_upload` is called with (circuits sent, circuits in the batch) while a submission is under way.

    Safe from any thread. Raises `ValueError` or `TypeError` for wrong arguments, `AccessError` where there is no
    token; nothing is asked of the service yet.
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
        """Prepare the connection."""
        super().__init__(
            shots=shots,
            target=target,
            seed=seed,
            job_timeout=job_timeout,
            polling_interval=polling_interval,
            max_retries=max_retries,
        )
        self._on_upload = on_upload
        self._transport = Transport(*_service(url, token), check_seconds("retry_seconds", retry_seconds))
        self._feed = Feed(self._transport)
        self._withdrawals: set[Future[None]] = set()
        self._close = weakref.finalize(self, _close, self._transport, self._feed, self._withdrawals)

    def reopened(self) -> Callable[[], RemoteBackend]:
        """Return what opens a backend of the same service in another process, with the token that is known there."""
        return partial(shared_remote, self._transport.url)

    def close(self) -> None:
        """End the connections; jobs go on. What waits in other threads raises `ServiceError`."""
        self._close()

    def stream(self, job: AnyJob, *, cancellation_event: Event | None = None) -> Iterator[dict[str, Any]]:
        """Yield an entry for every circuit as soon as it has an outcome, in order of time, until the job has ended.

        Entries are those of `get_job_results` with `partial`. A set event raises `ExecutionCancelledError`.
        """
        stream = ResultStream(self._transport, job_id_of(job), follow=True)
        return flow(stream, Patience(cancellation_event, float("inf")))

    def document(self, job: AnyJob) -> JobDocument:
        """Return all that the service says of a job; raises `UnknownJobError`."""
        return read_answer(self._call(ApiRequest(method="GET", path=job_path(job_id_of(job)))).content, JobDocument)

    def is_attended(self) -> bool:
        """Whether somebody works on open jobs: a service has workers of its own."""
        return True

    def _checked_target(self, name: str) -> str:
        return check_text("target", name) or ""

    def _submit(self, circuits: Mapping[str, str] | Template, sending: SubmitOptions) -> str:
        upload, stop = Upload(), threading.Event()
        with heeded(sending.event) as event:
            if sending.validate:
                _validate(circuits, sending.request, event)
            return self._deliver(upload, stop, event, lambda: self._send(circuits, sending, upload, stop))

    def _send(
        self, circuits: Mapping[str, str] | Template, sending: SubmitOptions, upload: Upload, stop: Event
    ) -> JobDocument:
        request = sending.request
        batch = admit(circuits, request)
        document = job_request(
            batch,
            shot_groups=request.shot_groups is not None,
            seed=request.seed is not None,
            priority=sending.priority,
        )
        upload.key, upload.total, upload.is_ours = batch.key, len(batch.labels), request.key is None
        return send(self._transport, batch, document, upload, stop)

    def _deliver(self, upload: Upload, stop: Event, event: Event, work: Callable[[], JobDocument]) -> str:
        """Do the sending; a submission that ends early leaves no half-made job behind."""
        sending = start(work, name="farshot-submit")
        try:
            self._attend(sending, upload, event)
            document = sending.result()
        except (AccessError, QuotaError):
            self._withdraw(upload, sending)
            raise
        except ServiceError as error:
            raise _lost(upload, error) from error
        except BaseException:
            stop.set()
            self._withdraw(upload, sending)
            raise
        self._feed.begin(document)
        return document.job_id

    def _attend(self, sending: Future[JobDocument], upload: Upload, event: Event) -> None:
        """Wait for the sending, and tell how far it is."""
        told = 0
        while not (done := is_done(sending)) or told != upload.sent:
            if event.is_set() and not done:
                message = "the submission was cancelled; what there is of its job is withdrawn"
                raise ExecutionCancelledError(message, key=upload.key or None, job_id=upload.job_id)
            if told != upload.sent:
                told = upload.sent
                if self._on_upload:
                    self._on_upload(told, upload.total)

    def _withdraw(self, upload: Upload, sending: Future[JobDocument]) -> None:
        if upload.job_id or not sending.done():
            self._do_later(partial(_withdraw, self._transport, upload, sending))

    def _do_later(self, work: Callable[[], None]) -> Future[None]:
        """Do what takes a few seconds at most in the background; `close` and the end of the program wait for it."""
        future = start(work, name="farshot-withdraw", must_end=True)
        self._withdrawals.add(future)
        future.add_done_callback(self._withdrawals.discard)
        return future

    def _interrupt(self, job_id: str, interrupted: Event) -> JobRecord | None:
        """Cancel the job, if need be in the background; another Ctrl-C ends the wait for an answer."""
        answers: list[HttpResponse] = []
        cancelling = self._do_later(lambda: answers.append(withdraw(self._transport, job_id, _WITHDRAWING)))
        until = time.monotonic() + _LINGER
        while not is_done(cancelling):
            if interrupted.is_set() or time.monotonic() > until:
                return None
        if not answers:
            return None
        return self._settled(job_id) if answers[0].status_code == 409 else self._taken(answers[0])

    def _taken(self, response: HttpResponse) -> JobRecord:
        """Return the job that the service answered with; whoever waits for it hears of it."""
        return self._feed.take(read_answer(response.content, JobDocument))

    def _call(self, ask: ApiRequest, event: Event | None = None) -> HttpResponse:
        """Ask in another thread, so that an event or Ctrl-C ends the call whatever the service does."""
        stop = threading.Event()
        patience = Patience(event, float("inf"))
        asking = start(lambda: self._transport.ask(ask, stop))
        try:
            while not is_done(asking):
                patience.check()
            return asking.result()
        finally:
            stop.set()

    def _look(self, job_id: str, event: Event | None) -> tuple[JobRecord, Response]:
        response = self._call(ApiRequest(method="GET", path=job_path(job_id)), event)
        return self._taken(response), response

    def _outlook(self, record: JobRecord) -> Outlook:
        try:
            response = self._call(ApiRequest(method="GET", path=job_path(record.id), seconds=_GLANCE))
            document = read_answer(response.content, JobDocument)
        except (ServiceError, UnknownJobError):
            return NO_OUTLOOK
        return outlook_in(document)

    def _settled(self, job_id: str) -> JobRecord | None:
        return self._feed.ended(job_id)

    def _response(self, record: JobRecord, event: Event | None) -> Response:
        try:
            return self._look(record.id, event)[1]
        except (ExecutionCancelledError, ServiceError):
            return LocalResponse(200, job_body(record))

    def _newest(self, status: JobStatus | None, tag: str | None, limit: int) -> list[JobRecord]:
        found: list[JobRecord] = []
        params = {name: str(value) for name, value in (("status", status), ("tag", tag)) if value is not None}
        while True:
            params["limit"] = str(min(_PAGE, limit - len(found)))
            page = read_answer(
                self._call(ApiRequest(method="GET", path="/v1/jobs", params=params)).content, JobListDocument
            )
            found += map(record_of, page.jobs)
            if page.next is None or len(found) >= limit:
                return found
            params["cursor"] = page.next

    def _pieces(self, record: JobRecord) -> Generator[RecordedCircuits | MissingCircuits, None, None]:
        stream = ResultStream(self._transport, record.id, follow=False)
        frames = read_ahead(stream, stream.fresh(), Patience(None, float("inf")))
        pieces = (_piece(frame, stream.observables) for frame in frames)
        return each_once(pieces) if record.status is JobStatus.COMPLETED else in_order(pieces)

    def _options(self, record: JobRecord) -> dict[str, Any]:
        response = self._call(ApiRequest(method="GET", path=job_path(record.id, "options")))
        return options_in(read_answer(response.content, OptionsDocument))

    def _circuits(self, job_id: str) -> Iterator[StoredCircuits]:
        cursor: str | None = "0"
        while cursor is not None:
            ask = ApiRequest(
                method="GET", path=job_path(job_id, "circuits"), params={"cursor": cursor, "limit": str(_MANY)}
            )
            page = read_answer(self._call(ask).content, CircuitsDocument)
            yield circuits_in(page)
            cursor = page.next

    def _delete(self, job_id: str) -> None:
        self.record(job_id)
        self._call(ApiRequest(method="DELETE", path=job_path(job_id), also=frozenset({404})))
        self._feed.forget(job_id)

    def _cancel(self, job_id: str) -> Response:
        response = self._call(ApiRequest(method="POST", path=job_path(job_id, "cancel"), also=frozenset({409})))
        if response.status_code < 300:
            self._taken(response)
        return response

    def _watch(self, job_ids: Collection[str], patience: Patience) -> AbstractContextManager[RemoteWatch]:
        return self._feed.watching(job_ids, patience)


def _validate(circuits: Mapping[str, str] | Template, request: Request, event: Event) -> None:
    """Look at every text on this machine, for a service looks at none before it runs; raises `CircuitsInvalidError`.

    Which simulator runs a circuit, and in what memory, is the service's matter.
    """
    from farshot.backends.validation import FAULTS_OF_TEXTS, validate
    from farshot.executors.local import LocalExecutor

    executor = LocalExecutor(1)
    looking = start(lambda: validate(admit(circuits, request), executor, FAULTS_OF_TEXTS), name="farshot-validate")
    try:
        while not is_done(looking):
            raise_if_set(event)
        looking.result()
    finally:
        executor.close()


def _service(url: str | None, token: str | None) -> tuple[str, str]:
    """Return the address of the service, and the token for it. A stored token is for the stored service only."""
    url, token = url or os.environ.get("FARSHOT_URL"), token or os.environ.get("FARSHOT_TOKEN")
    login = None if url and token else stored_login()
    if not url and login is None:
        message = "no service: give url=, set FARSHOT_URL, or run `farshot login URL`"
        raise OptionError(message)
    address = clean_url(url or (login.url if login else ""), "url")
    if not token and login and login.url == address:
        token = login.token
    return address, _checked_token(address, token)


def _checked_token(address: str, token: str | None) -> str:
    if not token:
        message = f"no token for {address}: give token=, set FARSHOT_TOKEN, or run `farshot login {address}`"
        raise AccessError(message)
    if not (token.isascii() and token.isprintable()) or " " in token:
        message = "the token has letters that no token has"
        raise OptionError(message)
    return token


def _lost(upload: Upload, error: ServiceError) -> SubmissionError:
    known = f"job {upload.job_id} is there but not complete" if upload.job_id else "whether there is a job is not known"
    message = f"{error}; {known}: submit the same batch with key={upload.key!r} to go on"
    return SubmissionError(message, key=upload.key, job_id=upload.job_id)


def _piece(frame: PartFrame | GapFrame, observables: Observables | None) -> RecordedCircuits | MissingCircuits:
    if isinstance(frame, PartFrame):
        return RecordedCircuits(frame, observables)
    return MissingCircuits(frame.first, frame.labels, frame.fault)


def _withdraw(transport: Transport, upload: Upload, sending: Future[JobDocument]) -> None:
    """Cancel the job of a submission that was given up, once its id is known."""
    deadline = time.monotonic() + _WITHDRAWING
    while upload.job_id is None and not is_done(sending) and time.monotonic() < deadline:
        pass
    if upload.job_id is not None and upload.is_ours:
        with contextlib.suppress(FarshotError):
            withdraw(transport, upload.job_id, _WITHDRAWING)


def _close(transport: Transport, feed: Feed, withdrawals: set[Future[None]]) -> None:
    deadline = time.monotonic() + _LINGER
    for future in list(withdrawals):
        is_done(future, max(0.0, deadline - time.monotonic()))
    feed.close()
    transport.close()
