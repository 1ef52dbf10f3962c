"""What attacks cost an honest user: `python benchmarks/service_hostile.py [--seconds S] [ATTACK…]`.

Each attack of `tests/faults/campaigns/attacks.py` goes on for a time against a service of its own, beside a user who
submits 20 Bell circuits a second from an address of its own. Prints a table in Markdown; ends with 1 where that user
waited a second or more for a result at the 99th percentile, the service grew by 300 MiB or more, answered with a status
from 500 on other than 503 and 507, or was not ready afterwards without a restart, or where a job was lost or wrong.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

sys.path[0] = str(Path(__file__).parent.parent / "tests")  # in place of this folder

from faults.campaigns.attacks import ATTACKS  # noqa: E402 -- found through the line above
from faults.campaigns.beside import MIB, attacked  # noqa: E402 -- as above

MOST_SECONDS = 1.0
MOST_GROWTH = 300 * MIB


def complaints(found: Any, *, stops_all: bool) -> Iterator[str]:  # noqa: ANN401 -- the campaigns are tests, which carry no types
    """Say what must not be."""
    if found.p99 >= MOST_SECONDS and not stops_all:
        yield f"p99 is {found.p99:.2f} s"
    if found.growth >= MOST_GROWTH:
        yield f"the service grew by {found.growth / MIB:.0f} MiB"
    if found.forbidden:
        yield f"statuses {', '.join(sorted(found.forbidden))}"
    if not found.is_ready:
        yield "the service is not ready: it needs a restart"
    yield from sorted(set(found.faults))[:5]


def run(name: str, seconds: float) -> bool:
    """Run one attack and print its line; say whether all was as it must be."""
    attack = ATTACKS[name]
    with tempfile.TemporaryDirectory() as folder, attack.place(Path(folder) / "store") as place:
        found = attacked(attack.run, place, seconds)
    wrong = list(complaints(found, stops_all=attack.stops_all))
    worst = max(found.seconds, default=float("inf"))
    statuses = ", ".join(f"{count:,} of {status}" for status, count in sorted(found.statuses.items()))
    figures = f"{found.median * 1000:.0f} | {found.p99 * 1000:.0f} | {worst * 1000:.0f} | {found.growth / MIB:+.0f}"
    print(
        f"| {name} | {len(found.seconds):,} | {figures} | {statuses} | {'; '.join(wrong) or 'as it must be'} |",
        flush=True,
    )
    return not wrong


def main() -> None:
    """Run the attacks that are named, or all."""
    parser = argparse.ArgumentParser(description="What attacks cost an honest user.")
    parser.add_argument("attacks", nargs="*", default=list(ATTACKS), metavar="ATTACK", help=", ".join(ATTACKS))
    parser.add_argument("--seconds", type=float, default=60.0)
    given = parser.parse_args()
    print("| attack | jobs | p50 ms | p99 ms | worst ms | memory MiB | answers | found |")
    print("|---|---|---|---|---|---|---|---|", flush=True)
    held = [run(name, given.seconds) for name in given.attacks]
    sys.exit(not all(held))


if __name__ == "__main__":
    main()
