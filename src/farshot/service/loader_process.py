"""The program of the loader: `python -m farshot.service.loader_process SOCKET`, with its plan on standard input.

It serves the routes of the service until standard input ends.
"""

from __future__ import annotations

import shutil
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import uvicorn

from farshot.accounts import Quota
from farshot.dispatch.changes import Changes
from farshot.service.allocator import limit_kept_memory
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


_KEEP_ALIVE_SECONDS = 3600
"""The time for which an idle connection is kept: longer than by the service, which else might use one that ends."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of the process."""

    url: str
    """The URL of the store."""
    limits: Limits
    quota: Quota
    targets: list[TargetDocument]
    log_format: LogFormat


class _Server(uvicorn.Server):
    """Reports that it serves, and stops once standard input ends."""

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
    stream = sys.stdin.buffer
    plan = msgspec.json.decode(stream.read(int.from_bytes(stream.read(8), "little")), type=Plan)
    configure_logs(plan.log_format)
    limit_kept_memory()
    engine = open_engine(plan.url)
    try:
        config = uvicorn.Config(
            guarded(build_loader(_build_context(plan, engine))),
            uds=path,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        )
        _Server(config).run()
    finally:
        engine.dispose()
        shutil.rmtree(Path(path).parent, ignore_errors=True)  # if the service was killed, nobody else does


def _build_context(plan: Plan, engine: Engine) -> Context:
    """Return the parts of the application; the service that passes a request on has its job worked on."""
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
