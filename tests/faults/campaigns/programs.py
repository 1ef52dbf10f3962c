"""Starting the programs of the campaigns, and looking at their processes."""

import contextlib
import os
import signal
import time
from pathlib import Path
from subprocess import PIPE

from commands import KEPT, start_module
from processes import is_alive, workers_of

TESTS = Path(__file__).parent.parent.parent
BOUND = 120
"""Seconds after which something that was waited for counts as never."""


def start(name, *arguments, **streams):
    """Start a program of this folder, whose streams are this process's where no others are given."""
    streams = {"stdin": 0, "stdout": 1, "stderr": 2} | streams
    return start_module(f"faults.campaigns.{name}", *arguments, environment=KEPT, folder=TESTS, **streams)


def until(condition, seconds=BOUND):
    """Wait until something holds; return for how long."""
    started = time.perf_counter()
    while not condition():
        waited = time.perf_counter() - started
        if waited > seconds:
            message = f"not within {seconds} s: {condition}"
            raise TimeoutError(message)
        time.sleep(0.002)
    return time.perf_counter() - started


def workers(pid):
    """Return the workers of a program, also while one of them ends."""
    with contextlib.suppress(OSError):
        return workers_of(pid)
    return []


def processor_seconds(pid):
    """Return how long a process has computed; 0 where it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_bytes(pid):
    """Return the memory that a process has in use; 0 where it is gone."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text(encoding="utf-8").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def kill(pid):
    """Kill one process that may be gone already."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def left_over(pids):
    """Return those processes that still live a while after they should have ended."""
    with contextlib.suppress(TimeoutError):
        until(lambda: not any(map(is_alive, pids)), 10)
    return [pid for pid in pids if is_alive(pid)]


class Commanded:
    """The driver's end of one `commanded` program."""

    def __init__(self, folder, workers=1):
        self.process = start("commanded", folder, workers, stdin=PIPE, stdout=PIPE)
        self.pid = self.process.pid
        self.spent = {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        try:
            self.process.wait(BOUND)
        finally:
            self.process.kill()
            self.process.wait()
            self.process.stdout.close()

    def tell(self, *words):
        """Give a command without waiting for its answer."""
        self.process.stdin.write(" ".join(map(str, words)) + "\n")

    def answer(self):
        """Wait for the next answer."""
        line = self.process.stdout.readline()
        if not line:
            message = "the program ended without an answer"
            raise EOFError(message)
        return line.split()[1:]

    def ask(self, *words):
        """Give a command and wait for its answer."""
        self.tell(*words)
        return self.answer()
