"""`serve`: the HTTP service, in this process until a signal stops it."""

from __future__ import annotations

import logging
import os
import shlex
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING

import typer

from farshot import __version__, plugins
from farshot.cli.cell_texts import bytes_text, count_of, printable
from farshot.cli.error_output import DONE
from farshot.cli.service_options import store_text
from farshot.cli.service_parts import ServiceParts
from farshot.errors import ConfigError, TargetError
from farshot.protocols import EXECUTORS
from farshot.service.address import ListenAddress, check_address
from farshot.service.api_page import PAGE
from farshot.service.app import build_app
from farshot.service.logs import configure_logs, log_event
from farshot.service.protocol import Sizes
from farshot.service.server import Settings, serve
from farshot.simulators.targets import check_target

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from farshot.config.resolution import Loaded
    from farshot.protocols import Executor


_log = logging.getLogger("farshot.service")
_FRAMING_BYTES = 64 * 1024
_CLOSING_SECONDS = 5.0
"""Seconds after the grace in which running shards are given back and the workers end."""
_FORCED_EXIT_STATUS = 1
_SWITCH_SECONDS = 0.001
"""Seconds that a working thread may keep the others waiting: a fifth of Python's default. A thread asks for its turn at
every statement to the store, of which a job takes forty, so one thread that read a large request held everybody up.
"""


def run_service(loaded: Loaded, config: Path | None) -> int:
    """Serve until a signal stops the service; `config` is the settings file, which the greeting repeats."""
    settings = loaded.settings
    server = settings.server
    address = ListenAddress(
        host=server.host,
        port=server.port,
        certificate=settings.tls.certificate,
        key=settings.tls.key,
        insecure=server.insecure,
    )
    check_address(address.host, tls=address.certificate is not None, insecure=address.insecure)
    _check_executors(loaded)
    _check_targets(loaded)
    configure_logs(server.log_format)
    sys.setswitchinterval(_SWITCH_SECONDS)
    with ServiceParts.opened(settings) as parts:
        _handle_operator_signal(parts)

        def begin(url: str) -> None:
            parts.start()
            for line in _greeting_lines(url, loaded, parts.executor, config):
                typer.echo(line)

        app = build_app(parts.context())

        def stop() -> None:
            _end_within(server.grace + _CLOSING_SECONDS)
            app.state.feed.close()
            parts.drain()

        sizes = Sizes(body=settings.limits.body + _FRAMING_BYTES)
        serve(app, address, Settings(sizes=sizes, grace=server.grace, on_ready=begin, on_stop=stop))
    return DONE


def _handle_operator_signal(parts: ServiceParts) -> None:
    """Have SIGUSR1 take no new shards, and take some again at the second time.

    The handler has a thread do it: the interrupted code may hold the lock that is needed.
    """

    def handle(_number: int, _frame: object) -> None:
        threading.Thread(target=parts.hold_or_resume, name="farshot-operator").start()

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGUSR1, handle)


def _end_within(seconds: float) -> None:
    """End this process after so many seconds if a store or a thread that never answers keeps it.

    That is no worse than being killed: what is accepted is in the store, and leases run out.
    """

    def end() -> None:
        time.sleep(seconds)
        log_event(_log, logging.ERROR, "service-ended-hard", reason=f"it had not stopped after {seconds:g} s")
        os._exit(_FORCED_EXIT_STATUS)

    threading.Thread(target=end, name="farshot-last-resort", daemon=True).start()


def _check_executors(loaded: Loaded) -> None:
    """Raise `ConfigError` for an executor that no package has."""
    known = sorted(plugins.names(EXECUTORS))
    settings = loaded.settings
    named = {"server.executor": settings.server.executor}
    named |= {f"targets.{name}.executor": target.executor for name, target in settings.targets.items()}
    for place, name in named.items():
        if name not in known:
            origin = loaded.origins.get(place) or loaded.origins.get(place.rpartition(".")[0], "")
            message = f"{origin}: {place}: {name!r} is not one of: {', '.join(known)}"
            raise ConfigError(message)


def _check_targets(loaded: Loaded) -> None:
    """Raise `ConfigError` for a target on offer that cannot be used here."""
    for name in loaded.settings.targets:
        try:
            check_target(name)
        except TargetError as error:
            message = f"{loaded.origins[f'targets.{name}']}: {error}"
            raise ConfigError(message) from None


def _greeting_lines(url: str, loaded: Loaded, executor: Executor, config: Path | None) -> Iterator[str]:
    settings = loaded.settings
    workers = f"{count_of(executor.workers, 'worker')}, {bytes_text(executor.memory)} of memory each"
    yield f"Farshot {__version__} serves at {url}"
    yield f"  API      {url}{PAGE}"
    yield f"  jobs in  {printable(store_text(settings))}, run by {workers}"
    yield f"  token    {_token_command(loaded, config)}"
    yield f"  clients  farshot login {shlex.quote(url)}, then submit, jobs, watch, results, cancel"
    yield f"  stop     Ctrl-C or SIGTERM: running circuits have {settings.server.grace}, the rest stays queued"


def _token_command(loaded: Loaded, config: Path | None) -> str:
    """Return the command that makes a token for the same store. Its address may hold a password and is left out."""
    words = ["farshot", "token", "create", "NAME", *(["--config", str(config.absolute())] if config else [])]
    if loaded.origins.get("server.data_dir", "").startswith("flag"):
        words += ["--data-dir", str(loaded.settings.server.data_dir)]
    is_named = loaded.origins.get("server.store", "").startswith("flag")
    return shlex.join(words) + (" --store URL" if is_named else "")
