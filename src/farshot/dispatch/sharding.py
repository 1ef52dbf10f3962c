"""Cutting a job into shards."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import repeat
from typing import TYPE_CHECKING, NamedTuple

from farshot.submission import ShardCut

if TYPE_CHECKING:
    from collections.abc import Sequence

    from farshot.model import Observables, ShotGroup, TemplateSource
    from farshot.submission import Batch


MAX_SHARD_CIRCUITS = 500
MAX_SHARD_BYTES = 2**20
_MAX_SHARD_SECONDS = 1.0
_WORTHWHILE_SECONDS = 0.05
_SHARDS_PER_WORKER = 4

_QUBITS = re.compile(r"\b(?:qreg\s+\w+|qubit)\s*\[\s*(\d{1,4})\s*\]")
_SHORT_HEAD = 96
_LONG_HEAD = 2048
_MAX_QUBITS = 26
_CLIFFORD = -1
"""Stands for the number of qubits of a circuit without a state vector."""
_MAX_DOUBLINGS = 20
_CIRCUIT_SECONDS = 4e-5
_SLOW_SIMULATOR = "aer"
_SLOW_CIRCUIT_SECONDS = 4e-3
_CHARACTER_SECONDS = 5e-8
_AMPLITUDE_SECONDS = 1e-11
_SAMPLE_SECONDS = 1e-7
_TERM_SECONDS = 2e-6
_TERM_AMPLITUDE_SECONDS = 4e-9
_MAX_TERM_SECONDS = 3e-4
"""Seconds that the amplitudes may add to a term."""


class Demand(NamedTuple):
    """The work asked of one circuit: a number of shots or of terms, and the target."""

    shots: int = 0
    terms: int = 0
    target: str = ""


_ONE_SHOT = Demand(1)


def estimate(source: str, demand: Demand = _ONE_SHOT) -> float:
    """Return a guess of the seconds that a circuit takes: from its length, its registers, the demand, and the number of
    conditions and resets in it, each of which may double the work.

    The guess takes a few searches and no parsing. It decides how a job is cut and what its owner is charged until the
    circuit has run. A wide circuit without angles is taken for a Clifford circuit, whose cost does not double with
    every qubit.

    >>> estimate("qreg q[20];" + "h q[0];" * 100) > 10 * estimate("qreg q[4];" + "h q[0];" * 100)
    True
    >>> estimate("qreg q[4];h q[0];", Demand(terms=200_000)) > 0.1
    True
    """
    qubits = _count_qubits(source)
    if qubits > _MAX_QUBITS:
        qubits = _MAX_QUBITS if "(" in source else _CLIFFORD
    qubits = _equivalent_qubits(qubits, demand.target.partition(":")[2])
    fixed, per_character = _rates(qubits, _count_doublings(source), demand)
    return fixed + per_character * len(source)


def _equivalent_qubits(qubits: int, method: str) -> int:
    """Return the width of the state vector that takes as long as the method does.

    >>> [_equivalent_qubits(8, method) for method in ("density_matrix", "statevector", "stabilizer")]
    [16, 8, -1]
    """
    if method == "stabilizer":
        return _CLIFFORD
    return min(2 * qubits, _MAX_QUBITS) if method == "density_matrix" and qubits != _CLIFFORD else qubits


@lru_cache(maxsize=1024)
def _rates(qubits: int, doublings: int, demand: Demand) -> tuple[float, float]:
    """Return the seconds that every such circuit takes, and those for each character of its text.

    The time to draw shots is bounded by the number of possible outcomes.
    """
    amplitudes = 0 if qubits == _CLIFFORD else 2**qubits
    branches = min(demand.shots, 2 ** min(_MAX_DOUBLINGS, doublings)) or 1
    term = _TERM_SECONDS + min(_MAX_TERM_SECONDS, _TERM_AMPLITUDE_SECONDS * amplitudes)
    outcome = _SAMPLE_SECONDS * min(demand.shots, amplitudes) + demand.terms * term
    is_slow = demand.target.partition(":")[0] == _SLOW_SIMULATOR
    fixed = (_SLOW_CIRCUIT_SECONDS if is_slow else _CIRCUIT_SECONDS) + outcome
    return fixed, _CHARACTER_SECONDS + _AMPLITUDE_SECONDS * amplitudes * branches


def _count_doublings(source: str) -> int:
    """Return how often "if" and "reset" are in a text. A letter is found ten times as fast as a word, and most circuits
    have no "f".
    """
    conditions = source.count("if") if "f" in source else 0
    return conditions + (source.count("reset") if "t" in source else 0)


def _count_qubits(source: str) -> int:
    """Return how many qubits a text declares. Behind its head registers are searched for only if the letters of "qreg"
    or "qubit" are there, and the words themselves.
    """
    angle = source.find("(", 0, _SHORT_HEAD)
    end = _SHORT_HEAD if angle < 0 else angle
    registers, qubits = _cached_declarations(source[:end])
    no_letters = source.find("g", end) < 0 and source.find("b", end) < 0
    if registers and (no_letters or registers == source.count("qreg") + source.count("qubit")):
        return qubits
    return (_cached_declarations if len(source) <= _LONG_HEAD else _declarations)(source)[1]


def _declarations(text: str) -> tuple[int, int]:
    """Return how many registers and how many qubits are declared."""
    sizes = _QUBITS.findall(text)
    return len(sizes), sum(map(int, sizes))


_cached_declarations = lru_cache(maxsize=256)(_declarations)
"""The same for short texts; most circuits of a batch begin alike."""


def cut(batch: Batch, workers: int) -> list[ShardCut]:
    """Return the shards of a job, in order, each with the seconds that it is guessed to take.

    Up to four shards of about equal work for each worker keep all of them busy to the end. There are fewer, but one for
    each worker, if they would be too short to be worth their records. No shard is guessed to take more than a second or
    has more than `MAX_SHARD_CIRCUITS` and `MAX_SHARD_BYTES`, unless one circuit alone does.
    """
    spec = batch.spec
    if spec.observables:
        demands = _term_demands(spec.observables, len(batch.sources), spec.target)
    else:
        demands = sampled(spec.shots.groups if spec.shots else (), spec.target)
    return cut_sources(spec.template, batch.sources, workers, demands)


def cut_sources(
    template: TemplateSource | None,
    sources: Sequence[str] | Sequence[bytes],
    workers: int,
    demands: Demand | Sequence[Demand],
) -> list[ShardCut]:
    """Return the shards of some circuits of a job, as `cut` does; a single demand is that of each circuit. Rows of a
    template with the same demand take equally long.
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


def sampled(groups: Sequence[ShotGroup], target: str) -> Demand | list[Demand]:
    """Return the demands of circuits that are sampled, or the one that is the same for all."""
    if len(groups) == 1:
        return Demand(groups[0].shots, target=target)
    return [Demand(group.shots, target=target) for group in groups for _ in range(group.start, group.end)]


def _term_demands(observables: Observables, circuits: int, target: str) -> Demand | list[Demand]:
    every = Demand(terms=sum(map(len, observables.groups)), target=target)
    if not observables.ranges:
        return every
    demands = [every] * circuits
    for chosen in observables.ranges:
        own = Demand(terms=len(observables.groups[chosen.group]), target=target)
        demands[chosen.start : chosen.end] = [own] * (chosen.end - chosen.start)
    return demands


def divide(costs: Sequence[float], sizes: Sequence[int], workers: int) -> list[ShardCut]:
    """Return the shards of circuits that take `costs` seconds and have `sizes` characters or bytes.

    >>> [(shard.start, shard.end) for shard in divide([0.1] * 10, [7] * 10, 1)]
    [(0, 3), (3, 6), (6, 9), (9, 10)]
    """
    max_cost = min(_MAX_SHARD_SECONDS, _shard_seconds(sum(costs) / workers))
    shards, start, cost, size = [], 0, 0.0, 0
    for position, length in enumerate(sizes):
        if position > start and (
            cost >= max_cost or size + length > MAX_SHARD_BYTES or position - start == MAX_SHARD_CIRCUITS
        ):
            shards.append(ShardCut(start, position, cost))
            start, cost, size = position, 0.0, 0
        cost += costs[position]
        size += length
    return [*shards, ShardCut(start, len(sizes), cost)]


def _shard_seconds(seconds: float) -> float:
    """Return the seconds of one shard of a worker's share of a job, which takes `seconds` in all.

    >>> _shard_seconds(0.02), _shard_seconds(0.09), _shard_seconds(4.0)
    (0.02, 0.045, 1.0)
    """
    return seconds / min(_SHARDS_PER_WORKER, max(1, round(seconds / _WORTHWHILE_SECONDS)))
