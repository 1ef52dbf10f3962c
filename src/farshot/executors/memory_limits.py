"""The cores and the memory of this process: a container or a batch job has less than its machine."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


_MOUNTS = Path("sys/fs/cgroup")

_MIN_MEMORY_BYTES = 2**28
"""A worker with less cannot load the default simulator; most of it is address space that is never filled."""


def usable_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def fair_memory(workers: int) -> int:
    """Return the bytes that each of `workers` may use: an equal share of nine tenths of the machine's memory, or of
    what a container or a batch system allows, and never too little to start.
    """
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return max(_MIN_MEMORY_BYTES, min(machine, memory_limit() or machine) * 9 // 10 // workers)


def memory_limit(root: Path = Path("/")) -> int | None:
    """Return the lowest limit in bytes of the control groups of this process; None if none has a limit.

    `root` is the folder that has `proc` and `sys`. Both versions of control groups are read.
    """
    texts = (_read_text(file).strip() for file in _limit_files(root))
    return min((int(text) for text in texts if text.isdecimal()), default=None)


def _limit_files(root: Path) -> Iterator[Path]:
    """Yield the files that may hold a limit, also those of the groups above, whose limits apply as well."""
    for line in _read_text(root / "proc/self/cgroup").splitlines():
        _, controllers, group = line.split(":", 2)
        if not controllers:
            yield from _files_upwards(root / _MOUNTS, group, "memory.max")
        elif "memory" in controllers.split(","):
            yield from _files_upwards(root / _MOUNTS / "memory", group, "memory.limit_in_bytes")


def _files_upwards(mount: Path, group: str, name: str) -> Iterator[Path]:
    inside = PurePosixPath(group.lstrip("/"))
    for folder in (inside, *inside.parents):
        yield mount / folder / name


def _read_text(file: Path) -> str:
    """Return the text of a file; none if it does not exist or may not be read."""
    try:
        return file.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return ""
