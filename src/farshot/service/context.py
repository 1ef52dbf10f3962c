"""The parts of the service, and one request of it."""

from __future__ import annotations

import asyncio
import threading
from collections import defaultdict
from contextlib import nullcontext
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, TypeVar
from weakref import WeakValueDictionary

import anyio.to_thread
from anyio import CapacityLimiter

from farshot.accounts import NO_LIMITS, Quota, Role, User
from farshot.errors import UnknownJobError
from farshot.service.read_budget import ReadBudget
from farshot.service.refusal_delay import RefusalDelay
from farshot.service.shared_lookups import SharedLookups

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager

    from starlette.requests import Request

    from farshot.dispatch.changes import Changes
    from farshot.model import JobRecord
    from farshot.protocols import AccountStore, JobStore, UploadStore
    from farshot.service.access import Access
    from farshot.service.feed import Feed
    from farshot.service.loader import Loader
    from farshot.service.metrics import Metrics
    from farshot.service.token_watch import TokenWatch
    from farshot.submission import Submission
    from farshot.wire import TargetDocument


_Answer = TypeVar("_Answer")
_MAX_ID = 64
"""Characters of a job's id."""
LARGE_BODY_BYTES = 256 * 1024
"""A body beyond this waits for the other large ones of its user."""
_MAX_LARGE = 2
"""Large requests of one user, and large writes of all, at a time."""
_MAX_READERS = 16
_MAX_READS = 6
"""Reads of one user at a time."""
_MAX_WRITERS = 24
_MAX_WRITES = 6
"""Writes of one user at a time."""
_reading_user: ContextVar[str | None] = ContextVar("reading_user", default=None)


def _make_semaphores(size: int) -> defaultdict[str, asyncio.Semaphore]:
    return defaultdict(partial(asyncio.Semaphore, size))


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The limits of one request, one user and one job."""

    body_bytes: int = 16 * 2**20
    shots: int = 1000
    """The shots of a batch that names none."""
    workers: int = 2
    quota: Quota = NO_LIMITS
    """The limits of a user without its own."""
    job_timeout: float | None = None
    """Seconds; None for no limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkControl:
    """The state of the work on jobs, and the operator's control over it."""

    troubles: Callable[[], Mapping[str, str]] = dict
    """Maps each part that is in trouble to the reason; while there is any the service is not ready."""
    restarts: Callable[[], int] = lambda: 0
    """Counts the workers that had to be replaced."""
    set_aside: Callable[[], int] = lambda: 0
    """Counts the jobs that could not be handled."""
    held: Callable[[], int] = lambda: 0
    """Counts the shards that are run or about to be."""
    hold: Callable[[], None] = lambda: None
    """Takes no new shards until `resume`."""
    resume: Callable[[], None] = lambda: None


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """The stores, the targets on offer and the connections to the dispatcher that `build_app` needs."""

    jobs: JobStore
    uploads: UploadStore
    accounts: AccountStore
    changes: Changes
    """Moves whenever a job may have changed."""
    add: Callable[[Submission], JobRecord]
    """Stores a job and has it worked on; raises as `JobStore.add`."""
    wake: Callable[[], None]
    """Has the dispatcher look at the store."""
    targets: Callable[[], Sequence[TargetDocument]]
    work: WorkControl = field(default_factory=WorkControl)
    limits: Limits = Limits()
    plan: bytes | None = None
    """The encoded `farshot.service.loader_process.Plan`; None to answer large requests in this process."""


@dataclass(frozen=True, slots=True)
class Service:
    """The parts of the service, and the state that it keeps while it runs.

    Reads and writes, and small and large requests, have threads of their own, so that none waits for the others.
    """

    parts: Context
    access: Access
    feed: Feed
    metrics: Metrics
    token_watch: TokenWatch
    loader: Loader | None = None
    refusal_delay: RefusalDelay | None = field(default_factory=RefusalDelay)
    """None in the loader, whose refusals the service holds back."""
    readers: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(_MAX_READERS))
    writers: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(_MAX_WRITERS))
    decoders: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(1))
    """For large bodies: a decoder holds up all other threads now and then, and two of them twice as long."""
    budget: ReadBudget = field(default_factory=ReadBudget)
    large_writers: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(_MAX_LARGE))
    job_lookups: SharedLookups[JobRecord] = field(default_factory=SharedLookups)
    """Keyed by user, job and position of the feed."""
    user_lookups: SharedLookups[User] = field(default_factory=SharedLookups)
    """Keyed by the header that carries the token."""
    probes: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(1))
    """For the readiness probe of the store, which must not wait for other requests."""
    large_slots: defaultdict[str, asyncio.Semaphore] = field(default_factory=lambda: _make_semaphores(_MAX_LARGE))
    """By user: held by a large request while its body is in memory, so that few are."""
    read_slots: defaultdict[str, asyncio.Semaphore] = field(default_factory=lambda: _make_semaphores(_MAX_READS))
    """By user: held while reading in a thread, so that nobody takes all threads."""
    write_slots: defaultdict[str, asyncio.Semaphore] = field(default_factory=lambda: _make_semaphores(_MAX_WRITES))
    """By user: held while writing in a thread."""
    _lock_of_locks: threading.Lock = field(default_factory=threading.Lock)
    _locks: WeakValueDictionary[str, threading.Lock] = field(default_factory=WeakValueDictionary)

    def lock_of(self, name: str) -> threading.Lock:
        """Return the lock for reading and changing what `name` identifies: an owner, or a job of one."""
        with self._lock_of_locks:
            return self._locks.setdefault(name, threading.Lock())


@dataclass(frozen=True, slots=True)
class Call:
    """One request of a user."""

    service: Service
    request: Request
    user: User

    @property
    def parts(self) -> Context:
        """The parts of the service."""
        return self.service.parts

    @property
    def job_id(self) -> str:
        """The id of the job in the path."""
        return str(self.request.path_params["job_id"])

    @property
    def is_large(self) -> bool:
        """True if the body may be large, according to the headers."""
        headers = self.request.headers
        is_open = "transfer-encoding" in headers or "content-encoding" in headers
        return is_open or int(headers.get("content-length", 0)) > LARGE_BODY_BYTES

    def large_slot(self) -> AbstractAsyncContextManager[None]:
        """Return the slot of a request that turned out to be large; nothing if it has held one from the start."""
        return nullcontext() if self.is_large else self.service.large_slots[self.user.name]

    def while_permitted(self) -> AbstractAsyncContextManager[None]:
        """Return a context for a long answer; `AccessError` is raised inside once the token is revoked."""
        return self.service.token_watch.over(self.request.headers.get("authorization"))

    @property
    def visible_owner(self) -> str | None:
        """The owner whose jobs the user may see; None for everybody's."""
        return None if self.user.role is Role.ADMIN else self.user.name

    def ended(self) -> JobRecord | None:
        """Return the job in the path if the feed knows that it has ended. Belongs to the event loop."""
        record = self.service.feed.job(self.user.name, self.job_id)
        return record if record is not None and record.status.is_terminal else None

    def job(self) -> JobRecord:
        """Return the job in the path; raises `UnknownJobError` for a missing one and for one of another user."""
        is_id = self.job_id.isalnum() and len(self.job_id) <= _MAX_ID
        record = self.parts.jobs.job(self.job_id) if is_id else None
        if record is None or (self.visible_owner is not None and record.owner != self.visible_owner):
            message = f"no job {self.job_id[:_MAX_ID]!r} in this store"
            raise UnknownJobError(message)
        return record


def read_as(user: str) -> None:
    """Count the reads of this request as those of `user`."""
    _reading_user.set(user)


async def in_thread(service: Service, work: Callable[[], _Answer]) -> _Answer:
    """Read in a thread, so that the event loop never waits for a disk, nor one user for another."""
    user = _reading_user.get()
    slot: AbstractAsyncContextManager[None] = nullcontext() if user is None else service.read_slots[user]
    async with slot:
        return await anyio.to_thread.run_sync(work, limiter=service.readers)


async def decode_in_thread(call: Call, work: Callable[[], _Answer]) -> _Answer:
    """Decode a body in a thread; large ones wait for each other."""
    limiter = call.service.decoders if call.is_large else call.service.writers
    async with call.service.write_slots[call.user.name]:
        return await anyio.to_thread.run_sync(work, limiter=limiter)


async def write_in_thread(call: Call, work: Callable[[], _Answer]) -> _Answer:
    """Write in a thread."""
    limiter = call.service.large_writers if call.is_large else call.service.writers
    async with call.service.write_slots[call.user.name]:
        return await anyio.to_thread.run_sync(work, limiter=limiter)
