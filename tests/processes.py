"""Looking at the processes of this machine, as tests of faults need it."""

import time
from pathlib import Path


def children_of(pid):
    tasks = Path(f"/proc/{pid}/task")
    return [int(child) for task in tasks.iterdir() for child in _said(task / "children").split()]


def workers_of(pid):
    return [child for child in children_of(pid) if b"farshot.worker" in _said(Path(f"/proc/{child}/cmdline"))]


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
    """Wait half a minute at most until something is so."""
    for _ in range(1500):
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError
