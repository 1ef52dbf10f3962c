"""The refusal of a circuit: a fault and its offset in the text."""

from __future__ import annotations

from typing import NoReturn

from farshot.errors import CircuitError, FaultCode

_MAX_SHOWN = 40


class RefusalError(Exception):
    """The refusal of a circuit for the reason `code` and `message`, at the offset `at` in the text."""

    def __init__(self, code: FaultCode, message: str, at: int) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.at = at

    def placed(self, text: str) -> CircuitError:
        """Return the public error, with the line and column of the offset in `text`."""
        return CircuitError(self.code, self.message, line=line_of(text, self.at), column=column_of(text, self.at))


def line_of(text: str, at: int) -> int:
    """Return the line of the offset `at`, from 1."""
    return text.count("\n", 0, at) + 1


def column_of(text: str, at: int) -> int:
    """Return the column of the offset `at`, from 1."""
    return at - text.rfind("\n", 0, at)


def reject(message: str, at: int) -> NoReturn:
    """Refuse text that is not OpenQASM."""
    raise RefusalError(FaultCode.PARSE, message, at) from None


def reject_unsupported(message: str, at: int) -> NoReturn:
    """Refuse OpenQASM that no simulator gets right."""
    raise RefusalError(FaultCode.UNSUPPORTED, message, at) from None


def reject_limit(message: str, at: int) -> NoReturn:
    """Refuse a circuit that breaks a limit."""
    raise RefusalError(FaultCode.ADMISSION, message, at) from None


def shown(word: str) -> str:
    """Return `word` quoted for a message and cut to a readable length.

    >>> shown("cx")
    '`cx`'
    """
    return f"`{word}`" if len(word) <= _MAX_SHOWN else f"`{word[:_MAX_SHOWN]}...`"
