"""The contract of an executor, as a test suite for your own executor."""

from __future__ import annotations

import queue
import time
from contextlib import closing
from typing import TYPE_CHECKING

import msgspec
import pytest

from farshot.model import CircuitResult, Counts, Fault, JobSpec, Lease, ResultSlice, Shard, ShotGroup, ShotPlan
from farshot.protocols import Lost, Spared

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from farshot.protocols import Executor, ExecutorEvent

BELL = 'OPENQASM 2.0;\ninclude "qelib1.inc";\nqreg q[2];\ncreg c[2];\nh q[0];\ncx q[0],q[1];\nmeasure q -> c;\n'
WRONG = "OPENQASM 2.0;\nqreg q[1];\nnonsense q[0];\n"
_SHOTS = 100
_MAX_WAIT_SECONDS = 120.0
_QUIET_SECONDS = 1.0
_decode = msgspec.msgpack.Decoder(list[CircuitResult]).decode


class ExecutorSuite:
    """Tests of the contract of an executor. Subclass it and define the fixture `executor`."""

    @pytest.fixture
    def executor(self) -> Executor:
        """Return an executor that is not open yet and has at least one worker."""
        raise NotImplementedError

    @pytest.fixture
    def events(self, executor: Executor) -> Iterator[queue.SimpleQueue[ExecutorEvent]]:
        """Open the executor and yield the queue of its events; close it at the end."""
        found: queue.SimpleQueue[ExecutorEvent] = queue.SimpleQueue()
        with closing(executor):
            executor.open(found.put)
            yield found

    def test_it_says_how_many_shards_it_takes(self, executor: Executor) -> None:
        """A dispatcher never starts more shards than the capacity."""
        assert 0 <= executor.reserve < executor.capacity

    def test_every_circuit_of_a_shard_has_one_outcome(
        self, executor: Executor, events: queue.SimpleQueue[ExecutorEvent]
    ) -> None:
        """Slices arrive in order of position, the last one is marked, and a faulty circuit affects no others."""
        shard = make_shard([BELL, WRONG, BELL])
        executor.start(shard)
        outcomes = [result.outcome for result in _results_of(shard, events)]
        assert [type(outcome) for outcome in outcomes] == [Counts, Fault, Counts]

    def test_the_same_shard_gives_the_same_counts(
        self, executor: Executor, events: queue.SimpleQueue[ExecutorEvent]
    ) -> None:
        """The seed of a circuit depends on the seed of the job and the label, not on the attempt or earlier shards."""
        found = []
        for attempt in (1, 2):
            shard = make_shard([BELL, BELL], attempt=attempt)
            executor.start(shard)
            found.append([result.outcome for result in _results_of(shard, events)])
        assert found[0] == found[1]

    def test_it_takes_as_many_shards_as_it_says(
        self, executor: Executor, events: queue.SimpleQueue[ExecutorEvent]
    ) -> None:
        shards = [make_shard([BELL], number=number) for number in range(executor.capacity)]
        for shard in shards:
            executor.start(shard)
        ended: set[Lease] = set()
        while len(ended) < len(shards):
            event = events.get(timeout=_MAX_WAIT_SECONDS)
            assert isinstance(event, ResultSlice)
            ended |= {event.lease} if event.last else set()
        assert ended == {shard.lease for shard in shards}

    def test_a_stopped_shard_runs_no_more(self, executor: Executor, events: queue.SimpleQueue[ExecutorEvent]) -> None:
        """A circuit that would run for minutes is killed, and its worker takes the next shard."""
        endless = make_shard([_make_endless()])
        executor.start(endless)
        _await_running(executor, endless.lease)
        executor.stop(endless.lease)
        after = make_shard([BELL], number=1)
        executor.start(after)
        assert len(_results_of(after, events, ignored=endless.lease)) == 1
        assert endless.lease not in executor.running()

    def test_a_spared_shard_leaves_the_rest_to_others(
        self, executor: Executor, events: queue.SimpleQueue[ExecutorEvent]
    ) -> None:
        """It ends with `Spared`, or with its last slice."""
        shard = make_shard([BELL] * 3)
        executor.start(shard)
        executor.spare(shard.lease)
        event = events.get(timeout=_MAX_WAIT_SECONDS)
        while not (isinstance(event, Spared) or (isinstance(event, ResultSlice) and event.last)):
            event = events.get(timeout=_MAX_WAIT_SECONDS)
        assert event.lease == shard.lease

    def test_texts_are_looked_at_away_from_the_shards(
        self, executor: Executor, events: queue.SimpleQueue[ExecutorEvent]
    ) -> None:
        """The error of each text, or None, is returned in order and gives the line. Nothing is run."""
        found = executor.inspect([BELL.encode(), WRONG.encode()], _spec(2))
        assert found[0] is None
        assert found[1] is not None
        assert found[1].line == 3
        with pytest.raises(queue.Empty):
            events.get_nowait()

    def test_nothing_is_told_once_it_is_closed(self, executor: Executor) -> None:
        """Running circuits are killed. The store gives the shards to others once their leases run out."""
        found: queue.SimpleQueue[ExecutorEvent] = queue.SimpleQueue()
        with closing(executor):
            executor.open(found.put)
            endless = make_shard([_make_endless()])
            executor.start(endless)
            _await_running(executor, endless.lease)
        while not found.empty():
            assert not isinstance(found.get(), ResultSlice)
        time.sleep(_QUIET_SECONDS)
        assert found.empty()


def make_shard(sources: Sequence[str], *, number: int = 0, attempt: int = 1) -> Shard:
    """Return shard `number` of a job, with these OpenQASM texts under the labels c0, c1, …, sampled 100 times each."""
    labels = tuple(f"c{position}" for position in range(len(sources)))
    lease = Lease("job", number, attempt, "suite")
    return Shard(lease, _spec(len(sources)), 0, labels, tuple(source.encode() for source in sources))


def _spec(circuits: int) -> JobSpec:
    return JobSpec("auto", seed=7, shots=ShotPlan((ShotGroup(0, circuits, _SHOTS),)))


def _results_of(
    shard: Shard, events: queue.SimpleQueue[ExecutorEvent], ignored: Lease | None = None
) -> list[CircuitResult]:
    """Return the results of a shard once all have arrived. Events of the lease `ignored` are skipped."""
    found: list[CircuitResult] = []
    while True:
        event = events.get(timeout=_MAX_WAIT_SECONDS)
        if isinstance(event, Lost | Spared | ResultSlice) and event.lease == ignored:
            continue
        assert isinstance(event, ResultSlice), event
        assert (event.lease, event.first) == (shard.lease, shard.first + len(found))
        found += _decode(event.results)
        if event.last:
            assert len(found) == len(shard.labels)
            return found


def _await_running(executor: Executor, lease: Lease) -> None:
    deadline = time.monotonic() + _MAX_WAIT_SECONDS
    while executor.running().get(lease, 0.0) <= 0.0:
        assert time.monotonic() < deadline, "the shard was never begun"
        time.sleep(0.01)


def _make_endless() -> str:
    """Return a circuit that takes any simulator minutes."""
    qubits = 24
    lines = [f'OPENQASM 2.0;\ninclude "qelib1.inc";\nqreg q[{qubits}];\ncreg c[{qubits}];']
    for layer in range(400):
        lines += [f"ry(0.{layer + 1}{qubit}) q[{qubit}];" for qubit in range(qubits)]
        lines += [f"cx q[{qubit}],q[{(qubit + 7) % qubits}];" for qubit in range(qubits)]
    return "\n".join([*lines, "measure q -> c;"])
