"""The checks of `doctor`: packages, machine, folder, stores, service. Each gives a finding, and advice if it is bad."""

from __future__ import annotations

import os
import platform
import re
import shutil
import sqlite3
import stat
import tempfile
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from farshot.backends.local import LocalBackend
from farshot.cli.cell_texts import bytes_text, count_of, seconds_text
from farshot.cli.targets import target_states
from farshot.config.login import chosen_service
from farshot.errors import ConfigError, FarshotError
from farshot.executors.memory_limits import fair_memory, usable_cores
from farshot.store import FILE_NAME, SCHEMA_VERSION, inspect_store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from farshot.cli.options import Location
    from farshot.store import Inspection


_MIN_DISK_BYTES = 2**30
_MIN_MEMORY_BYTES = 2**29
_RUN_SECONDS = 60
_CONNECT_SECONDS = 5
"""Seconds after which a server that does not answer is given up."""
_REINSTALL = "pip install --force-reinstall farshot"
_RESTORE = "choose another --data-dir, or restore a back-up"
_START = "start PostgreSQL, or put server.store (--store, FARSHOT_SERVER_STORE) right"
_FOLDER_STORE, _SERVICE_STORE = "store", "store of the service"
_BELL = 'OPENQASM 3.0; include "stdgates.inc"; qubit[2] q; bit[2] c; h q[0]; cx q[0], q[1]; c = measure q;'
_REQUIREMENT = re.compile(r"([A-Za-z0-9._-]+)(?:\[[^]]*\])?\s*([^;]*)(?:;(.*))?")
_BOUND = re.compile(r"(>=|<=|==|!=|<|>)\s*([0-9]+(?:\.[0-9]+)*)")
_NUMBERS = re.compile(r"[0-9]+(?:\.[0-9]+)*")


@dataclass(frozen=True, slots=True)
class Check:
    """One finding of `doctor`; `advice` is given if it is not ok."""

    name: str
    ok: bool
    detail: str
    advice: str | None = None


def checks(folder: Path) -> Iterator[Check]:
    """Yield the findings about this machine and the data folder `folder`, one at a time."""
    yield from _check_versions()
    yield _check_machine()
    yield from _check_folder(folder)
    yield store_check(folder)
    yield _check_targets()
    yield _check_run()


def _check_versions() -> Iterator[Check]:
    yield Check("farshot", ok=True, detail=_installed_version("farshot") or "not installed as a package")
    yield Check("python", ok=True, detail=f"{platform.python_version()} on {platform.system()} {platform.machine()}")
    for package in ("prism-q", "numpy"):
        found = _installed_version(package)
        yield Check(package, ok=found is not None, detail=found or "missing", advice=None if found else _REINSTALL)
    yield Check("SQLite", ok=True, detail=sqlite3.sqlite_version)
    yield Check("Aer", ok=True, detail=_installed_version("qiskit-aer") or "not installed (pip install 'farshot[aer]')")
    yield from requirement_checks()


def _installed_version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def requirement_checks() -> Iterator[Check]:
    """Yield the packages that are missing or of a wrong version: required ones, and those of installed extras."""
    reported: set[str] = set()
    for requirement in requires("farshot") or () if _installed_version("farshot") else ():
        name, bounds, condition = (part or "" for part in _REQUIREMENT.fullmatch(requirement).groups())  # type: ignore[union-attr]
        found = _installed_version(name)
        is_extra = "extra" in condition
        if name in reported or (found is None and is_extra) or "python_version" in condition:
            continue
        if found is None or not is_within(found, bounds):
            reported.add(name)
            detail = f"{found or 'missing'}, and Farshot needs {bounds.strip() or 'it'}"
            yield Check(name, ok=False, detail=detail, advice=f"pip install '{name}{bounds.strip()}'")


def is_within(found: str, bounds: str) -> bool:
    """Return whether a version meets bounds; only the numbers of both are compared.

    >>> is_within("0.17.1", ">=0.18.2,<0.19"), is_within("0.18.2", "<0.19,>=0.18.2"), is_within("2.10", ">=2.6,<3")
    (False, True, True)
    """
    return all(
        _meets_bound(_version_numbers(found), sign, _version_numbers(wanted)) for sign, wanted in _BOUND.findall(bounds)
    )


def _meets_bound(found: tuple[int, ...], sign: str, wanted: tuple[int, ...]) -> bool:
    width = max(len(found), len(wanted))
    left, right = (numbers + (0,) * (width - len(numbers)) for numbers in (found, wanted))
    return {
        ">=": left >= right,
        "<=": left <= right,
        "==": left == right,
        "!=": left != right,
        "<": left < right,
        ">": left > right,
    }[sign]


def _version_numbers(text: str) -> tuple[int, ...]:
    found = _NUMBERS.match(text)
    return tuple(map(int, found.group().split("."))) if found else ()


def _check_machine() -> Check:
    cores = usable_cores()
    memory = fair_memory(cores)
    detail = f"{count_of(cores, 'core')}, {bytes_text(memory)} of memory for each worker"
    ok = memory >= _MIN_MEMORY_BYTES
    return Check("machine", ok, detail, None if ok else "give --workers a smaller number, so that each has more memory")


def _check_folder(folder: Path) -> Iterator[Check]:
    if not folder.is_dir():
        yield from _check_missing_folder(folder)
        return
    mode = stat.S_IMODE(folder.stat().st_mode)
    is_private = not mode & 0o077
    detail = f"{folder}, mode {mode:04o}"
    yield Check("data folder", is_private, detail, None if is_private else f"others can read it: chmod 700 {folder}")
    yield _check_writing(folder)
    yield _check_space(folder)


def _check_missing_folder(folder: Path) -> Iterator[Check]:
    """Check the folder in which the data folder will be made."""
    above = next(parent for parent in folder.absolute().parents if parent.exists())
    if folder.exists() or not above.is_dir():
        file = folder if folder.exists() else above
        yield Check("data folder", ok=False, detail=f"{file} is a file", advice="choose another --data-dir")
        return
    ok = os.access(above, os.W_OK | os.X_OK)
    detail = f"{folder} (made with the first job)" if ok else f"{folder} cannot be made in {above}"
    yield Check("data folder", ok, detail, None if ok else f"make {above} writable, or choose another --data-dir")
    yield _check_space(above)


def _check_writing(folder: Path) -> Check:
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"x")
    except OSError as error:
        advice = f"make {folder} writable and see that its disk is not full, or choose another --data-dir"
        return Check("writing", ok=False, detail=f"{folder}: {error.strerror}", advice=advice)
    return Check("writing", ok=True, detail="the data folder can be written")


def _check_space(folder: Path) -> Check:
    """Check the free space early: a disk that is nearly full refuses new work, and then results."""
    disk = shutil.disk_usage(folder)
    ok = disk.free >= _MIN_DISK_BYTES
    advice = "free some, delete jobs (`farshot jobs prune`, then `farshot store compact`), or choose another --data-dir"
    detail = f"{bytes_text(disk.free)} of {bytes_text(disk.total)}"
    return Check("free space", ok, detail if ok else f"{detail}: full soon", None if ok else advice)


def _check_targets() -> Check:
    states = target_states()
    usable = [state.name for state in states if state.usable]
    missing = sorted({state.needs for state in states if state.needs})
    detail = f"{len(usable)} of {len(states)} usable" + (f" ({'; '.join(missing)})" if missing else "")
    return Check("targets", "auto" in usable, detail, None if "auto" in usable else _REINSTALL)


def _check_run() -> Check:
    """Run one circuit on a worker process, in a store of its own."""
    advice = "start Python in this environment and look whether `import prism_q` works; report it if it does"
    try:
        with (
            tempfile.TemporaryDirectory(prefix="farshot-doctor-") as folder,
            LocalBackend(shots=100, workers=1, data_dir=folder, seed=1) as backend,
        ):
            job = backend.job(str(backend.submit_circuits({"bell": _BELL}).job_id))
            job.wait(_RUN_SECONDS)
            entry = job.partial()[0]
            took = seconds_text(job.record.run_time)
    except (FarshotError, OSError) as error:
        return Check("one circuit", ok=False, detail=str(error), advice=advice)
    if "error" in entry:
        return Check("one circuit", ok=False, detail=entry["error"]["message"], advice=advice)
    ok = sum(entry["results"].values()) == 100 and set(entry["results"]) <= {"00", "11"}
    detail = f"ran in {took} on {entry['metadata']['simulator']}" if ok else f"wrong counts {entry['results']}"
    return Check("one circuit", ok, detail, None if ok else advice)


def store_check(folder: Path) -> Check:
    """Return whether the store in a data folder is whole and can be used. The store is not changed."""
    file = folder / FILE_NAME
    if not file.exists():
        return Check(_FOLDER_STORE, ok=True, detail="none yet")
    try:
        found = inspect_store(URL.create("sqlite", database=str(file)))
    except FarshotError as error:
        return Check(_FOLDER_STORE, ok=False, detail=str(error), advice=_RESTORE)
    return _judge_store(_FOLDER_STORE, found, "", f"a copy of {file}")


def server_check(url: str) -> Check:
    """Return whether the store at the address in the settings is whole and can be used. The store is not changed."""
    try:
        address = make_url(url)
        bounded = address.update_query_dict({"connect_timeout": str(_CONNECT_SECONDS)})
        found = inspect_store(address if address.drivername == "sqlite" else bounded)
    except ArgumentError:
        return Check(_SERVICE_STORE, ok=False, detail="that is no address of a store", advice=_START)
    except FarshotError as error:
        return Check(_SERVICE_STORE, ok=False, detail=str(error), advice=_START)
    return _judge_store(_SERVICE_STORE, found, f"{address.render_as_string()}: ", "what `pg_dump` writes")


def _judge_store(name: str, found: Inspection, prefix: str, copy: str) -> Check:
    if found.faults:
        return Check(name, ok=False, detail="\n".join([f"{prefix}damaged:", *found.faults]), advice=_RESTORE)
    if found.obstacle:
        advice = "allow that, or choose another store"
        return Check(name, ok=False, detail=f"{prefix}{found.obstacle}", advice=advice)
    if found.version is None:
        return Check(name, ok=True, detail=f"{prefix}no store yet: what opens it first makes one")
    detail = f"{prefix}whole, schema {found.version}"
    if not found.is_older:
        return Check(name, ok=True, detail=detail)
    advice = (
        f"the next command or service that opens it brings it to {SCHEMA_VERSION}, for good: an older Farshot opens it "
        f"no more. {copy[0].upper()}{copy[1:]} beforehand, while nothing uses it, is the way back"
    )
    return Check(name, ok=True, detail=f"{detail}: older than this Farshot's, {SCHEMA_VERSION}", advice=advice)


def service_checks(where: Location) -> Iterator[Check]:
    """Yield whether the service that commands use answers; nothing if they work on this machine."""
    try:
        service = chosen_service(where.url, where.token, os.environ, local=where.data_dir is not None)
    except ConfigError:  # reported beside the settings
        return
    if service is None:
        return
    if service.token is None:
        yield Check("service", ok=False, detail=f"no token for {service.url}", advice=f"farshot login {service.url}")
        return
    from farshot.cli.service_queries import who_am_i

    try:
        me = who_am_i(service)
    except FarshotError as error:
        advice = "start it, or run `farshot login URL`, or `farshot logout` to work on this machine"
        yield Check("service", ok=False, detail=str(error), advice=advice)
    else:
        yield Check("service", ok=True, detail=f"{service.url} knows you as {me.name} ({me.role})")
