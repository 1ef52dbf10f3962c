"""What happens to jobs while processes are killed and stopped: `python benchmarks/faults.py [--share S] [CAMPAIGN…]`.

Prints a report in Markdown; ends with 1 where something was lost, doubled, changed or left behind. The full
counts take about twenty minutes on two cores; `--share 0.1` runs a tenth of them. Needs the extra `aer`.
"""

from __future__ import annotations

import argparse
import os
import platform
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import farshot

if TYPE_CHECKING:
    from collections.abc import Callable

sys.path[0] = str(Path(__file__).parent.parent / "tests")  # in place of this folder

from faults.campaigns import cancels, keys, kills, leases, service, workers  # noqa: E402 -- found through the line above


def line(text: str) -> None:
    """Print one line at once."""
    print(text, flush=True)


def audited(audit: Any) -> str:  # noqa: ANN401 -- the campaigns are tests, which carry no types
    """Say what the store holds."""
    return (
        f"{audit.jobs:,} jobs of {audit.circuits:,} circuits in {audit.attempts:,} attempts: {audit.lost} lost, "
        f"{audit.extra} that nobody submitted, {audit.doubled} circuits recorded twice, {audit.missing} missing, "
        f"{audit.changed} results changed; integrity check: {audit.integrity}"
    )


def times(seconds: tuple[float, ...]) -> str:
    """Say how long something took."""
    median, high, most = cancels.summary(seconds)
    return f"p50 {median:.0f} ms, p99 {high:.0f} ms, at most {most:.0f} ms"


def killed(found: Any) -> bool:  # noqa: ANN401 -- as above
    """Report kills of programs."""
    line(f"- {found.kills} programs killed, {found.accepted:,} jobs accepted, {found.read:,} results read meanwhile")
    line(
        f"- the kills met: a shard being run {found.leased} times, a job stored but not yet answered "
        f"{found.unanswered} times, a half-written transaction {found.committing} times"
    )
    line(f"- {audited(found.audit)}")
    line(f"- {found.renamed} keys gave another job when they were submitted again")
    return bool(found.audit.is_clean and not found.renamed)


def programs(folder: Path, share: float) -> bool:
    """Kill programs, one running at a time."""
    return killed(kills.one_after_another(folder, round(300 * share), round(3000 * share)))


def side_by_side(folder: Path, share: float) -> bool:
    """Kill one of four programs on one store about every 0.4 seconds."""
    return killed(kills.side_by_side(folder, 4, round(200 * share), 0.4))


def worker_kills(folder: Path, share: float) -> bool:
    """Kill workers at named points."""
    found = workers.at_points(folder, round(200 * share))
    for point, number in found.kills.items():
        line(f"- {point}: {number} kills, after {found.repeated[point]} of which a shard was run again")
    dirty = sum(not audit.is_clean for audit in found.audits)
    line(f"- {len(found.audits)} jobs: {found.failed} not completed or with other results, {dirty} unsound stores")
    line(f"- {found.orphans} worker processes left behind")
    return bool(found.is_clean)


def stale_leases(folder: Path, share: float) -> bool:
    """Stop programs for longer than their leases."""
    found = leases.outlived(folder, round(100 * share))
    line(
        f"- {found.stops} programs stopped for more than the {leases.LEASE:g} s of their leases, {found.locking} of "
        f"them inside a transaction; {found.taken} leases taken over"
    )
    line(f"- {found.refused} late reports refused, {found.stale} late reports recorded")
    line(f"- {audited(found.audit)}")
    return bool(found.audit.is_clean and not found.stale)


def cancelled(folder: Path, share: float) -> bool:
    """Cancel jobs of 26 qubits in native code."""
    clean = True
    for target in ("prism:statevector", "aer:statevector"):
        found = cancels.in_native_code(folder / target.partition(":")[0], round(50 * share), target)
        line(f"- `{target}`, {found.cancels} cancels, half of them from another process")
        for where, first in (("the same process", 0), ("another process", 1)):
            line(f"  - until the worker is gone, from {where}: {times(found.ended[first::2])}")
        line(f"  - until the next job has its results: {times(found.replaced)}")
        line(f"  - {found.refused} refused, {found.unfinished} next jobs not completed, {found.orphans} orphans")
        clean = clean and not (found.refused or found.unfinished or found.orphans)
    return clean


def parents(folder: Path, share: float) -> bool:
    """End programs while their worker is inside Aer."""
    clean = True
    for how in (signal.SIGKILL, signal.SIGTERM):
        found = cancels.of_parents(folder / how.name, round(20 * share), "aer:statevector", how)
        line(f"- {found.deaths} programs ended by {how.name}; until the worker is gone: {times(found.ended)}")
        line(f"- {found.orphans} orphans")
        clean = clean and not found.orphans
    return clean


def races(folder: Path, share: float) -> bool:
    """Submit the same keys from eight threads."""
    found = keys.on_keys(folder, round(1000 * share), 8)
    line(
        f"- {found.submissions:,} submissions of {found.keys} keys by 8 threads: {found.jobs} jobs, {found.divided} "
        f"keys with more than one; integrity check: {found.integrity}"
    )
    return bool(found.jobs == found.keys and not found.divided)


def services(folder: Path, share: float) -> bool:
    """Kill a service under load from four clients."""
    found = service.killed(folder, round(200 * share))
    line(
        f"- {found.kills} kills of the service under {service.CLIENTS} clients, which were given {found.jobs:,} jobs "
        f"and read them all; {found.renamed} keys gave another job when they were submitted again"
    )
    line(f"- {len(found.failed)} clients ended with an error: {found.failed}")
    line(f"- {audited(found.audit)}")
    return bool(found.audit.is_clean and not found.renamed and not found.failed)


CAMPAIGNS: dict[str, tuple[str, Callable[[Path, float], bool]]] = {
    "programs": ("Programs killed while they submit, run, record and read", programs),
    "side-by-side": ("Four programs on one store, one killed every two fifths of a second", side_by_side),
    "workers": ("Workers killed at named points", worker_kills),
    "leases": ("Programs that outlive their leases", stale_leases),
    "cancels": ("Cancels of 26 qubits in native code", cancelled),
    "parents": ("Programs that end while their worker is inside Aer", parents),
    "races": ("Threads that race on keys", races),
    "services": ("A service that is killed under its clients", services),
}


def run(name: str, share: float) -> bool:
    """Run one campaign in a store of its own."""
    title, campaign = CAMPAIGNS[name]
    line(f"\n## {title}\n")
    started = time.perf_counter()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        clean = campaign(Path(folder), share)
    line(f"- {'as it must be' if clean else '**NOT as it must be**'}, after {time.perf_counter() - started:.0f} s")
    return clean


def main() -> int:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("campaigns", nargs="*", metavar="CAMPAIGN", help=", ".join(CAMPAIGNS))
    parser.add_argument("--share", type=float, default=1.0, help="of the full counts")
    options = parser.parse_args()
    if unknown := set(options.campaigns) - set(CAMPAIGNS):
        parser.error(f"no such campaign: {', '.join(sorted(unknown))}")
    version = platform.python_version()
    line(f"# Faults\n\nFarshot {farshot.__version__}, Python {version}, {platform.system()}, {os.cpu_count()} cores")
    clean = [run(name, options.share) for name in options.campaigns or CAMPAIGNS]
    return 0 if all(clean) else 1


if __name__ == "__main__":
    sys.exit(main())
