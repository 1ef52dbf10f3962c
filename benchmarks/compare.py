"""Speed on the reference workloads, as ratios from one run: `python benchmarks/compare.py [a b h ...]`.

Every contestant runs the same circuits in turns, and the medians are compared, so that a noisy machine
disturbs all of them alike. The figures mean nothing outside their run.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from typing import TYPE_CHECKING

os.environ["RAYON_NUM_THREADS"] = "1"

from rich.console import Console
from rich.table import Table

import farshot
from contestants import AER_METHODS, aer_batch, aer_single, local_backend, prism_direct
from workloads import workload

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[[dict[str, str], int, str | None], int]

WORKLOADS = "abcdefgh"
SLOW_FOR_AER = {"d", "f"}


def contestants(name: str, backend: farshot.LocalBackend, *, with_aer: bool) -> dict[str, Run]:
    """Return who runs workload `name`, the one that all are compared with first."""
    runs: dict[str, Run] = {"prism-q direct": prism_direct, "LocalBackend": local_backend(backend)}
    if with_aer:
        method = AER_METHODS.get(name, "statevector")
        runs |= {"Aer, one batch": aer_batch(method), "Aer, one per call": aer_single(method)}
    return runs


def measure(name: str, backend: farshot.LocalBackend, rounds: int, *, with_aer: bool) -> dict[str, float]:
    """Return the median circuits per second of each contestant."""
    circuits, shots, ham_ops = workload(name)
    runs = contestants(name, backend, with_aer=with_aer)
    times: dict[str, list[float]] = {who: [] for who in runs}
    backend.get_job_results(_finish(backend, circuits, shots, ham_ops))
    for turn in range(rounds):
        for who, run in runs.items():
            if turn and who.startswith("Aer"):
                continue
            started = time.perf_counter()
            assert run(circuits, shots, ham_ops) == len(circuits)  # noqa: S101 -- a benchmark of wrong work is worthless
            times[who].append(time.perf_counter() - started)
    return {who: len(circuits) / statistics.median(found) for who, found in times.items()}


def _finish(
    backend: farshot.LocalBackend, circuits: dict[str, str], shots: int, ham_ops: str | None
) -> farshot.ExecutionResult:
    """Warm the workers up."""
    handle = backend.submit_circuits(circuits, shots=shots, ham_ops=ham_ops)
    backend.poll_job_status(handle, loop_until_complete=True, verbose=False)
    return handle


def main() -> None:
    """Measure the workloads named on the command line, else all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("workloads", nargs="*", choices=[*WORKLOADS, []], metavar="WORKLOAD", help=WORKLOADS)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--no-aer", action="store_true")
    arguments = parser.parse_args()
    table = Table("workload", "who", "circuits/s", "LocalBackend is ... times as fast", title="medians of one run")
    with tempfile.TemporaryDirectory() as folder, farshot.LocalBackend(data_dir=folder) as backend:
        for name in arguments.workloads or WORKLOADS:
            rates = measure(name, backend, arguments.rounds, with_aer=not arguments.no_aer)
            for who, rate in rates.items():
                ratio = "" if who == "LocalBackend" else f"{rates['LocalBackend'] / rate:.2f}"
                table.add_row(name, who, f"{rate:,.0f}", ratio)
            table.add_section()
    Console().print(table)


if __name__ == "__main__":
    main()
