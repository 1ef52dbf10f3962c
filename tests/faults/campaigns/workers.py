"""Workers that are killed before they start, in native code, and between a result and its record."""

import os
import random
import signal
import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass

from .audit import Audit, audit, calm_digests, rows
from .programs import Commanded, kill, left_over, processor_seconds, until, workers

SEEDS = 5
"""How many different jobs there are of a kind; each is run in a store of its own."""
_HELD = 0.3
_BEGUN = 0.05


@dataclass(frozen=True)
class WorkerKills:
    """`repeated`: jobs of which a shard needed another attempt, by the point of the kill."""

    kills: dict[str, int]
    repeated: dict[str, int]
    failed: int
    orphans: int
    audits: tuple[Audit, ...]

    @property
    def is_clean(self):
        return not self.failed and not self.orphans and all(found.is_clean for found in self.audits)


def start(client, _rng, _folder):
    """Kill the first worker of a program as soon as it is there."""
    until(lambda: workers(client.pid))
    return _kill(client)


def restart(client, _rng, _folder):
    """Kill a worker that runs, and the one that follows as soon as it is there."""
    _working(client)
    first = _kill(client)
    until(lambda: set(workers(client.pid)) - set(first))
    return first + _kill(client)


def native(client, rng, _folder):
    """Kill a worker in the middle of a circuit of 20 qubits."""
    _working(client)
    time.sleep(rng.uniform(0, 0.3))
    return _kill(client)


def result(client, rng, _folder):
    """Stop the parent for a moment, so that it cannot read what its worker reports, and kill the worker."""
    _working(client)
    os.kill(client.pid, signal.SIGSTOP)
    time.sleep(rng.uniform(0.1, 0.4))
    killed = _kill(client)
    os.kill(client.pid, signal.SIGCONT)
    return killed


def record(client, rng, folder):
    """Have another process hold the lock of the store, so that the parent waits in its commit, and kill the worker."""
    _working(client)
    with closing(sqlite3.connect(folder / "farshot.sqlite3", timeout=60, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        wait = rng.uniform(0.1, _HELD)
        time.sleep(wait)
        killed = _kill(client)
        time.sleep(_HELD - wait)
        other.execute("ROLLBACK")
    return killed


POINTS = {start: "small", restart: "native", native: "native", result: "long", record: "long"}
"""Where a worker can be killed, and the kind of job that is run meanwhile."""


def at_points(folder, kills, points=tuple(POINTS), seed=1):
    """Kill `kills` workers, as many at each of these points, one in each job."""
    rng, seen = random.Random(seed), []
    killed, repeated, failed, audits, rounds = {}, {}, 0, [], kills // len(points)
    kinds = {"small", *(POINTS[point] for point in points)}
    calm = {kind: calm_digests(range(min(SEEDS, rounds)), kind) for kind in kinds}
    for point in points:
        name = point.__name__
        killed[name], repeated[name] = rounds, 0
        for number in range(rounds):
            store, pair = folder / name / str(number), [calm[kind][number % SEEDS] for kind in ("small", POINTS[point])]
            ids, pids, read = _one(store, point, number % SEEDS, rng)
            repeated[name] += rows(store, "SELECT max(attempt) FROM attempts")[0][0] > 1
            failed += read != ["COMPLETED", pair[1]]
            seen += pids
            audits.append(audit(store, ids, dict(zip(ids, pair, strict=True))))
    return WorkerKills(killed, repeated, failed, len(left_over(seen)), tuple(audits))


def _one(folder, point, number, rng):
    """Run a quick job and one that is disturbed; return their ids, the workers that were killed, and what was read."""
    with Commanded(folder) as client:
        quick = client.ask("submit", number, "small", "auto", "quick")
        if point is not start:
            client.ask("read", number, *quick)
            client.spent = {pid: processor_seconds(pid) for pid in workers(client.pid)}
        (job_id,) = client.ask("submit", number, POINTS[point], "auto", "disturbed")
        client.tell("read", number, job_id)
        killed = point(client, rng, folder)
        try:
            read = client.answer()
        except EOFError:
            read = ["ended", "-"]
        if point is start:
            client.ask("read", number, *quick)
        return [*quick, job_id], killed, read


def _working(client):
    """Wait until the worker that has run the quick job computes again."""
    until(lambda: any(processor_seconds(pid) > spent + _BEGUN for pid, spent in client.spent.items()))


def _kill(client):
    killed = workers(client.pid)
    for pid in killed:
        kill(pid)
    return killed
