"""`Template`: one parametric circuit and its rows, in place of a mapping of circuits."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import SupportsFloat

from farshot.errors import BatchError
from farshot.labels import (
    MAX_LABEL_LENGTH,
    MAX_SOURCE_BYTES,
    check_label,
    check_number,
    has_surrogate,
    plain,
    reject,
    reject_type,
    shown,
)
from farshot.model import TemplateSource
from farshot.templates.parameters import is_name
from farshot.templates.rows import clash, rows_of

_FLOAT_BYTES = 8
_MAX_SHOWN = 8
"""Names of parameters in a message."""
_FLOATS = frozenset({float})
_PLAIN = frozenset({list, tuple})


@dataclass(frozen=True, slots=True)
class Template:
    """One parametric circuit and its rows, each a circuit with its own label. It is submitted in place of a mapping.

    Nothing is checked before the template is submitted or bound.

    >>> template = Template("qubit q; rz(-2*β[0]) q;", ["β[0]"], {"one": [0.25], "two": [1e-07]})
    >>> template.bind("one")
    'qubit q; rz(-0.5) q;'
    """

    source: str
    """OpenQASM 2 or 3, in which the arguments of gates may be formulas of parameters, such as
    `rz(2*β[0]+pi/2) q[0];`.
    """
    parameter_names: Sequence[str]
    """The names of the parameters: a word each, or a word with indices such as `w_0[10]`. The text declares none of
    them, or declares them as `input float` or `input angle` in OpenQASM 3. It need not use all of them. A name that
    the text declares as something else or that OpenQASM defines is an error.
    """
    rows: Mapping[str, Sequence[float]]
    """Labels and, for each, as many numbers as there are names, in their order."""

    def bind(self, label: str) -> str:
        """Return the OpenQASM of one row, as it is run.

        An argument of numbers and parameters only is evaluated and written as `repr` writes a float; in other formulas
        each parameter is replaced by its number in parentheses.

        Raises `BatchError` (a `ValueError`) if the template or the row is wrong, `CircuitError`, with line and
        column in `source`, if a formula has no finite value.
        """
        template = check_source(self)
        rows = _check_mapping(self.rows)
        if label not in rows:
            reject(f"the template has no row {label!r:.80}")
        return rows_of(template).text(_pack(label, rows[label], template.names))


def check_source(template: Template) -> TemplateSource:
    """Return the text and the names, or raise `BatchError` or `OptionError`."""
    checked = check_names(template.source, template.parameter_names)
    message = clash(template.source, checked.names)
    if message is not None:
        raise BatchError(message)
    return checked


def check_names(source: object, names: object) -> TemplateSource:
    """Return the text, of which only the size is checked, and the names, all words; raises as `check_source`."""
    template = check_parameters(source, names)
    for name in template.names:
        if not is_name(name):
            reject(
                f"the name of a parameter must be a word, or a word with indices such as 'w_0[10]', not {name!r:.80}"
            )
    return template


def check_parameters(source: object, names: object) -> TemplateSource:
    """Return the text, of which only the size is checked, and the names, which may be any text; raises as above."""
    if not isinstance(source, str):
        reject_type(f"the source of a template must be OpenQASM text, not {type(source).__name__}")
    if len(source) > MAX_SOURCE_BYTES:
        reject(f"the source of the template has {len(source):,} characters; the limit is {MAX_SOURCE_BYTES:,}")
    return TemplateSource(source.encode("utf-8", "surrogatepass"), _check_parameter_names(names))


def _check_parameter_names(names: object) -> tuple[str, ...]:
    if isinstance(names, str | bytes) or not isinstance(names, Sequence):
        reject_type(f"parameter_names must be a sequence of names, not {type(names).__name__}")
    seen: set[str] = set()
    for name in names:
        if not isinstance(name, str):
            reject_type(f"the name of a parameter must be text, not {type(name).__name__}: {shown(name, 80)}")
        if not 0 < len(name) <= MAX_LABEL_LENGTH or has_surrogate(name):
            limit = f"1 to {MAX_LABEL_LENGTH:,} characters of valid text"
            reject(f"the name of a parameter must have {limit}: {name!r:.80}")
        if name in seen:
            reject(f"parameter_names has {name!r:.80} twice")
        seen.add(name)
    if len(names) * _FLOAT_BYTES > MAX_SOURCE_BYTES:
        reject(f"the template has {len(names):,} parameters; the limit is {MAX_SOURCE_BYTES // _FLOAT_BYTES:,}")
    return tuple(map(plain, names))


def check_rows(template: Template) -> tuple[list[str], list[bytes]]:
    """Return the labels and the packed rows, or raise `BatchError` or `OptionError`, which names the label."""
    rows = _check_mapping(template.rows)
    check_number(rows)
    for label in rows:
        check_label(label)
    names = tuple(template.parameter_names)
    return [plain(label) for label in rows], [_pack(label, row, names) for label, row in rows.items()]


def _check_mapping(rows: object) -> Mapping[str, object]:
    if not isinstance(rows, Mapping):
        reject_type(f"the rows of a template must be a mapping of label to numbers, not {type(rows).__name__}")
    return rows


def _list_names(names: Sequence[str]) -> str:
    """Return the first names as text, and the number of the others.

    >>> _list_names(["a", "b"]), _list_names(list("abcdefghij"))[-14:]
    ("'a', 'b'", "'h' and 2 more")
    """
    text = ", ".join(f"{name!r:.40}" for name in names[:_MAX_SHOWN])
    return f"{text} and {len(names) - _MAX_SHOWN} more" if len(names) > _MAX_SHOWN else text


def _pack(label: str, row: object, names: Sequence[str]) -> bytes:
    """Return a row as little-endian float64."""
    values = _check_row(label, row)
    if len(values) != len(names):
        reject(f"row {label!r:.80} has {len(values)} numbers for {len(names)} parameters: {_list_names(names)}")
    try:
        return struct.pack(f"<{len(names)}d", *values)
    except (OverflowError, struct.error):
        message = f"row {label!r:.80} holds a number beyond what a float holds"
        raise BatchError(message) from None


def unpacked(row: bytes) -> tuple[float, ...]:
    """Return the numbers of a packed row.

    >>> unpacked(struct.pack("<2d", 0.5, 1.0))
    (0.5, 1.0)
    """
    return struct.unpack(f"<{len(row) // _FLOAT_BYTES}d", row)


def _check_row(label: str, row: object) -> Sequence[SupportsFloat]:
    values: Sequence[SupportsFloat] = row if type(row) in _PLAIN else _as_list(label, row)  # type: ignore[assignment]
    if _FLOATS.issuperset(map(type, values)):
        return values
    for value in values:
        if not _is_number(value):
            reject_type(f"row {label!r:.80} must hold numbers, not {shown(value)}")
    return values


def _as_list(label: str, row: object) -> list[SupportsFloat]:
    sized = hasattr(row, "__len__") and hasattr(row, "__getitem__") and hasattr(row, "__iter__")
    if isinstance(row, str | bytes | Mapping) or not sized:
        reject_type(f"row {label!r:.80} must be a sequence of numbers, not {type(row).__name__}")
    return list(row)  # type: ignore[call-overload,no-any-return]  # its methods were checked


def _is_number(value: object) -> bool:
    """Return whether `value` is one real number; a bool, NumPy's too, is none."""
    is_bool = type(value).__name__.startswith("bool")
    return isinstance(value, SupportsFloat) and not is_bool and not hasattr(value, "__len__")
