"""The parent's end of one child: start it, talk to it, kill it, and say what it died of."""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import re
import signal
import subprocess
import sys
import tempfile
from typing import TYPE_CHECKING, BinaryIO, cast

from farshot.errors import ExecutorError, FarshotError, FaultCode
from farshot.model import Fault
from farshot.simulators.limits import WORKER_MEMORY
from farshot.worker.board import Board
from farshot.worker.frames import Message, Ready, read_frame, write_frame

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Child", "ChildDiedError", "worker_environment"]

_log = logging.getLogger(__name__)

_STDERR_TAIL = 2000
_PIPE_BYTES = 2**20
_OUT_OF_MEMORY = re.compile("memory allocation of [0-9]+ bytes failed|bad_alloc|MemoryError")
"""What Rust, C++ and Python print when they run out of memory."""


class ChildDiedError(FarshotError):
    """The child ended; `position` is the circuit it had announced, `fault` what it died of."""

    def __init__(self, fault: Fault, position: int | None) -> None:
        """Keep both."""
        self.fault = fault
        self.position = position
        super().__init__(fault.message)


class Child:
    """One worker child in its own process group. One thread talks to it; any thread may kill it."""

    def __init__(self, memory_bytes: int) -> None:
        """Start the process; `await_ready` tells whether that worked."""
        self._memory_bytes = memory_bytes
        self._overdue: ChildDiedError | None = None
        self._unwanted = False
        try:
            self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 -- closed with the child
            self._board, descriptor = Board.create()
            try:
                self._process = self._start(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            message = f"a worker cannot be started: {error}"
            raise ExecutorError(message) from error

    def _start(self, board: int) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "farshot.worker", str(board), str(self._memory_bytes)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            pass_fds=(board,),
            env=worker_environment(os.environ, self._memory_bytes),
            start_new_session=True,
        )
        for stream in (process.stdin, process.stdout):
            _widen(cast("BinaryIO", stream))
        return process

    @property
    def pid(self) -> int:
        """The process id, also the id of its group."""
        return self._process.pid

    def await_ready(self) -> None:
        """Block until the child serves; raises `ExecutorError` with what it printed where it cannot, and logs
        it unless the child was killed from here.
        """
        if not isinstance(self._read(), Ready):
            unwanted = self._unwanted
            self.kill()
            reason, printed = self._reason(), self._printed()
            if not unwanted:
                fields = {"event": "worker-start-failed", "reason": reason, "printed": printed}
                _log.warning("a worker cannot be started: %s\n%s", reason, printed, extra={"fields": fields})
            last = printed.strip().rpartition("\n")[2]
            message = f"a worker cannot be started: {reason}: {last}"
            raise ExecutorError(message)

    def send(self, message: Message) -> None:
        """Hand over a message; raises `ChildDiedError`."""
        try:
            write_frame(cast("BinaryIO", self._process.stdin), message)
        except OSError as error:
            raise self._died() from error

    def receive(self) -> Message:
        """Block until the child says something; raises `ChildDiedError`."""
        message = self._read()
        if message is None:
            raise self._died()
        return message

    def expire(self, seconds: float) -> None:
        """Kill it where its circuit has run for longer than `seconds`."""
        position, ran = self._board.announced(), self._board.seconds()
        if position is not None and ran > seconds and self._overdue is None:
            fault = Fault(FaultCode.TIMEOUT, f"the circuit was stopped after {ran:.3g} s")
            self._overdue = ChildDiedError(fault, position)
            self.kill()

    def kill(self) -> None:
        """Kill the whole process group at once."""
        self._unwanted = True
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def close(self) -> None:
        """Kill it and let go of everything."""
        self.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._stderr):
            with contextlib.suppress(OSError):
                cast("BinaryIO", stream).close()
        self._board.close()

    def _read(self) -> Message | None:
        return read_frame(cast("BinaryIO", self._process.stdout))

    def _died(self) -> ChildDiedError:
        self.kill()
        reason = self._reason()
        return self._overdue or ChildDiedError(self._fault(reason), self._board.announced())

    def _fault(self, reason: str) -> Fault:
        if _OUT_OF_MEMORY.search(self._printed()):
            limit = f"{self._memory_bytes / 2**30:.1f} GiB"
            return Fault(FaultCode.MEMORY, f"the circuit needs more memory than the {limit} that its worker has")
        return Fault(FaultCode.CRASH, reason)

    def _reason(self) -> str:
        code = self._process.wait()
        if code >= 0:
            return f"the worker ended with exit status {code}"
        return f"the worker was killed by {_signal_name(-code)}"

    def _printed(self) -> str:
        self._stderr.seek(0, os.SEEK_END)
        self._stderr.seek(max(0, self._stderr.tell() - _STDERR_TAIL))
        return self._stderr.read().decode("utf-8", "replace")


def _widen(pipe: BinaryIO) -> None:
    """Let a pipe hold a whole report, where the system allows it: nobody then waits for the other end to read."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # real-time signals have no name
        return f"signal {number}"


def worker_environment(environment: Mapping[str, str], memory_bytes: int) -> dict[str, str]:
    """Return the environment of a child: one thread for each library, and how much memory it may use."""
    single = dict.fromkeys(("RAYON_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    return {**environment, **single, WORKER_MEMORY: str(memory_bytes)}
