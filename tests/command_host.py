"""Imports the project once, which takes a second or two, and forks a process for each command that it is told of.

A message on its connection, which is its standard input, is JSON: the `module` to run and its `arguments`, the `folder`
to run it in, the whole `environment`, and whether it is `alone` in a session of its own. With it come four descriptors:
the program's input, output and errors, and one on which it says its process id once it is what was told, and on which
this program says its exit status once it has ended.
"""

import gc
import json
import os
import pkgutil
import runpy
import select
import socket
import sys
from contextlib import suppress
from importlib import import_module
from pathlib import Path

PACKAGES = ("farshot.backends", "farshot.cli", "farshot.config", "farshot.service", "farshot.store")
IMPORTED_LATE = (
    "alembic.command",
    "alembic.ext.checkconstraint_byname",
    "encodings.idna",
    "httpcore2",
    "psycopg",
    "sqlalchemy.dialects.postgresql.psycopg",
    "sqlalchemy.dialects.sqlite.pysqlite",
    "sqlalchemy.ext.compiler",
    "truststore",
    "typer._adapters",
    "uvicorn.lifespan.on",
    "uvicorn.protocols.http.httptools_impl",
)
"""What these packages' libraries import when they are first used."""
MESSAGE = 2**20


def load():
    """Import what commands and services import, none of which starts a thread: only one alone may fork."""
    for package in map(import_module, PACKAGES):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if ".migrations" not in module.name:
                import_module(module.name)
    for name in IMPORTED_LATE:
        import_module(name)
    assert len(list(Path("/proc/self/task").iterdir())) == 1
    gc.collect()
    gc.freeze()


def next_command(connection):
    """Return what a forked process is told to be, and its descriptors; in this process end with the connection."""
    running = {}
    while True:
        ready, _, _ = select.select([connection, *running], [], [])
        for ended in running.keys() & set(ready):
            say_status(*running.pop(ended))
            os.close(ended)
        if connection not in ready:
            continue
        message, descriptors, _, _ = socket.recv_fds(connection, MESSAGE, 4)
        if not message:
            sys.exit()
        pid = os.fork()
        if not pid:
            connection.detach()
            return json.loads(message), descriptors
        running[os.pidfd_open(pid)] = pid, descriptors.pop()
        for descriptor in descriptors:
            os.close(descriptor)


def say_status(pid, descriptor):
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    with suppress(BrokenPipeError), os.fdopen(descriptor, "w", encoding="ascii") as said:
        said.write(f"{status}\n")


def become(told, descriptors):
    """Be as a program that was just started: in its folder, with its environment, arguments and descriptors alone."""
    *streams, report = descriptors
    for target, source in enumerate(streams):
        os.dup2(source, target)
    if told["alone"]:
        os.setsid()
    os.chdir(told["folder"])
    os.write(report, f"{os.getpid()}\n".encode())
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    os.environ.clear()
    os.environ.update(told["environment"])
    sys.argv = [told["module"], *told["arguments"]]
    sys.path[0] = told["folder"]
    sys.stdin = sys.__stdin__ = renewed(sys.stdin, "r")
    sys.stdout = sys.__stdout__ = renewed(sys.stdout, "w")
    sys.stderr = sys.__stderr__ = renewed(sys.stderr, "w", buffering=1)


def renewed(stream, mode, **options):
    """Return a stream on what its descriptor is now; nothing of the one before is ever written."""
    return os.fdopen(stream.fileno(), mode, encoding=stream.encoding, errors=stream.errors, closefd=False, **options)


if __name__ == "__main__":
    load()
    told, descriptors = next_command(socket.socket(fileno=os.dup(0)))
    become(told, descriptors)
    runpy.run_module(told["module"], run_name="__main__", alter_sys=True)
