"""`LocalExecutor`: shards run in warm child processes of this process, one shard at a time each."""

from __future__ import annotations

import contextlib
import threading
import time
from functools import partial
from typing import TYPE_CHECKING

from farshot.errors import CircuitError, ExecutorError
from farshot.executors.backlog import Queue
from farshot.executors.machine import fair_memory, usable_cores
from farshot.executors.starts import Starts
from farshot.model import Part
from farshot.protocols import Broken, Lost, Spared
from farshot.worker.frames import Assignment, Inspection, Report, Verdict
from farshot.worker.supervisor import Child, ChildDiedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from farshot.model import Fault, JobSpec, Lease, Shard
    from farshot.protocols import ExecutorEvent

__all__ = ["CIRCUIT_TIMEOUT", "LocalExecutor", "fair_memory", "usable_cores"]

CIRCUIT_TIMEOUT = 3600.0
"""Seconds that one circuit may run unless told."""

_LANE_SECONDS = 5.0
_LANE_AHEAD = 4
_NICENESS = 10
"""By how much workers give way to the lane, and to the process that they are of."""
_WATCH_EVERY = 0.05


class LocalExecutor:
    """`workers` children, one a core unless told; each limited to `memory_limit` bytes, and each circuit of
    theirs to `circuit_timeout` seconds, or to those that `target_timeouts` has for its target.

    With a `lane` there is one child more, for short shards of owners of whom nothing runs while others hold all
    workers: a circuit that runs can only be killed, but the system divides the cores. The others give way to it.
    """

    def __init__(
        self,
        workers: int | None = None,
        memory_limit: int | None = None,
        circuit_timeout: float = CIRCUIT_TIMEOUT,
        target_timeouts: Mapping[str, float] | None = None,
        *,
        lane: bool = False,
    ) -> None:
        """Remember the sizes; `open` starts the children."""
        self._workers = workers or usable_cores()
        self._lanes = int(lane)
        self._memory = memory_limit or fair_memory(self._workers + self._lanes)
        self._circuit_timeout = circuit_timeout
        self._target_timeouts = dict(target_timeouts or {})
        self._queue = Queue()
        self._slots: list[_Slot] = []
        self._inspectors: set[Child] = set()
        self._closed = threading.Event()
        self._deliver: Callable[[ExecutorEvent], None] = _drop

    @property
    def capacity(self) -> int:
        """Two shards a worker, one that runs and one that waits for it, and those of the lane."""
        return 2 * self._workers + self.reserve

    @property
    def reserve(self) -> int:
        """Those of the lane, through which shards pass fast."""
        return _LANE_AHEAD * self._lanes

    @property
    def workers(self) -> int:
        """How many children there are."""
        return self._workers

    @property
    def memory(self) -> int:
        """The bytes that each child may use."""
        return self._memory

    @property
    def restarts(self) -> int:
        """How many children died over their work and were replaced."""
        return sum(slot.deaths for slot in self._slots)

    def announced(self) -> dict[int, int]:
        """Return the position of the circuit that each child runs, by process id; of those that run one."""
        return dict(found for slot in self._slots if (found := slot.announced()))

    def circuit_timeout(self, target: str) -> float:
        """Return the seconds that one circuit for `target` may run."""
        return self._target_timeouts.get(target, self._circuit_timeout)

    def open(self, deliver: Callable[[ExecutorEvent], None]) -> None:
        """Start the children; from now on hand every event to `deliver`."""
        starts = Starts(self._workers, deliver, self._queue.clear)
        self._deliver = deliver
        niceness = _NICENESS if self._lanes else 0
        starting = partial(Child, self._memory, niceness)
        self._slots = [_Slot(self._queue, starts, starting, deliver) for _ in range(self._workers)]
        starting = partial(Child, self._memory)
        self._slots += [_Lane(self._queue, starts, starting, deliver) for _ in range(self._lanes)]
        threading.Thread(target=self._watch, name="farshot-watch", daemon=True).start()

    def start(self, shard: Shard) -> None:
        """Queue a shard for the next free child."""
        self._queue.put(shard)

    def stop(self, lease: Lease) -> None:
        """Drop the shard, or kill the child that runs it."""
        if not self._queue.drop(lease):
            for slot in self._slots:
                slot.stop(lease)

    def running(self) -> dict[Lease, float]:
        """Return for how many seconds each shard has been running that a child has."""
        return dict(found for slot in self._slots for found in slot.running())

    def spare(self, lease: Lease) -> None:
        """Drop the shard, or have the child end with the circuit that it runs."""
        if self._queue.drop(lease):
            self._deliver(Spared(lease))
        for slot in self._slots:
            slot.recall(lease)

    def inspect(self, sources: Sequence[bytes], spec: JobSpec) -> list[CircuitError | None]:
        """Scan and parse texts in a child of their own; a text that kills it is named, the rest goes on."""
        found: list[CircuitError | None] = []
        while len(found) < len(sources):
            with self._inspector() as child:
                child.await_ready()
                found += self._inspect(child, Inspection(spec, len(found), tuple(sources[len(found) :])))
        return found

    @contextlib.contextmanager
    def _inspector(self) -> Iterator[Child]:
        """Yield a child of its own, which `close` kills as well."""
        with contextlib.closing(Child(self._memory)) as child:
            self._inspectors.add(child)
            try:
                if self._closed.is_set():
                    raise _closed()
                yield child
            finally:
                self._inspectors.discard(child)

    def _inspect(self, child: Child, inspection: Inspection) -> Iterator[CircuitError | None]:
        """Yield what is found until all is looked at or the child died."""
        try:
            child.send(inspection)
            for _ in inspection.sources:
                with _deadline(self.circuit_timeout(inspection.spec.target), child):
                    verdict = child.receive()
                yield _error(verdict.fault) if isinstance(verdict, Verdict) and verdict.fault else None
        except ChildDiedError as death:
            yield _error(death.fault)

    def close(self) -> None:
        """Kill what runs and end every child."""
        self._closed.set()
        self._queue.close()
        for child in list(self._inspectors):
            child.kill()
        for slot in self._slots:
            slot.close()
        self._slots = []

    def _watch(self) -> None:
        """Kill what runs for too long. A thread of this process: the child may be stuck in native code."""
        while not self._closed.wait(_WATCH_EVERY):
            for slot in self._slots:
                slot.expire(self.circuit_timeout)


@contextlib.contextmanager
def _deadline(seconds: float, child: Child) -> Iterator[None]:
    timer = threading.Timer(seconds, child.expire, [0.0])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _drop(event: ExecutorEvent) -> None:
    """Nobody is told before the executor is open."""


def _closed() -> ExecutorError:
    return ExecutorError("the executor is closed")


def _error(fault: Fault) -> CircuitError:
    return CircuitError(fault.code, fault.message, line=fault.line, column=fault.column)


class _Slot:
    """One child and the thread that talks to it. The thread outlives the child, which it replaces.

    The next child starts while one that was stopped still dies, which takes its time where much memory is freed.
    """

    def __init__(
        self,
        queue: Queue,
        starts: Starts,
        starting: Callable[[], Child],
        deliver: Callable[[ExecutorEvent], None],
    ) -> None:
        self._queue = queue
        self._starts = starts
        self._starting = starting
        self._deliver = deliver
        self._lock = threading.Lock()
        self._child: Child | None = None
        self._next: Child | None = None
        self._lease: Lease | None = None
        self._since = 0.0
        self._target = ""
        self._closed = False
        self.deaths = 0
        self._thread = threading.Thread(target=self._serve, name="farshot-worker", daemon=True)
        self._thread.start()

    def stop(self, lease: Lease) -> None:
        with self._lock:
            if self._lease == lease:
                self._lease = None
                if self._child:
                    self._child.kill()
                    self._prepare_next()

    def running(self) -> list[tuple[Lease, float]]:
        with self._lock:
            return [(self._lease, time.monotonic() - self._since)] if self._lease else []

    def recall(self, lease: Lease) -> None:
        with self._lock:
            if self._lease == lease and self._child:
                self._child.recall()

    def expire(self, seconds_of: Callable[[str], float]) -> None:
        with self._lock:
            if self._child:
                self._child.expire(seconds_of(self._target))

    def announced(self) -> tuple[int, int] | None:
        with self._lock:
            position = self._child.announced() if self._child else None
            return None if position is None or self._child is None else (self._child.pid, position)

    def close(self) -> None:
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
            self._await_work()
            child = self._ready_child()
            if child and (shard := self._take()):
                self._run(child, shard)
                self._queue.end(shard)
        self._discard()
        if self._next:
            self._next.close()

    def _await_work(self) -> None:
        """Wait for nothing: a child is ready before there is work."""

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

    def _hold(self, lease: Lease) -> None:
        with self._lock:
            self._lease, self._since = lease, time.monotonic()

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
            self._tell(shard.lease, Lost(shard.lease, death.position, death.fault, self._seconds()))
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
                raise _closed()
            child, self._next = self._next or self._starting(), None
            self._child = child
        child.await_ready()
        return child

    def _discard(self) -> None:
        with self._lock:
            child, self._child = self._child, None
        if child:
            child.close()


class _Lane(_Slot):
    """The slot for short shards of owners who would wait. Its child starts when the first of them waits.

    What runs here for long although others wait is stopped and runs elsewhere; it is to blame for nothing.
    """

    def _await_work(self) -> None:
        self._queue.await_kept_waiting()

    def _take(self) -> Shard | None:
        return self._queue.take_kept_waiting(self._hold)

    def _failed(self, error: ExecutorError) -> float:  # noqa: ARG002 -- the workers tell what is wrong
        """Tell nobody: the workers are there."""
        return 1.0

    def expire(self, seconds_of: Callable[[str], float]) -> None:
        super().expire(seconds_of)
        with self._lock:
            is_long = self._lease is not None and self._seconds() > _LANE_SECONDS
        if is_long and self._queue.keeps_waiting():
            self._evict()

    def _evict(self) -> None:
        with self._lock:
            lease, self._lease = self._lease, None
            if lease and self._child:
                self._child.kill()
                self._prepare_next()
        if lease:
            self._deliver(Spared(lease, self._seconds()))


def _assignment(shard: Shard) -> Assignment:
    return Assignment(shard.spec, shard.first, shard.labels, shard.sources, shard.suspect, shard.verdict)


def _part(lease: Lease, report: Report, *, whole: bool) -> Part:
    last = report.last and whole
    return Part(lease, report.first, report.size, report.failed, report.seconds, report.results, last)
