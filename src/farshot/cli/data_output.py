"""Output for programs: JSON and CSV on stdout, nothing beside it."""

from __future__ import annotations

import csv
import json
import sys
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from farshot.backends.estimates import Outlook
    from farshot.model import JobRecord


_Entry = dict[str, Any]


def write_json(value: object) -> None:
    """Write one JSON document on one line; ASCII, so that no terminal or pipe can spoil it."""
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


def write_csv(entries: Sequence[_Entry]) -> None:
    """Write the rows of `csv_rows` on stdout."""
    csv.writer(sys.stdout, lineterminator="\n").writerows(csv_rows(entries))
    sys.stdout.flush()


def csv_rows(entries: Sequence[_Entry]) -> Iterator[tuple[object, ...]]:
    """Yield a header and a row for every outcome or term; a failed circuit has one row, its error in the last column.

    >>> list(csv_rows([{"label": "bell", "results": {"00": 7}}]))
    [('label', 'outcome', 'count', 'error'), ('bell', '00', 7, '')]
    """
    has_values = any(isinstance(value, float) for entry in entries for value in entry.get("results", {}).values())
    yield ("label", "term", "value", "error") if has_values else ("label", "outcome", "count", "error")
    for entry in entries:
        if "error" in entry:
            yield entry["label"], "", "", error_line(entry["error"])
        else:
            yield from ((entry["label"], name, value, "") for name, value in entry["results"].items())


def error_line(error: _Entry) -> str:
    """Return a fault on one line.

    >>> error_line({"code": "parse", "message": "unexpected ;", "line": 3, "column": None})
    'parse: line 3: unexpected ;'
    """
    parts = [error["code"], place_text(error), error["message"]]
    return ": ".join(part for part in parts if part)


def place_text(error: _Entry) -> str:
    """Return the line and column of a fault, or an empty text.

    >>> place_text({"line": 3, "column": 7})
    'line 3, column 7'
    """
    if error["line"] is None:
        return ""
    return f"line {error['line']}" if error["column"] is None else f"line {error['line']}, column {error['column']}"


def job_facts(record: JobRecord) -> dict[str, Any]:
    """Return the JSON members of a job."""
    return {
        "job_id": record.id,
        "owner": record.owner,
        "status": record.status.value,
        "circuits": record.circuits,
        "done": record.done,
        "failed": record.failed,
        "tag": record.tag,
        "target": record.target,
        "created_at": record.created_at.isoformat(),
        "finished_at": record.finished_at and record.finished_at.isoformat(),
        "run_time": record.run_time,
        "error": record.fault and {"code": record.fault.code.value, "message": record.fault.message},
    }


def json_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of a job for JSON. The seed is a text, for a reader may round a number beyond 2^53.

    >>> json_options({"target": "auto", "seed": 7})
    {'target': 'auto', 'seed': '7'}
    """
    return {**options, "seed": str(options["seed"])}


def worker_facts(record: JobRecord, *, is_attended: bool) -> dict[str, Any]:
    """Return the JSON member that is true if a job waits for a worker that nobody has started."""
    return {"waits_for_worker": not (is_attended or record.status.is_terminal)}


def outlook_facts(outlook: Outlook) -> dict[str, Any]:
    """Return the JSON members on the jobs before a job, its time left in seconds and its forecasts."""
    seconds = outlook.seconds
    return {
        "jobs_ahead": outlook.jobs_ahead,
        "remaining": None if seconds is None else {"seconds": seconds, "low": outlook.low, "high": outlook.high},
        "running": [msgspec.structs.asdict(forecast) for forecast in outlook.running],
    }
