"""`LocalExecutor`: shards run in warm child processes of this process, one shard at a time each."""

from __future__ import annotations

import contextlib
import threading
from functools import partial
from typing import TYPE_CHECKING

from farshot.errors import CircuitError
from farshot.executors.memory_limits import fair_memory, usable_cores
from farshot.executors.queue import ShardQueue
from farshot.executors.slots import Lane, Slot, closed_error
from farshot.executors.start_health import StartHealth
from farshot.protocols import Spared
from farshot.worker.frames import Inspection, Verdict
from farshot.worker.supervisor import Child, ChildDiedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from farshot.model import Fault, Forecast, JobSpec, Lease, Shard
    from farshot.protocols import ExecutorEvent, ExecutorOptions


CIRCUIT_TIMEOUT = 3600.0
"""The default of the seconds that one circuit may run."""

_LANE_SHARDS = 4
"""Shards of the lane, those that wait for it included."""
_NICENESS = 5
"""The niceness of workers beside a lane: they give way to it and to the process that started them."""
_WATCH_SECONDS = 0.05


def executor_of_service(options: ExecutorOptions) -> LocalExecutor:
    """Return the executor of a service: one worker a core unless told, and a lane for short shards."""
    return LocalExecutor(
        options.workers, options.memory_limit, options.circuit_timeout, options.target_timeouts, lane=True
    )


class LocalExecutor:
    """An executor with a number of child processes on this machine.

    With a lane there is one child more, for short shards of owners of whom nothing runs while others hold all workers:
    a running circuit cannot be paused, but the system divides the cores, and the other children give way to the lane.
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
        """Set the number of children (one per core by default), the bytes of each one, and the seconds of a circuit:
        those of its target in `target_timeouts`, or else `circuit_timeout`. `open` starts the children.
        """
        self.workers = workers or usable_cores()
        """The number of children without that of the lane."""
        self._lanes = int(lane)
        self.memory = memory_limit or fair_memory(self.workers + self._lanes)
        """The bytes that each child may use."""
        self._circuit_timeout = circuit_timeout
        self._target_timeouts = dict(target_timeouts or {})
        self._queue = ShardQueue()
        self._slots: list[Slot] = []
        self._inspectors: set[Child] = set()
        self._closed = threading.Event()
        self._deliver: Callable[[ExecutorEvent], None] = _ignore

    @property
    def capacity(self) -> int:
        """The number of shards it takes: one that runs and one that waits for each worker, and those of the lane."""
        return 2 * self.workers + self.reserve

    @property
    def reserve(self) -> int:
        """The part of the capacity that is the lane's, through which shards pass fast."""
        return _LANE_SHARDS * self._lanes

    @property
    def restarts(self) -> int:
        """The number of children that died at their work and were replaced."""
        return sum(slot.deaths for slot in self._slots)

    def announced(self) -> dict[int, int]:
        """Return the position of the circuit that runs in each child, by process id, without idle children."""
        return dict(found for slot in self._slots if (found := slot.announced()))

    def circuit_timeout(self, target: str) -> float:
        """Return the seconds that a circuit for `target` may run."""
        return self._target_timeouts.get(target, self._circuit_timeout)

    def open(self, deliver: Callable[[ExecutorEvent], None]) -> None:
        """Start the children; from now on hand every event to `deliver`."""
        starts = StartHealth(self.workers, deliver, self._queue.clear)
        self._deliver = deliver
        niceness = _NICENESS if self._lanes else 0
        start_worker, start_lane = partial(Child, self.memory, niceness), partial(Child, self.memory)
        self._slots = [Slot(self._queue, starts, start_worker, deliver) for _ in range(self.workers)]
        self._slots += [Lane(self._queue, starts, start_lane, deliver) for _ in range(self._lanes)]
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
        """Return for how many seconds each shard has been running, of those that a child runs."""
        return dict(found for slot in self._slots for found in slot.running())

    def forecasts(self) -> dict[Lease, Forecast]:
        """Return the forecast of the circuit that each shard is at, of those that have one."""
        return dict(found for slot in self._slots if (found := slot.forecast()))

    def spare(self, lease: Lease) -> None:
        """Drop the shard, or have its child stop after the circuit that runs."""
        if self._queue.drop(lease):
            self._deliver(Spared(lease))
        for slot in self._slots:
            slot.recall(lease)

    def inspect(self, sources: Sequence[bytes], spec: JobSpec) -> list[CircuitError | None]:
        """Scan and parse texts in a child of their own, which is replaced after a text that kills it."""
        found: list[CircuitError | None] = []
        while len(found) < len(sources):
            with self._inspector() as child:
                child.await_ready()
                found += self._inspect(child, Inspection(spec, len(found), tuple(sources[len(found) :])))
        return found

    @contextlib.contextmanager
    def _inspector(self) -> Iterator[Child]:
        """Yield a new child, which `close` kills as well."""
        with contextlib.closing(Child(self.memory)) as child:
            self._inspectors.add(child)
            try:
                if self._closed.is_set():
                    raise closed_error()
                yield child
            finally:
                self._inspectors.discard(child)

    def _inspect(self, child: Child, inspection: Inspection) -> Iterator[CircuitError | None]:
        """Yield the fault of each text or None, until the last text or the one that killed the child."""
        try:
            child.send(inspection)
            for _ in inspection.sources:
                with _deadline(self.circuit_timeout(inspection.spec.target), child):
                    verdict = child.receive()
                yield _circuit_error(verdict.fault) if isinstance(verdict, Verdict) and verdict.fault else None
        except ChildDiedError as death:
            yield _circuit_error(death.fault)

    def close(self) -> None:
        """Kill every child."""
        self._closed.set()
        self._queue.close()
        for child in list(self._inspectors):
            child.kill()
        for slot in self._slots:
            slot.close()
        self._slots = []

    def _watch(self) -> None:
        """Kill children whose circuit runs for too long: they cannot stop themselves within native code."""
        while not self._closed.wait(_WATCH_SECONDS):
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


def _ignore(event: ExecutorEvent) -> None:
    """Do nothing: before `open` there is nothing to deliver to."""


def _circuit_error(fault: Fault) -> CircuitError:
    return CircuitError(fault.code, fault.message, line=fault.line, column=fault.column)
