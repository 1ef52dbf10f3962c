"""Programs that are stopped for longer than their leases last, while another one takes over, and then go on."""

import os
import random
import signal
import sqlite3
import subprocess
import time
from contextlib import closing
from dataclasses import dataclass

import farshot

from .audit import Audit, audit, calm_digests
from .circuits import submit
from .programs import BOUND, start, until

LEASE = 1.0
SEEDS = 5
_HELD = "SELECT shard, attempt FROM attempts JOIN shards USING (job_id, attempt) WHERE number = shard AND job_id = ? \
    AND attempts.holder = ? AND status = 'LEASED'"
_RECORDED = "SELECT shard, attempt, first, results FROM results WHERE job_id = ? ORDER BY first"


@dataclass(frozen=True)
class Stops:
    """`taken`: leases that another program took over from a stopped one. `refused`: reports whose lease was gone.
    `locking`: stops in the middle of a transaction, which nobody can take over. `stale`: lost attempts of which
    something was recorded after they were lost.
    """

    stops: int
    taken: int
    locking: int
    refused: int
    stale: int
    audit: Audit


class Holder:
    """The driver's end of one `dispatching` program."""

    def __init__(self, folder, log):
        self.log = log
        with log.open("wb") as stream:
            self.process = start("dispatching", folder, LEASE, stdin=subprocess.PIPE, stdout=stream)
        until(lambda: "\n" in log.read_text())
        self.name = log.read_text().split()[1]

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(BOUND)
        finally:
            self.process.kill()
            self.process.wait()

    def refused(self):
        return self.log.read_text().count("refused")


def outlived(folder, stops, seed=1):
    """Stop one of two programs `stops` times, one job each."""
    rng, calm, lost, stale, locking, expected = (
        random.Random(seed),
        calm_digests(range(min(SEEDS, stops)), "long"),
        0,
        0,
        0,
        {},
    )
    with (
        closing(farshot.LocalBackend(data_dir=folder, workers=0)) as backend,
        closing(Holder(folder, folder / "one.log")) as one,
        closing(Holder(folder, folder / "two.log")) as two,
    ):
        for number in range(stops):
            handle = submit(backend, number % SEEDS, "long", key=f"stop-{number}")
            expected[handle.job_id] = calm[number % SEEDS]
            try:
                attempts, recorded = _stop(folder, handle.job_id, (one, two), rng)
            except sqlite3.OperationalError:
                attempts, recorded, locking = [], [], locking + 1
            backend.poll_job_status(handle, loop_until_complete=True, verbose=False)
            lost += len(attempts)
            stale += _recorded(folder, handle.job_id, attempts) != recorded
        refused = one.refused() + two.refused()
    return Stops(stops, lost, locking, refused, stale, audit(folder, list(expected), expected))


def _stop(folder, job_id, holders, rng):
    """Stop a program until its leases are gone; return the attempts it lost, and what is recorded of them."""
    holding = []
    until(lambda: holding.extend(one for one in holders if _ask(folder, _HELD, job_id, one.name)) or holding)
    holder = rng.choice(holding)
    time.sleep(rng.uniform(0, 0.1))
    os.kill(holder.process.pid, signal.SIGSTOP)
    try:
        attempts = _ask(folder, _HELD, job_id, holder.name)
        _take_lock(folder)
        until(lambda: not _ask(folder, _HELD, job_id, holder.name))
        return attempts, _recorded(folder, job_id, attempts)
    finally:
        os.kill(holder.process.pid, signal.SIGCONT)


def _take_lock(folder):
    """Raise `OperationalError` where the stopped program keeps others from writing, or from ending what they wrote."""
    with closing(sqlite3.connect(folder / "farshot.sqlite3", timeout=5 * LEASE, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        other.execute("ROLLBACK")


def _recorded(folder, job_id, attempts):
    return [row for row in _ask(folder, _RECORDED, job_id) if row[:2] in attempts]


def _ask(folder, statement, *values):
    with closing(sqlite3.connect(folder / "farshot.sqlite3", timeout=5 * LEASE)) as connection:
        return connection.execute(statement, values).fetchall()
