"""The loader: a process of the service that answers requests whose bodies are large, or become so once unpacked.

Reading a large batch holds up every other thread of its process: it takes seconds of Python, and decoding alone keeps
the interpreter's lock for up to a fifth of a second. So such a request is passed on as it comes, to the same
application on the same store, over a socket that only the service's user can reach. Before the loader serves, or where
it cannot be started, the service answers such requests itself: they take as long, and others wait.
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

from farshot.errors import FarshotError
from farshot.service.logs import ThrottledLog
from farshot.service.problems import BusyError
from farshot.wire import PROBLEM, Problem
from farshot.worker.frames import Ready, read_frame
from farshot.worker.supervisor import check_version

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Callable

    from starlette.requests import Request


_log = logging.getLogger("farshot.service")

_PAUSE_SECONDS = 10.0
"""Seconds between two starts."""
_END_SECONDS = 5.0
"""Seconds that the process has to end by itself."""
_LOOK = 0.05
_OF_ONE_CONNECTION = frozenset({b"connection", b"keep-alive", b"te", b"transfer-encoding", b"upgrade", b"expect"})
_OF_THE_BODY = frozenset({b"content-length", b"content-encoding"})
_PASSED_BACK = ("content-type", "location", "retry-after", "www-authenticate")
_decode_problem = msgspec.json.Decoder(Problem).decode


class _Process:
    """The process, in a folder of its own for its socket."""

    def __init__(self) -> None:
        """Start it; raises `OSError`."""
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
        """Its id; None once it has ended."""
        return self._process.pid if self._process.poll() is None else None

    def begin(self, plan: bytes) -> None:
        """Tell it what to do, and block until it serves; raises `FarshotError` or `OSError` where it does not."""
        inbox = cast("BinaryIO", self._process.stdin)
        inbox.write(len(plan).to_bytes(8, "little") + plan)
        inbox.flush()
        said = read_frame(cast("BinaryIO", self._process.stdout))
        if not isinstance(said, Ready):
            message = f"it ended with exit status {self._process.wait()} before it served"
            raise FarshotError(message)
        check_version(said)

    def kill(self) -> None:
        """Kill it, so that nobody waits for it any longer."""
        self._process.kill()

    async def end(self) -> None:
        """Let it end, and remove its folder."""
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
    """Passes requests on to the process, which it starts and ends. Belongs to one event loop."""

    def __init__(self, plan: bytes, wake: Callable[[], None]) -> None:
        """Have the process do as `plan` says, see `farshot.service.loader_process`; `wake` tells of what it stored."""
        self._plan = plan
        self._wake = wake
        self._process: _Process | None = None
        self._starting: asyncio.Task[None] | None = None
        self._start_at = 0.0
        self._closing = False
        self._trouble = ThrottledLog(_log, logging.ERROR, "loader-failed")

    @property
    def pid(self) -> int | None:
        """The id of the process, while it serves."""
        return None if self._process is None or self._starting is not None else self._process.pid

    def serves(self) -> bool:
        """Whether a request can be passed on; where not, the process is being started for the next ones."""
        if self.pid is not None:
            return True
        if self._starting is None and time.monotonic() >= self._start_at:
            self._start_at = time.monotonic() + _PAUSE_SECONDS
            self._starting = asyncio.get_running_loop().create_task(self._restart())
        return False

    async def _restart(self) -> None:
        try:
            await self._end()
            self._process = _Process()
            await asyncio.to_thread(self._process.begin, self._plan)
        except (OSError, FarshotError, msgspec.MsgspecError) as error:
            if not self._closing:
                self._trouble.tell(reason=str(error))
            await self._end()
        finally:
            self._starting = None

    async def answer(self, request: Request, body: bytes | None = None) -> Response:
        """Return the answer of the process, which `serves`, to a request; `body` is its plain body where it was read.

        Raises `BusyError` where the process died, of this request or of another.
        """
        client = cast("_Process", self._process).client
        try:
            answer = await client.send(_passed_on(client, request, body))
        except httpx2.TransportError as error:
            self._trouble.tell(reason=str(error) or repr(error))
            message = "the process that reads large requests died: try again, or send less in one request"
            raise BusyError(message) from error
        if answer.is_success:
            self._wake()
        return _passed_back(request, answer)

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            await process.end()

    async def close(self) -> None:
        """End the process for good; one that is being started is killed, for it may wait for the store."""
        self._closing = True
        while self._starting is not None:
            if self._process is not None:
                self._process.kill()
            await asyncio.wait([self._starting], timeout=_LOOK)
        await self._end()


def _passed_on(client: httpx2.AsyncClient, request: Request, body: bytes | None) -> httpx2.Request:
    dropped = _OF_ONE_CONNECTION if body is None else _OF_ONE_CONNECTION | _OF_THE_BODY
    headers = [(name, value) for name, value in request.headers.raw if name not in dropped]
    target = request.scope["raw_path"].decode("latin-1")
    if request.scope["query_string"]:
        target += "?" + request.scope["query_string"].decode("latin-1")
    content: bytes | AsyncIterable[bytes] = request.stream() if body is None else body
    return client.build_request(request.method, target, headers=headers, content=content)


def _passed_back(request: Request, answer: httpx2.Response) -> Response:
    if answer.headers.get("content-type") == PROBLEM:
        request.state.problem = _decode_problem(answer.content).type.rpartition("/")[2]
    headers = {name: answer.headers[name] for name in _PASSED_BACK if name in answer.headers}
    return Response(answer.content, HTTPStatus(answer.status_code), headers)
