"""Connections to a database on a server, which give it up if it goes silent."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import psycopg
from sqlalchemy import create_engine, event

if TYPE_CHECKING:
    from collections.abc import Generator

    from sqlalchemy import URL, Engine


_TIMEOUTS = {
    "connect_timeout": 10,
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}


class PatientConnection(psycopg.Connection[Any]):
    """A connection that closes if the server says nothing for `max_silence_seconds` in the middle of a call.

    A server's own limits do not help if its process is stopped: its machine still answers for it.
    """

    max_silence_seconds = 60.0

    def wait(self, gen: Any, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401 -- as in the class above, which differs between versions
        """Run the driver's generator `gen` to its end and return its result."""
        return super().wait(self._limit_silence(gen), *arguments, **options)

    def _limit_silence(self, steps: Any) -> Generator[Any, Any, Any]:  # noqa: ANN401 -- a generator of the driver
        last_heard = time.monotonic()
        try:
            wanted = next(steps)
            while True:
                ready = yield wanted
                if ready:
                    last_heard = time.monotonic()
                elif time.monotonic() - last_heard > self.max_silence_seconds:
                    self.pgconn.finish()
                    message = f"the server has said nothing for {self.max_silence_seconds:g} s"
                    raise psycopg.OperationalError(message)
                wanted = steps.send(ready)
        except StopIteration as end:
            return end.value


def make_server_engine(url: URL, **options: Any) -> Engine:  # noqa: ANN401 -- options of `create_engine`
    """Return an engine whose connections give up a dead network and a silent server; limits in `url` come first."""
    timeouts = {name: value for name, value in _TIMEOUTS.items() if name not in url.query}
    engine = create_engine(url, connect_args=timeouts, pool_pre_ping=True, hide_parameters=True, **options)
    event.listen(engine, "do_connect", _connect)
    return engine


def _connect(
    _dialect: object, _record: object, arguments: tuple[Any, ...], options: dict[str, Any]
) -> PatientConnection:
    return PatientConnection.connect(*arguments, **options)
