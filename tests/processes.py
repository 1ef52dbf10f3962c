"""Looking at the processes of this machine, as tests of faults need it."""

import os
import signal
import time
from pathlib import Path


def children_of(pid):
    tasks = Path(f"/proc/{pid}/task")
    return [int(child) for task in tasks.iterdir() for child in _said(task / "children").split()]


def workers_of(pid):
    return [child for child in children_of(pid) if b"farshot.worker" in _said(Path(f"/proc/{child}/cmdline"))]


def loader_of(pid):
    """Return the process that answers the large requests of a service; None where it has none yet."""
    found = (child for child in children_of(pid) if b"loader_process" in _said(Path(f"/proc/{child}/cmdline")))
    return next(found, None)


def kill_worker(executor, wanted=lambda _position: True):
    """Kill a worker that has announced a circuit at a position that is wanted; return its process id and the position.

    By then it runs that circuit or is about to; nothing is left to chance but the instant.
    """

    def found():
        return [(pid, at) for pid, at in executor.announced().items() if wanted(at) and is_alive(pid)]

    chosen = []
    until(lambda: chosen.extend(found()) or chosen)
    pid, position = chosen[0]
    os.kill(pid, signal.SIGKILL)
    until(lambda: not is_alive(pid))
    return pid, position


def _said(file):
    """Return what the system says of a thread or a process: nothing, where it has just ended."""
    try:
        return file.read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


def is_alive(pid):
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


def until(condition):
    """Wait two minutes at most until something is so."""
    for _ in range(6000):
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError
