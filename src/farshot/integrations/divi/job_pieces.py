"""The circuits of a program, divided into pieces that are a job each: a mapping of texts, or a template with its rows.

Divi's circuits are known by their attributes, which its releases share: a parametric circuit has a text, the names of
its parameters and labelled rows, and one without parameters is a text under a label.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from farshot.errors import BatchError, OptionError
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


def pieces_from(circuits: Any) -> list[Piece]:  # noqa: ANN401 -- Divi's types
    """Return the circuits of a program in pieces that are a job each; raises `ValueError` or `TypeError`."""
    if not isinstance(circuits, str | bytes | Mapping) and any(map(_is_payload, circuits)):
        if not all(map(_is_payload, circuits)):
            message = "parametric circuits and texts cannot be mixed in one batch"
            raise OptionError(message)
        return pieces_of([parametric(payload) for payload in circuits])
    return check_not_empty([_by_label(circuits)])


def _is_payload(value: object) -> bool:
    return hasattr(value, "parameter_sets")


def check_not_empty(pieces: list[Piece]) -> list[Piece]:
    """Return the pieces; raises `BatchError` if there is no circuit in them."""
    if not any(pieces):
        message = "the batch is empty"
        raise BatchError(message)
    return pieces


def _by_label(circuits: Any) -> dict[str, str]:  # noqa: ANN401 -- Divi's types
    import divi.backends as divi_backends

    normalise = getattr(divi_backends, "normalise_circuit_batch", None)
    if normalise is not None:
        return dict(normalise(circuits))
    if isinstance(circuits, Mapping):
        return dict(circuits)
    message = f"circuits must be a mapping of label to OpenQASM text, not {type(circuits).__name__}"
    raise OptionError(message)


def check_options(options: Mapping[str, Any]) -> None:
    """Raise `BatchError` for options that templates do not support."""
    found = [name for name in ("circuit_ham_map", "shot_groups") if options.get(name) is not None]
    if found or "|" in (options.get("ham_ops") or ""):
        message = f"templates take one group of observables for all rows: {', '.join(found) or 'ham_ops with |'}"
        raise BatchError(message)


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
