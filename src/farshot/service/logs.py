"""Log lines: one for each event, as JSON for programs or as text for people; no input of a user can break one.

Any module may log with `extra={"fields": {"event": NAME, ...}}`: those fields are then the whole line, behind time and
level. A record without them becomes the event `log` with its message. Strings are cut, control characters escaped, and
the secret part of anything that looks like a token is removed.
"""

from __future__ import annotations

import json
import logging
import math
import re
import sys
import time
import traceback
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

    from farshot.model import JobRecord

    Plain: TypeAlias = str | int | float | None


LogFormat: TypeAlias = Literal["text", "json"]

_log = logging.getLogger("farshot.service")

_MAX_FIELD = 500
"""Characters of a field, whose beginning is kept."""
_MAX_TEXT = 8000
"""Characters of a traceback or a message, whose end is kept, for it says most."""
_SECRET = re.compile(r"(farshot_[0-9a-f]{12})_[A-Za-z0-9_-]+")


def configure_logs(form: LogFormat = "text", level: int = logging.INFO) -> None:
    """Log to standard error: Farshot from `level` up, other libraries from warnings up.

    This replaces any earlier configuration: for a process that is a service and nothing else.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if form == "json" else TextLines())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(max(level, logging.WARNING))
    logging.getLogger("farshot").setLevel(level)
    logging.captureWarnings(capture=True)


def log_event(logger: logging.Logger, level: int, event: str, **fields: object) -> None:
    """Log that `event` happened; fields that are None are left out."""
    known = {name: value for name, value in fields.items() if value is not None}
    logger.log(level, event, extra={"fields": {"event": event, **known}})


def log_accepted(record: JobRecord) -> None:
    """Log that a job was accepted."""
    log_event(_log, logging.INFO, "job-accepted", circuits=record.circuits, **_identify(record))


def log_ended(record: JobRecord) -> None:
    """Log how a job ended; `run_time` is the total of simulation seconds over its circuits."""
    log_event(
        _log,
        logging.INFO,
        "job-ended",
        status=record.status.value,
        circuits=record.circuits,
        done=record.done,
        failed=record.failed,
        seconds=record.finished_at and round((record.finished_at - record.created_at).total_seconds(), 3),
        run_time=round(record.run_time, 3),
        fault=record.fault and record.fault.message,
        **_identify(record),
    )


def _identify(record: JobRecord) -> dict[str, object]:
    return {"job": record.id, "owner": record.owner, "target": record.target, "tag": record.tag}


class JsonLines(logging.Formatter):
    """Formats a record as one line: a JSON object in ASCII."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        return json.dumps(_read_fields(record), separators=(",", ":")).replace("\x7f", r"\u007f")


class TextLines(logging.Formatter):
    """Formats a record as time, level, event and NAME=VALUE for each field; ambiguous values are in quotes."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        fields = _read_fields(record)
        head = f"{fields.pop('time')} {fields.pop('level'):<8} {_quote(fields.pop('event'))}"
        return " ".join([head, *(f"{name}={_quote(value)}" for name, value in fields.items())])


def _quote(value: Plain) -> str:
    text = str(value)
    if text and text.isprintable() and not set(text) & set(' "=\\'):
        return text
    return '"' + "".join(map(_escape, text)) + '"'


def _escape(character: str) -> str:
    if character in {'"', "\\"}:
        return "\\" + character
    return character if character.isprintable() else character.encode("unicode_escape").decode("ascii")


def _read_fields(record: logging.LogRecord) -> dict[str, Plain]:
    """Return the fields of a record as short plain values, time and level first."""
    moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
    fields: dict[str, Plain] = {"time": moment.replace("+00:00", "Z"), "level": record.levelname}
    given: Mapping[str, object] | None = getattr(record, "fields", None)
    if given is None:
        fields |= {"event": "log", "logger": record.name, "message": _shorten_text(record.getMessage())}
    else:
        fields |= {name: _simplify(value) for name, value in given.items()}
    if record.exc_info and record.exc_info[1]:
        fields["exception"] = _shorten_text("".join(traceback.format_exception(record.exc_info[1])))
    return fields


def _simplify(value: object) -> Plain:
    if value is None or isinstance(value, int):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    text = _SECRET.sub(r"\1_…", str(value))
    return text if len(text) <= _MAX_FIELD else f"{text[:_MAX_FIELD]}… ({len(text):,} characters)"


def _shorten_text(given: str) -> str:
    text = _SECRET.sub(r"\1_…", given.strip())
    return text if len(text) <= _MAX_TEXT else f"…{text[-_MAX_TEXT:]}"


class ThrottledLog:
    """Logs an event that may happen thousands of times a second: at most once a minute, with its number of times."""

    def __init__(self, logger: logging.Logger, level: int, event: str, seconds: float = 60.0) -> None:
        """Log `event` at most every `seconds`."""
        self._logger, self._level, self._event, self._seconds = logger, level, event, seconds
        self._times = 0
        self._quiet_until = 0.0

    def add(self, **fields: object) -> None:
        """Count the event, and log it with `fields` unless it was logged lately."""
        self._times += 1
        now = time.monotonic()
        if now >= self._quiet_until:
            log_event(self._logger, self._level, self._event, times=self._times, **fields)
            self._times, self._quiet_until = 0, now + self._seconds
