"""The inputs of a job: its options and its circuits, as they were submitted."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Any

from farshot.errors import CircuitError
from farshot.templates.rows import rows_of
from farshot.templates.template import Template, unpacked

if TYPE_CHECKING:
    from farshot.model import JobRecord, JobSpec, Observables
    from farshot.protocols import StoredCircuits


def job_options(spec: JobSpec, record: JobRecord) -> dict[str, Any]:
    """Return the options of a job as `submit_circuits` takes them: with these its circuits give the same outcomes."""
    groups = spec.shots.groups if spec.shots else ()
    options = {
        "target": spec.target,
        "seed": spec.seed,
        "shots": groups[0].shots if len(groups) == 1 else None,
        "shot_groups": [[group.start, group.end, group.shots] for group in groups] if len(groups) > 1 else None,
        **observables_options(spec.observables),
        "tag": record.tag,
        "priority": record.priority,
        "timeout": spec.timeout,
    }
    return {name: value for name, value in options.items() if value is not None}


def observables_options(observables: Observables | None) -> dict[str, Any]:
    """Return `ham_ops` and `circuit_ham_map` of observables; a group of several ranges is repeated for each."""
    if observables is None:
        return {}
    ranges = sorted(observables.ranges, key=lambda chosen: chosen.group)
    if not ranges:
        return {"ham_ops": "|".join(map(";".join, observables.groups))}
    return {
        "ham_ops": "|".join(";".join(observables.groups[chosen.group]) for chosen in ranges),
        "circuit_ham_map": [[chosen.start, chosen.end] for chosen in ranges],
    }


class JobCircuits(Mapping[str, str]):
    """The circuits of a job: label to OpenQASM, in order of submission.

    A row of a template is inserted into its text when it is read. A row that has no text, because a number in it is not
    finite, gives the text of the template, which fails as the row did.
    """

    def __init__(self, pieces: Sequence[StoredCircuits]) -> None:
        self._pieces = pieces

    def __len__(self) -> int:
        """Return the number of circuits."""
        return sum(len(piece.labels) for piece in self._pieces)

    def __iter__(self) -> Iterator[str]:
        """Yield the labels."""
        return chain.from_iterable(piece.labels for piece in self._pieces)

    def __getitem__(self, label: str) -> str:
        """Return the text of a circuit."""
        position = self._positions[label]
        piece = self._pieces[bisect_right(self._starts, position) - 1]
        source = piece.sources[position - piece.first]
        if piece.template is None:
            return source.decode("utf-8", "surrogatepass")
        try:
            return rows_of(piece.template).text(source)
        except CircuitError:
            return piece.template.text

    def __repr__(self) -> str:
        """Return the number of circuits as text."""
        noun = "circuit" if len(self) == 1 else "circuits"
        return f"<{len(self):,} {noun}>"

    @property
    def template(self) -> Template | None:
        """The template of which all circuits are rows, faster to submit than their texts; None if there is none."""
        templates = {piece.template for piece in self._pieces}
        (template,) = templates if len(templates) == 1 else (None,)
        if template is None:
            return None
        described = chain.from_iterable(zip(piece.labels, piece.sources, strict=True) for piece in self._pieces)
        return Template(template.text, template.names, {label: unpacked(row) for label, row in described})

    @cached_property
    def _positions(self) -> dict[str, int]:
        return {label: position for position, label in enumerate(self)}

    @cached_property
    def _starts(self) -> list[int]:
        return [piece.first for piece in self._pieces]
