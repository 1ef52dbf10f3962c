"""What a child may not do from the moment it serves: it runs what strangers wrote.

No new privileges, no capabilities, no core dumps; no file but what Python, its packages and the system's libraries are
made of, no socket, no other program, no signal to other processes. It is the kernel (Linux) that holds these fences.
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
    from collections.abc import Callable, Iterator


PATHS = "FARSHOT_WORKER_PATHS"
"""The environment variable that names files and folders which simulators may use beside those below, joined by ':'."""

_SYSTEM = (
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

_NOWHERE = "/nonexistent"

_PR_SET_DUMPABLE, _PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS, _PR_CAP_AMBIENT = 4, 24, 38, 47
_CAP_AMBIENT_CLEAR_ALL, _LAST_CAPABILITY, _CAPABILITY_VERSION = 4, 63, 0x20080522

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_FOLDER, _TRUNCATE, _CONTROL = 1, 1 << 1, 1 << 2, 1 << 3, 1 << 14, 1 << 15
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _CONTROL
_ALL_RIGHTS = ((1, (1 << 13) - 1), (2, 1 << 13), (3, _TRUNCATE), (5, _CONTROL))
"""Rights over files, by the version of Landlock that has them first."""
_NETWORK, _SCOPES = 0b11, 0b11

_SECCOMP_SET_FILTER, _TO_ALL_THREADS, _WITHOUT_SLOWING = 1, 1, 4
_DENY, _ALLOW, _KILL = 0x0005_0001, 0x7FFF_0000, 0x8000_0000
_LOAD, _IS, _IS_AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_CALLS = {  # audit number, seccomp, then: socket, ptrace, process_vm_*, execve*, unshare, setns, io_uring, pidfd_getfd
    "x86_64": (0xC000003E, 317, (41, 101, 310, 311, 59, 322, 272, 308, 425, 438)),
    "aarch64": (0xC00000B7, 277, (198, 117, 270, 271, 221, 281, 97, 268, 425, 438)),
}
_FOREIGN_CALLS = 0x4000_0000
"""From here on x86-64 numbers the calls of another convention."""


def raise_fences() -> tuple[str, ...]:
    """Raise every fence that the system has, for good; return the names of those that it has not.

    Libraries that look for a folder for temporary files when they are loaded are told of one that is not there.
    """
    tempfile.tempdir = _NOWHERE
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform != "linux":
        return ("privileges", "files", "calls")
    fences: dict[str, Callable[[], object]] = {
        "privileges": _drop_privileges,
        "files": _leave_files,
        "calls": _leave_calls,
    }
    return tuple(name for name, raise_fence in fences.items() if not _holds(raise_fence))


def _holds(raise_fence: Callable[[], object]) -> bool:
    try:
        raise_fence()
    except OSError:
        return False
    return True


def _call(function: str, *arguments: object) -> int:
    """Call the C library; raises `OSError`."""
    result = int(getattr(_C, function)(*arguments))
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


_C = ctypes.CDLL(None, use_errno=True)


def _number(value: int) -> ctypes.c_long:
    return ctypes.c_long(value)


def _set(option: int, value: int = 0) -> None:
    _call("prctl", _number(option), _number(value), _number(0), _number(0), _number(0))


def _drop_privileges() -> None:
    """Nobody looks into this process, and it never gets what it does not have now; root's capabilities are gone."""
    _set(_PR_SET_NO_NEW_PRIVS, 1)
    _set(_PR_SET_DUMPABLE, 0)
    with suppress(OSError):  # there are fewer of them, or there is none to give up
        for capability in range(_LAST_CAPABILITY):
            _set(_PR_CAPBSET_DROP, capability)
    with suppress(OSError):
        _set(_PR_CAP_AMBIENT, _CAP_AMBIENT_CLEAR_ALL)
    head = struct.pack("=Ii", _CAPABILITY_VERSION, 0)
    _call("capset", head, bytes(24))


def _leave_files() -> None:
    """Leave nothing within reach but what Python and its packages read (Landlock)."""
    version = _call("syscall", _number(_CREATE_RULESET), None, _number(0), _number(1))
    rights = sum(right for since, right in _ALL_RIGHTS if version >= since)
    attributes = [rights, *([_NETWORK] if version >= 4 else []), *([_SCOPES] if version >= 6 else [])]
    packed = struct.pack(f"={len(attributes)}Q", *attributes)
    rules = _call("syscall", _number(_CREATE_RULESET), packed, _number(len(packed)), _number(0))
    try:
        for path in _readable():
            _allow(rules, path, _READ_FILE | _READ_FOLDER)
        _allow(rules, os.devnull, _READ_FILE | _WRITE_FILE)
        for path in filter(None, os.environ.get(PATHS, "").split(":")):
            _allow(rules, path, rights)
        _call("syscall", _number(_RESTRICT_SELF), _number(rules), _number(0))
    finally:
        os.close(rules)


def _readable() -> Iterator[str]:
    yield from _SYSTEM
    yield from {sys.prefix, sys.base_prefix, sys.exec_prefix, *filter(os.path.isabs, sys.path)}


def _allow(rules: int, path: str, rights: int) -> None:
    """Allow what is at `path` and below; nothing, where there is no such thing."""
    try:
        opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        rule = struct.pack("=Qi", rights if Path(path).is_dir() else rights & _OF_FILES, opened)
        _call("syscall", _number(_ADD_RULE), _number(rules), _number(1), rule, _number(0))
    finally:
        os.close(opened)


def _leave_calls() -> None:
    """Leave out the calls of the system that reach other machines, processes and programs (seccomp)."""
    known = _CALLS.get(platform.machine())
    if known is None:
        raise OSError
    audit, seccomp, denied = known
    program = ctypes.create_string_buffer(_filter(audit, denied))
    described = struct.pack("HP", len(program.raw) // 8, ctypes.addressof(program))
    flags = _TO_ALL_THREADS | _WITHOUT_SLOWING
    _call("syscall", _number(seccomp), _number(_SECCOMP_SET_FILTER), _number(flags), described)


def _filter(audit: int, denied: tuple[int, ...]) -> bytes:
    """Return the filter: calls of another machine's or convention's kind end the process, those `denied` fail."""
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
