"""Who holds a lease, and whether that process is still there.

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


def bury(store: JobStore) -> None:
    """Give back what processes of this machine held that have ended."""
    for holder in store.holders():
        if is_gone(holder):
            revoked = store.revoke(holder)
            fields = {"event": "holder-gone", "holder": holder, "shards": revoked}
            _log.warning("%s has ended; %d shards of it are open again", holder, revoked, extra={"fields": fields})


def holder_name() -> str:
    """Return a name for one dispatcher of this process: host, process, start of the process, a random part."""
    return "/".join((_place(), str(os.getpid()), _started(os.getpid()), uuid.uuid4().hex[:8]))


def is_gone(holder: str) -> bool:
    """Whether `holder` was a process of this machine that has ended. False where that cannot be told.

    >>> is_gone(holder_name())
    False
    """
    place, pid, started, _ = holder.rsplit("/", 3)
    if place != _place():
        return False
    return not _is_running(int(pid)) or started != _started(int(pid))


def _place() -> str:
    """Return the machine and the namespace in which process numbers mean the same."""
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


def _started(pid: int) -> str:
    """Return when a process started, in ticks since boot, so that a number used again is not mistaken for it."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2]
    except OSError:  # another system, or the process has just ended
        return "unknown"
    return fields.split()[19]
