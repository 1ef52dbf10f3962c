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
from farshot.dispatch.lease_holders import revoke_dead_holders
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

_CHECK_SECONDS = 0.2
"""How often the held leases are checked, and how long the thread waits for an event."""
_UPKEEP_SECONDS = 1.0
_DRAIN_POLL_SECONDS = 0.02
_STORE_UNUSABLE = "it cannot be used: the log says why"
_PUBLISHED_PARTS = (health.DAMAGE, health.WORKERS, health.PACKAGE, health.DISPATCHER, health.CLAIMS)
"""Parts whose troubles are reported to those who wait for a job; the others are expected to pass."""


class Dispatcher:
    """The thread that claims shards under the name `holder`, renews their leases and records their results.

    It takes the open shards of any job in the store, so that jobs of a dead process are finished. All state that
    matters is in the store: killing the process at any instant loses a lease, nothing else. Only `close` ends the
    thread: an error caused by a job costs that job, and after any other error the step is tried again.
    """

    def __init__(
        self, store: JobStore, executor: Executor, changes: Changes, *, holder: str, lease_seconds: float
    ) -> None:
        self._store = store
        self._executor = executor
        self._changes = changes
        self._holder = holder
        self._renew_seconds = lease_seconds / 3
        self._events: queue.SimpleQueue[ExecutorEvent | Wake | AddJob] = queue.SimpleQueue()
        self._held_shards = HeldShards(store, executor)
        self._failures = JobFailures(store, self._held_shards.drop_job)
        self._additions = Additions()
        self._unrecorded: list[ResultSlice] = []
        self._worker_events: list[Lost | Spared | Broken | Halted] = []
        self._checked_at = self._renewed_at = time.monotonic()
        self._looked_after_at = 0.0
        self._is_woken = False
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="farshot-dispatcher", daemon=True)
        self.health = Health()

    @property
    def failure(self) -> str | None:
        """The reason why no shard runs, unless it is expected to pass in a moment; None if all is well."""
        return self.health.detail(_PUBLISHED_PARTS)

    @property
    def held(self) -> int:
        """The number of shards that it holds."""
        return len(self._held_shards)

    @property
    def set_aside(self) -> int:
        """The number of jobs that it ended because they could not be handled."""
        return self._failures.ended

    def start(self) -> None:
        """Start the executor and the thread."""
        self._executor.open(self._events.put)
        self._thread.start()

    def retry(self) -> None:
        """Forget that workers could not be started, and try again with the next shard."""
        self.health.recover(health.WORKERS, health.PACKAGE)

    def add(self, submission: Submission) -> JobRecord:
        """Have the thread add a job to the store and claim as many open shards as there is room for, in one commit.

        Raises `KeyConflictError` and `StoreError` as `JobStore.add` does, `ExecutorError` if the thread has ended.
        """
        request = AddJob(submission)
        self._events.put(request)
        return request.outcome(self._thread.is_alive)

    def wake(self) -> None:
        """Have the thread read the store now, after something was submitted or cancelled."""
        self._events.put(Wake())

    def hold(self, reason: str) -> None:
        """Take no new shards until `resume`; those that run end as usual."""
        self.health.report(health.DRAIN, reason)

    def resume(self) -> None:
        """Take shards again."""
        self.health.recover(health.DRAIN)
        self.wake()

    def drain(self, seconds: float) -> bool:
        """Take no new shards, wait up to `seconds` for those that run, and return whether all of them are recorded.

        `close` gives the others back to the store.
        """
        self.hold("the service stops")
        deadline = time.monotonic() + seconds
        while self.held and time.monotonic() < deadline and self._thread.is_alive():
            time.sleep(_DRAIN_POLL_SECONDS)
        return not self.held

    def close(self) -> None:
        """Stop the thread and the executor and give the held shards back; open jobs stay in the store."""
        self._closing.set()
        self.wake()
        if self._thread is not threading.current_thread():  # the garbage collector may close it from there
            self._thread.join()
        running = self._executor.running()
        self._executor.close()
        try:
            for lease in self._held_shards.leases():
                self._held_shards.give_back(lease, running.get(lease, 0.0))
        except StoreError as error:  # the leases run out by themselves
            _log.warning("shards could not be given back: %s", error)

    def _run(self) -> None:
        while not self._closing.is_set():
            try:
                self._cycle()
            except StoreCorruptError as error:
                self._closing.wait(self._report(health.DAMAGE, error))
            except StoreError as error:
                self._closing.wait(self._report(health.STORE, error))
            except Exception as error:  # noqa: BLE001 -- if the thread ended here, every job would wait for ever
                self._closing.wait(self._report(health.DISPATCHER, error))
            else:
                self.health.recover(health.STORE, health.DAMAGE)

    def _report(self, part: str, error: Exception) -> float:
        """Report that `part` is in trouble, also to those who wait for a job; return the seconds until the next try."""
        if isinstance(error, StoreError):
            trouble = self.health.report(part, _STORE_UNUSABLE, detail=str(error))
        else:
            trouble = self.health.report(part, f"{type(error).__name__}: {error}", cause=error)
        if part in _PUBLISHED_PARTS:
            self._changes.publish()
        return trouble.pause

    def _cycle(self) -> None:
        events = self._collect_events()
        with self.health.working():
            self._sort_events(events)
            self._exchange()
            while self._worker_events:
                self._handle_worker_event(self._worker_events[0])
                self._worker_events.pop(0)
            self._look_after_jobs()
            self._renew_or_stop()
            if self._failures.set_aside():
                self._changes.publish()

    def _collect_events(self) -> list[ExecutorEvent | Wake | AddJob]:
        """Wait for one event, unless a request for a job is left; then return all events that are there by now."""
        events: list[ExecutorEvent | Wake | AddJob] = []
        if not self._additions:
            try:
                events.append(self._events.get(timeout=_CHECK_SECONDS))
            except queue.Empty:
                return []
        return [*events, *(self._events.get_nowait() for _ in range(self._events.qsize()))]

    def _sort_events(self, events: Iterable[ExecutorEvent | Wake | AddJob]) -> None:
        """Keep each event for the step that handles it."""
        for event in events:
            if isinstance(event, ResultSlice):
                self._unrecorded.append(event)
            elif isinstance(event, AddJob):
                self._additions.put(event)
            elif isinstance(event, Wake):
                self._is_woken = True
                if self.held:
                    self._checked_at = 0.0
            elif isinstance(event, Resumed):
                self.health.recover(health.WORKERS, health.PACKAGE)
            else:
                self._worker_events.append(event)

    def _start_shards(self, shards: list[Shard]) -> None:
        if not self.held:
            self._checked_at = time.monotonic()
        for shard in shards:
            self._failures.guard(shard.lease.job_id, partial(self._held_shards.take, shard))

    def _claim_limits(self) -> tuple[int, Collection[str]]:
        """Return how many shards the executor can take once the results here are recorded, and the owners of whom it
        takes none: if only the reserve is left, those with as many shards here as it has places.
        """
        if self._closing.is_set() or self.health.has(health.WORKERS, health.PACKAGE, health.DRAIN):
            return 0, ()
        ending = {part.lease for part in self._unrecorded if part.last}
        free, reserve = self._executor.capacity - self.held + len(ending), self._executor.reserve
        if free > reserve or free <= 0:
            return max(0, free - reserve), ()
        return free, self._held_shards.owners(ending, reserve)

    def _exchange(self) -> None:
        """Add the requested jobs, record the results and claim new shards, in one transaction."""
        requests = self._additions.take()
        free, excluded = self._claim_limits()
        woken, self._is_woken = self._is_woken, False
        try:
            if requests or self._unrecorded or (woken and free > 0):
                submissions = [request.submission for request in requests]
                done = self._store.exchange(self._unrecorded, self._holder, free, excluded, submissions)
            elif free > 0:
                done = Exchange([], self._store.claim(self._holder, free, excluded), [])
            else:
                done = Exchange([], [], [])
        except Exception as error:
            self._add_singly(requests, error)
            if not is_of_job(error):
                raise
            self._record_singly()
            self._run_step(health.CLAIMS, self._claim_singly)
            return
        self._unrecorded = []
        try:
            self._start_shards(done.claimed)  # first of all: a thread that gets its answer takes the interpreter
        finally:
            for request, job in zip(requests, done.added, strict=True):
                request.answer.put(job)
        self._note_recorded(done.recorded)
        self.health.recover(health.DISPATCHER, health.CLAIMS)

    def _add_singly(self, requests: Iterable[AddJob], error: Exception) -> None:
        """Add each job in a transaction of its own; answer each request with `error` if that is the store's."""
        for request in requests:
            if not is_of_job(error):
                request.answer.put(error)
                continue
            try:
                request.answer.put(self._store.add(request.submission))
            except Exception as own_error:  # noqa: BLE001 -- the submitting thread raises it
                request.answer.put(own_error)
            self._is_woken = True

    def _note_recorded(self, recorded: Iterable[Recorded]) -> None:
        ended = False
        for done in recorded:
            self._held_shards.note(done.part, accepted=done.accepted)
            self._failures.clear(done.part.lease.job_id)
            ended = ended or done.ended
        if ended:
            self._changes.publish()

    def _record_singly(self) -> None:
        """Record each result in a transaction of its own, so that one that is refused costs the others nothing."""
        while self._unrecorded:
            part = self._unrecorded[0]
            self._failures.guard(part.lease.job_id, partial(self._record_one, part))
            self._unrecorded.pop(0)

    def _record_one(self, part: ResultSlice) -> None:
        """Record one result; if it is refused a second time, record that its circuits have failed."""
        is_second = self._failures.has_failed(part.lease.job_id)
        try:
            recorded = self._store.record([part])
        except Exception as error:
            if not (is_second and is_of_job(error)):
                raise
            recorded = self._store.record([self._held_shards.failed_part(part, error)])
        self._note_recorded(recorded)

    def _claim_singly(self) -> None:
        """Claim one shard at a time, which shows the one that cannot be claimed."""
        while (limits := self._claim_limits())[0] > 0:
            shards = self._store.exchange([], self._holder, 1, limits[1])[1]
            if not shards:
                return
            self._start_shards(shards)

    def _run_step(self, part: str, step: Callable[[], object]) -> None:
        """Run a step that concerns many jobs. Its error is noted for the job that caused it, or reported of `part`."""
        try:
            step()
        except BrokenJobError as error:
            self._failures.note(error.job_id, error)
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 -- the other steps go on
            self._report(part, error)
        else:
            self.health.recover(part)

    def _handle_worker_event(self, event: Lost | Spared | Broken | Halted) -> None:
        """Decide about the shards that a worker did not finish."""
        if isinstance(event, Halted):
            for lease in event.leases:
                self._give_back(lease)
            self.health.report(health.PACKAGE if event.upgraded else health.WORKERS, event.reason)
            self._changes.publish()
        elif isinstance(event, Broken):
            self._failures.note(event.lease.job_id, ExecutorError(event.reason))
            self._give_back(event.lease)
        elif isinstance(event, Spared):
            self._give_back(event.lease, event.seconds)
            self._is_woken = True
        else:
            self._failures.guard(event.lease.job_id, partial(self._recover, event))

    def _give_back(self, lease: Lease, seconds: float = 0.0) -> None:
        self._failures.guard(lease.job_id, partial(self._held_shards.give_back, lease, seconds))

    def _recover(self, lost: Lost) -> None:
        if self._held_shards.recover(lost):
            self._changes.publish()

    def _renew_or_stop(self) -> None:
        """Stop the shards that were cancelled or taken over, and renew the other leases in time."""
        now = time.monotonic()
        if not self.held or now - self._checked_at < _CHECK_SECONDS:
            return
        self._checked_at = now
        running = self._executor.running()
        for lease in self._lost_leases(self._lease_check(self._held_shards.spent(running), now)):
            self._held_shards.drop(lease)
        self._held_shards.make_room(running)

    def _lease_check(self, spent: Mapping[Lease, float], now: float) -> Callable[[list[Lease]], list[Lease]]:
        """Return the call of the store that returns which leases are lost: one that also renews the others and charges
        their owners, if a renewal is due or much is to be charged.
        """
        if self._held_shards.is_charged(spent) and now - self._renewed_at < self._renew_seconds:
            return self._store.lost
        self._renewed_at = now
        self._held_shards.note_charged(spent)
        return partial(self._store.renew, seconds=spent, forecasts=self._executor.forecasts())

    def _lost_leases(self, check: Callable[[list[Lease]], list[Lease]]) -> list[Lease]:
        """Return the leases that are lost; if checking all at once fails, each is checked by itself."""
        leases = self._held_shards.leases()
        try:
            return check(leases)
        except Exception as error:
            if not is_of_job(error):
                raise
        lost: list[Lease] = []
        for lease in leases:
            self._failures.guard(lease.job_id, lambda lease=lease: lost.extend(check([lease])))  # type: ignore[misc]
        return lost

    def _look_after_jobs(self) -> None:
        """Expire jobs and revoke the leases of dead holders, also of jobs that this dispatcher does not hold."""
        now = time.monotonic()
        if now - self._looked_after_at < _UPKEEP_SECONDS:
            return
        self._looked_after_at = now
        self._run_step(health.EXPIRY, self._expire)
        self._run_step(health.RECOVERY, partial(revoke_dead_holders, self._store))

    def _expire(self) -> None:
        """End the jobs whose time is over; `_renew_or_stop` then stops their shards."""
        expired = self._store.expire()
        if expired:
            fields = {"event": "jobs-expired", "jobs": ", ".join(expired)}
            _log.warning("out of time: %s", fields["jobs"], extra={"fields": fields})
            self._checked_at = 0.0
            self._changes.publish()
