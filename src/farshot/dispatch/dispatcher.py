"""`Dispatcher`: one thread that moves shards from the store to the executor and outcomes back."""

from __future__ import annotations

import logging
import queue
import threading
import time
from functools import partial
from typing import TYPE_CHECKING

from farshot.dispatch import health
from farshot.dispatch.health import Health
from farshot.dispatch.held_shards import HeldShards
from farshot.dispatch.job_failures import JobFailures, is_of_job
from farshot.dispatch.lease_holders import bury
from farshot.dispatch.requests import Additions, AddJob, Wake
from farshot.errors import BrokenJobError, ExecutorError, StoreCorruptError, StoreError
from farshot.model import ResultSlice
from farshot.protocols import Broken, Exchange, Halted, Lost, Resumed, Spared

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from farshot.dispatch.changes import Changes
    from farshot.model import JobRecord, Lease, Shard
    from farshot.protocols import Executor, ExecutorEvent, JobStore, Recorded
    from farshot.submission import Submission


_log = logging.getLogger(__name__)

_TICK = 0.2
_TEND_EVERY = 1.0
_DRAIN_LOOK = 0.02
_CANNOT_BE_USED = "it cannot be used: the log says why"
_TOLD = (health.DAMAGE, health.WORKERS, health.PACKAGE, health.DISPATCHER, health.CLAIMS)
"""Troubles that whoever waits for a job hears of; the others are sat out."""


class Dispatcher:
    """Claims shards under the name `holder`, renews their leases, records what comes back.

    It takes the open shards of any job in the store, so that what a dead process left is finished. All
    state that matters is in the store: killing the process at any instant loses a lease, nothing else. Nothing
    ends its thread but `close`: what fails for a job's sake costs that job, what fails otherwise is tried again.
    """

    def __init__(
        self, store: JobStore, executor: Executor, changes: Changes, *, holder: str, lease_seconds: float
    ) -> None:
        """Connect the parts; `start` begins."""
        self._store = store
        self._executor = executor
        self._changes = changes
        self._holder = holder
        self._renew_every = lease_seconds / 3
        self._events: queue.SimpleQueue[ExecutorEvent | Wake | AddJob] = queue.SimpleQueue()
        self._holdings = HeldShards(store, executor)
        self._defects = JobFailures(store, self._holdings.drop_job)
        self._additions = Additions()
        self._unrecorded: list[ResultSlice] = []
        self._troubles: list[Lost | Spared | Broken | Halted] = []
        self._looked_at = self._renewed_at = time.monotonic()
        self._tended_at = 0.0
        self._woken = False
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="farshot-dispatcher", daemon=True)
        self.health = Health()

    @property
    def failure(self) -> str | None:
        """Why nothing is run for now, where that is nothing that passes by itself in a moment; None: all is well."""
        return self.health.detail(_TOLD)

    @property
    def held(self) -> int:
        """How many shards it holds."""
        return len(self._holdings)

    @property
    def set_aside(self) -> int:
        """How many jobs it ended because they could not be handled."""
        return self._defects.handled

    def start(self) -> None:
        """Start the executor and the thread."""
        self._executor.open(self._events.put)
        self._thread.start()

    def retry(self) -> None:
        """Forget that workers could not be started: try again with the next shard."""
        self.health.recover(health.WORKERS, health.PACKAGE)

    def add(self, submission: Submission) -> JobRecord:
        """Have the thread make a job durable and claim of all open shards what there is room for, with one commit.

        Raises `KeyConflictError` and `StoreError` as `JobStore.add` does, `ExecutorError` where the thread has ended.
        """
        request = AddJob(submission)
        self._events.put(request)
        return request.outcome(self._thread.is_alive)

    def wake(self) -> None:
        """Have the store looked at now: something was submitted or cancelled."""
        self._events.put(Wake())

    def hold(self, reason: str) -> None:
        """Take no new shards until `resume`; what runs ends as usual."""
        self.health.report(health.DRAIN, reason)

    def resume(self) -> None:
        """Take shards again."""
        self.health.recover(health.DRAIN)
        self.wake()

    def drain(self, seconds: float) -> bool:
        """Take no more work and wait for what runs, for so many seconds at most; say whether all of it is recorded.

        What has not ended by then goes back to the store with `close`.
        """
        self.hold("the service stops")
        deadline = time.monotonic() + seconds
        while self.held and time.monotonic() < deadline and self._thread.is_alive():
            time.sleep(_DRAIN_LOOK)
        return not self.held

    def close(self) -> None:
        """Stop the work and give the shards back; open jobs stay in the store."""
        self._closing.set()
        self.wake()
        if self._thread is not threading.current_thread():  # the garbage collector may close it from there
            self._thread.join()
        running = self._executor.running()
        self._executor.close()
        try:
            for lease in self._holdings.leases():
                self._holdings.give_back(lease, running.get(lease, 0.0))
        except StoreError as error:  # the leases run out by themselves
            _log.warning("shards could not be given back: %s", error)

    def _run(self) -> None:
        while not self._closing.is_set():
            try:
                self._turn()
            except StoreCorruptError as error:
                self._pause(health.DAMAGE, error)
            except StoreError as error:
                self._pause(health.STORE, error)
            except Exception as error:  # noqa: BLE001 -- a defect here would leave everybody waiting for ever; it is told to all
                self._pause(health.DISPATCHER, error)
            else:
                self.health.recover(health.STORE, health.DAMAGE)

    def _pause(self, part: str, error: Exception) -> None:
        """Wait before the next try, longer each time; whoever waits for a job may hear of it."""
        trouble = self._report(part, error)
        self._closing.wait(trouble.pause)

    def _report(self, part: str, error: Exception) -> health.Trouble:
        if isinstance(error, StoreError):
            trouble = self.health.report(part, _CANNOT_BE_USED, detail=str(error))
        else:
            trouble = self.health.report(part, f"{type(error).__name__}: {error}", story=error)
        if part in _TOLD:
            self._changes.publish()
        return trouble

    def _turn(self) -> None:
        gathered = self._gather()
        with self.health.working():
            self._sort(gathered)
            self._exchange()
            while self._troubles:
                self._see_to(self._troubles[0])
                self._troubles.pop(0)
            if self._is_due():
                self._tend()
            self._keep()
            if self._defects.set_aside():
                self._changes.publish()

    def _gather(self) -> list[ExecutorEvent | Wake | AddJob]:
        """Wait for one event, unless there is something to do; then take all that are there, but none that comes while
        these are seen to.
        """
        gathered: list[ExecutorEvent | Wake | AddJob] = []
        if not self._additions:
            try:
                gathered.append(self._events.get(timeout=_TICK))
            except queue.Empty:
                return []
        return [*gathered, *(self._events.get_nowait() for _ in range(self._events.qsize()))]

    def _sort(self, gathered: Iterable[ExecutorEvent | Wake | AddJob]) -> None:
        """Keep what is reported until it is recorded, and answer what is asked."""
        for event in gathered:
            if isinstance(event, ResultSlice):
                self._unrecorded.append(event)
            elif isinstance(event, AddJob):
                self._additions.put(event)
            elif isinstance(event, Wake):
                self._note_wake()
            elif isinstance(event, Resumed):
                self.health.recover(health.WORKERS, health.PACKAGE)
            else:
                self._troubles.append(event)

    def _take(self, shards: list[Shard]) -> None:
        if not self.held:
            self._looked_at = time.monotonic()
        for shard in shards:
            self._defects.guard(shard.lease.job_id, partial(self._holdings.take, shard))

    def _free(self) -> int:
        """Return how many shards the executor can take once what is unrecorded is recorded."""
        halted = self.health.has(health.WORKERS, health.PACKAGE, health.DRAIN)
        if halted or self._closing.is_set():
            return 0
        return self._executor.capacity - self.held + len(self._ending())

    def _ending(self) -> set[Lease]:
        return {part.lease for part in self._unrecorded if part.last}

    def _room(self) -> tuple[int, Collection[str]]:
        """Return how many shards may be taken, and whose not: of the owners who have as many here as others may."""
        free, reserve = self._free(), self._executor.reserve
        if free > reserve or free <= 0:
            return max(0, free - reserve), ()
        return free, self._holdings.owners(self._ending(), reserve)

    def _note_wake(self) -> None:
        """Have shards claimed without asking first whether there are any, and what is held now looked after."""
        self._woken = True
        if self.held:
            self._looked_at = 0.0

    def _exchange(self) -> None:
        """Add what was asked for, record what came back and take as much again, in one transaction."""
        asked = self._additions.take()
        free, excluded = self._room()
        woken, self._woken = self._woken, False
        try:
            if asked or self._unrecorded or (woken and free > 0):
                submissions = [request.submission for request in asked]
                done = self._store.exchange(self._unrecorded, self._holder, free, excluded, submissions)
            elif free > 0:
                done = Exchange([], self._store.claim(self._holder, free, excluded), [])
            else:
                done = Exchange([], [], [])
        except Exception as error:
            self._add_apart(asked, error)
            if not is_of_job(error):
                raise
            self._record_apart()
            self._attempt(health.CLAIMS, self._claim_apart)
            return
        self._unrecorded = []
        try:
            self._take(done.claimed)  # the workers begin before others ask for the interpreter
        finally:
            for request, job in zip(asked, done.added, strict=True):
                request.answer.put(job)
        self._note(done.recorded)
        self.health.recover(health.DISPATCHER, health.CLAIMS)

    def _add_apart(self, asked: Iterable[AddJob], error: Exception) -> None:
        """Add each job in a transaction of its own; where the store is away, whoever asked is told."""
        for request in asked:
            if not is_of_job(error):
                request.answer.put(error)
                continue
            try:
                request.answer.put(self._store.add(request.submission))
            except Exception as own:  # noqa: BLE001 -- whatever it is, whoever submits gets it
                request.answer.put(own)
            self._woken = True

    def _note(self, recorded: Iterable[Recorded]) -> None:
        ended = False
        for done in recorded:
            self._holdings.note(done.part, accepted=done.accepted)
            self._defects.clear(done.part.lease.job_id)
            ended = ended or done.ended
        if ended:
            self._changes.publish()

    def _record_apart(self) -> None:
        """Record each part in a transaction of its own: one that is refused costs the others nothing."""
        while self._unrecorded:
            part = self._unrecorded[0]
            self._defects.guard(part.lease.job_id, partial(self._record_one, part))
            self._unrecorded.pop(0)

    def _record_one(self, part: ResultSlice) -> None:
        """Record one part; where that is refused for a second time, that its circuits have failed."""
        is_second = self._defects.is_known(part.lease.job_id)
        try:
            recorded = self._store.record([part])
        except Exception as error:
            if not (is_second and is_of_job(error)):
                raise
            recorded = self._store.record([self._holdings.failed_part(part, error)])
        self._note(recorded)

    def _claim_apart(self) -> None:
        """Claim one shard at a time, so that one which cannot be claimed is known."""
        while (room := self._room())[0] > 0:
            shards = self._store.exchange([], self._holder, 1, room[1])[1]
            if not shards:
                return
            self._take(shards)

    def _attempt(self, part: str, step: Callable[[], object]) -> None:
        """Do what concerns many jobs. What fails of it is told, or held against its job; it is tried again in time."""
        try:
            step()
        except BrokenJobError as error:
            self._defects.note(error.job_id, error)
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 -- whatever it is, the other steps go on
            self._report(part, error)
        else:
            self.health.recover(part)

    def _see_to(self, event: Lost | Spared | Broken | Halted) -> None:
        """See to what went wrong with a worker, or to what it was to leave."""
        if isinstance(event, Halted):
            for lease in event.leases:
                self._give_back(lease)
            self.health.report(health.PACKAGE if event.upgraded else health.WORKERS, event.reason)
            self._changes.publish()
        elif isinstance(event, Broken):
            self._defects.note(event.lease.job_id, ExecutorError(event.reason))
            self._give_back(event.lease)
        elif isinstance(event, Spared):
            self._give_back(event.lease, event.seconds)
            self._woken = True
        else:
            self._defects.guard(event.lease.job_id, partial(self._recover, event))

    def _give_back(self, lease: Lease, seconds: float = 0.0) -> None:
        self._defects.guard(lease.job_id, partial(self._holdings.give_back, lease, seconds))

    def _recover(self, lost: Lost) -> None:
        if self._holdings.recover(lost):
            self._changes.publish()

    def _keep(self) -> None:
        """Stop what was cancelled or taken over; renew the other leases in time."""
        now = time.monotonic()
        if not self.held or now - self._looked_at < _TICK:
            return
        self._looked_at = now
        running = self._executor.running()
        for lease in self._gone(self._look(self._holdings.spent(running), now)):
            self._holdings.drop(lease)
        self._holdings.make_room(running)

    def _look(self, spent: Mapping[Lease, float], now: float) -> Callable[[list[Lease]], list[Lease]]:
        """Return what tells which leases are lost. It renews the others where that is due, or much is to be charged."""
        if self._holdings.is_charged(spent) and now - self._renewed_at < self._renew_every:
            return self._store.lost
        self._renewed_at = now
        self._holdings.note_charged(spent)
        return partial(self._store.renew, seconds=spent, forecasts=self._executor.forecasts())

    def _gone(self, look: Callable[[list[Lease]], list[Lease]]) -> list[Lease]:
        """Return the leases that are lost; where looking at all fails, each is looked at by itself."""
        leases = self._holdings.leases()
        try:
            return look(leases)
        except Exception as error:
            if not is_of_job(error):
                raise
        gone: list[Lease] = []
        for lease in leases:
            self._defects.guard(lease.job_id, lambda lease=lease: gone.extend(look([lease])))  # type: ignore[misc]
        return gone

    def _is_due(self) -> bool:
        """Whether it is time again to look after jobs that this dispatcher may not hold."""
        now = time.monotonic()
        due = now - self._tended_at >= _TEND_EVERY
        if due:
            self._tended_at = now
        return due

    def _tend(self) -> None:
        """Look after all jobs."""
        self._attempt(health.EXPIRY, self._expire)
        self._attempt(health.RECOVERY, partial(bury, self._store))

    def _expire(self) -> None:
        """End what has run out of time; `_keep` then stops what runs of it."""
        expired = self._store.expire()
        if expired:
            fields = {"event": "jobs-expired", "jobs": ", ".join(expired)}
            _log.warning("out of time: %s", fields["jobs"], extra={"fields": fields})
            self._looked_at = 0.0
            self._changes.publish()
