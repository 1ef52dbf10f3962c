"""`LocalExecutor`: shards run in warm child processes of this process, one shard at a time each."""

from __future__ import annotations

import contextlib
import threading
from functools import partial
from typing import TYPE_CHECKING

from farshot.errors import CircuitError
from farshot.executors.memory_limits import fair_memory, usable_cores
from farshot.executors.queue import ShardQueue
from farshot.executors.slots import Lane, Slot, closed
from farshot.executors.start_health import StartHealth
from farshot.protocols import Spared
from farshot.worker.frames import Inspection, Verdict
from farshot.worker.supervisor import Child, ChildDiedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from farshot.model import Fault, Forecast, JobSpec, Lease, Shard
    from farshot.protocols import ExecutorEvent


CIRCUIT_TIMEOUT = 3600.0
"""Seconds that one circuit may run unless told."""

_LANE_AHEAD = 4
_NICENESS = 5
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
        self._queue = ShardQueue()
        self._slots: list[Slot] = []
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
        starts = StartHealth(self._workers, deliver, self._queue.clear)
        self._deliver = deliver
        niceness = _NICENESS if self._lanes else 0
        starting = partial(Child, self._memory, niceness)
        self._slots = [Slot(self._queue, starts, starting, deliver) for _ in range(self._workers)]
        starting = partial(Child, self._memory)
        self._slots += [Lane(self._queue, starts, starting, deliver) for _ in range(self._lanes)]
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

    def forecasts(self) -> dict[Lease, Forecast]:
        """Return how the circuit is run that each child has, of those that have said so."""
        return dict(found for slot in self._slots if (found := slot.forecast()))

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
                    raise closed()
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


def _error(fault: Fault) -> CircuitError:
    return CircuitError(fault.code, fault.message, line=fault.line, column=fault.column)
