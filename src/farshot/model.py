"""The immutable values that all parts of the system share.

Values that cross a process boundary or are stored are a `msgspec.Struct` (encoded as MessagePack); the others are
dataclasses.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from typing import TYPE_CHECKING

import msgspec

from farshot.errors import FaultCode

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from farshot.contract import JobStatus

MAX_SEED = 2**63 - 1
MAX_COUNT = 2**63 - 1
"""The largest number that a store counts to."""
MAX_CIRCUITS = 1_000_000
MAX_SHOTS = 1_000_000_000
MAX_PRIORITY = 9
MAX_SECONDS = 1e9
"""The longest time that can be asked for, about thirty years. A thread can wait no longer than ten times that."""
_SEED_MASK = 2**64 - 1


class ShotGroup(msgspec.Struct, frozen=True, array_like=True):
    """`shots` shots for the circuits at positions [start, end)."""

    start: int
    end: int
    shots: int


class ShotPlan(msgspec.Struct, frozen=True, array_like=True):
    """The number of shots of each circuit of a batch. The groups cover the batch in order, without gaps."""

    groups: tuple[ShotGroup, ...]

    def shots_at(self, position: int) -> int:
        """Return the shots of the circuit at `position`.

        >>> ShotPlan((ShotGroup(0, 2, 100), ShotGroup(2, 3, 7))).shots_at(2)
        7
        """
        index = bisect_right(self.groups, position, key=lambda group: group.start) - 1
        return self.groups[index].shots


class TermRange(msgspec.Struct, frozen=True, array_like=True):
    """The circuits at positions [start, end), which are measured for the terms of the group at index `group`."""

    start: int
    end: int
    group: int


class Observables(msgspec.Struct, frozen=True, array_like=True):
    """Groups of Pauli terms and the circuits that each group is measured for."""

    groups: tuple[tuple[str, ...], ...]
    """The terms by group. The leftmost character of a term is qubit 0."""
    ranges: tuple[TermRange, ...] = ()
    """Sorted by start. A circuit in no range is measured for all terms of all groups."""

    def terms_at(self, position: int) -> tuple[str, ...]:
        """Return the terms of the circuit at `position`.

        >>> Observables((("ZZ",), ("XX", "YY")), (TermRange(0, 1, 1),)).terms_at(0)
        ('XX', 'YY')
        """
        index = bisect_right(self.ranges, position, key=lambda chosen: chosen.start) - 1
        if index >= 0 and position < self.ranges[index].end:
            return self.groups[self.ranges[index].group]
        if len(self.groups) == 1:
            return self.groups[0]
        return tuple(dict.fromkeys(term for group in self.groups for term in group))


class TemplateSource(msgspec.Struct, frozen=True, array_like=True, cache_hash=True):
    """The parametric circuit that all rows of a job share."""

    source: bytes
    """The text in UTF-8, with lone surrogates passed through."""
    names: tuple[str, ...]
    """The names of the parameters, in the order of the numbers of a row."""

    @property
    def text(self) -> str:
        """The decoded source."""
        return self.source.decode("utf-8", "surrogatepass")


class JobSpec(msgspec.Struct, frozen=True):
    """The options that hold for every circuit of a job. Either `shots` or `observables` is set."""

    target: str
    seed: int
    shots: ShotPlan | None = None
    observables: Observables | None = None
    timeout: float | None = None
    """Seconds that the job may take from its first claim on. None: no limit."""
    template: TemplateSource | None = None
    """If set, the sources of the job are rows of it. The parts of an upload may have templates of their own."""
    kept: bytes = b""
    """Data that the API which accepted the job stores with it."""

    @property
    def total_shots(self) -> int:
        """The shots of all circuits together; 0 if expectation values are asked for."""
        groups = self.shots.groups if self.shots else ()
        return sum((group.end - group.start) * group.shots for group in groups)


@dataclass(frozen=True, slots=True)
class JobRecord:
    """A job as the store lists it. Times are wall-clock UTC and meant for people."""

    seq: int
    """The number of the job in the store; jobs are ordered by it."""
    id: str
    owner: str
    tag: str | None
    status: JobStatus
    cancel_requested: bool
    target: str
    uploading: bool
    """True while the job is not accepted and receives parts."""
    priority: int
    changed: int
    """The number of this job's last change, counted over all jobs of the store."""
    circuits: int
    done: int
    """Circuits that have an outcome, those that failed included."""
    failed: int
    run_time: float
    """Seconds of simulation, summed over the circuits."""
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    fault: Fault | None = None
    """The reason if the job ended before all of its circuits had an outcome."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFilter:
    """A selection of jobs. A field that is None excludes none."""

    owner: str | None = None
    status: JobStatus | None = None
    tag: str | None = None
    since: datetime | None = None
    """Only jobs made at this time or later."""
    until: datetime | None = None
    """Only jobs made before this time."""
    before: int | None = None
    """Only jobs older than the one with this `seq`."""


EVERY_JOB = JobFilter()


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """The amounts that count against the quota of one owner."""

    queued_circuits: int
    running_shards: int
    shots_per_day: int
    """Shots of the jobs that were submitted in the last 24 hours."""
    stored_bytes: int


@dataclass(frozen=True, slots=True)
class BacklogEntry:
    """The number of accepted jobs of one open status for one target."""

    status: JobStatus
    target: str
    jobs: int
    circuits: int
    """Circuits of these jobs that have no outcome yet."""


class Forecast(msgspec.Struct, frozen=True, array_like=True):
    """The simulator and method that will run a circuit, and the estimated seconds. None: not known beforehand."""

    simulator: str
    method: str | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class JobProgress:
    """The estimated work of a job, in seconds of one worker, and the part of it that is done."""

    done: float
    total: float
    forecasts: tuple[Forecast, ...] = ()
    """Forecasts of the circuits that run now, one for each worker that has reported its own."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right of `holder` to finish attempt `attempt` of one shard."""

    job_id: str
    shard: int
    attempt: int
    holder: str


@dataclass(frozen=True, slots=True)
class Shard:
    """A claimed shard, reduced to the circuits that have no recorded result yet."""

    lease: Lease
    spec: JobSpec
    first: int
    """The position in the job of the first circuit in `labels` and `sources`."""
    labels: tuple[str, ...]
    sources: tuple[bytes, ...]
    suspect: int | None = None
    """The position of a circuit that killed a worker before."""
    verdict: Fault | None = None
    """If set, the outcome of the suspect, which is not run again."""
    owner: str = ""
    cost: float = 0.0
    """The estimated seconds for the circuits that are left."""
    tries: int = 1
    """Attempts so far, this one included, except those that ended early although nothing went wrong."""


class Counts(msgspec.Struct, frozen=True, array_like=True, tag="counts"):
    """Sampled outcomes, packed."""

    width: int
    """The number of declared classical bits."""
    words: bytes
    """The distinct outcomes, ascending, as little-endian unsigned integers of `word_bytes(width)` bytes.

    Bit k is classical bit k, over all registers in order of declaration.
    """
    tallies: bytes
    """The count of each word, as little-endian unsigned integers of 1, 2 or 4 bytes, as few as hold the largest."""


class Values(msgspec.Struct, frozen=True, array_like=True, tag="values"):
    """Expectation values, in the order of the circuit's terms."""

    values: tuple[float, ...]


class Fault(msgspec.Struct, frozen=True, array_like=True, tag="fault"):
    """The reason why a circuit has no result. `line` and `column` count from 1."""

    code: FaultCode
    message: str
    line: int | None = None
    column: int | None = None


class CircuitResult(msgspec.Struct, frozen=True, array_like=True):
    """The outcome of one circuit and how it was computed."""

    outcome: Counts | Values | Fault
    simulator: str
    method: str
    exact: bool
    seed: int
    shots: int | None
    seconds: float
    """The wall time of the simulation."""
    fidelity: float | None = None
    warnings: tuple[str, ...] = ()

    @classmethod
    def failed(cls, fault: Fault, spec: JobSpec, position: int, label: str, seconds: float = 0.0) -> CircuitResult:
        """Return the result of a circuit that failed because of `fault`."""
        return cls(
            outcome=fault,
            simulator="",
            method="",
            exact=False,
            seed=circuit_seed(spec.seed, label),
            shots=spec.shots.shots_at(position) if spec.shots and spec.shots.groups else None,
            seconds=seconds,
        )


encode_results = msgspec.msgpack.Encoder().encode


@dataclass(frozen=True, slots=True)
class ResultSlice:
    """Results of one attempt for `size` circuits from position `first` on."""

    lease: Lease
    first: int
    size: int
    failed: int
    """The number of results that are faults."""
    seconds: float
    """The sum of the seconds of the results."""
    results: bytes
    """The encoded list of `CircuitResult`."""
    last: bool
    """True if these results complete the shard."""

    @classmethod
    def of(cls, lease: Lease, first: int, results: Sequence[CircuitResult], *, last: bool) -> ResultSlice:
        """Return the slice that holds `results`."""
        return cls(
            lease=lease,
            first=first,
            size=len(results),
            failed=sum(isinstance(result.outcome, Fault) for result in results),
            seconds=sum(result.seconds for result in results),
            results=encode_results(results),
            last=last,
        )


@cache
def _seed_key(job_seed: int) -> bytes:
    """Return the seed as a key, also for a number that is no seed, which an older version may have stored."""
    return (job_seed & _SEED_MASK).to_bytes(8, "little")


def circuit_seed(job_seed: int, label: str) -> int:
    """Return the 63-bit seed of one circuit: BLAKE2b of its label, keyed by the seed of the job.

    It depends on nothing else, so workers, shards, order and further attempts do not change counts.

    >>> circuit_seed(7, "bell") == circuit_seed(7, "bell") != circuit_seed(8, "bell")
    True
    """
    digest = blake2b(label.encode("utf-8", "surrogatepass"), digest_size=8, key=_seed_key(job_seed)).digest()
    return int.from_bytes(digest, "little") >> 1
