"""Who holds a lease, and whether that process is still there.

A lease of a process that died runs out by itself; on one machine there is no need to wait for that.
"""

from __future__ import annotations

import os
import socket
import uuid
from pathlib import Path

__all__ = ["holder_name", "is_gone"]


def holder_name() -> str:
    """Return a name for one dispatcher of this process: host, process, start of the process, a random part."""
    return "/".join((socket.gethostname(), str(os.getpid()), _started(os.getpid()), uuid.uuid4().hex[:8]))


def is_gone(holder: str) -> bool:
    """Whether `holder` was a process of this machine that has ended. False where that cannot be told.

    >>> is_gone(holder_name())
    False
    """
    host, _, rest = holder.partition("/")
    if host != socket.gethostname():
        return False
    pid, started, _ = rest.split("/")
    return not _is_running(int(pid)) or started != _started(int(pid))


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
    except FileNotFoundError:  # another system, or the process has ended
        return "unknown"
    return fields.split()[19]
