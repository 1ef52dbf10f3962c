"""The circuits of a program, divided into pieces that are a job each: a mapping of texts, or a template with its rows.

This module does not import Divi and knows its circuits by their attributes: a parametric circuit of Divi has a text,
the names of its parameters and labelled rows, and one without parameters is a text under a label.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from farshot.errors import BatchError
from farshot.templates.names import renamed, words_for
from farshot.templates.parameters import is_name
from farshot.templates.rows import clash
from farshot.templates.template import Template

if TYPE_CHECKING:
    from collections.abc import Sequence


Piece = dict[str, str] | Template

_GATE = re.compile(r"\bgate\b")
"""A gate definition, whose own parameters are not those of the circuit."""


@dataclass(frozen=True, slots=True)
class Parametric:
    """One text, the names of its parameters, and its rows: each a label and a number for every parameter."""

    source: str
    names: tuple[str, ...]
    rows: tuple[tuple[str, tuple[float, ...]], ...]


def parametric(payload: Any) -> Parametric:  # noqa: ANN401 -- two versions of Divi have a type each
    """Return the contents of a `CircuitPayload` or a `TemplateEntry`."""
    source = payload.circuit if hasattr(payload, "circuit") else payload.template_qasm
    rows = tuple((label, tuple(map(float, values))) for label, values in payload.parameter_sets)
    return Parametric(source, tuple(payload.parameter_names), rows)


def pieces_of(circuits: Sequence[Parametric]) -> list[Piece]:
    """Return the pieces in order: neighbours of one text form a piece, and so do neighbours without parameters.

    Raises `BatchError` if a circuit has no rows, a row has a wrong number of values, or a label comes twice.

    >>> bound, rows = Parametric("a", (), (("one", ()),)), Parametric("rx(x)", ("x",), (("two", (0.5,)),))
    >>> pieces_of([bound, rows])
    [{'one': 'a'}, Template(source='rx(x)', parameter_names=('x',), rows={'two': (0.5,)})]
    """
    _check(circuits)
    groups = groupby(circuits, key=lambda circuit: (circuit.names, circuit.names and circuit.source))
    return [_piece(list(group)) for _, group in groups]


def _check(circuits: Sequence[Parametric]) -> None:
    labels: set[str] = set()
    for circuit in circuits:
        if not circuit.rows:
            message = "a parametric circuit has no rows"
            raise BatchError(message)
        for label, values in circuit.rows:
            if len(values) != len(circuit.names):
                message = f"row {label!r:.80} has {len(values)} numbers for {len(circuit.names)} parameters"
                raise BatchError(message)
            if label in labels:
                message = f"the label {label!r:.80} comes twice"
                raise BatchError(message)
            labels.add(label)


def _piece(group: list[Parametric]) -> Piece:
    names = group[0].names
    if not names:
        return {label: circuit.source for circuit in group for label, _ in circuit.rows}
    rows = {label: values for circuit in group for label, values in circuit.rows}
    source = group[0].source
    if all(map(is_name, names)) and (clash(source, names) is None or "pi" in names or _GATE.search(source)):
        return Template(source, names, rows)
    others = words_for(names, source)
    return Template(renamed(source, others), tuple(others.values()), rows)
