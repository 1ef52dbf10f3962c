"""The machine that a store on a disk belongs to.

SQLite needs locks that work and one clock, so a store in a home folder that several machines share is used by one of
them only.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select

from farshot.errors import StoreHostError
from farshot.store.clock import BootClock
from farshot.store.schema import hosts

if TYPE_CHECKING:
    from sqlalchemy import Connection


_MACHINE_ID = Path("/etc/machine-id")


@dataclass(frozen=True, slots=True)
class Host:
    """A machine."""

    machine: str
    """An id that outlives a boot."""
    boot: str
    """The id of the boot, which the containers of a machine share."""
    name: str

    def is_same(self, other: Host) -> bool:
        """Return whether `other` is this machine: by its id, or because it was booted at the same moment."""
        return self.machine == other.machine or self.boot == other.boot


def this_host() -> Host:
    """Return this machine.

    Its id joins the machine id and the name, since machines installed from one image share the former. It is hashed,
    since machine ids must not be shown.
    """
    try:
        machine_id = _MACHINE_ID.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        machine_id = ""
    name = socket.gethostname()
    identity = f"{machine_id}/{name}".encode()
    return Host(blake2b(identity, digest_size=16, person=b"farshot").hexdigest(), BootClock().boot(), name)


def read_host(connection: Connection) -> Host | None:
    """Return the machine that used the store last; None if there was none."""
    row = connection.execute(select(hosts.c.machine, hosts.c.boot, hosts.c.name)).one_or_none()
    return Host(*row) if row else None


def check_host(last: Host | None, host: Host, place: str) -> None:
    """Raise `StoreHostError` if the store at `place` was last used by another machine than `host`."""
    if last is None or host.is_same(last):
        return
    message = (
        f"the store {place} was last used on the machine {last.name!r}, this one is {host.name!r}. A store is on a "
        "local disk and used by one machine: choose a folder of this machine with data_dir=, --data-dir or "
        f"FARSHOT_DATA_DIR. If no process on {last.name!r} uses it any more (it was moved, copied or renamed), "
        "`farshot adopt` makes it this machine's"
    )
    raise StoreHostError(message)


def adopt(connection: Connection, host: Host) -> None:
    """Make the store belong to `host`."""
    connection.execute(delete(hosts))
    connection.execute(insert(hosts), {"id": 1, "machine": host.machine, "boot": host.boot, "name": host.name})
