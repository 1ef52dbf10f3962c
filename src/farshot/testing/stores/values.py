"""Building blocks of the suites and the state machine: a manual clock, small batches, results."""

from __future__ import annotations

from hashlib import blake2b
from itertools import pairwise
from typing import TYPE_CHECKING

import msgspec
from hypothesis import HealthCheck, settings

from farshot.admission.batch import Request, admit
from farshot.model import CircuitResult, Counts, ResultSlice
from farshot.submission import Draft, ShardCut, Submission, UploadPart

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from farshot.model import Fault, JobRecord, Shard
    from farshot.protocols import JobStore
    from farshot.submission import Batch

LEASE_SECONDS = 30.0
RUNNING_LIMIT = 3

decode_results = msgspec.msgpack.Decoder(list[CircuitResult]).decode


class ManualClock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self._now = 1000.0
        self._boot = "first"

    def now(self) -> float:
        """Return the time in seconds, which starts at an arbitrary one."""
        return self._now

    def boot(self) -> str:
        """Return the id of the boot."""
        return self._boot

    def advance(self, seconds: float) -> None:
        """Move the clock forward."""
        self._now += seconds

    def reboot(self) -> None:
        """Start a new boot."""
        self._now, self._boot = 1.0, self._boot + "+"


def make_submission(  # noqa: PLR0913 -- the fields of a submission
    circuits: int = 4,
    shard: int = 2,
    key: str | None = None,
    tag: str | None = None,
    timeout: float | None = None,
    *,
    owner: str = "",
    priority: int = 0,
    cost: float = 1.0,
) -> Submission:
    """Return a submission of `circuits` circuits in shards of `shard` circuits that take `cost` seconds each."""
    batch = _batch(circuits, key, tag, timeout)
    return Submission(batch, _cuts(circuits, shard, cost), owner, priority)


def make_queue(owner: str, costs: Sequence[float], priority: int = 0) -> Submission:
    """Return a submission with shards of one circuit each that take `costs` seconds."""
    cuts = [ShardCut(number, number + 1, cost) for number, cost in enumerate(costs)]
    return Submission(_batch(len(costs)), cuts, owner, priority)


def make_draft(owner: str = "", key: str = "k", *, digest: bytes = b"body", priority: int = 0) -> Draft:
    """Return a draft of a job that arrives in parts."""
    return Draft(owner=owner, key=key, digest=digest, tag="sent", target="auto", priority=priority, options=b"options")


def make_part(number: int, labels: Sequence[str], shard: int = 2, options: bytes = b"") -> UploadPart:
    """Return a part with circuits of these labels in shards of `shard` circuits."""
    marks = [blake2b(label.encode(), digest_size=8).digest() for label in labels]
    return UploadPart(
        number=number,
        digest=blake2b(b"".join(marks)).digest(),
        labels=labels,
        sources=[f"text {label}".encode() for label in labels],
        shards=_cuts(len(labels), shard, 1.0),
        marks=b"".join(marks),
        options=options,
    )


def make_result(outcome: Counts | Fault | None = None, seconds: float = 0.5) -> CircuitResult:
    """Return the result of a circuit that took `seconds`."""
    counts = outcome or Counts(1, b"\0", (10).to_bytes(4, "little"))
    return CircuitResult(counts, "none", "none", exact=True, seed=1, shots=10, seconds=seconds)


def all_of(shard: Shard, *results: CircuitResult) -> ResultSlice:
    """Return a slice that completes `shard`, with `results` or default ones."""
    return ResultSlice.of(shard.lease, shard.first, results or [make_result() for _ in shard.labels], last=True)


def finish(store: JobStore, *shards: Shard) -> bool:
    """Record a result for every circuit of the shards; return whether all were accepted."""
    return all(recorded.accepted for recorded in store.record([all_of(shard) for shard in shards]))


def ids_of(records: Iterable[JobRecord]) -> list[str]:
    """Return the ids of jobs."""
    return [record.id for record in records]


def few_examples(count: int) -> settings:
    """Return Hypothesis settings for a test that draws `count` examples within one store."""
    checks = [HealthCheck.function_scoped_fixture, HealthCheck.differing_executors]
    return settings(max_examples=count, deadline=None, suppress_health_check=checks, database=None)


def _batch(circuits: int, key: str | None = None, tag: str | None = None, timeout: float | None = None) -> Batch:
    texts = {f"c{number}": f"text {number}" for number in range(circuits)}
    return admit(texts, Request(target="auto", default_shots=10, seed=7, key=key, tag=tag, timeout=timeout))


def _cuts(circuits: int, shard: int, cost: float) -> list[ShardCut]:
    return [ShardCut(start, end, cost) for start, end in pairwise([*range(0, circuits, shard), circuits])]
