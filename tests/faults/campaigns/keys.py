"""Threads that submit the same keys at the same time."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import farshot

from .audit import rows
from .circuits import submit


@dataclass(frozen=True)
class Races:
    """`divided`: keys of which two threads were given different jobs."""

    submissions: int
    keys: int
    divided: int
    jobs: int
    integrity: str


def on_keys(folder, submissions, threads):
    """Let `threads` threads submit each key at once."""
    keys = submissions // threads
    barrier = threading.Barrier(threads)

    def submit_all(backend):
        found = []
        for number in range(keys):
            barrier.wait(60)
            found.append(submit(backend, number).job_id)
        return found

    with farshot.LocalBackend(data_dir=folder, workers=1) as backend, ThreadPoolExecutor(threads) as pool:
        ids = [racer.result() for racer in [pool.submit(submit_all, backend) for _ in range(threads)]]
    return Races(
        submissions=keys * threads,
        keys=keys,
        divided=sum(len(set(given)) > 1 for given in zip(*ids, strict=True)),
        jobs=rows(folder, "SELECT count(*) FROM jobs")[0][0],
        integrity=rows(folder, "PRAGMA integrity_check")[0][0],
    )
