"""Times, sizes and whole numbers as people write them."""

from __future__ import annotations

import math
import re
from decimal import Decimal

_UNITS = {
    1: ("s", "sec", "secs", "second", "seconds"),
    60: ("m", "min", "mins", "minute", "minutes"),
    3600: ("h", "hr", "hrs", "hour", "hours"),
    86400: ("d", "day", "days"),
    604800: ("w", "wk", "week", "weeks"),
}
_TIMES = {name: seconds for seconds, names in _UNITS.items() for name in names}
_SIZES = {"b": 1, "kib": 2**10, "mib": 2**20, "gib": 2**30, "tib": 2**40}
_SIZE_UNITS = {"KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
_AMOUNT_AND_UNIT = re.compile(r"(\d{1,15}(?:\.\d{1,15})?)\s*([a-z]+)")
_WHOLE = re.compile(r"[+-]?\d+(?:_\d+)*(?:\.\d+)?(?:[eE]\+?\d{1,3})?")
_MAX_DIGITS = 40


class Seconds(float):
    """A time in seconds, more than 0."""

    __slots__ = ()

    @classmethod
    def read(cls, value: object) -> Seconds:
        """Return the time of a number of seconds, or of a text as `90s`, `5m`, `20 min`, `2h`, `30d` or `4w`.

        >>> Seconds.read("1.5h"), Seconds.read("20min"), Seconds.read(10)
        (5400.0, 1200.0, 10.0)
        """
        return cls(_read_amount(value, _TIMES, "a time is seconds, or text as in 90s, 5m, 2h or 30d"))

    def __str__(self) -> str:
        """Return the text in the largest unit that leaves no rest.

        >>> str(Seconds(5400)), str(Seconds(0.5))
        ('90m', '0.5s')
        """
        unit = next((unit for unit in ("d", "h", "m") if self % _TIMES[unit] == 0), "s")
        return f"{self / _TIMES[unit]:g}{unit}"


class Size(int):
    """A number of bytes, at least one."""

    __slots__ = ()

    @classmethod
    def read(cls, value: object) -> Size:
        """Return the size of a number of bytes, or of a text as `512MiB` or `4GiB`.

        >>> Size.read("2KiB"), Size.read(10)
        (2048, 10)
        """
        return cls(_read_amount(value, _SIZES, "a size is bytes, or text as in 512MiB or 4GiB"))

    def __str__(self) -> str:
        """Return the text in the largest unit that leaves no rest.

        >>> str(Size(16 * 2**20)), str(Size(1000))
        ('16MiB', '1000B')
        """
        units = [(unit, size) for unit, size in _SIZE_UNITS.items() if self % size == 0]
        unit, size = units[-1] if units else ("B", 1)
        return f"{self // size}{unit}"


def whole_number(text: str) -> int:
    """Return the whole number in a text, also as in `1e6` or `1_000_000`; raises `ValueError`.

    >>> whole_number("1e6"), whole_number("2.5e3"), whole_number("1_000")
    (1000000, 2500, 1000)
    """
    found = text.strip()
    if len(found) <= _MAX_DIGITS and _WHOLE.fullmatch(found):
        number = Decimal(found.replace("_", ""))
        if number == number.to_integral_value():
            return int(number)
    message = f"a whole number is needed, as in 1000 or 1e6; not {text!r:.80}"
    raise ValueError(message)


def _read_amount(value: object, units: dict[str, int], advice: str) -> float:
    found = _parse_amount(value, units)
    if found is None or not math.isfinite(found) or found <= 0:
        message = f"{advice}; not {value!r:.80}"
        raise ValueError(message)
    return found


def _parse_amount(value: object, units: dict[str, int]) -> float | None:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    if not isinstance(value, str):
        return None
    text = value.strip().lower()
    if re.fullmatch(r"\d{1,15}(\.\d{1,15})?", text):
        return float(text)
    found = _AMOUNT_AND_UNIT.fullmatch(text)
    return float(found[1]) * units[found[2]] if found and found[2] in units else None
