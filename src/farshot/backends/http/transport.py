"""Requests that outlive a restart of the service: every one of the API can be repeated, for keys, numbers of parts
and cursors say what was meant.
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
_CONNECT = 5.0
_ANSWER = 30.0
_SILENCE = 120.0
"""Seconds without a byte after which a stream that follows a job is taken for dead."""
_IDLE = 20.0
"""Seconds that a connection is kept for the next request."""
_SILENT = 2.0
"""Seconds of failing tries after which that is said, once."""
_FIRST_PAUSE = 0.05
_LONGEST_PAUSE = 2.0
_spread = random.Random()  # noqa: S311 -- spreads the load, no secret; the program's own generator is left alone
_DIRECT: dict[str, httpx2.BaseTransport | None] = {"http://": None, "https://": None, "all://": None}
"""What takes no proxy from the environment, which was looked at before."""
_PASSING = frozenset({408, 502, 503, 504})
_WORTH_PACKING = 64 * 1024
_NUMBER = re.compile(r"^\[Errno -?\d+\] ")
_REFUSED = os.strerror(errno.ECONNREFUSED)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiRequest:
    """One request. `wait` is how many seconds the service may take on purpose; `seconds` bounds all tries."""

    method: str
    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    kind: str = JSON
    """The media type of the body."""
    wait: float = 0.0
    seconds: float | None = None
    also: frozenset[int] = frozenset()
    """Answers beside those below 300 that are no error."""


class Resolver:
    """How long a failing request is tried again: for `seconds` from the last success on, until `stop` is set."""

    def __init__(self, seconds: float, stop: threading.Event) -> None:
        """Begin."""
        self.stop = stop
        self._seconds = seconds
        self.renew()

    def renew(self) -> None:
        """Count from now on: something succeeded."""
        self._since = time.monotonic()
        self._until = self._since + self._seconds
        self._pause = _FIRST_PAUSE
        self._is_said = False

    def pause(self, failure: FarshotError, at_least: float = 0.0) -> None:
        """Wait before the next try; raises `failure` where the time is over, `ExecutionCancelledError` at a stop."""
        now = time.monotonic()
        if now >= self._until and not self.stop.is_set():
            raise failure
        self._say(failure, now)
        seconds = max(at_least, self._pause * _spread.uniform(0.5, 1.0))
        self._pause = min(2 * self._pause, _LONGEST_PAUSE)
        self.stop.wait(min(seconds, max(0.0, self._until - now)))
        self.check()

    def _say(self, failure: FarshotError, now: float) -> None:
        """Tell whoever waits, where it takes long."""
        if self._is_said or now - self._since < _SILENT:
            _log.debug("trying again: %s", failure)
            return
        self._is_said = True
        since = time.strftime("%H:%M:%S", time.localtime(time.time() - (now - self._since)))
        _log.warning("%s, since %s; trying again for up to %.0f s more", failure, since, self._until - now)

    def check(self) -> None:
        """Raise `ExecutionCancelledError` where nobody wants the answer any more."""
        if self.stop.is_set():
            message = "the request was given up"
            raise ExecutionCancelledError(message)


class Transport:
    """The connections to one service. Safe from any thread, and after a fork."""

    def __init__(self, url: str, token: str, retry_seconds: float) -> None:
        """Prepare; nothing is connected yet."""
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
                limits=httpx2.Limits(max_connections=None, max_keepalive_connections=20, keepalive_expiry=_IDLE),
                proxy=self._proxy.url if self._proxy else None,
                mounts=None if self._proxy else _DIRECT,
            )
        except OSError as error:
            message = f"the certificates that SSL_CERT_FILE or SSL_CERT_DIR names cannot be read: {error}"
            raise OptionError(message) from error

    def resolve(self, stop: threading.Event | None = None, seconds: float | None = None) -> Resolver:
        """Return how long something is to be tried."""
        return Resolver(self._retry_seconds if seconds is None else seconds, stop or threading.Event())

    def ask(self, ask: ApiRequest, stop: threading.Event | None = None) -> httpx2.Response:
        """Return the answer to a request.

        Raises what the service's problem stands for, `ServiceError` where it cannot be reached in time, and
        `ExecutionCancelledError` once `stop` is set and the present try has ended.
        """
        resolve = self.resolve(stop, ask.seconds)
        timeout = httpx2.Timeout(ask.wait + min(_ANSWER, ask.seconds or _ANSWER), connect=_CONNECT)
        return self._checked(self._tried(lambda: self._request(ask, timeout), resolve, stream=False), ask.also)

    @contextmanager
    def stream(self, ask: ApiRequest, resolve: Resolver) -> Iterator[httpx2.Response]:
        """Yield an answer whose body is still to be read, which raises `httpx2.TransportError` where it breaks off.

        Raises as `ask` where there is none.
        """
        timeout = httpx2.Timeout(_SILENCE, connect=_CONNECT)
        response = self._tried(lambda: self._request(ask, timeout), resolve, stream=True)
        try:
            yield self._checked(response, ask.also)
        finally:
            response.close()

    def _tried(self, request: Callable[[], httpx2.Request], resolve: Resolver, *, stream: bool) -> httpx2.Response:
        """Send a request until it is answered for good."""
        while True:
            resolve.check()
            try:
                response = self._usable().send(request(), stream=stream)
                if response.status_code not in _PASSING:
                    return response
                response.read()
            except httpx2.TransportError as error:
                resolve.pause(self.failure(error))
            except RuntimeError:  # of a client that was closed in between
                self._usable()
                raise
            else:
                resolve.pause(self._error(response), retry_after(response))

    def _request(self, ask: ApiRequest, timeout: httpx2.Timeout) -> httpx2.Request:
        return self._usable().build_request(
            ask.method,
            ask.path,
            params=ask.params or None,
            **self._body(ask),
            timeout=timeout,
            extensions={"trace": self._note},
        )

    def _checked(self, response: httpx2.Response, also: frozenset[int]) -> httpx2.Response:
        if response.status_code < 300 or response.status_code in also:
            return response
        response.read()
        raise self._error(response)

    def _error(self, response: httpx2.Response) -> FarshotError:
        return error_of(response, f", through {self._proxy}" if self._proxy else "")

    def _body(self, ask: ApiRequest) -> dict[str, Any]:
        if ask.body is None:
            return {"headers": ask.headers}
        headers = {**ask.headers, "Content-Type": ask.kind}
        if not self._packs or len(ask.body) < _WORTH_PACKING:
            return {"headers": headers, "content": ask.body}
        return {"headers": headers | {"Content-Encoding": "gzip"}, "content": gzip.compress(ask.body, 1, mtime=0)}

    def _usable(self) -> httpx2.Client:
        with self._lock:
            if self._closed:
                message = "the backend is closed"
                raise ServiceError(message)
            if self._process != os.getpid():
                self._open()
            return self._client

    def _note(self, event: str, info: Mapping[str, Any]) -> None:
        """Keep the sockets, so that `close` can end what is blocked on one; what is connected later ends at once."""
        if event.endswith(("connect_tcp.complete", "start_tls.complete")):
            found = info["return_value"].get_extra_info("socket")
            if found is None:
                return
            with self._lock:
                self._sockets.add(found)
                closed = self._closed
            if closed:
                _shut(found)

    def failure(self, error: httpx2.TransportError) -> ServiceError:
        """Return what a failed connection is to the caller; what no patience mends is raised."""
        distrust = _distrust(error)
        reason = _reason(error)
        if reason == _REFUSED and not self._proxy:
            reason += " (is the address right, and does `farshot serve` run there?)"
        message = f"cannot be reached: {reason}" if distrust is None else f"cannot be trusted: {_advice(distrust)}"
        way = f" through {self._proxy}" if self._proxy else ""
        failure = ServiceError(f"the service at {self.url} {message.replace(':', f'{way}:', 1)}")
        failure.__cause__ = error
        if distrust or isinstance(error, httpx2.LocalProtocolError | httpx2.UnsupportedProtocol):
            raise failure
        return failure

    def close(self) -> None:
        """End all requests, those too that are under way. In a forked process there is nothing to end."""
        with self._lock:
            if self._closed or self._process != os.getpid():
                return
            self._closed = True
            sockets = list(self._sockets)
        for found in sockets:
            _shut(found)
        self._client.close()


def _reason(error: httpx2.TransportError) -> str:
    """Return why a connection failed, without the system's number for it."""
    return _NUMBER.sub("", str(error)) or type(error).__name__


def _distrust(error: BaseException | None) -> ssl.SSLCertVerificationError | None:
    """Return what is wrong with the certificate of the service, where that was the reason."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return error
        error = error.__cause__ or error.__context__
    return None


def _advice(distrust: ssl.SSLCertVerificationError) -> str:
    reason = distrust.verify_message or str(distrust)
    return f"its certificate was refused ({reason}); one that you know is trusted where SSL_CERT_FILE names its file"


def hang_up(response: httpx2.Response) -> None:
    """End a stream that another thread reads."""
    stream = response.extensions.get("network_stream")
    found = stream.get_extra_info("socket") if stream else None
    if found is not None:
        _shut(found)


def _shut(found: socket.socket) -> None:
    with contextlib.suppress(OSError):
        found.shutdown(socket.SHUT_RDWR)
