"""The parent's end of one child: starting it, talking to it, killing it, and the fault that it died of."""

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
from functools import cache
from typing import TYPE_CHECKING, BinaryIO, cast

import msgspec

from farshot.errors import ExecutorError, FarshotError, FaultCode, UpgradedError
from farshot.model import Fault
from farshot.simulators.limits import MEMORY_VARIABLE
from farshot.version import __version__
from farshot.worker.board import Board
from farshot.worker.frames import PROTOCOL, Message, Ready, read_frame, write_frame
from farshot.worker.sandbox import PATHS_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Mapping


_log = logging.getLogger(__name__)

ENVIRONMENT_VARIABLE = "FARSHOT_WORKER_ENVIRONMENT"
"""The environment variable with the names of further ones that workers get, joined by commas."""
_KEPT_VARIABLES = re.compile(
    "PATH|LANG|LANGUAGE|LC_[A-Z]+|TZ|TMPDIR|PYTHON[A-Z]+|VIRTUAL_ENV|(LD|DYLD)_[A-Z_]+|MALLOC_[A-Z_]+|CUDA_[A-Z_]+"
    f"|PRISM_[A-Z_]+|{PATHS_VARIABLE}"
)
_NO_HOME = "/nonexistent"
_MAX_PRINTED_BYTES = 2000
_PIPE_BYTES = 2**20
_OUT_OF_MEMORY = re.compile("memory allocation of [0-9]+ bytes failed|bad_alloc|MemoryError")
"""The messages of Rust, C++ and Python when they run out of memory."""


class ChildDiedError(FarshotError):
    """The child died of `fault` at the circuit that it had announced, the one at `position`."""

    def __init__(self, fault: Fault, position: int | None) -> None:
        self.fault = fault
        self.position = position
        super().__init__(fault.message)


class ChildStartError(ExecutorError):
    """A child cannot be started; `printed` is the end of its output, whose last line is part of the message."""

    def __init__(self, reason: str, printed: str = "") -> None:
        self.printed = printed
        last = printed.strip().rpartition("\n")[2]
        super().__init__(f"a worker cannot be started: {reason}" + (f": {last}" if last else ""))


class Child:
    """One child in its own process group. One thread talks to it; any thread may kill it."""

    def __init__(self, memory_bytes: int, niceness: int = 0) -> None:
        """Start the process with a limit of memory and a niceness; `await_ready` raises if that failed."""
        self._memory_bytes = memory_bytes
        self._niceness = niceness
        self._overdue: ChildDiedError | None = None
        self.is_unwanted = False
        with contextlib.ExitStack() as opened:
            try:
                self._stderr = opened.enter_context(tempfile.TemporaryFile())
                self.board, descriptor = Board.create()
                opened.callback(self.board.close)
                try:
                    self._process = self._start(descriptor)
                finally:
                    os.close(descriptor)
            except (OSError, MemoryError) as error:
                raise ChildStartError(str(error) or "out of memory") from error
            opened.pop_all()

    def _start(self, board: int) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "farshot.worker", *map(str, (board, self._memory_bytes, self._niceness))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            pass_fds=(board,),
            env=worker_environment(os.environ, self._memory_bytes),
            start_new_session=True,
        )
        for stream in (process.stdin, process.stdout):
            _widen_pipe(cast("BinaryIO", stream))
        return process

    @property
    def pid(self) -> int:
        """The process id, also the id of its group."""
        return self._process.pid

    def await_ready(self) -> None:
        """Block until the child serves; raises `ChildStartError` with its output if it cannot, and `UpgradedError` if
        it is of another version than this process.
        """
        try:
            message = self._read()
        except msgspec.MsgspecError as error:
            raise _upgraded_error() from error
        if isinstance(message, Ready):
            check_version(message)
            _log_missing_fences(message.missing)
            return
        is_unwanted = self.is_unwanted
        self.kill()
        self.is_unwanted = is_unwanted
        reason = self._exit_reason()
        if (found := installed_version()) not in {None, __version__}:
            raise _upgraded_error(str(found))
        raise ChildStartError(reason, self._printed())

    def send(self, message: Message) -> None:
        """Send a message; raises `ChildDiedError`."""
        try:
            write_frame(cast("BinaryIO", self._process.stdin), message)
        except OSError as error:
            raise self._death() from error

    def receive(self) -> Message:
        """Block for a message; raises `ChildDiedError`."""
        message = self._read()
        if message is None:
            raise self._death()
        return message

    def expire(self, seconds: float) -> None:
        """Kill the child if its circuit has run for longer than `seconds`."""
        position, ran = self.board.announced(), self.board.seconds()
        if position is not None and ran > seconds and self._overdue is None:
            fault = Fault(FaultCode.TIMEOUT, f"the circuit was stopped after {ran:.3g} s")
            self._overdue = ChildDiedError(fault, position)
            self.kill()

    def kill(self) -> None:
        """Kill the whole process group at once."""
        self.is_unwanted = True
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def close(self) -> None:
        """Kill the child and release its pipes, files and memory."""
        self.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._stderr):
            with contextlib.suppress(OSError):
                cast("BinaryIO", stream).close()
        self.board.close()

    def _read(self) -> Message | None:
        return read_frame(cast("BinaryIO", self._process.stdout))

    def _death(self) -> ChildDiedError:
        """Kill the child and return the error with the fault that it died of."""
        self.kill()
        fault = Fault(FaultCode.CRASH, self._exit_reason())
        if _OUT_OF_MEMORY.search(self._printed()):
            limit = f"{self._memory_bytes / 2**30:.1f} GiB"
            fault = Fault(FaultCode.MEMORY, f"the circuit needs more memory than the {limit} that its worker has")
        return self._overdue or ChildDiedError(fault, self.board.announced())

    def _exit_reason(self) -> str:
        code = self._process.wait()
        if code >= 0:
            return f"the worker ended with exit status {code}"
        try:
            return f"the worker was killed by {signal.Signals(-code).name}"
        except ValueError:  # real-time signals have no name
            return f"the worker was killed by signal {-code}"

    def _printed(self) -> str:
        self._stderr.seek(0, os.SEEK_END)
        self._stderr.seek(max(0, self._stderr.tell() - _MAX_PRINTED_BYTES))
        return self._stderr.read().decode("utf-8", "replace")


def check_version(ready: Ready) -> None:
    """Raise `UpgradedError` if a child is of another version than this process or uses another protocol."""
    if (ready.version, ready.protocol) != (__version__, PROTOCOL):
        raise _upgraded_error(ready.version)


@cache
def _log_missing_fences(missing: tuple[str, ...]) -> None:
    """Log the fences that the system lacks, once in a process."""
    if missing:
        fields = {"event": "fences-missing", "fences": ", ".join(missing)}
        _log.info("workers have no fence around their %s here", fields["fences"], extra={"fields": fields})


def installed_version() -> str | None:
    """Return the version that is installed now; None if that is not known."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("farshot")
    except (PackageNotFoundError, OSError):
        return None


def _upgraded_error(found: str = "") -> UpgradedError:
    workers = f"version {found}" if found not in {"", __version__} else "of another build"
    message = f"the package was changed under this process, which is version {__version__}; its workers are {workers}"
    return UpgradedError(f"{message}: restart it")


def _widen_pipe(pipe: BinaryIO) -> None:
    """Let a pipe hold a whole report, if the system allows it, so that a writer does not wait for the reader."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)


def worker_environment(environment: Mapping[str, str], memory_bytes: int) -> dict[str, str]:
    """Return the environment of a child, without tokens and passwords.

    It has the variables of `environment` that Python and its libraries need and those that an operator names, one
    thread for each library, and the bytes that the child may use.
    """
    named = environment.get(ENVIRONMENT_VARIABLE, "").split(",")
    kept = {name: value for name, value in environment.items() if name in named or _KEPT_VARIABLES.fullmatch(name)}
    single = dict.fromkeys(("RAYON_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    return {**kept, **single, "HOME": _NO_HOME, MEMORY_VARIABLE: str(memory_bytes)}
