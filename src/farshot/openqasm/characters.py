"""The characters that a text may have, checked before it is read."""

from __future__ import annotations

import re

from farshot.openqasm.refusal import reject

_MARK = "\ufeff"
_PLAIN = bytes([9, 10, *range(32, 127)])
_STRANGE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\ud800-\udfff]|\r(?!\n)")


def without_mark(source: str) -> str:
    """Return `source` without its byte order mark."""
    return source.removeprefix(_MARK)


def check_characters(text: str) -> None:
    """Refuse characters that parsers read differently: control characters, lone CR, unpaired surrogates."""
    if text.isascii() and not text.encode("ascii").translate(None, _PLAIN):
        return
    strange = _STRANGE.search(text.replace("\r\n", " \n"))
    if strange is not None:
        reject(_explain(text, strange[0]), strange.start())


def _explain(text: str, found: str) -> str:
    if found == "\r":
        return "a carriage return stands alone here: end lines with LF or CR LF"
    if text.count("\0") * 3 > len(text) or text.startswith(("\udcff\udcfe", "\udcfe\udcff")):
        return "the text looks like UTF-16: save it as UTF-8"
    if "\ud800" <= found <= "\udfff":
        return "the text is not valid Unicode here: save it as UTF-8"
    return f"the control character U+{ord(found):04X} is not allowed: remove it"
