"""Log lines: one for each event, as JSON for programs or as text for people; nothing that a user sent can break one.

Any module may log with `extra={"fields": {"event": NAME, ...}}`: those fields are then the whole line, behind time and
level. What is logged without them becomes the event `log` with its message. Every string is cut, control
characters are escaped, and whatever looks like a token loses its secret part.
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

_MOST = 500
"""Characters of a string."""
_MOST_OF_STORY = 8000
"""Characters of an exception's story or of a message, whose end says most."""
_SECRET = re.compile(r"(farshot_[0-9a-f]{12})_[A-Za-z0-9_-]+")
_DELETE = "\x7f"


def configure_logs(form: LogFormat = "text", level: int = logging.INFO) -> None:
    """Write what Farshot logs from `level` up to standard error, and what others log or warn of from warnings up.

    It replaces what was configured before: for a process that is a service and nothing else.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if form == "json" else TextLines())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(max(level, logging.WARNING))
    logging.getLogger("farshot").setLevel(level)
    logging.captureWarnings(capture=True)


def tell(logger: logging.Logger, level: int, event: str, **fields: object) -> None:
    """Log that `event` happened; a field that is None is left out."""
    known = {name: value for name, value in fields.items() if value is not None}
    logger.log(level, event, extra={"fields": {"event": event, **known}})


def log_accepted(record: JobRecord) -> None:
    """Log that a job was accepted: from now on it is worked on."""
    tell(_log, logging.INFO, "job-accepted", circuits=record.circuits, **_names(record))


def log_ended(record: JobRecord) -> None:
    """Log how a job ended; `run_time` is the seconds of simulation over its circuits."""
    tell(
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
        **_names(record),
    )


def _names(record: JobRecord) -> dict[str, object]:
    return {"job": record.id, "owner": record.owner, "target": record.target, "tag": record.tag}


class JsonLines(logging.Formatter):
    """One JSON object a line, in ASCII."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line = json.dumps(_facts(record), separators=(",", ":"))
        return line.replace(_DELETE, r"\u007f")


class TextLines(logging.Formatter):
    """Time, level, event, and the fields as NAME=VALUE; a value that could be taken for several is in quotes."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        facts = _facts(record)
        head = f"{facts.pop('time')} {facts.pop('level'):<8} {_word(facts.pop('event'))}"
        return " ".join([head, *(f"{name}={_word(value)}" for name, value in facts.items())])


def _word(value: Plain) -> str:
    text = str(value)
    if text and text.isprintable() and not set(text) & set(' "=\\'):
        return text
    return '"' + "".join(map(_escape, text)) + '"'


def _escape(character: str) -> str:
    if character in {'"', "\\"}:
        return "\\" + character
    return character if character.isprintable() else character.encode("unicode_escape").decode("ascii")


def _facts(record: logging.LogRecord) -> dict[str, Plain]:
    """Return what is written of a record, all of it plain and short."""
    moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
    facts: dict[str, Plain] = {"time": moment.replace("+00:00", "Z"), "level": record.levelname}
    fields: Mapping[str, object] | None = getattr(record, "fields", None)
    if fields is None:
        facts |= {"event": "log", "logger": record.name, "message": _story(record.getMessage())}
    else:
        facts |= {name: _plain(value) for name, value in fields.items()}
    if record.exc_info and record.exc_info[1]:
        facts["exception"] = _story("".join(traceback.format_exception(record.exc_info[1])))
    return facts


def _plain(value: object) -> Plain:
    if value is None or isinstance(value, int):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    text = _without_secrets(str(value))
    return text if len(text) <= _MOST else f"{text[:_MOST]}… ({len(text):,} characters)"


def _story(given: str) -> str:
    text = _without_secrets(given.strip())
    return text if len(text) <= _MOST_OF_STORY else f"…{text[-_MOST_OF_STORY:]}"


def _without_secrets(text: str) -> str:
    return _SECRET.sub(r"\1_…", text)


class ThrottledLog:
    """Logs an event that may come thousands of times a second: at most once a minute, with how often it came."""

    def __init__(self, logger: logging.Logger, level: int, event: str, seconds: float = 60.0) -> None:
        """Log `event` at most every so many seconds."""
        self._logger, self._level, self._event, self._seconds = logger, level, event, seconds
        self._times = 0
        self._quiet_until = 0.0

    def tell(self, **fields: object) -> None:
        """Note that the event happened; `fields` are of the time that is logged."""
        self._times += 1
        now = time.monotonic()
        if now >= self._quiet_until:
            tell(self._logger, self._level, self._event, times=self._times, **fields)
            self._times, self._quiet_until = 0, now + self._seconds
