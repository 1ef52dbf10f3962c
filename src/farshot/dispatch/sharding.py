"""How a job is cut into shards."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from farshot.submission import ShardCut

if TYPE_CHECKING:
    from collections.abc import Sequence

    from farshot.model import TemplateSource
    from farshot.submission import Batch

__all__ = ["MAX_SHARD_BYTES", "MAX_SHARD_CIRCUITS", "cut", "cut_sources", "divide", "estimate"]

MAX_SHARD_CIRCUITS = 500
MAX_SHARD_BYTES = 2**20
_MAX_SECONDS = 1.0
_WORTH_SECONDS = 0.03
_SHARDS_PER_WORKER = 4

_QUBITS = re.compile(r"\b(?:qreg\s+\w+|qubit)\s*\[\s*(\d{1,4})\s*\]")
_SHORT_HEAD = 96
_LONG_HEAD = 2048
_WIDEST = 26
_PER_CIRCUIT = 4e-5
_PER_CHARACTER = 5e-8
_PER_AMPLITUDE = 1e-11


def estimate(source: str) -> float:
    """Guess the seconds that a circuit takes, from its length and the registers declared in its head.

    A guess from sizes, made before anything is parsed: it decides how a job is cut, and nothing else. What is
    wide and has no angles is taken for a Clifford circuit, whose cost does not double with every qubit.

    >>> estimate("qreg q[20];" + "h q[0];" * 100) > 10 * estimate("qreg q[4];" + "h q[0];" * 100)
    True
    """
    qubits = _declared(source[:_SHORT_HEAD]) or _declared(source[:_LONG_HEAD])
    amplitudes = 0 if qubits > _WIDEST and "(" not in source else 2 ** min(_WIDEST, qubits)
    return _PER_CIRCUIT + len(source) * (_PER_CHARACTER + _PER_AMPLITUDE * amplitudes)


@lru_cache(maxsize=256)
def _declared(head: str) -> int:
    """Return how many qubits `head` declares; most circuits of a batch begin alike."""
    return sum(map(int, _QUBITS.findall(head)))


def cut(batch: Batch, workers: int) -> list[ShardCut]:
    """Return the shards of a job, in order, each with the seconds that it is guessed to take.

    Up to four shards of about equal work for each worker keep all of them busy to the end; fewer where those would be
    too short to be worth their records, but one for each worker. No shard is guessed to take more than a second, and
    none is large, unless one circuit alone is.
    """
    return cut_sources(batch.spec.template, batch.sources, workers)


def cut_sources(
    template: TemplateSource | None, sources: Sequence[str] | Sequence[bytes], workers: int
) -> list[ShardCut]:
    """Return the shards of some circuits of a job, as `cut`; the rows of a template take equally long."""
    if template is None:
        costs = [estimate(str(source)) for source in sources]
    else:
        costs = [estimate(template.text)] * len(sources)
    return divide(costs, [len(source) for source in sources], workers)


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
    (0.02, 0.03, 1.0)
    """
    return seconds / min(_SHARDS_PER_WORKER, max(1, round(seconds / _WORTH_SECONDS)))
