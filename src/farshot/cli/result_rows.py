"""What a table shows of a result: pure functions from entries to rows, and from rows to widths of columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from farshot.cli.cell_texts import printable, seconds_text, share_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


MOST_LINES = 4
_TERM_LINES = 40
_GAPS = 2
_BITS = 4
_SHARE = 5
_TIME = 7
_LEAST_LABEL, _MOST_LABEL = 7, 40
_LEAST_NAME, _MOST_NAME = 7, 64
_LEAST_BAR, _MOST_BAR = 6, 40
_SIMULATOR_FROM, _METHOD_FROM = 70, 96


@dataclass(frozen=True, slots=True)
class Line:
    """One outcome or one term of a circuit. `rest` marks the line that sums up those not shown."""

    name: str
    value: str
    share: float | None = None
    rest: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One circuit."""

    label: str
    bits: str
    lines: tuple[Line, ...]
    time: str
    simulator: str
    method: str


@dataclass(frozen=True, slots=True)
class Layout:
    """Widths of columns; 0 leaves one out."""

    label: int
    bits: int
    name: int
    bar: int
    value: int
    time: int
    simulator: int
    method: bool = False


def lines_each(circuits: int, *, counted: bool = True) -> int:
    """Return how many lines a circuit gets: many circuits are an overview, few are looked at.

    Terms were asked for one by one, so they get more room than outcomes.

    >>> [lines_each(count) for count in (1, 12, 13, 30, 31)]
    [4, 4, 2, 2, 1]
    >>> [lines_each(count, counted=False) for count in (1, 4, 12)]
    [40, 10, 4]
    """
    if not counted:
        return max(lines_each(circuits), _TERM_LINES // circuits)
    if circuits <= 12:
        return MOST_LINES
    return 2 if circuits <= 30 else 1


def row_of(entry: Mapping[str, Any], circuits: int) -> Row:
    """Return the row of an entry that has results, in a table of so many circuits."""
    results, metadata = entry["results"], entry["metadata"]
    counted = metadata["shots"] is not None
    most_lines = lines_each(circuits, counted=counted)
    return Row(
        label=printable(entry["label"]),
        bits=str(len(next(iter(results), ""))) if counted else "",
        lines=_outcomes(results, most_lines) if counted else _terms(results, most_lines),
        time=seconds_text(metadata["seconds"]),
        simulator=metadata["simulator"],
        method=_method(metadata),
    )


def _method(metadata: Mapping[str, Any]) -> str:
    if metadata["exact"]:
        return str(metadata["method"])
    fidelity = metadata.get("fidelity")
    return f"{metadata['method']} approximate" + (f" {fidelity:.3f}" if fidelity is not None else "")


def _outcomes(counts: Mapping[str, int], most: int) -> tuple[Line, ...]:
    """Return the most frequent outcomes; where they do not fit, a last line has the share of all others."""
    total = sum(counts.values()) or 1
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    shown = ranked if len(ranked) <= most else ranked[: max(1, most - 1)]
    lines = [Line(name, share_text(count / total), count / total) for name, count in shown]
    if len(ranked) > len(shown) and most > 1:
        others = sum(count for _, count in ranked[len(shown) :])
        lines.append(Line(_others(len(ranked) - len(shown)), share_text(others / total), others / total, rest=True))
    return tuple(lines)


def _terms(values: Mapping[str, float], most: int) -> tuple[Line, ...]:
    items = list(values.items())
    shown = items if len(items) <= most else items[: max(1, most - 1)]
    lines = [Line(term, f"{round(value, 6) + 0.0:+.6f}") for term, value in shown]
    if len(items) > len(shown) and most > 1:
        lines.append(Line(_others(len(items) - len(shown)), "", rest=True))
    return tuple(lines)


def _others(count: int) -> str:
    return f"+{count:,} more"


def lay_out(rows: Sequence[Row], width: int) -> Layout:
    """Return widths that fill at most `width` cells."""
    from rich.cells import cell_len

    lines = [line for row in rows for line in row.lines]
    bits = _BITS if any(row.bits for row in rows) else 0
    value = max([_SHARE, *(len(line.value) for line in lines)])
    simulator = _simulator_width(rows, width)
    counted = any(line.share is not None for line in lines)
    free = width - sum(column + _GAPS for column in (bits, value, _TIME, simulator) if column) - _GAPS
    free -= _GAPS + _LEAST_BAR if counted else 0
    wanted = max([_LEAST_NAME, *(len(line.name) for line in lines)])
    label = _between(
        _LEAST_LABEL,
        max(cell_len(row.label) for row in rows),
        min(_MOST_LABEL, max(free * 11 // 20, free - wanted - _LEAST_BAR + 2)),
    )
    name = _between(_LEAST_NAME, wanted, min(_MOST_NAME, free - label))
    bar = min(_MOST_BAR, _LEAST_BAR + free - label - name) if counted else 0
    return Layout(
        label=label,
        bits=bits,
        name=name,
        bar=bar if bar >= _LEAST_BAR else 0,
        value=value,
        time=_TIME,
        simulator=simulator,
        method=width >= _METHOD_FROM,
    )


def _simulator_width(rows: Sequence[Row], width: int) -> int:
    if width < _SIMULATOR_FROM:
        return 0
    names = [f"{row.simulator} {row.method}" if width >= _METHOD_FROM else row.simulator for row in rows]
    return _between(9, max(len(name) for name in names), 24)


def _between(least: int, wanted: int, most: int) -> int:
    return max(least, min(wanted, most))
