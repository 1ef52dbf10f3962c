"""The child, `python -m farshot.worker BOARD MEMORY NICENESS`. Only `farshot.worker.supervisor` starts it."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import sys
from functools import partial
from pathlib import Path
from typing import BinaryIO

from farshot.simulators.router import Router
from farshot.version import __version__
from farshot.worker.board import Board
from farshot.worker.frames import PROTOCOL, Assignment, Inspection, Ready, Verdict, read_frame, write_frame
from farshot.worker.reporter import Reporter
from farshot.worker.run import inspect_source, run_assignment, warm_up
from farshot.worker.sandbox import raise_fences

_PR_SET_PDEATHSIG = 1
_AUTOGROUP = Path("/proc/self/autogroup")


def main(board_descriptor: str, memory_bytes: str, niceness: str) -> None:
    """Answer assignments and inspections until the parent closes the pipe."""
    _die_with_parent()
    _lower_priority(int(niceness))
    _limit_memory(int(memory_bytes))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    inbox, outbox = _take_pipes()
    board = Board(int(board_descriptor))
    router = Router()
    with contextlib.suppress(BrokenPipeError):
        warm_up(router)
        write_frame(outbox, Ready(__version__, PROTOCOL, raise_fences()))
        reporter = Reporter(partial(write_frame, outbox))
        while (message := read_frame(inbox)) is not None:
            if isinstance(message, Assignment):
                run_assignment(message, router, board, reporter)
            elif isinstance(message, Inspection):
                for position, source in enumerate(message.sources, message.first):
                    board.announce(position)
                    write_frame(outbox, Verdict(inspect_source(router, message.spec, position, source)))
            board.clear()


def _take_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Move the pipes away from descriptors 0 and 1, so that the output of a library does not mix with frames."""
    inbox, outbox = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    return inbox, outbox


def _die_with_parent() -> None:
    """Have the kernel kill this process when its parent dies, even within native code (Linux)."""
    if sys.platform != "linux":
        return
    parent = os.getppid()
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit(1)


def _lower_priority(niceness: int) -> None:
    """Set the niceness of this process, and of its session if the kernel shares the cores among sessions (sched(7))."""
    if not niceness:
        return
    os.nice(niceness)
    with contextlib.suppress(OSError):
        _AUTOGROUP.write_text(str(niceness), encoding="ascii")


def _limit_memory(limit: int) -> None:
    """Limit the address space to `limit` bytes, so that one circuit cannot starve the machine."""
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    allowed = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
    resource.setrlimit(resource.RLIMIT_AS, (allowed, allowed))


if __name__ == "__main__":
    main(*sys.argv[1:])
