"""The characters and the tokens of OpenQASM. Tokens are read one at a time, so that a long text costs no memory."""

from __future__ import annotations

import re
from typing import NoReturn

from farshot.openqasm.limits import MAX_DIGITS
from farshot.openqasm.refusal import reject, reject_limit, shown

_SPACE = r"(?:[ \t\r\n]++|//[^\n]*+|/\*(?s:.*?)\*/)*+"
_NUMBER = r"(?:[0-9][0-9_]*+(?:\.[0-9]*+)?+|\.[0-9]++)(?:[eE][+-]?[0-9]++)?+"
_UNIT = r"(?:dt|[nuµm]?s)\b"
_KINDS = {
    "name": r"[^\W\d]\w*+",
    "int": r"0[xX][0-9a-fA-F_]++(?!\w)|0[bB][01_]++(?!\w)|0o[0-7_]++(?!\w)|[0-9][0-9_]*+(?![\w.]|" + _UNIT + ")",
    "duration": _NUMBER + _UNIT,
    "real": _NUMBER + r"(?!\w)",
    "string": r""""[^"\n]*"|'[^'\n]*'""",
    "physical": r"\$[0-9]++",
    "sign": r"->|==|!=|<=|>=|&&|\|\||\*\*|\+\+|<<|>>|[-+*%]=|/=|/(?![*])|[-+*%^~!<>=(){}\[\],;:@.|&\#]",
}
_TOKEN = re.compile(rf"{_SPACE}(?:{'|'.join(f'(?P<{kind}>{pattern})' for kind, pattern in _KINDS.items())})")
_NUMBERLIKE = re.compile(r"[\w.]+")
_GAP = re.compile(_SPACE)
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


class Cursor:
    """A place in a text: `word` is the token there, `kind` its kind and `at` its offset; `previous` is the offset after
    the token before it.

    A kind is name, int, real, duration, string, physical, sign, or end after the last token.
    """

    __slots__ = ("at", "kind", "previous", "text", "word")

    def __init__(self, text: str, at: int = 0) -> None:
        """Move to the first token of `text` from `at` on."""
        self.text = text
        self.previous = at
        self.seek(at)

    def seek(self, at: int) -> None:
        """Move to the first token from offset `at` on."""
        token = _TOKEN.match(self.text, at)
        if token is None:
            self._end(at)
            return
        self.kind = kind = token.lastgroup or ""
        self.word = token[kind]
        self.at = token.start(kind)
        if len(self.word) > MAX_DIGITS:
            what = "number" if kind in {"int", "real"} else "word"
            reject_limit(f"this {what} has {len(self.word):,} characters; the limit is {MAX_DIGITS:,}", self.at)

    def _end(self, at: int) -> None:
        gap = _GAP.match(self.text, at)
        self.at = gap.end() if gap else at
        if self.at < len(self.text):
            _reject_unreadable(self.text, self.at)
        self.kind = "end"
        self.word = ""

    def advance(self) -> str:
        """Step over the token and return it."""
        word = self.word
        self.previous = self.at + len(word)
        self.seek(self.previous)
        return word

    def take(self, word: str) -> bool:
        """Step over the token if it is `word`; return whether it is."""
        if self.word != word:
            return False
        self.advance()
        return True

    def expect(self, word: str) -> None:
        """Step over the token, which must be `word`."""
        if self.word != word:
            self.reject(f"`{word}`")
        self.advance()

    def read_name(self, what: str) -> str:
        """Step over a name and return it; `what` is its description for the refusal of other tokens."""
        if self.kind != "name":
            self.reject(what)
        return self.advance()

    def reject(self, wanted: str) -> NoReturn:
        """Refuse the token because `wanted` is expected in its place."""
        if self.kind == "end":
            reject(f"expected {wanted}, but the text ends here", self.at)
        reject(f"expected {wanted}, found {shown(self.word)}", self.at)


def _reject_number(text: str, at: int) -> NoReturn:
    found = _NUMBERLIKE.match(text, at)
    word = shown(found[0]) if found else shown(text[at])
    if found and "_" in found[0] and "." in found[0]:
        reject(f"{word}: a number with a decimal point has no `_` here: leave it out", at)
    if found and found[0][-1].isalpha():
        reject(f"{word} is not a number; the units of durations are dt, ns, us, \N{MICRO SIGN}s, ms and s", at)
    reject(f"this is not a number: {word}", at)


def _reject_unreadable(text: str, at: int) -> NoReturn:
    if text.startswith("/*", at):
        reject("this comment never ends: `*/` is missing", at)
    if text[at] in "\"'":
        reject("this text in quotes does not end on its line: the closing quote is missing", at)
    if text[at] in "0123456789" or text[at] == ".":
        _reject_number(text, at)
    reject(f"the character {text[at]!a} has no meaning in OpenQASM", at)
