"""What is said twice: an object that has a member twice, of which a decoder would silently drop one.

A text with a dropped member holds more strings than what was decoded from it. Counting them is a few searches at the
speed of C, where a decoder with a hook for every object would be in Python for all of a large body.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from farshot.errors import WireError
from farshot.wire.documents import TemplateDocument
from farshot.wire.strings import count_strings

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import msgspec

    from farshot.wire.strings import Strings


_STRINGS_EACH = {"circuits": 2, "rows": 1, "circuit_ham_map": 0, "shot_groups": 0}
_ESCAPED = re.compile(rb"\\u0022")
"""The one way beside a backslash to have a quotation mark in a string."""


def check_doubles(data: bytes, strings: Strings, members: Mapping[str, msgspec.Raw], document: msgspec.Struct) -> None:
    """Refuse a body that has a member twice. It holds so many strings, has these members, and says `document`."""
    held = {name: _strings_held(name, raw, document) for name, raw in members.items()}
    expected = len(members) + sum(held.values())
    if strings.most == expected or _is_told_by_marks(data, strings, expected, members, document):
        return
    if count_strings(data) == expected:
        return
    twice = [name for name, count in held.items() if count_strings(bytes(members[name])) != count]
    message = f"{twice[0]} has a label or a member twice" if twice else "the body has a member twice"
    raise WireError(message)


def _is_told_by_marks(
    data: bytes, strings: Strings, expected: int, members: Iterable[str], document: msgspec.Struct
) -> bool:
    """Whether the quotation marks are two for each expected string and those that the strings themselves hold."""
    if strings.quotes is None:
        return False
    held = sum(_marks(getattr(document, name)) for name in members)
    return strings.quotes == 2 * expected + held and not _ESCAPED.search(data)


def _strings_held(name: str, raw: msgspec.Raw, document: msgspec.Struct) -> int:
    """Return how many strings a member holds that has nothing twice."""
    value = getattr(document, name)
    if value is None or isinstance(value, int | float):
        return 0
    if isinstance(value, str):
        return 1
    if isinstance(value, TemplateDocument):
        return 3 + len(value.parameters)
    if isinstance(value, dict | list) and name in _STRINGS_EACH:
        return _STRINGS_EACH[name] * len(value)
    return count_strings(bytes(raw))


def _marks(value: object) -> int:
    if isinstance(value, str):
        return value.count('"')
    if isinstance(value, TemplateDocument):
        return _marks(value.source) + _marks(value.parameters)
    if isinstance(value, dict):
        return sum(map(_marks, value)) + sum(map(_marks, value.values()))
    if isinstance(value, list) and value and isinstance(value[0], str):
        return sum(map(_marks, value))
    return 0
