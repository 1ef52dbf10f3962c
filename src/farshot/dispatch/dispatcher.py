"""`Dispatcher`: one thread that moves shards from the store to the executor and outcomes back."""

from __future__ import annotations

import logging
import queue
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from farshot.dispatch.recovery import is_gone
from farshot.errors import ExecutorError, FaultCode, StoreCorruptError, StoreError
from farshot.model import CircuitResult, Part
from farshot.protocols import Lost

if TYPE_CHECKING:
    from farshot.dispatch.changes import Changes
    from farshot.model import Fault, JobRecord, Lease, Shard
    from farshot.protocols import Broken, Executor, ExecutorEvent, JobStore
    from farshot.submission import Submission

__all__ = ["Dispatcher"]

_log = logging.getLogger(__name__)

_TICK = 0.2
_RETRY = 1.0
_TEND_EVERY = 1.0
_MOST_ATTEMPTS = 5
_DRAIN_LOOK = 0.02


class _Wake:
    """Asks the thread to look at the store now."""


@dataclass(slots=True)
class _Add:
    """Asks the thread to add a job, unless whoever asked has gone, and to put down what became of that."""

    submission: Submission
    answer: queue.SimpleQueue[JobRecord | Exception] = field(default_factory=queue.SimpleQueue)
    wanted: bool = True


@dataclass(slots=True)
class _Held:
    """A shard this dispatcher holds, and the position up to which its results are recorded."""

    shard: Shard
    position: int


class Dispatcher:
    """Claims shards under the name `holder`, renews their leases, records what comes back.

    It takes the open shards of any job in the store, so that what a dead process left is finished. All
    state that matters is in the store: killing the process at any instant loses a lease, nothing else.
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
        self._events: queue.SimpleQueue[ExecutorEvent | _Wake | _Add] = queue.SimpleQueue()
        self._held: dict[Lease, _Held] = {}
        self._unrecorded: list[Part] = []
        self._troubles: list[Lost | Broken] = []
        self._looked_at = self._renewed_at = time.monotonic()
        self._tended_at = 0.0
        self._closing = self._draining = self._woken = False
        self._thread = threading.Thread(target=self._run, name="farshot-dispatcher", daemon=True)
        self.failure: str | None = None

    def start(self) -> None:
        """Start the executor and the thread."""
        self._executor.open(self._events.put)
        self._thread.start()

    def retry(self) -> None:
        """Forget that workers could not be started: try again with the next shard."""
        if not self._closing:
            self.failure = None

    def add(self, submission: Submission) -> JobRecord:
        """Have the thread make a job durable and claim of all open shards what there is room for, with one commit.

        Raises `KeyConflictError` and `StoreError` as `JobStore.add` does, `ExecutorError` where the thread has ended.
        """
        request = _Add(submission)
        self._events.put(request)
        try:
            answer = self._answer(request)
        finally:
            request.wanted = False
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _answer(self, request: _Add) -> JobRecord | Exception:
        alive = True
        while alive:
            alive = self._thread.is_alive()
            with suppress(queue.Empty):
                return request.answer.get(timeout=_TICK)
        return ExecutorError(self.failure or "the backend was closed: nothing was submitted")

    def wake(self) -> None:
        """Have the store looked at now: something was submitted or cancelled."""
        self._events.put(_Wake())

    def drain(self, seconds: float) -> bool:
        """Take no more work and wait for what runs, for so many seconds at most; say whether all of it is recorded.

        What has not ended by then goes back to the store with `close`.
        """
        self._draining = True
        deadline = time.monotonic() + seconds
        while self._held and time.monotonic() < deadline and self._thread.is_alive():
            time.sleep(_DRAIN_LOOK)
        return not self._held

    def close(self) -> None:
        """Stop the work and give the shards back; open jobs stay in the store."""
        self._closing = True
        self.wake()
        if self._thread is not threading.current_thread():  # the garbage collector may close it from there
            self._thread.join()
        self._executor.close()
        try:
            for held in self._held.values():
                self._give_back(held)
        except StoreError as error:  # the leases run out by themselves
            _log.warning("shards could not be given back: %s", error)

    def _run(self) -> None:
        while not self._closing:
            try:
                self._turn()
            except StoreCorruptError as error:
                self._fail(str(error))
            except StoreError as error:
                _log.warning("trying again: %s", error)
                time.sleep(_RETRY)
            except Exception as error:  # noqa: BLE001 -- a defect here would leave everybody waiting for ever; it is told to all
                _log.exception("the dispatcher stopped")
                self._fail(f"the dispatcher stopped: {type(error).__name__}: {error}")

    def _fail(self, reason: str) -> None:
        """Stop for good; whoever waits for a job is told."""
        self.failure = reason
        self._closing = True
        self._changes.publish()

    def _turn(self) -> None:
        events: list[ExecutorEvent] = []
        for event in self._gather():
            if isinstance(event, _Add):
                self._add(event)
            elif isinstance(event, _Wake):
                self._note_wake()
            else:
                events.append(event)
        self._settle(events)
        if self._is_due():
            self._expire()
            self._bury()
        self._keep()

    def _add(self, request: _Add) -> None:
        """Add a job and take what could be claimed, of this job or others."""
        if not request.wanted:
            return
        try:
            record, shards = self._store.add_and_claim(request.submission, self._holder, self._free())
        except Exception as error:  # noqa: BLE001 -- whatever it is, whoever submits gets it
            request.answer.put(error)
            return
        self._take(shards)
        request.answer.put(record)

    def _take(self, shards: list[Shard]) -> None:
        for shard in shards:
            self._held[shard.lease] = _Held(shard, shard.first)
            self._executor.start(shard)

    def _free(self) -> int:
        """Return how many shards the executor can take once what is unrecorded is recorded."""
        ending = sum(part.last for part in self._unrecorded)
        closed = self.failure or self._draining or self._closing
        return 0 if closed else self._executor.capacity - len(self._held) + ending

    def _gather(self) -> list[ExecutorEvent | _Wake | _Add]:
        """Wait for one event, then take all that are there, but none that comes while these are seen to."""
        try:
            first = self._events.get(timeout=_TICK)
        except queue.Empty:
            return []
        return [first, *(self._events.get_nowait() for _ in range(self._events.qsize()))]

    def _note_wake(self) -> None:
        """Have shards claimed without asking first whether there are any, and what is held now looked after."""
        self._woken = True
        if self._held:
            self._looked_at = 0.0

    def _settle(self, events: list[ExecutorEvent]) -> None:
        self._unrecorded += [event for event in events if isinstance(event, Part)]
        self._troubles += [event for event in events if not isinstance(event, Part)]
        self._exchange()
        while self._troubles:
            event = self._troubles[0]
            if isinstance(event, Lost):
                self._recover(event)
            else:
                self._give_up(event)
            self._troubles.pop(0)

    def _exchange(self) -> None:
        """Record what came back and take as much again, in one transaction."""
        free = self._free()
        woken, self._woken = self._woken, False
        if self._unrecorded or (woken and free > 0):
            recorded, shards = self._store.exchange(self._unrecorded, self._holder, free)
        else:
            recorded, shards = [], self._store.claim(self._holder, free) if free > 0 else []
        self._unrecorded = []
        for done in recorded:
            self._note(done.part, accepted=done.accepted)
        self._take(shards)
        if any(done.ended for done in recorded):
            self._changes.publish()

    def _note(self, part: Part, *, accepted: bool) -> None:
        held = self._held.get(part.lease)
        if held and accepted:
            held.position += part.size
        if part.last or not accepted:
            self._held.pop(part.lease, None)
        if held and not accepted and not part.last:
            self._executor.stop(part.lease)

    def _recover(self, lost: Lost) -> None:
        """Record what the circuit died of, or give the shard back for another attempt.

        A crash is believed when it happens twice to one circuit that ran alone; memory and time at once. A
        worker that dies again and again before any circuit began is the fault of the first circuit.
        """
        held = self._held.get(lost.lease)
        if held is None:
            return
        _log.warning("job %s: %s", lost.lease.job_id, lost.fault.message, extra={"fields": _story(lost)})
        suspect = lost.position
        nothing_left = held.position == held.shard.first + len(held.shard.labels)
        if suspect is None and (nothing_left or lost.lease.attempt < _MOST_ATTEMPTS):
            self._give_back(held)
        elif suspect is None:
            self._condemn(held, lost.fault)
        elif lost.fault.code is FaultCode.CRASH and suspect != held.shard.suspect:
            self._store.release(lost.lease, suspect)
        elif suspect == held.position:
            self._condemn(held, lost.fault)
        else:
            self._store.release(lost.lease, suspect, lost.fault)
        self._held.pop(lost.lease, None)

    def _give_back(self, held: _Held) -> None:
        """Release a shard; what was known of it stays known."""
        self._store.release(held.shard.lease, held.shard.suspect, held.shard.verdict)

    def _condemn(self, held: _Held, fault: Fault) -> None:
        shard, offset = held.shard, held.position - held.shard.first
        result = CircuitResult.failed(fault, shard.spec, held.position, shard.labels[offset])
        last = offset + 1 == len(shard.labels)
        self._store.record([Part.of(shard.lease, held.position, [result], last=last)])
        if not last:
            self._store.release(shard.lease)
        self._changes.publish()

    def _give_up(self, broken: Broken) -> None:
        held = self._held.pop(broken.lease, None)
        if held:
            self._give_back(held)
        self.failure = broken.reason
        self._changes.publish()

    def _keep(self) -> None:
        """Stop what was cancelled or taken over; renew the other leases in time."""
        now = time.monotonic()
        if not self._held or now - self._looked_at < _TICK:
            return
        self._looked_at = now
        for lease in self._gone(list(self._held), now):
            self._held.pop(lease, None)
            self._executor.stop(lease)

    def _is_due(self) -> bool:
        """Whether it is time again to look after jobs that this dispatcher may not hold."""
        now = time.monotonic()
        due = now - self._tended_at >= _TEND_EVERY
        if due:
            self._tended_at = now
        return due

    def _expire(self) -> None:
        """End what has run out of time; `_keep` then stops what runs of it."""
        expired = self._store.expire()
        if expired:
            fields = {"event": "jobs-expired", "jobs": ", ".join(expired)}
            _log.warning("out of time: %s", fields["jobs"], extra={"fields": fields})
            self._looked_at = 0.0
            self._changes.publish()

    def _bury(self) -> None:
        """Give back what processes of this machine held that have ended."""
        for holder in self._store.holders():
            if is_gone(holder):
                revoked = self._store.revoke(holder)
                fields = {"event": "holder-gone", "holder": holder, "shards": revoked}
                _log.warning("%s has ended; %d shards of it are open again", holder, revoked, extra={"fields": fields})

    def _gone(self, leases: list[Lease], now: float) -> list[Lease]:
        if now - self._renewed_at < self._renew_every:
            return self._store.lost(leases)
        self._renewed_at = now
        return self._store.renew(leases)


def _story(lost: Lost) -> dict[str, object]:
    """Return what is logged of a worker that died."""
    return {
        "event": "worker-lost",
        "job": lost.lease.job_id,
        "shard": lost.lease.shard,
        "attempt": lost.lease.attempt,
        "position": lost.position,
        "fault": lost.fault.code.value,
        "reason": lost.fault.message,
    }
