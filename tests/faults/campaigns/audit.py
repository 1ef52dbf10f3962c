"""What a store holds after a campaign, beside what its clients were told and what a calm run gives."""

import sqlite3
import tempfile
from collections import Counter
from contextlib import closing
from dataclasses import dataclass

import msgspec

import farshot
from farshot.store import BootClock, SqlStore, open_engine, sqlite_url

from .circuits import digest_of, submit


@dataclass(frozen=True)
class Audit:
    """Counts of what is there; all from `lost` on must be 0."""

    jobs: int
    circuits: int
    attempts: int
    lost: int
    extra: int
    doubled: int
    missing: int
    changed: int
    integrity: str

    @property
    def is_clean(self):
        wrong = (self.lost, self.extra, self.doubled, self.missing, self.changed)
        return not any(wrong) and self.integrity == "ok"


def rows(folder, statement, *values):
    """Ask the database itself."""
    with closing(sqlite3.connect(folder / "farshot.sqlite3", timeout=60)) as connection:
        return connection.execute(statement, values).fetchall()


def calm_digests(numbers, kind="small"):
    """Return what the jobs of these numbers give where nobody disturbs them."""
    with tempfile.TemporaryDirectory() as folder, farshot.LocalBackend(data_dir=folder) as backend:
        handles = {number: submit(backend, number, kind) for number in numbers}
        return {number: read(backend, handle) for number, handle in handles.items()}


def read(backend, handle):
    """Wait for a job and return the digest of its results."""
    backend.poll_job_status(handle, loop_until_complete=True, verbose=False)
    return digest_of(backend, handle)


def audit(folder, accepted, expected, seen=()):
    """Compare the store with `accepted` (job ids), `expected` (digest by id) and `seen` (id and digest read)."""
    with closing(SqlStore(open_engine(sqlite_url(folder)), BootClock())) as store:
        looked = [_look(store, job_id) for job_id in accepted]
    sound = [job_id for job_id, (ended, *_) in zip(accepted, looked, strict=True) if ended]
    with farshot.LocalBackend(data_dir=folder, workers=0) as backend:
        found = {job_id: digest_of(backend, farshot.ExecutionResult(job_id=job_id)) for job_id in sound}
    ((stored,),) = rows(folder, "SELECT count(*) FROM jobs")
    return Audit(
        jobs=stored,
        circuits=sum(circuits for _, circuits, _, _ in looked),
        attempts=rows(folder, "SELECT count(*) FROM attempts")[0][0],
        lost=len(accepted) - len(sound),
        extra=stored - len(accepted),
        doubled=sum(doubled for _, _, doubled, _ in looked),
        missing=sum(missing for _, _, _, missing in looked),
        changed=sum(found[job_id] != expected[job_id] for job_id in sound)
        + sum(expected[job_id] != digest for job_id, digest in seen),
        integrity=rows(folder, "PRAGMA integrity_check")[0][0],
    )


def _look(store, job_id):
    """Return whether a job is completed, its circuits, how many are recorded twice, and how many are not."""
    try:
        job = store.job(job_id)
    except farshot.FarshotError:
        return False, 0, 0, 0
    positions = Counter(
        position
        for part in store.parts(job_id)
        for position in range(part.first, part.first + len(msgspec.msgpack.decode(part.results)))
    )
    doubled = sum(count - 1 for count in positions.values())
    missing = len(set(range(job.circuits)) - set(positions))
    return job.status == "COMPLETED", job.circuits, doubled, missing
