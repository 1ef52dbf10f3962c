"""Connections to a database on a server, which may go silent: nobody waits for it without end."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import psycopg
from sqlalchemy import event

if TYPE_CHECKING:
    from collections.abc import Generator

    from sqlalchemy import URL, Engine


_ARGUMENTS = {
    "connect_timeout": 10,
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}


class PatientConnection(psycopg.Connection[Any]):
    """Gives up a server that has said nothing for `most_seconds` in the middle of a call, and closes itself.

    A server's own limits do not help where its process is stopped: its machine still answers for it.
    """

    most_seconds = 60.0

    def wait(self, gen: Any, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401 -- as in the class above, which differs between versions
        """Do what `gen` does with the connection."""
        return super().wait(self._limited(gen), *arguments, **options)

    def _limited(self, steps: Any) -> Generator[Any, Any, Any]:  # noqa: ANN401 -- a generator of the driver
        heard = time.monotonic()
        try:
            wanted = next(steps)
            while True:
                ready = yield wanted
                if ready:
                    heard = time.monotonic()
                elif time.monotonic() - heard > self.most_seconds:
                    self._give_up()
                wanted = steps.send(ready)
        except StopIteration as end:
            return end.value

    def _give_up(self) -> None:
        self.pgconn.finish()
        message = f"the server has said nothing for {self.most_seconds:g} s"
        raise psycopg.OperationalError(message)


def arguments(url: URL) -> dict[str, int]:
    """Return how long connecting and a dead network may take, but for what the address says itself."""
    return {name: value for name, value in _ARGUMENTS.items() if name not in url.query}


def limit_patience(engine: Engine) -> None:
    """Have the connections of `engine` give up a server that is silent."""
    event.listen(engine, "do_connect", _connect)


def _connect(_dialect: object, _record: object, given: tuple[Any, ...], options: dict[str, Any]) -> PatientConnection:
    return PatientConnection.connect(*given, **options)
