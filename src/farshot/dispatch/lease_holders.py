"""The names of lease holders, by which a holder of this machine that has died is found.

A lease of a process that died runs out by itself; on one machine there is no need to wait for that.
"""

from __future__ import annotations

import logging
import os
import socket
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from farshot.protocols import JobStore


_log = logging.getLogger(__name__)


def revoke_dead_holders(store: JobStore) -> None:
    """Give back the shards that processes of this machine held that have ended."""
    for holder in store.holders():
        if is_gone(holder):
            revoked = store.revoke(holder)
            fields = {"event": "holder-gone", "holder": holder, "shards": revoked}
            _log.warning("%s has ended; %d shards of it are open again", holder, revoked, extra={"fields": fields})


def holder_name() -> str:
    """Return a name for one dispatcher of this process: machine, process, start of the process, a random part."""
    return "/".join((_machine(), str(os.getpid()), _start_ticks(os.getpid()), uuid.uuid4().hex[:8]))


def is_gone(holder: str) -> bool:
    """Return whether `holder` was a process of this machine that has ended; False if that is not known.

    >>> is_gone(holder_name())
    False
    """
    machine, pid, start, _ = holder.rsplit("/", 3)
    return machine == _machine() and (not _is_running(int(pid)) or start != _start_ticks(int(pid)))


def _machine() -> str:
    """Return the name of the machine and of the namespace of its process numbers."""
    try:
        namespace = str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        namespace = "pid"
    return f"{socket.gethostname()}/{namespace}"


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _start_ticks(pid: int) -> str:
    """Return the ticks since boot at which a process started: another one may get the same number later."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2]
    except OSError:  # another system, or the process has just ended
        return "unknown"
    return fields.split()[19]
