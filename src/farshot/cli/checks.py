"""What `doctor` looks at. Each check says what it found and, where something is wrong, what to do."""

from __future__ import annotations

import os
import platform
import shutil
import sqlite3
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from farshot.backends.local import LocalBackend
from farshot.cli.cell_texts import bytes_text, count_of, seconds_text
from farshot.cli.check import Check
from farshot.cli.requirements import installed, requirement_checks
from farshot.cli.store_checks import store_check
from farshot.cli.targets import target_states
from farshot.config.login import chosen_client
from farshot.errors import ConfigError, FarshotError
from farshot.executors.memory_limits import fair_memory, usable_cores

if TYPE_CHECKING:
    from collections.abc import Iterator

    from farshot.cli.options import Location


_LEAST_DISK = 2**30
_LEAST_MEMORY = 2**29
_RUN_SECONDS = 60
_REINSTALL = "pip install --force-reinstall farshot"
_BELL = 'OPENQASM 3.0; include "stdgates.inc"; qubit[2] q; bit[2] c; h q[0]; cx q[0], q[1]; c = measure q;'


def checks(folder: Path) -> Iterator[Check]:
    """Yield a finding at a time for the data folder `folder` and this machine."""
    yield from _versions()
    yield _machine()
    yield from _folder(folder)
    yield store_check(folder)
    yield _targets()
    yield _run()


def _versions() -> Iterator[Check]:
    yield Check("farshot", ok=True, detail=installed("farshot") or "not installed as a package")
    yield Check("python", ok=True, detail=f"{platform.python_version()} on {platform.system()} {platform.machine()}")
    for package in ("prism-q", "numpy"):
        found = installed(package)
        advice = None if found else _REINSTALL
        yield Check(package, ok=found is not None, detail=found or "missing", advice=advice)
    yield Check("SQLite", ok=True, detail=sqlite3.sqlite_version)
    yield Check("Aer", ok=True, detail=installed("qiskit-aer") or "not installed (pip install 'farshot[aer]')")
    yield from requirement_checks()


def _machine() -> Check:
    cores = usable_cores()
    memory = fair_memory(cores)
    detail = f"{count_of(cores, 'core')}, {bytes_text(memory)} of memory for each worker"
    ok = memory >= _LEAST_MEMORY
    return Check("machine", ok, detail, None if ok else "give --workers a smaller number, so that each has more memory")


def _folder(folder: Path) -> Iterator[Check]:
    if not folder.is_dir():
        yield from _folder_to_be(folder)
        return
    mode = stat.S_IMODE(folder.stat().st_mode)
    private = not mode & 0o077
    detail = f"{folder}, mode {mode:04o}"
    yield Check("data folder", private, detail, None if private else f"others can read it: chmod 700 {folder}")
    yield _writable(folder)
    yield _space(folder)


def _folder_to_be(folder: Path) -> Iterator[Check]:
    """Look at where the folder will be made."""
    above = next(parent for parent in folder.absolute().parents if parent.exists())
    if folder.exists() or not above.is_dir():
        place = folder if folder.exists() else above
        yield Check("data folder", ok=False, detail=f"{place} is a file", advice="choose another --data-dir")
        return
    able = os.access(above, os.W_OK | os.X_OK)
    detail = f"{folder} (made with the first job)" if able else f"{folder} cannot be made in {above}"
    yield Check("data folder", able, detail, None if able else f"make {above} writable, or choose another --data-dir")
    yield _space(above)


def _writable(folder: Path) -> Check:
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"x")
    except OSError as error:
        advice = f"make {folder} writable and see that its disk is not full, or choose another --data-dir"
        return Check("writing", ok=False, detail=f"{folder}: {error.strerror}", advice=advice)
    return Check("writing", ok=True, detail="the data folder can be written")


def _space(folder: Path) -> Check:
    """Look ahead: a disk that is nearly full refuses new work, and then results."""
    disk = shutil.disk_usage(folder)
    enough = disk.free >= _LEAST_DISK
    advice = "free some, delete jobs (`farshot jobs prune`, then `farshot store compact`), or choose another --data-dir"
    detail = f"{bytes_text(disk.free)} of {bytes_text(disk.total)}"
    return Check("free space", enough, detail if enough else f"{detail}: full soon", None if enough else advice)


def _targets() -> Check:
    states = target_states()
    usable = [state.name for state in states if state.usable]
    missing = sorted({state.needs for state in states if state.needs})
    detail = f"{len(usable)} of {len(states)} usable" + (f" ({'; '.join(missing)})" if missing else "")
    return Check("targets", "auto" in usable, detail, None if "auto" in usable else _REINSTALL)


def _run() -> Check:
    """Run one circuit through a real worker, in a store of its own."""
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
    right = sum(entry["results"].values()) == 100 and set(entry["results"]) <= {"00", "11"}
    detail = f"ran in {took} on {entry['metadata']['simulator']}" if right else f"wrong counts {entry['results']}"
    return Check("one circuit", right, detail, None if right else advice)


def service_checks(where: Location) -> Iterator[Check]:
    """Yield whether the service answers that commands would ask; nothing, where they work on this machine."""
    try:
        service = chosen_client(where.url, where.token, os.environ, local=where.data_dir is not None)
    except ConfigError:  # told beside the settings
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
