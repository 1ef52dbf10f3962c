"""Short texts for one cell of a table: pure functions of the values they show."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import accumulate

from rich.cells import cell_len

_EIGHTHS = " ▏▎▍▌▋▊▉"
_ID_CHARACTERS = 8


def printable(text: str) -> str:
    r"""Return `text` on one line, with control and invisible characters written as escapes.

    >>> printable("a\x1b[31m\n")
    'a\\x1b[31m\\n'
    """
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
        for character in text
    )


def middle_cut(text: str, width: int) -> str:
    """Return `text` in at most `width` cells of a terminal: both ends stay.

    >>> middle_cut("0000111100001111", 9), middle_cut("量子回路", 5)
    ('0000…1111', '量…路')
    """
    if cell_len(text) <= width:
        return text
    tail = (width - 1) // 2
    return f"{_beginning(text, width - 1 - tail)}…{_beginning(text[::-1], tail)[::-1]}"


def _beginning(text: str, width: int) -> str:
    """Return the longest beginning of `text` that fits into `width` cells."""
    ends = accumulate(cell_len(character) for character in text)
    return text[: sum(end <= width for end in ends)]


def bar(share: float, width: int, *, ascii_only: bool = False) -> str:
    """Return a bar of `width` cells of which `share` are filled.

    >>> bar(0.5, 4), bar(0.28, 4), bar(0.5, 4, ascii_only=True)
    ('██  ', '█▏  ', '##  ')
    """
    if ascii_only:
        return ("#" * round(share * width)).ljust(width)
    full, rest = divmod(round(share * width * 8), 8)
    filled = "█" * full + (_EIGHTHS[rest] if rest else "")
    return filled.ljust(width)


def share_text(share: float) -> str:
    """Return a share in percent. Only a share of 0 is shown as zero, and only one of 1 as all.

    >>> share_text(0.507), share_text(1.0), share_text(0.0001)
    ('50.7%', '100%', '<0.1%')
    """
    if share == 1:
        return "100%"
    return "<0.1%" if 0 < share < 0.0005 else f"{min(share, 0.999):.1%}"


def seconds_text(seconds: float) -> str:
    """Return a duration in the unit that suits it.

    >>> [seconds_text(value) for value in (0.00042, 0.0123, 3.21, 75, 7260)]
    ['0.4 ms', '12 ms', '3.2 s', '1m 15s', '2h 1m']
    """
    if seconds < 0.9995:
        return f"{seconds * 1000:.{0 if seconds >= 0.00995 else 1}f} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}m {rest}s"
    return f"{minutes // 60}h {minutes % 60}m"


def ago(moment: datetime, now: datetime | None = None) -> str:
    """Return how long ago `moment` was.

    >>> ago(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 3, tzinfo=UTC))
    '2 d ago'
    """
    seconds = max(0.0, ((now or datetime.now(UTC)) - moment).total_seconds())
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds // size:.0f} {unit} ago"
    return f"{seconds:.0f} s ago"


def bytes_text(size: int) -> str:
    """Return a size of memory or disk in MiB or GiB.

    >>> bytes_text(23_500_000_000)
    '21.9 GiB'
    """
    return f"{size / 2**30:.1f} GiB" if size >= 2**29 else f"{size / 2**20:.0f} MiB"


def count_of(number: int, noun: str) -> str:
    """Return a number with its noun.

    >>> count_of(1, "circuit"), count_of(1200, "circuit")
    ('1 circuit', '1,200 circuits')
    """
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def short_id(job_id: str) -> str:
    """Return as much of a job's id as people type."""
    return job_id[:_ID_CHARACTERS]
