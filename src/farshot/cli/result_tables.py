"""Tables of results: a row for each circuit, then the failed circuits and their reasons."""

from __future__ import annotations

import os
from contextlib import nullcontext
from itertools import islice
from typing import TYPE_CHECKING, Any

from rich.cells import set_cell_size
from rich.console import Console
from rich.table import Table
from rich.text import Text

from farshot.cli.cell_texts import bar, count_of, middle_cut, printable
from farshot.cli.data_output import place_text
from farshot.cli.result_rows import Layout, Line, Row, lay_out, row_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager


_Entry = dict[str, Any]

_GAP = "  "
_MAX_WIDTH = 132
_MAX_WARNINGS = 10
_ERROR_STYLE = "red"


def stdout() -> Console:
    """Return the console of stdout; no text is taken for markup."""
    return Console(markup=False, highlight=False, emoji=False)


def pager(console: Console, lines: int) -> AbstractContextManager[object]:
    """Return a context that shows its output by a pager if that has more lines than the terminal.

    The pager is the program that PAGER names, else `less` with colours and without clearing the screen.
    """
    if not console.is_terminal or lines < console.height:
        return nullcontext()
    os.environ.setdefault("LESS", "FRX")
    return console.pager(styles=True)


def show_results(console: Console, entries: Sequence[_Entry], *, job: str, limit: int | None) -> None:
    """Print results, failures and warnings, in this order; at most `limit` circuits of each."""
    done = [entry for entry in entries if "error" not in entry]
    failed = [entry for entry in entries if "error" in entry]
    if done:
        _show_done(console, done[:limit])
        _show_remainder(console, len(done[:limit]), len(done), "circuit", job)
    if failed:
        if done:
            console.print()
        show_failed(console, failed, job=job, limit=limit)
    _show_warnings(console, done)


def show_failed(console: Console, failed: Sequence[_Entry], *, job: str, limit: int | None) -> None:
    """Print the reasons of failed circuits, each reason once; at most `limit` reasons."""
    console.print(Text(f"{count_of(len(failed), 'circuit')} without a result", style="bold red"))
    shown = _show_reasons(console, failed, limit)
    _show_remainder(console, shown, len(failed), "failed circuit", job)


def _show_remainder(console: Console, shown: int, total: int, noun: str, job: str) -> None:
    if shown < total:
        console.print(Text(f"... and {count_of(total - shown, f'more {noun}')}: farshot results {job}", style="dim"))


def _show_done(console: Console, entries: Sequence[_Entry]) -> None:
    rows = [row_of(entry, len(entries)) for entry in entries]
    layout = lay_out(rows, min(console.width, _MAX_WIDTH))
    ascii_only = console.options.ascii_only
    lines = (line for row in rows for line in _row_lines(row, layout, ascii_only=ascii_only))
    for text in (_head_line(layout), *lines):
        console.print(text, no_wrap=True, overflow="crop")


def _head_line(layout: Layout) -> Text:
    name, value = ("outcome", "share") if layout.bits else ("term", "value")
    value = f"{value:>{layout.value}}"
    bits = f"{'bits':>{layout.bits}}"
    cells = (
        ("circuit", layout.label),
        (bits, layout.bits),
        (name, layout.name),
        ("", layout.bar),
        (value, layout.value),
        (f"{'time':>{layout.time}}", layout.time),
        ("simulator", layout.simulator),
    )
    return Text(_GAP.join(_fit(text, width) for text, width in cells if width).rstrip(), style="bold")


def _row_lines(row: Row, layout: Layout, *, ascii_only: bool) -> Iterator[Text]:
    for number, line in enumerate(row.lines or (Line("", ""),)):
        yield _row_line(row if number == 0 else None, line, layout, ascii_only=ascii_only)


def _row_line(row: Row | None, line: Line, layout: Layout, *, ascii_only: bool) -> Text:
    """Return one line of a row; `row` is given for its first line, which has the cells of the circuit."""
    style = "dim" if line.is_rest else ""
    drawn = bar(line.share, layout.bar, ascii_only=ascii_only) if line.share is not None and layout.bar else ""
    cells = [
        (row.label if row else "", layout.label, "bold cyan"),
        (f"{row.bits if row else '':>{layout.bits}}", layout.bits, ""),
        (line.name, layout.name, style),
        (drawn, layout.bar, style or "green"),
        (f"{line.value:>{layout.value}}", layout.value, style),
        (f"{row.time if row else '':>{layout.time}}", layout.time, "dim"),
        (_simulator_text(row, layout) if row else "", layout.simulator, "dim"),
    ]
    text = Text(_GAP).join(Text(_fit(content, width), style) for content, width, style in cells if width)
    text.rstrip()
    return text


def _simulator_text(row: Row, layout: Layout) -> str:
    return f"{row.simulator} {row.method}" if layout.has_method else row.simulator


def _fit(text: str, width: int) -> str:
    """Return `text` in exactly `width` cells, with an ellipsis if it was cut."""
    return set_cell_size(middle_cut(text, width), width)


def _show_reasons(console: Console, entries: Sequence[_Entry], limit: int | None) -> int:
    """Print each reason once, `limit` reasons at most; return the number of circuits that have them."""
    by_reason: dict[tuple[object, ...], list[_Entry]] = {}
    for entry in entries:
        by_reason.setdefault(tuple(entry["error"].values()), []).append(entry)
    groups = list(by_reason.values())[:limit]
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, style="bold cyan")
    table.add_column(no_wrap=True, style=_ERROR_STYLE)
    table.add_column(overflow="fold")
    for group in groups:
        error = group[0]["error"]
        table.add_row(Text(_labels_text(group, max(12, console.width // 3))), error["code"], _reason_text(error))
    console.print(table)
    return sum(len(group) for group in groups)


def _labels_text(entries: Sequence[_Entry], width: int) -> str:
    """Return the first label and the number of others."""
    more = f" +{len(entries) - 1:,} more" if len(entries) > 1 else ""
    return middle_cut(printable(entries[0]["label"]), width - len(more)) + more


def _reason_text(error: _Entry) -> Text:
    where = place_text(error)
    return Text.assemble((f"{where}: " if where else "", "bold"), printable(error["message"]))


def _show_warnings(console: Console, entries: Sequence[_Entry]) -> None:
    """Print each warning once, with the circuits that it is about."""
    groups: dict[str, list[_Entry]] = {}
    for entry in entries:
        for warning in entry["metadata"].get("warnings", ()):
            groups.setdefault(warning, []).append(entry)
    for warning, group in islice(groups.items(), _MAX_WARNINGS):
        labels = _labels_text(group, max(12, console.width // 3))
        console.print(Text.assemble(("note ", "bold yellow"), f"{labels}: {printable(warning)}"))
