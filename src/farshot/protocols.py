"""The seams: stores, an executor, a simulator, a clock. Everything else is written against these."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeAlias

from farshot.model import EVERY_JOB

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from datetime import datetime

    from farshot.accounts import Quota, Token, User
    from farshot.errors import CircuitError
    from farshot.model import (
        Backlog,
        Counts,
        Effort,
        Fault,
        Forecast,
        JobFilter,
        JobRecord,
        JobSpec,
        Lease,
        Line,
        ResultSlice,
        Shard,
        TemplateSource,
        Usage,
        Values,
    )
    from farshot.openqasm.facts import Scan
    from farshot.submission import Draft, PartReceipt, Submission, UploadPart


@dataclass(frozen=True, slots=True)
class Task:
    """One circuit for a simulator. Either `shots` or `terms` is set.

    `terms` are Pauli strings, leftmost character qubit 0, none longer than the circuit's register; a
    shorter one acts on the first qubits. `method` is the part of the target after the colon, or None.
    `seed` has 63 bits.
    """

    scan: Scan
    seed: int
    shots: int | None = None
    terms: tuple[str, ...] | None = None
    method: str | None = None

    @property
    def source(self) -> str:
        """The text. Of a row of a template none is made before somebody asks."""
        return self.scan.text


@dataclass(frozen=True, slots=True)
class Run:
    """What a simulator made of a task. `fidelity` is an estimate, given where the run was not exact."""

    outcome: Counts | Values
    method: str
    exact: bool = True
    fidelity: float | None = None


class Simulator(Protocol):
    """Code that computes a circuit's outcome, in a worker child."""

    @property
    def name(self) -> str:
        """The name that targets use."""
        ...

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods that a target can ask for, as in `name:method`."""
        ...

    def refusal(self, task: Task) -> str | None:
        """Return why this simulator must not be given `task`, or None. Looks at the facts only."""
        ...

    def check(self, task: Task) -> None:
        """Parse `task` without running it; raises what `simulate` would raise at that point."""
        ...

    def forecast(self, task: Task) -> Forecast:
        """Return how `simulate` will run `task`, as far as that is known before; by a glance, for it is asked of every
        circuit.
        """
        ...

    def simulate(self, task: Task) -> Run:
        """Run `task`.

        Raises `CircuitError`: parse and admission faults are the circuit's, an `unsupported` one is
        this simulator's (another may run the circuit).
        """
        ...


@dataclass(frozen=True, slots=True)
class Lost:
    """The worker of `lease` died `seconds` after it began; `position` is the circuit it had announced, `fault` what
    killed it.
    """

    lease: Lease
    position: int | None
    fault: Fault
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Spared:
    """The worker of `lease` is free for others, after so many `seconds`; what it has not delivered is left to do."""

    lease: Lease
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Broken:
    """The shard of `lease` could not be given to a worker, for a reason of its own."""

    lease: Lease
    reason: str


@dataclass(frozen=True, slots=True)
class Halted:
    """No worker can be started, so that the shards of `leases` go back; the executor tries again, and `Resumed`
    follows once that works. Where the package was `upgraded`, only a new process can start workers.
    """

    reason: str
    leases: tuple[Lease, ...]
    upgraded: bool = False


@dataclass(frozen=True, slots=True)
class Resumed:
    """Workers can be started again."""


ExecutorEvent: TypeAlias = "ResultSlice | Lost | Spared | Broken | Halted | Resumed"


class Executor(Protocol):
    """Where shards run."""

    @property
    def capacity(self) -> int:
        """How many shards it takes at a time, so that no worker waits for the next one."""
        ...

    @property
    def reserve(self) -> int:
        """How many of these are for owners who have fewer than as many there: nobody fills it all."""
        ...

    def open(self, deliver: Callable[[ExecutorEvent], None]) -> None:
        """Start; from now on hand every event to `deliver`, from any thread."""
        ...

    def start(self, shard: Shard) -> None:
        """Take a shard; its events follow. Never blocks on the work."""
        ...

    def stop(self, lease: Lease) -> None:
        """Drop the shard, or kill what runs it. No event of this lease is wanted any more."""
        ...

    def running(self) -> Mapping[Lease, float]:
        """Return for how many seconds each shard has been running that does not wait for a worker."""
        ...

    def forecasts(self) -> Mapping[Lease, Forecast]:
        """Return how the circuit is run that each shard is at, of those of which that is known."""
        ...

    def spare(self, lease: Lease) -> None:
        """Have the shard end before its next circuit, or not begin: `Spared` follows, or its end where that is near."""
        ...

    def inspect(self, sources: Sequence[bytes], spec: JobSpec) -> list[CircuitError | None]:
        """Scan and parse the texts of a whole batch in a child, away from the shards; return each one's fault."""
        ...

    def close(self) -> None:
        """Kill what runs and end every worker."""
        ...


@dataclass(frozen=True, slots=True)
class Recorded:
    """What recording did to one part: `accepted` is False where the lease had been lost; `ended` says that its
    job ended in the same transaction.
    """

    part: ResultSlice
    accepted: bool
    ended: bool = False


class Exchange(NamedTuple):
    """The outcome of an exchange: of each part, the shards that are leased, and the job of each submission or the error
    that refused it.
    """

    recorded: list[Recorded]
    claimed: list[Shard]
    added: list[JobRecord | Exception]


@dataclass(frozen=True, slots=True)
class StoredPart:
    """Recorded results as read back: `results` is the encoded list, for the circuits `labels` from `first` on.

    `seq` counts what is recorded, in order of time. A large list is read when it is asked for, and kept by nobody:
    whoever reads knows before how many bytes it has.
    """

    seq: int
    first: int
    attempt: int
    labels: tuple[str, ...]
    nbytes: int
    read: Callable[[], bytes] = field(repr=False, compare=False)

    @property
    def results(self) -> bytes:
        """The encoded list; raises `UnknownJobError` where the job was deleted meanwhile."""
        return self.read()


@dataclass(frozen=True, slots=True)
class StoredCircuits:
    """Circuits of a job as submitted, from position `first` on: texts in UTF-8, or packed rows of `template`."""

    first: int
    labels: tuple[str, ...]
    sources: tuple[bytes, ...]
    template: TemplateSource | None


class JobStore(Protocol):
    """Where jobs, shards and results live. Every method is safe from any thread, and one transaction unless it says
    otherwise.
    """

    def add(self, submission: Submission) -> JobRecord:
        """Make the job durable and return it; the same owner and key give the job that is there.

        Raises `KeyConflictError` where that job has another body.
        """
        ...

    def job(self, job_id: str) -> JobRecord:
        """Return one job; raises `UnknownJobError`."""
        ...

    def jobs(self, wanted: JobFilter = EVERY_JOB, limit: int = 50) -> list[JobRecord]:
        """Return the newest jobs that are wanted, the newest first."""
        ...

    def events(self, owner: str | None, after: int, limit: int = 100) -> list[JobRecord]:
        """Return the jobs of `owner` (None: of everybody) that changed after the change `after`, in that order.

        A job that changed twice is there once, as it is now.
        """
        ...

    def changes(self) -> int:
        """Return the number of the last change."""
        ...

    def keyed(self, owner: str, key: str) -> JobRecord | None:
        """Return the job that `owner` made with `key`; None where there is none."""
        ...

    def usage(self, owner: str) -> Usage:
        """Return what `owner` has in the store and has used of it in the last 24 hours."""
        ...

    def usages(self) -> dict[str, Usage]:
        """Return the same of every owner that has anything, by name."""
        ...

    def shots(self, owner: str, since: datetime) -> dict[str, int]:
        """Return the shots of every job that `owner` made at `since` or later, by its id."""
        ...

    def backlog(self) -> list[Backlog]:
        """Return what is accepted and not done, of everybody, by status and target."""
        ...

    def ahead(self, job_id: str) -> int:
        """Return how many other jobs are begun before this job's first waiting shard; 0 where nothing of it waits."""
        ...

    def line(self) -> Line:
        """Return the order in which the jobs that wait are begun."""
        ...

    def effort(self, job_id: str) -> Effort:
        """Return what a job was guessed to take, how much of that is done, and the forecasts of what runs of it."""
        ...

    def delete(self, job_id: str) -> None:
        """Delete a job with all that belongs to it, running or not; raises `UnknownJobError`."""
        ...

    def spec(self, job_id: str) -> JobSpec:
        """Return what holds for every circuit of a job but its template; raises `UnknownJobError`."""
        ...

    def labels(self, job_id: str) -> Iterator[tuple[str, ...]]:
        """Yield the labels of a job, shard by shard in order."""
        ...

    def circuits(self, job_id: str, start: int = 0) -> Iterator[StoredCircuits]:
        """Yield the circuits of a job, shard by shard in order, from the shard on that holds position `start`."""
        ...

    def parts(self, job_id: str, after: int = -1) -> Iterator[StoredPart]:
        """Yield what is recorded of a job behind the part at position `after`, in order of position."""
        ...

    def recorded(self, job_id: str, after: int = 0) -> Iterator[StoredPart]:
        """Yield what was recorded of a job after the part of number `after`, in order of time."""
        ...

    def cancel(self, job_id: str) -> tuple[JobRecord, int | None]:
        """Cancel an open job; return it and how many circuits that stopped (None: it had ended)."""
        ...

    def expire(self) -> list[str]:
        """End the running jobs whose time is over as FAILED, and return their ids.

        A job's time counts from its first claim, and anew after the machine was restarted. Each job is ended in a
        transaction of its own; raises `BrokenJobError` for one that cannot be ended once the others are.
        """
        ...

    def end(self, job_id: str, fault: Fault) -> bool:
        """End an open job as FAILED for the reason `fault`; say whether it was open."""
        ...

    def claim(self, holder: str, limit: int, excluded: Collection[str] = ()) -> list[Shard]:
        """Lease up to `limit` open shards to `holder`, each owner its fair share, an owner's oldest job first; none of
        the owners `excluded`.

        Raises `BrokenJobError` where a job is in the way that cannot be handled; with a limit of 1 it is surely named.
        """
        ...

    def outranked(self, owners: Collection[str]) -> set[str]:
        """Return those of `owners` behind another who waits and may run one more shard. Writes nothing."""
        ...

    def lost(self, leases: Sequence[Lease]) -> list[Lease]:
        """Return those of `leases` that no longer hold. Writes nothing."""
        ...

    def renew(
        self,
        leases: Sequence[Lease],
        seconds: Mapping[Lease, float] = ...,
        forecasts: Mapping[Lease, Forecast] = ...,
    ) -> list[Lease]:
        """Prolong leases; return those that are lost (cancelled, or taken over).

        `seconds` have been spent on them and are not recorded: their owners are charged for them now. `forecasts` are
        those of the circuits that run under them; `effort` gives them until the next renewal, claim or end.
        """
        ...

    def record(self, parts: Sequence[ResultSlice]) -> list[Recorded]:
        """Record parts in one transaction, each only where its lease still holds."""
        ...

    def exchange(
        self,
        parts: Sequence[ResultSlice],
        holder: str,
        limit: int,
        excluded: Collection[str] = (),
        submissions: Sequence[Submission] = (),
    ) -> Exchange:
        """Add jobs, record, then claim, where it can in one transaction: one commit for all of them.

        The error that `add` would raise of a submission stands in its place, and the others are added. Where the job of
        a part cannot be handled, all of it is undone and the error is raised.
        """
        ...

    def release(
        self, lease: Lease, suspect: int | None = None, verdict: Fault | None = None, seconds: float = 0.0
    ) -> bool:
        """Give a shard back for another attempt; say whether the lease still held.

        `suspect` is the position of the circuit that killed the worker, `verdict` its outcome if it must not
        be run again. `seconds` were spent on it and are not recorded; its owner is charged for them.
        """
        ...

    def give_back(self, lease: Lease, seconds: float = 0.0) -> bool:
        """Give a shard back that nothing went wrong with; say whether the lease still held.

        What is known of it stays known, and this attempt counts as none: neither for `Shard.tries` nor for the number
        of those after it in what is read. Its owner is charged for the `seconds` that are not recorded.
        """
        ...

    def holders(self) -> list[str]:
        """Return the names under which leases are held."""
        ...

    def revoke(self, holder: str) -> int:
        """Give back every shard that `holder`, which is known to be dead, holds; say how many those were."""
        ...

    def close(self) -> None:
        """Let go of the database."""
        ...


class UploadStore(Protocol):
    """Where a job is that arrives in numbered parts. Every method is one transaction and safe from any thread."""

    def open(self, draft: Draft) -> JobRecord:
        """Begin a job and return it; the same owner and key give the one that is there, begun or accepted.

        Raises `KeyConflictError` where that one has another body.
        """
        ...

    def options(self, job_id: str) -> bytes:
        """Return the options that a job in the making was opened with; raises `UploadError` where it is none."""
        ...

    def receipts(self, job_id: str) -> list[PartReceipt]:
        """Return what has arrived of a job, by number."""
        ...

    def part_options(self, job_id: str) -> list[bytes]:
        """Return the options of every part of a job in the making, by number."""
        ...

    def put(self, job_id: str, part: UploadPart) -> JobRecord:
        """Keep a part and return the job; the same part again changes nothing.

        Raises `UploadError` where the job is accepted or ended, or has another part of this number, `BatchError` where
        it would have too many circuits.
        """
        ...

    def append(self, job_id: str, part: UploadPart) -> JobRecord:
        """Keep a part behind all that are there, whatever its number says, and return the job.

        One with the digest of a part that is there changes nothing. Raises as `put`.
        """
        ...

    def accept(self, job_id: str, spec: JobSpec, circuits: int) -> JobRecord:
        """Accept the job with so many circuits: from now on it is worked on. Accepting it again changes nothing.

        Raises `UploadError` where a number below the highest is missing or the job has other than `circuits`, for which
        `spec` was made, `BatchError` where two circuits have the same label, `QuotaError` where its owner would have
        too much.
        """
        ...

    def complete(self, job_id: str, part: UploadPart, spec: JobSpec, circuits: int) -> JobRecord:
        """Append the last part and accept the job, or do neither; raises as `append` and `accept`."""
        ...

    def redraft(self, job_id: str, target: str, options: bytes) -> bool:
        """Give a job in the making another target and other options; say whether it still was one."""
        ...

    def respecify(self, job_id: str, spec: JobSpec) -> bool:
        """Give an accepted job that nobody has begun another target and timeout; say whether it still waited.

        Its circuits and what is measured of them must be those of the specification that it has.
        """
        ...

    def abandoned(self, older_than: float) -> list[str]:
        """Return the jobs that were opened more than `older_than` seconds ago and never accepted."""
        ...


class AccountStore(Protocol):
    """Where users and their tokens are. Every method is one transaction and safe from any thread."""

    def users(self) -> list[User]:
        """Return every user, by name."""
        ...

    def add_user(self, user: User) -> User:
        """Make a user and return it; one of that name that is there gets the role and keeps its quota."""
        ...

    def limit(self, name: str, quota: Quota) -> bool:
        """Give a user a quota of its own; say whether there is such a user."""
        ...

    def add_token(self, token: Token) -> None:
        """Keep a token of a user that is there."""
        ...

    def token(self, ident: str) -> tuple[Token, User] | None:
        """Return a token and whose it is, revoked or not; None where there is none of that id."""
        ...

    def tokens(self) -> list[Token]:
        """Return every token, by user and age."""
        ...

    def revoke(self, ident: str, at: datetime) -> bool:
        """Make a token worthless; say whether that changed anything."""
        ...


class Clock(Protocol):
    """Time that no wall clock can turn back."""

    def now(self) -> float:
        """Return seconds since some fixed moment of this boot."""
        ...

    def boot(self) -> str:
        """Return the id of this boot; times of different boots cannot be compared."""
        ...
