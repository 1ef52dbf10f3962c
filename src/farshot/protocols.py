"""The protocols of stores, an executor, a simulator and a clock. All other packages are written against these."""

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
        BacklogEntry,
        Counts,
        Fault,
        Forecast,
        JobFilter,
        JobProgress,
        JobRecord,
        JobSpec,
        Lease,
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
    """One circuit for a simulator. Either `shots` or `terms` is set."""

    scan: Scan
    seed: int
    """A number of 63 bits."""
    shots: int | None = None
    terms: tuple[str, ...] | None = None
    """Pauli strings whose leftmost character is qubit 0. None is longer than the register; a shorter one acts on the
    first qubits.
    """
    method: str | None = None
    """The part of the target after the colon."""

    @property
    def source(self) -> str:
        """The OpenQASM text. The text of a template row is made when it is first asked for."""
        return self.scan.text


@dataclass(frozen=True, slots=True)
class Run:
    """The outcome of a task and how it was computed."""

    outcome: Counts | Values
    method: str
    exact: bool = True
    fidelity: float | None = None
    """An estimate, given if the run was not exact."""


class Simulator(Protocol):
    """Code that computes the outcome of a circuit. It runs in a child process of a worker."""

    @property
    def name(self) -> str:
        """The name of the simulator in targets."""

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods that a target can name, as in `name:method`."""

    def refusal(self, task: Task) -> str | None:
        """Return the reason why this simulator cannot run `task`, or None. Reads the scanned facts only."""

    def check(self, task: Task) -> None:
        """Parse `task` without running it; raises the same errors as the parser within `simulate`."""

    def forecast(self, task: Task) -> Forecast:
        """Return how `simulate` will run `task`, as far as that is known beforehand. Fast: it is called for every
        circuit.
        """

    def simulate(self, task: Task) -> Run:
        """Run `task`.

        Raises `CircuitError`. Its code is `unsupported` if another simulator may run the circuit; parse and admission
        faults are defects of the circuit itself.
        """


@dataclass(frozen=True, slots=True)
class Lost:
    """Event: the worker of `lease` died."""

    lease: Lease
    position: int | None
    """The position of the circuit that the worker had announced."""
    fault: Fault
    """The cause of the death."""
    seconds: float = 0.0
    """Time from the start of the shard to the death."""


@dataclass(frozen=True, slots=True)
class Spared:
    """Event: the worker of `lease` stopped early after `seconds`. Circuits it did not deliver are still to be run."""

    lease: Lease
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Broken:
    """Event: the shard of `lease` could not be given to a worker because of a defect of the shard."""

    lease: Lease
    reason: str


@dataclass(frozen=True, slots=True)
class Halted:
    """Event: no worker can be started. The executor tries again and sends `Resumed` once that works."""

    reason: str
    leases: tuple[Lease, ...]
    """Leases of the shards that go back to the store."""
    upgraded: bool = False
    """True if the package was upgraded meanwhile, so that only a new process can start workers."""


@dataclass(frozen=True, slots=True)
class Resumed:
    """Event: workers can be started again."""


ExecutorEvent: TypeAlias = "ResultSlice | Lost | Spared | Broken | Halted | Resumed"


EXECUTORS = "farshot.executors"
"""The group of the entry points of executors."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutorOptions:
    """The settings of a service for its executor. An entry point of the group `farshot.executors` names a
    callable that takes them and returns an `Executor`.
    """

    workers: int | None = None
    """How many shards run at a time; None: as many as the executor finds right."""
    memory_limit: int | None = None
    """Bytes for each worker; None: its share."""
    circuit_timeout: float = 3600.0
    """Seconds that one circuit may run."""
    target_timeouts: Mapping[str, float] = field(default_factory=dict)
    """The same for single targets."""


class Executor(Protocol):
    """Runs shards. No method blocks until a shard is done."""

    @property
    def workers(self) -> int:
        """How many shards run at a time: a job is cut so that each has some."""
        ...

    @property
    def memory(self) -> int:
        """The bytes that a circuit may use."""
        ...

    @property
    def restarts(self) -> int:
        """How many workers died over their work and were replaced."""
        ...

    def circuit_timeout(self, target: str) -> float:
        """Return the seconds that one circuit for `target` may run."""
        ...

    @property
    def capacity(self) -> int:
        """The number of shards it accepts at a time, enough that no worker waits for the next one."""

    @property
    def reserve(self) -> int:
        """The number of these kept for owners with fewer shards there than this number, so that no owner fills it."""

    def open(self, deliver: Callable[[ExecutorEvent], None]) -> None:
        """Start the executor. Every event is passed to `deliver`, from any thread."""

    def start(self, shard: Shard) -> None:
        """Accept a shard and return at once; its events follow."""

    def stop(self, lease: Lease) -> None:
        """Drop the shard, or kill the process that runs it. Events of this lease are no longer needed."""

    def running(self) -> Mapping[Lease, float]:
        """Return the seconds that each shard has been running, without those that wait for a worker."""

    def forecasts(self) -> Mapping[Lease, Forecast]:
        """Return the forecast of the current circuit of each shard, if it is known."""

    def spare(self, lease: Lease) -> None:
        """Stop the shard before its next circuit, or before its first. `Spared` follows, or its last results."""

    def inspect(self, sources: Sequence[bytes], spec: JobSpec) -> list[CircuitError | None]:
        """Scan and parse the circuits of a batch in a child process that runs no shards; return the error of each."""

    def close(self) -> None:
        """Kill running circuits and end every worker."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """The answer of the store to one slice of results."""

    part: ResultSlice
    accepted: bool
    """False if the lease was lost or the slice is out of place."""
    ended: bool = False
    """True if the job ended in the same transaction."""


class Exchange(NamedTuple):
    """The outcome of `JobStore.exchange`."""

    recorded: list[Recorded]
    claimed: list[Shard]
    added: list[JobRecord | Exception]
    """For each submission its job, or the error that refused it."""


@dataclass(frozen=True, slots=True)
class StoredPart:
    """Recorded results of the circuits `labels`, from position `first` on."""

    seq: int
    """The number of this part in the order in which parts were recorded."""
    first: int
    attempt: int
    labels: tuple[str, ...]
    nbytes: int
    """The size of `results`, known before they are read."""
    read: Callable[[], bytes] = field(repr=False, compare=False)

    @property
    def results(self) -> bytes:
        """The encoded list of `CircuitResult`; raises `UnknownJobError` if the job was deleted meanwhile.

        A large list is read from the store on each access and not cached.
        """
        return self.read()


@dataclass(frozen=True, slots=True)
class StoredCircuits:
    """Circuits of a job as submitted, from position `first` on: texts in UTF-8, or packed rows of `template`."""

    first: int
    labels: tuple[str, ...]
    sources: tuple[bytes, ...]
    template: TemplateSource | None


class JobStore(Protocol):
    """Stores jobs, shards and results. Every method can be called from any thread and is one transaction unless
    stated otherwise.
    """

    def add(self, submission: Submission) -> JobRecord:
        """Store the job durably and return it. If the owner has used the key before, return that job.

        Raises `KeyConflictError` if that job has another body.
        """

    def job(self, job_id: str) -> JobRecord:
        """Return a job; raises `UnknownJobError`."""

    def jobs(self, wanted: JobFilter = EVERY_JOB, limit: int = 50) -> list[JobRecord]:
        """Return up to `limit` jobs that match the filter, the newest first."""

    def events(self, owner: str | None, after: int, limit: int = 100) -> list[JobRecord]:
        """Return the jobs of `owner` (None: of all owners) that changed after change `after`, in order of change.

        A job that changed twice is listed once, in its present state.
        """

    def changes(self) -> int:
        """Return the number of the last change."""

    def keyed(self, owner: str, key: str) -> JobRecord | None:
        """Return the job that `owner` made with `key`, or None."""

    def usage(self, owner: str) -> Usage:
        """Return what `owner` has in the store, and the shots of its last 24 hours."""

    def usages(self) -> dict[str, Usage]:
        """Return the usage of every owner that has any, by name."""

    def shots(self, owner: str, since: datetime) -> dict[str, int]:
        """Return, by job id, the shots of every job that `owner` made at `since` or later."""

    def backlog(self) -> list[BacklogEntry]:
        """Return the accepted jobs of all owners that have not ended, counted by status and target."""

    def ahead(self, job_id: str) -> int:
        """Return how many other jobs begin before the first waiting shard of this job; 0 if nothing of it waits."""

    def effort(self, job_id: str) -> JobProgress:
        """Return the estimated work of a job, how much of it is done, and the forecasts of its running circuits."""

    def delete(self, job_id: str) -> None:
        """Delete a job with its shards and results, running or not; raises `UnknownJobError`."""

    def spec(self, job_id: str) -> JobSpec:
        """Return the options of a job, without its template; raises `UnknownJobError`."""

    def labels(self, job_id: str) -> Iterator[tuple[str, ...]]:
        """Yield the labels of a job, shard by shard in order."""

    def circuits(self, job_id: str, start: int = 0) -> Iterator[StoredCircuits]:
        """Yield the circuits of a job, shard by shard, beginning with the shard that holds position `start`."""

    def parts(self, job_id: str, after: int = -1) -> Iterator[StoredPart]:
        """Yield the recorded results of a job in order of position, those after the part at position `after`."""

    def recorded(self, job_id: str, after: int = 0) -> Iterator[StoredPart]:
        """Yield the recorded results of a job in order of time, those after the part with number `after`."""

    def cancel(self, job_id: str) -> tuple[JobRecord, int | None]:
        """Cancel an open job; return it and the number of circuits that this stopped (None: it had ended)."""

    def expire(self) -> list[str]:
        """End the running jobs that exceeded their timeout as FAILED, and return their ids.

        The time of a job counts from its first claim, and anew after a restart of the machine. Each job is ended in a
        transaction of its own. After the others, `BrokenJobError` is raised for a job that cannot be ended.
        """

    def end(self, job_id: str, fault: Fault) -> bool:
        """End an open job as FAILED because of `fault`; return whether it was open."""

    def claim(self, holder: str, limit: int, excluded: Collection[str] = ()) -> list[Shard]:
        """Lease up to `limit` open shards to `holder`, none of the owners `excluded`.

        Each owner gets a fair share, its oldest job first.
        Raises `BrokenJobError` if a job to be claimed cannot be handled; a limit of 1 ensures that it is named.
        """

    def outranked(self, owners: Collection[str]) -> set[str]:
        """Return those of `owners` that come after a waiting owner who may run one more shard. Writes nothing."""

    def lost(self, leases: Sequence[Lease]) -> list[Lease]:
        """Return those of `leases` that are no longer valid. Writes nothing."""

    def renew(
        self,
        leases: Sequence[Lease],
        seconds: Mapping[Lease, float] = ...,
        forecasts: Mapping[Lease, Forecast] = ...,
    ) -> list[Lease]:
        """Prolong leases; return those that are lost (cancelled, or taken over).

        `seconds` is the time spent on each that is not recorded yet; the owners are charged for it now. `forecasts` are
        those of the running circuits; `effort` returns them until the next renewal, claim or end.
        """

    def record(self, parts: Sequence[ResultSlice]) -> list[Recorded]:
        """Record slices of results in one transaction, each only if its lease is still valid."""

    def exchange(
        self,
        parts: Sequence[ResultSlice],
        holder: str,
        limit: int,
        excluded: Collection[str] = (),
        submissions: Sequence[Submission] = (),
    ) -> Exchange:
        """Add jobs, record results, then claim shards, in one transaction if possible.

        A submission for which `add` would raise gives that error in its place, and the others are added. If the job of
        a part cannot be handled, the whole exchange is undone and the error is raised.
        """

    def release(
        self, lease: Lease, suspect: int | None = None, verdict: Fault | None = None, seconds: float = 0.0
    ) -> bool:
        """Give a shard back for another attempt; return whether the lease was still valid.

        `suspect` is the position of the circuit that killed the worker, `verdict` its outcome if it must not be run
        again. The owner is charged for `seconds`, the time spent on the shard that is not recorded.
        """

    def give_back(self, lease: Lease, seconds: float = 0.0) -> bool:
        """Give a shard back that nothing went wrong with; return whether the lease was still valid.

        Its suspect and verdict are kept, and this attempt is not counted: neither in `Shard.tries` nor in the attempt
        numbers of results read back. The owner is charged for the `seconds` that are not recorded.
        """

    def holders(self) -> list[str]:
        """Return the names of all holders of leases."""

    def revoke(self, holder: str) -> int:
        """Give back every shard of `holder`, which is known to be dead; return their number."""

    def close(self) -> None:
        """Close the connections to the database."""


class UploadStore(Protocol):
    """Stores jobs that arrive in numbered parts. Every method is one transaction and can be called from any thread."""

    def open(self, draft: Draft) -> JobRecord:
        """Begin a job and return it. If the owner has used the key before, return that job, begun or accepted.

        Raises `KeyConflictError` if that job has another body.
        """

    def options(self, job_id: str) -> bytes:
        """Return the options that an uploading job was opened with; raises `UploadError` if it is not uploading."""

    def receipts(self, job_id: str) -> list[PartReceipt]:
        """Return the receipts of the parts that have arrived, by number."""

    def part_options(self, job_id: str) -> list[bytes]:
        """Return the options of every part of an uploading job, by number."""

    def put(self, job_id: str, part: UploadPart) -> JobRecord:
        """Store a part and return the job. The same part again changes nothing.

        Raises `UploadError` if the job is accepted or ended, or has another part of this number, and `BatchError` if it
        would have too many circuits.
        """

    def append(self, job_id: str, part: UploadPart) -> JobRecord:
        """Store a part after the last one, regardless of its number, and return the job.

        A part with the digest of a stored part changes nothing. Raises the errors of `put`.
        """

    def accept(self, job_id: str, spec: JobSpec, circuits: int) -> JobRecord:
        """Accept the job, so that its shards can be claimed. Accepting it again changes nothing.

        `circuits` is the number of circuits for which `spec` was made. Raises `UploadError` if the job has another
        number of them or a part is missing, `BatchError` if two circuits have the same label, and `QuotaError` if the
        owner would exceed a quota.
        """

    def complete(self, job_id: str, part: UploadPart, spec: JobSpec, circuits: int) -> JobRecord:
        """Append the last part and accept the job, or do neither. Raises the errors of `append` and `accept`."""

    def redraft(self, job_id: str, target: str, options: bytes) -> bool:
        """Replace the target and the options of an uploading job; return whether it was still uploading."""

    def respecify(self, job_id: str, spec: JobSpec) -> bool:
        """Replace the target and timeout of an accepted job that has not begun; return whether it was still waiting.

        The circuits, shots and observables of `spec` must be those that the job has.
        """

    def abandoned(self, older_than: float) -> list[str]:
        """Return the ids of jobs that were opened more than `older_than` seconds ago and never accepted."""


class AccountStore(Protocol):
    """Stores users and their tokens. Every method is one transaction and can be called from any thread."""

    def users(self) -> list[User]:
        """Return every user, in order of name."""

    def add_user(self, user: User) -> User:
        """Make a user and return it. An existing user of that name gets the role and keeps its quota."""

    def limit(self, name: str, quota: Quota) -> bool:
        """Set the quota of a user; return whether the user exists."""

    def add_token(self, token: Token) -> None:
        """Store a token of an existing user."""

    def token(self, ident: str) -> tuple[Token, User] | None:
        """Return the token with this id and its user, revoked or not; None if there is none."""

    def tokens(self) -> list[Token]:
        """Return every token, in order of user and age."""

    def revoke(self, ident: str, at: datetime) -> bool:
        """Revoke a token; return whether that changed anything."""


class Clock(Protocol):
    """A monotonic clock, independent of the wall clock."""

    def now(self) -> float:
        """Return the seconds since a fixed moment of this boot."""

    def boot(self) -> str:
        """Return the id of this boot. Times of different boots cannot be compared."""
