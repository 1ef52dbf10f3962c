"""Slots: each is one child and the thread that talks to it."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import TYPE_CHECKING

from farshot.errors import ExecutorError
from farshot.model import ResultSlice
from farshot.protocols import Broken, Lost, Spared
from farshot.simulators.shots import naming_shots
from farshot.worker.frames import Assignment, Report
from farshot.worker.supervisor import ChildDiedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from farshot.executors.queue import ShardQueue
    from farshot.executors.start_health import StartHealth
    from farshot.model import Fault, Forecast, Lease, Shard
    from farshot.protocols import ExecutorEvent
    from farshot.worker.supervisor import Child


_MAX_LANE_SECONDS = 5.0
"""The longest that a circuit runs in the lane while others wait for it."""
_MIN_LANE_SECONDS = 0.1
"""The least time that a shard has in the lane before it is recalled for one that is guessed to take no longer."""


def closed_error() -> ExecutorError:
    """Return the error of an executor that is closed."""
    return ExecutorError("the executor is closed")


class Slot:
    """One child and the thread that talks to it and replaces it when it dies.

    The next child starts while one that was stopped is still dying, which takes long if much memory is freed.
    """

    def __init__(
        self,
        queue: ShardQueue,
        starts: StartHealth,
        start_child: Callable[[], Child],
        deliver: Callable[[ExecutorEvent], None],
    ) -> None:
        """Start the thread; `start_child` starts a child, and events go to `deliver`."""
        self._queue = queue
        self._starts = starts
        self._start_child = start_child
        self._deliver = deliver
        self._lock = threading.Lock()
        self._child: Child | None = None
        self._next: Child | None = None
        self._lease: Lease | None = None
        self._owner = ""
        self._since = 0.0
        self._target = ""
        self._closed = False
        self.deaths = 0
        self._thread = threading.Thread(target=self._serve, name="farshot-worker", daemon=True)
        self._thread.start()

    def stop(self, lease: Lease) -> str | None:
        """Kill the child if it runs the shard under `lease`, and return the owner; None if it does not."""
        with self._lock:
            if self._lease != lease:
                return None
            self._lease = None
            if self._child:
                self._child.kill()
                with contextlib.suppress(ExecutorError):  # the thread meets the error when it needs the child
                    self._next = self._next or self._start_child()
            return self._owner

    def running(self) -> list[tuple[Lease, float]]:
        """Return the lease of the shard that runs and its seconds so far; nothing if none runs."""
        with self._lock:
            return [(self._lease, time.monotonic() - self._since)] if self._lease else []

    def forecast(self) -> tuple[Lease, Forecast] | None:
        """Return the lease of the shard that runs and the forecast of its circuit; None if there is none."""
        with self._lock:
            found = self._child.board.forecast() if self._child and self._lease else None
            return (self._lease, found) if self._lease and found else None

    def recall(self, lease: Lease) -> None:
        """Have the child stop after the circuit that it runs, if it has the shard under `lease`."""
        with self._lock:
            if self._lease == lease and self._child:
                self._child.board.recall()

    def expire(self, seconds_of: Callable[[str], float]) -> None:
        """Kill the child if its circuit has run for longer than `seconds_of` returns for its target."""
        with self._lock:
            if self._child:
                self._child.expire(seconds_of(self._target))

    def announced(self) -> tuple[int, int] | None:
        """Return the process id of the child and the position of the circuit that it runs; None if it is idle."""
        with self._lock:
            position = self._child.board.announced() if self._child else None
            return None if position is None or self._child is None else (self._child.pid, position)

    def close(self) -> None:
        """Kill the children and wait for the thread."""
        with self._lock:
            self._closed = True
            self._lease = None
            for child in (self._child, self._next):
                if child:
                    child.kill()
        if self._thread is not threading.current_thread():  # the garbage collector may close it from there
            self._thread.join()

    def _serve(self) -> None:
        while not self._queue.is_closed:
            child = self._ready_child()
            if child and (shard := self._take()):
                self._run(child, shard)
                self._queue.end(shard)
        self._discard_child()
        if self._next:
            self._next.close()

    def _take(self) -> Shard | None:
        return self._queue.take(self._hold)

    def _ready_child(self) -> Child | None:
        """Return the child, or a new one once it serves; None after a pause if that cannot be started."""
        if self._child and self._child.is_unwanted:
            self._discard_child()
        return self._child or self._replacement()

    def _replacement(self) -> Child | None:
        try:
            child = self._new_child()
        except ExecutorError as error:
            is_unwanted = self._closed or (self._child is not None and self._child.is_unwanted)
            self._discard_child()
            if not is_unwanted:
                self._queue.wait(self._report_failure(error))
            return None
        self._starts.record_success(self)
        return child

    def _report_failure(self, error: ExecutorError) -> float:
        """Report that no child can be started; return the seconds until the next try."""
        return self._starts.record_failure(self, error)

    def _hold(self, shard: Shard) -> None:
        with self._lock:
            self._lease, self._owner, self._since = shard.lease, shard.owner, time.monotonic()

    def _holds(self, lease: Lease) -> bool:
        with self._lock:
            return self._lease == lease

    def _run(self, child: Child, shard: Shard) -> None:
        try:
            if self._holds(shard.lease):
                self._exchange(child, shard)
        except ChildDiedError as death:
            self._discard_child()
            self.deaths += self._holds(shard.lease)
            self._deliver_event(shard.lease, Lost(shard.lease, death.position, _fault(shard, death), self._elapsed()))
        except Exception as error:  # noqa: BLE001 -- the shard must not be lost, whatever the error is
            self._discard_child()
            self._deliver_event(shard.lease, Broken(shard.lease, f"{type(error).__name__}: {error}"))

    def _exchange(self, child: Child, shard: Shard) -> None:
        with self._lock:
            self._target, self._since = shard.spec.target, time.monotonic()
            child.board.recall(wanted=False)
        child.send(Assignment(shard.spec, shard.first, shard.labels, shard.sources, shard.suspect, shard.verdict))
        left, last, lease = len(shard.labels), False, shard.lease
        while not last:
            report = child.receive()
            if isinstance(report, Report):
                left -= report.size
                last, ends = report.last, report.last and not left
                part = ResultSlice(
                    lease, report.first, report.size, report.failed, report.seconds, report.results, ends
                )
                self._deliver_event(lease, part, last=ends)
        if left:
            self._deliver_event(lease, Spared(lease, self._elapsed()))

    def _elapsed(self) -> float:
        return time.monotonic() - self._since

    def _deliver_event(self, lease: Lease, event: ExecutorEvent, *, last: bool = True) -> None:
        """Deliver an event unless the lease was stopped; with the `last` one the lease ends."""
        with self._lock:
            is_held = self._lease == lease
            if last:
                self._lease = None
        if is_held:
            self._deliver(event)

    def _new_child(self) -> Child:
        with self._lock:
            if self._closed:
                raise closed_error()
            child, self._next = self._next or self._start_child(), None
            self._child = child
        child.await_ready()
        return child

    def _discard_child(self) -> None:
        with self._lock:
            child, self._child = self._child, None
        if child:
            child.close()


class Lane(Slot):
    """The slot for short shards of owners of whom nothing runs.

    A shard that runs for longer than a waiting one is guessed to take is recalled after its circuit; one whose circuit
    goes on for 5 s while others wait is stopped and runs elsewhere, without blame. Its owner is then kept off the lane
    for a while, as is one who stops a shard here: starting another child takes time.
    """

    def _take(self) -> Shard | None:
        self._queue.await_due()
        return self._queue.take_due(self._hold)

    def _report_failure(self, error: ExecutorError) -> float:  # noqa: ARG002 -- the workers report it
        """Report nothing: work goes on without a lane."""
        return 1.0

    def stop(self, lease: Lease) -> str | None:
        """Stop as every slot does, and keep the owner off the lane for a while."""
        owner = super().stop(lease)
        if owner is not None:  # not under the lock: the queue takes that under its own
            self._queue.bar(owner)
        return owner

    def expire(self, seconds_of: Callable[[str], float]) -> None:
        """Kill a child as every slot does, and end a shard that has run for long if others wait for the lane."""
        super().expire(seconds_of)
        for lease, seconds in self.running():
            if seconds > _MAX_LANE_SECONDS and self._queue.has_due():
                if self.stop(lease) is not None:
                    self._deliver(Spared(lease, seconds))
            elif seconds > _MIN_LANE_SECONDS and self._queue.has_due(seconds):
                self.recall(lease)


def _fault(shard: Shard, death: ChildDiedError) -> Fault:
    """Return the fault of the circuit that was announced last."""
    plan = shard.spec.shots
    shots = plan.shots_at(death.position) if plan and plan.groups and death.position is not None else None
    return naming_shots(death.fault, shots)
