"""How a job is cut into shards."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import repeat
from typing import TYPE_CHECKING, NamedTuple

from farshot.submission import ShardCut

if TYPE_CHECKING:
    from collections.abc import Sequence

    from farshot.model import JobSpec, Observables, ShotGroup, TemplateSource
    from farshot.submission import Batch


MAX_SHARD_CIRCUITS = 500
MAX_SHARD_BYTES = 2**20
_MAX_SECONDS = 1.0
_WORTH_SECONDS = 0.05
_SHARDS_PER_WORKER = 4

_QUBITS = re.compile(r"\b(?:qreg\s+\w+|qubit)\s*\[\s*(\d{1,4})\s*\]")
_SHORT_HEAD = 96
_LONG_HEAD = 2048
_WIDEST = 26
_CLIFFORD = -1
_MOST_BRANCHES = 20
_PER_CIRCUIT = 4e-5
_SLOW = "aer"
_PER_SLOW_CIRCUIT = 4e-3
_PER_CHARACTER = 5e-8
_PER_AMPLITUDE = 1e-11
_PER_SAMPLE = 1e-7
_PER_TERM = 2e-6
_PER_TERM_AND_AMPLITUDE = 4e-9
_PER_TERM_AT_MOST = 3e-4


class Demand(NamedTuple):
    """What is asked of one circuit: so many shots, or the values of so many terms, and of which target."""

    shots: int = 0
    terms: int = 0
    target: str = ""


_ONE_SHOT = Demand(1)


def estimate(source: str, demand: Demand = _ONE_SHOT) -> float:
    """Guess the seconds that a circuit takes: from its length and its registers, from what is asked of it, and from
    how often the words for conditions and resets are in it, each of which may double what is simulated.

    A guess by a few searches, made before anything is parsed: it decides how a job is cut and what its owner is charged
    before the truth is known. What is wide and has no angles is taken for a Clifford circuit, whose cost does not
    double with every qubit.

    >>> estimate("qreg q[20];" + "h q[0];" * 100) > 10 * estimate("qreg q[4];" + "h q[0];" * 100)
    True
    >>> estimate("qreg q[4];h q[0];", Demand(terms=200_000)) > 0.1
    True
    """
    qubits = _qubits(source)
    if qubits > _WIDEST:
        qubits = _WIDEST if "(" in source else _CLIFFORD
    qubits = _kept(qubits, demand.target.partition(":")[2])
    fixed, per_character = _rates(qubits, _doublings(source), demand)
    return fixed + per_character * len(source)


def _kept(qubits: int, method: str) -> int:
    """Return how many qubits a state vector has that takes as long as the method does; none where it keeps no vector.

    >>> _kept(8, "density_matrix"), _kept(8, "statevector"), _kept(8, "stabilizer") == _CLIFFORD
    (16, 8, True)
    """
    if method == "stabilizer":
        return _CLIFFORD
    return min(2 * qubits, _WIDEST) if method == "density_matrix" and qubits != _CLIFFORD else qubits


@lru_cache(maxsize=1024)
def _rates(qubits: int, doublings: int, demand: Demand) -> tuple[float, float]:
    """Return the seconds that every such circuit takes, and those for each character of its text.

    Drawing shots takes no longer than there are outcomes to tell apart.
    """
    amplitudes = 0 if qubits == _CLIFFORD else 2**qubits
    branches = min(demand.shots, 2 ** min(_MOST_BRANCHES, doublings)) or 1
    term = _PER_TERM + min(_PER_TERM_AT_MOST, _PER_TERM_AND_AMPLITUDE * amplitudes)
    asked = _PER_SAMPLE * min(demand.shots, amplitudes) + demand.terms * term
    every = _PER_CIRCUIT if demand.target.partition(":")[0] != _SLOW else _PER_SLOW_CIRCUIT
    return every + asked, _PER_CHARACTER + _PER_AMPLITUDE * amplitudes * branches


def _doublings(source: str) -> int:
    """Return how often the words for conditions and resets are in a text. A letter is found ten times as fast as a
    word, and most circuits have no "f".
    """
    conditions = source.count("if") if "f" in source else 0
    return conditions + (source.count("reset") if "t" in source else 0)


def _qubits(source: str) -> int:
    """Return how many qubits a text declares; registers behind its head are looked for where the words for them are,
    or their letters.
    """
    angle = source.find("(", 0, _SHORT_HEAD)
    end = _SHORT_HEAD if angle < 0 else angle
    found = _declared(source[:end])
    no_letters = source.find("g", end) < 0 and source.find("b", end) < 0
    if found.registers and (no_letters or found.registers == source.count("qreg") + source.count("qubit")):
        return found.qubits
    return (_declared(source[:_LONG_HEAD]) if len(source) <= _LONG_HEAD else _declared_anywhere(source)).qubits


class _Declared(NamedTuple):
    """How many registers and qubits are declared."""

    registers: int
    qubits: int


@lru_cache(maxsize=256)
def _declared(head: str) -> _Declared:
    """Return what `head` declares; most circuits of a batch begin alike."""
    return _declared_anywhere(head)


def _declared_anywhere(text: str) -> _Declared:
    sizes = _QUBITS.findall(text)
    return _Declared(len(sizes), sum(map(int, sizes)))


def cut(batch: Batch, workers: int) -> list[ShardCut]:
    """Return the shards of a job, in order, each with the seconds that it is guessed to take.

    Up to four shards of about equal work for each worker keep all of them busy to the end; fewer where those would be
    too short to be worth their records, but one for each worker. No shard is guessed to take more than a second, and
    none is large, unless one circuit alone is.
    """
    return cut_sources(batch.spec.template, batch.sources, workers, _demands(batch.spec, len(batch.sources)))


def cut_sources(
    template: TemplateSource | None,
    sources: Sequence[str] | Sequence[bytes],
    workers: int,
    demands: Demand | Sequence[Demand],
) -> list[ShardCut]:
    """Return the shards of some circuits of a job, as `cut`; one demand is that of each. The rows of a template take
    equally long where as much is asked of them.
    """
    every = repeat(demands) if isinstance(demands, Demand) else demands
    if template is None:
        costs = [estimate(str(source), demand) for source, demand in zip(sources, every, strict=False)]
    elif isinstance(demands, Demand):
        costs = [estimate(template.text, demands)] * len(sources)
    else:
        of_demand = {demand: estimate(template.text, demand) for demand in set(demands)}
        costs = [of_demand[demand] for demand in demands]
    return divide(costs, [len(source) for source in sources], workers)


def _demands(spec: JobSpec, circuits: int) -> Demand | list[Demand]:
    """Return what is asked of each circuit; one demand, where it is the same for all."""
    if spec.observables:
        return _terms(spec.observables, circuits, spec.target)
    return sampled(spec.shots.groups if spec.shots else (), spec.target)


def sampled(groups: Sequence[ShotGroup], target: str) -> Demand | list[Demand]:
    """Return what is asked of circuits that are sampled; one demand, where it is the same for all."""
    if len(groups) == 1:
        return Demand(groups[0].shots, target=target)
    return [Demand(group.shots, target=target) for group in groups for _ in range(group.start, group.end)]


def _terms(observables: Observables, circuits: int, target: str) -> Demand | list[Demand]:
    every = Demand(terms=sum(map(len, observables.groups)), target=target)
    if not observables.ranges:
        return every
    demands = [every] * circuits
    for chosen in observables.ranges:
        own = Demand(terms=len(observables.groups[chosen.group]), target=target)
        demands[chosen.start : chosen.end] = [own] * (chosen.end - chosen.start)
    return demands


def divide(costs: Sequence[float], sizes: Sequence[int], workers: int) -> list[ShardCut]:
    """Return the shards of circuits that take `costs` seconds and are `sizes` characters or bytes long.

    >>> [(shard.start, shard.end) for shard in divide([0.1] * 10, [7] * 10, 1)]
    [(0, 3), (3, 6), (6, 9), (9, 10)]
    """
    most = min(_MAX_SECONDS, _share(sum(costs) / workers))
    shards, start, cost, size = [], 0, 0.0, 0
    for position, length in enumerate(sizes):
        if position > start and (
            cost >= most or size + length > MAX_SHARD_BYTES or position - start == MAX_SHARD_CIRCUITS
        ):
            shards.append(ShardCut(start, position, cost))
            start, cost, size = position, 0.0, 0
        cost += costs[position]
        size += length
    return [*shards, ShardCut(start, len(sizes), cost)]


def _share(seconds: float) -> float:
    """Return what one shard takes of a worker's part of a job, which takes so many seconds.

    >>> _share(0.02), _share(0.09), _share(4.0)
    (0.02, 0.045, 1.0)
    """
    return seconds / min(_SHARDS_PER_WORKER, max(1, round(seconds / _WORTH_SECONDS)))
