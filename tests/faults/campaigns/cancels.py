"""Cancels, and deaths of parents, while a worker is in native code."""

import statistics
import time
from contextlib import closing
from dataclasses import dataclass

import farshot
from processes import is_alive

from .programs import Commanded, left_over, resident_bytes, until, workers

_STATE = 2**30
"""The bytes of a state vector of 26 qubits: a worker that has so many is past everything but the simulation."""


@dataclass(frozen=True)
class Cancels:
    """`ended` and `replaced` are the seconds from the cancel to the end of the worker, and to the result of the next
    job. `refused`: cancels that were not answered 200, `unfinished`: next jobs that did not complete.
    """

    cancels: int
    ended: tuple[float, ...]
    replaced: tuple[float, ...]
    refused: int
    unfinished: int
    orphans: int


@dataclass(frozen=True)
class Deaths:
    """`ended`: seconds from the death of a program to that of its worker."""

    deaths: int
    ended: tuple[float, ...]
    orphans: int


def percentile(values, share):
    """Return a percentile by the nearest rank."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def summary(values):
    """Return the median, the 99th percentile and the maximum, in milliseconds."""
    return tuple(round(1000 * found, 1) for found in (statistics.median(values), percentile(values, 0.99), max(values)))


def in_native_code(folder, cancels, target):
    """Cancel jobs of 26 qubits, in turns from the program that submitted them and from another one."""
    ended, replaced, codes, nexts, seen = [], [], [], [], []
    with Commanded(folder) as client, closing(farshot.LocalBackend(data_dir=folder, workers=0)) as other:
        for number in range(cancels):
            job_id, pid = _running(client, number, target)
            started = time.perf_counter()
            if number % 2:
                codes.append(other.cancel_job(farshot.ExecutionResult(job_id=job_id)).status_code)
            else:
                codes.append(int(client.ask("cancel", job_id)[0]))
            until(lambda pid=pid: not is_alive(pid))
            ended.append(time.perf_counter() - started)
            (following,) = client.ask("submit", number, "small", "auto")
            nexts.append(client.ask("read", number, following)[0])
            replaced.append(time.perf_counter() - started)
            seen += [pid, *workers(client.pid)]
    return Cancels(
        cancels=cancels,
        ended=tuple(ended),
        replaced=tuple(replaced),
        refused=sum(code != 200 for code in codes),
        unfinished=sum(status != "COMPLETED" for status in nexts),
        orphans=len(left_over(seen)),
    )


def of_parents(folder, deaths, target, number_of_signal):
    """End programs by a signal while their worker is in native code."""
    ended, seen = [], []
    for number in range(deaths):
        with Commanded(folder / str(number)) as client:
            _, pid = _running(client, number, target)
            started = time.perf_counter()
            client.process.send_signal(number_of_signal)
            seen.append(pid)
            until(lambda pid=pid: not is_alive(pid))
            ended.append(time.perf_counter() - started)
    return Deaths(deaths, tuple(ended), len(left_over(seen)))


def _running(client, number, target):
    """Submit a wide job; return its id and its worker once that simulates."""
    (job_id,) = client.ask("submit", number, "wide", target)
    until(lambda: any(resident_bytes(pid) > _STATE for pid in workers(client.pid)))
    (pid,) = (pid for pid in workers(client.pid) if resident_bytes(pid) > _STATE)
    return job_id, pid
