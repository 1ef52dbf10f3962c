"""The loader: a process of the service that answers requests whose bodies are large, or become so once unpacked.

Reading a large batch holds up every other thread of its process: it takes seconds of Python, and decoding alone keeps
the interpreter's lock for up to a fifth of a second. Such a request is therefore passed on as it arrives, to the same
application on the same store, over a socket that only the service's user can reach. Before the loader serves, or if it
cannot be started, the service answers such requests itself: they take as long, and others wait.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
import subprocess
import sys
import tempfile
import time
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

import httpx2
import msgspec
from starlette.responses import Response

from farshot.errors import BusyError, FarshotError
from farshot.service.logs import ThrottledLog
from farshot.wire import PROBLEM, Problem
from farshot.worker.frames import Ready, read_frame
from farshot.worker.supervisor import check_version

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Callable

    from starlette.requests import Request


_log = logging.getLogger("farshot.service")

_RESTART_SECONDS = 10.0
"""The time between two starts."""
_END_SECONDS = 5.0
"""The time that the process has to end by itself."""
_POLL_SECONDS = 0.05
_CONNECTION_HEADERS = frozenset({b"connection", b"keep-alive", b"te", b"transfer-encoding", b"upgrade", b"expect"})
_BODY_HEADERS = frozenset({b"content-length", b"content-encoding"})
_RETURNED_HEADERS = ("content-type", "location", "retry-after", "www-authenticate")
_decode_problem = msgspec.json.Decoder(Problem).decode


class _Process:
    """A running loader, with its socket in a folder of its own."""

    def __init__(self) -> None:
        """Start the process; raises `OSError`."""
        self._folder = Path(tempfile.mkdtemp(prefix="farshot-"))
        path = str(self._folder / "loader")
        command = [sys.executable, "-P", "-m", "farshot.service.loader_process", path]
        try:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
            )
        except OSError:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise
        transport = httpx2.AsyncHTTPTransport(uds=path)
        self.client = httpx2.AsyncClient(transport=transport, base_url="http://loader", timeout=None)

    @property
    def pid(self) -> int | None:
        """The id of the process; None once it has ended."""
        return self._process.pid if self._process.poll() is None else None

    def begin(self, plan: bytes) -> None:
        """Send the plan, and block until the process serves; raises `FarshotError` or `OSError` if it does not."""
        inbox = cast("BinaryIO", self._process.stdin)
        inbox.write(len(plan).to_bytes(8, "little") + plan)
        inbox.flush()
        frame = read_frame(cast("BinaryIO", self._process.stdout))
        if not isinstance(frame, Ready):
            message = f"it ended with exit status {self._process.wait()} before it served"
            raise FarshotError(message)
        check_version(frame)

    def kill(self) -> None:
        """Kill the process, so that `begin` waits for it no longer."""
        self._process.kill()

    async def end(self) -> None:
        """End the process, and remove its folder."""
        await self.client.aclose()
        await asyncio.to_thread(self._end)

    def _end(self) -> None:
        with contextlib.suppress(OSError):
            cast("BinaryIO", self._process.stdin).close()
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        cast("BinaryIO", self._process.stdout).close()
        shutil.rmtree(self._folder, ignore_errors=True)


class Loader:
    """Starts and ends the process, and passes requests on to it. Belongs to one event loop."""

    def __init__(self, plan: bytes, wake: Callable[[], None]) -> None:
        """Start processes with `plan`, an encoded `loader_process.Plan`; `wake` is called once one has stored a job."""
        self._plan = plan
        self._wake = wake
        self._process: _Process | None = None
        self._starting: asyncio.Task[None] | None = None
        self._start_at = 0.0
        self._closing = False
        self._failure_log = ThrottledLog(_log, logging.ERROR, "loader-failed")

    @property
    def pid(self) -> int | None:
        """The id of the process, while it serves."""
        return None if self._process is None or self._starting is not None else self._process.pid

    def serves(self) -> bool:
        """Return whether a request can be passed on; if not, start the process for the next ones."""
        if self.pid is not None:
            return True
        if self._starting is None and time.monotonic() >= self._start_at:
            self._start_at = time.monotonic() + _RESTART_SECONDS
            self._starting = asyncio.get_running_loop().create_task(self._restart())
        return False

    async def _restart(self) -> None:
        try:
            await self._end()
            self._process = _Process()
            await asyncio.to_thread(self._process.begin, self._plan)
        except (OSError, FarshotError, msgspec.MsgspecError) as error:
            if not self._closing:
                self._failure_log.add(reason=str(error))
            await self._end()
        finally:
            self._starting = None

    async def answer(self, request: Request, body: bytes | None = None) -> Response:
        """Return the answer of the process, which `serves`, to a request; `body` is its plain body if that was read.

        Raises `BusyError` if the process died, of this request or of another.
        """
        client = cast("_Process", self._process).client
        try:
            answer = await client.send(_build_request(client, request, body))
        except httpx2.TransportError as error:
            self._failure_log.add(reason=str(error) or repr(error))
            message = "the process that reads large requests died: try again, or send less in one request"
            raise BusyError(message) from error
        if answer.is_success:
            self._wake()
        return _build_response(request, answer)

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            await process.end()

    async def close(self) -> None:
        """End the process for good; kill one that is starting, for it may wait for the store."""
        self._closing = True
        while self._starting is not None:
            if self._process is not None:
                self._process.kill()
            await asyncio.wait([self._starting], timeout=_POLL_SECONDS)
        await self._end()


def _build_request(client: httpx2.AsyncClient, request: Request, body: bytes | None) -> httpx2.Request:
    dropped = _CONNECTION_HEADERS if body is None else _CONNECTION_HEADERS | _BODY_HEADERS
    headers = [(name, value) for name, value in request.headers.raw if name not in dropped]
    target = request.scope["raw_path"].decode("latin-1")
    if request.scope["query_string"]:
        target += "?" + request.scope["query_string"].decode("latin-1")
    content: bytes | AsyncIterable[bytes] = request.stream() if body is None else body
    return client.build_request(request.method, target, headers=headers, content=content)


def _build_response(request: Request, answer: httpx2.Response) -> Response:
    if answer.headers.get("content-type") == PROBLEM:
        request.state.problem = _decode_problem(answer.content).type.rpartition("/")[2]
    headers = {name: answer.headers[name] for name in _RETURNED_HEADERS if name in answer.headers}
    return Response(answer.content, HTTPStatus(answer.status_code), headers)
