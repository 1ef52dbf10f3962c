"""Requests that outlive a restart of the service: each can be repeated, because keys, part numbers and cursors make
every request of the API idempotent.
"""

from __future__ import annotations

import contextlib
import errno
import gzip
import logging
import os
import random
import re
import socket
import ssl
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

import httpx2

from farshot.backends.http.problems import error_of, retry_after
from farshot.backends.http.proxies import is_loopback, proxy_for
from farshot.errors import ExecutionCancelledError, FarshotError, OptionError, ServiceError
from farshot.wire import JSON

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


_log = logging.getLogger("farshot")
_CONNECT_SECONDS = 5.0
_ANSWER_SECONDS = 30.0
_SILENCE_SECONDS = 120.0
"""Time without a byte after which a stream that follows a job is taken for dead."""
_IDLE_SECONDS = 20.0
"""Time that a connection is kept for the next request."""
_QUIET_SECONDS = 2.0
"""Time of failing tries after which a warning is logged, once."""
_MIN_PAUSE_SECONDS = 0.05
_MAX_PAUSE_SECONDS = 2.0
_random = random.Random()  # noqa: S311 -- spreads the load, no secret; the program's own generator is not changed
_NO_PROXY: dict[str, httpx2.BaseTransport | None] = {"http://": None, "https://": None, "all://": None}
"""Mounts without a proxy from the environment, which `proxy_for` has read."""
_RETRIED_STATUSES = frozenset({408, 502, 503, 504})
_MIN_PACKED_BYTES = 64 * 1024
_ERROR_NUMBER = re.compile(r"^\[Errno -?\d+\] ")
_REFUSED = os.strerror(errno.ECONNREFUSED)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiRequest:
    """One request of the API."""

    method: str
    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    kind: str = JSON
    """The media type of the body."""
    wait: float = 0.0
    """Seconds that the service may take on purpose."""
    seconds: float | None = None
    """The bound of all tries; None: that of the transport."""
    also: frozenset[int] = frozenset()
    """Statuses of 300 or more that are no error."""


class Backoff:
    """The pauses between tries of a failing request, for `seconds` from the last success on, until `stop` is set."""

    def __init__(self, seconds: float, stop: threading.Event) -> None:
        self.stop = stop
        self._seconds = seconds
        self.reset()

    def reset(self) -> None:
        """Count the time from now on, after a success."""
        self._since = time.monotonic()
        self._until = self._since + self._seconds
        self._pause = _MIN_PAUSE_SECONDS
        self._is_logged = False

    def pause(self, failure: FarshotError, at_least: float = 0.0) -> None:
        """Wait before the next try; raises `failure` if the time is over, `ExecutionCancelledError` at a stop."""
        now = time.monotonic()
        if now >= self._until and not self.stop.is_set():
            raise failure
        self._log_retry(failure, now)
        seconds = max(at_least, self._pause * _random.uniform(0.5, 1.0))
        self._pause = min(2 * self._pause, _MAX_PAUSE_SECONDS)
        self.stop.wait(min(seconds, max(0.0, self._until - now)))
        self.check()

    def _log_retry(self, failure: FarshotError, now: float) -> None:
        """Log a warning once the tries have failed for long, else a debug message."""
        if self._is_logged or now - self._since < _QUIET_SECONDS:
            _log.debug("trying again: %s", failure)
            return
        self._is_logged = True
        since = time.strftime("%H:%M:%S", time.localtime(time.time() - (now - self._since)))
        _log.warning("%s, since %s; trying again for up to %.0f s more", failure, since, self._until - now)

    def check(self) -> None:
        """Raise `ExecutionCancelledError` if the request was stopped."""
        if self.stop.is_set():
            message = "the request was given up"
            raise ExecutionCancelledError(message)


class Transport:
    """The connections to one service. Safe from any thread, and after a fork."""

    def __init__(self, url: str, token: str, retry_seconds: float) -> None:
        self.url = url
        self._headers = {"Authorization": f"Bearer {token}", "User-Agent": "farshot"}
        self._retry_seconds = retry_seconds
        self._packs = not is_loopback(httpx2.URL(url).host)
        self._proxy = proxy_for(url)
        self._lock = threading.Lock()
        self._closed = False
        self._open()

    def _open(self) -> None:
        self._process = os.getpid()
        self._sockets: WeakSet[socket.socket] = WeakSet()
        try:
            self._client = httpx2.Client(
                base_url=self.url,
                headers=self._headers,
                limits=httpx2.Limits(
                    max_connections=None, max_keepalive_connections=20, keepalive_expiry=_IDLE_SECONDS
                ),
                proxy=self._proxy.url if self._proxy else None,
                mounts=None if self._proxy else _NO_PROXY,
            )
        except OSError as error:
            message = f"the certificates that SSL_CERT_FILE or SSL_CERT_DIR names cannot be read: {error}"
            raise OptionError(message) from error

    def backoff(self, stop: threading.Event | None = None, seconds: float | None = None) -> Backoff:
        """Return the backoff of a request, for the transport's `retry_seconds` or the given ones."""
        return Backoff(self._retry_seconds if seconds is None else seconds, stop or threading.Event())

    def ask(self, request: ApiRequest, stop: threading.Event | None = None) -> httpx2.Response:
        """Return the answer to a request.

        Raises the exception of the service's problem, `ServiceError` if it cannot be reached in time, and
        `ExecutionCancelledError` once `stop` is set and the current try has ended.
        """
        backoff = self.backoff(stop, request.seconds)
        timeout = httpx2.Timeout(
            request.wait + min(_ANSWER_SECONDS, request.seconds or _ANSWER_SECONDS), connect=_CONNECT_SECONDS
        )
        return self._checked(
            self._answer_to(lambda: self._build(request, timeout), backoff, stream=False), request.also
        )

    @contextmanager
    def stream(self, request: ApiRequest, backoff: Backoff) -> Iterator[httpx2.Response]:
        """Yield an answer whose body is not read yet; reading raises `httpx2.TransportError` if it breaks off.

        Raises as `ask` without an answer.
        """
        timeout = httpx2.Timeout(_SILENCE_SECONDS, connect=_CONNECT_SECONDS)
        response = self._answer_to(lambda: self._build(request, timeout), backoff, stream=True)
        try:
            yield self._checked(response, request.also)
        finally:
            response.close()

    def _answer_to(self, build: Callable[[], httpx2.Request], backoff: Backoff, *, stream: bool) -> httpx2.Response:
        """Send a request until the answer is none of those that are tried again."""
        while True:
            backoff.check()
            try:
                response = self._get_client().send(build(), stream=stream)
                if response.status_code not in _RETRIED_STATUSES:
                    return response
                response.read()
            except httpx2.TransportError as error:
                backoff.pause(self.failure(error))
            except RuntimeError:  # of a client that was closed in between
                self._get_client()
                raise
            else:
                backoff.pause(self._error(response), retry_after(response))

    def _build(self, request: ApiRequest, timeout: httpx2.Timeout) -> httpx2.Request:
        return self._get_client().build_request(
            request.method,
            request.path,
            params=request.params or None,
            **self._headers_and_content(request),
            timeout=timeout,
            extensions={"trace": self._keep_socket},
        )

    def _checked(self, response: httpx2.Response, also: frozenset[int]) -> httpx2.Response:
        if response.status_code < 300 or response.status_code in also:
            return response
        response.read()
        raise self._error(response)

    def _error(self, response: httpx2.Response) -> FarshotError:
        return error_of(response, f", through {self._proxy}" if self._proxy else "")

    def _headers_and_content(self, request: ApiRequest) -> dict[str, Any]:
        if request.body is None:
            return {"headers": request.headers}
        headers = {**request.headers, "Content-Type": request.kind}
        if not self._packs or len(request.body) < _MIN_PACKED_BYTES:
            return {"headers": headers, "content": request.body}
        return {"headers": headers | {"Content-Encoding": "gzip"}, "content": gzip.compress(request.body, 1, mtime=0)}

    def check_open(self) -> None:
        """Raise `ServiceError` if this was closed."""
        if self._closed:
            message = "the backend is closed"
            raise ServiceError(message)

    def _get_client(self) -> httpx2.Client:
        with self._lock:
            self.check_open()
            if self._process != os.getpid():
                self._open()
            return self._client

    def _keep_socket(self, event: str, info: Mapping[str, Any]) -> None:
        """Keep each new socket, so that `close` ends calls that block on one; one opened after `close` is shut down."""
        if event.endswith(("connect_tcp.complete", "start_tls.complete")):
            sock = info["return_value"].get_extra_info("socket")
            if sock is None:
                return
            with self._lock:
                self._sockets.add(sock)
                closed = self._closed
            if closed:
                _shut_down(sock)

    def failure(self, error: httpx2.TransportError) -> ServiceError:
        """Return the error for a failed connection; raises it if another try cannot help."""
        refusal = _certificate_error(error)
        reason = _ERROR_NUMBER.sub("", str(error)) or type(error).__name__
        if reason == _REFUSED and not self._proxy:
            reason += " (is the address right, and does `farshot serve` run there?)"
        message = f"cannot be reached: {reason}" if refusal is None else f"cannot be trusted: {_advice(refusal)}"
        way = f" through {self._proxy}" if self._proxy else ""
        failure = ServiceError(f"the service at {self.url} {message.replace(':', f'{way}:', 1)}")
        failure.__cause__ = error
        if refusal or isinstance(error, httpx2.LocalProtocolError | httpx2.UnsupportedProtocol):
            raise failure
        return failure

    def close(self) -> None:
        """End all requests, including those in progress. In a forked process there is nothing to end."""
        with self._lock:
            if self._closed or self._process != os.getpid():
                return
            self._closed = True
            sockets = list(self._sockets)
        for sock in sockets:
            _shut_down(sock)
        self._client.close()


def _certificate_error(error: BaseException | None) -> ssl.SSLCertVerificationError | None:
    """Return the error of the service's certificate if it is the cause of `error`, else None."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return error
        error = error.__cause__ or error.__context__
    return None


def _advice(refusal: ssl.SSLCertVerificationError) -> str:
    reason = refusal.verify_message or str(refusal)
    return f"its certificate was refused ({reason}); one that you know is trusted where SSL_CERT_FILE names its file"


def hang_up(response: httpx2.Response) -> None:
    """End a stream that another thread reads."""
    stream = response.extensions.get("network_stream")
    sock = stream.get_extra_info("socket") if stream else None
    if sock is not None:
        _shut_down(sock)


def _shut_down(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
