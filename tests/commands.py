"""`farshot` in a process of its own, forked by a host that has imported it already: a start costs little.

The host is `command_host.py`. What an interpreter reads of its environment when it starts, it cannot be told later:
where that differs from what the host was started with, a command has an interpreter of its own.
"""

import atexit
import json
import os
import select
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from functools import cache
from pathlib import Path
from subprocess import PIPE

_HOST = Path(__file__).with_name("command_host.py")
_READ_AT_START = ("PYTHON", "LANG", "LC_", "LD_", "OPENBLAS", "TERMINAL_WIDTH", "FORCE_COLOR", "PY_COLORS")
_MODES = {"stdin": "w", "stdout": "r", "stderr": "r"}
_TEXT = {"encoding": "utf-8"}
KEPT = {name: value for name, value in os.environ.items() if not name.startswith(("FARSHOT", "PYTHON", "COLUMNS"))}
"""What commands have of this process's environment."""


class Command:
    """A process that was forked for a command, with what `subprocess.Popen` has for one."""

    def __init__(self, command, report, stdin, stdout, stderr):
        self.args = command
        self.stdin, self.stdout, self.stderr = stdin, stdout, stderr
        self.returncode = None
        self._report = report
        self.pid = int(self._report.readline())

    def poll(self):
        return self._status(0)

    def wait(self, timeout=None):
        if self._status(timeout) is None:
            raise subprocess.TimeoutExpired(self.args, timeout)
        return self.returncode

    def _status(self, patience):
        if self.returncode is None and select.select([self._report], [], [], patience)[0]:
            with self._report:
                self.returncode = int(self._report.readline())
        return self.returncode

    def communicate(self, text=None, timeout=None):
        """Write `text` and return what the command prints until its end; one that takes too long is killed."""
        streams = [stream for stream in (self.stdout, self.stderr) if stream and not stream.closed]
        with ThreadPoolExecutor(2) as readers, ExitStack() as opened:
            printed = {stream: readers.submit(opened.enter_context(stream).read) for stream in streams}
            if self.stdin and not self.stdin.closed:
                with suppress(BrokenPipeError), self.stdin:
                    self.stdin.write(text or "")
            try:
                self.wait(timeout)
            except subprocess.TimeoutExpired:
                self.kill()
                raise
            found = {stream: reading.result() for stream, reading in printed.items()}
        return found.get(self.stdout), found.get(self.stderr)

    def send_signal(self, number):
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self):
        self.send_signal(signal.SIGTERM)

    def kill(self):
        self.send_signal(signal.SIGKILL)

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        for stream in filter(None, (self.stdin, self.stdout, self.stderr)):
            stream.close()
        self.wait()


class Host:
    """The process that forks commands."""

    def __init__(self, environment):
        self._connection, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        command = [sys.executable, str(_HOST)]
        with theirs:
            self._process = subprocess.Popen(command, env=environment, stdin=theirs, start_new_session=True)
        atexit.register(self.close)

    def start(self, told, descriptors):
        socket.send_fds(self._connection, [json.dumps(told).encode()], descriptors)

    def close(self):
        """End, with every command that has not and is in no session of its own."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._connection.close()


def start(*arguments, **options):
    """Start `farshot` with these arguments; the options are those of `start_module`."""
    return start_module("farshot", *arguments, **options)


def start_module(module, *arguments, environment, folder=".", alone=False, before=(), **streams):
    """Start a module as a program with these arguments in a folder, in this environment and no other.

    A program that is `alone` has a session of its own. Of `stdin`, `stdout` and `stderr`, those are pipes of text that
    are not given; a number is a descriptor of this process. Words `before` it, such as `prlimit --nofile=100`, start an
    interpreter of its own.
    """
    arguments, folder = [str(argument) for argument in arguments], Path(folder).resolve(strict=True)
    streams = {name: streams.get(name, PIPE) for name in _MODES}
    if before or _read_at_start(environment) != _read_at_start(KEPT):
        command = [*before, sys.executable, "-m", module, *arguments]
        return subprocess.Popen(command, cwd=folder, env=environment, start_new_session=alone, **streams, **_TEXT)
    told = {"module": module, "arguments": arguments, "folder": str(folder), "environment": environment, "alone": alone}
    with ExitStack() as given:
        report, reported = _ends(PIPE, "r", given)
        ends = [_ends(stream, _MODES[name], given) for name, stream in streams.items()]
        _host().start(told, [*(theirs for _, theirs in ends), reported])
    return Command([module, *arguments], report, *(ours for ours, _ in ends))


def run(*arguments, text="", timeout=180, **options):
    """Run `farshot` to its end."""
    process = start(*arguments, **options)
    out, err = process.communicate(text, timeout=timeout)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def _ends(stream, mode, given):
    """Return this program's end of a new pipe, and the descriptor for the command; of a file there is no other end."""
    if stream is not PIPE:
        return None, stream if isinstance(stream, int) else stream.fileno()
    reader, writer = os.pipe()
    ours, theirs = (reader, writer) if mode == "r" else (writer, reader)
    given.callback(os.close, theirs)
    return os.fdopen(ours, mode, buffering=1, **_TEXT), theirs


def _read_at_start(environment):
    return {name: value for name, value in environment.items() if name.startswith(_READ_AT_START)}


@cache
def _host():
    return Host({**KEPT, "OPENBLAS_NUM_THREADS": "1"})
