"""The places of the children of a machine: one child and the thread that talks to it, each."""

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


_LANE_SECONDS = 5.0
"""Seconds that a circuit may run in the lane although others wait for it."""
_MOMENT = 0.1
"""Seconds that a shard of several circuits may run there although one waits that is guessed to take no longer."""


def closed() -> ExecutorError:
    """Return the error of an executor that is closed."""
    return ExecutorError("the executor is closed")


class Slot:
    """One child and the thread that talks to it. The thread outlives the child, which it replaces.

    The next child starts while one that was stopped still dies, which takes its time where much memory is freed.
    """

    def __init__(
        self,
        queue: ShardQueue,
        starts: StartHealth,
        starting: Callable[[], Child],
        deliver: Callable[[ExecutorEvent], None],
    ) -> None:
        """Start the thread; `starting` starts a child, and events go to `deliver`."""
        self._queue = queue
        self._starts = starts
        self._starting = starting
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
        """Kill the child if it runs the shard under `lease`, and return its owner; None where it does not."""
        with self._lock:
            if self._lease != lease:
                return None
            self._lease = None
            if self._child:
                self._child.kill()
                self._prepare_next()
            return self._owner

    def running(self) -> list[tuple[Lease, float]]:
        """Return the lease of the shard that runs, and its seconds so far; nothing where none does."""
        with self._lock:
            return [(self._lease, time.monotonic() - self._since)] if self._lease else []

    def forecast(self) -> tuple[Lease, Forecast] | None:
        """Return the lease of the shard that runs and how its circuit is run; None where that is not known."""
        with self._lock:
            found = self._child.forecast() if self._child and self._lease else None
            return (self._lease, found) if self._lease and found else None

    def recall(self, lease: Lease) -> None:
        """Have the child end with the circuit that it runs, if it has the shard under `lease`."""
        with self._lock:
            if self._lease == lease and self._child:
                self._child.recall()

    def expire(self, seconds_of: Callable[[str], float]) -> None:
        """Kill the child if its circuit has run for longer than `seconds_of` its target."""
        with self._lock:
            if self._child:
                self._child.expire(seconds_of(self._target))

    def announced(self) -> tuple[int, int] | None:
        """Return the process id of the child and the position of the circuit that it runs."""
        with self._lock:
            position = self._child.announced() if self._child else None
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
        self._discard()
        if self._next:
            self._next.close()

    def _take(self) -> Shard | None:
        return self._queue.take(self._hold)

    def _ready_child(self) -> Child | None:
        """Have a child ready before there is work. Where that fails it is told, and None returned after a pause."""
        if self._child and self._child.is_unwanted:
            self._discard()
        return self._child or self._new_child()

    def _new_child(self) -> Child | None:
        try:
            child = self._start_child()
        except ExecutorError as error:
            unwanted = self._is_unwanted()
            self._discard()
            if not unwanted:
                self._queue.wait(self._failed(error))
            return None
        self._starts.worked(self)
        return child

    def _failed(self, error: ExecutorError) -> float:
        """Tell that no child can be started; return the seconds until the next try."""
        return self._starts.failed(self, error)

    def _is_unwanted(self) -> bool:
        return self._closed or (self._child is not None and self._child.is_unwanted)

    def _prepare_next(self) -> None:
        with contextlib.suppress(ExecutorError):  # who needs it finds out
            self._next = self._next or self._starting()

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
            self._discard()
            self.deaths += self._holds(shard.lease)
            self._tell(shard.lease, Lost(shard.lease, death.position, _fault(shard, death), self._seconds()))
        except Exception as error:  # noqa: BLE001 -- whatever it is, whoever waits for the shard must hear of it
            self._discard()
            self._tell(shard.lease, Broken(shard.lease, f"{type(error).__name__}: {error}"))

    def _exchange(self, child: Child, shard: Shard) -> None:
        with self._lock:
            self._target, self._since = shard.spec.target, time.monotonic()
            child.recall(wanted=False)
        child.send(_assignment(shard))
        left, last = len(shard.labels), False
        while not last:
            report = child.receive()
            if isinstance(report, Report):
                left -= report.size
                last = report.last
                self._tell(shard.lease, _part(shard.lease, report, whole=not left), last=last and not left)
        if left:
            self._tell(shard.lease, Spared(shard.lease, self._seconds()))

    def _seconds(self) -> float:
        return time.monotonic() - self._since

    def _tell(self, lease: Lease, event: ExecutorEvent, *, last: bool = True) -> None:
        with self._lock:
            wanted = self._lease == lease
            if last:
                self._lease = None
        if wanted:
            self._deliver(event)

    def _start_child(self) -> Child:
        with self._lock:
            if self._closed:
                raise closed()
            child, self._next = self._next or self._starting(), None
            self._child = child
        child.await_ready()
        return child

    def _discard(self) -> None:
        with self._lock:
            child, self._child = self._child, None
        if child:
            child.close()


class Lane(Slot):
    """The slot for short shards of owners who would wait.

    What runs here for longer than others who wait should take ends with its circuit; what goes on although they do is
    stopped. It runs elsewhere, and is to blame for nothing; but its owner is kept off the lane for a while, as is one
    who has stopped a shard here: a child takes its time to start.
    """

    def _take(self) -> Shard | None:
        self._queue.await_kept_waiting()
        return self._queue.take_kept_waiting(self._hold)

    def _failed(self, error: ExecutorError) -> float:  # noqa: ARG002 -- the workers tell what is wrong
        """Tell nobody: the workers are there."""
        return 1.0

    def stop(self, lease: Lease) -> str | None:
        """Kill the child if it runs the shard under `lease`, and return its owner; None where it does not."""
        owner = super().stop(lease)
        if owner is not None:  # not under the lock: the queue takes that under its own
            self._queue.bar(owner)
        return owner

    def expire(self, seconds_of: Callable[[str], float]) -> None:
        """Have what has run for long give way as well, where others wait for the lane."""
        super().expire(seconds_of)
        for lease, seconds in self.running():
            if seconds > _LANE_SECONDS and self._queue.keeps_waiting():
                self._evict(lease, seconds)
            elif seconds > _MOMENT and self._queue.keeps_waiting(seconds):
                self.recall(lease)

    def _evict(self, lease: Lease, seconds: float) -> None:
        if self.stop(lease) is not None:
            self._deliver(Spared(lease, seconds))


def _fault(shard: Shard, death: ChildDiedError) -> Fault:
    """Return what the circuit that was announced died of."""
    plan = shard.spec.shots
    shots = plan.shots_at(death.position) if plan and plan.groups and death.position is not None else None
    return naming_shots(death.fault, shots)


def _assignment(shard: Shard) -> Assignment:
    return Assignment(shard.spec, shard.first, shard.labels, shard.sources, shard.suspect, shard.verdict)


def _part(lease: Lease, report: Report, *, whole: bool) -> ResultSlice:
    last = report.last and whole
    return ResultSlice(lease, report.first, report.size, report.failed, report.seconds, report.results, last)
