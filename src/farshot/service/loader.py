"""The loader: a process of the service that answers requests whose bodies are large, or become so once unpacked.

Decoding holds up every other thread of its process: a body of 16 MiB for a second and more. So such a request is passed
on as it comes, to the same application on the same store, over a socket that only the service's user can reach.
Before the loader serves, or where it cannot be started, the service answers such requests itself: they take as long,
and others wait.
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
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

import httpx2
import msgspec
from starlette.responses import Response

from farshot.errors import FarshotError
from farshot.service.logs import Seldom
from farshot.service.problems import BusyError
from farshot.wire import PROBLEM, Problem
from farshot.worker.frames import Ready, read_frame
from farshot.worker.supervisor import check_version

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Callable

    from starlette.requests import Request

__all__ = ["Loader"]

_log = logging.getLogger("farshot.service")

_PAUSE_SECONDS = 10.0
"""Seconds between two starts."""
_END_SECONDS = 5.0
"""Seconds that the process has to end by itself."""
_OF_ONE_CONNECTION = frozenset({b"connection", b"keep-alive", b"te", b"transfer-encoding", b"upgrade", b"expect"})
_OF_THE_BODY = frozenset({b"content-length", b"content-encoding"})
_PASSED_BACK = ("content-type", "location", "retry-after", "www-authenticate")
_decode_problem = msgspec.json.Decoder(Problem).decode


@dataclass(frozen=True, slots=True)
class _Process:
    process: subprocess.Popen[bytes]
    folder: Path
    client: httpx2.AsyncClient

    @property
    def is_alive(self) -> bool:
        return self.process.poll() is None

    async def end(self) -> None:
        await self.client.aclose()
        await asyncio.to_thread(_end, self.process, self.folder)


class Loader:
    """Passes requests on to the process, which it starts and ends. Belongs to one event loop."""

    def __init__(self, plan: bytes, wake: Callable[[], None]) -> None:
        """Have the process do as `plan` says, see `farshot.service.loader_process`; `wake` tells of what it stored."""
        self._plan = plan
        self._wake = wake
        self._running: _Process | None = None
        self._starting: asyncio.Task[None] | None = None
        self._start_at = 0.0
        self._trouble = Seldom(_log, logging.ERROR, "loader-failed")

    @property
    def pid(self) -> int | None:
        """The id of the process, while it serves."""
        return self._running.process.pid if self._running and self._running.is_alive else None

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
            self._running = await asyncio.to_thread(_start, self._plan)
        except (OSError, FarshotError, msgspec.MsgspecError) as error:
            self._trouble.tell(reason=str(error))
        finally:
            self._starting = None

    async def answer(self, request: Request, body: bytes | None = None) -> Response:
        """Return the answer of the process, which `serves`, to a request; `body` is its plain body where it was read.

        Raises `BusyError` where the process died, of this request or of another.
        """
        running = cast("_Process", self._running)
        try:
            answer = await running.client.send(_passed_on(running.client, request, body))
        except httpx2.TransportError as error:
            self._trouble.tell(reason=str(error) or repr(error))
            message = "the process that reads large requests died: try again, or send less in one request"
            raise BusyError(message) from error
        if answer.is_success:
            self._wake()
        return _passed_back(request, answer)

    async def _end(self) -> None:
        running, self._running = self._running, None
        if running is not None:
            await running.end()

    async def close(self) -> None:
        """End the process for good."""
        if self._starting is not None:
            await asyncio.wait([self._starting])
        await self._end()


def _start(plan: bytes) -> _Process:
    """Start the process and wait until it serves; raises `FarshotError` or `OSError` where it does not."""
    folder = Path(tempfile.mkdtemp(prefix="farshot-"))
    path = folder / "loader"
    command = [sys.executable, "-P", "-m", "farshot.service.loader_process", str(path)]
    try:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
    except OSError:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    try:
        _await_ready(process, plan)
    except BaseException:
        _end(process, folder)
        raise
    transport = httpx2.AsyncHTTPTransport(uds=str(path))
    return _Process(process, folder, httpx2.AsyncClient(transport=transport, base_url="http://loader", timeout=None))


def _await_ready(process: subprocess.Popen[bytes], plan: bytes) -> None:
    inbox = cast("BinaryIO", process.stdin)
    inbox.write(len(plan).to_bytes(8, "little") + plan)
    inbox.flush()
    said = read_frame(cast("BinaryIO", process.stdout))
    if not isinstance(said, Ready):
        message = f"it ended with exit status {process.wait()} before it served"
        raise FarshotError(message)
    check_version(said)


def _end(process: subprocess.Popen[bytes], folder: Path) -> None:
    with contextlib.suppress(OSError):
        cast("BinaryIO", process.stdin).close()
    try:
        process.wait(_END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    cast("BinaryIO", process.stdout).close()
    shutil.rmtree(folder, ignore_errors=True)


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
