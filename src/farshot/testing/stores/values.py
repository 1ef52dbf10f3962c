"""What the suite and the machine are made of: a clock that is moved by hand, small batches, results."""

from __future__ import annotations

from typing import TYPE_CHECKING

from farshot.admission.batch import Request, admit
from farshot.model import CircuitResult, Counts, ShardCut, Submission

if TYPE_CHECKING:
    from farshot.model import Fault

__all__ = ["LEASE_SECONDS", "ManualClock", "make_result", "make_submission"]

LEASE_SECONDS = 30.0


class ManualClock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        """Start at an arbitrary second of an arbitrary boot."""
        self._now = 1000.0
        self._boot = "first"

    def now(self) -> float:
        """Return the second it stands at."""
        return self._now

    def boot(self) -> str:
        """Return the id of the boot."""
        return self._boot

    def advance(self, seconds: float) -> None:
        """Move on."""
        self._now += seconds

    def reboot(self) -> None:
        """Start anew, as a machine does."""
        self._now, self._boot = 1.0, self._boot + "+"


def make_submission(
    circuits: int = 4, shard: int = 2, key: str | None = None, tag: str | None = None, timeout: float | None = None
) -> Submission:
    """Return a batch of `circuits` circuits, cut into shards of `shard`."""
    texts = {f"c{number}": f"text {number}" for number in range(circuits)}
    batch = admit(texts, Request(target="auto", default_shots=10, seed=7, key=key, tag=tag, timeout=timeout))
    cuts = [ShardCut(start, min(start + shard, circuits), 1.0) for start in range(0, circuits, shard)]
    return Submission(batch, cuts)


def make_result(outcome: Counts | Fault | None = None) -> CircuitResult:
    """Return the result of one circuit."""
    counts = outcome or Counts(1, b"\0", (10).to_bytes(4, "little"))
    return CircuitResult(counts, "none", "none", exact=True, seed=1, shots=10, seconds=0.5)
