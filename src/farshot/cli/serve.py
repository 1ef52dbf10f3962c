"""`serve`: the HTTP service, in this process until it is told to stop."""

from __future__ import annotations

import shlex
import signal
import sys
import threading
from typing import TYPE_CHECKING

import typer

from farshot import __version__
from farshot.cli.cell_texts import bytes_text, count_of, printable
from farshot.cli.error_output import DONE
from farshot.cli.forced_exit import end_within
from farshot.cli.service_runtime import ServiceRuntime
from farshot.cli.settings_store import store_text
from farshot.errors import ConfigError, TargetError
from farshot.service.address import ListenAddress, check_address
from farshot.service.api_page import PAGE
from farshot.service.app import build_app
from farshot.service.logs import configure_logs
from farshot.service.protocol import Sizes
from farshot.service.server import Settings, serve
from farshot.simulators.targets import check_target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from farshot.config.resolution import Loaded
    from farshot.config.settings import ServiceSettings


_FRAMING = 64 * 1024
_LAST_SECONDS = 5.0
"""Seconds after the grace in which what was begun is given back and the workers end."""


_TURN_SECONDS = 0.001
"""Seconds that a thread which works may keep the others waiting: a fifth of what Python takes. A thread asks for its
turn at every statement to the store, and there are forty for a job, so that what one user sends, and takes a thread
long to read, held everybody up.
"""


def run_service(loaded: Loaded, config: Path | None) -> int:
    """Serve until a signal says to stop; `config` is the file that was named, for what is said at the start."""
    settings = loaded.settings
    binding = _binding(settings)
    check_address(binding.host, tls=binding.certificate is not None, insecure=binding.insecure)
    _check_targets(loaded)
    configure_logs(settings.server.log_format)
    sys.setswitchinterval(_TURN_SECONDS)
    with ServiceRuntime.opened(settings) as house:
        _heed_operator(house)

        def begin(url: str) -> None:
            house.start()
            for line in _greeting(url, loaded, house, config):
                typer.echo(line)

        app = build_app(house.parts())

        def stop() -> None:
            end_within(settings.server.grace + _LAST_SECONDS)
            app.state.feed.close()
            house.drain()

        serve(app, binding, _transport(settings, begin, stop))
    return DONE


def _heed_operator(house: ServiceRuntime) -> None:
    """Have SIGUSR1 take no new shards, and take some again at the second time.

    The handler has a thread do it: what it interrupts may hold the lock that is needed.
    """

    def turn(_number: int, _frame: object) -> None:
        threading.Thread(target=house.hold_or_resume, name="farshot-operator").start()

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGUSR1, turn)


def _transport(settings: ServiceSettings, begin: Callable[[str], None], stop: Callable[[], None]) -> Settings:
    return Settings(
        sizes=Sizes(body=settings.limits.body + _FRAMING),
        grace=settings.server.grace,
        on_ready=begin,
        on_stop=stop,
    )


def _binding(settings: ServiceSettings) -> ListenAddress:
    return ListenAddress(
        host=settings.server.host,
        port=settings.server.port,
        certificate=settings.tls.certificate,
        key=settings.tls.key,
        insecure=settings.server.insecure,
    )


def _check_targets(loaded: Loaded) -> None:
    """Raise `ConfigError` for a target on offer that cannot be used here."""
    for name in loaded.settings.targets:
        try:
            check_target(name)
        except TargetError as error:
            message = f"{loaded.origins[f'targets.{name}']}: {error}"
            raise ConfigError(message) from None


def _greeting(url: str, loaded: Loaded, house: ServiceRuntime, config: Path | None) -> Iterator[str]:
    settings = loaded.settings
    workers = f"{count_of(house.executor.workers, 'worker')}, {bytes_text(house.executor.memory)} of memory each"
    yield f"Farshot {__version__} serves at {url}"
    yield f"  API      {url}{PAGE}"
    yield f"  jobs in  {printable(store_text(settings))}, run by {workers}"
    yield f"  token    {_token_command(loaded, config)}"
    yield f"  clients  farshot login {shlex.quote(url)}, then submit, jobs, watch, results, cancel"
    yield f"  stop     Ctrl-C or SIGTERM: running circuits have {settings.server.grace}, the rest stays queued"


def _token_command(loaded: Loaded, config: Path | None) -> str:
    """Return what makes a token for the same store; an address may hold a password and is not repeated."""
    words = ["farshot", "token", "create", "NAME", *(["--config", str(config.absolute())] if config else [])]
    if loaded.origins.get("server.data_dir", "").startswith("flag"):
        words += ["--data-dir", str(loaded.settings.server.data_dir)]
    named = loaded.origins.get("server.store", "").startswith("flag")
    return shlex.join(words) + (" --store URL" if named else "")
