"""The fences around a child from the moment it serves, since it runs circuits that strangers wrote.

It has no new privileges, no capabilities and no core dumps; no file but those of Python, its packages and the system's
libraries; no socket, no other program, no signal to other processes. The kernel (Linux) enforces these fences.
"""

from __future__ import annotations

import ctypes
import os
import platform
import resource
import struct
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


PATHS_VARIABLE = "FARSHOT_WORKER_PATHS"
"""The environment variable with further files and folders that simulators may use, joined by ':'."""

_SYSTEM_PATHS = (
    "/usr",
    "/lib",
    "/lib64",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/proc/self",
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/proc/stat",
    "/sys/devices/system",
    "/sys/fs/cgroup",
    "/dev/zero",
    "/dev/random",
    "/dev/urandom",
)

_MISSING_FOLDER = "/nonexistent"

_PR_SET_DUMPABLE, _PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS, _PR_CAP_AMBIENT = 4, 24, 38, 47
_CAP_AMBIENT_CLEAR_ALL, _LAST_CAPABILITY, _CAPABILITY_VERSION = 4, 63, 0x20080522

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_FOLDER, _TRUNCATE, _CONTROL = 1, 1 << 1, 1 << 2, 1 << 3, 1 << 14, 1 << 15
_FILE_RIGHTS = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _CONTROL
_ALL_RIGHTS = ((1, (1 << 13) - 1), (2, 1 << 13), (3, _TRUNCATE), (5, _CONTROL))
"""Rights over files, with the version of Landlock that introduced them."""
_NETWORK, _SCOPES = 0b11, 0b11

_SECCOMP_SET_FILTER, _TO_ALL_THREADS, _WITHOUT_SLOWING = 1, 1, 4
_DENY, _ALLOW, _KILL = 0x0005_0001, 0x7FFF_0000, 0x8000_0000
_LOAD, _IS, _IS_AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_CALL_NUMBERS = {  # audit number, seccomp, socket, ptrace, process_vm_*, execve*, unshare, setns, io_uring, pidfd_getfd
    "x86_64": (0xC000003E, 317, (41, 101, 310, 311, 59, 322, 272, 308, 425, 438)),
    "aarch64": (0xC00000B7, 277, (198, 117, 270, 271, 221, 281, 97, 268, 425, 438)),
}
_FOREIGN_CALLS = 0x4000_0000
"""The lowest number of the calls of another convention on x86-64."""


def raise_fences() -> tuple[str, ...]:
    """Raise every fence that the system has, for good, and return the names of the missing ones.

    The folder for temporary files is set to a missing one, because some libraries search for one when they are loaded.
    """
    tempfile.tempdir = _MISSING_FOLDER
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform != "linux":
        return ("privileges", "files", "calls")
    fences: dict[str, Callable[[], object]] = {
        "privileges": _drop_privileges,
        "files": _restrict_files,
        "calls": _restrict_calls,
    }
    return tuple(name for name, raise_fence in fences.items() if not _succeeds(raise_fence))


def _succeeds(raise_fence: Callable[[], object]) -> bool:
    try:
        raise_fence()
    except OSError:
        return False
    return True


def _call(function: str, *arguments: object) -> int:
    """Call a function of the C library and return its result; raises `OSError` if that is negative."""
    result = int(getattr(_LIBC, function)(*arguments))
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


_LIBC = ctypes.CDLL(None, use_errno=True)


def _set_process_option(option: int, value: int = 0) -> None:
    _call("prctl", ctypes.c_long(option), ctypes.c_long(value), ctypes.c_long(0), ctypes.c_long(0), ctypes.c_long(0))


def _drop_privileges() -> None:
    """Drop all capabilities, forbid new privileges, and forbid other processes to read this one."""
    _set_process_option(_PR_SET_NO_NEW_PRIVS, 1)
    _set_process_option(_PR_SET_DUMPABLE, 0)
    with suppress(OSError):  # the system has fewer capabilities, or the process has none
        for capability in range(_LAST_CAPABILITY):
            _set_process_option(_PR_CAPBSET_DROP, capability)
    with suppress(OSError):
        _set_process_option(_PR_CAP_AMBIENT, _CAP_AMBIENT_CLEAR_ALL)
    head = struct.pack("=Ii", _CAPABILITY_VERSION, 0)
    _call("capset", head, bytes(24))


def _restrict_files() -> None:
    """Allow only the files that Python and its packages read (Landlock)."""
    version = _call("syscall", ctypes.c_long(_CREATE_RULESET), None, ctypes.c_long(0), ctypes.c_long(1))
    rights = sum(right for since, right in _ALL_RIGHTS if version >= since)
    attributes = [rights, *([_NETWORK] if version >= 4 else []), *([_SCOPES] if version >= 6 else [])]
    packed = struct.pack(f"={len(attributes)}Q", *attributes)
    rules = _call("syscall", ctypes.c_long(_CREATE_RULESET), packed, ctypes.c_long(len(packed)), ctypes.c_long(0))
    try:
        for path in (*_SYSTEM_PATHS, *{sys.prefix, sys.base_prefix, sys.exec_prefix, *filter(os.path.isabs, sys.path)}):
            _allow(rules, path, _READ_FILE | _READ_FOLDER)
        _allow(rules, os.devnull, _READ_FILE | _WRITE_FILE)
        for path in filter(None, os.environ.get(PATHS_VARIABLE, "").split(":")):
            _allow(rules, path, rights)
        _call("syscall", ctypes.c_long(_RESTRICT_SELF), ctypes.c_long(rules), ctypes.c_long(0))
    finally:
        os.close(rules)


def _allow(rules: int, path: str, rights: int) -> None:
    """Allow `rights` at `path` and below, if it exists."""
    try:
        opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        rule = struct.pack("=Qi", rights if Path(path).is_dir() else rights & _FILE_RIGHTS, opened)
        _call("syscall", ctypes.c_long(_ADD_RULE), ctypes.c_long(rules), ctypes.c_long(1), rule, ctypes.c_long(0))
    finally:
        os.close(opened)


def _restrict_calls() -> None:
    """Forbid the system calls that reach other machines, processes and programs (seccomp)."""
    known = _CALL_NUMBERS.get(platform.machine())
    if known is None:
        raise OSError
    audit, seccomp, denied = known
    program = ctypes.create_string_buffer(_call_filter(audit, denied))
    described = struct.pack("HP", len(program.raw) // 8, ctypes.addressof(program))
    flags = _TO_ALL_THREADS | _WITHOUT_SLOWING
    _call("syscall", ctypes.c_long(seccomp), ctypes.c_long(_SECCOMP_SET_FILTER), ctypes.c_long(flags), described)


def _call_filter(audit: int, denied: tuple[int, ...]) -> bytes:
    """Return the filter by which `denied` calls fail, and calls of another machine or convention end the process."""
    last = len(denied)
    steps = [
        (_LOAD, 0, 0, 4),
        (_IS, 1, 0, audit),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, 0),
        (_IS_AT_LEAST, 0, 1, _FOREIGN_CALLS),
        (_RETURN, 0, 0, _KILL),
        *((_IS, last - at, 0, number) for at, number in enumerate(denied)),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _DENY),
    ]
    return b"".join(struct.pack("=HBBI", *step) for step in steps)
