"""`LocalExecutor`: shards run in warm child processes of this process, one shard at a time each."""

from __future__ import annotations

import contextlib
import os
import threading
from collections import deque
from typing import TYPE_CHECKING

from farshot.errors import CircuitError, ExecutorError
from farshot.executors.machine import memory_limit
from farshot.executors.starts import Starts
from farshot.model import Part
from farshot.protocols import Broken, Lost
from farshot.worker.frames import Assignment, Inspection, Report, Verdict
from farshot.worker.supervisor import Child, ChildDiedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from farshot.model import Fault, JobSpec, Lease, Shard
    from farshot.protocols import ExecutorEvent

__all__ = ["CIRCUIT_TIMEOUT", "LocalExecutor", "fair_memory", "usable_cores"]

CIRCUIT_TIMEOUT = 3600.0
"""Seconds that one circuit may run unless told."""

_LEAST_MEMORY = 2**28
"""Bytes below which a worker cannot load the default simulator; most of them are address space that it never fills."""

_WATCH_EVERY = 0.05


def usable_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def fair_memory(workers: int) -> int:
    """Return the bytes of memory that each of `workers` may use: an equal share of nine tenths of the machine, or
    of what a container or a batch system leaves of it; never too little to start.
    """
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return max(_LEAST_MEMORY, min(machine, memory_limit() or machine) * 9 // 10 // workers)


class LocalExecutor:
    """`workers` children, one a core unless told; each limited to `memory_limit` bytes, and each circuit of
    theirs to `circuit_timeout` seconds, or to those that `target_timeouts` has for its target.
    """

    def __init__(
        self,
        workers: int | None = None,
        memory_limit: int | None = None,
        circuit_timeout: float = CIRCUIT_TIMEOUT,
        target_timeouts: Mapping[str, float] | None = None,
    ) -> None:
        """Remember the sizes; `open` starts the children."""
        self._workers = workers or usable_cores()
        self._memory = memory_limit or fair_memory(self._workers)
        self._circuit_timeout = circuit_timeout
        self._target_timeouts = dict(target_timeouts or {})
        self._queue = _Queue()
        self._slots: list[_Slot] = []
        self._inspectors: set[Child] = set()
        self._closed = threading.Event()

    @property
    def capacity(self) -> int:
        """Two shards a worker: one that runs, one that waits for it."""
        return 2 * self._workers

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
        self._slots = [_Slot(self._queue, starts, self._memory, deliver) for _ in range(self._workers)]
        threading.Thread(target=self._watch, name="farshot-watch", daemon=True).start()

    def start(self, shard: Shard) -> None:
        """Queue a shard for the next free child."""
        self._queue.put(shard)

    def stop(self, lease: Lease) -> None:
        """Drop the shard, or kill the child that runs it."""
        if not self._queue.drop(lease):
            for slot in self._slots:
                slot.stop(lease)

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


def _closed() -> ExecutorError:
    return ExecutorError("the executor is closed")


def _error(fault: Fault) -> CircuitError:
    return CircuitError(fault.code, fault.message, line=fault.line, column=fault.column)


class _Queue:
    """The shards that wait for a child."""

    def __init__(self) -> None:
        self._shards: deque[Shard] = deque()
        self._changed = threading.Condition()
        self._closed = False

    def put(self, shard: Shard) -> None:
        with self._changed:
            self._shards.append(shard)
            self._changed.notify()

    def take(self, hold: Callable[[Lease], None]) -> Shard | None:
        """Block for the next shard; None once closed.

        `hold` is told its lease before it leaves the queue, so that at no time nobody has it.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._shards or self._closed)
            if self._closed:
                return None
            hold(self._shards[0].lease)
            return self._shards.popleft()

    def wait(self, seconds: float) -> None:
        """Block so long, or until closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed, seconds)

    def clear(self) -> tuple[Lease, ...]:
        """Let go of every shard, and return their leases."""
        with self._changed:
            leases = tuple(shard.lease for shard in self._shards)
            self._shards.clear()
            return leases

    @property
    def is_closed(self) -> bool:
        """Whether nothing is taken any more."""
        return self._closed

    def drop(self, lease: Lease) -> bool:
        with self._changed:
            kept = deque(shard for shard in self._shards if shard.lease != lease)
            dropped = len(kept) < len(self._shards)
            self._shards = kept
            return dropped

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()


class _Slot:
    """One child and the thread that talks to it. The thread outlives the child, which it replaces.

    The next child starts while one that was stopped still dies, which takes its time where much memory is freed.
    """

    def __init__(self, queue: _Queue, starts: Starts, memory: int, deliver: Callable[[ExecutorEvent], None]) -> None:
        self._queue = queue
        self._starts = starts
        self._memory = memory
        self._deliver = deliver
        self._lock = threading.Lock()
        self._child: Child | None = None
        self._next: Child | None = None
        self._lease: Lease | None = None
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
            child = self._ready_child()
            if child and (shard := self._queue.take(self._hold)):
                self._run(child, shard)
        self._discard()
        if self._next:
            self._next.close()

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
                self._queue.wait(self._starts.failed(self, error))
            return None
        self._starts.worked(self)
        return child

    def _is_unwanted(self) -> bool:
        return self._closed or (self._child is not None and self._child.is_unwanted)

    def _prepare_next(self) -> None:
        with contextlib.suppress(ExecutorError):  # who needs it finds out
            self._next = self._next or Child(self._memory)

    def _hold(self, lease: Lease) -> None:
        with self._lock:
            self._lease = lease

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
            self._tell(shard.lease, Lost(shard.lease, death.position, death.fault))
        except Exception as error:  # noqa: BLE001 -- whatever it is, whoever waits for the shard must hear of it
            self._discard()
            self._tell(shard.lease, Broken(shard.lease, f"{type(error).__name__}: {error}"))

    def _exchange(self, child: Child, shard: Shard) -> None:
        self._target = shard.spec.target
        child.send(_assignment(shard))
        last = False
        while not last:
            report = child.receive()
            if isinstance(report, Report):
                last = report.last
                self._tell(shard.lease, _part(shard.lease, report), last=last)

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
            child, self._next = self._next or Child(self._memory), None
            self._child = child
        child.await_ready()
        return child

    def _discard(self) -> None:
        with self._lock:
            child, self._child = self._child, None
        if child:
            child.close()


def _assignment(shard: Shard) -> Assignment:
    return Assignment(shard.spec, shard.first, shard.labels, shard.sources, shard.suspect, shard.verdict)


def _part(lease: Lease, report: Report) -> Part:
    return Part(lease, report.first, report.size, report.failed, report.seconds, report.results, report.last)
