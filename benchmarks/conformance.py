"""Drawn circuits through `LocalBackend`, each judged by the exact reference of the tests.

    python benchmarks/conformance.py --circuits 10000
    python benchmarks/conformance.py --circuits 10000 --shapes blocks

Prints a line for each thousand and a summary; exits 1 where any answer is wrong.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import farshot
from farshot.testing.circuits import SHAPES
from farshot.testing.conformance import Report, check_counts_of, check_values_of, draw_mixed
from farshot.testing.runners import evaluator, sampler

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from reference import distribution, expectations

STEP = 1_000


def options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--circuits", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0, help="number of the first circuit")
    parser.add_argument("--shapes", nargs="+", choices=list(SHAPES), default=["static", "blocks", "dynamic", "blocks"])
    parser.add_argument("--values", type=int, default=4, help="observables of each circuit; 0 for counts alone")
    parser.add_argument("--shots", type=int, default=2_000)
    parser.add_argument("--target", default="auto")
    return parser.parse_args()


def labelled(found: dict[str, str]) -> dict[str, str]:
    """Tell values from counts."""
    return {f"values of {label}": problem for label, problem in found.items()}


def run(chosen: argparse.Namespace) -> Report:
    """Run all circuits, a thousand a job."""
    total = Report()
    with (
        tempfile.TemporaryDirectory() as folder,
        farshot.LocalBackend(data_dir=folder, target=chosen.target) as backend,
    ):
        for first in range(chosen.first, chosen.first + chosen.circuits, STEP):
            started = time.perf_counter()
            last = min(first + STEP, chosen.first + chosen.circuits)
            drawn = list(draw_mixed(range(first, last), chosen.shapes))
            total += check_counts_of(drawn, sampler(backend, seed=first), distribution, chosen.shots)
            found = check_values_of(drawn if chosen.values else [], evaluator(backend), expectations, chosen.values)
            total += Report(0, labelled(found.wrong), labelled(found.refused))
            print(f"{total.circuits:7,} circuits, {len(total.wrong)} wrong, {len(total.refused)} refused,", end=" ")
            print(f"{time.perf_counter() - started:.1f} s", flush=True)
    return total


def main() -> int:
    """Run, print the summary, and return the exit status."""
    report = run(options())
    for label, problem in report.wrong.items():
        print(f"WRONG    {label}: {problem}")
    for reason, count in Counter(reason[:110] for reason in report.refused.values()).most_common(20):
        print(f"refused  {count:5,}  {reason}")
    return 1 if report.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
