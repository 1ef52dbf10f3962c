"""How much memory the control groups of this process allow: a container or a batch job has less than its machine."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


_MOUNTS = Path("sys/fs/cgroup")

_LEAST_MEMORY = 2**28
"""Bytes below which a worker cannot load the default simulator; most of them are address space that it never fills."""


def usable_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def fair_memory(workers: int) -> int:
    """Return the bytes of memory that each of `workers` may use: an equal share of nine tenths of the machine, or
    of what a container or a batch system leaves of it; never too little to start.
    """
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return max(_LEAST_MEMORY, min(machine, memory_limit() or machine) * 9 // 10 // workers)


def memory_limit(root: Path = Path("/")) -> int | None:
    """Return the least bytes that a control group of this process allows; None where none sets a limit.

    `root` is the folder that has `proc` and `sys`. Both versions of control groups are understood.
    """
    texts = (_text(file).strip() for file in _limit_files(root))
    return min((int(text) for text in texts if text.isdecimal()), default=None)


def _limit_files(root: Path) -> Iterator[Path]:
    """Yield the files that may hold a limit, those of the groups above included: they bind as well."""
    for line in _text(root / "proc/self/cgroup").splitlines():
        _, controllers, group = line.split(":", 2)
        if not controllers:
            yield from _upwards(root / _MOUNTS, group, "memory.max")
        elif "memory" in controllers.split(","):
            yield from _upwards(root / _MOUNTS / "memory", group, "memory.limit_in_bytes")


def _upwards(mount: Path, group: str, name: str) -> Iterator[Path]:
    inside = PurePosixPath(group.lstrip("/"))
    for folder in (inside, *inside.parents):
        yield mount / folder / name


def _text(file: Path) -> str:
    """Return what a file holds; nothing, where it is not there or may not be read."""
    try:
        return file.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return ""
