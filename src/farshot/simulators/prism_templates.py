"""Parsing each shape or template once. Variational programs send one circuit thousands of times with other angles.

prism-q binds angles into a parsed circuit many times faster than it parses. Binding is used only if it gives the same
circuit as parsing, which is checked with the second circuit of a shape.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from typing import TYPE_CHECKING, TypeVar

import msgspec
from prism_q import PrismError, parse_qasm

from farshot.simulators.lowered import MAX_TEMPLATE_CHARACTERS
from farshot.simulators.prism_circuits import BoundCircuit, ParsedCircuit, ParsedTemplate, slot_names
from farshot.simulators.prism_source import with_prelude

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prism_q import Circuit

    from farshot.openqasm.facts import Scan
    from farshot.openqasm.pattern import Pattern, Row
    from farshot.simulators.prism_circuits import Ready


K = TypeVar("K")
T = TypeVar("T")

_ANGLE = re.compile(r"\((-?[0-9]{1,3}(?:\.[0-9]{1,20})?(?:e-[0-9]{1,2})?)\)")
_MAX_SHAPES = 64


class Templates:
    """The parsed templates of the latest shapes. For one thread."""

    def __init__(self) -> None:
        self._new_shapes: OrderedDict[str, None] = OrderedDict()
        self._parsed: OrderedDict[str, ParsedTemplate | None] = OrderedDict()
        self._patterns: OrderedDict[Pattern, ParsedTemplate | None] = OrderedDict()

    def circuit(self, text: str, inputs_at: int) -> Ready:
        """Return the circuit that `parse_qasm` gives for `text`; declarations may be put at the offset `inputs_at`.

        The first circuit of a shape is parsed, the second makes the template, all later ones are bound.
        Raises `PrismError` as `parse_qasm` does.
        """
        if len(text) > MAX_TEMPLATE_CHARACTERS or "{" in text:
            return ParsedCircuit(parse_qasm(text))
        pieces = _ANGLE.split(text)
        shape = "()".join(pieces[::2])
        template = self._template(shape, text, inputs_at) if len(pieces) > 1 else None
        return BoundCircuit(template, _angles(pieces)) if template else ParsedCircuit(parse_qasm(text))

    def row(self, scan: Scan) -> BoundCircuit | None:
        """Return the circuit that parsing the text of a row without its measurements gives.

        None if the text is no row of a template, or has to be parsed.
        """
        row = scan.row
        if row is None or not row.regular or len(row.pattern.source) > MAX_TEMPLATE_CHARACTERS:
            return None
        pattern = row.pattern
        if pattern not in self._patterns:
            _put(self._patterns, pattern, _parse_rows(scan, row))
        template = self._patterns[pattern]
        return BoundCircuit(template, row.values) if template else None

    def _template(self, shape: str, text: str, inputs_at: int) -> ParsedTemplate | None:
        """Return the template of `shape`; None if the shape is new or has none."""
        if shape in self._parsed:
            self._parsed.move_to_end(shape)
            return self._parsed[shape]
        if shape not in self._new_shapes:
            _put(self._new_shapes, shape, None)
            return None
        del self._new_shapes[shape]
        template = _parse_shape(text, inputs_at)
        _put(self._parsed, shape, template)
        return template


def _put(held: OrderedDict[K, T], shape: K, value: T) -> None:
    held[shape] = value
    if len(held) > _MAX_SHAPES:
        held.popitem(last=False)


def _angles(pieces: list[str]) -> list[float]:
    return [float(number) for number in pieces[1::2]]


def _parse_shape(text: str, inputs_at: int) -> ParsedTemplate | None:
    """Return the template of the shape of `text`."""
    angles = _angles(_ANGLE.split(text))
    names = iter(slot_names(len(angles)))
    named = text[:inputs_at] + _ANGLE.sub(lambda _: f"({next(names)})", text[inputs_at:])
    return _checked(named, inputs_at, angles, text)


def _parse_rows(scan: Scan, row: Row) -> ParsedTemplate | None:
    """Return the template of the pattern of `row`."""
    named = row.pattern.fill(slot_names(len(row.values)))
    unbound = msgspec.structs.replace(scan, written=named, row=None)
    text = with_prelude(unbound, unbound.measures_from)
    return _checked(text, scan.include_at, row.values, with_prelude(scan, scan.measures_from))


def _checked(named: str, inputs_at: int, angles: Sequence[float], text: str) -> ParsedTemplate | None:
    """Return the template of the text `named`; None if binding `angles` gives another circuit than parsing `text`."""
    try:
        template = ParsedTemplate(named, inputs_at, len(angles))
        is_same = _content(template.bind(angles)) == _content(parse_qasm(text))
    except PrismError:  # prism-q binds whole angles of some gates only
        return None
    return template if is_same else None


def _content(circuit: Circuit) -> bytes:
    """Return the circuit as prism-q serializes it for a copy."""
    _, (content,) = circuit.__reduce__()
    return bytes(content)
