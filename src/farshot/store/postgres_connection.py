"""Connections to a database on a server, which give it up if it goes silent."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import psycopg
from sqlalchemy import event

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
                    self._close_silent()
                wanted = steps.send(ready)
        except StopIteration as end:
            return end.value

    def _close_silent(self) -> None:
        self.pgconn.finish()
        message = f"the server has said nothing for {self.max_silence_seconds:g} s"
        raise psycopg.OperationalError(message)


def connect_timeouts(url: URL) -> dict[str, int]:
    """Return the limits for connecting and for a dead network, without those that the address gives itself."""
    return {name: value for name, value in _TIMEOUTS.items() if name not in url.query}


def use_patient_connections(engine: Engine) -> None:
    """Have the connections of `engine` be `PatientConnection`s."""
    event.listen(engine, "do_connect", _connect)


def _connect(
    _dialect: object, _record: object, arguments: tuple[Any, ...], options: dict[str, Any]
) -> PatientConnection:
    return PatientConnection.connect(*arguments, **options)
