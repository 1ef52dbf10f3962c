"""What the service is made of, and what one request of it carries."""

from __future__ import annotations

import asyncio
import threading
from collections import defaultdict
from contextlib import nullcontext
from contextvars import ContextVar
from dataclasses import dataclass, field
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
_LONGEST_ID = 64
LARGE = 256 * 1024
_LARGE_AT_ONCE = 2
_READERS = 16
_READS_AT_ONCE = 6
_WRITERS = 24
_WRITES_AT_ONCE = 6
_asker: ContextVar[str | None] = ContextVar("asker", default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one request, one user and one job may have. Times are in seconds."""

    body_bytes: int = 16 * 2**20
    shots: int = 1000
    workers: int = 2
    quota: Quota = NO_LIMITS
    job_timeout: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkControl:
    """What an operator sees and does about the work on jobs.

    `troubles` maps what is wrong to its reason; while there is any the service is not ready. `restarts` counts the
    workers that had to be replaced, `set_aside` the jobs that could not be handled, `held` the shards that are run
    or about to be. `hold` takes no new shards until `resume`.
    """

    troubles: Callable[[], Mapping[str, str]] = dict
    restarts: Callable[[], int] = lambda: 0
    set_aside: Callable[[], int] = lambda: 0
    held: Callable[[], int] = lambda: 0
    hold: Callable[[], None] = lambda: None
    resume: Callable[[], None] = lambda: None


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What `build_app` needs: the stores, who is told that there is work, and the targets on offer.

    `add` makes a job durable and has it worked on, and raises as `JobStore.add`. `changes` moves whenever a job may
    have changed; `wake` has the dispatcher look at the store. `work` is what an operator sees and does about the work
    on jobs. `plan` is what the loader is told, see `farshot.service.loader_process`; without it large requests are
    answered in this process.
    """

    jobs: JobStore
    uploads: UploadStore
    accounts: AccountStore
    changes: Changes
    add: Callable[[Submission], JobRecord]
    wake: Callable[[], None]
    targets: Callable[[], Sequence[TargetDocument]]
    work: WorkControl = field(default_factory=WorkControl)
    limits: Limits = Limits()
    plan: bytes | None = None


@dataclass(frozen=True, slots=True)
class Service:
    """The parts, and what the service keeps while it runs.

    Whoever reads never waits for those who write, nor a small request for large ones: each has threads of its own.
    """

    parts: Context
    access: Access
    feed: Feed
    metrics: Metrics
    vigil: TokenWatch
    loader: Loader | None = None
    brake: RefusalDelay | None = field(default_factory=RefusalDelay)
    """None: whoever passes requests on holds refusals back."""
    readers: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(_READERS))
    writers: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(_WRITERS))
    decoders: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(1))
    """For large bodies: a decoder holds up all other threads now and then, and two of them twice as long."""
    budget: ReadBudget = field(default_factory=ReadBudget)
    large_writers: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(_LARGE_AT_ONCE))
    job_looks: SharedLookups[JobRecord] = field(default_factory=SharedLookups)
    """By who asked for which job at which position of the feed."""
    user_looks: SharedLookups[User] = field(default_factory=SharedLookups)
    """By the header that carries the token."""
    probes: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(1))
    """For the question whether the store answers, which must not wait for anybody else's."""
    _turns: defaultdict[str, asyncio.Semaphore] = field(
        default_factory=lambda: defaultdict(lambda: asyncio.Semaphore(_LARGE_AT_ONCE))
    )
    _readings: defaultdict[str, asyncio.Semaphore] = field(
        default_factory=lambda: defaultdict(lambda: asyncio.Semaphore(_READS_AT_ONCE))
    )
    _writings: defaultdict[str, asyncio.Semaphore] = field(
        default_factory=lambda: defaultdict(lambda: asyncio.Semaphore(_WRITES_AT_ONCE))
    )
    _locking: threading.Lock = field(default_factory=threading.Lock)
    _locks: WeakValueDictionary[str, threading.Lock] = field(default_factory=WeakValueDictionary)

    def lock_of(self, name: str) -> threading.Lock:
        """Return the lock under which what `name` stands for, an owner or a job of one, is looked at and changed."""
        with self._locking:
            return self._locks.setdefault(name, threading.Lock())

    def turn_of(self, owner: str) -> asyncio.Semaphore:
        """Return what a large request of `owner` waits for before its body is read, so that few are in memory."""
        return self._turns[owner]

    def reading_of(self, asker: str) -> asyncio.Semaphore:
        """Return what a request of `asker` waits for before it takes a thread, so that nobody takes them all."""
        return self._readings[asker]

    def writing_of(self, owner: str) -> asyncio.Semaphore:
        """Return the same for what `owner` writes."""
        return self._writings[owner]


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
        """The job that the path names."""
        return str(self.request.path_params["job_id"])

    @property
    def is_large(self) -> bool:
        """Whether the body may be large, as far as the head tells."""
        headers = self.request.headers
        is_open = "transfer-encoding" in headers or "content-encoding" in headers
        return is_open or int(headers.get("content-length", 0)) > LARGE

    def turn(self) -> AbstractAsyncContextManager[None]:
        """Return what a request waits for that turned out to be large; one that was so from the start has its turn."""
        return nullcontext() if self.is_large else self.service.turn_of(self.user.name)

    def while_permitted(self) -> AbstractAsyncContextManager[None]:
        """Return what an answer that lasts is given in: inside it `AccessError` is raised once the token is revoked."""
        return self.service.vigil.over(self.request.headers.get("authorization"))

    @property
    def sees(self) -> str | None:
        """Whose jobs the user sees; None: everybody's."""
        return None if self.user.role is Role.ADMIN else self.user.name

    def ended(self) -> JobRecord | None:
        """Return the job that the path names where the feed knows that it has ended. Belongs to the event loop."""
        record = self.service.feed.job(self.user.name, self.job_id)
        return record if record is not None and record.status.is_terminal else None

    def job(self) -> JobRecord:
        """Return the job that the path names; one of another user is as unknown as one that is not there."""
        is_id = self.job_id.isalnum() and len(self.job_id) <= _LONGEST_ID
        record = self.parts.jobs.job(self.job_id) if is_id else None
        if record is None or (self.sees is not None and record.owner != self.sees):
            message = f"no job {self.job_id[:_LONGEST_ID]!r} in this store"
            raise UnknownJobError(message)
        return record


def ask_as(user: str) -> None:
    """Have what this request reads count as read by `user`."""
    _asker.set(user)


async def in_thread(service: Service, work: Callable[[], _Answer]) -> _Answer:
    """Do what reads in a thread, so that the event loop never waits for a disk, nor one user for another."""
    asker = _asker.get()
    if asker is None:
        return await anyio.to_thread.run_sync(work, limiter=service.readers)
    async with service.reading_of(asker):
        return await anyio.to_thread.run_sync(work, limiter=service.readers)


async def read_in_turn(call: Call, work: Callable[[], _Answer]) -> _Answer:
    """Do what decodes a body in a thread; those that are large wait for each other."""
    return await _in_turn(call, work, call.service.decoders if call.is_large else call.service.writers)


async def in_turn(call: Call, work: Callable[[], _Answer]) -> _Answer:
    """Do what writes in a thread."""
    return await _in_turn(call, work, call.service.large_writers if call.is_large else call.service.writers)


async def _in_turn(call: Call, work: Callable[[], _Answer], limiter: CapacityLimiter) -> _Answer:
    async with call.service.writing_of(call.user.name):
        return await anyio.to_thread.run_sync(work, limiter=limiter)
