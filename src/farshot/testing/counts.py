"""Pearson's test of counts against an exact distribution, without a statistics library."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["SIGNIFICANCE", "MismatchError", "check_counts", "check_form", "p_value", "upper_gamma"]

SIGNIFICANCE = 1e-6
"""Counts that are less probable than this are considered wrong."""

_MIN_EXPECTED = 5.0
_MIN_PROBABILITY = 1e-12
"""Less probable outcomes are considered impossible."""
_PRECISION = 1e-15
_TINY = 1e-300


class MismatchError(AssertionError):
    """The result of a simulator is not that of the circuit."""


def check_counts(counts: Mapping[str, int], distribution: Mapping[str, float], shots: int) -> None:
    """Raise `MismatchError` unless `counts` are `shots` draws from `distribution`.

    >>> check_counts({"00": 507, "11": 493}, {"00": 0.5, "11": 0.5}, 1000)
    >>> check_counts({"00": 600, "11": 400}, {"00": 0.5, "11": 0.5}, 1000)
    Traceback (most recent call last):
        ...
    farshot.testing.counts.MismatchError: the counts fit the distribution with p = 2.5e-10 only
    """
    check_form(counts, len(next(iter(distribution))), shots)
    _raise_first(_misfits(counts, distribution, shots))


def check_form(counts: Mapping[str, int], width: int, shots: int) -> None:
    """Raise `MismatchError` unless keys have `width` bits and counts are positive ints that sum to `shots`."""
    _raise_first(_malformations(counts, width, shots))


def _raise_first(problems: Iterator[str]) -> None:
    problem = next(problems, None)
    if problem is not None:
        raise MismatchError(problem)


def _malformations(counts: Mapping[str, int], width: int, shots: int) -> Iterator[str]:
    for key, count in counts.items():
        if len(key) != width or set(key) - {"0", "1"}:
            yield f"the key {key!r} is not {width} bits"
        if type(count) is not int or count <= 0:
            yield f"the count of {key!r} is {count!r}, not a positive int"
    if sum(counts.values()) != shots:
        yield f"the counts sum to {sum(counts.values())}, not to {shots}"


def _misfits(counts: Mapping[str, int], distribution: Mapping[str, float], shots: int) -> Iterator[str]:
    for key, count in counts.items():
        if distribution.get(key, 0.0) < _MIN_PROBABILITY:
            yield f"impossible outcome {key!r} ({count} times)"
    fit = p_value(counts, distribution, shots)
    if not fit > SIGNIFICANCE:
        yield f"the counts fit the distribution with p = {fit:.2g} only"


def p_value(counts: Mapping[str, int], distribution: Mapping[str, float], shots: int) -> float:
    """Return the probability of a fit at least this bad. Outcomes expected less than five times share a cell."""
    cells = _cells(counts, distribution, shots)
    if len(cells) < 2:
        return 1.0
    statistic = sum((observed - expected) ** 2 / expected for observed, expected in cells)
    return upper_gamma((len(cells) - 1) / 2, statistic / 2)


def _cells(counts: Mapping[str, int], distribution: Mapping[str, float], shots: int) -> list[tuple[float, float]]:
    """Return the observed and the expected count of each cell."""
    cells = []
    observed, expected = 0.0, 0.0
    for key, probability in sorted(distribution.items(), key=lambda item: item[1]):
        observed += counts.get(key, 0)
        expected += probability * shots
        if expected >= _MIN_EXPECTED:
            cells.append((observed, expected))
            observed, expected = 0.0, 0.0
    return cells


def upper_gamma(a: float, x: float) -> float:
    """Return the regularised upper incomplete gamma function Q(a, x).

    >>> round(upper_gamma(0.5, 1.9207294103), 6)
    0.05
    """
    if x <= 0:
        return 1.0
    scale = math.exp(a * math.log(x) - x - math.lgamma(a))
    return 1 - scale * _series(a, x) if x < a + 1 else scale * _fraction(a, x)


def _series(a: float, x: float) -> float:
    term = total = 1 / a
    while abs(term) > _PRECISION * abs(total):
        a += 1
        term *= x / a
        total += term
    return total


def _fraction(a: float, x: float) -> float:
    """Evaluate the continued fraction by Lentz's method."""
    b = x + 1 - a
    c, d = 1 / _TINY, 1 / b
    total, step = d, 0
    change = 0.0
    while abs(change - 1) > _PRECISION:
        step += 1
        factor = -step * (step - a)
        b += 2
        d = 1 / (factor * d + b or _TINY)
        c = factor / c + b or _TINY
        change = c * d
        total *= change
    return total
