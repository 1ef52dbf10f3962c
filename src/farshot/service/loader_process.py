"""What the loader runs: `python -m farshot.service.loader_process SOCKET`, its plan on standard input.

It serves the routes that take a body, as the service does, until standard input ends.
"""

from __future__ import annotations

import shutil
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import msgspec
import uvicorn

from farshot.accounts import Quota
from farshot.dispatch.changes import Changes
from farshot.service.allocator import keep_little
from farshot.service.app import build_loader
from farshot.service.context import Context, Limits
from farshot.service.logs import LogFormat, configure_logs
from farshot.service.server import guarded
from farshot.store import SqlStore, open_engine
from farshot.store.accounts import SqlAccounts
from farshot.store.uploads import SqlUploads
from farshot.version import __version__
from farshot.wire import TargetDocument
from farshot.worker.frames import PROTOCOL, Ready, write_frame

if TYPE_CHECKING:
    import socket

    from sqlalchemy import Engine
    from starlette.types import ASGIApp


_KEPT_ALIVE = 3600
"""Seconds for which an idle connection is kept: longer than the service does, which else might ask on one that ends."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What the process needs to know: the store, what users may have and what is on offer."""

    url: str
    limits: Limits
    quota: Quota
    targets: list[TargetDocument]
    log_format: LogFormat


class _Server(uvicorn.Server):
    """Says that it serves, and stops once its standard input ends."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        threading.Thread(target=self._end_with_service, daemon=True).start()
        write_frame(sys.stdout.buffer, Ready(__version__, PROTOCOL))

    def _end_with_service(self) -> None:
        sys.stdin.buffer.read()
        self.should_exit = True


def main(path: str) -> None:
    """Serve on a socket at `path`."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    plan = _read_plan(sys.stdin.buffer)
    configure_logs(plan.log_format)
    keep_little()
    engine = open_engine(plan.url)
    try:
        _Server(_config(path, guarded(build_loader(_parts(plan, engine))))).run()
    finally:
        engine.dispose()
        shutil.rmtree(Path(path).parent, ignore_errors=True)  # where the service was killed, nobody else does


def _config(path: str, app: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        uds=path,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        timeout_keep_alive=_KEPT_ALIVE,
    )


def _read_plan(stream: BinaryIO) -> Plan:
    size = int.from_bytes(stream.read(8), "little")
    return msgspec.json.decode(stream.read(size), type=Plan)


def _parts(plan: Plan, engine: Engine) -> Context:
    """Return what the routes need; whoever passes a request on has its job worked on."""
    jobs = SqlStore(engine, quota=plan.quota)
    return Context(
        jobs=jobs,
        uploads=SqlUploads(engine, quota=plan.quota),
        accounts=SqlAccounts(engine),
        changes=Changes(),
        add=jobs.add,
        wake=lambda: None,
        targets=lambda: plan.targets,
        limits=plan.limits,
    )


if __name__ == "__main__":
    main(sys.argv[1])
