"""What a program submits, in pieces that are a job each: a mapping of texts, or a template with its rows.

Known by its attributes, so that nothing of Divi is needed: a parametric circuit of Divi has a text, the names of its
parameters and labelled rows, and one without parameters is a text under a label.
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
"""A definition of a gate, whose own parameters are not those of the circuit."""


@dataclass(frozen=True, slots=True)
class Parametric:
    """One text, the names of its parameters, and its rows: a label and as many numbers each."""

    source: str
    names: tuple[str, ...]
    rows: tuple[tuple[str, tuple[float, ...]], ...]


def parametric(payload: Any) -> Parametric:  # noqa: ANN401 -- two versions of Divi have a type each
    """Return what a `CircuitPayload` or a `TemplateEntry` holds."""
    source = payload.circuit if hasattr(payload, "circuit") else payload.template_qasm
    rows = tuple((label, tuple(map(float, values))) for label, values in payload.parameter_sets)
    return Parametric(source, tuple(payload.parameter_names), rows)


def pieces_of(circuits: Sequence[Parametric]) -> list[Piece]:
    """Return the pieces, in order: neighbours of one text, and neighbours without parameters, go together.

    Raises `BatchError` where a circuit has no rows, or a label comes twice.

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
            _check_row(label, values, circuit)
            if label in labels:
                message = f"the label {label!r:.80} comes twice"
                raise BatchError(message)
            labels.add(label)


def _check_row(label: str, values: tuple[float, ...], circuit: Parametric) -> None:
    if len(values) != len(circuit.names):
        message = f"row {label!r:.80} has {len(values)} numbers for {len(circuit.names)} parameters"
        raise BatchError(message)


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
