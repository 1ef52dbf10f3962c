"""Rows of a table of results: pure functions from entries to rows, and from rows to widths of columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from farshot.cli.cell_texts import printable, seconds_text, share_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


_MAX_LINES = 4
_MAX_TERM_LINES = 40
_GAP_WIDTH = 2
_BITS_WIDTH = 4
_MIN_SHARE_WIDTH = 5
_TIME_WIDTH = 7
_MIN_LABEL_WIDTH, _MAX_LABEL_WIDTH = 7, 40
_MIN_NAME_WIDTH, _MAX_NAME_WIDTH = 7, 64
_MIN_BAR_WIDTH, _MAX_BAR_WIDTH = 6, 40
_MIN_SIMULATOR_WIDTH, _MAX_SIMULATOR_WIDTH = 9, 24
_MIN_WIDTH_FOR_SIMULATOR, _MIN_WIDTH_FOR_METHOD = 70, 96


@dataclass(frozen=True, slots=True)
class Line:
    """One outcome or one term of a circuit."""

    name: str
    value: str
    share: float | None = None
    is_rest: bool = False
    """True for the line that sums up those not shown."""


@dataclass(frozen=True, slots=True)
class Row:
    """The cells of one circuit."""

    label: str
    bits: str
    lines: tuple[Line, ...]
    time: str
    simulator: str
    method: str


@dataclass(frozen=True, slots=True)
class Layout:
    """The widths of columns in cells; 0 leaves one out."""

    label: int
    bits: int
    name: int
    bar: int
    value: int
    time: int
    simulator: int
    has_method: bool = False
    """True if the method stands beside the simulator."""


def lines_each(circuits: int, *, counted: bool = True) -> int:
    """Return the number of lines of each of so many circuits: many circuits are an overview.

    Terms were asked for one by one, so they get more lines than outcomes.

    >>> [lines_each(count) for count in (1, 12, 13, 30, 31)]
    [4, 4, 2, 2, 1]
    >>> [lines_each(count, counted=False) for count in (1, 4, 12)]
    [40, 10, 4]
    """
    if not counted:
        return max(lines_each(circuits), _MAX_TERM_LINES // circuits)
    if circuits <= 12:
        return _MAX_LINES
    return 2 if circuits <= 30 else 1


def row_of(entry: Mapping[str, Any], circuits: int) -> Row:
    """Return the row of an entry that has results, in a table of `circuits` circuits."""
    results, metadata = entry["results"], entry["metadata"]
    counted = metadata["shots"] is not None
    max_lines = lines_each(circuits, counted=counted)
    return Row(
        label=printable(entry["label"]),
        bits=str(len(next(iter(results), ""))) if counted else "",
        lines=_outcome_lines(results, max_lines) if counted else _term_lines(results, max_lines),
        time=seconds_text(metadata["seconds"]),
        simulator=metadata["simulator"],
        method=_method_text(metadata),
    )


def _method_text(metadata: Mapping[str, Any]) -> str:
    if metadata["exact"]:
        return str(metadata["method"])
    fidelity = metadata.get("fidelity")
    return f"{metadata['method']} approximate" + (f" {fidelity:.3f}" if fidelity is not None else "")


def _outcome_lines(counts: Mapping[str, int], max_lines: int) -> tuple[Line, ...]:
    """Return the most frequent outcomes; if they do not fit, a last line has the share of all others."""
    total = sum(counts.values()) or 1
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    shown = ranked if len(ranked) <= max_lines else ranked[: max(1, max_lines - 1)]
    lines = [Line(name, share_text(count / total), count / total) for name, count in shown]
    if len(ranked) > len(shown) and max_lines > 1:
        share = sum(count for _, count in ranked[len(shown) :]) / total
        lines.append(Line(_rest_name(len(ranked) - len(shown)), share_text(share), share, is_rest=True))
    return tuple(lines)


def _term_lines(values: Mapping[str, float], max_lines: int) -> tuple[Line, ...]:
    items = list(values.items())
    shown = items if len(items) <= max_lines else items[: max(1, max_lines - 1)]
    lines = [Line(term, f"{round(value, 6) + 0.0:+.6f}") for term, value in shown]
    if len(items) > len(shown) and max_lines > 1:
        lines.append(Line(_rest_name(len(items) - len(shown)), "", is_rest=True))
    return tuple(lines)


def _rest_name(count: int) -> str:
    return f"+{count:,} more"


def lay_out(rows: Sequence[Row], width: int) -> Layout:
    """Return the widths of the columns of a table that is at most `width` cells wide."""
    from rich.cells import cell_len

    lines = [line for row in rows for line in row.lines]
    bits = _BITS_WIDTH if any(row.bits for row in rows) else 0
    value = max([_MIN_SHARE_WIDTH, *(len(line.value) for line in lines)])
    simulator = _simulator_width(rows, width)
    counted = any(line.share is not None for line in lines)
    free = width - sum(column + _GAP_WIDTH for column in (bits, value, _TIME_WIDTH, simulator) if column) - _GAP_WIDTH
    free -= _GAP_WIDTH + _MIN_BAR_WIDTH if counted else 0
    wanted = max([_MIN_NAME_WIDTH, *(len(line.name) for line in lines)])
    label = _between(
        _MIN_LABEL_WIDTH,
        max(cell_len(row.label) for row in rows),
        min(_MAX_LABEL_WIDTH, max(free * 11 // 20, free - wanted - _MIN_BAR_WIDTH + 2)),
    )
    name = _between(_MIN_NAME_WIDTH, wanted, min(_MAX_NAME_WIDTH, free - label))
    bar = min(_MAX_BAR_WIDTH, _MIN_BAR_WIDTH + free - label - name) if counted else 0
    return Layout(
        label=label,
        bits=bits,
        name=name,
        bar=bar if bar >= _MIN_BAR_WIDTH else 0,
        value=value,
        time=_TIME_WIDTH,
        simulator=simulator,
        has_method=width >= _MIN_WIDTH_FOR_METHOD,
    )


def _simulator_width(rows: Sequence[Row], width: int) -> int:
    if width < _MIN_WIDTH_FOR_SIMULATOR:
        return 0
    names = [f"{row.simulator} {row.method}" if width >= _MIN_WIDTH_FOR_METHOD else row.simulator for row in rows]
    return _between(_MIN_SIMULATOR_WIDTH, max(len(name) for name in names), _MAX_SIMULATOR_WIDTH)


def _between(minimum: int, wanted: int, maximum: int) -> int:
    return max(minimum, min(wanted, maximum))
