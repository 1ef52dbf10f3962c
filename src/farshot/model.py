"""The frozen values that travel through the system.

`msgspec.Struct` where a value crosses a process or is stored (encoded as MessagePack), a dataclass
where it does not.
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

__all__ = [
    "EVERY_JOB",
    "Backlog",
    "CircuitResult",
    "Counts",
    "Effort",
    "Fault",
    "Forecast",
    "JobFilter",
    "JobRecord",
    "JobSpec",
    "Lease",
    "Line",
    "Observables",
    "Place",
    "ResultSlice",
    "Shard",
    "ShotGroup",
    "ShotPlan",
    "Standing",
    "TemplateSource",
    "TermRange",
    "Usage",
    "Values",
    "circuit_seed",
    "encode_results",
]

MAX_SEED = 2**63 - 1
MAX_COUNT = 2**63 - 1
"""What a store counts to."""
MAX_CIRCUITS = 1_000_000
MAX_SHOTS = 1_000_000_000
MAX_PRIORITY = 9
MAX_SECONDS = 1e9
"""The longest time that can be asked for, some thirty years: a thread can wait no longer than ten times that."""
_SEED_BITS = 2**64 - 1


class ShotGroup(msgspec.Struct, frozen=True, array_like=True):
    """`shots` shots for the circuits at positions [start, end)."""

    start: int
    end: int
    shots: int


class ShotPlan(msgspec.Struct, frozen=True, array_like=True):
    """How often each circuit of a batch is sampled; the groups tile the batch in order."""

    groups: tuple[ShotGroup, ...]

    def shots_at(self, position: int) -> int:
        """Return the shots of the circuit at `position`.

        >>> ShotPlan((ShotGroup(0, 2, 100), ShotGroup(2, 3, 7))).shots_at(2)
        7
        """
        index = bisect_right(self.groups, position, key=lambda group: group.start) - 1
        return self.groups[index].shots


class TermRange(msgspec.Struct, frozen=True, array_like=True):
    """The circuits at positions [start, end) are measured for the terms of one group."""

    start: int
    end: int
    group: int


class Observables(msgspec.Struct, frozen=True, array_like=True):
    """Groups of Pauli terms, each term's leftmost character qubit 0, and the ranges they belong to.

    `ranges` is sorted by start. A circuit in no range is measured for all terms of all groups.
    """

    groups: tuple[tuple[str, ...], ...]
    ranges: tuple[TermRange, ...] = ()

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
    """The one circuit that all rows of a job share: its text in UTF-8 (lone surrogates passed through) and the names
    of its parameters, in the order of the numbers of a row.
    """

    source: bytes
    names: tuple[str, ...]

    @property
    def text(self) -> str:
        """The text."""
        return self.source.decode("utf-8", "surrogatepass")


class JobSpec(msgspec.Struct, frozen=True):
    """What holds for every circuit of a job. Either `shots` or `observables` is set.

    `timeout` is how many seconds the job may take from its first claim on; None: as long as it needs. Where there is a
    `template`, the sources of the job are its rows; the parts of an upload may have templates of their own. `kept` is
    what the API that took the job keeps with it.
    """

    target: str
    seed: int
    shots: ShotPlan | None = None
    observables: Observables | None = None
    timeout: float | None = None
    template: TemplateSource | None = None
    kept: bytes = b""

    @property
    def total_shots(self) -> int:
        """Return the shots of all circuits together; 0 where expectation values are asked for."""
        groups = self.shots.groups if self.shots else ()
        return sum((group.end - group.start) * group.shots for group in groups)


@dataclass(frozen=True, slots=True)
class JobRecord:
    """What the store knows of a job. Times are wall-clock UTC, for people; `run_time` is the seconds of
    simulation summed over its circuits; `fault` is why the job ended before all of its circuits had an outcome.

    `seq` counts the jobs of the store and orders them; `changed` counts the changes of all its jobs, up to this job's
    last one. While a job is `uploading` it is not accepted yet and grows.
    """

    seq: int
    id: str
    owner: str
    tag: str | None
    status: JobStatus
    cancel_requested: bool
    target: str
    uploading: bool
    priority: int
    changed: int
    circuits: int
    done: int
    failed: int
    run_time: float
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    fault: Fault | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFilter:
    """Which jobs are wanted: None takes any. `before` is the `seq` of a job: only older ones; made at `since` or
    later, and before `until`.
    """

    owner: str | None = None
    status: JobStatus | None = None
    tag: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    before: int | None = None


EVERY_JOB = JobFilter()


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What an owner has open, running and stored, and the shots of what it submitted in the last 24 hours."""

    queued_circuits: int
    running_shards: int
    shots_per_day: int
    stored_bytes: int


@dataclass(frozen=True, slots=True)
class Backlog:
    """The accepted jobs of one open status for one target: how many, and how many circuits they still have to do."""

    status: JobStatus
    target: str
    jobs: int
    circuits: int


@dataclass(frozen=True, slots=True, order=True)
class Standing:
    """A job that waits: the `turn` of its owner at which its first waiting shard, of number `seq`, is begun. What waits
    of it is guessed to take `cost` seconds.
    """

    turn: float
    seq: int
    job_id: str
    owner: str
    cost: float


@dataclass(frozen=True, slots=True)
class Place:
    """Where a job is in the line: `ahead` other jobs are begun before it. Until then workers are guessed to spend
    `seconds_ahead` on others' and its owner's shards that wait, and then `seconds` on its own.
    """

    ahead: int
    seconds_ahead: float
    seconds: float


class Line:
    """The jobs that wait, in the order in which they are begun."""

    def __init__(self, standing: Sequence[Standing]) -> None:
        """Line them up."""
        self._standing = sorted(standing)
        self._numbers = {each.job_id: number for number, each in enumerate(self._standing)}

    def place(self, job_id: str) -> Place | None:
        """Return where a job is; None where nothing of it waits.

        An owner with a later turn is served to the end of its work or up to that turn, whichever comes first.
        """
        number = self._numbers.get(job_id)
        if number is None:
            return None
        own = self._standing[number]
        before = sum(min(each.cost, own.turn - each.turn) for each in self._standing[:number])
        return Place(number, before, own.cost)


class Forecast(msgspec.Struct, frozen=True, array_like=True):
    """How a circuit is run, said before it begins: by which simulator and method, and about how many seconds it takes.

    None: not known before.
    """

    simulator: str
    method: str | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Effort:
    """What a job was guessed to take in all, in seconds of one worker, and the part of it that is done; and the
    forecasts of the circuits that run now, one for each worker that has told its own.
    """

    done: float
    total: float
    forecasts: tuple[Forecast, ...] = ()


@dataclass(frozen=True, slots=True)
class Lease:
    """The right of `holder` to finish attempt `attempt` of one shard."""

    job_id: str
    shard: int
    attempt: int
    holder: str


@dataclass(frozen=True, slots=True)
class Shard:
    """A claimed shard: what is left to do of it under `lease`.

    `first` is the position in the job of the first circuit that has no recorded result; `labels` and
    `sources` start there. `suspect` is the position of a circuit that killed a worker before; where there is
    a `verdict`, that is its outcome and it is not run again. What is left is guessed to take `cost` seconds.
    `tries` are its attempts so far, this one too, without those that ended early although nothing went wrong.
    """

    lease: Lease
    spec: JobSpec
    first: int
    labels: tuple[str, ...]
    sources: tuple[bytes, ...]
    suspect: int | None = None
    verdict: Fault | None = None
    owner: str = ""
    cost: float = 0.0
    tries: int = 1


class Counts(msgspec.Struct, frozen=True, array_like=True, tag="counts"):
    """Sampled outcomes, packed.

    `width` is the number of declared classical bits. `words` holds the distinct outcomes ascending, as
    little-endian unsigned integers of `word_bytes(width)` bytes whose bit k is classical bit k (over all
    registers in order of declaration); `tallies` the counts beside them, as little-endian unsigned integers of
    1, 2 or 4 bytes each, as few as hold the largest.
    """

    width: int
    words: bytes
    tallies: bytes


class Values(msgspec.Struct, frozen=True, array_like=True, tag="values"):
    """Expectation values, in the order of the circuit's terms."""

    values: tuple[float, ...]


class Fault(msgspec.Struct, frozen=True, array_like=True, tag="fault"):
    """Why a circuit has no result; `line` and `column` count from 1."""

    code: FaultCode
    message: str
    line: int | None = None
    column: int | None = None


class CircuitResult(msgspec.Struct, frozen=True, array_like=True):
    """The outcome of one circuit and how it came about. `seconds` is the wall time of its simulation."""

    outcome: Counts | Values | Fault
    simulator: str
    method: str
    exact: bool
    seed: int
    shots: int | None
    seconds: float
    fidelity: float | None = None
    warnings: tuple[str, ...] = ()

    @classmethod
    def failed(cls, fault: Fault, spec: JobSpec, position: int, label: str, seconds: float = 0.0) -> CircuitResult:
        """Return the result of a circuit that has none, for the reason `fault`."""
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
    """Results of one attempt for the `size` circuits from position `first` on.

    `results` is the encoded list of `CircuitResult`; `failed` of them are faults; `seconds` is the sum of
    theirs. `last` says that they end the shard.
    """

    lease: Lease
    first: int
    size: int
    failed: int
    seconds: float
    results: bytes
    last: bool

    @classmethod
    def of(cls, lease: Lease, first: int, results: Sequence[CircuitResult], *, last: bool) -> ResultSlice:
        """Return the part that holds `results`."""
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
    """Return the seed as a key: any number has one, also where an older version stored what is no seed."""
    return (job_seed & _SEED_BITS).to_bytes(8, "little")


def circuit_seed(job_seed: int, label: str) -> int:
    """Return the seed of one circuit: BLAKE2b of its label, keyed by the job's seed; 63 bits.

    It depends on nothing else, so workers, shards, order and retries change no counts.

    >>> circuit_seed(7, "bell") == circuit_seed(7, "bell") != circuit_seed(8, "bell")
    True
    """
    digest = blake2b(label.encode("utf-8", "surrogatepass"), digest_size=8, key=_seed_key(job_seed)).digest()
    return int.from_bytes(digest, "little") >> 1
