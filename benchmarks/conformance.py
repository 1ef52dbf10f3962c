"""Drawn circuits through `LocalBackend`, each judged by the exact reference of the tests.

    python benchmarks/conformance.py --circuits 10000
    python benchmarks/conformance.py --circuits 10000 --shapes blocks

Prints a line for each thousand and a summary; exits 1 where any answer is wrong. The slowest circuit in a hundred
runs again on each simulator alone: what took ten times as long as the better one is listed.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import farshot
from farshot.model import Fault, JobSpec, ShotGroup, ShotPlan
from farshot.simulators.router import Router
from farshot.testing.circuits import SHAPES
from farshot.testing.conformance import Report, check_counts_of, check_values_of, draw_mixed
from farshot.testing.runners import evaluator, sampler
from farshot.worker.run import run_source, warm_up

if TYPE_CHECKING:
    from farshot.testing.circuits import Drawn

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from reference import distribution, expectations

STEP = 1_000
SLOW = 10
SHAPES_IN_TURN = ["static", "blocks", "dynamic", "wide", "blocks"]


def options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--circuits", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0, help="number of the first circuit")
    parser.add_argument("--shapes", nargs="+", choices=list(SHAPES), default=SHAPES_IN_TURN)
    parser.add_argument("--values", type=int, default=4, help="observables of each narrow circuit; 0 for counts alone")
    parser.add_argument("--shots", type=int, default=2_000)
    parser.add_argument("--target", default="auto")
    return parser.parse_args()


def seconds_of(backend: farshot.LocalBackend) -> dict[str, float]:
    """Return what each circuit of the newest job took."""
    handle = farshot.ExecutionResult(job_id=backend.jobs(limit=1)[0].id)
    entries = backend.get_job_results(handle, partial=True).results or []
    return {entry["label"]: entry["metadata"]["seconds"] for entry in entries if "results" in entry}


def alone(router: Router, target: str, source: str, shots: int) -> float:
    """Return what a target takes in this process, the better of two runs; infinity where it refuses."""
    spec = JobSpec(target, seed=1, shots=ShotPlan((ShotGroup(0, 1, shots),)))
    runs = [run_source(router, spec, 0, "alone", source.encode()) for _ in range(2)]
    return min(float("inf") if isinstance(one.outcome, Fault) else one.seconds for one in runs)


def slow_ones(drawn: list[Drawn], seconds: dict[str, float], chosen: argparse.Namespace) -> dict[str, str]:
    """Return those of the slowest hundredth that took `SLOW` times as long as the better simulator alone."""
    sources = {one.label: one.source for one in drawn}
    slowest = sorted(seconds, key=lambda label: -seconds[label])[: -(-len(seconds) // 100)]
    router, found = Router(), {}
    warm_up(router)
    for label in slowest:
        own = alone(router, chosen.target, sources[label], chosen.shots)
        best = min(alone(router, target, sources[label], chosen.shots) for target in ("prism", "aer"))
        if own > SLOW * best:
            found[label] = f"{own:.3g} s, the better simulator alone {best:.3g} s"
    return found


def labelled(found: dict[str, str]) -> dict[str, str]:
    """Tell values from counts."""
    return {f"values of {label}": problem for label, problem in found.items()}


def run(chosen: argparse.Namespace) -> tuple[Report, dict[str, str]]:
    """Run all circuits, a thousand a job; return the report and those that were slow."""
    total, slow = Report(), {}
    with (
        tempfile.TemporaryDirectory() as folder,
        farshot.LocalBackend(data_dir=folder, target=chosen.target) as backend,
    ):
        for first in range(chosen.first, chosen.first + chosen.circuits, STEP):
            started = time.perf_counter()
            last = min(first + STEP, chosen.first + chosen.circuits)
            drawn = list(draw_mixed(range(first, last), chosen.shapes))
            total += check_counts_of(drawn, sampler(backend, seed=first), distribution, chosen.shots)
            slow |= slow_ones(drawn, seconds_of(backend), chosen)
            narrow = [one for one in drawn if one.shape != "wide"] if chosen.values else []
            found = check_values_of(narrow, evaluator(backend), expectations, chosen.values)
            total += Report(0, labelled(found.wrong), labelled(found.refused))
            print(f"{total.circuits:7,} circuits, {len(total.wrong)} wrong, {len(total.refused)} refused,", end=" ")
            print(f"{len(slow)} slow, {time.perf_counter() - started:.1f} s", flush=True)
    return total, slow


def main() -> int:
    """Run, print the summary, and return the exit status."""
    report, slow = run(options())
    for label, problem in report.wrong.items():
        print(f"WRONG    {label}: {problem}")
    for label, problem in slow.items():
        print(f"SLOW     {label}: {problem}")
    for reason, count in Counter(reason[:110] for reason in report.refused.values()).most_common(20):
        print(f"refused  {count:5,}  {reason}")
    return 1 if report.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
